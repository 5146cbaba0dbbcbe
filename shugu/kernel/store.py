"""The statements behind the engine: one read of a case, one write of a move. PostgreSQL only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from shugu.formats.identifiers import NumberKind, make_number
from shugu.kernel import journal, rulebook, runtime
from shugu.kernel.cases import (
    Actor,
    ActorKind,
    CaseView,
    ClockView,
    ConsentView,
    HoldView,
    MaterialView,
    PartyView,
)
from shugu.kernel.clockwork import ClockPlan
from shugu.kernel.decide import Move, Opinion
from shugu.kernel.errors import MovedMeanwhile, NotFound
from shugu.kernel.procedure import Table
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import RuleSet

_READ = """
SELECT c.id, c.number, c.state, c.revision, c.opened_on, c.rule_set, c.data::text, c.subjects::text, c.parent_id,
  c.procedure, c.version,
  (SELECT json_agg(json_build_array(p.role, p.person, p.org) ORDER BY p.id)
     FROM kernel_caseparty p WHERE p.case_id = c.id),
  (SELECT json_agg(json_build_array(k.clock, k.kind, k.status, k.starts_on, k.due_on, k.due_at, k.id, k.provisional,
     k.paused_on) ORDER BY k.id) FROM kernel_clock k WHERE k.case_id = c.id),
  (SELECT json_agg(json_build_array(m.material, m.digest, m.signers) ORDER BY m.id)
     FROM kernel_material m WHERE m.case_id = c.id AND NOT m.superseded),
  (SELECT json_agg(json_build_array(ch.procedure, ch.n)) FROM (SELECT procedure, count(*) AS n FROM kernel_case
     WHERE parent_id = c.id AND closed_at IS NULL GROUP BY procedure) ch),
  (SELECT json_agg(json_build_array(s.do, s.role, s.person, s.org) ORDER BY s.id)
     FROM kernel_consent s WHERE s.case_id = c.id AND s.state = c.state),
  (SELECT json_agg(json_build_array(h.target, h.forbids, h.undertaking, h.reason, h.article) ORDER BY h.id)
     FROM kernel_hold h WHERE h.lifted_at IS NULL AND c.subjects @> to_jsonb(h.target)
       AND h.target IN (SELECT jsonb_array_elements_text(c.subjects)))
FROM kernel_case c WHERE c.id = ANY(%s)
"""


@dataclass(frozen=True)
class Keyed(CaseView):
    """A case view that also knows which table it runs under."""

    procedure: str = ""
    version: int = 0


def read_case(case: int) -> Keyed:
    """Errors: NotFound."""
    found = read_cases([case])
    if not found:
        raise NotFound(what=("办件", "case"))
    return found[0]


def read_cases(cases: list[int]) -> list[Keyed]:
    """The views of these cases in id order, one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_READ + " ORDER BY c.id", [cases])
        return [_view(row) for row in cursor.fetchall()]


def _rows(raw: Any) -> list[Any]:
    if raw is None:
        return []
    return list(json.loads(raw) if isinstance(raw, str) else raw)


def _view(row: tuple[Any, ...]) -> Keyed:
    data = json.loads(row[6])
    rules = RegisterRules(runtime.rules_by_id(row[5]), data.get("register"))
    return Keyed(
        id=row[0], number=row[1], state=row[2], revision=row[3], opened_on=row[4], rules=rules, data=data,
        subjects=tuple(json.loads(row[7])), parent=row[8], procedure=row[9], version=row[10],
        parties=tuple(PartyView(*p) for p in _rows(row[11])),
        clocks=tuple(_clock(c) for c in _rows(row[12])),
        materials=tuple(MaterialView(*m) for m in _rows(row[13])),
        children=dict(_rows(row[14])),
        consents=tuple(ConsentView(*c) for c in _rows(row[15])),
        holds=tuple(HoldView(h[0], tuple(h[1]), *h[2:]) for h in _rows(row[16])),
    )  # fmt: skip


def _clock(c: list[Any]) -> ClockView:
    return ClockView(
        id=c[0], kind=c[1], status=c[2], starts_on=date.fromisoformat(c[3]), due_on=date.fromisoformat(c[4]),
        due_at=datetime.fromisoformat(c[5]), pk=c[6], provisional=c[7],
        paused_on=date.fromisoformat(c[8]) if c[8] else None,
    )  # fmt: skip


def keep_rule_set(rule_set: RuleSet) -> RuleSet:
    return rulebook.keep(rule_set)


