"""T/TJIFA003—2022 数据资产登记、存证、确权业务标准: what follows registration: change, encumbrance, term, cancellation."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shugu.kernel import duties as duty_cases
from shugu.kernel import journal
from shugu.kernel.errors import (
    AlreadyGiven,
    GuardRefused,
    HeldBack,
    InputInvalid,
    MaterialsMissing,
    NotFound,
)
from shugu.kernel.models import Case, Clock, Fact
from shugu.kernel.tables import table
from shugu.registry import duties, queries
from shugu.registry.applications import rules_of
from shugu.registry.errors import EntryEnded
from shugu.registry.models import Filing
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.tianjin_stages import examined, filed, issued, needed, noticed, submitted, values
from tests.world import World

pytestmark = pytest.mark.django_db
DECLARED = {"evidence_body": "存证服务商", "evidence_number": "CZ-2026-1", "declaration_digest": "sha256:ab"}


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "tianjin")


@pytest.fixture()
def entry(r: Regime) -> str:
    """A registered asset of Alice, certified on Friday 6 March 2026."""
    return r.entry(issued(r)).number


def asked(r: Regime, operation: str, entry: str, **given: Any) -> Filing:
    """Opened by the holder, with every paper but the second voice where one is needed."""
    row = r.file(operation, entry=entry, **given)
    r.upload_all(row, do="submit", by=given.get("applicant", r.world.alice))
    return row


def ended(r: Regime, row: Filing) -> Filing:
    """Approved by the reviewer and entered by the registrar."""
    r.act(row, "pass", by=r.world.rong)
    return r.act(row, "issue", by=r.world.rita)


def alone(r: Regime, operation: str, entry: str, **given: Any) -> Filing:
    row = asked(r, operation, entry, **given)
    r.act(row, "submit", by=given.get("applicant", r.world.alice))
    return ended(r, row)


def together(r: Regime, operation: str, entry: str, **given: Any) -> Filing:
    row = asked(r, operation, entry, counterparty=r.world.bob.org, **given)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.bob)
    return ended(r, row)


def owed(r: Regime) -> list[int]:
    """The declarations that the facts of transfers open, as the worker's subscription would."""
    journal.assign_positions()
    facts = [f for f in journal.read(0, 1000) if f.name == "entry.transferred"]
    opened = [duty_cases.open_duty(table("tianjin.declaration"), fact, r.now) for fact in facts]
    return [case for case in opened if case is not None]


# Change registration: both sides together.


def test_a_transfer_is_applied_for_by_both_sides(r: Regime, entry: str) -> None:
    """6.4.3.1, 6.4.3.3, 8.3.1: one signature is not enough, the same twice neither; the old certificate is replaced.
    carries: P2-210 P2-212 P2-238
    """
    old = queries.entry_by_number(entry).certificate_number
    row = asked(r, "transfer", entry, counterparty=r.world.bob.org)
    r.act(row, "submit", by=r.world.alice)
    assert r.state(row) == "draft" and r.facts(row)[-1] == "filing.consented"
    with pytest.raises(AlreadyGiven):
        r.act(row, "submit", by=r.world.alice)
    with pytest.raises(NotFound):
        r.act(row, "submit", by=r.world.mallory)
    r.act(row, "submit", by=r.world.bob)
    assert r.state(row) == "review"
    ended(r, row)
    assert r.entry(row).holder_org == r.world.bob.org and r.entry(row).version == 2
    assert "superseded" in queries.certificate(old, r.now.date()).facets
    assert "valid" in r.certificates(row)[0].facets


def test_a_change_names_its_other_side(r: Regime, entry: str) -> None:
    """6.4.3.3."""
    with pytest.raises(InputInvalid):
        r.file("transfer", entry=entry)


