"""广东省数据资产合规登记规则（试行）（征求意见稿）: three routes, four operations, every clock at its edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shugu.kernel.cases import Actor
from shugu.kernel.errors import (
    ConflictOfInterest,
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooEarly,
    TooLate,
)
from shugu.kernel.regimes import load_regime
from shugu.kernel.rule_files import Force
from shugu.registry import queries
from shugu.registry.models import Account, Filing, Objection
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db
LAW = load_regime("guangdong", date(2026, 3, 2))
TRIGGERS = ("route_public_data", "route_important", "route_security", "route_infrastructure", "route_cross_border", "route_other")
APPROVABLE = {
    "route_important": "approval_important", "route_security": "approval_security",
    "route_infrastructure": "approval_infrastructure", "route_cross_border": "approval_cross_border",
}  # fmt: skip
GOLDEN_WEEK = date(2026, 9, 28)


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guangdong")


def drafted(r: Regime, answers: dict[str, str] | None = None, **more: Any) -> Filing:
    return r.file("first", answers=answers or {}, verifier=r.world.quinn.org, **more)


def submitted(r: Regime, answers: dict[str, str] | None = None, **more: Any) -> Filing:
    row = drafted(r, answers, **more)
    r.upload_all(row, "submit")
    return r.act(row, "submit")


def accepted(r: Regime, answers: dict[str, str] | None = None, **more: Any) -> Filing:
    return r.act(submitted(r, answers, **more), "accept", r.world.rita)


def published(r: Regime, **more: Any) -> Filing:
    """A simple case while it is published."""
    row = accepted(r, **more)
    r.upload_all(row, "pass_simple", r.world.rong)
    return r.act(row, "pass_simple", r.world.rong)


def verified(r: Regime, conclusion: str = "passed", answers: dict[str, str] | None = None) -> Filing:
    row = accepted(r, answers or {"route_public_data": "yes"})
    r.upload_all(row, "verify", r.world.quinn)
    return r.act(row, "verify", r.world.quinn, review_conclusion=conclusion)


def before_committee(r: Regime) -> Filing:
    row = verified(r)
    r.upload_all(row, "pass_initial", r.world.rong)
    r.act(row, "pass_initial", r.world.rong)
    return r.act(row, "convene", r.world.rita)


def decided(r: Regime, do: str = "endorse") -> Filing:
    """The committee's opinion is given: its first voice, the paper, its second voice."""
    row = before_committee(r)
    given = {"reason": "来源证明不足"} if do == "dissent" else {}
    r.act(row, do, r.world.cai, **given)
    r.upload(row, "committee_opinion", r.world.cai)
    return r.act(row, do, r.world.cen, **given)


def noticed(r: Regime) -> Filing:
    return r.act(decided(r), "agree", r.world.rita)


def registered(r: Regime, **more: Any) -> Filing:
    """An entry made by the simple route on the day the story stands."""
    start = r.now
    r.at(date(2026, 3, 3))
    row = published(r, **more)
    r.at(date(2026, 3, 5)).sweep()
    r.act(row, "issue", r.world.rita)
    r.now = max(start, r.now)
    return row


def objected(r: Regime, row: Filing) -> Objection:
    """An objection that the registrar handed to the registrant today."""
    found = r.objection(row)
    r.upload_all(found, "forward", r.world.mallory)
    return r.answer(found, "forward")


# --- the text -----------------------------------------------------------------------------------------------------


def test_no_value_of_a_consultation_draft_binds() -> None:
    """The document is a draft; article 37 gives it two years from a publication the sources do not show.

    carries: P3-001 P3-260
    """
    own = [v for v in LAW.values.values() if v.document.startswith("guangdong/")]
    assert own and all(v.force is Force.MAY and v.article for v in own)
    assert {v.status.value for v in own} == {"draft"}
    assert LAW.values["registry.trial_period"].number == 2


