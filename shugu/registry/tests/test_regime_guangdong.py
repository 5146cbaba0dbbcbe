"""广东省数据资产合规登记规则（试行）（征求意见稿）: the text, its three routes, correction, refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from shugu.kernel.cases import Actor
from shugu.kernel.errors import (
    AlreadyGiven,
    ConflictOfInterest,
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooLate,
)
from shugu.kernel.rule_files import Force
from shugu.registry.tests.guangdong import (
    APPROVABLE,
    GOLDEN_WEEK,
    LAW,
    TRIGGERS,
    accepted,
    before_committee,
    decided,
    drafted,
    noticed,
    published,
    submitted,
    verified,
)
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guangdong")


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
    """第二条.

    carries: P3-002
    """
    kinds = LAW.values["registry.operation_types"].codes
    assert kinds == ("first", "change", "cancellation", "revocation")
    assert {row["type"] for row in LAW.values["registry.operations"].rows} == set(kinds)


def test_raw_data_is_no_object_of_registration(r: Regime) -> None:
    """第三条（三）.

    carries: P3-005
    """
    assert len(LAW.values["registry.objects"].codes) == 6
    with pytest.raises(InputInvalid) as refusal:
        drafted(r, object_kind="data_resource")
    assert "object_kind" in refusal.value.field_errors


# --- routes -------------------------------------------------------------------------------------------------------


def test_without_a_trigger_the_simple_procedure_applies(r: Regime) -> None:
    """第十三条.

    carries: P3-024
    """
    assert r.state(accepted(r)) == "simple_review"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_each_trigger_alone_makes_the_ordinary_procedure_mandatory(r: Regime, trigger: str) -> None:
    """第七条（一）至（六）.

    carries: P3-013
    """
    assert r.state(accepted(r, {trigger: "yes"})) == "initial_review"


def test_the_applicant_may_ask_for_the_ordinary_procedure(r: Regime) -> None:
    """第十三条 says may, not must."""
    assert r.state(accepted(r, {"asks_ordinary": "yes"})) == "initial_review"


@pytest.mark.parametrize(("trigger", "paper"), list(APPROVABLE.items()))
def test_with_the_authoritys_approval_the_case_goes_straight_to_notice(r: Regime, trigger: str, paper: str) -> None:
    """第十二条: items 2 to 5; the approval is filed, the registrar checks it.

    carries: P3-023
    """
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
    """第十二条 names items 2 to 5 only.

    carries: P3-023
    """
    with pytest.raises(InputInvalid):
        drafted(r, {trigger: "approved"})
    assert r.state(accepted(r, {trigger: "yes", "route_important": "approved"})) == "initial_review"


def test_one_trigger_without_approval_closes_the_fast_lane(r: Regime) -> None:
    """第十二条: several triggers are not addressed; every one needs its approval (our reading)."""
    assert r.state(accepted(r, {"route_important": "approved", "route_cross_border": "yes"})) == "initial_review"


def test_a_product_outside_the_registrars_authorisation_is_handed_over(r: Regime) -> None:
    """第五条: public-data products lie with the provincial operator, social-data products with the exchange.

    carries: P3-011
    """
    row = submitted(r, {"route_public_data": "yes"})
    with pytest.raises(InputInvalid):
        r.act(row, "hand_over", r.world.rita, reason="公共数据产品")
    r.act(row, "hand_over", r.world.rita, receiving_registrar="public_data", reason="公共数据产品")
    assert r.state(row) == "handed_over"


def test_approvals_that_do_not_hold_lead_to_the_ordinary_procedure(r: Regime) -> None:
    """第七条、第十二条."""
    row = accepted(r, {"route_important": "approved"})
    r.act(row, "send_to_ordinary", r.world.rita, reason="审批范围不含本产品")
    assert r.state(row) == "initial_review"
    assert r.clock(row, "initial_review_period").due_on == date(2026, 3, 16)


# --- the ordinary procedure ---------------------------------------------------------------------------------------


def test_the_ordinary_route_is_walked_by_four_separate_people(r: Regime) -> None:
    """第九条至第十一条.

    carries: P3-007 P3-015 P3-017 P3-019 P3-044
    """
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
    """第九条、第十七条: each of the four documents is missed.

    carries: P3-014 P3-027 P3-040
    """
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
    """第九条（二）.

    carries: P3-015
    """
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
    """第三条（四）、第九条、第十条、第十五条.

    carries: P3-006
    """
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
    """第九条至第十一条: opinion and decision have two signatories.

    carries: P3-019
    """
    w = r.world
    both = replace(w.rita, seats=frozenset({"registrar", "reviewer", "committee_member"}))
    row = verified(r)
    r.upload_all(row, "pass_initial", w.rong)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "pass_initial", both)
    r.act(row, "pass_initial", w.rong)
    r.act(row, "convene", w.rita, meeting_on="2026-03-03")
    with pytest.raises(SeparationOfDuties):
        r.act(row, "endorse", both)
    with pytest.raises(NotYourStep):
        r.act(row, "endorse", w.rita)


def test_the_committee_speaks_by_its_quorum_of_different_members(r: Regime) -> None:
    """第十条: the meeting's quorum is the venue's own.

    carries: P3-007 P3-017
    """
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
    """第十一条.

    carries: P3-019
    """
    row = decided(r)
    with pytest.raises(NotYourStep):
        r.act(row, "agree", r.world.cai)
    r.act(row, "disagree", r.world.rita, reason="权益归属存疑")
    assert r.state(row) == "not_passed"


@pytest.mark.parametrize("where", ["initial", "committee", "simple"])
def test_a_failed_review_is_told_within_three_working_days(r: Regime, where: str) -> None:
    """第九条、第十条、第十五条: decided on 28 September, told by 8 October.

    carries: P3-016 P3-018 P3-025
    """
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


# --- correction and refusal ---------------------------------------------------------------------------------------


def test_correction_is_refused_one_minute_after_the_time_given(r: Regime) -> None:
    """第二十三条（三）: ten working days (ours) from 28 September end on 16 October.

    carries: P3-038
    """
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
    """第二十三条（三）: only after the registrant could correct.

    carries: P3-037 P3-038
    """
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
    """第二十三条（一）（二）（四）.

    carries: P3-037
    """
    row = accepted(r)
    with pytest.raises(InputInvalid):
        r.act(row, "refuse", r.world.rita, refusal_ground="ownership_dispute", reason="x")
    r.act(row, "refuse", r.world.rita, refusal_ground=ground, reason="依据第二十三条")
    assert r.state(row) == "refused"


def test_a_third_partys_report_is_demanded_with_a_reason_and_then_needed(r: Regime) -> None:
    """第十七条: case by case.

    carries: P3-028
    """
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
