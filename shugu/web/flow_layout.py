"""Which row and column each state of a procedure table stands in, and which arrows are drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shugu.kernel.procedure import Outcome, Step, Table
from shugu.kernel.table_questions import good_end

_CORRECTION, _OBJECTION = "correction_left", "objection_open"
MANY = 3  # a step out of this many states into one is drawn once, with a letter


@dataclass(frozen=True)
class Edge:
    """All steps from one state to one other, drawn as one arrow."""

    from_: str
    to: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Bundle:
    """A step out of many states into one."""

    from_: tuple[str, ...]
    to: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Flow:
    """`rows`: column to state, from the first row down. `loops`: steps that lead back to where they began."""

    rows: tuple[dict[int, str], ...]
    edges: tuple[Edge, ...]
    bundles: tuple[Bundle, ...]
    loops: dict[str, tuple[Step, ...]]

    def arriving(self, state: str) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.to == state)

    def place(self, state: str) -> tuple[int, int]:
        """(row, column)."""
        return next((n, c) for n, row in enumerate(self.rows) for c, s in row.items() if s == state)

    def is_left(self, edge: Edge) -> bool:
        """Drawn along the left side: it goes up, or passes over rows within the first column."""
        (row, column), (goal, goal_column) = self.place(edge.from_), self.place(edge.to)
        return goal != row + 1 and (goal <= row or column == goal_column == 0)


def lay_out(table: Table) -> Flow:
    bundles = _bundles(table, set(spine(table)))
    bundled = {(f, b.to, s.do) for b in bundles for f in b.from_ for s in b.steps}
    loops: dict[str, list[Step]] = {}
    found: dict[tuple[str, str], list[Step]] = {}
    for step in table.steps:
        for from_ in step.from_:
            for to in dict.fromkeys(o.to for o in step.outcomes):
                if to == from_:
                    loops.setdefault(from_, []).append(step)
                elif (from_, to, step.do) not in bundled:
                    found.setdefault((from_, to), []).append(step)
    edges = tuple(Edge(f, t, tuple(steps)) for (f, t), steps in found.items())
    rows = _rows(table, edges, bundles)
    return Flow(rows, edges, bundles, {s: tuple(steps) for s, steps in loops.items()})


def _bundles(table: Table, main: set[str]) -> tuple[Bundle, ...]:
    """Of steps away from the way to a good end; what leads along it is drawn."""
    leaving: dict[tuple[str, str], list[Step]] = {}
    for step in table.steps:
        for to in dict.fromkeys(o.to for o in step.outcomes):
            leaving.setdefault((step.do, to), []).append(step)
    out = []
    for (_, to), steps in leaving.items():
        from_ = tuple(dict.fromkeys(f for s in steps for f in s.from_ if f != to))
        if len(from_) >= MANY and to not in main:
            out.append(Bundle(from_, to, tuple(steps)))
    return tuple(out)


def spine(table: Table) -> tuple[str, ...]:
    """The states of the way to a good end, the longest one without going back and without a detour (a correction, an
    objection): what stands in the first column."""
    goal, order = good_end(table), {s.id: n for n, s in enumerate(table.states)}
    detours = {o.to for s in table.steps if any(g.endswith(_CORRECTION) for g in s.guards) for o in s.outcomes}

    def leads(state: str, outcome: Outcome) -> bool:
        to, detour = outcome.to, (outcome.when or "").endswith(_OBJECTION)
        onwards = to == goal or (order[to] > order[state] and not table.state[to].final)
        return onwards and not detour and to not in detours and to in best

    best: dict[str, tuple[str, ...]] = {goal: (goal,)}
    for state in sorted((s.id for s in table.states if s.id != goal), key=lambda s: -order[s]):
        steps = (s for s in table.steps_from(state) if not s.standing)
        ways = [best[o.to] for step in steps for o in step.outcomes if leads(state, o)]
        if ways:
            best[state] = (state, *max(ways, key=len))
    return best.get(table.initial, (table.initial, goal))


def _rows(table: Table, edges: Iterable[Edge], bundles: Iterable[Bundle]) -> tuple[dict[int, str], ...]:
    main = spine(table)
    pairs = [(e.from_, e.to) for e in edges]
    # A case goes on from such a state, so it stands near those that lead to it; an end stands at the foot.
    pairs += [(f, b.to) for b in bundles for f in b.from_ if not table.state[b.to].final]
    level = _levels(table, main, pairs)
    rows: list[dict[int, str]] = [{} for _ in range(max(level.values()) + 1)]
    column: dict[str, int] = {}
    for state in sorted((s.id for s in table.states), key=lambda s: (level[s], s not in main)):
        row = rows[level[state]]
        wanted = 0 if state in main else max(1, min((column.get(e.from_, 1) for e in edges if e.to == state), default=1))
        while wanted in row:
            wanted += 1
        row[wanted], column[state] = state, wanted
    return tuple(row for row in rows if row)


def _levels(table: Table, main: tuple[str, ...], pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The spine stands one state a row; any other state one row below the highest one that leads to it."""
    level = {s: n for n, s in enumerate(main)}
    rest = [s.id for s in table.states if s.id not in level]
    while rest:
        ready = [(level[from_] + 1, to) for from_, to in pairs if to in rest and from_ in level]
        if not ready:
            level.update(dict.fromkeys(rest, len(main) - 1))
            break
        for row, state in sorted(ready):
            level.setdefault(state, row)
        rest = [s for s in rest if s not in level]
    return level