def test_the_operations_are_of_exactly_four_kinds() -> None:
    """第二条. carries: P3-002"""
    kinds = LAW.values["registry.operation_types"].codes
    assert kinds == ("first", "change", "cancellation", "revocation")
    assert {row["type"] for row in LAW.values["registry.operations"].rows} == set(kinds)


def test_raw_data_is_no_object_of_registration(r: Regime) -> None:
    """第三条（三）. carries: P3-005"""
    assert len(LAW.values["registry.objects"].codes) == 6
    with pytest.raises(InputInvalid) as refusal:
        drafted(r, object_kind="data_resource")
    assert "object_kind" in refusal.value.field_errors


# --- routes -------------------------------------------------------------------------------------------------------


def test_without_a_trigger_the_simple_procedure_applies(r: Regime) -> None:
    """第十三条. carries: P3-024"""
    assert r.state(accepted(r)) == "simple_review"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_each_trigger_alone_makes_the_ordinary_procedure_mandatory(r: Regime, trigger: str) -> None:
    """第七条（一）至（六）. carries: P3-013"""
    assert r.state(accepted(r, {trigger: "yes"})) == "initial_review"


def test_the_applicant_may_ask_for_the_ordinary_procedure(r: Regime) -> None:
    """第十三条 says may, not must."""
    assert r.state(accepted(r, {"asks_ordinary": "yes"})) == "initial_review"


@pytest.mark.parametrize(("trigger", "paper"), list(APPROVABLE.items()))
def test_with_the_authoritys_approval_the_case_goes_straight_to_notice(r: Regime, trigger: str, paper: str) -> None:
    """第十二条: items 2 to 5; the approval is filed, the registrar checks it. carries: P3-023"""
    row = drafted(r, {trigger: "approved"})
    r.upload_all(row, "submit", but=(paper,))
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "submit")
    assert missing.value.article == "第十二条"
    r.upload(row, paper)
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    assert r.state(row) == "approval_check"
    with pytest.raises(MaterialsMissing):
        r.act(row, "pass_fast", r.world.rita)
    r.upload_all(row, "pass_fast", r.world.rita)
    r.act(row, "pass_fast", r.world.rita)
    assert r.state(row) == "notice" and r.clock(row, "notice_period").due_on == date(2026, 3, 5)


@pytest.mark.parametrize("trigger", ["route_public_data", "route_other"])
def test_no_approval_opens_the_fast_lane_for_public_data_or_other_conditions(r: Regime, trigger: str) -> None:
    """第十二条 names items 2 to 5 only. carries: P3-023"""
    with pytest.raises(InputInvalid):
        drafted(r, {trigger: "approved"})
    assert r.state(accepted(r, {trigger: "yes", "route_important": "approved"})) == "initial_review"


def test_one_trigger_without_approval_closes_the_fast_lane(r: Regime) -> None:
    """第十二条: several triggers are not addressed; every one needs its approval (our reading)."""
    assert r.state(accepted(r, {"route_important": "approved", "route_cross_border": "yes"})) == "initial_review"


def test_approvals_that_do_not_hold_lead_to_the_ordinary_procedure(r: Regime) -> None:
    """第七条、第十二条."""
    row = accepted(r, {"route_important": "approved"})
    r.act(row, "send_to_ordinary", r.world.rita, reason="审批范围不含本产品")
    assert r.state(row) == "initial_review"
    assert r.clock(row, "initial_review_period").due_on == date(2026, 3, 16)


# --- the ordinary procedure ---------------------------------------------------------------------------------------


def test_the_ordinary_route_is_walked_by_four_separate_people(r: Regime) -> None:
    """第九条至第十一条. carries: P3-007 P3-015 P3-017 P3-019 P3-044"""
    row = noticed(r)
    r.at(date(2026, 3, 6)).sweep()
    r.act(row, "issue", r.world.rita)
    assert r.state(row) == "registered"
    told = r.facts(row)
    assert [name for name in told if name.startswith("filing.")] == [
        "filing.drafted", "filing.submitted", "filing.accepted", "filing.verified", "filing.initial_passed", "filing.convened",
        "filing.endorsement_given", "filing.endorsed", "filing.noticed", "filing.notice_ended", "filing.issued",
    ]  # fmt: skip
    assert r.facets(r.entry(row).number) == {"valid"}


