"""T/TJIFA003—2022 数据资产登记、存证、确权业务标准: initial and supplementary registration, notice, objection, certificate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from shugu.kernel.errors import (
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    TooEarly,
    TooLate,
)
from shugu.registry.applications import rules_of
from shugu.registry.models import Account, Filing
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.tianjin_stages import (
    ANSWERS,
    PASSED,
    POWERS,
    drafted,
    examined,
    filed,
    issued,
    needed,
    noticed,
    returned,
    revised,
    step,
    submitted,
    values,
)
from tests.world import World

pytestmark = pytest.mark.django_db

GROUNDS = (
    "not_an_asset", "not_deidentified", "not_structured", "no_evidence", "no_declaration", "inaccurate", "untrue", "not_joint",
    "harms_others", "judgment_not_effective", "other_law",
)  # fmt: skip
OBJECTIONS = ("ownership", "unlawful_source", "insecure", "non_compliant_use", "identifiable", "wrong_content")
TREATMENT_PAPERS = (
    "structuring_plan", "structuring_report", "structuring_voucher", "deid_plan", "deid_report", "deid_voucher",
    "evidence_report", "evidence_certificate",
)  # fmt: skip
PAPERS = (
    "signed_statement", "ownership_declaration", "business_licence", "legal_rep_id_front", "legal_rep_id_back", "source_proof",
    "security_proof", "use_proof", *TREATMENT_PAPERS,
)  # fmt: skip


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "tianjin")


def test_the_ten_steps_end_in_a_certificate_an_account_and_an_archive(r: Regime) -> None:
    """5.1 a)–j), 6.1.4, 8.1.2. carried by the facts of one case and what the book then says.
    carries: P2-183 P2-184 P2-188 P2-265
    """
    row = issued(r)
    steps = ["filing.drafted", "filing.submitted", "filing.examined", "filing.noticed", "filing.notice_ended", "filing.issued"]
    assert [f for f in r.facts(row) if f.startswith("filing.")] == steps
    assert r.state(row) == "registered" and "valid" in r.entry(row).facets
    certificate = r.certificates(row)[0]
    assert certificate.kind == "right_confirmation_certificate"
    assert certificate.valid_until == date(2029, 3, 6)
    assert Account.objects.filter(register="tianjin", org_id=r.world.alice.org, closed_on=None).count() == 1
    assert set(values("archive_contents")) <= filed(row)


def test_the_certificate_says_what_the_standard_asks(r: Regime) -> None:
    """8.2.1, annex 8: title, number, asset, type, holder with code, acquisition, update cycle, scope, date, term.
    carries: P2-233 P2-263
    """
    said = r.certificates(issued(r))[0].credential["credentialSubject"]
    assert said["kind_title"]["zh"] == "数据资产确权证书" and said["number"] and said["entry"]["number"] and said["filing"]
    assert said["object_kind"]["code"] == "data_set" and [right["code"] for right in said["rights"]] == list(POWERS)
    assert said["holders"][0]["uscc"] and said["entry"]["entered_on"] == "2026-03-06" and said["last_day"] == "2029-03-06"
    assert {"acquisition", "update_cycle", "usage_scope"} <= set(said["particulars"])
    assert said["issuer"]["zh"].startswith("数据资产登记平台")


def test_each_power_may_be_confirmed_alone(r: Regime) -> None:
    """3.5, 3.12: which of possession, use, benefit and disposal are held is recorded.
    carries: P2-172
    """
    for power in POWERS:
        row = r.file("first", object_kind="data_set", rights=(power,), answers=ANSWERS)
        assert list(row.rights) == [power]


def test_an_unknown_power_or_type_is_refused(r: Regime) -> None:
    """3.5, 8.2.1: the four powers and the five types are closed lists.
    carries: P2-178
    """
    with pytest.raises(InputInvalid):
        r.file("first", object_kind="data_set", rights=("holding",), answers=ANSWERS)
    with pytest.raises(InputInvalid):
        r.file("first", object_kind="data_product", rights=POWERS, answers=ANSWERS)


def test_every_type_of_asset_is_registered(r: Regime) -> None:
    """8.2.1: five types; 6.3.1: they are the types of account.
    carries: P2-234
    """
    for kind in ("data_set", "data_interface", "data_report", "data_application", "other"):
        assert r.file("first", object_kind=kind, rights=POWERS, answers=ANSWERS).object_kind == kind


def test_it_refuses_an_application_without_any_one_paper(r: Regime) -> None:
    """6.4.1.1, 6.4.1.2, annexes 1, 2, 5 and 6: each paper is asked for by itself.
    carries: P2-201 P2-202 P2-205 P2-250 P2-251
    """
    asked = {row.id: row.title.zh for row in step(drafted(r), "submit").materials}
    for absent in PAPERS:
        row = drafted(r)
        r.upload_all(row, do="submit", by=r.world.alice, but=(absent,))
        with pytest.raises(MaterialsMissing) as refused:
            r.act(row, "submit", by=r.world.alice)
        assert asked[absent] in refused.value.message("zh")


def test_the_statement_needs_two_signatures(r: Regime) -> None:
    """Annex 1, section 3: legal representative and whoever is responsible for the asset sign.
    carries: P2-250
    """
    row = drafted(r)
    r.upload_all(row, do="submit", by=r.world.alice, but=("signed_statement",))
    r.upload(row, "signed_statement", by=r.world.alice, signers=1)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.alice)
    r.upload(row, "signed_statement", by=r.world.alice, signers=2)
    r.act(row, "submit", by=r.world.alice)
    assert r.state(row) == "review"


def test_another_way_of_acquisition_is_explained(r: Regime) -> None:
    """Annex 1 item 7, annex 3: “other” has no paper of its own, so it is explained.
    carries: P2-253
    """
    row = drafted(r, acquisition="other")
    r.upload_all(row, do="submit", by=r.world.alice, but=("acquisition_explanation",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.alice)


def test_every_field_of_the_form_is_asked_for_at_once(r: Regime) -> None:
    """6.4.1.1, annex 1, 3.3, 3.4.
    carries: P2-167 P2-168 P2-248 P2-249
    """
    rows = rules_of("tianjin").value("registry.fields_first").rows
    required = [str(row["id"]) for row in rows if row.get("required", True)]
    with pytest.raises(InputInvalid) as refused:
        r.file("first", object_kind="data_set", rights=POWERS, answers=dict.fromkeys(required, ""))
    assert set(refused.value.field_errors) == {f"form.{name}" for name in required}
    assert {"bank_account", "registered_capital", "storage_medium", "scenarios", "past_event", "provenance"} <= set(required)


def test_a_recognised_certificate_spares_the_review_but_not_the_notice(r: Regime) -> None:
    """6.4.1.4: with another platform's certificate the vouchers and the examination are spared.
    carries: P2-207 P2-190
    """
    row = drafted(r, registered_elsewhere="yes")
    papers = needed(row, "submit")
    assert not papers & set(TREATMENT_PAPERS) and "elsewhere_certificate" in papers
    r.upload_all(row, do="submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "recognise", by=r.world.rong, elsewhere_status="valid")
    assert r.clock(row, "notice_period").due_on == date(2026, 3, 5)
    assert r.state(issued(r, row)) == "registered"


def test_nothing_is_recognised_without_a_certificate_elsewhere(r: Regime) -> None:
    """6.4.1.4."""
    with pytest.raises(GuardRefused):
        r.act(submitted(r), "recognise", by=r.world.rong, elsewhere_status="valid")


def test_an_asset_that_lacks_a_treatment_cannot_pass_until_it_is_supplemented(r: Regime) -> None:
    """6.1.2, 6.4.2.1, annex 1 items 8–10, annex 7: first trigger of supplementary registration.
    carries: P2-186 P2-204 P2-208 P2-209
    """
    for lacking in ("deidentified", "structured", "evidenced"):
        row = examined(r, submitted(r, **{lacking: "no"}))
        assert r.state(row) == "unfit"
        with pytest.raises(NotInProcedure):
            r.act(row, "pass", by=r.world.rong)
        r.act(row, "ask_correction", by=r.world.rong, defects=["数据资产未去标识化、匿名化、结构化或未存证"])
        revised(r, row, **{lacking: "yes"})
        r.upload_all(row, do="correct", by=r.world.alice)
        r.act(row, "correct", by=r.world.alice)
        assert r.state(examined(r, row)) == "examined"
    assert r.state(issued(r, noticed(r, row))) == "registered"


def test_one_failed_finding_bars_the_notice(r: Regime) -> None:
    """6.1.2 a), b), 4.1: garbled, abnormal or wrong data do not pass either.
    carries: P2-179 P2-186
    """
    assert set(values("review_contents")) == set(PASSED)
    for check in PASSED:
        row = examined(r, None, **{check: "failed"})
        with pytest.raises(GuardRefused):
            r.act(row, "pass", by=r.world.rong)


def test_the_supplementary_notice_lists_deficiencies(r: Regime) -> None:
    """Annex 7.
    carries: P2-261
    """
    row = submitted(r)
    with pytest.raises(InputInvalid):
        r.act(row, "ask_correction", by=r.world.rong, defects=[])
    r.act(row, "ask_correction", by=r.world.rong, defects=["未结构化", "未存证"])
    assert r.clock(row, "correction_period").due_on == date(2026, 3, 16)


@pytest.mark.parametrize(("begun", "last"), [(date(2026, 3, 2), date(2026, 3, 16)), (date(2026, 9, 28), date(2026, 10, 16))])
def test_the_time_to_supplement_runs_to_the_end_of_its_last_day(r: Regime, begun: date, last: date) -> None:
    """Annex 7 leaves the working days blank; the venue's ten, also across the holidays of October.
    carries: P2-262
    """
    r.at(begun)
    row = returned(r)
    assert r.clock(row, "correction_period").due_on == last
    r.at(last, hour=23)
    r.sweep()
    r.upload_all(row, do="correct", by=r.world.alice)
    r.act(row, "correct", by=r.world.alice)
    assert r.state(row) == "review"


def test_a_day_late_the_application_is_closed_and_may_be_filed_anew_as_supplementary(r: Regime) -> None:
    """Annex 7, 6.4.2.1–6.4.2.3: reviewed and certified like an initial registration.
    carries: P2-208 P2-209 P2-262
    """
    row = returned(r)
    r.at(date(2026, 3, 17), hour=0)
    with pytest.raises(TooLate):
        r.act(row, "correct", by=r.world.alice)
    r.sweep()
    assert r.state(row) == "lapsed" and r.facts(row)[-1] == "filing.lapsed"
    again = examined(r, submitted(r, "supplement_failed", failed_filing=row.number))
    noticed(r, again)
    r.at(date(2026, 3, 23))
    r.sweep()
    r.act(again, "issue", by=r.world.rita)
    assert r.certificates(again)[0].kind == "right_confirmation_certificate"


def test_a_failed_registration_is_shown_when_it_is_supplemented(r: Regime) -> None:
    """6.4.2.1: the supplement names and shows the notice of the failure."""
    row = drafted(r, "supplement_failed", failed_filing="X-1")
    r.upload_all(row, do="submit", by=r.world.alice, but=("failed_notice",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.alice)


def test_notices_are_given_as_often_as_the_venue_says(r: Regime) -> None:
    """Annex 7; the number is the venue's own."""
    row = submitted(r)
    for _ in range(2):
        r.act(row, "ask_correction", by=r.world.rong, defects=["缺材料"])
        r.upload_all(row, do="correct", by=r.world.alice)
        r.act(row, "correct", by=r.world.alice)
    with pytest.raises(GuardRefused):
        r.act(row, "ask_correction", by=r.world.rong, defects=["缺材料"])


