"""大理州数据资产登记管理办法 (2023-11-01 to 2028-10-31): papers by right, examination, notice, burden of proof."""

from __future__ import annotations

from datetime import date, timedelta

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
from shugu.registry.applications import code_table, rules_of
from shugu.registry.models import Certificate
from shugu.registry.tests.dali import account, after_notice, commissioned, drafted, needed, noticed, submitted
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

REFUSALS = ("unverifiable", "right_or_dispute", "prohibited_content", "materials_nonconforming", "other_law")


@pytest.fixture()
def r(atlas: World) -> Regime:
    """Alice has an account; nothing else is registered."""
    found = Regime(atlas, "dali")
    account(found, "open_account", own_name="yes")
    return found


def test_the_document_applies_to_its_last_day_and_then_goes_on_as_the_venues_own_choice() -> None:
    """第三十八条"""
    inside, after = (load_regime("dali", on=day) for day in (date(2028, 10, 31), date(2028, 11, 1)))
    assert inside.values["registry.notice_period"].force == "must"
    assert after.values["registry.notice_period"].force == "venue"
    assert after.values["registry.notice_period"].status == "lapsed"


def test_three_forms_and_three_rights_are_registered_each_with_its_meaning(r: Regime) -> None:
    """第二条至第四条

    carries: P6-070 P6-071 P6-072 P6-076
    """
    rules = rules_of("dali")
    assert list(code_table(rules, "registry.objects")) == ["data_resource", "data_component", "data_product"]
    assert list(code_table(rules, "registry.right_contents")) == list(code_table(rules, "registry.rights"))
    assert list(code_table(rules, "registry.object_definitions")) == list(code_table(rules, "registry.objects"))


