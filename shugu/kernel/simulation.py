"""What happens when: a case tried out on paper. Pure; nothing is written and no clock is read.

The way to the table's good end is walked twice with the engine's own decision and clocks: once with everybody acting at
once, once with everybody using the whole of the time they have. What only the real case can know (an open account, a
conclusion) is assumed to be in order and told with the step.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from shugu.formats.errors import ShuguError
from shugu.kernel.calendars import Calendar
from shugu.kernel.cases import (
    THE_CLOCK,
    Actor,
    ActorKind,
    CaseView,
    ClockView,
    Command,
    ConsentView,
    MaterialView,
    PartyView,
    Rules,
)
from shugu.kernel.clockwork import OPEN, plan, rule_of
from shugu.kernel.decide import Move, decide, needed_materials, voices_needed
from shugu.kernel.errors import Refused, TooEarly
from shugu.kernel.procedure import CLOCK, MANDATE, ClockRow, MaterialRow, Step, Table
from shugu.kernel.rules import RuleValue
from shugu.kernel.table_questions import asked_codes, good_end
from shugu.kernel.vocabulary import OK, VOCABULARY, Guard, Ok, Predicate, Vocabulary, Words
from shugu.kernel.workdays import end_of_day, local_day

_MOST = 80  # moves of one walk: a table in a circle ends here
_ASSUMED, _MANDATE, _STANDING = 100, 40, 20  # what a step costs beyond 1: the way that asks least is taken
ANYTHING = "—"


@dataclass(frozen=True)
class Question:
    """A case to try: `data` as the case would have it; `assumed` answers predicates that only the real case knows;
    `absent` names roles of the table that nobody fills."""

    table: Table
    rules: Rules
    on: date
    data: Mapping[str, Any] = field(default_factory=dict)
    assumed: Mapping[str, bool] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moment:
    """A day, and whether it hangs on a year without a published holiday notice."""

    on: date
    provisional: bool = False


@dataclass(frozen=True)
class StepLine:
    """`latest` is the last day when everybody uses all the time there is; `free`: no clock limits this step itself.
    `conditions`: its guards; `assumed`: those that the answers given do not satisfy by themselves."""

    step: Step
    role: str
    to: str
    earliest: Moment
    latest: Moment
    free: bool
    conditions: tuple[str, ...]
    assumed: tuple[str, ...]
    materials: tuple[MaterialRow, ...]


@dataclass(frozen=True)
class ClockLine:
    """A clock that ran: first and last possible start, and the ends that follow."""

    row: ClockRow
    rule: RuleValue
    earliest: tuple[date, Moment]
    latest: tuple[date, Moment]


@dataclass(frozen=True)
class Simulation:
    """`idle`: clocks that do not start on this way. `stuck`: the state nothing leads on from, if the end is not reached."""

    steps: tuple[StepLine, ...]
    clocks: tuple[ClockLine, ...]
    idle: tuple[ClockRow, ...]
    end: str
    stuck: str = ""


@dataclass(frozen=True)
class _Done:
    step: Step
    role: str
    to: str
    at: Moment
    free: bool
    assumed: tuple[str, ...]
    materials: tuple[MaterialRow, ...]


@dataclass
class _Walk:
    """One case on paper: `pending` is whether a day reached so far is provisional."""

    view: CaseView
    now: datetime
    provisional: bool = False
    done: list[_Done] = field(default_factory=list)
    started: dict[str, ClockView] = field(default_factory=dict)


class _Passing(Words[Guard]):
    def __missing__(self, name: str) -> Guard:
        return lambda view: OK


class _Assumed(Words[Predicate]):
    def __init__(self, answers: Mapping[str, bool]) -> None:
        super().__init__()
        self.answers = answers

    def __missing__(self, name: str) -> Predicate:
        if name in self.answers:
            return lambda view: self.answers[name]
        return VOCABULARY.predicates[name]


def simulate(question: Question, calendar: Calendar) -> Simulation:
    """Errors: UnknownRule when a clock's length is set nowhere; LengthError for one that is none."""
    run = _Run(question, calendar)
    early, late = run.walk(late=False), run.walk(late=True)
    steps = tuple(_lines(early, late))
    clocks = tuple(
        ClockLine(row, question.rules.value(rule_of(early.view, row, run.words)), _span(early, row.id), _span(late, row.id))
        for row in question.table.clocks
        if row.id in early.started and row.id in late.started
    )
    ran = {line.row.id for line in clocks}
    idle = tuple(row for row in question.table.clocks if row.id not in ran)
    end = early.view.state
    return Simulation(steps, clocks, idle, end, "" if end == good_end(question.table) else end)


