"""Children opened by a step, duties opened by a fact, subscribers, and cases moved to new law."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shugu.kernel import adoption, duties, engine, journal, subscriptions
from shugu.kernel.adoption import AdoptRules
from shugu.kernel.cases import Actor, ActorKind, Command
from shugu.kernel.errors import MaterialsMissing, NotFound, Refused
from shugu.kernel.journal import FactView
from shugu.kernel.models import Case, Clock, Cursor, Fact
from shugu.kernel.procedure import Table
from shugu.kernel.tests import bench_table
from shugu.kernel.tests.test_engine import RITA, accepted, file_source, noticed, opened

pytestmark = pytest.mark.django_db

HOLDER = Actor(ActorKind.PERSON, person=1, org=10)


def fact_of(case: int, name: str) -> FactView:
    row = Fact.objects.filter(case_id=case, name=name).latest("id")
    return FactView(row.pk, 0, row.name, row.subject, case, row.recorded_at, row.effective_on)


@pytest.mark.usefixtures("bench")
def test_a_duty_is_owed_once_per_fact_and_its_clock_runs(now: datetime) -> None:
    fact = fact_of(noticed(now), "testfiling.decided")
    case = duties.open_duty(bench_table.report(), fact, now)
    assert case is not None and duties.open_duty(bench_table.report(), fact, now) is None
    assert Clock.objects.get(case_id=case).kind == "duty"


@pytest.mark.usefixtures("bench")
def test_a_role_that_needs_a_document_cannot_act_without_it(now: datetime) -> None:
    case = duties.open_duty(bench_table.report(), fact_of(noticed(now), "testfiling.decided"), now)
    assert case is not None
    with pytest.raises(MaterialsMissing):
        engine.act(case, Command("file"), actor=HOLDER, now=now)
    file_source(case, now, material="power_of_attorney")
    assert engine.act(case, Command("file"), actor=HOLDER, now=now).state == "filed"


def test_a_step_opens_its_child_in_the_same_transaction(
    bench: Table, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    objection = bench_table.objection()
    open_by_step = replace(objection, opener=("mandate",))
    steps = tuple(replace(s, opens=objection.id) if s.do == "decide" else s for s in bench.steps)
    rows = {bench.id: replace(bench, steps=steps), objection.id: open_by_step}
    monkeypatch.setattr(engine, "table", lambda procedure, version=None: rows[procedure])
    case = noticed(now)
    child = Case.objects.get(parent_id=case)
    assert (child.procedure, child.state) == (objection.id, "open")
    assert Clock.objects.get(case_id=case, clock="notice_period").status == "paused"


@pytest.mark.usefixtures("bench")
def test_a_case_keeps_its_law_until_it_is_moved_by_an_act_of_its_own(now: datetime) -> None:
    case = accepted(now)
    with pytest.raises(Refused):
        adoption.adopt_rules(AdoptRules(case, "新办法第一条"), actor=RITA, now=now)  # it is under today's rules already
    with pytest.raises(NotFound):
        adoption.adopt_rules(AdoptRules(0, "新办法第一条"), actor=RITA, now=now)
    Case.objects.filter(pk=case).update(rule_set="hangzhou/2020-01-01#000000000000")
    with pytest.raises(Refused):
        adoption.adopt_rules(AdoptRules(case, " "), actor=RITA, now=now)
    fact = Fact.objects.get(pk=adoption.adopt_rules(AdoptRules(case, "新办法第一条"), actor=RITA, now=now)["fact"])
    assert fact.name == "case.rules_adopted" and "hangzhou/2020-01-01#000000000000" in (fact.payload or "")


@pytest.fixture()
def only(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    own: dict[str, Any] = {}
    monkeypatch.setattr(subscriptions, "SUBSCRIBERS", own)
    return own


@pytest.mark.usefixtures("bench")
def test_a_subscriber_reads_each_fact_once_and_in_order(now: datetime, only: dict[str, Any]) -> None:
    seen: list[int] = []
    subscriptions.subscribe("kernel_test.a", {"testfiling.opened": lambda fact, at: seen.append(fact.position)})
    for _ in range(3):
        opened(now)
    journal.assign_positions()
    assert subscriptions.deliver(now) == 3
    assert subscriptions.deliver(now) == 0
    assert seen == sorted(seen) and len(seen) == 3


@pytest.mark.usefixtures("bench")
def test_a_failing_subscriber_waits_alone_and_goes_on_where_it_stopped(now: datetime, only: dict[str, Any]) -> None:
    good: list[int] = []
    tries: list[int] = []

    def fails_once(fact: FactView, at: datetime) -> None:
        tries.append(fact.position)
        if len(tries) == 1:
            raise Refused(why=("稍后", "later"))

    subscriptions.subscribe("kernel_test.a", {"testfiling.opened": fails_once})
    subscriptions.subscribe("kernel_test.b", {"testfiling.opened": lambda fact, at: good.append(fact.position)})
    opened(now)
    opened(now)
    journal.assign_positions()
    subscriptions.deliver(now)
    assert len(good) == 2 and len(tries) == 1
    [stuck] = subscriptions.stuck()
    assert stuck.subscriber == "kernel_test.a" and "testfiling.opened" in stuck.last_error
    assert subscriptions.deliver(now) == 0  # it waits before trying again
    assert subscriptions.deliver(now + timedelta(seconds=30)) == 2
    assert tries == [tries[0], *sorted(tries[1:])] and not subscriptions.stuck()
    assert Cursor.objects.get(subscriber="kernel_test.a").position == Cursor.objects.get(subscriber="kernel_test.b").position