@pytest.mark.parametrize("answer", ["in_prefecture", "meets_definition", "truthful"])
def test_what_lies_elsewhere_or_is_no_such_form_or_is_not_vouched_for_is_not_handed_in(r: Regime, answer: str) -> None:
    """第二条、第三条、第十八条

    carries: P6-070 P6-072 P6-095
    """
    row = drafted(r, answers={answer: "no"})
    r.upload_all(row, do="submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


def test_it_refuses_an_application_without_the_form_of_the_asset(r: Regime) -> None:
    """第三条

    carries: P6-071
    """
    with pytest.raises(InputInvalid) as told:
        drafted(r, object_kind="algorithm")
    assert "object_kind" in told.value.field_errors


BASIC = {"application_form", "identity"}
MATRIX = {
    "holding": BASIC | {"resource_table", "source_proof"},
    "processing_use": BASIC | {"resource_table", "authorisation_proof"},
    "operation": BASIC | {"product_table", "source_proof"},
}


@pytest.mark.parametrize("right", list(MATRIX))
def test_the_papers_follow_the_right_applied_for(r: Regime, right: str) -> None:
    """第十三条至第十五条

    carries: P6-088 P6-089 P6-090
    """
    assert needed(r, drafted(r, rights=(right,))) == MATRIX[right]


def test_several_rights_need_the_papers_of_each(r: Regime) -> None:
    """第十三条至第十五条

    carries: P6-088 P6-089 P6-090
    """
    assert needed(r, drafted(r, rights=tuple(MATRIX))) == set().union(*MATRIX.values())


def test_initial_acquisition_adds_the_letter_of_responsibility(r: Regime) -> None:
    """第十三条（四）、第十五条（四）

    carries: P6-088 P6-090
    """
    row = drafted(r, rights=("holding",), answers={"acquisition": "initial"})
    assert needed(r, row) == MATRIX["holding"] | {"responsibility_commitment"}


def test_what_came_from_a_recognised_venue_needs_the_form_alone(r: Regime) -> None:
    """第十三条至第十五条末款"""
    row = drafted(r, rights=tuple(MATRIX), answers={"gained_on_venue": "yes"})
    r.upload(row, "venue_voucher")
    assert needed(r, row) == {"application_form", "venue_voucher"}
    r.act(row, "submit")
    assert r.state(row) == "review"


def test_an_agent_acts_under_a_power_of_attorney_only(r: Regime) -> None:
    """第十三条（二）、第十六条"""
    with pytest.raises(InputInvalid) as told:
        drafted(r, agent=r.world.bob.org)
    assert "agent_org" in told.value.field_errors


def test_it_asks_how_the_papers_came(r: Regime) -> None:
    """第十六条

    carries: P6-093
    """
    assert list(code_table(rules_of("dali"), "registry.channels")) == ["online", "by_hand", "registered_post"]
    with pytest.raises(InputInvalid):
        drafted(r, answers={"channel": "telephone"})


def test_the_day_of_receipt_is_the_day_of_acceptance_and_is_not_counted(r: Regime) -> None:
    """第十九条: handed in on Sunday 1 March, examined until Friday 6 March; overdue the day after, still to be done.

    carries: P6-096
    """
    row = submitted(r.at(date(2026, 3, 1)))
    clock = r.clock(row, "review_period")
    assert (clock.starts_on, clock.due_on) == (date(2026, 3, 1), date(2026, 3, 6))
    r.at(date(2026, 3, 7), hour=1).sweep()
    assert "clock.overdue" in r.facts(row)
    r.act(row, "pass", by=r.world.rong)
    assert r.clock(row, "review_period").status == "late"


def test_formal_examination_over_national_day_counts_the_make_up_day(r: Regime) -> None:
    """第十九条

    carries: P6-096
    """
    assert r.clock(submitted(r.at(date(2026, 9, 29))), "review_period").due_on == date(2026, 10, 12)


def test_correction_is_asked_for_once_and_the_last_day_is_in_time(r: Regime) -> None:
    """第十九条

    carries: P6-097
    """
    row = submitted(r)
    with pytest.raises(InputInvalid):
        r.act(row, "ask_correction", by=r.world.rong)
    r.act(row, "ask_correction", by=r.world.rong, defects=["信息表缺时间跨度", "身份证明过期"])
    assert r.clock(row, "correction_period").due_on == date(2026, 3, 9)
    r.at(date(2026, 3, 9), hour=23)
    r.act(row, "correct")
    assert r.state(row) == "review" and r.clock(row, "review_period").due_on == date(2026, 3, 16)
    with pytest.raises(GuardRefused):
        r.act(row, "ask_correction", by=r.world.rong, defects=["再补"])


def test_a_correction_one_day_late_is_refused_and_so_is_the_registration(r: Regime) -> None:
    """第十九条

    carries: P6-097
    """
    row = submitted(r)
    r.act(row, "ask_correction", by=r.world.rong, defects=["缺授权委托书"])
    r.at(date(2026, 3, 10), hour=0, minute=1)
    with pytest.raises(TooLate):
        r.act(row, "correct")
    r.sweep()
    assert r.state(row) == "refused" and "filing.lapsed" in r.facts(row)


def test_the_third_party_examines_what_the_registrar_commissioned(r: Regime) -> None:
    """第三条、第二十条"""
    row = submitted(r)
    r.act(row, "pass", by=r.world.rong)
    with pytest.raises(NotYourStep):
        r.act(row, "commission", by=r.world.alice)
    r.act(row, "commission", by=r.world.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "report", by=r.world.rong)
    with pytest.raises(MaterialsMissing):
        r.act(row, "report", by=r.world.quinn)
    r.upload(row, "substantive_review", by=r.world.quinn)
    r.act(row, "report", by=r.world.quinn)
    assert r.state(row) == "examined"


def test_nobody_examines_their_own_application(r: Regime) -> None:
    """第二十条"""
    account(r, "open_account", r.world.quinn, own_name="yes")
    row = submitted(r, who=r.world.quinn)
    r.act(row, "pass", by=r.world.rong)
    r.act(row, "commission", by=r.world.rita)
    with pytest.raises(ConflictOfInterest):
        r.act(row, "report", by=r.world.quinn)


def test_what_passed_the_substantive_examination_is_published_not_refused(r: Regime) -> None:
    """第二十条

    carries: P6-099
    """
    row = commissioned(r)
    r.upload(row, "substantive_review", by=r.world.quinn)
    r.act(row, "report", by=r.world.quinn)
    with pytest.raises(NotInProcedure):
        r.act(row, "refuse", by=r.world.rong, refusal_ground="other_law", reason="无")
    with pytest.raises(NotInProcedure):
        r.act(row, "issue", by=r.world.rita)
    r.act(row, "publish", by=r.world.rita)
    assert r.state(row) == "notice"


@pytest.mark.parametrize("ground", REFUSALS)
def test_what_failed_is_refused_on_each_of_five_grounds(r: Regime, ground: str) -> None:
    """第二十一条

    carries: P6-100
    """
    row = commissioned(r)
    r.upload(row, "substantive_review", by=r.world.quinn)
    r.act(row, "report_failure", by=r.world.quinn, reason="来源无法核实")
    with pytest.raises(NotInProcedure):
        r.act(row, "publish", by=r.world.rita)
    r.act(row, "refuse", by=r.world.rong, refusal_ground=ground, reason="审查报告所述")
    assert r.state(row) == "refused"


def test_a_ground_that_is_not_listed_refuses_nothing(r: Regime) -> None:
    """第二十一条

    carries: P6-100
    """
    row = submitted(r)
    with pytest.raises(InputInvalid):
        r.act(row, "refuse", by=r.world.rong, refusal_ground="dislike", reason="无")


def test_registrar_and_examiner_are_different_people(r: Regime) -> None:
    """第二十条"""
    row = submitted(r)
    r.act(row, "pass", by=r.world.rong)
    both = Actor(r.world.rong.kind, person=r.world.rong.person, seats=frozenset({"registrar", "reviewer"}))
    with pytest.raises(SeparationOfDuties):
        r.act(row, "commission", by=both)


def test_the_notice_runs_seven_calendar_days_holidays_among_them(r: Regime) -> None:
    """第二十三条: published on 30 September, it ends on 7 October; the certificate waits for the day after.

    carries: P6-102 P6-105
    """
    row = noticed(r.at(date(2026, 9, 30)))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 7)
    r.at(date(2026, 10, 7), hour=23)
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)
    r.sweep()
    assert r.state(row) == "notice"
    r.at(date(2026, 10, 8), hour=0, minute=1).sweep()
    assert r.state(row) == "cleared"
    with pytest.raises(NotInProcedure):
        r.act(row, "withdraw")
    r.act(row, "issue", by=r.world.rita)
    assert r.entry(row).facets == {"valid"}