def _span(walk: _Walk, clock: str) -> tuple[date, Moment]:
    found = walk.started[clock]
    return found.starts_on, Moment(found.due_on, found.provisional)


def _lines(early: _Walk, late: _Walk) -> Iterator[StepLine]:
    """The early walk's steps in order; the late walk takes the same way, or what it took instead is not shown."""
    latest = {(d.step.do, d.to): d for d in late.done}
    for done in early.done:
        other = latest.get((done.step.do, done.to), done)
        yield StepLine(
            done.step, done.role, done.to, done.at, other.at, other.free, done.step.guards, done.assumed, done.materials
        )


class _Run:
    def __init__(self, question: Question, calendar: Calendar) -> None:
        self.question, self.table, self.calendar = question, question.table, calendar
        self.goal = good_end(self.table)
        self.codes = asked_codes(self.table)
        self.words = Vocabulary()
        self.words.predicates = _Assumed(question.assumed)
        self.words.guards = _Passing()
        self.dates = {c.date for c in self.table.clocks if c.date}

    def walk(self, *, late: bool) -> _Walk:
        view = self._first_view()
        walk = _Walk(view, end_of_day(self.question.on - timedelta(days=1)))
        self._wind(walk, replace(view, data={}), self.table.opened, view.state, dict(view.data))
        for _ in range(_MOST):
            if self.table.state[walk.view.state].final:
                break
            found = self._next(walk.view) or self._bad_end(walk.view)
            if found is None or not self._advance(walk, *found, late=late):
                break
        return walk

    def _first_view(self) -> CaseView:
        table, absent = self.table, self.question.absent
        parties = tuple(
            PartyView(p.role, n, n) for n, p in enumerate(table.parties, 1) if p.seat is None and p.role not in absent
        )
        ids = dict.fromkeys(m.id for s in table.steps for m in s.materials)
        ids.update(dict.fromkeys(n for p in table.parties for n in p.needs))
        return CaseView(
            id=0, number=ANYTHING, state=table.initial, revision=0, opened_on=self.question.on, rules=self.question.rules,
            data=dict(self.question.data), parties=parties, materials=tuple(MaterialView(m, "", 99) for m in ids),
        )  # fmt: skip

    def _advance(self, walk: _Walk, step: Step, given: Mapping[str, Any], *, late: bool) -> bool:
        """One event: a clock that fires before anybody acts, or the step itself. False: nothing more can happen."""
        if step.by == (CLOCK,):
            due = [c for c, row in self._running(walk.view) if row.kind == "fire" and step.do in row.act]
            if not due:
                return False
            self._wait(walk, due[0])
            return self._do(walk, step, {}, THE_CLOCK, CLOCK, free=False)
        limits = self._limits(walk.view, step)
        if late and limits:
            last = min(limits, key=lambda c: c.due_at)
            if last.due_at - timedelta(days=1) > walk.now:
                if self._fires(walk, last.due_at - timedelta(days=1)):
                    return True
                walk.now, walk.provisional = last.due_at - timedelta(days=1), walk.provisional or last.provisional
        bars = [c for c, row in self._running(walk.view) if row.kind == "bar" and step.do in row.act and c.due_at > walk.now]
        if bars:
            last = max(bars, key=lambda c: c.due_at)
            if self._fires(walk, last.due_at):
                return True
            self._wait(walk, last)
        role = next((r for r in step.by if self._fills(walk.view, r)), step.by[0])
        return self._do(walk, step, given, self._actor(walk.view, role), role, free=not limits)

    def _fires(self, walk: _Walk, until: datetime) -> bool:
        """The first clock that fires by `until`, if its step leads on towards the good end."""
        fires = sorted(
            ((c, row) for c, row in self._running(walk.view) if row.kind == "fire" and c.due_at <= until),
            key=lambda pair: pair[0].due_at,
        )
        for clock, row in fires:
            step = self.table.step(walk.view.state, row.act[0])
            if step is not None and self._leads_on(walk.view, step):
                self._wait(walk, clock)
                return self._do(walk, step, {}, THE_CLOCK, CLOCK, free=False)
        return False

    def _leads_on(self, view: CaseView, step: Step) -> bool:
        to = self._outcome(view, step)
        return to == self.goal or self._next(replace(view, state=to)) is not None

    def _wait(self, walk: _Walk, clock: ClockView) -> None:
        if clock.due_at > walk.now:
            walk.now, walk.provisional = clock.due_at, walk.provisional or clock.provisional

    def _running(self, view: CaseView) -> Iterator[tuple[ClockView, ClockRow]]:
        rows = {row.id: row for row in self.table.clocks}
        return ((c, rows[c.id]) for c in view.clocks if c.status in OPEN)

    def _limits(self, view: CaseView, step: Step) -> list[ClockView]:
        """What ends the time for `step` here: duties of this state, windows of the step, clocks that end the case."""
        out = []
        for clock, row in self._running(view):
            if row.direction == "backward" or (row.spans and view.state not in row.spans):
                continue
            other = self.table.step(view.state, row.act[0]) if row.kind == "fire" else None
            ends = other is not None and other.do != step.do and not self._leads_on(view, other)
            if row.kind == "duty" or (row.kind == "window" and step.do in row.act) or ends:
                out.append(clock)
        return out

    def _do(self, walk: _Walk, step: Step, given: Mapping[str, Any], actor: Actor, role: str, *, free: bool) -> bool:
        """The engine's decision on it and what follows for the clocks. False when it is refused."""
        view = self._quorate(walk.view, step, actor)
        known = {n: v for n, v in self._input(step, walk).items() if n in step.input or n in given} | dict(given)
        try:
            move = decide(self.table, view, Command(step.do, known), actor, walk.now, self.words)
        except TooEarly:
            return False
        except Refused:
            return False
        assert isinstance(move, Move)
        on = local_day(walk.now)
        assumed = tuple(g for g in step.guards if not self._holds(g, view))
        materials = tuple(needed_materials(view, step, self.words))
        walk.done.append(_Done(step, role, move.to, Moment(on, walk.provisional), free, assumed, materials))
        data = {**walk.view.data, **known}
        self._wind(walk, walk.view, move.fact, move.to, data)
        walk.view = replace(walk.view, state=move.to, data=data)
        return True

    def _wind(self, walk: _Walk, view: CaseView, fact: str, to: str, data: Mapping[str, Any]) -> None:
        """Start, stop and pause clocks as the engine would."""
        dated = {n: v for n, v in data.items() if n not in self.dates or _is_day(v)}
        wound = plan(
            self.table, view, fact=fact, to=to, effective_on=local_day(walk.now), data=dated, calendar=self.calendar
        )  # fmt: skip
        changed = {c.id: c for c in wound.changed}
        clocks = [changed.get(c.id, c) if c.status in OPEN else c for c in walk.view.clocks]
        clocks += wound.started
        for clock in wound.started:
            # Earlier days stand behind later ones: what a provisional day started is provisional itself.
            kept = replace(clock, provisional=clock.provisional or walk.provisional)
            clocks[clocks.index(clock)] = kept
            walk.started[clock.id] = kept
        walk.view = replace(walk.view, clocks=tuple(clocks))

    def _next(self, view: CaseView) -> tuple[Step, dict[str, Any]] | None:
        """The first step of the way to the good end that asks least, with the coded input it takes."""
        tie = count()
        queue: list[tuple[int, int, CaseView, tuple[Step, dict[str, Any]] | None]] = [(0, next(tie), view, None)]
        seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        while queue:
            cost, _, here, first = heapq.heappop(queue)
            if here.state == self.goal:
                return first
            key = (here.state, tuple(sorted((k, str(here.data.get(k))) for k in self.codes)))
            if key in seen:
                continue
            seen.add(key)
            for step in self.table.steps_from(here.state):
                for given in self._choices(step):
                    there = replace(here, state=self._outcome(here, step), data={**here.data, **given})
                    price = cost + self._price(step, here)
                    heapq.heappush(queue, (price, next(tie), there, first or (step, given)))
        return None

    def _bad_end(self, view: CaseView) -> tuple[Step, dict[str, Any]] | None:
        """When the answers shut every way to the good end: the step at which they end the case."""
        for step in self.table.steps_from(view.state):
            if len(step.outcomes) > 1 and not step.standing and self.table.state[self._outcome(view, step)].final:
                return step, {}
        return None

    def _price(self, step: Step, view: CaseView) -> int:
        refused = sum(not self._holds(g, view) for g in step.guards)
        mandated = MANDATE in step.by and not any(r in self.table.party for r in step.by)
        return 1 + _ASSUMED * refused + _MANDATE * mandated + _STANDING * step.standing

    def _choices(self, step: Step) -> list[dict[str, Any]]:
        """The coded inputs a step may be given: every code the table asks about."""
        out: list[dict[str, Any]] = [{}]
        for name in (*step.input, *step.optional):
            if name in self.codes:
                codes: tuple[str, ...] = self.codes[name]
                out = [{**given, name: code} for given in out for code in codes]
        return out

    def _outcome(self, view: CaseView, step: Step) -> str:
        return next(o.to for o in step.outcomes if o.when is None or self._ask(self.words.predicates[o.when], view))

    def _holds(self, guard: str, view: CaseView) -> bool:
        return self._ask(lambda v: isinstance(VOCABULARY.guards[guard](v), Ok), view)

    def _ask(self, question: Callable[[CaseView], bool], view: CaseView) -> bool:
        """A predicate may want what a case on paper does not have: then it does not hold."""
        try:
            return question(view)
        except (LookupError, TypeError, ValueError, AttributeError, ShuguError):
            return False

    def _fills(self, view: CaseView, role: str) -> bool:
        return role in self.table.party and (self.table.party[role].seat is not None or any(p.role == role for p in view.parties))

    def _actor(self, view: CaseView, role: str) -> Actor:
        if role == CLOCK:
            return THE_CLOCK
        if role == MANDATE:
            return Actor(ActorKind.MANDATE, name="simulation", reference="simulation")
        number = next((n for n, p in enumerate(self.table.parties, 1) if p.role == role), 0)
        seat = self.table.party[role].seat
        if seat is not None:
            return Actor(ActorKind.PERSON, person=1000 + number, seats=frozenset({seat}))
        return Actor(ActorKind.PERSON, person=number, org=number)

    def _quorate(self, view: CaseView, step: Step, actor: Actor) -> CaseView:
        """With every other voice given, so that this one moves the case."""
        if step.quorum is None:
            return view
        if step.quorum == "all":
            others = [p for p in view.parties if p.role in step.by and p.org != actor.org]
            voices = [ConsentView(step.do, p.role, p.person, p.org) for p in others]
        else:
            voices = [ConsentView(step.do, step.by[0], -n, None) for n in range(1, voices_needed(view, step))]
        return replace(view, consents=tuple(voices))

    def _input(self, step: Step, walk: _Walk) -> dict[str, Any]:
        """Something for every field the step asks for; the day itself where a clock starts on it."""
        today = local_day(walk.now).isoformat()
        return {n: walk.view.data.get(n) or (today if n in self.dates else ANYTHING) for n in step.input}


def _is_day(value: object) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True