def test_each_paper_of_a_change_is_asked_for_and_the_contract_has_two_signatures(r: Regime, entry: str) -> None:
    """6.4.3.4: application, identity, original certificate, contract signed by both.
    carries: P2-213 P2-218
    """
    for absent in ("identity", "counterparty_identity", "original_certificate", "contract"):
        row = r.file("transfer", entry=entry, counterparty=r.world.bob.org)
        r.upload_all(row, do="submit", by=r.world.alice, but=(absent,))
        r.act(row, "submit", by=r.world.alice)
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit", by=r.world.bob)
        r.upload(row, absent, by=r.world.alice, signers=2 if absent == "contract" else 1)
        r.act(row, "submit", by=r.world.bob)
        assert r.state(row) == "review"
        r.act(row, "withdraw", by=r.world.bob)
    row = r.file("transfer", entry=entry, counterparty=r.world.bob.org)
    r.upload_all(row, do="submit", by=r.world.alice, but=("contract",))
    r.upload(row, "contract", by=r.world.alice, signers=1)
    r.act(row, "submit", by=r.world.alice)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.bob)


def test_who_does_not_hold_the_asset_cannot_transfer_it(r: Regime, entry: str) -> None:
    """6.4.3.1: the right holder transfers what is registered."""
    with pytest.raises(InputInvalid):
        r.file("transfer", entry=entry, applicant=r.world.mallory, counterparty=r.world.bob.org)


def test_the_former_holder_owes_a_declaration_on_the_day_of_issue(r: Regime, entry: str) -> None:
    """6.4.3.5: on that very day, to the evidence body, on chain; the new holder and strangers cannot make it.
    carries: P2-214
    """
    together(r, "transfer", entry)
    (case,) = owed(r)
    clock = Clock.objects.get(case_id=case, clock="declaration_period")
    assert (clock.starts_on, clock.due_on) == (date(2026, 3, 6), date(2026, 3, 6))
    assert owed(r) == []
    declare = duties.ActOnDuty(case, "declare", DECLARED)
    for other in (r.world.bob, r.world.mallory):
        with pytest.raises(NotFound):
            duties.act_on_duty(declare, actor=other, now=r.now)
    with pytest.raises(InputInvalid):
        duties.act_on_duty(duties.ActOnDuty(case, "declare", {}), actor=r.world.alice, now=r.now)
    r.at(date(2026, 3, 6), hour=23)
    duties.act_on_duty(declare, actor=r.world.alice, now=r.now)
    assert Case.objects.get(pk=case).state == "declared"
    assert Clock.objects.get(pk=clock.pk).status != "overdue"


def test_a_declaration_that_is_late_is_recorded_with_its_time_and_still_taken(r: Regime, entry: str) -> None:
    """6.4.3.6: the former holder bears what the delay costs, so the delay is on record.
    carries: P2-215
    """
    together(r, "transfer", entry)
    (case,) = owed(r)
    r.at(date(2026, 3, 7), hour=0)
    r.sweep()
    assert Fact.objects.filter(case_id=case, name="clock.overdue").count() == 1
    duties.act_on_duty(duties.ActOnDuty(case, "declare", DECLARED), actor=r.world.alice, now=r.now)
    assert Case.objects.get(pk=case).state == "declared"
    assert rules_of("tianjin").value("registry.declaration_loss_borne_by").value == "former_holder"


def test_a_pledge_goes_on_the_page_of_encumbrances_and_owes_no_declaration(r: Regime, entry: str) -> None:
    """6.4.3.2, 8.2.2: recorded beside the entry and on its page; ownership does not change.
    carries: P2-211 P2-236
    """
    row = together(r, "pledge", entry)
    assert [c.kind for c in r.certificates(row)] == ["encumbrance_page"]
    assert {"valid", "encumbered"} <= r.facets(entry)
    assert "encumbered" in queries.certificate(queries.entry_by_number(entry).certificate_number, r.now.date()).facets
    assert queries.entry_by_number(entry).holder_org == r.world.alice.org and owed(r) == []


def test_a_pledged_asset_is_not_transferred_before_the_pledge_is_discharged(r: Regime, entry: str) -> None:
    """6.4.3.2, 8.3.1: the pledge is struck out by both sides; then the transfer goes on."""
    together(r, "pledge", entry)
    row = asked(r, "transfer", entry, counterparty=r.world.bob.org)
    with pytest.raises(HeldBack):
        r.act(row, "submit", by=r.world.alice)
    together(r, "discharge", entry)
    assert "encumbered" not in r.facets(entry)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.bob)
    ended(r, row)
    assert r.entry(row).holder_org == r.world.bob.org