def test_review_starts_only_when_all_materials_are_there(r: Regime) -> None:
    """第九条、第十七条: each of the four documents is missed. carries: P3-014 P3-027 P3-040"""
    row = drafted(r)
    papers = (*LAW.values["registry.materials_first"].codes[:4], "declaration")
    for paper in papers:
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    r.act(row, "submit")
    r.at(date(2026, 3, 4))
    r.act(row, "accept", r.world.rita)
    assert r.clock(row, "review_period").starts_on == date(2026, 3, 4)


def test_the_initial_opinion_needs_a_technical_verification_that_passed(r: Regime) -> None:
    """第九条（二）. carries: P3-015"""
    row = accepted(r, {"route_public_data": "yes"})
    with pytest.raises(NotInProcedure):
        r.act(row, "pass_initial", r.world.rong)
    with pytest.raises(MaterialsMissing):
        r.act(row, "verify", r.world.quinn, review_conclusion="passed")
    other = verified(r, "failed")
    r.upload_all(other, "pass_initial", r.world.rong)
    with pytest.raises(GuardRefused) as refusal:
        r.act(other, "pass_initial", r.world.rong)
    assert refusal.value.article == "第九条"


def test_no_opinion_is_given_without_its_document(r: Regime) -> None:
    """第三条（四）、第九条、第十条、第十五条. carries: P3-006"""
    simple, ordinary = accepted(r), verified(r)
    with pytest.raises(MaterialsMissing):
        r.act(simple, "pass_simple", r.world.rong)
    with pytest.raises(MaterialsMissing):
        r.act(ordinary, "pass_initial", r.world.rong)
    committee = before_committee(r)
    r.act(committee, "endorse", r.world.cai)
    with pytest.raises(MaterialsMissing):
        r.act(committee, "endorse", r.world.cen)


def test_registrar_reviewer_and_committee_are_different_people(r: Regime) -> None:
    """第九条至第十一条: opinion and decision have two signatories. carries: P3-019"""
    w = r.world
    both = replace(w.rita, seats=frozenset({"registrar", "reviewer", "committee_member"}))
    row = verified(r)
    r.upload_all(row, "pass_initial", w.rong)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "pass_initial", both)
    r.act(row, "pass_initial", w.rong)
    r.act(row, "convene", w.rita)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "endorse", both)
    with pytest.raises(NotYourStep):
        r.act(row, "endorse", w.rita)


def test_the_committee_speaks_by_its_quorum_of_different_members(r: Regime) -> None:
    """第十条: the meeting's quorum is the venue's own. carries: P3-007 P3-017"""
    from shugu.kernel.errors import AlreadyGiven

    row = before_committee(r)
    r.act(row, "endorse", r.world.cai)
    assert r.state(row) == "committee_review"
    r.upload(row, "committee_opinion", r.world.cai)
    with pytest.raises(AlreadyGiven):
        r.act(row, "endorse", r.world.cai)
    r.act(row, "endorse", r.world.cui)
    assert r.state(row) == "decision" and LAW.values["registry.committee_quorum"].number == 2


def test_a_registrar_who_belongs_to_the_applicant_may_not_act(r: Regime) -> None:
    """第三十三条."""
    inside: Actor = replace(r.world.rita, org=r.world.alice.org)
    with pytest.raises(ConflictOfInterest):
        r.act(submitted(r), "accept", inside)


def test_the_verifier_may_not_be_the_applicant(r: Regime) -> None:
    """第九条（二）: verification is organised by the registrar."""
    quinn = r.world.quinn
    row = r.file("first", applicant=quinn, verifier=quinn.org, answers={"route_public_data": "yes"})
    r.upload_all(row, "submit", quinn)
    r.act(row, "submit", quinn)
    r.act(row, "accept", r.world.rita)
    with pytest.raises(ConflictOfInterest):
        r.act(row, "verify", quinn, review_conclusion="passed")


