"""What a malformed procedure table is refused for, before anything runs (docs/procedures.md section 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shugu.kernel.procedure import CLOCK, MANDATE, Table
from shugu.kernel.vocabulary import Vocabulary

KINDS = ("fire", "duty", "window", "bar")


def defects(table: Table, words: Vocabulary, has_rule: Callable[[str], bool], procedures: frozenset[str]) -> list[str]:
    """Every defect as one sentence with table and row; an empty list means the table may run."""
    return [f"{table.key}: {d}" for check in _CHECKS for d in check(table, words, has_rule, procedures)]


def _pairs(t: Table, w: Vocabulary, r: object, p: object) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for step in t.steps:
        for state in step.from_:
            if (state, step.do) in seen:
                yield f"two rows for ({state}, {step.do}); use ordered outcomes in one row"
            seen.add((state, step.do))


def _outcomes(t: Table, w: Vocabulary, r: object, p: object) -> Iterator[str]:
    for step in t.steps:
        if step.outcomes[-1].when is not None:
            yield f"{step.do}: the last outcome must be unconditional"
        for outcome in step.outcomes[:-1]:
            if outcome.when is None:
                yield f"{step.do}: an unconditional outcome before the last makes the rest unreachable"


def _names(t: Table, w: Vocabulary, r: object, p: frozenset[str]) -> Iterator[str]:
    predicates = [o.when for s in t.steps for o in s.outcomes]
    predicates += [m.when for s in t.steps for m in s.materials] + [m.waived_by for s in t.steps for m in s.materials]
    predicates += [party.is_ for party in t.parties] + [n.when for clock in t.clocks for n in clock.lengths]
    for name in dict.fromkeys(n for n in predicates if n):
        if not w.predicates.knows(name):
            yield f"unknown predicate {name!r}"
    for step in t.steps:
        for name in step.guards:
            if not w.guards.knows(name):
                yield f"{step.do}: unknown guard {name!r}"
        if step.effect and step.effect not in w.effects:
            yield f"{step.do}: unknown effect {step.effect!r}"
        if step.opens and step.opens not in p:
            yield f"{step.do}: opens unknown procedure {step.opens!r}"
        elif step.opens and step.opens not in w.openers:
            yield f"{step.do}: no opener is registered for {step.opens!r}"
        for role in step.by:
            if role not in (CLOCK, MANDATE) and role not in t.party:
                yield f"{step.do}: role {role!r} is not a party of the table"
        if (step.quorum is None) != (step.consent_fact is None):
            yield f"{step.do}: quorum and consent_fact come together"
        if isinstance(step.quorum, str) and step.quorum != "all" and "." not in step.quorum:
            yield f"{step.do}: quorum is all, a number or the name of a rule value"
    if t.duty != (t.opened_by_fact is not None):
        yield "a duty table names the fact that opens it, and only a duty table does"
    if t.opened_by_fact and t.id not in w.openers:
        yield f"no opener is registered for duty {t.id!r}"
    if t.subject not in w.contexts:
        yield f"no context is registered for subject {t.subject!r}"
    for role in t.opener:
        if role not in (CLOCK, MANDATE) and role not in t.party:
            yield f"opener {role!r} is not a party of the table"


def _roles(t: Table, w: Vocabulary, r: object, p: object) -> Iterator[str]:
    for group in (*t.distinct, *(party.apart for party in t.parties)):
        for role in group:
            if role not in t.party:
                yield f"role {role!r} in distinct or apart is not a party"


def _graph(t: Table, w: Vocabulary, r: object, p: object) -> Iterator[str]:
    for step in t.steps:
        for state in (*step.from_, *(o.to for o in step.outcomes)):
            if state not in t.state:
                yield f"{step.do}: unknown state {state!r}"
                return
        for state in step.from_:
            if t.state[state].final:
                yield f"{step.do}: exit from final state {state!r}"
    reached, frontier = {t.initial}, [t.initial]
    while frontier:
        for step in t.steps_from(frontier.pop()):
            for outcome in step.outcomes:
                if outcome.to not in reached:
                    reached.add(outcome.to)
                    frontier.append(outcome.to)
    for row in t.states:
        if row.id not in reached:
            yield f"unreachable state {row.id!r}"
        if not row.final and not any(t.steps_from(row.id)):
            yield f"dead end {row.id!r}: not final and nothing leads out"


def _clocks(t: Table, w: Vocabulary, has_rule: Callable[[str], bool], p: object) -> Iterator[str]:
    for clock in t.clocks:
        if clock.kind not in KINDS:
            yield f"clock {clock.id}: kind {clock.kind!r} is none of {KINDS}"
        if clock.direction not in ("forward", "backward") or clock.resume not in ("continue", "restart"):
            yield f"clock {clock.id}: direction is forward or backward, resume is continue or restart"
        for length in clock.lengths:
            if not has_rule(length.rule):
                yield f"clock {clock.id}: no rule value {length.rule!r} with a unit"
        if bool(clock.on) == bool(clock.date):
            yield f"clock {clock.id}: starts on facts or on a declared date, one of them"
        if clock.on and not set(clock.on) & set(t.facts):
            yield f"clock {clock.id}: can never start, no step writes {clock.on}"
        if clock.kind == "fire" and len(clock.act) != 1:
            yield f"clock {clock.id}: kind fire names the one act it performs"
        if clock.pauses_in and clock.pauses_while:
            yield f"clock {clock.id}: pauses in states or while children are open, one of them"
        for act in clock.act:
            if act not in t.commands:
                yield f"clock {clock.id}: unknown act {act!r}"
        if clock.kind == "fire" and not any(CLOCK in s.by for s in t.steps if s.do in clock.act):
            yield f"clock {clock.id}: fires {clock.act} but no such step is by the clock"
        for state in (*clock.spans, *clock.pauses_in):
            if state not in t.state:
                yield f"clock {clock.id}: unknown state {state!r}"


_CHECKS = (_pairs, _outcomes, _names, _roles, _graph, _clocks)
