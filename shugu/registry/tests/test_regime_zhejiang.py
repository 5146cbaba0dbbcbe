"""DB33/T 1329—2023 数据资产确认工作指南: ten elements, six steps of inventory, four conditions, departments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from shugu.kernel.errors import (
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooLate,
)
from shugu.kernel.models import Fact
from shugu.kernel.regimes import load_regime
from shugu.kernel.rules import Force
from shugu.registry import queries
from shugu.registry.applications import form_fields, rules_of
from shugu.registry.errors import EntryEnded
from shugu.registry.models import Filing
from shugu.registry.tests.regime_stages import step
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

BEFORE_GOLDEN_WEEK = date(2026, 9, 28)
ELEMENTS = (
    "data_source", "data_name", "storage_mode", "storage_location", "data_state", "use_scene", "grading", "masking",
    "encryption", "access_control",
)  # fmt: skip
CONDITIONS = ("past_event", "control", "value_inflow", "measurable")
EVIDENCE = {"bought": "transaction_voucher", "authorised": "authorisation_credential", "produced": "outlay_proof"}
REFUSALS = ("unlawful_authorisation", "fictitious_or_future", "no_control", "value_unclear", "cost_not_measurable")


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "zhejiang")


def started(r: Regime, operation: str = "first", entry: str = "", **answers: str) -> Filing:
    """Requested by the using department, applied for by the asset department, started by finance."""
    w = r.world
    row = r.file(operation, entry=entry, answers=answers)
    step(r, row, "submit", w.alice)
    r.act(row, "apply", w.rita)
    r.act(row, "start", w.rong)
    return row


def costed(r: Regime, row: Filing, **found: str) -> Filing:
    """Proved, verified and costed, every condition found as said (all met by default)."""
    w, said = r.world, {**dict.fromkeys(CONDITIONS, "yes"), **found}
    step(r, row, "prove", w.alice)
    step(r, row, "verify", w.rita, past_event=said["past_event"], control=said["control"])
    step(
        r, row, "determine", w.rong, value_inflow=said["value_inflow"], measurable=said["measurable"], cost_fen="1250000",
    )  # fmt: skip
    return row


def confirmed(r: Regime) -> str:
    row = costed(r, started(r))
    r.act(row, "issue", r.world.cai)
    return r.entry(row).number


def followed_up(r: Regime, operation: str, entry: str, needed: str = "yes") -> Filing:
    w, row = r.world, started(r, operation, entry)
    step(r, row, "prove", w.alice)
    step(r, row, "verify", w.rita, needed=needed)
    step(r, row, "determine", w.rong, case_found="更新后内容变化")
    return row


def test_a_guide_binds_nobody_and_every_length_is_our_own() -> None:
    """1（适用于指导）"""
    values = load_regime("zhejiang", on=date(2026, 3, 2)).values.values()
    assert not [v.name for v in values if v.force is Force.MUST and v.name.startswith("registry.")]
    assert not [v.name for v in values if v.unit in ("wd", "cd", "month", "year") and v.force is not Force.VENUE]


def test_the_request_asks_for_the_ten_elements_and_the_form_of_record(r: Regime) -> None:
    """5.1.1 a)–j)、3.2 注

    carries: P4-118 P4-123 P4-124 P4-125 P4-126 P4-127 P4-128 P4-129 P4-130
    """
    asked = {f.id: f for f in form_fields("zhejiang", "data_asset")}
    assert set(ELEMENTS) <= set(asked) and all(asked[e].required for e in (*ELEMENTS, "recorded_as"))
    assert rules_of("zhejiang").value("registry.identification_elements").codes == ELEMENTS
    for element in ELEMENTS:
        with pytest.raises(InputInvalid) as told:
            r.file("first", answers={element: ""})
        assert f"form.{element}" in told.value.field_errors
    with pytest.raises(InputInvalid):
        r.file("first", answers={"data_source": "found"})


def test_the_inventory_runs_its_six_steps_in_their_order(r: Regime) -> None:
    """5.1.2 a)–f)

    carries: P4-131
    """
    w, row = r.world, r.file("inventory", rights=())
    order: list[tuple[str, dict[str, Any]]] = [
        ("survey", {"tools": "扫描器", "ports": "5432", "permissions": "只读"}),
        ("list_stores", {"stores": "3 库"}),
        ("check_stores", {"gaps": "补 1 库"}), ("recognise", {"contents": "120 表"}), ("tag", {"tags": "120"}),
    ]  # fmt: skip
    for at, (do, given) in enumerate(order):
        for other, said in order[at + 1 :]:
            with pytest.raises(NotInProcedure):
                r.act(row, other, **said)
        r.act(row, do, **given)
    with pytest.raises(MaterialsMissing):
        r.act(row, "propose")
    step(r, row, "propose", w.alice)
    r.act(row, "return_list", w.rita, reason="漏一个对象存储")
    r.act(row, "check_stores", gaps="补 1 桶")
    r.act(row, "recognise", contents="130 表")
    r.act(row, "tag", tags="130")
    r.act(row, "propose")
    r.act(row, "issue", w.rita)
    assert r.state(row) == "registered" and r.certificates(row) == []


@pytest.mark.parametrize("source", list(EVIDENCE))
def test_each_source_is_proved_by_its_own_evidence(r: Regime, source: str) -> None:
    """5.2.2.2–5.2.2.4、附录 B.1

    carries: P4-133 P4-134 P4-135 P4-145
    """
    row = started(r, data_source=source)
    r.upload(row, "provenance")
    with pytest.raises(MaterialsMissing):
        r.act(row, "prove")
    r.upload(row, EVIDENCE[source])
    r.act(row, "prove")
    assert r.state(row) == "evidenced"


def test_three_departments_start_it_and_four_decide_it_in_seven_steps(r: Regime) -> None:
    """5.3.2、5.3.3 a)–d)

    carries: P4-122
    """
    row = costed(r, started(r))
    r.act(row, "issue", r.world.cai)
    steps = [f for f in r.facts(row) if f.startswith("filing.")]
    assert steps == ["filing.drafted", "filing.submitted", "filing.applied", "filing.started", "filing.evidenced",
                     "filing.verified", "filing.determined", "filing.issued"]  # fmt: skip
    assert [c.kind for c in r.certificates(row)] == ["data_asset_confirmation"]


def test_each_department_does_its_own_part_only(r: Regime) -> None:
    """4.2 a)、5.3.2、5.3.3

    carries: P4-122
    """
    w = r.world
    both = replace(w.rita, seats=frozenset({"registrar", "reviewer", "committee_member"}))
    row = r.file("first")
    step(r, row, "submit", w.alice)
    for wrong in (w.alice, w.rong, w.cai):
        with pytest.raises(NotYourStep):
            r.act(row, "apply", wrong)
    r.act(row, "apply", both)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "start", both)
    r.act(row, "start", w.rong)
    costed(r, row)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "issue", both)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_one_condition_that_fails_stops_the_confirmation(r: Regime, condition: str) -> None:
    """5.2.1"""
    row = costed(r, started(r), **{condition: "no"})
    with pytest.raises(GuardRefused):
        r.act(row, "issue", r.world.cai)


@pytest.mark.parametrize("ground", REFUSALS)
def test_each_ground_is_refused_with_its_code_by_the_one_who_checks(r: Regime, ground: str) -> None:
    """5.2.2.3、5.2.2.5、5.2.3.3、5.2.4.3、5.2.5.2"""
    w, row = r.world, started(r)
    step(r, row, "prove", w.alice)
    by_finance = ground in ("value_unclear", "cost_not_measurable")
    if by_finance:
        step(r, row, "verify", w.rita, past_event="yes", control="yes")
    wrong, right = (w.rita, w.rong) if by_finance else (w.rong, w.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "refuse", wrong, refusal_ground=ground, reason="不符合确认条件")
    with pytest.raises(InputInvalid):
        r.act(row, "refuse", right, refusal_ground="core_data", reason="x")
    r.act(row, "refuse", right, refusal_ground=ground, reason="不符合确认条件")
    assert r.state(row) == "refused"


def test_the_supervisor_inspects_the_traces_and_may_send_back(r: Regime) -> None:
    """4.2 a)、4.2 c)

    carries: P4-122
    """
    w, row = r.world, costed(r, started(r))
    r.act(row, "inspect", w.cora, finding="痕迹齐全")
    r.act(row, "reopen", w.cora, reason="控制证明过期")
    assert r.state(row) == "evidenced"
    with pytest.raises(NotYourStep):
        r.act(row, "verify", w.cora, past_event="yes", control="yes")


def test_the_traces_of_a_confirmation_cannot_be_rewritten(r: Regime) -> None:
    """4.2 c)、C.4.5

    carries: P4-122 P4-159
    """
    row = started(r)
    traces = Fact.objects.filter(case_id=row.pk)
    assert all(len(bytes(fact.digest)) == 32 and fact.person is not None for fact in traces)
    for change in (lambda: traces.update(org=None), lambda: traces.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_change_is_confirmed_only_when_it_is_needed(r: Regime) -> None:
    """6.1–6.3"""
    entry = confirmed(r)
    idle = followed_up(r, "change", entry, needed="no")
    with pytest.raises(GuardRefused):
        r.act(idle, "issue", r.world.cai)
    row = followed_up(r, "change", entry)
    r.act(row, "issue", r.world.cai)
    assert queries.entry_by_number(entry, r.now.date()).version == 2


def test_a_change_and_an_end_need_proofs_of_their_own(r: Regime) -> None:
    """6.3.3 a)、7.3.3 a)"""
    entry = confirmed(r)
    for operation, proof in (("change", "change_proof"), ("termination", "end_proof")):
        row = started(r, operation, entry)
        with pytest.raises(MaterialsMissing):
            r.act(row, "prove")
        r.upload(row, proof)
        r.act(row, "prove")


def test_an_asset_that_meets_the_definition_no_longer_leaves_the_book(r: Regime) -> None:
    """7.1–7.3"""
    entry = confirmed(r)
    row = followed_up(r, "termination", entry)
    r.act(row, "issue", r.world.cai)
    assert "cancelled" in r.facets(entry)
    with pytest.raises(EntryEnded):
        r.file("change", entry=entry)


def test_every_wait_of_the_chain_has_a_due_day_over_national_day(r: Regime) -> None:
    """标准未定期限；均为本制度自定"""
    w, row = r.world, r.file("first")
    r.at(BEFORE_GOLDEN_WEEK)
    step(r, row, "submit", w.alice)
    assert r.clock(row, "application_period").due_on == date(2026, 10, 10)
    r.at(date(2026, 10, 11), 1).sweep()
    assert r.clock(row, "application_period").status == "overdue"
    r.act(row, "ask_correction", w.rita, defects="缺内部制度")
    r.at(date(2026, 10, 24), 9)
    assert r.clock(row, "correction_period").due_on == date(2026, 10, 23)
    with pytest.raises(TooLate):
        r.act(row, "correct")
    r.sweep()
    assert r.state(row) == "lapsed"
