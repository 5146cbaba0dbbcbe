"""Set-wise moves do exactly what single moves do."""

from __future__ import annotations

from datetime import datetime

import pytest

from shugu.kernel import bulk
from shugu.kernel.cases import Command
from shugu.kernel.errors import MaterialsMissing
from shugu.kernel.models import Case, CaseParty, Clock, Fact
from shugu.kernel.tests.test_engine import RITA, RONG, accepted, do, file_source, opened, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bench")]


def test_it_moves_many_with_one_fact_each_and_reports_the_refused(now: datetime) -> None:
    ready = [opened(now) for _ in range(5)]
    for case in ready:
        file_source(case, now)
    bare = opened(now)
    result = bulk.move_many([*ready, bare], Command("accept"), actor=RITA, now=now)
    assert result.moved == tuple(sorted(ready))
    assert isinstance(result.refused[bare], MaterialsMissing) and state(bare) == "submitted"
    assert Fact.objects.filter(name="testfiling.accepted").count() == 5
    assert CaseParty.objects.filter(role="acceptor", person=RITA.person).count() == 5


def test_it_starts_and_stops_the_same_clocks_as_a_single_move(now: datetime) -> None:
    single, many = accepted(now), accepted(now)
    do(single, "decide", RONG, now)
    bulk.move_many([many], Command("decide"), actor=RONG, now=now)

    def clocks(case: int) -> list[tuple[str, str, object]]:
        return list(Clock.objects.filter(case_id=case).order_by("id").values_list("clock", "status", "due_on"))

    assert clocks(single) == clocks(many)
    first, second = (Case.objects.get(pk=c) for c in (single, many))
    assert (first.state, first.revision, first.data) == (second.state, second.revision, second.data)


def test_separation_of_duties_holds_for_the_many(now: datetime) -> None:
    case = accepted(now)
    result = bulk.move_many([case], Command("decide"), actor=RITA, now=now)
    assert result.moved == () and state(case) == "accepted"


def test_the_same_case_named_twice_moves_once(now: datetime) -> None:
    case = accepted(now)
    result = bulk.move_many([case, case], Command("decide"), actor=RONG, now=now)
    assert result.moved == (case,)
    assert Fact.objects.filter(name="testfiling.decided").count() == 1
