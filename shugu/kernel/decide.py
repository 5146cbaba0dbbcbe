"""The decision: may this actor do this now, and what follows. Pure: table, case view, command, actor and time in,
a Move, an Opinion or an exception of the Refused tree out (docs/procedures.md section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.kernel.cases import Actor, ActorKind, CaseView, ClockView, Command
from shugu.kernel.errors import (
    AlreadyGiven,
    ConflictOfInterest,
    GuardRefused,
    HeldBack,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooEarly,
    TooLate,
    UndertakingNeeded,
)
from shugu.kernel.procedure import CASE_ACTS, CLOCK, MANDATE, MaterialRow, Step, Table
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import VOCABULARY, NeedsUndertaking, No, Vocabulary

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Move:
    """The case goes to `to` and one fact named `fact` is written. `role` is the one the actor acted in."""

    step: Step
    role: str
    to: str
    fact: str
    undertaking: str = ""


@dataclass(frozen=True)
class Opinion:
    """A consent or vote that does not move the case yet: one fact, no change of state."""

    step: Step
    role: str
    fact: str


def decide(
    table: Table, view: CaseView, command: Command, actor: Actor, now: datetime, words: Vocabulary = VOCABULARY
) -> Move | Opinion:
    """Errors: every subclass of Refused named in shugu.kernel.errors, and InputInvalid."""
    step = table.step(view.state, command.do)
    if step is None:
        raise not_in_procedure(table, view.state, command.do)
    role = acting_role(table, view, step, actor, words)
    _check_input(step, command)
    _check_clocks(table, view, step, now)
    _check_guards(view, step, command, words)
    _check_holds(view, step, command)
    if step.quorum is not None and not _last_voice(table, view, step, role, actor):
        assert step.consent_fact is not None
        return Opinion(step, role, step.consent_fact)
    missing = missing_materials(view, step, words)
    if missing:
        raise MaterialsMissing(
            materials=_pair(m.title for m in missing), article=missing[0].article or step.article or table.source
        )
    return Move(step, role, _outcome(step, view, words), step.fact, command.undertaking)


def allowed(table: Table, view: CaseView, actor: Actor, words: Vocabulary = VOCABULARY) -> list[Step]:
    """The steps out of the present state that belong to this actor, whether or not guards let them pass now."""
    out = []
    for step in table.steps_from(view.state):
        try:
            acting_role(table, view, step, actor, words)
        except (NotYourStep, SeparationOfDuties, ConflictOfInterest):
            continue
        out.append(step)
    return out


def not_in_procedure(table: Table, state: str, do: str) -> NotInProcedure:
    title = next((s.title for s in table.steps if s.do == do), Text(do, do))
    return NotInProcedure(state=table.state[state].title, do=title, article=table.source)


def acting_role(table: Table, view: CaseView, step: Step, actor: Actor, words: Vocabulary) -> str:
    """The role of `step.by` this actor fills. Errors: NotYourStep, SeparationOfDuties, ConflictOfInterest."""
    if actor.kind is not ActorKind.PERSON:
        kind = CLOCK if actor.kind is ActorKind.CLOCK else MANDATE
        if kind in step.by:
            return kind
        raise _not_yours(table, step)
    for role in step.by:
        if role in (CLOCK, MANDATE) or not _fills(table, view, role, actor):
            continue
        _check_duties(table, view, role, actor)
        _check_needs(table, view, role)
        return role
    raise _not_yours(table, step)


def _fills(table: Table, view: CaseView, role: str, actor: Actor) -> bool:
    party = table.party[role]
    if party.seat is not None:
        return party.seat in actor.seats
    return any(
        p.role == role
        and ((p.org is not None and p.org == actor.org) or (p.org is None and p.person == actor.person))
        for p in view.parties
    )


def _not_yours(table: Table, step: Step) -> NotYourStep:
    names = _pair(
        table.party[r].title if r in table.party else Text("期限", "the clock") if r == CLOCK else Text("系统", "the system")
        for r in step.by
    )
    return NotYourStep(do=step.title, by=names, article=step.article or table.source)


def _check_duties(table: Table, view: CaseView, role: str, actor: Actor) -> None:
    held = {p.role for p in view.parties if p.person is not None and p.person == actor.person}
    for group in table.distinct:
        others = held & set(group) - {role}
        if role in group and others:
            roles = _pair(table.party[r].title for r in group)
            raise SeparationOfDuties(roles=roles, article=table.source)
    for other in table.party[role].apart:
        if actor.org is not None and actor.org in view.orgs(other):
            raise ConflictOfInterest(role=table.party[other].title, article=table.source)


def _check_needs(table: Table, view: CaseView, role: str) -> None:
    """A role may need a document before its holder acts: an agent the power of attorney."""
    absent = [n for n in table.party[role].needs if not any(m.id == n for m in view.materials)]
    if absent:
        raise MaterialsMissing(materials="、".join(absent), article=table.source)


def _check_input(step: Step, command: Command) -> None:
    errors: dict[str, tuple[str, str]] = {}
    for name in step.input:
        if command.input.get(name) in (None, "", [], {}):
            errors[name] = ("必填", "required")
    for name in set(command.input) - set(step.input) - set(step.optional):
        errors[name] = ("未知字段", "unknown field")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)


def _check_clocks(table: Table, view: CaseView, step: Step, now: datetime) -> None:
    for row in table.clocks:
        if step.do not in row.act or row.kind not in ("window", "bar"):
            continue
        clock = _latest(view.clocks, row.id)
        if clock is None or clock.status in ("met", "stopped"):
            continue
        ended = clock.status != "paused" and now >= clock.due_at
        if row.kind == "window" and ended:
            raise TooLate(clock=row.title, until=clock.due_on.isoformat(), do=step.title, article=table.source)
        if row.kind == "bar" and not ended:
            raise TooEarly(clock=row.title, until=clock.due_on.isoformat(), do=step.title, article=table.source)


def _latest(clocks: tuple[ClockView, ...], id_: str) -> ClockView | None:
    return next((c for c in reversed(clocks) if c.id == id_), None)


def _check_guards(view: CaseView, step: Step, command: Command, words: Vocabulary) -> None:
    for name in step.guards:
        verdict = words.guards[name](view)
        if isinstance(verdict, No):
            raise GuardRefused(why=verdict.why, article=verdict.article or step.article)
        if isinstance(verdict, NeedsUndertaking) and command.undertaking not in (verdict.text.zh, verdict.text.en):
            raise UndertakingNeeded(text=verdict.text, article=verdict.article or step.article)


def _check_holds(view: CaseView, step: Step, command: Command) -> None:
    acts = {step.do, *step.acts}
    if CASE_ACTS in acts:
        acts |= set(view.data.get("acts", ()))
    for hold in view.holds:
        if not set(hold.forbids) & acts:
            continue
        if not hold.undertaking:
            raise HeldBack(why=hold.reason, article=hold.article)
        if command.undertaking != hold.undertaking:
            raise UndertakingNeeded(text=hold.undertaking, article=hold.article)


def _last_voice(table: Table, view: CaseView, step: Step, role: str, actor: Actor) -> bool:
    """Whether this consent completes the quorum: "all" = every organisation in the roles of `by`, else that many
    different people."""
    given = [c for c in view.consents if c.do == step.do]
    if step.quorum == "all":
        wanted = {(p.role, p.org, None if p.org is not None else p.person) for p in view.parties if p.role in step.by}
        have = {(c.role, c.org, None if c.org is not None else c.person) for c in given}
        mine = next(
            (w for w in wanted if w[0] == role and (w[1] == actor.org if w[1] is not None else w[2] == actor.person)),
            None,
        )
        # Two roles held by one organisation need two voices: take the one still missing.
        if mine is None or mine in have:
            raise AlreadyGiven(do=step.title)
        return wanted <= have | {mine}
    if any(c.person == actor.person for c in given):
        raise AlreadyGiven(do=step.title)
    return len({c.person for c in given} | {actor.person}) >= voices_needed(view, step)


def voices_needed(view: CaseView, step: Step) -> int:
    """How many different people a step needs: the number of the table, or the rule value it names."""
    if isinstance(step.quorum, str):
        return int(view.rules.value(step.quorum).value)
    return step.quorum or 0


def missing_materials(view: CaseView, step: Step, words: Vocabulary = VOCABULARY) -> list[MaterialRow]:
    """The material rows of `step` that apply to this case, are not waived and are not there with enough signers."""
    return [row for row in needed_materials(view, step, words) if not _present(view, row)]


def needed_materials(view: CaseView, step: Step, words: Vocabulary = VOCABULARY) -> list[MaterialRow]:
    return [
        row
        for row in step.materials
        if (row.when is None or words.predicates[row.when](view))
        and not (row.waived_by is not None and words.predicates[row.waived_by](view))
    ]


def _present(view: CaseView, row: MaterialRow) -> bool:
    return any(m.id == row.id and m.signers >= row.signed_by for m in view.materials)


def _outcome(step: Step, view: CaseView, words: Vocabulary) -> str:
    for outcome in step.outcomes:
        if outcome.when is None or words.predicates[outcome.when](view):
            return outcome.to
    raise AssertionError(f"{step.do}: the last outcome is unconditional; the table check guarantees it")


def _pair(titles: Iterable[Any]) -> tuple[str, str]:
    both = [t if isinstance(t, tuple) else (str(t), str(t)) for t in titles]
    return ("、".join(t[0] for t in both), ", ".join(t[1] for t in both))
