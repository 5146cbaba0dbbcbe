"""安徽省数据资源登记管理办法（试行）（征求意见稿） 2023-12-07: what may be registered, papers, clocks, deferral, notice."""

from __future__ import annotations

import json
from datetime import date

import pytest

from shugu.kernel import rulebook
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
from shugu.kernel.models import Case, Fact, Material
from shugu.kernel.regimes import load_regime
from shugu.kernel.tables import table
from shugu.registry import queries_notices
from shugu.registry.applications import code_table, form_fields, rules_of
from shugu.registry.errors import AccountOpen
from shugu.registry.models import Account
from shugu.registry.tests.anhui import (
    DECLARED,
    account,
    after_notice,
    drafted,
    examined,
    later,
    needed,
    noticed,
    registered,
    submitted,
)
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

REFUSALS = ("state_secret", "unlawful_source", "ownership_dispute", "other_law")
HOLDING = {
    "application_form", "commitment", "identity", "basic_table", "source_proof", "substantive_review", "feature_data",
    "origin_confirmation",
}  # fmt: skip


@pytest.fixture()
def r(atlas: World) -> Regime:
    """Alice has an account; nothing else is registered."""
    found = Regime(atlas, "anhui")
    account(found, atlas.alice)
    return found


def test_a_draft_binds_nothing_and_every_case_keeps_the_rules_it_began_under(r: Regime) -> None:
    """第九条（一）、第三十八条

    carries: P5-151 P5-218
    """
    found = load_regime("anhui", on=date(2026, 3, 2))
    (document, _), = found.documents
    own = [value for value in found.values.values() if value.document == document.id]
    assert document.status == "draft" and {value.force for value in own} == {"may"}
    kept = rulebook.recall(Case.objects.get(pk=drafted(r).pk).rule_set)
    assert kept.value("registry.notice_period", register="anhui").number == 10


def test_applicant_agency_platform_and_third_party_are_different_roles() -> None:
    """第三条、第十一条、第十九条（三）

    carries: P5-143 P5-144 P5-185
    """
    found = table("anhui.holding", 1)
    assert {"applicant", "substantive_reviewer", "registrar", "reviewer"} <= set(found.party)
    assert found.party["registrar"].seat == "registrar" and found.party["substantive_reviewer"].seat is None


def test_six_types_of_resource_and_another_that_is_specified(r: Regime) -> None:
    """第三条

    carries: P5-140
    """
    codes = list(code_table(rules_of("anhui"), "registry.objects"))
    assert codes == ["data_set", "api_data", "model", "analysis_report", "visualisation", "data_index", "other"]
    with pytest.raises(InputInvalid) as told:
        r.file(object_kind="other", answers={"object_note": ""}, reviewer=r.world.quinn.org)
    assert "form.object_note" in told.value.field_errors
    assert r.file(object_kind="other", answers={"object_note": "知识图谱"}, reviewer=r.world.quinn.org).form["object_note"]


STOPS = {"state_secret": "yes", "government_data": "yes", **dict.fromkeys(DECLARED, "no")}


@pytest.mark.parametrize("answer", list(STOPS))
def test_excluded_data_and_a_missing_declaration_stop_it_before_anything_is_handed_in(r: Regime, answer: str) -> None:
    """第二条、第七条（二）（三）

    carries: P5-139 P5-148
    """
    row = drafted(r, **{answer: STOPS[answer]})
    r.upload_all(row, do="commission")
    with pytest.raises(GuardRefused):
        r.act(row, "commission")


def test_original_and_derived_resources_show_what_makes_them_so(r: Regime) -> None:
    """第三条

    carries: P5-141
    """
    assert needed(r, examined(r, formation="original")) & {"origin_confirmation", "labour_statement"} == {"origin_confirmation"}
    assert needed(r, examined(r, formation="derived")) & {"origin_confirmation", "labour_statement"} == {"labour_statement"}