def test_the_registrar_decides_for_itself_after_the_committee(r: Regime) -> None:
    """第十一条. carries: P3-019"""
    row = decided(r)
    with pytest.raises(NotYourStep):
        r.act(row, "agree", r.world.cai)
    r.act(row, "disagree", r.world.rita, reason="权益归属存疑")
    assert r.state(row) == "not_passed"


@pytest.mark.parametrize("where", ["initial", "committee", "simple"])
def test_a_failed_review_is_told_within_three_working_days(r: Regime, where: str) -> None:
    """第九条、第十条、第十五条: decided on 28 September, told by 8 October. carries: P3-016 P3-018 P3-025"""
    r.at(GOLDEN_WEEK)
    if where == "initial":
        row = r.act(verified(r, "failed"), "fail", r.world.rong, reason="验证不通过")
    elif where == "committee":
        row = decided(r, "dissent")
    else:
        row = r.act(accepted(r), "fail", r.world.rong, reason="来源不合规")
    clock = r.clock(row, "failure_notice_period")
    assert r.state(row) == "not_passed" and clock.due_on == date(2026, 10, 8)
    r.at(date(2026, 10, 9), 0, 0).sweep()
    clock.refresh_from_db()
    assert clock.status == "overdue"
    with pytest.raises(InputInvalid):
        r.act(row, "notify", r.world.rita)
    r.act(row, "notify", r.world.rita, reason="来源证明不足")
    clock.refresh_from_db()
    assert r.state(row) == "refused"


# --- notice and publication ---------------------------------------------------------------------------------------


def test_public_notice_lasts_three_working_days_across_national_day(r: Regime) -> None:
    """第十一条: from 28 September 2026 to 8 October, the holiday left out. carries: P3-020"""
    row = noticed(r.at(GOLDEN_WEEK))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 8)
    r.at(date(2026, 10, 8), 23, 59).sweep()
    with pytest.raises(TooEarly) as refusal:
        r.act(row, "issue", r.world.rita)
    assert r.state(row) == "notice" and "2026-10-08" in str(refusal.value)
    r.at(date(2026, 10, 9), 0, 0)
    r.act(row, "issue", r.world.rita)
    assert r.state(row) == "registered"


def test_publication_lasts_one_working_day_and_a_made_up_saturday_is_one(r: Regime) -> None:
    """第十六条: 9 October is a Friday, 10 October a made-up working Saturday. carries: P3-026"""
    row = published(r.at(date(2026, 10, 9)))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 10)
    with pytest.raises(TooEarly):
        r.act(row, "issue", r.world.rita)
    r.at(date(2026, 10, 10), 23, 59).sweep()
    assert r.state(row) == "publication"
    r.at(date(2026, 10, 11), 0, 0).sweep()
    assert r.state(row) == "cleared"
    r.act(row, "issue", r.world.rita)
    assert r.state(row) == "registered"


def test_an_objection_is_taken_on_the_last_day_and_not_later(r: Regime) -> None:
    """第十一条: anybody, within the notice. carries: P3-021"""
    row = noticed(r)
    assert r.clock(row, "objection_window").due_on == date(2026, 3, 5)
    r.at(date(2026, 3, 5), 23, 59)
    r.objection(row)
    r.at(date(2026, 3, 6), 0, 0)
    with pytest.raises(TooLate):
        r.objection(row, by=r.world.bob)


def test_an_objection_without_material_is_not_taken_up(r: Regime) -> None:
    """第十一条、第十六条: true and necessary material. carries: P3-021"""
    row = published(r)
    found = r.objection(row)
    with pytest.raises(MaterialsMissing):
        r.answer(found, "forward")
    r.answer(found, "decline", reason="未提供任何材料")
    assert r.state(found) == "declined"
    r.at(date(2026, 3, 4)).sweep()
    assert r.state(row) == "cleared"


