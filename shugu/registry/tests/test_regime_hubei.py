"""湖北省数据交易管理暂行办法（征求意见稿）、湖北省数据要素市场建设实施方案: subject and object vouchers before trading."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotInProcedure, NotYourStep, TooLate
from shugu.kernel.regimes import load_regime
from shugu.kernel.rule_files import Force, Status
from shugu.registry import queries
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.vouchers import drafted_object, entered, handed_in, registered_object, subject
from tests.world import World

pytestmark = pytest.mark.django_db

SUBJECTS = ("provider", "demander", "merchant", "third_party_body")
OBJECTS = ("data_product", "data_service", "computing_power", "other_object")


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "hubei")


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_kind_of_subject_gets_a_subject_voucher(r: Regime, kind: str) -> None:
    """第十三条（推断）、第二十二条.

    carries: P4-250 P4-259 P4-281
    """
    row = subject(r, "subject", kind)
    assert r.state(row) == "registered"
    assert [c.kind for c in r.certificates(row)] == ["subject_voucher"]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("provider", {"source_statement"}),
        ("demander", {"demander_ability_proof"}),
        ("merchant", {"merchant_ability_proof"}),
        ("third_party_body", {"establishment_proof", "qualification_proof", "practitioner_proof"}),
    ],
)
def test_a_subject_proves_what_its_kind_requires(r: Regime, kind: str, wanted: set[str]) -> None:
    """第十四条至第十七条.

    carries: P4-251 P4-252 P4-253
    """
    for absent in sorted(wanted | {"identity"}):
        row = r.file("subject", object_kind=kind, rights=("participation",))
        r.upload_all(row, "submit", but=(absent,))
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")


def test_a_subject_declares_not_to_be_an_insider(r: Regime) -> None:
    """第十二条（九）（推断）: without the declaration there is no application.

    carries: P4-248
    """
    with pytest.raises(InputInvalid) as refused:
        r.file("subject", object_kind="merchant", rights=("participation",), answers={"no_insider": ""})
    assert "form.no_insider" in refused.value.field_errors


@pytest.mark.parametrize("again", SUBJECTS)
def test_one_subject_has_one_registration(r: Regime, again: str) -> None:
    """第二十二条: a second one is refused, also of another kind.

    carries: P4-259 P4-281
    """
    subject(r, "subject", "merchant")
    row = r.file("subject", object_kind=again, rights=("participation",))
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


def test_of_two_applications_of_one_subject_only_one_is_entered(r: Regime) -> None:
    """第二十二条: the second is stopped when it would be entered.

    carries: P4-259
    """
    both = [handed_in(r, r.file("subject", object_kind=k, rights=("participation",))) for k in ("provider", "demander")]
    entered(r, both[0])
    r.act(both[1], "accept", by=r.world.rita)
    r.act(both[1], "pass", by=r.world.rong)
    with pytest.raises(GuardRefused):
        r.act(both[1], "issue", by=r.world.rita)


def test_a_registered_subject_changes_its_registration_instead(r: Regime) -> None:
    """第二十二条: the voucher before is superseded."""
    first = subject(r, "subject", "provider")
    row = r.file("subject_change", entry=r.entry(first).number)
    entered(r, handed_in(r, row))
    assert "superseded" in r.certificates(first)[0].facets
    assert [c.kind for c in r.certificates(row)] == ["subject_voucher"]


@pytest.mark.parametrize("kind", OBJECTS)
def test_every_kind_of_object_gets_an_object_voucher_after_the_evaluation(r: Regime, kind: str) -> None:
    """第十九条、第二十三条.

    carries: P4-203 P4-260 P4-281
    """
    subject(r, "subject", "provider")
    row = registered_object(r, kind)
    assert [c.kind for c in r.certificates(row)] == ["object_voucher"]


def test_an_object_is_registered_by_a_registered_subject_only(r: Regime) -> None:
    """第二十一条: subject registration comes first.

    carries: P4-281
    """
    row = drafted_object(r)
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


@pytest.mark.parametrize("absent", ["compliance_report", "evaluation_record"])
def test_no_object_voucher_without_the_evaluation(r: Regime, absent: str) -> None:
    """第二十三条、第二十四条.

    carries: P4-260
    """
    subject(r, "subject", "provider")
    row = handed_in(r, drafted_object(r))
    r.act(row, "accept", by=r.world.rita)
    r.upload_all(row, "pass", by=r.world.rong, but=(absent,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "pass", by=r.world.rong)


def test_one_object_has_one_registration(r: Regime) -> None:
    """第二十三条: the same product under the same name is refused, whoever files it, whatever is put between the words.

    carries: P4-260 P4-281
    """
    subject(r, "subject", "provider")
    subject(r, "subject", "provider", by=r.world.carol)
    registered_object(r)
    for by, title in ((None, "城市客流统计数据"), (r.world.carol, "城市 客流・统计数据")):
        row = drafted_object(r, by=by, title=title)
        r.upload_all(row, "submit", by=by)
        with pytest.raises(GuardRefused):
            r.act(row, "submit", by=by)


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"data_class": "public"}, "public_authorisation"),
        ({"data_class": "enterprise"}, "enterprise_statement"),
        ({"data_class": "personal"}, "personal_consent"),
        ({"data_class": "public", "personal_information": "yes"}, "personal_consent"),
        ({"data_class": "public", "identifies_person": "yes"}, "deidentification"),
    ],
)
def test_each_class_of_data_has_its_own_authorisation(r: Regime, answers: dict[str, str], wanted: str) -> None:
    """实施方案 重点任务4、6; 第二十条（二）.

    carries: P4-204 P4-208 P1-019 P6-046 P6-197 P6-323 P6-336
    """
    subject(r, "subject", "provider")
    row = r.file("first", object_kind="data_product", rights=("holding",), answers=answers)
    r.upload_all(row, "submit", but=(wanted,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    r.upload(row, wanted)
    assert r.state(r.act(row, "submit")) == "submitted"


def test_interests_are_held_in_part_or_in_whole(r: Regime) -> None:
    """第十八条: one or several of four.

    carries: P4-255 P6-197 P6-323 P6-336
    """
    for rights in (("holding",), ("holding", "processing_use", "operation", "lawful_property")):
        assert tuple(r.file("first", object_kind="data_product", rights=rights).rights) == rights
    with pytest.raises(InputInvalid):
        r.file("first", object_kind="data_product", rights=("possession",))


@pytest.mark.parametrize(("operation", "kind"), [("subject", "data_product"), ("first", "merchant")])
def test_subjects_and_objects_are_not_mixed_up(r: Regime, operation: str, kind: str) -> None:
    """第二十二条、第二十三条: two registrations, two vouchers."""
    row = r.file(operation, object_kind=kind, rights=("participation",))
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


@pytest.mark.parametrize(
    "ground",
    [
        "security", "privacy", "unauthorised", "unlawful_source", "forbidden", "subject_requirements", "registered_before",
        "evaluation",
    ],
)
def test_it_refuses_on_every_ground(r: Regime, ground: str) -> None:
    """第十四条至第十七条、第二十条、第二十二条、第二十三条."""
    row = handed_in(r, r.file("subject", object_kind="merchant", rights=("participation",)))
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "refuse", by=r.world.rong, refusal_ground=ground, reason="不符合要求")
    assert r.state(row) == "refused"


def test_correction_is_asked_once_and_lapses_after_ten_working_days(r: Regime) -> None:
    """The draft sets no period: the venue's ten working days, across Qingming."""
    r.at(date(2026, 3, 30))
    row = handed_in(r, r.file("subject", object_kind="merchant", rights=("participation",)))
    r.act(row, "ask_correction", by=r.world.rita, defects="缺少证明")
    assert r.clock(row, "correction_period").due_on == date(2026, 4, 14)
    r.at(date(2026, 4, 15), 1)
    with pytest.raises(TooLate):
        r.act(row, "correct")
    r.sweep()
    assert r.state(row) == "lapsed"
    other = handed_in(r, r.file("subject", object_kind="merchant", rights=("participation",)))
    r.act(other, "ask_correction", by=r.world.rita, defects="缺少证明")
    r.act(other, "correct")
    with pytest.raises(GuardRefused):
        r.act(other, "ask_correction", by=r.world.rita, defects="缺少证明")