def test_a_licence_ends_with_its_term(r: Regime, entry: str) -> None:
    """6.4.3.2, 8.2.2: use by another is recorded until the last day that both sides named."""
    together(r, "licence", entry, answers={"term_until": "2026-06-30"})
    assert "encumbered" in r.at(date(2026, 6, 30)).facets(entry)
    assert "encumbered" not in r.at(date(2026, 7, 1)).facets(entry)


def test_a_change_may_be_corrected_refused_and_withdrawn(r: Regime, entry: str) -> None:
    """6.4.3.3, 6.4.3.4, 8.3.2; correction needs both voices again, and lapses after its ten working days."""
    row = asked(r, "pledge", entry, counterparty=r.world.bob.org)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.bob)
    r.act(row, "ask_correction", by=r.world.rong, defects=["合同缺页"])
    assert r.clock(row, "correction_period").due_on == date(2026, 3, 20)
    r.act(row, "correct", by=r.world.bob)
    assert r.state(row) == "returned"
    r.act(row, "correct", by=r.world.alice)
    r.act(row, "refuse", by=r.world.rong, refusal_ground="harms_others", reason="损害第三人利益")
    assert r.state(row) == "refused"
    late = asked(r, "licence", entry, counterparty=r.world.bob.org)
    r.act(late, "submit", by=r.world.alice)
    r.act(late, "submit", by=r.world.bob)
    r.act(late, "ask_correction", by=r.world.rong, defects=["合同缺页"])
    r.at(date(2026, 3, 21), hour=0)
    r.sweep()
    assert r.state(late) == "lapsed"


def test_a_change_of_content_replaces_the_certificate(r: Regime, entry: str) -> None:
    """8.3.1: subject, function or other content; 8.2.1: a new version is named.
    carries: P2-238 P2-241
    """
    old = queries.entry_by_number(entry).certificate_number
    for number, kind in enumerate(values("change_kinds"), 2):
        row = alone(r, "change", entry, answers={"change_kind": kind, "version_label": f"V{number}"})
        assert r.entry(row).version == number and r.entry(row).form["version_label"] == f"V{number}"
    assert "superseded" in queries.certificate(old, r.now.date()).facets