def test_the_certificate_waits_until_the_registrant_has_settled_the_objection(r: Regime) -> None:
    """第十六条: ten working days. carries: P3-022"""
    row = published(r)
    found = objected(r, row)
    assert r.clock(found, "objection_handling_period").due_on == date(2026, 3, 16)
    r.at(date(2026, 3, 4)).sweep()
    assert r.state(row) == "objected"
    with pytest.raises(GuardRefused):
        r.act(row, "issue", r.world.rita)
    r.at(date(2026, 3, 16), 23, 59)
    r.upload_all(found, "settle")
    r.answer(found, "settle", r.world.alice, answer="已与异议人书面确认权属")
    r.at(date(2026, 3, 18)).sweep()
    assert r.state(found) == "handled"
    r.answer(found, "confirm")
    assert r.state(row) == "cleared"
    r.act(row, "issue", r.world.rita)


def test_the_registrants_time_stands_still_while_the_registrar_checks(r: Regime) -> None:
    """第十一条: settled on 10 March, sent back on the 12th: two working days are added."""
    found = objected(r, published(r))
    r.at(date(2026, 3, 10))
    r.upload_all(found, "settle")
    r.answer(found, "settle", r.world.alice, answer="已说明")
    r.at(date(2026, 3, 12))
    r.answer(found, "send_back", reason="未回应权属部分")
    assert r.state(found) == "handling" and r.clock(found, "objection_handling_period").due_on == date(2026, 3, 18)


@pytest.mark.parametrize(("do", "after"), [("refuse_unsettled", "refused"), ("go_on", "cleared")])
def test_an_objection_not_settled_in_time_lets_the_registrar_refuse(r: Regime, do: str, after: str) -> None:
    """第二十三条第二款: the registrar may refuse; it need not. carries: P3-037"""
    row = published(r)
    found = objected(r, row)
    r.at(date(2026, 3, 16), 23, 59).sweep()
    assert r.state(found) == "handling"
    with pytest.raises(NotInProcedure):
        r.act(row, "refuse_unsettled", r.world.rita, reason="异议未处理")
    r.at(date(2026, 3, 17), 0, 0)
    with pytest.raises(TooLate):
        r.upload_all(found, "settle")
    with pytest.raises(TooLate):
        r.answer(found, "settle", r.world.alice, answer="迟到的说明")
    r.sweep()
    assert (r.state(found), r.state(row)) == ("unsettled", "unresolved")
    r.act(row, do, r.world.rita, reason="异议逾期未处理完毕")
    assert r.state(row) == after


def test_an_objection_withdrawn_holds_nothing_up(r: Regime) -> None:
    """第十一条."""
    row = noticed(r)
    found = objected(r, row)
    r.at(date(2026, 3, 6)).sweep()
    r.answer(found, "withdraw", r.world.mallory)
    assert r.state(row) == "cleared"


# --- correction and refusal ---------------------------------------------------------------------------------------


def test_correction_is_refused_one_minute_after_the_time_given(r: Regime) -> None:
    """第二十三条（三）: ten working days (ours) from 28 September end on 16 October. carries: P3-038"""
    row = submitted(r.at(GOLDEN_WEEK))
    r.act(row, "ask_correction", r.world.rita, defects="缺少第三页\n份额证明未盖章")
    other = submitted(r, title="另一产品")
    r.act(other, "ask_correction", r.world.rita, defects="缺少第三页")
    r.at(date(2026, 10, 16), 23, 59)
    r.act(row, "correct")
    assert r.state(row) == "corrected"
    r.at(date(2026, 10, 17), 0, 0)
    with pytest.raises(TooLate):
        r.act(other, "correct")
    r.sweep()
    assert r.state(other) == "lapsed"


