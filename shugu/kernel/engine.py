"""The engine: opens cases, applies commands, sweeps clocks. The only writer of a case's state.

A move is: read the case, decide (pure), one compare-and-swap statement that also writes the fact, the clocks, the
party row and the consent, then the step's effect; all in one transaction, four round trips without an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import transaction

from shugu.kernel import journal, runtime, store
from shugu.kernel.cases import THE_CLOCK, Actor, ActorKind, CaseView, Command, PartyView
from shugu.kernel.clockwork import ClockPlan, paused, plan, resumed
from shugu.kernel.decide import Move, Opinion, decide
from shugu.kernel.errors import Forbidden, Refused
from shugu.kernel.procedure import CLOCK, MANDATE, Table
from shugu.kernel.tables import table
from shugu.kernel.vocabulary import VOCABULARY
from shugu.kernel.workdays import local_day

MAX_CHAIN = 8  # child closes parent closes its parent …: deeper is a table in a circle


@dataclass(frozen=True)
class Applied:
    """What happened: the case after the command, the fact written, and what effects may need."""

    case: int
    number: str
    procedure: str
    before: str
    state: str
    fact: str
    fact_id: int
    actor: Actor
    role: str
    now: datetime
    effective_on: date
    input: Mapping[str, Any]
    view: CaseView
    moved: bool


def open_case(
    procedure: str,
    *,
    actor: Actor,
    now: datetime,
    title: str,
    parties: Iterable[PartyView] = (),
    data: Mapping[str, Any] | None = None,
    subjects: Iterable[str] = (),
    parent: int | None = None,
    effective_on: date | None = None,
    fact_data: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
) -> int:
    """Open a case of the newest version of `procedure` in its first state; its id.

    Errors: Forbidden when the actor fills none of the table's opener roles; Refused when a party may not hold
    its role (predicate `is`) or a hold forbids opening.
    """
    tab = table(procedure)
    rows = tuple(parties)
    _check_opener(tab, actor, rows)
    rule_set = store.keep_rule_set(runtime.rules())
    effective = effective_on or local_day(now)
    with transaction.atomic():
        number = store.next_number("case", local_day(now).year)
        case = store.insert_case(
            tab, number=number, title=title, rule_set=rule_set.id, now=now, opened_on=effective,
            parent=parent, subjects=list(subjects), data=dict(data or {}), parties=rows,
        )  # fmt: skip
        view = store.read_case(case)
        _check_parties(tab, view)
        fact = journal.build(
            tab.opened, subject=f"{tab.subject}:{case}", actor=actor, now=now, effective_on=effective, case=case,
            data={"case": number, "procedure": tab.key, **(fact_data or {})}, digests=digests,
            move={"do": "open", "to": tab.initial}, rule_set=rule_set.id,
        )  # fmt: skip
        clocks = plan(
            tab, replace(view, data={}), fact=tab.opened, to=tab.initial, effective_on=effective,
            data=dict(data or {}), calendar=runtime.calendar(),
        )  # fmt: skip
        store.write_opening(case, fact, clocks)
        if parent is not None:
            _pause_parent(parent, tab.id, effective)
    return case


def check_opening(tab: Table, actor: Actor, view: CaseView) -> None:
    """Errors: as of `open_case`, before anything is written."""
    _check_opener(tab, actor, view.parties)
    _check_parties(tab, view)


def _check_opener(tab: Table, actor: Actor, parties: tuple[PartyView, ...]) -> None:
    for role in tab.opener:
        if (role == CLOCK and actor.kind is ActorKind.CLOCK) or (role == MANDATE and actor.kind is ActorKind.MANDATE):
            return
        party = tab.party.get(role)
        if party is None or actor.kind is not ActorKind.PERSON:
            continue
        if party.seat is not None and party.seat in actor.seats:
            return
        if any(p.role == role and (p.org == actor.org if p.org is not None else p.person == actor.person) for p in parties):
            return
    raise Forbidden()


def _check_parties(tab: Table, view: CaseView) -> None:
    for party in tab.parties:
        if party.is_ and any(p.role == party.role for p in view.parties) and not VOCABULARY.predicates[party.is_](view):
            raise Refused(why=party.title, article=tab.source)


def act(
    case: int,
    command: Command,
    *,
    actor: Actor,
    now: datetime,
    effective_on: date | None = None,
    ground: str = "",
    fact_data: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
    effect: Callable[[Applied], None] | None = None,
    depth: int = 0,
) -> Applied:
    """Apply one command to one case, or raise a Refused and change nothing.

    `fact_data` and `digests` go into the fact; `effect` runs in the transaction before the step's own effect.
    Errors: NotFound, every Refused of shugu.kernel.decide, MovedMeanwhile when another command won the race.
    """
    with transaction.atomic():
        view = store.read_case(case)
        tab = table(view.procedure, view.version)
        view = view.knowing(VOCABULARY.contexts[tab.subject](case, now))
        decision = decide(tab, view, command, actor, now)
        effective = effective_on or local_day(now)
        fact = fact_of(tab, view, decision, command, actor, now, effective, ground, fact_data, digests)
        data = {**view.data, **{k: v for k, v in command.input.items() if k in (*decision.step.input, *decision.step.optional)}}
        if isinstance(decision, Opinion):
            fact_id = store.write_opinion(view, decision, command.do, actor, fact, now)
            return _applied(tab, view, view.state, decision, fact_id, actor, now, effective, command, moved=False)
        clocks = plan(
            tab, view, fact=decision.fact, to=decision.to, effective_on=effective, data=data, calendar=runtime.calendar()
        )
        fact_id = store.write_move(
            view, decision, actor=actor, fact=fact, clocks=clocks, data=data, now=now,
            final=tab.state[decision.to].final, consent=decision.step.quorum is not None,
        )  # fmt: skip
        applied = _applied(tab, view, decision.to, decision, fact_id, actor, now, effective, command, moved=True)
        if effect is not None:
            effect(applied)
        _run_effects(tab, decision, applied, depth)
        return applied


def declare(case: int, data: Mapping[str, Any], now: datetime) -> None:
    """What the parties declare of a case before it moves on: its data, and the clocks that begin on declared dates. In the
    transaction of the caller's own fact. Errors: NotFound, MovedMeanwhile."""
    view = store.read_case(case)
    tab = table(view.procedure, view.version)
    told = {**view.data, **data}
    store.write_data(view, told)
    day = local_day(now)
    clocks = plan(tab, view, fact="", to=view.state, effective_on=day, data=told, calendar=runtime.calendar())
    store.write_clocks(case, clocks)