def test_use_beyond_the_scenarios_is_registered_as_a_supplement(r: Regime, entry: str) -> None:
    """6.4.1.1 b), 6.4.2: second trigger; reviewed, noticed and certified like an initial registration.
    carries: P2-203 P2-204 P2-209
    """
    row = r.file("supplement_scenario", entry=entry, answers={"scenarios": "信贷风控", "promise": "yes"})
    assert {"scenario_evidence_report", "scenario_deid_voucher"} <= needed(row, "submit")
    assert not {"business_licence", "structuring_plan"} & needed(row, "submit")
    r.upload_all(row, do="submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "examine", by=r.world.rong, three_isation_check="passed", evidence_check="passed", accuracy_check="passed")
    r.act(row, "pass", by=r.world.rong)
    assert r.clock(row, "notice_period").due_on == date(2026, 3, 11)
    r.at(date(2026, 3, 12))
    r.sweep()
    r.act(row, "issue", by=r.world.rita)
    assert r.entry(row).form["scenarios"] == "信贷风控" and r.entry(row).version == 2
    assert r.entry(row).form["keywords"] and r.certificates(row)[0].kind == "right_confirmation_certificate"
    reasons = rules_of("tianjin").value("registry.supplement_reasons").rows
    assert {x["operation"] for x in reasons} == {"supplement_failed", "supplement_scenario"}


# Term, extension, cancellation.


@pytest.mark.parametrize(
    ("day", "open_"),
    [(date(2029, 2, 5), False), (date(2029, 2, 6), True), (date(2029, 3, 6), True), (date(2029, 3, 7), False)],
)
def test_an_extension_is_sought_within_the_month_before_expiry(r: Regime, entry: str, day: date, open_: bool) -> None:
    """8.3.3: three years to 6 March 2029; a day early or late it is refused.
    carries: P2-242 P2-243
    """
    assert queries.entry_by_number(entry).valid_until == date(2029, 3, 6)
    r.at(day, hour=23)
    row = asked(r, "renewal", entry)
    if not open_:
        with pytest.raises(GuardRefused):
            r.act(row, "submit", by=r.world.alice)
        return
    r.act(row, "submit", by=r.world.alice)
    ended(r, row)
    assert r.entry(row).valid_until == date(2032, 3, 6)


def test_the_term_ends_with_the_data_if_they_end_first(r: Regime) -> None:
    """8.3.3: or as long as the data are valid.
    carries: P2-242 P2-243
    """
    row = issued(r, noticed(r, examined(r, submitted(r, data_valid_until="2027-12-31"))))
    assert r.certificates(row)[0].valid_until == date(2027, 12, 31)
    number = r.entry(row).number
    assert "valid" in r.at(date(2027, 12, 31)).facets(number)
    assert "expired" in r.at(date(2028, 1, 1)).facets(number)


def test_cancellation_leaves_the_archive(r: Regime, entry: str) -> None:
    """6.4.5.1, 6.4.5.2, 5.1 j): out of the live book, papers and certificate kept; nothing more is registered about it.
    carries: P2-216 P2-217 P2-265
    """
    first = Filing.objects.get(operation="first")
    papers = filed(first)
    assert {"application_form", "identity", "original_certificate"} <= needed(r.file("cancellation", entry=entry), "submit")
    alone(r, "cancellation", entry)
    assert "cancelled" in r.facets(entry) and "valid" not in r.facets(entry)
    assert filed(first) == papers and r.certificates(first)
    with pytest.raises(EntryEnded):
        r.file("transfer", entry=entry, counterparty=r.world.bob.org)


@pytest.mark.parametrize("operation", ["cancellation", "certificate_cancellation"])
def test_nothing_is_cancelled_while_an_encumbrance_stands(r: Regime, entry: str, operation: str) -> None:
    """8.3.2: not at another's expense; after the discharge it goes on.
    carries: P2-239 P2-240
    """
    together(r, "pledge", entry)
    row = asked(r, operation, entry)
    with pytest.raises(GuardRefused):
        r.act(row, "submit", by=r.world.alice)
    together(r, "discharge", entry)
    r.act(row, "submit", by=r.world.alice)
    ended(r, row)
    assert "cancelled" in r.facets(entry)


def test_a_third_party_cancels_on_an_effective_judgment_even_what_is_pledged(r: Regime, entry: str) -> None:
    """6.4.5.3: no original certificate, but the judgment.
    carries: P2-219
    """
    together(r, "pledge", entry)
    row = r.file("judicial_cancellation", entry=entry, applicant=r.world.mallory)
    assert "judgment" in needed(row, "submit") and "original_certificate" not in needed(row, "submit")
    r.upload_all(row, do="submit", by=r.world.mallory, but=("judgment",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.mallory)
    r.upload(row, "judgment", by=r.world.mallory)
    r.act(row, "submit", by=r.world.mallory)
    ended(r, row)
    assert "cancelled" in r.facets(entry)


def test_a_judgment_that_is_not_in_effect_cancels_nothing(r: Regime, entry: str) -> None:
    """6.4.5.3."""
    row = asked(r, "judicial_cancellation", entry, applicant=r.world.mallory)
    r.act(row, "submit", by=r.world.mallory)
    r.act(row, "refuse", by=r.world.rong, refusal_ground="judgment_not_effective", reason="上诉期内")
    assert r.state(row) == "refused" and "valid" in r.facets(entry)


def test_a_stranger_does_not_cancel_on_mere_application(r: Regime, entry: str) -> None:
    """6.4.5.1: on the holder's application."""
    with pytest.raises(InputInvalid):
        r.file("cancellation", entry=entry, applicant=r.world.mallory)