def test_what_is_still_wrong_after_correction_may_be_refused(r: Regime) -> None:
    """第二十三条（三）: only after the registrant could correct. carries: P3-037 P3-038"""
    row = submitted(r)
    with pytest.raises(NotInProcedure):
        r.act(row, "refuse_uncorrected", r.world.rita, reason="不合要求")
    r.act(row, "ask_correction", r.world.rita, defects="缺少第三页")
    r.act(row, "correct")
    with pytest.raises(GuardRefused):
        r.act(row, "ask_correction", r.world.rita, defects="又缺一页")
    r.act(row, "refuse_uncorrected", r.world.rita, reason="仍缺第三页")
    assert r.state(row) == "refused"


@pytest.mark.parametrize("ground", LAW.values["registry.refusal_grounds"].codes)
def test_each_ground_of_article_23_refuses(r: Regime, ground: str) -> None:
    """第二十三条（一）（二）（四）. carries: P3-037"""
    row = accepted(r)
    with pytest.raises(InputInvalid):
        r.act(row, "refuse", r.world.rita, refusal_ground="ownership_dispute", reason="x")
    r.act(row, "refuse", r.world.rita, refusal_ground=ground, reason="依据第二十三条")
    assert r.state(row) == "refused"


def test_a_third_partys_report_is_demanded_with_a_reason_and_then_needed(r: Regime) -> None:
    """第十七条: case by case. carries: P3-028"""
    row = submitted(r)
    r.act(row, "demand_report", r.world.rita, required_by_registrar="数据来源多，需第三方评估")
    with pytest.raises(MaterialsMissing):
        r.act(row, "correct")
    r.upload_all(row, "correct")
    r.act(row, "correct")
    r.act(row, "accept", r.world.rita)
    assert r.state(row) == "simple_review"


def test_the_applicant_may_withdraw_until_the_end(r: Regime) -> None:
    """第八条: registration is by application."""
    row = published(r)
    r.act(row, "withdraw")
    assert r.state(row) == "withdrawn"


# --- shares, certificate, account ---------------------------------------------------------------------------------


def test_interest_shares_of_co_holders_sum_to_the_whole(r: Regime) -> None:
    """第十七条（四）: written in ten-thousandths (ours). carries: P3-029"""
    alice, bob = r.world.alice.org, r.world.bob.org
    assert alice is not None and bob is not None
    with pytest.raises(InputInvalid) as refusal:
        drafted(r, holders=((alice, 6000), (bob, 3999)))
    assert "holders" in refusal.value.field_errors
    row = registered(r, holders=((alice, 6000), (bob, 4000)))
    held = queries.certificate(r.certificates(row)[0].number).credential["credentialSubject"]["holders"]
    assert [h["parts"] for h in held] == [6000, 4000]


def test_the_certificate_states_number_type_use_and_interests(r: Regime) -> None:
    """第二十五条: supervised by the province, issued by the registrar. carries: P3-041 P3-042"""
    row = registered(r, object_kind="indicator")
    (shown,) = r.certificates(row)
    assert shown.kind == "data_asset_certificate"
    said = shown.credential["credentialSubject"]
    told = str(said)
    assert r.entry(row).number in told and "数据指标" in told and "用途" in told
    assert "广东省政务服务数据管理局监制" in told and said["holders"]


def test_the_registrant_has_an_account_from_its_first_entry(r: Regime) -> None:
    """第二十七条. carries: P3-045"""
    registered(r)
    account = Account.objects.get(register="guangdong")
    assert account.org_id == r.world.alice.org and account.closed_on is None


# --- alteration ---------------------------------------------------------------------------------------------------

CAUSES = {
    "renamed": (10, {"department_approval", "written_decision", "security_description"}),
    "restructured": (10, {"department_approval", "written_decision", "security_description"}),
    "product": (5, {"product_description"}),
    "shares": (5, {"shares_proof"}),
    "other": (10, set()),
}


def changing(r: Regime, cause: str, event_on: date, **more: Any) -> Filing:
    number = r.entry(registered(r)).number
    return r.file("change", entry=number, answers={"cause": cause, "event_on": event_on.isoformat()}, **more)