def applied_of(
    tab: Table, view: CaseView, move: Move, fact_id: int, command: Command, actor: Actor, now: datetime, effective: date
) -> Applied:
    """What a move already written (set-wise) tells effects."""
    return _applied(tab, view, move.to, move, fact_id, actor, now, effective, command, moved=True)


def follow_many(tab: Table, moves: Sequence[tuple[Move, Applied]]) -> None:
    """What follows moves by one step, already written: its effect, for all at once where the step's effect has a
    set-wise form, then children and parents."""
    effect = moves[0][0].step.effect
    together = VOCABULARY.bulk_effects.get(effect) if effect is not None else None
    if together is not None:
        together([applied for _, applied in moves])
    for move, applied in moves:
        _run_effects(tab, move, applied, 0, effect=together is None)


def _run_effects(tab: Table, move: Move, applied: Applied, depth: int, *, effect: bool = True) -> None:
    if effect and move.step.effect is not None:
        VOCABULARY.effects[move.step.effect](applied)
    if move.step.opens is not None:
        _open_child(tab, move.step.opens, applied)
    _tell_parent(tab, applied.view, move, applied.now, applied.effective_on, depth)


def fact_of(
    tab: Table,
    view: CaseView,
    decision: Move | Opinion,
    command: Command,
    actor: Actor,
    now: datetime,
    effective: date,
    ground: str = "",
    fact_data: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
) -> journal.NewFact:
    """The fact of a decision: who did what from which state to which, on what ground."""
    move: dict[str, Any] = {"do": command.do, "from": view.state, "role": decision.role}
    if isinstance(decision, Move):
        move["to"] = decision.to
    if command.undertaking:
        move["undertaking"] = command.undertaking
    declared = {k: v for k, v in command.input.items() if v not in (None, "")}
    return journal.build(
        decision.fact, subject=f"{tab.subject}:{view.id}", actor=actor, now=now, effective_on=effective, ground=ground,
        data={"case": view.number, "procedure": tab.key, **({"input": declared} if declared else {}), **(fact_data or {})},
        digests=digests, case=view.id, move=move, rule_set=view.rules.id,
    )  # fmt: skip


