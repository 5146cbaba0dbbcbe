"""A case tried out on paper and the same case really walked come to the same days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.procedure import CLOCK
from shugu.kernel.regimes import load_regime
from shugu.kernel.rules import RuleValue
from shugu.kernel.simulation import Question, Simulation, simulate
from shugu.kernel.table_questions import asked_codes
from shugu.kernel.tables import table
from shugu.registry.tests.regimes import Regime
from tests.world import World

BEGUN = date(2026, 9, 21)  # Mid-autumn, Golden Week and a make-up Saturday follow


@dataclass(frozen=True)
class Values:
    values: dict[str, RuleValue]
    id: str = "values"

    def value(self, key: str) -> RuleValue:
        return self.values[key]


def declared(regime: str) -> dict[str, str]:
    """What the applicant has to declare: the answers that guards want found."""
    found = load_regime(regime, BEGUN)
    asked = found.values["registry.fields_first"].codes
    wanted = [g.partition(":")[2].partition("=") for s in table(found.head.procedures["first"]).steps for g in s.guards]
    return {name: code for name, _, code in wanted if name in asked}


def tried(regime: str, kind: str) -> Simulation:
    found = load_regime(regime, BEGUN)
    made = table(found.head.procedures["first"])
    data = {"operation": "first", "object_kind": kind, "rights": ["holding"], "holders": [{"org": 1, "parts": 1}]}
    data |= declared(regime)
    return simulate(Question(made, Values(dict(found.values)), BEGUN, data, absent=("agent",)), runtime.calendar())


@pytest.mark.parametrize("late", [False, True], ids=["at once", "on the last day"])
@pytest.mark.parametrize("regime", ["hangzhou", "beijing", "nssq"])
def test_a_case_tried_out_and_a_case_walked_agree_to_the_day(atlas: World, regime: str, late: bool) -> None:
    kind = load_regime(regime, BEGUN).values["registry.objects"].codes[0]
    found = tried(regime, kind)
    codes = asked_codes(table(load_regime(regime, BEGUN).head.procedures["first"]))
    r = Regime(atlas, regime).at(BEGUN)
    row = r.file("first", object_kind=kind, answers=declared(regime))
    seats: dict[str, Actor] = {"registrar": atlas.rita, "reviewer": atlas.rong}
    for line in found.steps:
        r.at((line.latest if late else line.earliest).on, hour=0 if line.role == CLOCK else 10, minute=1)
        if line.role == CLOCK:
            r.sweep()
        else:
            actor = seats.get(line.role, atlas.alice)
            r.upload_all(row, line.step.do, by=actor)
            r.act(row, line.step.do, by=actor, **{name: codes.get(name, ("passed",))[0] for name in line.step.input})
        assert r.state(row) == line.to, line.step.do
    for clock in found.clocks:
        start, end = clock.latest if late else clock.earliest
        real = r.clock(row, clock.row.id)
        assert (real.starts_on, real.due_on) == (start, end.on), clock.row.id
