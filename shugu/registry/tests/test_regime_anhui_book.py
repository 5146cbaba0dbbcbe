"""安徽省数据资源登记管理办法（试行）（征求意见稿）: licence, transfer, change, cancellation, objections, revocation, queries."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_document
from shugu.kernel import queries as cases
from shugu.kernel import signer
from shugu.kernel.cases import mandate
from shugu.kernel.errors import (
    InputInvalid,
    MaterialsMissing,
    NotFound,
    TooEarly,
)
from shugu.kernel.regimes import load_regime
from shugu.registry import queries, queries_book, services
from shugu.registry.applications import code_table, rules_of
from shugu.registry.errors import EntryEnded, ObjectedBefore
from shugu.registry.models import Certificate, Filing
from shugu.registry.operations import By, operations
from shugu.registry.tests.anhui import (
    account,
    after_notice,
    done,
    later,
    needed,
    noticed,
    objected,
    registered,
    submitted,
)
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

CANCELLATIONS = ("dissolved", "lawfully_revoked", "bankrupt", "ceased", "cannot_operate")
REVOCATIONS = ("fraud", "security_incident", "final_decision", "other_authority")


@pytest.fixture()
def r(atlas: World) -> Regime:
    """Alice and Bob have accounts; nothing else is registered."""
    found = Regime(atlas, "anhui")
    account(found, atlas.alice)
    account(found, atlas.bob)
    return found


def test_the_types_of_registration_are_exactly_five(r: Regime) -> None:
    """第十二条

    carries: P5-169
    """
    found = operations(rules_of("anhui"))
    applied_for = [code for code, op in found.items() if op.by is not By.REGISTRAR and op.on != "account" and code != "trade"]
    assert applied_for == ["first", "licence", "transfer", "change", "cancellation"]


def test_a_licence_is_registered_by_the_licensee_with_its_papers(r: Regime) -> None:
    """第十四条

    carries: P5-175 P5-176 P5-177
    """
    number = registered(r)
    row = r.file("licence", entry=number, applicant=r.world.bob, answers={"responsible": "yes", "term_until": "2027-06-30"})
    assert needed(r, row) == {"application_form", "both_identities", "licence_contract", "licence_table"}
    assert {"licensed_rights", "licence_mode", "licence_from", "term_until", "restrictions", "secrecy"} <= set(row.form)
    with pytest.raises(NotFound):
        r.act(row, "submit", by=r.world.mallory)
    with pytest.raises(InputInvalid):
        r.file("licence", entry=number, applicant=r.world.bob, answers={"licensed_rights": "holding"})
    ended = done(r, "licence", number, r.world.bob, term_until="2027-06-30")
    (paper,) = r.certificates(ended)
    assert paper.kind == "data_licence_certificate" and paper.valid_until == date(2027, 6, 30)
    assert r.facets(number) == {"valid", "encumbered"}
    (mark,) = queries_book.encumbrances(queries.entry_by_number(number, r.now.date()).id)
    assert (mark.kind, mark.beneficiary) == ("licence", r.world.bob.org)


def test_nothing_is_licensed_that_is_not_registered(r: Regime) -> None:
    """第十四条

    carries: P5-175
    """
    with pytest.raises(NotFound):
        r.file("licence", entry="ENT-2026-999999", applicant=r.world.bob)


def test_a_transfer_is_registered_by_the_transferee(r: Regime) -> None:
    """第十五条

    carries: P5-178
    """
    number = registered(r)
    row = later(r, "transfer", number, r.world.bob)
    assert {m.id for m in cases.view_of(row.pk)[1].materials} == {"application_form", "both_identities", "transfer_contract"}
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    after_notice(r, row)
    assert r.entry(row).holder_org == r.world.bob.org and r.entry(row).version == 2
    with pytest.raises(InputInvalid):
        r.file("change", entry=number, answers={"responsible": "yes"})


def test_a_change_keeps_the_old_and_the_new(r: Regime) -> None:
    """第十六条

    carries: P5-179
    """
    number = registered(r, scale="一百万条")
    row = later(r, "change", number, scale="二百万条")
    assert {m.id for m in cases.view_of(row.pk)[1].materials} == {"application_form", "identity", "change_proof"}
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    after_notice(r, row)
    now = r.entry(row)
    before = queries.entry_by_number(number, now.valid_from - timedelta(days=1))
    assert (before.form["scale"], now.form["scale"]) == ("一百万条", "二百万条")


@pytest.mark.parametrize("ground", CANCELLATIONS)
def test_an_entry_is_cancelled_on_each_ground_with_a_proof_for_a_certificate(r: Regime, ground: str) -> None:
    """第十七条、第十九条（五）

    carries: P5-180 P5-187
    """
    number = registered(r)
    row = done(r, "cancellation", number, cancellation_ground=ground)
    assert [c.kind for c in r.certificates(row)] == ["cancellation_proof"]
    assert "cancelled" in r.facets(number) and "valid" not in r.facets(number)


def test_a_cancellation_needs_a_coded_ground_and_its_proof(r: Regime) -> None:
    """第十七条

    carries: P5-180
    """
    number = registered(r)
    with pytest.raises(InputInvalid):
        r.file("cancellation", entry=number, answers={"cancellation_ground": "weary"})
    row = r.file("cancellation", entry=number, answers={"responsible": "yes"})
    assert needed(r, row) == {"application_form", "identity", "extinction_proof"}


# An objection during the notice: it suspends, thirty days from acceptance.


def test_an_objection_suspends_the_notice_and_its_days_are_given_back(r: Regime) -> None:
    """第二十二条: suspended from 5 to 10 March, three working days, so the notice ends three working days later."""
    row = noticed(r)
    assert r.clock(row, "notice_period").due_on == date(2026, 3, 16)
    r.at(date(2026, 3, 5))
    objection = objected(r, row)
    assert r.state(row) == "objected" and r.clock(row, "notice_period").status == "paused"
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)
    r.at(date(2026, 3, 10))
    with pytest.raises(MaterialsMissing):
        r.answer(objection, "dismiss", by=r.world.rong, reason="来源合法")
    r.upload(objection, "respondent_evidence", by=r.world.alice)
    r.answer(objection, "answer", by=r.world.alice, answer="数据由我方采集")
    r.answer(objection, "dismiss", by=r.world.rong, reason="来源合法")
    assert r.state(row) == "notice" and r.clock(row, "notice_period").due_on == date(2026, 3, 19)
    after_notice(r, row)
    assert r.state(row) == "registered"


def test_an_objection_resolved_on_the_thirtieth_day_lets_the_registration_go_on(r: Regime) -> None:
    """第二十二条: calendar days, from acceptance; where it cannot be verified, by agreement, award or judgment."""
    row = noticed(r)
    objection = objected(r, row)
    assert r.clock(objection, "objection_resolution_end").due_on == date(2026, 4, 1)
    r.answer(objection, "refer", by=r.world.rong, reason="难以核实")
    r.at(date(2026, 4, 1), hour=23).sweep()
    with pytest.raises(MaterialsMissing):
        r.answer(objection, "dismiss", by=r.world.rong, reason="双方协商一致")
    r.upload(objection, "resolution", by=r.world.rong)
    r.answer(objection, "dismiss", by=r.world.rong, reason="双方协商一致")
    assert r.state(row) == "notice"


def test_an_objection_not_resolved_in_thirty_days_ends_the_registration(r: Regime) -> None:
    """第十九条（四）、第二十二条

    carries: P5-186
    """
    row = noticed(r)
    objection = objected(r, row)
    r.answer(objection, "refer", by=r.world.rong, reason="难以核实")
    r.at(date(2026, 4, 2), hour=0, minute=1).sweep()
    assert r.state(objection) == "unresolved" and r.state(row) == "terminated"
    assert not Certificate.objects.exists()


def test_an_objection_upheld_refuses_the_registration(r: Regime) -> None:
    """第二十二条"""
    row = noticed(r)
    objection = objected(r, row)
    r.upload(objection, "technical_appraisal", by=r.world.rong)
    r.answer(objection, "appraise", by=r.world.rong, opinion="特征与异议人数据一致")
    r.answer(objection, "uphold", by=r.world.rong, reason="权属属于异议人")
    assert r.state(row) == "refused"


def test_the_registration_waits_for_every_objection(r: Regime) -> None:
    """第二十二条"""
    row = noticed(r)
    first, second = objected(r, row), objected(r, row, by=r.world.bob)
    with pytest.raises(ObjectedBefore):
        r.objection(row)
    r.answer(first, "withdraw", by=r.world.mallory)
    assert r.state(row) == "objected"
    r.answer(second, "withdraw", by=r.world.bob)
    assert r.state(row) == "notice"


# After registration: the mark first, then the decision.


def test_an_objection_to_an_entry_first_puts_a_mark_that_every_verification_shows(r: Regime) -> None:
    """第二十三条"""
    number = registered(r)
    objection = objected(r, number)
    (paper,) = (queries.certificate(n, r.now.date()) for n in Certificate.objects.values_list("number", flat=True))
    assert "objected" in r.facets(number) and "objected" in paper.facets
    with pytest.raises(MaterialsMissing):
        r.answer(objection, "dismiss", by=r.world.rong, reason="不成立")
    r.upload(objection, "respondent_evidence", by=r.world.alice)
    r.answer(objection, "dismiss", by=r.world.rong, reason="不成立")
    assert r.facets(number) == {"valid"}


def test_an_objection_upheld_suspends_the_entry_until_it_is_revoked(r: Regime) -> None:
    """第二十三条

    carries: P5-199 P5-200 P5-215
    """
    number = registered(r)
    objection = objected(r, number)
    r.upload(objection, "objector_evidence", by=r.world.mallory)
    r.answer(objection, "plead", by=r.world.mallory, answer="系伪造材料取得")
    r.answer(objection, "uphold", by=r.world.rong, reason="查证属实")
    assert "suspended" in r.facets(number)
    revoked(r, number, revocation_ground="fraud", extent="whole")
    assert "revoked" in r.facets(number)


def revoked(r: Regime, number: str, **answers: str) -> Filing:
    row = r.file("revocation", entry=number, by=r.world.rita, answers=answers)
    r.upload(row, "revocation_proof", by=r.world.rita)
    r.act(row, "submit", by=r.world.rita)
    r.at(r.clock(row, "hearing_period").due_on + timedelta(days=1))
    return r.act(row, "issue", by=r.world.rong)


@pytest.mark.parametrize("ground", REVOCATIONS)
def test_registration_is_revoked_whole_on_each_ground_and_verification_says_so(r: Regime, ground: str) -> None:
    """第二十三条

    carries: P5-199 P5-200
    """
    number = registered(r)
    (paper,) = Certificate.objects.values_list("number", flat=True)
    revoked(r, number, revocation_ground=ground, extent="whole")
    shown = queries.certificate(paper, r.now.date())
    assert "revoked" in shown.facets and "valid" not in shown.facets


def test_registration_is_revoked_in_part_and_the_rest_stands(r: Regime) -> None:
    """第二十三条

    carries: P5-199 P5-200
    """
    number = registered(r)
    revoked(r, number, revocation_ground="security_incident", extent="part", revoked_part="2024 年度数据")
    assert r.facets(number) == {"valid", "revoked_in_part"}


def test_the_holder_is_heard_before_a_revocation(r: Regime) -> None:
    """第二十三条、第三十三条

    carries: P5-215
    """
    number = registered(r)
    row = r.file("revocation", entry=number, by=r.world.rita)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.rita)
    r.upload(row, "revocation_proof", by=r.world.rita)
    r.act(row, "submit", by=r.world.rita)
    r.act(row, "answer", answer="我方材料真实")
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rong)
    r.act(row, "drop", by=r.world.rita, reason="查无实据")
    assert r.facets(number) == {"valid"}


def test_a_trade_in_the_province_completes_its_registration(r: Regime) -> None:
    """第二十一条"""
    number = registered(r, trade_sync_authorised="yes")
    line = queries.entry_by_number(number, r.now.date())
    cmd = services.RecordTrade(line.id, "trade:CTR-7", {"contract": "CTR-7"}, buyer_org=r.world.bob.org)
    services.record_trade(cmd, actor=mandate("trade", "contract:7"), now=r.now)
    row = Filing.objects.get(operation="trade")
    assert r.state(row) == "registered" and r.facets(number) == {"valid", "encumbered"}
    (mark,) = queries_book.encumbrances(line.id)
    assert (mark.kind, mark.beneficiary) == ("licence", r.world.bob.org)
    assert [c.kind for c in r.certificates(row)] == ["data_licence_certificate"]


def test_the_certificate_names_agency_number_day_applicant_and_resource(r: Regime) -> None:
    """第二十五条、第二十九条

    carries: P5-202 P5-210
    """
    number = registered(r, right_term_until="2027-01-31")
    paper = queries.certificate(Certificate.objects.get().number, r.now.date())
    said = paper.credential["credentialSubject"]
    assert said["issuer"]["zh"] == "安徽省数字江淮中心" and "统一监制" in said["supervisor"]["zh"]
    assert said["entry"]["number"] == number and said["holders"][0]["uscc"] and said["title"] and paper.number
    assert paper.valid_until == date(2027, 1, 31)


def test_a_certificate_that_was_altered_is_found_out(r: Regime) -> None:
    """第二十九条、第三十三条（二）

    carries: P5-214
    """
    registered(r)
    whole = queries.certificate_bytes(Certificate.objects.get().number)
    assert verify_document(whole, signer.keyring(), r.now).verdict is Verdict.SIGNED
    forged = whole.replace("城市客流".encode(), "城市车流".encode())
    assert forged != whole
    assert verify_document(forged, signer.keyring(), r.now).verdict is Verdict.FAILED


def test_the_register_is_queried_in_three_cases_only(r: Regime) -> None:
    """第二十五条

    carries: P5-204
    """
    row = submitted(r)
    assert list(code_table(rules_of("anhui"), "registry.query_grounds")) == ["own", "judicial", "other_law"]
    allowed = {name: queries.ground_to_look(row, getattr(r.world, name)) for name in ("alice", "sven", "rita", "otto", "bob")}
    assert allowed == {"alice": "own", "sven": "judicial", "rita": "other_law", "otto": None, "bob": None}
    with pytest.raises(NotFound):
        queries.filing(row.number, r.world.otto)


def test_originals_are_kept_thirty_years_reports_are_quarterly_and_statistics_need_consent() -> None:
    """第十条（一）、第二十八条

    carries: P5-159
    """
    values = load_regime("anhui", on=date(2026, 3, 2)).values
    kept = values["registry.retention"]
    assert (kept.value, kept.unit, kept.bound) == (30, "year", "min")
    assert [row["every"] for row in values["registry.reports"].rows] == ["quarter"]
    assert values["registry.statistics_need_consent"].value is True


def test_an_entry_that_was_cancelled_takes_no_further_registration(r: Regime) -> None:
    """第十七条"""
    number = registered(r)
    done(r, "cancellation", number)
    with pytest.raises(EntryEnded):
        later(r, "licence", number, r.world.bob)