def test_registrar_and_reviewer_are_two_people_of_the_venue(r: Regime) -> None:
    """Nobody of the venue's staff does both, and no stranger does either."""
    row = handed_in(r, r.file("subject", object_kind="merchant", rights=("participation",)))
    with pytest.raises(NotYourStep):
        r.act(row, "accept", by=r.world.alice)
    r.act(row, "accept", by=r.world.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "pass", by=r.world.rita)
    with pytest.raises(NotInProcedure):
        r.act(row, "issue", by=r.world.rita)


def test_both_vouchers_are_the_condition_of_trading(r: Regime) -> None:
    """第二十一条至第二十三条: provider, buyer and object, each registered and in force.

    carries: P4-250 P4-259 P4-260 P4-281
    """
    alice, bob = r.world.alice, r.world.bob

    def blocks(entry: int, on: date) -> set[str]:
        return {reason.code for reason in queries.tradable(entry, on, bob.org)}

    subject(r, "subject", "provider")
    found = r.entry(registered_object(r))
    assert found.holder_org == alice.org and blocks(found.id, r.now.date()) == {"buyer_unregistered"}
    subject(r, "subject", "demander", by=bob)
    assert blocks(found.id, r.now.date()) == set()
    assert blocks(found.id, date(2029, 3, 3)) == {"expired", "provider_unregistered", "buyer_unregistered"}


def test_a_draft_binds_nobody_and_keeps_thirty_years() -> None:
    """第三十条、第三十九条: status and force stand beside every value.

    carries: P4-267 P4-284
    """
    regime = load_regime("hubei", date(2026, 3, 2))
    assert {document.status for document, _ in regime.documents} == {Status.DRAFT, Status.ADVISORY}
    own = [v for v in regime.values.values() if v.document.startswith("hubei/")]
    assert own and not [v for v in own if v.force is Force.MUST]
    assert (regime.values["registry.retention"].value, regime.values["registry.retention"].unit) == (30, "year")
    persons = {str(row["code"]): tuple(row.get("persons", ())) for row in regime.values["registry.objects"].rows}  # type: ignore[arg-type]
    assert "natural" in persons["provider"] and "natural" in persons["demander"]
    assert "natural" not in persons["merchant"] and "natural" not in persons["third_party_body"]
