"""Malformed tables are refused at start, each for its own defect; well-formed ones refuse every pair not in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.calendars import Calendar
from shugu.kernel.cases import THE_CLOCK, Actor, ActorKind, CaseView, Command, PartyView, mandate
from shugu.kernel.decide import Move, Opinion, decide
from shugu.kernel.errors import NotInProcedure, NotYourStep, Refused
from shugu.kernel.procedure import ProcedureError, Table, parse_table
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import load_profile
from shugu.kernel.table_checks import defects
from shugu.kernel.tests import bench_table

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
WORDS = bench_table.words()
RULES = RegisterRules(load_profile("hangzhou", date(2026, 3, 2)))
PROCEDURES = frozenset({"kernel_test.filing", "kernel_test.objection"})


def found(table: Table) -> list[str]:
    def has_rule(name: str) -> bool:
        value = RULES.get(name)
        return value is not None and value.unit in ("wd", "cd", "month", "year")

    return defects(table, WORDS, has_rule, PROCEDURES)


def broken(change: Callable[[dict[str, Any]], None]) -> list[str]:
    raw = copy.deepcopy(bench_table.RAW)
    change(raw)
    return found(parse_table(raw, "kernel_test", "test"))


def test_the_bench_tables_are_sound() -> None:
    assert found(bench_table.table()) == []
    assert found(bench_table.objection()) == []


def add_double(raw: dict[str, Any]) -> None:
    raw["step"].append(dict(raw["step"][0], fact="x.y"))


def no_last_outcome(raw: dict[str, Any]) -> None:
    raw["step"][4]["outcomes"] = [{"to": "refused", "if": "kernel_test.grave"}]


def unknown_guard(raw: dict[str, Any]) -> None:
    raw["step"][4]["if"] = ["kernel_test.nobody"]


def unknown_predicate(raw: dict[str, Any]) -> None:
    raw["step"][0]["materials"][1]["when"] = "kernel_test.nobody"


def unknown_effect(raw: dict[str, Any]) -> None:
    raw["step"][0]["effect"] = "kernel_test.nobody"


def unknown_rule(raw: dict[str, Any]) -> None:
    raw["clock"][0]["length"] = "registry.no_such_period"


def a_rule_without_time(raw: dict[str, Any]) -> None:
    raw["clock"][0]["length"] = "party.accreditation_correction_rounds"


def unreachable(raw: dict[str, Any]) -> None:
    raw["state"].append({"id": "island", "title": bench_table.t("孤", "island"), "final": True})


def dead_end(raw: dict[str, Any]) -> None:
    raw["state"][5].pop("final")


def exit_from_final(raw: dict[str, Any]) -> None:
    raw["step"].append(dict(raw["step"][2], **{"from": "registered"}))


def clock_never_starts(raw: dict[str, Any]) -> None:
    raw["clock"][0]["starts"] = {"on": "testfiling.never"}


def fire_without_clock_step(raw: dict[str, Any]) -> None:
    raw["clock"][2]["act"] = ["correct"]


def unknown_child(raw: dict[str, Any]) -> None:
    raw["step"][0]["opens"] = "kernel_test.nothing"


def role_without_party(raw: dict[str, Any]) -> None:
    raw["step"][0]["by"] = ["ghost"]


def quorum_without_voice(raw: dict[str, Any]) -> None:
    raw["step"][5].pop("consent_fact")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (add_double, "two rows for (submitted, accept)"),
        (no_last_outcome, "last outcome must be unconditional"),
        (unknown_guard, "unknown guard"),
        (unknown_predicate, "unknown predicate"),
        (unknown_effect, "unknown effect"),
        (unknown_rule, "no rule value 'registry.no_such_period'"),
        (a_rule_without_time, "no rule value 'party.accreditation_correction_rounds'"),
        (unreachable, "unreachable state 'island'"),
        (dead_end, "dead end 'registered'"),
        (exit_from_final, "exit from final state 'registered'"),
        (clock_never_starts, "can never start"),
        (fire_without_clock_step, "no such step is by the clock"),
        (unknown_child, "opens unknown procedure"),
        (role_without_party, "role 'ghost' is not a party"),
        (quorum_without_voice, "quorum and consent_fact come together"),
    ],
    ids=lambda v: v.__name__ if callable(v) else "",
)
def test_it_refuses_a_malformed_table(change: Callable[[dict[str, Any]], None], says: str) -> None:
    assert any(says in d for d in broken(change)), broken(change)


@pytest.mark.parametrize("place", ["table", "step", "state", "clock"])
def test_it_refuses_an_unknown_key(place: str) -> None:
    raw = copy.deepcopy(bench_table.RAW)
    (raw if place == "table" else raw[place][0])["colour"] = "red"
    with pytest.raises(ProcedureError, match="colour"):
        parse_table(raw, "kernel_test", "test")


def actors() -> list[Actor]:
    seats = [frozenset({s}) for s in ("registrar", "reviewer", "committee", "operator")]
    people = [Actor(ActorKind.PERSON, person=i, org=90, seats=s) for i, s in enumerate(seats, 1)]
    parties = [Actor(ActorKind.PERSON, person=10 + i, org=org) for i, org in enumerate((10, 11, 99))]
    return [*people, *parties, THE_CLOCK, mandate("trade", "1")]


def view(table: Table, state: str) -> CaseView:
    return CaseView(
        id=1, number="CAS", state=state, revision=0, opened_on=date(2026, 3, 2), rules=RULES,
        parties=(PartyView("applicant", None, 10), PartyView("co_holder", None, 11), PartyView("objector", 9, 99)),
    )  # fmt: skip


def may(table: Table, state: str, do: str, actor: Actor) -> bool:
    """An independent reading of the table: is there a row, and does the actor fill one of its roles?"""
    for step in table.steps:
        if step.do != do or state not in step.from_:
            continue
        for role in step.by:
            if actor.kind is not ActorKind.PERSON:
                if role == str(actor.kind):
                    return True
            elif role in table.party and table.party[role].seat is not None:
                if table.party[role].seat in actor.seats:
                    return True
            elif (role, actor.org) in {("applicant", 10), ("co_holder", 11), ("objector", 99)}:
                return True
    return False


@pytest.mark.parametrize("table", [bench_table.table(), bench_table.objection()], ids=lambda t: t.key)
def test_every_state_command_and_actor_not_in_the_table_is_refused(table: Table) -> None:
    refused = passed = 0
    for state in table.state:
        for do in (*table.commands, "no_such_act"):
            for actor in actors():
                try:
                    decide(table, view(table, state), Command(do, {"defects": "x"} if do == "return" else {}), actor, NOW, WORDS)
                    assert may(table, state, do, actor)
                    passed += 1
                except (NotInProcedure, NotYourStep):
                    assert not may(table, state, do, actor)
                    refused += 1
                except Refused:
                    assert may(table, state, do, actor)
    assert refused > passed > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from([*bench_table.table().commands])), max_size=14))
def test_any_walk_stays_in_the_table_and_ends_only_in_final_states(walk: list[tuple[int, str]]) -> None:
    """Whatever is tried in whatever order, a case is always in a state of the table and a final one is never left."""
    table, state = bench_table.table(), "submitted"
    for who, do in walk:
        try:
            decision = decide(
                table, view(table, state), Command(do, {"defects": "x"} if do == "return" else {}), actors()[who], NOW, WORDS
            )
        except Refused:
            continue
        assert not table.state[state].final
        if isinstance(decision, Move):
            assert decision.to in {o.to for o in decision.step.outcomes}
            state = decision.to
        else:
            assert isinstance(decision, Opinion)
    assert state in table.state


def test_the_calendar_knows_this_year() -> None:
    assert Calendar.load().is_published(NOW.date())
