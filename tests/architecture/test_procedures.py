"""Every procedure table of every app: sound, and refusing every (state, command, role) that is not in it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from shugu.kernel.cases import THE_CLOCK, Actor, ActorKind, CaseView, Command, PartyView, mandate
from shugu.kernel.decide import decide
from shugu.kernel.errors import NotInProcedure, NotYourStep, SeparationOfDuties
from shugu.kernel.procedure import CLOCK, MANDATE, Table
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import load_profile
from shugu.kernel.tables import all_defects, all_tables

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
RULES = RegisterRules(load_profile("hangzhou", NOW.date()))
TABLES = [t for versions in all_tables().values() for t in versions.values()]


def test_every_table_is_sound() -> None:
    assert all_defects() == []


def cast(table: Table) -> list[tuple[str, Actor]]:
    """One actor a role, one stranger, the clock and a mandate."""
    actors: list[tuple[str, Actor]] = [(CLOCK, THE_CLOCK), (MANDATE, mandate("test", "1"))]
    for number, party in enumerate(table.parties, 1):
        seats = frozenset({party.seat}) if party.seat else frozenset()
        actors.append((party.role, Actor(ActorKind.PERSON, person=number, org=900 if party.seat else number, seats=seats)))
    return [*actors, ("stranger", Actor(ActorKind.PERSON, person=999, org=999))]


def view(table: Table, state: str) -> CaseView:
    parties = tuple(PartyView(p.role, None, n) for n, p in enumerate(table.parties, 1) if p.seat is None)
    return CaseView(id=1, number="CAS", state=state, revision=0, opened_on=date(2026, 3, 2), rules=RULES, parties=parties)


def entitled(table: Table, state: str, do: str, role: str, actor: Actor) -> bool:
    """An independent reading: a row for the pair names a role this actor fills."""
    for step in table.steps:
        if step.do == do and state in step.from_:
            seats = {table.party[r].seat for r in step.by if r in table.party and table.party[r].seat}
            return role in step.by or bool(seats & actor.seats)
    return False


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.key)
def test_every_state_command_and_role_not_in_the_table_is_refused(table: Table) -> None:
    refused = 0
    for state in table.state:
        for do in (*table.commands, "no_such_act"):
            for role, actor in cast(table):
                if entitled(table, state, do, role, actor):
                    continue
                with pytest.raises((NotInProcedure, NotYourStep, SeparationOfDuties)):
                    decide(table, view(table, state), Command(do), actor, NOW)
                refused += 1
    assert refused


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.key)
def test_a_final_state_is_never_left(table: Table) -> None:
    for state in (s.id for s in table.states if s.final):
        assert not list(table.steps_from(state))


def test_facts_are_named_by_one_thing_each() -> None:
    """`thing.past_participle`, and no two tables of different subjects write the same fact."""
    owners: dict[str, set[str]] = {}
    for table in TABLES:
        for fact in table.facts:
            assert fact.count(".") == 1 and fact == fact.lower(), fact
            owners.setdefault(fact, set()).add(table.subject)
    assert {f: o for f, o in owners.items() if len(o) > 1} == {}