def next_number(kind: str, year: int) -> str:
    """The next number of a kind in a year, with its check character; unique across the venue."""
    sequence = f"kernel_number_{NumberKind.named(kind).value.lower()}_{year:d}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NULL", [sequence])
        if cursor.fetchone()[0]:
            cursor.execute(f"CREATE SEQUENCE IF NOT EXISTS {sequence}")
        # A sequence never waits for another transaction; a refused command may leave a gap.
        cursor.execute("SELECT nextval(%s)", [sequence])
        serial = int(cursor.fetchone()[0])
    return make_number(kind, runtime.venue_id(), year, serial)


def insert_case(
    table: Table,
    *,
    number: str,
    title: str,
    rule_set: str,
    now: datetime,
    opened_on: date,
    parent: int | None,
    subjects: list[str],
    data: Mapping[str, Any],
    parties: tuple[PartyView, ...],
) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH opened AS (
                INSERT INTO kernel_case (number, procedure, version, subject, title, state, revision, rule_set, opened_at,
                                         opened_on, parent_id, subjects, data)
                VALUES (%s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s, %s::jsonb, %s::jsonb) RETURNING id
            ), named AS (
                INSERT INTO kernel_caseparty (case_id, role, person, org)
                SELECT opened.id, r.role, r.person, r.org FROM opened,
                       jsonb_to_recordset(%s::jsonb) AS r(role text, person bigint, org bigint)
            )
            SELECT id FROM opened
            """,
            [
                number, table.id, table.version, table.subject, title[:300], table.initial, rule_set, now, opened_on,
                parent, json.dumps(subjects), json.dumps(dict(data)),
                json.dumps([{"role": p.role, "person": p.person, "org": p.org} for p in parties]),
            ],
        )  # fmt: skip
        return int(cursor.fetchone()[0])


def write_opening(case: int, fact: journal.NewFact, clocks: ClockPlan) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO kernel_fact ({journal.COLUMNS}) VALUES ({journal.PLACES}) RETURNING id", journal.values(fact)
        )
        fact_id = int(cursor.fetchone()[0])
    write_clocks(case, clocks)
    return fact_id


def write_clocks(case: int, clocks: ClockPlan) -> None:
    write_many_clocks([(case, clocks)])


def write_many_clocks(plans: list[tuple[int, ClockPlan]]) -> None:
    started = [_clock_row(case, c) for case, p in plans for c in p.started]
    changed = [_clock_row(case, c) for case, p in plans for c in p.changed]
    if started or changed:
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {_CLOCKS} SELECT 1", [json.dumps(started), json.dumps(changed)])


_CLOCKS = """
fresh_clock AS (
    INSERT INTO kernel_clock (case_id, clock, kind, status, starts_on, due_on, due_at, provisional, paused_on)
    SELECT s.case_id, s.clock, s.kind, s.status, s.starts_on, s.due_on, s.due_at, s.provisional, s.paused_on
    FROM jsonb_to_recordset(%s::jsonb) AS s(case_id bigint, clock text, kind text, status text, starts_on date,
         due_on date, due_at timestamptz, provisional boolean, paused_on date)
), kept_clock AS (
    UPDATE kernel_clock k SET status = s.status, due_on = s.due_on, due_at = s.due_at, provisional = s.provisional,
           paused_on = s.paused_on
    FROM jsonb_to_recordset(%s::jsonb) AS s(id bigint, status text, due_on date, due_at timestamptz,
         provisional boolean, paused_on date)
    WHERE k.id = s.id
)
"""


def _clock_row(case: int, c: ClockView) -> dict[str, Any]:
    return {
        "id": c.pk, "case_id": case, "clock": c.id, "kind": c.kind, "status": c.status,
        "starts_on": c.starts_on.isoformat(), "due_on": c.due_on.isoformat(), "due_at": c.due_at.isoformat(),
        "provisional": c.provisional, "paused_on": c.paused_on.isoformat() if c.paused_on else None,
    }  # fmt: skip


def _clock_values(case: int, clocks: ClockPlan) -> list[str]:
    return [json.dumps([_clock_row(case, c) for c in group]) for group in (clocks.started, clocks.changed)]


def write_move(
    view: CaseView,
    move: Move,
    *,
    actor: Actor,
    fact: journal.NewFact,
    clocks: ClockPlan,
    data: Mapping[str, Any],
    now: datetime,
    final: bool,
    consent: bool,
) -> int:
    """Compare-and-swap the state and write all that belongs to the move. Errors: MovedMeanwhile."""
    facts = journal.values(fact)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH moved AS (
                UPDATE kernel_case SET state = %s, revision = revision + 1, data = %s::jsonb,
                       closed_at = CASE WHEN %s THEN %s::timestamptz END
                WHERE id = %s AND state = %s AND revision = %s RETURNING id
            ), written AS (
                INSERT INTO kernel_fact ({journal.COLUMNS}) SELECT {journal.PLACES} FROM moved RETURNING id
            ), seated AS (
                INSERT INTO kernel_caseparty (case_id, role, person, org)
                SELECT id, %s, %s::bigint, %s::bigint FROM moved WHERE %s ON CONFLICT DO NOTHING
            ), consented AS (
                INSERT INTO kernel_consent (case_id, "do", state, role, person, org, given_at)
                SELECT id, %s, %s, %s, %s::bigint, %s::bigint, %s::timestamptz FROM moved WHERE %s
            ), {_CLOCKS}
            SELECT id FROM written
            """,
            [
                move.to, json.dumps(dict(data)), final, now, view.id, view.state, view.revision,
                *facts,
                move.role, actor.person, actor.org, joins(view, move.role, actor),
                move.step.do, view.state, move.role, actor.person, actor.org, now, consent,
                *_clock_values(view.id, clocks),
            ],
        )  # fmt: skip
        row = cursor.fetchone()
    if row is None:
        raise MovedMeanwhile()
    return int(row[0])