def test_anybody_objects_until_the_end_of_the_seventh_day(r: Regime) -> None:
    """第二十三条

    carries: P6-102
    """
    row = noticed(r)
    r.at(date(2026, 3, 9), hour=23)
    assert r.state(r.objection(row)) == "filed"
    r.at(date(2026, 3, 10), hour=0, minute=1)
    with pytest.raises(TooLate):
        r.objection(row, by=r.world.bob, ground="wrong_content")


def test_the_registrar_checks_the_objection_and_tells_the_result(r: Regime) -> None:
    """第二十四条"""
    row = noticed(r)
    objection = r.objection(row)
    assert r.clock(objection, "objection_review_period").due_on == date(2026, 3, 9)
    r.answer(objection, "dismiss", by=r.world.rong, reason="与本数据无关")
    assert r.state(objection) == "dismissed" and r.state(row) == "notice"
    assert r.entry(after_notice(r, row)).facets == {"valid"}


def test_the_applicant_who_does_not_disprove_in_time_loses(r: Regime) -> None:
    """第二十四条: what is not sufficiently disproved counts as valid, and a valid objection ends the registration."""
    row = noticed(r)
    objection = r.objection(row)
    r.answer(objection, "ask_disproof", by=r.world.rong, reason="现有材料无法判断")
    due = r.clock(objection, "disproof_period").due_on
    assert due == date(2026, 3, 16)
    r.at(due + timedelta(days=1), hour=0, minute=1)
    with pytest.raises(TooLate):
        r.answer(objection, "disprove", by=r.world.alice, answer="来源见附件")
    r.sweep()
    assert r.state(objection) == "upheld" and "objection.deemed_valid" in r.facts(objection)
    assert r.state(row) == "terminated"


def test_an_objection_disproved_on_the_last_day_lets_the_registration_take_effect(r: Regime) -> None:
    """第二十四条、第二十五条

    carries: P6-105
    """
    row = noticed(r)
    objection = r.objection(row)
    r.answer(objection, "ask_disproof", by=r.world.rong, reason="现有材料无法判断")
    r.at(date(2026, 3, 16), hour=23)
    r.sweep()
    assert r.state(row) == "objected"
    with pytest.raises(NotInProcedure):
        r.answer(objection, "dismiss", by=r.world.rong, reason="尚未举证")
    with pytest.raises(MaterialsMissing):
        r.answer(objection, "disprove", by=r.world.alice, answer="来源见附件")
    r.upload(objection, "disproof", by=r.world.alice)
    r.answer(objection, "disprove", by=r.world.alice, answer="来源见附件")
    r.answer(objection, "dismiss", by=r.world.rong, reason="证明充分")
    assert r.state(row) == "cleared"
    r.act(row, "issue", by=r.world.rita)
    assert r.state(row) == "registered"


def test_proof_that_does_not_convince_ends_the_registration(r: Regime) -> None:
    """第二十四条"""
    row = noticed(r)
    objection = r.objection(row)
    r.answer(objection, "ask_disproof", by=r.world.rong, reason="现有材料无法判断")
    r.upload(objection, "disproof", by=r.world.alice)
    r.answer(objection, "disprove", by=r.world.alice, answer="来源见附件")
    r.answer(objection, "uphold", by=r.world.rong, reason="不足以证明")
    assert r.state(row) == "terminated" and not Certificate.objects.exists()


@pytest.mark.parametrize("state", ["draft", "review", "correction", "formal_passed", "substantive_review", "notice"])
def test_the_applicant_withdraws_at_any_time_before_it_takes_effect(r: Regime, state: str) -> None:
    """第十七条

    carries: P6-094
    """
    begun = {"draft": drafted, "review": submitted, "correction": submitted, "formal_passed": submitted}
    row = begun.get(state, commissioned)(r)
    if state == "correction":
        r.act(row, "ask_correction", by=r.world.rong, defects=["缺页"])
    if state == "formal_passed":
        r.act(row, "pass", by=r.world.rong)
    if state == "notice":
        r.upload(row, "substantive_review", by=r.world.quinn)
        r.act(row, "report", by=r.world.quinn)
        r.act(row, "publish", by=r.world.rita)
    assert r.state(row) == state
    r.act(row, "withdraw")
    assert r.state(row) == "withdrawn"