def test_important_data_need_their_measures_of_protection(r: Regime) -> None:
    """第九条（六）

    carries: P5-155
    """
    row = examined(r, data_grade="important")
    r.upload_all(row, do="submit", but=("grade_measures",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


ASKED = ("location", "structure", "scale", "frequency", "subject_info", "right_term_until", "quality", "industry", "scenario")


@pytest.mark.parametrize("field", ASKED)
def test_where_it_is_and_its_natural_legal_and_value_attributes_are_all_asked(r: Regime, field: str) -> None:
    """第二条、第十三条3

    carries: P5-138 P5-172 P5-173 P5-174
    """
    with pytest.raises(InputInvalid) as told:
        drafted(r, **{field: ""})
    assert f"form.{field}" in told.value.field_errors


def test_one_applicant_has_one_account_of_any_kind_of_person(r: Regime) -> None:
    """第三条、第二十七条

    carries: P5-142 P5-206
    """
    assert list(code_table(rules_of("anhui"), "registry.applicant_kinds")) == ["natural_person", "legal_person", "unincorporated"]
    account(r, r.world.bob)
    with pytest.raises(AccountOpen):
        account(r, r.world.alice)
    numbers = list(Account.objects.filter(register="anhui").values_list("number", flat=True))
    assert len(set(numbers)) == len(numbers) == 2


def test_nothing_is_handed_in_without_an_account(r: Regime) -> None:
    """第七条（一）

    carries: P5-148
    """
    row = drafted(r, r.world.bob)
    r.upload_all(row, do="commission", by=r.world.bob)
    with pytest.raises(GuardRefused):
        r.act(row, "commission", by=r.world.bob)


def test_only_a_holder_applies_for_a_holding(r: Regime) -> None:
    """第十三条

    carries: P5-170
    """
    assert r.world.bob.org is not None
    with pytest.raises(InputInvalid) as told:
        r.file(holders=((r.world.bob.org, 1),), reviewer=r.world.quinn.org)
    assert "holders" in told.value.field_errors


@pytest.mark.parametrize("paper", ["commitment", "identity", "source_proof", "substantive_review", "feature_data"])
def test_a_holding_needs_every_paper_of_article_13(r: Regime, paper: str) -> None:
    """第十三条、第十九条（一）

    carries: P5-171 P5-182
    """
    row = examined(r)
    assert needed(r, row) == HOLDING
    Material.objects.filter(case_id=row.pk, material=paper).update(superseded=True)
    r.upload_all(row, do="submit", but=(paper,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


def test_the_features_of_the_data_are_fixed_by_their_digest_in_the_log(r: Regime) -> None:
    """第十条（一）

    carries: P5-158
    """
    row = submitted(r)
    digest = Material.objects.get(case_id=row.pk, material="feature_data", superseded=False).digest
    told = [json.loads(payload or "{}") for payload in Fact.objects.filter(case_id=row.pk).values_list("payload", flat=True)]
    assert [fact for fact in told if fact.get("digests", {}).get("feature_data") == digest]


def test_the_substance_is_the_third_partys_and_the_form_the_agencys(r: Regime) -> None:
    """第十九条（三）

    carries: P5-185
    """
    row = drafted(r)
    r.upload_all(row, do="commission")
    with pytest.raises(NotInProcedure):
        r.act(row, "submit")
    r.act(row, "commission")
    with pytest.raises(NotYourStep):
        r.act(row, "report", by=r.world.rong)
    r.upload(row, "substantive_review", by=r.world.quinn)
    r.act(row, "report_failure", by=r.world.quinn, reason="样本与说明不符")
    assert r.state(row) == "draft"


def test_a_third_party_does_not_review_for_itself(r: Regime) -> None:
    """第十一条（四）"""
    account(r, r.world.quinn)
    row = drafted(r, r.world.quinn)
    r.upload_all(row, do="commission", by=r.world.quinn)
    r.act(row, "commission", by=r.world.quinn)
    with pytest.raises(ConflictOfInterest):
        r.act(row, "report", by=r.world.quinn)


def test_acceptance_and_review_both_run_from_receipt(r: Regime) -> None:
    """第十九条（二）（三）: received on Monday 28 September, over National Day with its make-up Saturday; accepted a day
    late, the review still ends twenty working days after receipt.

    carries: P5-183 P5-184 P5-189 P5-190
    """
    row = submitted(r.at(date(2026, 9, 28)))
    assert r.clock(row, "acceptance_period").due_on == date(2026, 10, 10)
    assert r.clock(row, "review_period").due_on == date(2026, 10, 30)
    r.at(date(2026, 10, 10), hour=23).sweep()
    assert "clock.overdue" not in r.facts(row)
    r.at(date(2026, 10, 11), hour=1).sweep()
    assert r.facts(row).count("clock.overdue") == 1
    r.act(row, "accept", by=r.world.rita)
    assert r.clock(row, "acceptance_period").status == "late"
    assert r.clock(row, "review_period").due_on == date(2026, 10, 30)
    r.at(date(2026, 10, 30), hour=23).sweep()
    assert r.facts(row).count("clock.overdue") == 1
    r.at(date(2026, 10, 31), hour=1).sweep()
    assert r.facts(row).count("clock.overdue") == 2
    r.act(row, "pass", by=r.world.rong)
    assert r.clock(row, "review_period").status == "late"


def test_other_types_are_reviewed_within_ten_working_days_of_receipt(r: Regime) -> None:
    """第十九条（三）

    carries: P5-184 P5-189
    """
    row = later(r, "change", registered(r))
    first = r.now.date()
    assert (first, r.clock(row, "review_period").due_on) == (date(2026, 3, 17), date(2026, 3, 31))


def test_declining_states_its_reasons(r: Regime) -> None:
    """第十九条（二）

    carries: P5-183
    """
    row = submitted(r)
    with pytest.raises(InputInvalid):
        r.act(row, "decline", by=r.world.rita)
    r.act(row, "decline", by=r.world.rita, reason="不属于本办法的登记范围")
    assert r.state(row) == "declined"


@pytest.mark.parametrize("ground", REFUSALS)
def test_registration_is_refused_on_each_of_four_grounds(r: Regime, ground: str) -> None:
    """第十八条

    carries: P5-181
    """
    row = submitted(r)
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "refuse", by=r.world.rong, refusal_ground=ground, reason="审查所见")
    assert r.state(row) == "refused"


def test_accepting_and_reviewing_are_different_people(r: Regime) -> None:
    """第三条、第十九条

    carries: P5-144
    """
    row = submitted(r)
    r.act(row, "accept", by=r.world.rita)
    both = Actor(r.world.rita.kind, person=r.world.rita.person, seats=frozenset({"registrar", "reviewer"}))
    with pytest.raises(SeparationOfDuties):
        r.act(row, "pass", by=both)


def test_without_the_promise_nothing_is_deferred(r: Regime) -> None:
    """第二十条

    carries: P5-191
    """
    row = examined(r)
    r.upload_all(row, do="submit", but=("identity",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    r.upload(row, "identity")
    r.act(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "defer", by=r.world.rita, defects=["身份材料"], note="逾期视为撤回")


def test_deferred_documents_supplied_on_the_last_day_begin_the_review_anew(r: Regime) -> None:
    """第二十条: accepted first, told once; the review counts from the day the file is complete.

    carries: P5-188 P5-190 P5-191
    """
    row = examined(r, supplement_promised="yes")
    r.upload_all(row, do="submit")
    r.act(row, "submit")
    assert not {"identity", "origin_confirmation"} & set(
        Material.objects.filter(case_id=row.pk).values_list("material", flat=True)
    )
    with pytest.raises(MaterialsMissing):
        r.act(row, "accept", by=r.world.rita)
    with pytest.raises(InputInvalid):
        r.act(row, "defer", by=r.world.rita, defects=["身份材料"])
    r.act(row, "defer", by=r.world.rita, defects=["身份材料", "四项确认"], note="逾期不予登记")
    assert r.clock(row, "supplement_period").due_on == date(2026, 3, 16)
    r.at(date(2026, 3, 16), hour=23)
    with pytest.raises(MaterialsMissing):
        r.act(row, "supplement")
    r.upload_all(row, do="supplement")
    r.act(row, "supplement")
    assert r.state(row) == "review" and r.clock(row, "review_period").due_on == date(2026, 4, 14)


def test_deferred_documents_one_day_late_end_the_case_as_told(r: Regime) -> None:
    """第二十条

    carries: P5-191
    """
    row = submitted(r, supplement_promised="yes")
    r.act(row, "defer", by=r.world.rita, defects=["身份材料"], note="逾期不予登记")
    r.at(date(2026, 3, 17), hour=0, minute=1)
    with pytest.raises(TooLate):
        r.act(row, "supplement")
    r.sweep()
    assert r.state(row) == "lapsed"


def test_only_what_may_be_disclosed_is_under_notice(r: Regime) -> None:
    """第十九条（四）

    carries: P5-186
    """
    row = noticed(r)
    shown = queries_notices.notice(row.number, r.now).form
    hidden = {f.id for f in form_fields("anhui", row.object_kind) if not f.public}
    assert "subject_info" in hidden and not hidden & set(shown)
    assert {"structure", "scale", "scenario"} <= set(shown)


def test_the_notice_runs_ten_working_days_and_then_the_certificate_follows(r: Regime) -> None:
    """第十九条（四）（五）: over National Day; the case goes through application, acceptance, review, notice, certificate.

    carries: P5-152 P5-186 P5-187 P5-188
    """
    row = noticed(r.at(date(2026, 9, 28)))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 16)
    r.at(date(2026, 10, 16), hour=23)
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)
    r.sweep()
    assert r.state(row) == "notice"
    after_notice(r, row)
    assert r.facts(row)[-3:] == ["filing.notice_ended", "filing.issued", "entry.entered"]
    (paper,) = r.certificates(row)
    assert paper.kind == "data_resource_certificate" and paper.facets == {"valid"}


def test_the_applicant_may_withdraw_before_the_certificate(r: Regime) -> None:
    """第四条: voluntary"""
    for begun in (drafted, submitted, noticed):
        row = begun(r)
        r.act(row, "withdraw")
        assert r.state(row) == "withdrawn"