def _applied(
    tab: Table,
    view: CaseView,
    state: str,
    decision: Move | Opinion,
    fact_id: int,
    actor: Actor,
    now: datetime,
    effective: date,
    command: Command,
    *,
    moved: bool,
) -> Applied:
    return Applied(
        case=view.id, number=view.number, procedure=tab.id, before=view.state, state=state, fact=decision.fact,
        fact_id=fact_id, actor=actor, role=decision.role, now=now, effective_on=effective, input=dict(command.input),
        view=view, moved=moved,
    )  # fmt: skip


def _open_child(tab: Table, procedure: str, applied: Applied) -> None:
    opening = VOCABULARY.openers[procedure](applied)
    if opening is None:
        return
    actor = Actor(ActorKind.MANDATE, name=tab.id, reference=f"case:{applied.number}:{procedure}")
    open_case(
        procedure, actor=actor, now=applied.now, title=opening.title, parties=opening.parties, data=opening.data,
        subjects=opening.subjects, parent=applied.case, effective_on=applied.effective_on,
    )  # fmt: skip


def _tell_parent(tab: Table, view: CaseView, move: Move, now: datetime, effective: date, depth: int) -> None:
    """A child that ends resumes the parent's clocks; its outcome may be a command of the parent (`parent` map)."""
    if view.parent is None or not tab.state[move.to].final:
        return
    if depth >= MAX_CHAIN:
        raise AssertionError(f"case {view.number}: parents form a circle")
    _resume_parent(view.parent, tab.id, effective)
    do = move.step.parent.get(move.to)
    if do is not None:
        actor = Actor(ActorKind.MANDATE, name=tab.id, reference=f"case:{view.number}:{move.to}")
        act(view.parent, Command(do), actor=actor, now=now, effective_on=effective, depth=depth + 1)


def _pause_parent(parent: int, child: str, on: date) -> None:
    view = store.read_case(parent)
    tab = table(view.procedure, view.version)
    stops = {row.id for row in tab.clocks if child in row.pauses_while}
    changed = tuple(paused(c, on) for c in view.clocks if c.id in stops and c.status == "running")
    store.write_clocks(parent, ClockPlan(changed=changed))


def _resume_parent(parent: int, child: str, on: date) -> None:
    view = store.read_case(parent)
    tab = table(view.procedure, view.version)
    rows = {row.id: row for row in tab.clocks if child in row.pauses_while}
    open_kinds = {kind for kind, count in view.children.items() if count}
    changed = tuple(
        resumed(rows[c.id], c, on, view, runtime.calendar())
        for c in view.clocks
        if c.id in rows and c.status == "paused" and not open_kinds & set(rows[c.id].pauses_while)
    )
    store.write_clocks(parent, ClockPlan(changed=changed))


def sweep(now: datetime, limit: int = 500) -> int:
    """Fire what is due, oldest first, each as one command by the clock; overdue duties get a fact. The number of
    clocks handled. A clock whose command is refused is marked fired with the reason, so it never blocks others."""
    done = 0
    for due in store.due_clocks(now, limit):
        tab = table(due.procedure, due.version)
        row = next(r for r in tab.clocks if r.id == due.clock)
        with transaction.atomic():
            if not store.take_clock(due.pk, "fired" if row.kind == "fire" else "overdue" if row.kind == "duty" else "met"):
                continue
            if row.kind == "fire":
                _fire(tab, due, row.act[0], now)
            elif row.kind == "duty":
                journal.record(
                    "clock.overdue", subject=f"{tab.subject}:{due.case}", actor=THE_CLOCK, now=now, case=due.case,
                    data={"case": due.number, "clock": row.id, "due_on": due.due_on.isoformat()},
                )  # fmt: skip
        done += 1
    return done


def _fire(tab: Table, due: store.DueClock, do: str, now: datetime) -> None:
    try:
        with transaction.atomic():
            act(due.case, Command(do), actor=THE_CLOCK, now=now, ground=f"clock:{due.clock}:{due.due_on.isoformat()}")
    except Refused as refusal:
        journal.record(
            "clock.refused", subject=f"{tab.subject}:{due.case}", actor=THE_CLOCK, now=now, case=due.case,
            data={"case": due.number, "clock": due.clock, "do": do, "reason": refusal.code},
        )  # fmt: skip