@pytest.mark.parametrize("cause", CAUSES)
def test_each_alteration_asks_for_its_own_documents(r: Regime, cause: str) -> None:
    """第十九条. carries: P3-030 P3-032"""
    row = changing(r, cause, date(2026, 3, 4))
    r.upload(row, "declaration")
    for paper in sorted(CAUSES[cause][1]):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    r.act(row, "submit")
    assert r.state(row) == "submitted"


@pytest.mark.parametrize(
    ("cause", "last"),
    [
        ("renamed", date(2026, 10, 16)),
        ("restructured", date(2026, 10, 16)),
        ("product", date(2026, 10, 10)),
        ("shares", date(2026, 10, 10)),
    ],
)
def test_an_alteration_is_in_time_on_the_last_day_and_late_the_day_after(r: Regime, cause: str, last: date) -> None:
    """第十八条: ten working days from the approval, five from the event, across National Day. carries: P3-031"""
    registered(r)
    r.at(GOLDEN_WEEK)
    rows = [changing(r, cause, GOLDEN_WEEK) for _ in range(2)]
    for row, day, status in ((rows[0], last, "met"), (rows[1], date.fromordinal(last.toordinal() + 1), "late")):
        assert r.clock(row, "filing_period").due_on == last
        r.at(day, 23, 59)
        r.upload_all(row, "submit")
        r.act(row, "submit")
        assert r.clock(row, "filing_period").status == status


def test_an_alteration_of_shares_makes_a_new_version_and_certificate(r: Regime) -> None:
    """第十八条（四）、第二十五条. carries: P3-029 P3-030"""
    alice, bob = r.world.alice.org, r.world.bob.org
    assert alice is not None and bob is not None
    first = registered(r)
    number = r.entry(first).number
    row = r.file(
        "change", entry=number, answers={"cause": "shares", "event_on": "2026-03-04"}, holders=((alice, 7000), (bob, 3000))
    )
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    r.upload_all(row, "pass", r.world.rong)
    r.act(row, "pass", r.world.rong)
    r.act(row, "issue", r.world.rita)
    (old,), (new,) = r.certificates(first), r.certificates(row)
    assert "superseded" in {line.facet.value for line in old.lines} and "valid" in {line.facet.value for line in new.lines}
    assert [h["parts"] for h in new.credential["credentialSubject"]["holders"]] == [7000, 3000]


def test_a_failed_alteration_is_told_and_leaves_the_entry_as_it_was(r: Regime) -> None:
    """第十五条、第十八条."""
    row = changing(r, "product", date(2026, 3, 4))
    number = r.entry(row).number
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    r.act(row, "fail", r.world.rong, reason="说明书不符")
    r.act(row, "notify", r.world.rita, reason="说明书不符")
    assert r.state(row) == "refused" and r.facets(number) == {"valid"}


def test_only_a_holder_may_ask_for_an_alteration(r: Regime) -> None:
    """第十八条: the registrant applies."""
    number = r.entry(registered(r)).number
    with pytest.raises(InputInvalid):
        r.file("change", entry=number, applicant=r.world.bob, answers={"cause": "other", "event_on": "2026-03-04"})


# --- cancellation and revocation ----------------------------------------------------------------------------------


def cancelled(r: Regime, row: Filing) -> Filing:
    r.upload_all(row, "submit")
    for do, by in (("submit", r.world.alice), ("accept", r.world.rita), ("pass", r.world.rong), ("issue", r.world.rita)):
        r.act(row, do, by)
    return row


def test_a_product_that_cannot_be_operated_is_cancelled_within_five_working_days(r: Regime) -> None:
    """第二十条（二）、第二十一条（二）. carries: P3-033 P3-034 P3-035"""
    number = r.entry(registered(r)).number
    row = r.file("cancellation", entry=number, answers={"cause": "inoperable", "event_on": "2026-03-05"})
    assert r.clock(row, "filing_period").due_on == date(2026, 3, 12)
    r.upload_all(row, "submit", but=("explanation",))
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "submit")
    assert missing.value.article == "第二十一条（二）"
    cancelled(r, row)
    assert "cancelled" in r.facets(number) and r.clock(row, "filing_period").status == "met"