def test_registration_is_refused_on_each_ground_of_a_closed_list(r: Regime) -> None:
    """1, 3.4, 4.1, 6.1.2, 6.4.1.3, 8.3.2: coded grounds.
    carries: P2-169 P2-206
    """
    for ground in GROUNDS:
        row = submitted(r)
        r.act(row, "refuse", by=r.world.rong, refusal_ground=ground, reason="经审核不符合要求")
        assert r.state(row) == "refused"
    assert set(values("refusal_grounds")) == set(GROUNDS)
    with pytest.raises(InputInvalid):
        r.act(submitted(r), "refuse", by=r.world.rong, refusal_ground="core_data", reason="x")


def test_only_the_reviewer_examines_and_only_the_registrar_issues(r: Regime) -> None:
    """6.1.2, annex 7 (signed by the reviewer), 8.1.2."""
    row = submitted(r)
    for stranger in (r.world.alice, r.world.rita):
        with pytest.raises(NotYourStep):
            r.act(row, "examine", by=stranger, **PASSED)
    noticed(r, examined(r, row))
    r.at(date(2026, 3, 6))
    r.sweep()
    with pytest.raises(NotYourStep):
        r.act(row, "issue", by=r.world.rong)


@pytest.mark.parametrize(
    ("begun", "last", "after"),
    [
        (date(2026, 3, 2), date(2026, 3, 5), date(2026, 3, 6)),
        (date(2026, 3, 5), date(2026, 3, 10), date(2026, 3, 11)),  # a weekend between
        (date(2026, 9, 30), date(2026, 10, 10), date(2026, 10, 11)),  # the holidays, and a Saturday worked for them
    ],
)
def test_the_notice_is_three_working_days(r: Regime, begun: date, last: date, after: date) -> None:
    """8.1.1, 8.1.2: no certificate before the third working day is over.
    carries: P2-230 P2-231
    """
    r.at(begun)
    row = noticed(r)
    assert r.clock(row, "notice_period").due_on == last
    r.at(last, hour=23)
    r.sweep()
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)
    r.at(after, hour=0)
    r.sweep()
    assert r.state(row) == "cleared"
    r.act(row, "issue", by=r.world.rita)
    assert r.state(row) == "registered"


