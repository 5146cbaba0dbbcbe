"""The engine on the real database: moves, facts, clocks, quorum, children, holds, races."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from shugu.kernel import engine, holds, journal, queries, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.errors import (
    AlreadyGiven,
    ConflictOfInterest,
    GuardRefused,
    HeldBack,
    InputInvalid,
    MaterialsMissing,
    MovedMeanwhile,
    NotInProcedure,
    NotYourStep,
    Refused,
    SeparationOfDuties,
    TooEarly,
    TooLate,
    UndertakingNeeded,
)
from shugu.kernel.models import Case, Clock, Fact, Material
from shugu.kernel.procedure import Table
from shugu.kernel.workdays import end_of_day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bench")]

ALICE = Actor(ActorKind.PERSON, person=1, org=10)
CAROL = Actor(ActorKind.PERSON, person=2, org=11)
RITA = Actor(ActorKind.PERSON, person=3, org=90, seats=frozenset({"registrar", "reviewer"}))
RONG = Actor(ActorKind.PERSON, person=4, org=90, seats=frozenset({"reviewer"}))
VOTERS = [Actor(ActorKind.PERSON, person=p, org=90, seats=frozenset({"committee"})) for p in (5, 6)]
MALLORY = Actor(ActorKind.PERSON, person=9, org=99)


def opened(now: datetime, **data: Any) -> int:
    return engine.open_case(
        "kernel_test.filing", actor=ALICE, now=now, title="一件登记", data=data, subjects=["registry.entry:5"],
        parties=[PartyView("applicant", None, 10), PartyView("co_holder", None, 11)],
    )  # fmt: skip


def file_source(case: int, now: datetime, signers: int = 1, material: str = "source") -> None:
    Material.objects.create(
        case_id=case, material=material, filename="a.pdf", media_type="application/pdf", size=1, digest="0" * 64,
        signers=signers, filed_at=now,
    )  # fmt: skip


def do(case: int, what: str, actor: Actor, now: datetime, undertaking: str = "", **input: Any) -> engine.Applied:
    return engine.act(case, Command(what, input, undertaking), actor=actor, now=now)


def accepted(now: datetime, **data: Any) -> int:
    case = opened(now, **data)
    file_source(case, now)
    do(case, "accept", RITA, now)
    return case


def noticed(now: datetime, **data: Any) -> int:
    case = accepted(now, **data)
    do(case, "decide", RONG, now)
    return case


def state(case: int) -> str:
    return Case.objects.get(pk=case).state


def test_a_move_writes_exactly_one_fact_with_its_commitment(now: datetime) -> None:
    case = noticed(now)
    facts = list(Fact.objects.filter(case_id=case).order_by("id"))
    assert [f.name for f in facts] == ["testfiling.opened", "testfiling.accepted", "testfiling.decided"]
    for fact in facts:
        fresh = hashlib.sha256(bytes(fact.salt or b"") + (fact.payload or "").encode()).digest()
        assert fresh == bytes(fact.digest)
    payload = json.loads(facts[-1].payload or "")
    assert payload["move"] == {"do": "decide", "from": "accepted", "role": "decider", "to": "notice"}
    assert payload["rule_set"] == Case.objects.get(pk=case).rule_set


def test_a_refused_command_changes_nothing(now: datetime) -> None:
    case = opened(now)
    before = (Case.objects.values().get(pk=case), Fact.objects.count(), list(Clock.objects.values()))
    for what, actor, error in (
        ("decide", RONG, NotInProcedure),
        ("accept", MALLORY, NotYourStep),
        ("accept", RITA, MaterialsMissing),
        ("nonsense", RITA, NotInProcedure),
    ):
        with pytest.raises(error):
            do(case, what, actor, now)
    assert before == (Case.objects.values().get(pk=case), Fact.objects.count(), list(Clock.objects.values()))


def test_the_same_person_may_not_accept_and_decide(now: datetime) -> None:
    case = accepted(now)
    with pytest.raises(SeparationOfDuties):
        do(case, "decide", RITA, now)


def test_a_registrar_of_the_applicant_stands_aside(now: datetime) -> None:
    case = opened(now)
    file_source(case, now)
    with pytest.raises(ConflictOfInterest):
        do(case, "accept", Actor(ActorKind.PERSON, person=30, org=10, seats=frozenset({"registrar"})), now)


def test_unknown_and_missing_input_are_named(now: datetime) -> None:
    case = accepted(now)
    with pytest.raises(InputInvalid) as error:
        do(case, "return", RITA, now, colour="red")
    assert set(error.value.field_errors) == {"defects", "colour"}


def test_ordered_outcomes_take_the_first_that_holds(now: datetime) -> None:
    case = accepted(now, grave=True, traded=True)
    do(case, "decide", RONG, now)
    assert state(case) == "refused"
    assert Case.objects.get(pk=case).closed_at is not None


def test_a_material_by_predicate_needs_its_signers_and_can_be_waived(now: datetime) -> None:
    case = opened(now, grave=True)
    file_source(case, now)
    with pytest.raises(MaterialsMissing):
        do(case, "accept", RITA, now)
    file_source(case, now, signers=1, material="report")
    with pytest.raises(MaterialsMissing):
        do(case, "accept", RITA, now)
    file_source(case, now, signers=2, material="report")
    assert do(case, "accept", RITA, now).state == "accepted"
    waived = opened(now, grave=True, traded=True)
    file_source(waived, now)
    assert do(waived, "accept", RITA, now).state == "accepted"


def test_a_bar_holds_until_the_day_has_ended(now: datetime) -> None:
    case = noticed(now)
    clock = Clock.objects.get(case_id=case, clock="notice_period")
    last_instant = end_of_day(clock.due_on) - timedelta(microseconds=1)
    with pytest.raises(TooEarly):
        do(case, "agree", ALICE, last_instant)
    assert not do(case, "agree", ALICE, end_of_day(clock.due_on)).moved


def test_a_quorum_moves_on_the_last_voice_only(now: datetime) -> None:
    case = noticed(now)
    later = Clock.objects.get(case_id=case, clock="notice_period").due_at
    assert not do(case, "agree", ALICE, later).moved
    with pytest.raises(AlreadyGiven):
        do(case, "agree", ALICE, later)
    assert do(case, "agree", CAROL, later).state == "agreed"
    assert Fact.objects.filter(case_id=case, name="testfiling.consented").count() == 1
    assert not do(case, "vote", VOTERS[0], later).moved
    with pytest.raises(AlreadyGiven):
        do(case, "vote", VOTERS[0], later)
    assert do(case, "vote", VOTERS[1], later).state == "registered"


def test_a_guard_refuses_with_its_article_and_an_undertaking_passes(now: datetime) -> None:
    case = accepted(now, objected=True)
    with pytest.raises(GuardRefused) as refusal:
        do(case, "decide", RONG, now)
    assert refusal.value.article == "第二十条"
    risky = noticed(now, risky=True)
    later = Clock.objects.get(case_id=risky, clock="notice_period").due_at
    with pytest.raises(UndertakingNeeded):
        do(risky, "agree", ALICE, later)
    with pytest.raises(UndertakingNeeded):
        do(risky, "agree", ALICE, later, undertaking="something else")
    applied = do(risky, "agree", ALICE, later, undertaking="知悉风险")
    assert json.loads(Fact.objects.get(pk=applied.fact_id).payload or "")["move"]["undertaking"] == "知悉风险"


def test_a_window_closes_and_its_fire_clock_lapses_the_case(now: datetime) -> None:
    case = accepted(now)
    do(case, "return", RITA, now, defects=["缺少来源证明"])
    clock = Clock.objects.get(case_id=case, clock="correction_end")
    with pytest.raises(TooLate):
        do(case, "correct", ALICE, clock.due_at)
    assert engine.sweep(clock.due_at - timedelta(seconds=1)) == 0
    assert state(case) == "correcting"
    assert engine.sweep(clock.due_at) == 1
    assert state(case) == "lapsed"
    assert engine.sweep(clock.due_at) == 0


def test_an_overdue_duty_is_recorded_once(now: datetime) -> None:
    case = opened(now)
    clock = Clock.objects.get(case_id=case, clock="acceptance")
    assert engine.sweep(clock.due_at) == 1
    assert engine.sweep(clock.due_at + timedelta(days=3)) == 0
    assert Fact.objects.filter(case_id=case, name="clock.overdue").count() == 1
    assert [c.overdue for c in queries.clocks(case, clock.due_at)] == [True]


def test_a_backward_clock_counts_from_a_declared_date(now: datetime) -> None:
    case = opened(now, expires_on="2026-10-12")
    clock = Clock.objects.get(case_id=case, clock="before_expiry")
    assert clock.due_on.isoformat() < "2026-10-01"  # ten working days back over the National Day rest


def test_an_open_child_pauses_the_parents_clock_and_resumes_it(now: datetime) -> None:
    case = noticed(now)
    before = Clock.objects.get(case_id=case, clock="notice_period")
    child = engine.open_case(
        "kernel_test.objection", actor=MALLORY, now=now, title="异议", parent=case, parties=[PartyView("objector", 9, 99)]
    )
    assert Clock.objects.get(pk=before.pk).status == "paused"
    assert engine.sweep(before.due_at) <= 1
    with pytest.raises(TooEarly):
        do(case, "agree", ALICE, before.due_at)
    do(child, "withdraw", MALLORY, now + timedelta(days=2))
    after = Clock.objects.get(pk=before.pk)
    assert after.status == "running" and (after.due_on - before.due_on).days == 2


def test_a_childs_outcome_commands_its_parent_in_the_same_transaction(now: datetime) -> None:
    case = accepted(now)
    child = engine.open_case(
        "kernel_test.objection", actor=MALLORY, now=now, title="异议", parent=case, parties=[PartyView("objector", 9, 99)]
    )
    with pytest.raises(NotYourStep):  # `decide` is not by = mandate, so the whole act is refused
        do(child, "uphold", MALLORY, now)
    assert state(child) == "open"


def test_a_hold_blocks_hard_or_softly_until_lifted(now: datetime) -> None:
    case = noticed(now)
    later = Clock.objects.get(case_id=case, clock="notice_period").due_at
    do(case, "agree", ALICE, later)
    do(case, "agree", CAROL, later)
    hard = holds.place("registry.entry:5", forbids=["dispose"], reason="查封", actor=RITA, now=later)
    with pytest.raises(HeldBack):
        do(case, "vote", VOTERS[0], later)
    holds.lift(hard.pk, actor=RITA, now=later)
    holds.place("registry.entry:5", forbids=["dispose"], reason="异议", undertaking="自担风险", actor=RITA, now=later)
    with pytest.raises(UndertakingNeeded):
        do(case, "vote", VOTERS[0], later)
    do(case, "vote", VOTERS[0], later, undertaking="自担风险")


def test_the_desk_shows_what_waits_and_nothing_to_a_stranger(now: datetime) -> None:
    case = opened(now)
    assert [r.case for r in queries.desk(RITA, now)] == [case]
    assert queries.desk(MALLORY, now) == []
    assert queries.desk(ALICE, now) == []
    file_source(case, now)
    do(case, "accept", RITA, now)
    do(case, "return", RITA, now, defects=["x"])
    assert [r.case for r in queries.desk(ALICE, now)] == [case]


def test_a_standing_step_waits_on_nobodys_desk(bench: Table, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    case = opened(now)
    standing = replace(bench, steps=tuple(replace(s, standing=s.do == "accept") for s in bench.steps))
    monkeypatch.setattr(queries, "all_tables", lambda: {standing.id: {1: standing}})
    monkeypatch.setattr(queries, "table", lambda procedure, version=None: standing)
    assert queries.desk(RITA, now) == []
    assert [choice.do for choice in queries.acts(case, RITA, now)] == ["accept"]


def test_acts_tell_why_one_is_refused(now: datetime) -> None:
    case = opened(now)
    [choice] = queries.acts(case, RITA, now)
    assert choice.do == "accept" and not choice.allowed and choice.why and "来源证明" in choice.why[0]
    assert queries.materials_needed(case, "accept")[0][1] is False


def test_the_journal_refuses_change_and_takes_only_whole_erasure(now: datetime) -> None:
    case = opened(now)
    fact = Fact.objects.get(case_id=case)
    for statement in (
        "UPDATE kernel_fact SET name = 'other' WHERE id = %s",
        "DELETE FROM kernel_fact WHERE id = %s",
        "UPDATE kernel_fact SET payload = NULL WHERE id = %s",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [fact.pk])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_fact SET payload = NULL, salt = NULL WHERE id = %s", [fact.pk])
    assert Fact.objects.get(pk=fact.pk).payload is None


def test_a_fact_outside_a_transaction_is_impossible() -> None:
    in_block = connection.in_atomic_block
    try:
        connection.in_atomic_block = False
        with pytest.raises(RuntimeError):
            journal.record("x.y", subject="s:1", actor=RITA, now=datetime.fromisoformat("2026-03-02T00:00:00+00:00"))
    finally:
        connection.in_atomic_block = in_block


@pytest.mark.django_db(transaction=True)
def test_one_of_two_racing_commands_wins_and_the_other_changes_nothing(now: datetime) -> None:
    case = accepted(now)
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def race(actor: Actor) -> None:
        try:
            barrier.wait()
            do(case, "decide", actor, now)
            outcomes.append("won")
        except (MovedMeanwhile, NotInProcedure):
            outcomes.append("lost")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=race, args=(a,)) for a in (RONG, Actor(ActorKind.PERSON, 44, 90, frozenset({"reviewer"})))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost", "won"]
    assert Fact.objects.filter(case_id=case, name="testfiling.decided").count() == 1


@pytest.mark.django_db(transaction=True)
def test_positions_follow_commits_and_never_skip_a_late_one(now: datetime) -> None:
    opened(now)
    first = journal.assign_positions()
    ready, go = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            opened(now)
            ready.set()
            go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=late)
    thread.start()
    ready.wait(10)
    opened(now)  # commits while the earlier transaction is still open
    second = journal.assign_positions()
    go.set()
    thread.join()
    third = journal.assign_positions()
    assert (first[1], second[1] - second[0], third[1] - third[0]) == (1, 1, 1)
    assert [f.position for f in journal.read(0)] == [0, 1, 2]
    assert journal.assign_positions() == (3, 3)


def test_refusals_are_one_tree(now: datetime) -> None:
    case = opened(now)
    with pytest.raises(Refused):
        do(case, "agree", ALICE, now)
    assert store.read_case(case).state == "submitted"