def write_data(view: CaseView, data: Mapping[str, Any]) -> None:
    """Compare-and-swap what is declared of a case. Errors: MovedMeanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kernel_case SET data = %s::jsonb, revision = revision + 1 WHERE id = %s AND state = %s AND revision = %s",
            [json.dumps(dict(data)), view.id, view.state, view.revision],
        )
        if cursor.rowcount != 1:
            raise MovedMeanwhile()


def joins(view: CaseView, role: str, actor: Actor) -> bool:
    """Whether a person acting in a role is to be remembered as its holder (duties are kept apart by these rows)."""
    return actor.kind is ActorKind.PERSON and not any(
        p.role == role and p.person == actor.person and p.org == actor.org for p in view.parties
    )


def write_opinion(
    view: CaseView, opinion: Opinion, do: str, actor: Actor, fact: journal.NewFact, now: datetime
) -> int:
    """One voice of a quorum. Errors: MovedMeanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH heard AS (
                UPDATE kernel_case SET revision = revision + 1 WHERE id = %s AND state = %s AND revision = %s RETURNING id
            ), written AS (
                INSERT INTO kernel_fact ({journal.COLUMNS}) SELECT {journal.PLACES} FROM heard RETURNING id
            ), seated AS (
                INSERT INTO kernel_caseparty (case_id, role, person, org)
                SELECT id, %s, %s::bigint, %s::bigint FROM heard WHERE %s ON CONFLICT DO NOTHING
            ), consented AS (
                INSERT INTO kernel_consent (case_id, "do", state, role, person, org, given_at)
                SELECT id, %s, %s, %s, %s::bigint, %s::bigint, %s::timestamptz FROM heard
            )
            SELECT id FROM written
            """,
            [
                view.id, view.state, view.revision, *journal.values(fact),
                opinion.role, actor.person, actor.org, joins(view, opinion.role, actor),
                do, view.state, opinion.role, actor.person, actor.org, now,
            ],
        )  # fmt: skip
        row = cursor.fetchone()
    if row is None:
        raise MovedMeanwhile()
    return int(row[0])


@dataclass(frozen=True)
class DueClock:
    pk: int
    case: int
    number: str
    clock: str
    due_on: date
    procedure: str
    version: int


def due_clocks(now: datetime, limit: int) -> list[DueClock]:
    """Running clocks whose last day has ended, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.id, c.id, c.number, k.clock, k.due_on, c.procedure, c.version FROM kernel_clock k "
            # A window stays as it is: it must go on refusing what comes after it.
            "JOIN kernel_case c ON c.id = k.case_id WHERE k.status = 'running' AND k.due_at <= %s AND k.kind <> 'window' "
            "ORDER BY k.due_at, k.id LIMIT %s",
            [now, limit],
        )
        return [DueClock(*row) for row in cursor.fetchall()]


def take_clock(pk: int, status: str) -> bool:
    """Compare-and-swap a running clock to `status`; False when another sweep took it."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_clock SET status = %s WHERE id = %s AND status = 'running'", [status, pk])
        return bool(cursor.rowcount == 1)
