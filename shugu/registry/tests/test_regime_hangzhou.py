"""Hangzhou and Binjiang: 杭政办函〔2024〕39号 二（二）; the Binjiang reply to proposal 提1020号, 一、1. One window.

The city's registration measures are announced but not among the sources: periods and procedures are the venue's own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shugu.kernel import queries as cases
from shugu.kernel.errors import (
    ConflictOfInterest,
    GuardRefused,
    HeldBack,
    InputInvalid,
    MaterialsMissing,
    NotFound,
    NotYourStep,
    SeparationOfDuties,
    TooLate,
)
from shugu.kernel.models import Case
from shugu.party import services as party
from shugu.registry import accounts, queries, queries_book, services
from shugu.registry.errors import AppealedBefore, EntryEnded, NothingToAppeal, NothingToLift, RegisterClosed
from shugu.registry.models import Filing
from shugu.registry.services import ActOnAppeal, FileAppeal, Parent
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.stages import at
from tests.world import World

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)


@pytest.fixture()
def r(world: World) -> Regime:
    """The register of data property at the Hangzhou venue."""
    return Regime(world, "data-property")


def registered(r: Regime, **asked: Any) -> Filing:
    row = r.file("first", **{"object_kind": "data_product", "rights": ("holding", "operation"), **asked})
    r.upload_all(row, "submit", asked.get("applicant"))
    r.act(row, "submit", asked.get("applicant"))
    r.act(row, "accept", r.world.rita)
    r.act(row, "pass", r.world.rong)
    r.at(date(2026, 3, 10)).sweep()
    return r.act(row, "issue", r.world.rita)


def after(r: Regime, operation: str, entry: str, **asked: Any) -> Filing:
    """A later operation handed in, accepted and issued."""
    row = r.file(operation, entry=entry, **asked)
    applicant = asked.get("applicant")
    r.upload_all(row, "submit", applicant)
    r.act(row, "submit", applicant)
    if r.state(row) == "confirming":
        r.act(row, "confirm", r.world.bob)
    r.act(row, "accept", r.world.rita)
    return r.act(row, "issue", r.world.rong)


def by_registrar(r: Regime, operation: str, entry: str, **answers: str) -> Filing:
    """Proposed by Rita on a legal document, decided by Rong."""
    row = r.file(operation, entry=entry, answers=answers, by=r.world.rita)
    r.upload(row, "basis", r.world.rita)
    r.act(row, "propose", r.world.rita, reason="生效法律文书")
    return r.act(row, "issue", r.world.rong)


def test_the_certificate_names_who_issues_and_who_guides(r: Regime) -> None:
    """提1020号 一、1. carries: S3-001"""
    subject = r.certificates(registered(r))[0].credential["credentialSubject"]
    assert subject["issuer"]["zh"] == "杭州数据交易所" and subject["supervisor"]["zh"] == "杭州市数据主管部门"
    assert subject["entry"]["regime"] == "hangzhou"


# --- the venue's own operations after the first


def test_a_change_makes_a_new_version_and_supersedes_the_old_certificate(r: Regime) -> None:
    first = registered(r)
    old, number = r.certificates(first)[0].number, r.entry(first).number
    row = after(r, "change", number, title="改名后的数据", answers={"region": "全国"})
    entry = r.entry(row)
    assert (entry.version, entry.title, entry.form["region"]) == (2, "改名后的数据", "全国")
    assert entry.form["summary"] and queries.certificate(old, r.now.date()).facets == {"superseded"}
    assert "valid" in queries.certificate(entry.certificate_number, r.now.date()).facets
    assert queries.entry_by_number(number, date(2026, 3, 9)).version == 1


def test_a_transfer_needs_both_sides_and_the_new_holder_holds(r: Regime) -> None:
    number = r.entry(registered(r)).number
    row = r.file("transfer", entry=number, counterparty=r.world.bob.org)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    with pytest.raises(NotYourStep):
        r.act(row, "confirm", r.world.alice)
    r.act(row, "confirm", r.world.bob)
    r.act(row, "accept", r.world.rita)
    with pytest.raises((SeparationOfDuties, NotYourStep)):
        r.act(row, "issue", r.world.rita)
    r.act(row, "issue", r.world.rong)
    assert [s.org for s in r.entry(row).holders] == [r.world.bob.org]


def test_a_rejected_transfer_changes_nothing(r: Regime) -> None:
    number = r.entry(registered(r)).number
    row = r.file("transfer", entry=number, counterparty=r.world.bob.org)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "reject", r.world.bob, reason="价款未谈妥")
    assert r.state(row) == "withdrawn" and queries.entry_by_number(number).version == 1


def test_a_pledge_stands_beside_the_entry_bars_a_transfer_and_is_discharged(r: Regime) -> None:
    number = r.entry(registered(r)).number
    pledge = after(r, "pledge", number, counterparty=r.world.bob.org, answers={"debt_fen": "500000000"})
    shown = queries.entry_by_number(number, r.now.date())
    assert shown.facets == {"valid", "encumbered"}
    (held,) = queries_book.encumbrances(shown.id)
    assert (held.kind, held.beneficiary) == ("pledge", r.world.bob.org)
    proof = r.certificates(pledge)[0]
    assert proof.kind == "pledge_certificate"
    assert proof.credential["credentialSubject"]["encumbrance"]["name"] == "远航物流研究有限公司"
    transfer = r.file("transfer", entry=number, counterparty=r.world.carol.org)
    r.upload_all(transfer, "submit")
    r.act(transfer, "submit")
    r.act(transfer, "confirm", r.world.carol)
    r.act(transfer, "accept", r.world.rita)
    with pytest.raises(HeldBack):
        r.act(transfer, "issue", r.world.rong)
    after(r, "discharge", number, counterparty=r.world.bob.org)
    assert r.facets(number) == {"valid"} and "cancelled" in queries.certificate(proof.number, r.now.date()).facets
    r.act(transfer, "issue", r.world.rong)


def test_a_licence_is_certified_to_the_licensee_and_bars_nothing(r: Regime) -> None:
    """A licence to another is recorded beside the entry. carries: P6-234"""
    number = r.entry(registered(r)).number
    answers = {"licence_mode": "ordinary", "term_until": "2027-03-02"}
    row = after(r, "licence", number, counterparty=r.world.bob.org, answers=answers)
    proof = r.certificates(row)[0]
    assert (proof.kind, proof.valid_until) == ("licence_certificate", date(2027, 3, 2))
    after(r, "transfer", number, counterparty=r.world.bob.org)
    with pytest.raises(NothingToLift):
        after(r, "discharge", number, applicant=r.world.bob, counterparty=r.world.bob.org)
        after(r, "discharge", number, applicant=r.world.bob, counterparty=r.world.bob.org)


def test_a_cancelled_entry_takes_no_more_operations(r: Regime) -> None:
    number = r.entry(registered(r)).number
    after(r, "cancellation", number, answers={"cause": "given_up"})
    assert r.facets(number) == {"cancelled"}
    with pytest.raises(EntryEnded):
        r.file("change", entry=number)


@pytest.mark.parametrize(("extent", "facets"), [("whole", {"revoked"}), ("part", {"valid", "revoked_in_part"})])
def test_the_registrar_revokes_the_whole_or_a_part(r: Regime, extent: str, facets: set[str]) -> None:
    number = r.entry(registered(r)).number
    by_registrar(r, "revocation", number, cause="fraud", extent=extent, revoked_part="2013 年 12 月")
    assert r.facets(number) == facets


def test_a_registrant_is_heard_before_the_registrar_acts_of_its_own_motion(r: Regime) -> None:
    number = r.entry(registered(r)).number
    row = r.file("suspension", entry=number, by=r.world.rita)
    r.upload(row, "basis", r.world.rita)
    r.act(row, "notify", r.world.rita, reason="数据安全事件待查")
    assert r.clock(row, "hearing_end").due_on == date(2026, 3, 17)
    with pytest.raises(NotFound):
        r.act(row, "answer", r.world.bob, note="x")
    r.act(row, "answer", r.world.alice, note="已处置完毕")
    r.act(row, "issue", r.world.rong)
    assert r.facets(number) == {"suspended"}
    by_registrar(r, "resumption", number)
    assert r.facets(number) == {"valid"}


def test_silence_ends_the_hearing_on_its_last_day(r: Regime) -> None:
    number = r.entry(registered(r)).number
    row = r.file("suspension", entry=number, by=r.world.rita)
    r.upload(row, "basis", r.world.rita)
    r.act(row, "notify", r.world.rita, reason="数据安全事件待查")
    r.at(date(2026, 3, 17), 23).sweep()
    assert r.state(row) == "hearing"
    r.at(date(2026, 3, 18), 1).sweep()
    assert r.state(row) == "review"
    r.act(row, "drop", r.world.rong, reason="查无实据")
    assert r.facets(number) == {"valid"}


def test_a_seizure_bars_every_disposal(r: Regime) -> None:
    number = r.entry(registered(r)).number
    by_registrar(r, "seizure", number)
    row = r.file("cancellation", entry=number, answers={"cause": "given_up"})
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    with pytest.raises(HeldBack):
        r.act(row, "issue", r.world.rong)


def test_a_renewal_is_sought_in_its_window_only(r: Regime) -> None:
    number = r.entry(registered(r)).number
    row = r.file("renewal", entry=number)
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")
    r.at(date(2029, 1, 8))
    with pytest.raises(GuardRefused):
        r.act(row, "submit")
    r.at(date(2029, 1, 10))
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    r.act(row, "issue", r.world.rong)
    assert r.entry(row).valid_until == date(2032, 1, 10)


def test_a_lost_certificate_is_issued_anew_and_the_old_one_superseded(r: Regime) -> None:
    """carries: P6-388"""
    first = registered(r)
    number, old = r.entry(first).number, r.certificates(first)[0].number
    r.at(date(2026, 4, 1))
    row = after(r, "reissue", number)
    (new,) = r.certificates(row)
    assert new.version == 1 and "valid" in new.facets
    assert queries.certificate(old, r.now.date()).facets == {"superseded"}


@pytest.mark.parametrize("cause", ["merger", "split", "dissolution", "bankruptcy"])
def test_a_successor_takes_the_entry_over(r: Regime, cause: str) -> None:
    """Succession on merger, split, dissolution and bankruptcy. carries: P1-115"""
    number = r.entry(registered(r)).number
    row = r.file("succession", entry=number, applicant=r.world.bob, answers={"cause": cause})
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", r.world.bob)
    r.upload_all(row, "submit", r.world.bob)
    r.act(row, "submit", r.world.bob)
    r.act(row, "accept", r.world.rita)
    r.act(row, "issue", r.world.rong)
    assert r.entry(row).holder_org == r.world.bob.org


# --- agents, shares, lineage, accounts


def test_an_agent_files_under_a_power_of_attorney_and_not_without(r: Regime) -> None:
    """carries: S1-013"""
    with pytest.raises(InputInvalid) as refused:
        r.file(agent=r.world.bob.org, by=r.world.bob)
    assert "agent_org" in refused.value.field_errors
    power = party.GrantPower(r.world.alice.org or 0, r.world.bob.org or 0, ("registration",), date(2026, 12, 31))
    party.grant_power(power, actor=r.world.alice, now=r.now)
    row = r.file(agent=r.world.bob.org, by=r.world.bob)
    r.upload_all(row, "submit", r.world.bob, but=("power_of_attorney",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", r.world.bob)
    r.upload(row, "power_of_attorney", r.world.bob)
    r.act(row, "submit", r.world.bob)
    assert r.state(row) == "submitted" and row.applicant_id == r.world.alice.org


def test_what_a_product_was_made_from_is_kept_and_told_both_ways(r: Regime) -> None:
    """What is derived is an entry of its own that names its sources and what was done to them.

    carries: P3-152 P5-099 P4-035 P3-200
    """
    parent = r.entry(registered(r))
    r.at(MONDAY)
    made = (Parent(parent.number, processing="按机场与月份汇总", parts=7000), Parent(source="公开气象数据", parts=3000))
    child = r.entry(registered(r, title="延误预测", lineage=made))
    told = [(p.number or p.title, p.parts) for p in queries_book.parents_of(child.id)]
    assert told == [(parent.number, 7000), ("公开气象数据", 3000)]
    assert queries_book.children_of(parent.id) == [(child.number, child.title)]
    with pytest.raises(InputInvalid):
        r.file(lineage=(Parent("DJ-NONE", parts=1),))
    with pytest.raises(InputInvalid):
        r.file(lineage=(Parent(parent.number, parts=6000), Parent(source="x", parts=6000)))


def test_each_participant_has_its_own_rights_by_source_and_stage(r: Regime) -> None:
    """数据二十条 二（三）: who holds the resource, who made a product of it and who may use that stand apart.

    carries: P1-013 P3-200 P5-070 P5-286 P5-307
    """
    alice, bob, carol = (w.org for w in (r.world.alice, r.world.bob, r.world.carol))
    resource = r.entry(registered(r, object_kind="data_resource", rights=("holding",)))
    r.at(MONDAY)
    made = (Parent(resource.number, processing="按机场与月份汇总", parts=10_000),)
    rights = ("processing_use", "operation")
    product = r.entry(registered(r, applicant=r.world.carol, title="延误预测", rights=rights, lineage=made))
    assert (resource.holder_org, resource.rights) == (alice, ("holding",))
    assert (product.holder_org, product.rights) == (carol, rights)
    answers = {"licence_mode": "ordinary", "term_until": "2027-03-02"}
    after(r, "licence", product.number, applicant=r.world.carol, counterparty=bob, answers=answers)
    assert [(e.kind, e.beneficiary) for e in queries_book.encumbrances(product.id)] == [("licence", bob)]
    assert queries_book.encumbrances(resource.id) == []
    assert [p.number for p in queries_book.parents_of(product.id)] == [resource.number]


def test_the_first_entry_opens_the_holders_account(r: Regime) -> None:
    registered(r)
    assert accounts.live("data-property", r.world.alice.org or 0) is not None
    assert [a.register for a in queries_book.accounts_of(r.world.alice.org or 0)] == ["data-property"]


# --- refusals, and asking again


def refused(r: Regime) -> Filing:
    row = r.file()
    r.upload_all(row, "submit")
    r.act(row, "submit")
    return r.act(row, "decline", r.world.rita, refusal_ground="core_data", reason="属于核心数据")


def test_a_refusal_is_looked_at_again_once_by_somebody_else_in_time(r: Regime) -> None:
    row = refused(r)
    r.at(date(2026, 3, 16), 23)
    appeal = services.file_appeal(FileAppeal(row.number, "数据不属于核心数据"), actor=r.world.alice, now=r.now)
    with pytest.raises(NotYourStep):
        services.act_on_appeal(ActOnAppeal(appeal.pk, "reverse", {"reason": "x"}), actor=r.world.rong, now=r.now)
    services.act_on_appeal(ActOnAppeal(appeal.pk, "reverse", {"reason": "原决定有误"}), actor=r.world.cora, now=r.now)
    assert Case.objects.get(pk=appeal.pk).state == "reversed"
    with pytest.raises(AppealedBefore):
        services.file_appeal(FileAppeal(row.number, "再次"), actor=r.world.alice, now=r.now)


def test_whoever_refused_does_not_look_again(r: Regime) -> None:
    row = refused(r)
    appeal = services.file_appeal(FileAppeal(row.number, "x"), actor=r.world.alice, now=r.now)
    both = replace(r.world.rita, seats=frozenset({"registrar", "compliance_officer"}))
    with pytest.raises(SeparationOfDuties):
        services.act_on_appeal(ActOnAppeal(appeal.pk, "uphold", {"reason": "x"}), actor=both, now=r.now)


def test_an_appeal_is_late_one_day_after_and_only_the_applicants(r: Regime) -> None:
    row = refused(r)
    with pytest.raises(NotFound):
        services.file_appeal(FileAppeal(row.number, "x"), actor=r.world.mallory, now=r.now)
    r.at(date(2026, 3, 17))
    with pytest.raises(TooLate):
        services.file_appeal(FileAppeal(row.number, "x"), actor=r.world.alice, now=r.now)
    live = r.file()
    with pytest.raises(NothingToAppeal):
        services.file_appeal(FileAppeal(live.number, "x"), actor=r.world.alice, now=r.now)


def test_whoever_is_of_the_applicant_does_not_judge(r: Regime) -> None:
    row = r.file()
    r.upload_all(row, "submit")
    r.act(row, "submit")
    rita = replace(r.world.rita, org=r.world.alice.org)
    with pytest.raises((ConflictOfInterest, NotYourStep)):
        r.act(row, "accept", rita)


def test_an_operation_the_register_does_not_have_is_refused(r: Regime) -> None:
    with pytest.raises(RegisterClosed):
        r.file("no_such_operation")


def test_a_holiday_with_make_up_days_moves_the_last_day(r: Regime) -> None:
    """Golden Week 2026: five working days from Monday 28 September."""
    r.at(date(2026, 9, 28))
    row = r.file()
    r.upload_all(row, "submit")
    r.act(row, "submit")
    due = r.clock(row, "acceptance_period").due_on
    days = cases.clocks(row.pk, r.now)
    assert due == max(c.due_on for c in days if c.id == "acceptance_period") and due > date(2026, 10, 7)
    assert at(due) > r.now
