"""深圳市数据产权登记管理暂行办法 (2023-07-01 to 2026-06-30): licence, transfer, change, cancellation."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import (
    Forbidden,
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotFound,
    NotInProcedure,
    NotYourStep,
    TooLate,
)
from shugu.kernel.regimes import load_regime
from shugu.kernel.tables import table
from shugu.registry import queries, services
from shugu.registry.applications import code_table, rules_of
from shugu.registry.errors import EntryEnded
from shugu.registry.queries_book import encumbrances
from shugu.registry.tests.regime_stages import acquired, asked, entered, examine, finish, sold
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

BEFORE_GOLDEN_WEEK = date(2026, 9, 28)
AFTER_FIRST = ("licence", "transfer", "change", "cancellation")
REFUSALS = ("core_data", "unlawful_source", "ownership_dispute", "other_law")


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "shenzhen")


def test_the_measures_apply_to_their_last_day_and_then_go_on_as_the_venues_own_choice() -> None:
    """第三十四条

    carries: P3-103
    """
    inside, after = (load_regime("shenzhen", on=day) for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert inside.values["registry.retention"].force == "must"
    assert (after.values["registry.retention"].force, after.values["registry.retention"].status) == ("venue", "lapsed")


def test_of_the_six_types_only_the_first_has_a_public_notice(r: Regime) -> None:
    """第三条、第十四条至第十九条

    carries: P3-055 P3-075
    """
    rules = rules_of("shenzhen")
    assert list(code_table(rules, "registry.operation_types")) == ["first", *AFTER_FIRST, "objection"]
    procedures = load_regime("shenzhen", on=r.now.date()).head.procedures
    noticed = {op for op, procedure in procedures.items() if "filing.noticed" in table(procedure).facts}
    assert noticed == {"first"} and set(procedures) >= {"first", *AFTER_FIRST, "objection"}
    assert rules.value("registry.notice_period").force == "venue"


def test_materials_are_kept_thirty_years_and_a_venue_may_not_keep_them_shorter(r: Regime) -> None:
    """第十条

    carries: P3-070
    """
    kept = rules_of("shenzhen").value("registry.retention")
    assert (kept.number, kept.unit, kept.bound, kept.article) == (30, "year", "min", "第十条")


@pytest.mark.parametrize("operation", AFTER_FIRST)
def test_nothing_is_registered_about_what_was_not_registered_first(r: Regime, operation: str) -> None:
    """第十四条

    carries: P3-074
    """
    cmd = services.SubmitFiling(
        "shenzhen", r.world.alice.org or 0, "", "data_resource", (), r.sample(operation, "data_resource"),
        operation=operation, entry_number="NO-SUCH-ENTRY",
    )  # fmt: skip
    with pytest.raises(NotFound):
        services.submit_filing(cmd, actor=r.world.alice, now=r.now)


def test_each_object_has_one_number_and_a_second_one_another(r: Regime) -> None:
    """第十三条

    carries: P3-073
    """
    numbers = {entered(r), entered(r, "data_product")}
    assert len(numbers) == 2


def test_a_resource_and_a_product_get_certificates_of_their_own_kinds(r: Regime) -> None:
    """第七条（二）

    carries: P3-062
    """
    shown = {kind: queries.entry_by_number(entered(r, kind)).certificate_number for kind in ("data_resource", "data_product")}
    assert {queries.certificate(n, r.now.date()).kind for n in shown.values()} == {
        "data_resource_certificate", "data_product_certificate",
    }  # fmt: skip


def test_a_licence_needs_the_table_the_proof_the_identity_and_a_substantive_review(r: Regime) -> None:
    """第十六条（一）至（五）

    carries: P3-079 P3-080
    """
    w, entry = r.world, entered(r)
    row = asked(r, "licence", entry)
    with pytest.raises(MaterialsMissing) as told:
        r.act(row, "submit", w.bob)
    assert told.value.article in {"第十六条（三）", "第十六条（五）"}
    r.upload_all(row, "submit", by=w.bob, but=("identity",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", w.bob)
    r.upload_all(row, "submit", by=w.bob)
    r.act(row, "submit", w.bob)
    assert r.state(row) == "substantive_review"
    with pytest.raises(NotYourStep):
        r.act(row, "report", w.bob, review_conclusion="passed")
    examine(r, row, "failed")
    with pytest.raises(GuardRefused):
        r.act(row, "send", w.bob)
    r.act(row, "commission", w.bob)
    examine(r, row)
    r.act(row, "send", w.bob)
    assert r.state(row) == "submitted"


def test_a_licence_is_noted_beside_the_entry_and_its_voucher_ends_with_its_term(r: Regime) -> None:
    """第七条（二）、第十六条

    carries: P3-062 P3-079
    """
    entry = entered(r)
    row = finish(r, acquired(r, "licence", entry, term_until="2026-12-31"))
    (voucher,) = r.certificates(row)
    assert (voucher.kind, voucher.valid_until) == ("data_resource_licence_voucher", date(2026, 12, 31))
    line = queries.entry_by_number(entry, r.now.date())
    assert line.facets == {"valid", "encumbered"} and line.holder_org == r.world.alice.org
    (noted,) = encumbrances(line.id)
    assert (noted.kind, noted.beneficiary, noted.article != "") == ("licence", r.world.bob.org, True)
    assert set(noted.detail) >= {"licensed_rights", "licence_mode", "confidentiality", "restrictions", "term_until"}


def test_a_product_is_not_licensed_by_registration(r: Regime) -> None:
    """第十六条：许可登记针对已登记的数据资源

    carries: P3-079
    """
    row = asked(r, "licence", entered(r, "data_product"))
    r.upload_all(row, "submit", by=r.world.bob)
    with pytest.raises(GuardRefused):
        r.act(row, "submit", r.world.bob)


@pytest.mark.parametrize("operation", ["licence", "transfer"])
def test_what_was_gained_on_a_linked_venue_needs_the_application_alone(r: Regime, operation: str) -> None:
    """第十六条（六）、第十七条（五）

    carries: P3-067 P3-081 P3-082
    """
    entry = entered(r)
    sold(r, entry)
    row = asked(r, operation, entry, reviewed=False)
    r.act(row, "submit", r.world.bob)
    assert r.state(row) == "submitted"
    finish(r, row)
    assert r.state(row) == "registered" and "filing.examined" not in r.facts(row)


@pytest.mark.parametrize("operation", ["licence", "transfer"])
def test_without_a_trade_or_a_third_party_it_does_not_reach_the_registrar(r: Regime, operation: str) -> None:
    """第十六条（四）（六）、第十七条（四）（五）

    carries: P3-081
    """
    bob = r.world.bob
    row = asked(r, operation, entered(r), reviewed=False)
    r.upload_all(row, "submit", by=bob)
    r.act(row, "submit", bob)
    assert r.state(row) == "unproven"
    with pytest.raises(NotYourStep):
        r.act(row, "withdraw", r.world.rita)
    r.upload(row, "venue_voucher", by=bob)
    r.act(row, "submit", bob)
    assert r.state(row) == "submitted"


def test_a_transfer_is_asked_for_by_the_new_holder_and_makes_a_new_version(r: Regime) -> None:
    """第十七条

    carries: P3-082
    """
    entry = entered(r)
    old = queries.entry_by_number(entry).certificate_number
    row = finish(r, acquired(r, "transfer", entry))
    line = queries.entry_by_number(entry, r.now.date())
    assert (line.holder_org, line.version) == (r.world.bob.org, 2)
    assert [c.kind for c in r.certificates(row)] == ["data_resource_certificate"]
    assert "superseded" in queries.certificate(old, r.now.date()).facets


@pytest.mark.parametrize("operation", ["licence", "transfer"])
def test_who_does_not_accept_the_duties_gains_nothing(r: Regime, operation: str) -> None:
    """第八条

    carries: P3-064
    """
    row = asked(r, operation, entered(r), duties_accepted="no")
    r.upload_all(row, "submit", by=r.world.bob)
    with pytest.raises(GuardRefused):
        r.act(row, "submit", r.world.bob)


@pytest.mark.parametrize("cause", ["merger", "division", "dissolution", "bankruptcy"])
def test_who_succeeds_to_a_right_takes_it_with_its_licences(r: Regime, cause: str) -> None:
    """第十七条；数据二十条二（七）

    carries: P1-028
    """
    entry = entered(r)
    finish(r, acquired(r, "licence", entry, term_until="2028-12-31"))
    finish(r, acquired(r, "transfer", entry, by=r.world.carol, transfer_cause=cause))
    line = queries.entry_by_number(entry, r.now.date())
    assert line.holder_org == r.world.carol.org and "encumbered" in line.facets
    assert [e.beneficiary for e in encumbrances(line.id)] == [r.world.bob.org]


def test_a_transfer_needs_identity_and_proof(r: Regime) -> None:
    """第十七条（二）（三）"""
    row = asked(r, "transfer", entered(r))
    for missing in ("new_holder_identity", "transfer_proof"):
        r.upload_all(row, "submit", by=r.world.bob, but=("new_holder_identity", "transfer_proof"))
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit", r.world.bob)
        r.upload(row, missing, by=r.world.bob)
    r.act(row, "submit", r.world.bob)
    assert r.state(row) == "substantive_review"


def test_a_change_needs_its_proof_and_no_third_party(r: Regime) -> None:
    """第十八条

    carries: P3-083
    """
    entry = entered(r)
    row = r.file("change", entry=entry, title="城市客流统计数据（更正）", answers={"change_cause": "corrected"})
    with pytest.raises(MaterialsMissing) as told:
        r.act(row, "submit")
    assert told.value.article == "第十八条（二）"
    r.upload_all(row, "submit")
    r.act(row, "submit")
    finish(r, row)
    line = queries.entry_by_number(entry, r.now.date())
    assert (line.version, line.title) == (2, "城市客流统计数据（更正）") and line.facets == {"valid"}


def test_other_materials_are_filed_when_the_registrar_asks_for_them(r: Regime) -> None:
    """第十八条（三）、第十九条（三）"""
    row = r.file("change", entry=entered(r))
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "ask_correction", r.world.rita, defects="缺主管部门意见", required_by_registrar="主管部门意见")
    with pytest.raises(MaterialsMissing) as told:
        r.act(row, "correct")
    assert told.value.article == "第十八条（三）、第十九条（三）"
    r.upload(row, "other")
    r.act(row, "correct")
    assert r.state(row) == "submitted"


def test_only_the_registrant_may_ask_for_a_change(r: Regime) -> None:
    """第十八条

    carries: P3-083
    """
    with pytest.raises(InputInvalid) as told:
        r.file("change", entry=entered(r), applicant=r.world.bob)
    assert "entry_number" in told.value.field_errors


def test_a_cancellation_voids_the_certificate_and_ends_the_entry(r: Regime) -> None:
    """第十九条

    carries: P3-084
    """
    entry = entered(r)
    certificate = queries.entry_by_number(entry).certificate_number
    row = r.file("cancellation", entry=entry)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    r.upload_all(row, "submit")
    r.act(row, "submit")
    finish(r, row)
    assert r.certificates(row) == [] and "cancelled" in r.facets(entry)
    assert "cancelled" in queries.certificate(certificate, r.now.date()).facets
    with pytest.raises(EntryEnded):
        r.file("change", entry=entry)


def test_the_new_holder_of_an_ended_right_cancels_on_the_legal_document(r: Regime) -> None:
    """第十九条

    carries: P3-085
    """
    entry, bob = entered(r), r.world.bob
    row = r.file("cancellation_by_successor", entry=entry, applicant=bob)
    with pytest.raises(MaterialsMissing) as told:
        r.act(row, "submit", bob)
    assert told.value.article == "第十九条"
    r.upload_all(row, "submit", by=bob)
    r.act(row, "submit", bob)
    finish(r, row)
    assert "cancelled" in r.facets(entry)


def test_without_a_successor_the_registrar_cancels_and_another_person_reviews(r: Regime) -> None:
    """第十九条

    carries: P3-085
    """
    w, entry = r.world, entered(r)
    with pytest.raises((Forbidden, NotYourStep)):
        r.file("cancellation_by_registrar", entry=entry)
    row = r.file("cancellation_by_registrar", entry=entry, by=w.rita)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", w.rita)
    r.upload_all(row, "submit", by=w.rita)
    r.act(row, "submit", w.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "pass", w.rita)
    r.act(row, "pass", w.rong)
    r.act(row, "issue", w.rita)
    assert "cancelled" in r.facets(entry)


@pytest.mark.parametrize("ground", REFUSALS)
def test_each_ground_of_article_21_refuses_at_the_door_and_in_review(r: Regime, ground: str) -> None:
    """第二十一条

    carries: P3-092
    """
    entry = entered(r)
    for do, by, state in (("decline", r.world.rita, "declined"), ("refuse", r.world.rong, "refused")):
        row = r.file("change", entry=entry)
        r.upload_all(row, "submit")
        r.act(row, "submit")
        if do == "refuse":
            r.act(row, "accept", r.world.rita)
        r.act(row, do, by, refusal_ground=ground, reason="依法不予办理")
        assert r.state(row) == state
        with pytest.raises(NotInProcedure):
            r.act(row, "withdraw")


def test_a_ground_of_another_regime_is_refused(r: Regime) -> None:
    """第二十一条"""
    row = acquired(r, "transfer", entered(r))
    with pytest.raises(InputInvalid):
        r.act(row, "decline", r.world.rita, refusal_ground="incomplete_materials", reason="x")


def test_correction_is_taken_on_its_last_day_and_lapses_the_day_after(r: Regime) -> None:
    """第二十九条；期限为本制度自定，跨国庆假期与调休"""
    row = acquired(r, "transfer", entered(r))
    r.at(BEFORE_GOLDEN_WEEK)
    r.act(row, "ask_correction", r.world.rita, defects="缺一页\n日期不符")
    assert r.clock(row, "correction_period").due_on == date(2026, 10, 16)
    r.at(date(2026, 10, 16), 23, 59).sweep()
    assert r.state(row) == "correction"
    r.at(date(2026, 10, 17), 0)
    with pytest.raises(TooLate):
        r.act(row, "correct", r.world.bob)
    r.sweep()
    assert r.state(row) == "lapsed"


def test_the_times_to_accept_review_and_issue_run_over_national_day(r: Regime) -> None:
    """第十六条至第十九条；期限为本制度自定"""
    row = r.file("change", entry=entered(r))
    r.at(BEFORE_GOLDEN_WEEK)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    assert r.clock(row, "acceptance_period").due_on == date(2026, 10, 10)
    r.at(date(2026, 10, 11), 0).sweep()
    assert r.clock(row, "acceptance_period").status == "overdue"
    r.act(row, "accept", r.world.rita)
    assert r.clock(row, "review_period").due_on == date(2026, 10, 23)
    r.at(date(2026, 10, 12))
    r.act(row, "pass", r.world.rong)
    assert r.clock(row, "issue_period").due_on == date(2026, 10, 15)