def test_objections_hold_the_certificate_back_until_each_is_dealt_with(r: Regime) -> None:
    """5.1 h): between notice and certificate, on any ground; dismissed, the registration goes on.
    carries: P2-232
    """
    row = noticed(r)
    r.at(date(2026, 3, 5), hour=23)
    open_ones = [r.objection(row, ground, by=r.world.mallory) for ground in OBJECTIONS]
    r.at(date(2026, 3, 6))
    r.sweep()
    for objection in open_ones:
        assert r.state(row) == "objected"
        with pytest.raises(GuardRefused):
            r.act(row, "issue", by=r.world.rita)
        r.answer(objection, "dismiss", by=r.world.rong, reason="权属材料齐全")
    assert r.state(row) == "cleared"
    r.act(row, "issue", by=r.world.rita)
    assert r.state(row) == "registered"


def test_an_objection_upheld_ends_the_registration_and_one_withdrawn_clears_it(r: Regime) -> None:
    """5.1 h)."""
    row = noticed(r)
    r.answer(r.objection(row, "ownership", by=r.world.mallory), "withdraw", by=r.world.mallory)
    assert r.state(row) == "notice"
    r.answer(r.objection(row, "insecure", by=r.world.mallory), "uphold", by=r.world.rong, reason="成立")
    assert r.state(row) == "refused"


