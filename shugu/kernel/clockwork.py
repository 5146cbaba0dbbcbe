"""What a move does to the clocks of its case: which start, stop, pause and resume. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shugu.kernel import workdays
from shugu.kernel.calendars import Calendar
from shugu.kernel.cases import CaseView, ClockView
from shugu.kernel.procedure import ClockRow, Table
from shugu.kernel.vocabulary import VOCABULARY, Vocabulary

OPEN = ("running", "paused", "overdue")


@dataclass(frozen=True)
class ClockPlan:
    """Clocks to insert (pk 0) and clocks to rewrite (pk of the row)."""

    started: tuple[ClockView, ...] = ()
    changed: tuple[ClockView, ...] = ()


def rule_of(view: CaseView, row: ClockRow, words: Vocabulary = VOCABULARY) -> str:
    """The name of the rule value that gives this clock its length in this case."""
    return next(item.rule for item in row.lengths if item.when is None or words.predicates[item.when](view))


def length_of(view: CaseView, row: ClockRow) -> workdays.Length:
    value = view.rules.value(rule_of(view, row))
    return workdays.Length(value.value, value.unit)


def start_clock(row: ClockRow, start: date, view: CaseView, calendar: Calendar) -> ClockView:
    due = workdays.due(
        start,
        length_of(view, row),
        direction=row.direction,
        first_day_counts=row.first_day_counts,
        calendar=calendar,
    )
    return ClockView(
        id=row.id,
        kind=row.kind,
        status="running",
        starts_on=start,
        due_on=due.on,
        due_at=workdays.end_of_day(due.on),
        provisional=due.provisional,
    )


def plan(
    table: Table,
    view: CaseView,
    *,
    fact: str,
    to: str,
    effective_on: date,
    data: Mapping[str, Any],
    calendar: Calendar,
) -> ClockPlan:
    """After `fact` took the case to `to`: rows whose span ends stop (met when their act was done in time), rows
    named by the fact or by a newly declared date start, rows pause or resume by state."""
    started: list[ClockView] = []
    changed: list[ClockView] = []
    final = table.state[to].final
    # Conditions of lengths see what this move declares; copying the view is dear, so only where a table has any.
    told = replace(view, data=data) if any(len(row.lengths) > 1 for row in table.clocks) else view
    for row in table.clocks:
        live = next((c for c in reversed(view.clocks) if c.id == row.id and c.status in OPEN), None)
        restarts = fact in row.on or _newly_declared(row, view, data)
        if live is not None:
            after = _after(row, live, to, final, effective_on, told, calendar, restarts)
            if after is not live:
                changed.append(after)
        if restarts and not final and (not row.spans or to in row.spans):
            begin = effective_on if row.on else date.fromisoformat(str(data[row.date or ""]))
            started.append(start_clock(row, begin, told, calendar))
    return ClockPlan(tuple(started), tuple(changed))


def _newly_declared(row: ClockRow, view: CaseView, data: Mapping[str, Any]) -> bool:
    return bool(row.date and data.get(row.date) and data.get(row.date) != view.data.get(row.date))


def _after(
    row: ClockRow,
    live: ClockView,
    to: str,
    final: bool,
    on: date,
    view: CaseView,
    calendar: Calendar,
    restarts: bool,
) -> ClockView:
    if final or restarts or (row.spans and to not in row.spans):
        ended = "late" if on > live.due_on and row.kind == "duty" else "met"
        return replace(live, status="stopped" if row.kind == "fire" or final else ended)
    if live.status == "running" and to in row.pauses_in:
        return replace(live, status="paused", paused_on=on)
    if live.status == "paused" and to not in row.pauses_in and not row.pauses_while:
        return resumed(row, live, on, view, calendar)
    return live


def paused(live: ClockView, on: date) -> ClockView:
    return replace(live, status="paused", paused_on=on)


def resumed(row: ClockRow, live: ClockView, on: date, view: CaseView, calendar: Calendar) -> ClockView:
    """The clock after a pause: the days paused are added, or the whole length starts anew (`resume`)."""
    assert live.paused_on is not None
    length = length_of(view, row)
    if row.resume == "restart":
        due = workdays.due(on, length, calendar=calendar)
    else:
        old = workdays.Due(live.due_on, live.provisional)
        days = workdays.consumed(live.paused_on, on, length.unit, calendar=calendar)
        due = workdays.add_pause(old, max(days, 0), length.unit, calendar=calendar)
    return replace(
        live,
        status="running",
        paused_on=None,
        due_on=due.on,
        due_at=workdays.end_of_day(due.on),
        provisional=due.provisional,
    )