@pytest.mark.parametrize(("filed", "status"), [(date(2026, 9, 28), "met"), (date(2026, 9, 29), "late")])
def test_a_dissolving_registrant_files_ten_working_days_before_it_deregisters(r: Regime, filed: date, status: str) -> None:
    """第二十条（一）: backwards over National Day from 16 October 2026. carries: P3-034"""
    number = r.entry(registered(r)).number
    r.at(date(2026, 9, 21))
    row = r.file("dissolution", entry=number, answers={"cause": "dissolved", "planned_on": "2026-10-16"})
    clock = r.clock(row, "advance_period")
    assert clock.due_on == date(2026, 9, 28)
    r.at(filed)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    clock.refresh_from_db()
    assert clock.status == status


@pytest.mark.parametrize("cause", LAW.values["registry.dissolution_grounds"].codes)
def test_a_registrant_that_ends_brings_approval_decision_and_transfer_report(r: Regime, cause: str) -> None:
    """第二十一条（一）. carries: P3-033 P3-035"""
    number = r.entry(registered(r)).number
    row = r.file("dissolution", entry=number, answers={"cause": cause, "planned_on": "2026-06-01"})
    r.upload(row, "declaration")
    for paper in ("department_approval", "written_decision", "interest_transfer_report"):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    cancelled(r, row)
    assert "cancelled" in r.facets(number)


@pytest.mark.parametrize("ground", LAW.values["registry.revocation_grounds"].codes)
@pytest.mark.parametrize(("extent", "facet"), [("whole", "revoked"), ("part", "revoked_in_part")])
def test_the_registrar_may_revoke_all_or_part(r: Regime, ground: str, extent: str, facet: str) -> None:
    """第二十二条: on each ground; the registrant is heard first, a second person decides (ours). carries: P3-036"""
    number = r.entry(registered(r)).number
    told = {"cause": ground, "extent": extent, **({"revoked_part": "2024 年以前的数据"} if extent == "part" else {})}
    row = r.file("revocation", entry=number, by=r.world.rita, answers=told)
    with pytest.raises(MaterialsMissing):
        r.act(row, "propose", r.world.rita)
    r.upload_all(row, "propose", r.world.rita)
    r.act(row, "propose", r.world.rita)
    r.act(row, "state_case", r.world.alice, statement="材料属实")
    last = r.clock(row, "hearing_period").due_on
    with pytest.raises(TooEarly):
        r.act(row, "issue", r.world.rong, reason="查证属实")
    r.at(date.fromordinal(last.toordinal() + 1), 0, 0)
    both = replace(r.world.rita, seats=frozenset({"registrar", "reviewer"}))
    with pytest.raises(SeparationOfDuties):
        r.act(row, "issue", both, reason="查证属实")
    r.act(row, "issue", r.world.rong, reason="查证属实")
    assert facet in r.facets(number)
    assert ("valid" in r.facets(number)) is (extent == "part")


def test_a_revocation_not_borne_out_is_dropped(r: Regime) -> None:
    """第二十二条 says may."""
    number = r.entry(registered(r)).number
    row = r.file("revocation", entry=number, by=r.world.rita, answers={"cause": "deceit", "extent": "whole"})
    r.upload_all(row, "propose", r.world.rita)
    r.act(row, "propose", r.world.rita)
    r.act(row, "drop", r.world.rong, reason="查无实据")
    assert r.state(row) == "dropped" and r.facets(number) == {"valid"}


# --- the authority ------------------------------------------------------------------------------------------------


def test_the_annual_report_is_due_twenty_working_days_after_the_year() -> None:
    """第三十条. carries: P3-047"""
    (row,) = LAW.values["registry.reports"].rows
    assert row["every"] == "year" and row["due_after"] == "registry.annual_report_period"
    length = LAW.values["registry.annual_report_period"].length
    assert (length.value, str(length.unit)) == (20, "wd")
