"""Idempotency: the same key gives the same answer; the same key with other content is a conflict."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

import pytest
from django.db import connections, transaction

from shugu.kernel import commands, holds
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.errors import InputInvalid, KeyConflict, NotFound
from shugu.kernel.models import CommandKey, Fact, Hold

ALICE = Actor(ActorKind.PERSON, person=1, org=10)
BOB = Actor(ActorKind.PERSON, person=2, org=11)


@dataclass(frozen=True)
class PlaceTestHold:
    target: str
    fail: bool = False


def place_test_hold(cmd: PlaceTestHold, *, actor: Actor, now: datetime) -> Hold:
    hold = holds.place(cmd.target, forbids=["x"], reason="测试", actor=actor, now=now)
    if cmd.fail:
        raise NotFound(what=("标的", "target"))
    return hold


@pytest.fixture()
def place(monkeypatch: pytest.MonkeyPatch) -> commands.Handler[PlaceTestHold, Hold]:
    monkeypatch.delitem(commands.COMMANDS, "kernel.place_test_hold", raising=False)
    return commands.command("kernel.place_test_hold", ("设置", "place"))(place_test_hold)


@pytest.mark.django_db
def test_it_answers_a_repeated_key_without_acting_again(place: commands.Handler[PlaceTestHold, Hold], now: datetime) -> None:
    first = place(PlaceTestHold("a:1"), actor=ALICE, now=now, key="key-00000001")
    again = place(PlaceTestHold("a:1"), actor=ALICE, now=now, key="key-00000001")
    assert first.pk == again.pk
    assert Hold.objects.count() == Fact.objects.count() == 1


@pytest.mark.django_db
def test_it_refuses_a_key_with_other_content(place: commands.Handler[PlaceTestHold, Hold], now: datetime) -> None:
    place(PlaceTestHold("a:1"), actor=ALICE, now=now, key="key-00000001")
    with pytest.raises(KeyConflict):
        place(PlaceTestHold("a:2"), actor=ALICE, now=now, key="key-00000001")
    assert Hold.objects.count() == 1


@pytest.mark.django_db
def test_keys_belong_to_their_caller(place: commands.Handler[PlaceTestHold, Hold], now: datetime) -> None:
    first = place(PlaceTestHold("a:1"), actor=ALICE, now=now, key="key-00000001")
    other = place(PlaceTestHold("a:1"), actor=BOB, now=now, key="key-00000001")
    assert first.pk != other.pk


@pytest.mark.django_db
def test_a_refused_command_leaves_no_key_and_no_trace(place: commands.Handler[PlaceTestHold, Hold], now: datetime) -> None:
    with pytest.raises(NotFound):
        place(PlaceTestHold("a:1", fail=True), actor=ALICE, now=now, key="key-00000001")
    assert Hold.objects.count() == Fact.objects.count() == CommandKey.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["short", "x" * 101, "line\nbreak-key"])
def test_it_refuses_a_malformed_key(place: commands.Handler[PlaceTestHold, Hold], now: datetime, key: str) -> None:
    with pytest.raises(InputInvalid):
        place(PlaceTestHold("a:1"), actor=ALICE, now=now, key=key)


@pytest.mark.django_db(transaction=True)
def test_two_racing_calls_with_one_key_act_once(place: commands.Handler[PlaceTestHold, Hold], now: datetime) -> None:
    answers: list[int] = []
    barrier = threading.Barrier(4)

    def call() -> None:
        barrier.wait()
        answers.append(place(PlaceTestHold("a:1"), actor=ALICE, now=now, key="key-00000001").pk)
        connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1 and len(answers) == 4
    assert Hold.objects.count() == 1


@pytest.mark.django_db
def test_values_without_a_canonical_form_have_no_place_in_a_command() -> None:
    with transaction.atomic(), pytest.raises(InputInvalid) as refused:
        commands.jsonable({"price": 1.5})
    assert "1.5" in refused.value.field_errors["body"][0]
    with pytest.raises(TypeError):
        commands.jsonable(object())