def test_a_day_after_the_notice_no_objection_is_taken(r: Regime) -> None:
    """5.1 h), 8.1.1; afterwards only a court helps (6.4.5.3)."""
    row = noticed(r)
    r.at(date(2026, 3, 6), hour=0)
    with pytest.raises(TooLate):
        r.objection(row, "ownership", by=r.world.mallory)
    r.sweep()
    with pytest.raises(NotInProcedure):
        r.objection(row, "ownership", by=r.world.mallory)


@pytest.mark.parametrize(("clock", "last"), [("review_period", date(2026, 3, 16)), ("issue_period", date(2026, 3, 11))])
def test_a_late_platform_is_told_overdue_once(r: Regime, clock: str, last: date) -> None:
    """4.4: changes are entered promptly; the lengths are the venue's own.
    carries: P2-182
    """
    row = submitted(r) if clock == "review_period" else noticed(r)
    if clock == "issue_period":
        r.at(date(2026, 3, 6))
        r.sweep()
    assert r.clock(row, clock).due_on == last
    r.at(last, hour=23)
    r.sweep()
    assert "clock.overdue" not in r.facts(row)
    r.at(date(2026, 3, 17))
    r.sweep()
    r.sweep()
    assert r.facts(row).count("clock.overdue") == 1


def test_the_holder_may_withdraw_until_it_is_registered(r: Regime) -> None:
    """6.4.1: registration is on application; the standard does not bar taking it back."""
    stages: dict[str, Callable[[Regime], Filing]] = {
        "draft": drafted,
        "review": submitted,
        "examined": examined,
        "returned": returned,
        "notice": noticed,
    }
    for stage, make in stages.items():
        row = make(r)
        assert r.state(row) == stage
        r.act(row, "withdraw", by=r.world.alice)
        assert r.state(row) == "withdrawn"
