"""The same move for many cases set-wise: one read, one write, for notices, sweeps and imports of thousands."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from shugu.kernel import engine, journal, runtime, store
from shugu.kernel.cases import Actor, Command
from shugu.kernel.clockwork import ClockPlan, plan
from shugu.kernel.decide import Move, decide
from shugu.kernel.errors import MovedMeanwhile, Refused
from shugu.kernel.procedure import Step, Table
from shugu.kernel.store import Keyed
from shugu.kernel.tables import table
from shugu.kernel.vocabulary import VOCABULARY
from shugu.kernel.workdays import local_day


@dataclass(frozen=True)
class BulkResult:
    """Cases that moved, and the refusal of each that did not: nothing of those changed."""

    moved: tuple[int, ...]
    refused: dict[int, Refused]


@dataclass(frozen=True)
class _Planned:
    view: Keyed
    table: Table
    move: Move
    fact: journal.NewFact
    clocks: ClockPlan
    data: dict[str, Any]


def move_many(
    cases: Iterable[int], command: Command, *, actor: Actor, now: datetime, ground: str = ""
) -> BulkResult:
    """Apply `command` to each case as `engine.act` would, in one transaction. A case that is refused, or that somebody
    moves meanwhile, is left as it is and reported. Steps that only collect a voice are refused here. `ground` goes into
    each fact. A refusal by an effect refuses them all: whoever needs the others moves smaller groups."""
    refused: dict[int, Refused] = {}
    planned: list[_Planned] = []
    with _collector_off(), transaction.atomic():
        for view in _knowing(store.read_cases(sorted(set(cases))), command, now):
            try:
                planned.append(_plan(view, command, actor, now, ground))
            except Refused as refusal:
                refused[view.id] = refusal
        moved = _write(planned, actor, now) if planned else {}
        for item in planned:
            if item.view.id not in moved:
                refused[item.view.id] = MovedMeanwhile()
        _after([item for item in planned if item.view.id in moved], moved, command, actor, now)
    return BulkResult(tuple(sorted(moved)), refused)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Everything made here lives until the end: looking for garbage in between takes a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _knowing(views: Sequence[Keyed], command: Command, now: datetime) -> list[Keyed]:
    """Each view with its context where its step asks for one, read together where the subject has a set-wise form."""
    asking: dict[str, list[int]] = {}
    for view in views:
        tab = table(view.procedure, view.version)
        step = tab.step(view.state, command.do)
        if step is not None and _asks_context(step):
            asking.setdefault(tab.subject, []).append(view.id)
    known: dict[int, Mapping[str, Any]] = {}
    for subject, cases in asking.items():
        together, single = VOCABULARY.bulk_contexts.get(subject), VOCABULARY.contexts[subject]
        known.update(together(cases, now) if together is not None else {case: single(case, now) for case in cases})
    return [view.knowing(known[view.id]) if view.id in known else view for view in views]


def _plan(view: Keyed, command: Command, actor: Actor, now: datetime, ground: str) -> _Planned:
    tab = table(view.procedure, view.version)
    decision = decide(tab, view, command, actor, now)
    if not isinstance(decision, Move):
        raise Refused(why=("逐件表示意见", "voices are given case by case"))
    effective = local_day(now)
    kept = {k: v for k, v in command.input.items() if k in (*decision.step.input, *decision.step.optional)}
    data = {**view.data, **kept}
    fact = engine.fact_of(tab, view, decision, command, actor, now, effective, ground)
    clocks = plan(
        tab, view, fact=decision.fact, to=decision.to, effective_on=effective, data=data, calendar=runtime.calendar()
    )
    return _Planned(view, tab, decision, fact, clocks, data)


def _asks_context(step: Step) -> bool:
    named = [o.when for o in step.outcomes] + [m.when or m.waived_by for m in step.materials]
    return bool(step.guards or any(named))


_WRITE = f"""
WITH input AS (
    SELECT * FROM json_to_recordset(%s::json) AS r(id bigint, revision int, from_state text, to_state text, data jsonb,
        final boolean, name text, subject text, payload text, salt text, digest text, sm3 text, role text, joins boolean)
), moved AS (
    UPDATE kernel_case c SET state = i.to_state, revision = c.revision + 1, data = i.data,
           closed_at = CASE WHEN i.final THEN %s::timestamptz END
    FROM input i WHERE c.id = i.id AND c.state = i.from_state AND c.revision = i.revision RETURNING c.id
), written AS (
    INSERT INTO kernel_fact ({journal.COLUMNS})
    SELECT i.name, i.subject, i.id, %s::bigint, %s::bigint, %s::timestamptz, %s::date, i.payload, decode(i.salt, 'hex'),
           decode(i.digest, 'hex'), decode(i.sm3, 'hex')
    FROM input i JOIN moved USING (id) ORDER BY i.id RETURNING id, case_id
), seated AS (
    INSERT INTO kernel_caseparty (case_id, role, person, org)
    SELECT i.id, i.role, %s::bigint, %s::bigint FROM input i JOIN moved USING (id) WHERE i.joins ON CONFLICT DO NOTHING
)
SELECT case_id, id FROM written
"""


def _write(planned: Sequence[_Planned], actor: Actor, now: datetime) -> dict[int, int]:
    """{case: fact} of those whose compare-and-swap held."""
    rows = json.dumps([_row(item, actor) for item in planned])
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [rows, now, actor.person, actor.org, now, planned[0].fact.effective_on, actor.person, actor.org],
        )
        moved = dict(cursor.fetchall())
    done = [item for item in planned if item.view.id in moved]
    store.write_many_clocks([(item.view.id, item.clocks) for item in done])
    return moved


def _row(item: _Planned, actor: Actor) -> dict[str, Any]:
    view, move, fact = item.view, item.move, item.fact
    return {
        "id": view.id, "revision": view.revision, "from_state": view.state, "to_state": move.to, "data": item.data,
        "final": item.table.state[move.to].final, "name": fact.name, "subject": fact.subject,
        "payload": fact.payload.decode(), "salt": fact.salt.hex(), "digest": fact.digest.hex(),
        "sm3": fact.digest_sm3.hex() if fact.digest_sm3 else None, "role": move.role,
        "joins": store.joins(view, move.role, actor),
    }  # fmt: skip


def _after(items: Sequence[_Planned], facts: Mapping[int, int], command: Command, actor: Actor, now: datetime) -> None:
    """Effects and parents, step by step, for all cases of one step together."""
    groups: dict[tuple[str, int, int], list[_Planned]] = {}
    for item in items:
        step = item.move.step
        if step.effect is not None or step.opens is not None or item.view.parent is not None:
            groups.setdefault((item.view.procedure, item.view.version, id(step)), []).append(item)
    for group in groups.values():
        tab, day = group[0].table, local_day(now)
        told = [
            (i.move, engine.applied_of(tab, i.view, i.move, facts[i.view.id], command, actor, now, day)) for i in group
        ]
        engine.follow_many(tab, told)
