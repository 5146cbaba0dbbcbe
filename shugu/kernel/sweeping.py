"""The sweep of clocks: those of many cases that end on one day, by one step, are fired set-wise; the rest one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from shugu.kernel import bulk, engine, journal, setwise, store
from shugu.kernel.cases import THE_CLOCK, Command
from shugu.kernel.errors import Refused
from shugu.kernel.procedure import ClockRow, Table
from shugu.kernel.store import DueClock
from shugu.kernel.tables import table

FEW = 20  # below this many, one by one costs no more


def sweep(now: datetime, limit: int = 5_000) -> int:
    """As `engine.sweep`: the number of clocks handled, oldest first."""
    due = store.due_clocks(now, limit)
    if len(due) < FEW:
        return engine.sweep(now)
    rows = {one.pk: _row(one) for one in due}
    over = len(_take([d.pk for d in due if rows[d.pk].kind == "bar"], "met"))
    together = over + sum(_together(group, now) for group in _groups(due, rows))
    if together and len(due) == limit:
        return together  # more of them are waiting: the next call takes those together too
    return together + engine.sweep(now)


def _groups(due: Sequence[DueClock], rows: Mapping[int, ClockRow]) -> list[list[DueClock]]:
    """Clocks that fire the same step on the same day. A case with several ends due keeps their order: one by one."""
    ends = [d for d in due if rows[d.pk].kind != "bar"]
    times = Counter(d.case for d in ends)
    groups: dict[tuple[str, int, str, str], list[DueClock]] = {}
    for one in ends:
        if times[one.case] == 1 and rows[one.pk].kind == "fire":
            groups.setdefault((one.procedure, one.version, one.clock, one.due_on.isoformat()), []).append(one)
    return [group for group in groups.values() if len(group) >= FEW]


def _row(due: DueClock) -> ClockRow:
    return next(row for row in table(due.procedure, due.version).clocks if row.id == due.clock)


def _together(group: Sequence[DueClock], now: datetime) -> int:
    """How many were fired; none when an effect refuses one of them: then they are left to the single sweep."""
    first = group[0]
    tab = table(first.procedure, first.version)
    do = _row(first).act[0]
    try:
        with transaction.atomic():
            ours = _take([d.pk for d in group], "fired")
            taken = [due for due in group if due.pk in ours]
            ground = f"clock:{first.clock}:{first.due_on.isoformat()}"
            moved = bulk.move_many([d.case for d in taken], Command(do), actor=THE_CLOCK, now=now, ground=ground)
            _tell_refused(tab, {d.case: d for d in taken}, moved.refused, do, now)
    except Refused:
        return 0
    return len(taken)


def _take(clocks: list[int], status: str) -> frozenset[int]:
    """Compare-and-swap running clocks to `status`; those another sweep took are not among the answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kernel_clock SET status = %s WHERE id = ANY(%s) AND status = 'running' RETURNING id", [status, clocks]
        )
        return frozenset(row[0] for row in cursor.fetchall())


def _tell_refused(
    tab: Table, due: Mapping[int, DueClock], refused: Mapping[int, Refused], do: str, now: datetime
) -> None:
    setwise.record_many(
        [
            journal.build(
                "clock.refused", subject=f"{tab.subject}:{case}", actor=THE_CLOCK, now=now, case=case,
                data={"case": due[case].number, "clock": due[case].clock, "do": do, "reason": refusal.code},
            )
            for case, refusal in refused.items()
        ]
    )  # fmt: skip
