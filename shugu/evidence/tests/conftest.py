from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from shugu.evidence.tests.seat import SEATED
from shugu.kernel import journal
from shugu.kernel.cases import Actor, ActorKind

ALICE = Actor(ActorKind.PERSON, person=1, org=10)
STRANGER = Actor(ActorKind.PERSON, person=99, org=990)
AUDITOR = Actor(ActorKind.PERSON, person=50, seats=frozenset({"auditor"}))

Write = Callable[..., list[int]]


@pytest.fixture()
def write(now: datetime) -> Write:
    """write(n): n facts of Alice's; their ids."""

    def facts(count: int, **rest: Any) -> list[int]:
        return [
            journal.record("thing.done", subject=f"kernel_test.thing:{n}", actor=ALICE, now=now, data={"n": n}, **rest)
            for n in range(count)
        ]

    return facts


@pytest.fixture()
def visit(db: None, settings: Settings) -> Iterator[Callable[[Actor | None], Client]]:
    """visit(actor): a client in which that actor, or nobody, is signed in."""
    settings.MIDDLEWARE = [
        "shugu.evidence.tests.seat.Seated" if m.endswith("SeatMiddleware") else m
        for m in settings.MIDDLEWARE
        if "whitenoise" not in m  # it warns where no static files were collected
    ]

    def client(actor: Actor | None) -> Client:
        SEATED[:] = [actor]
        return Client()

    yield client
    SEATED[:] = [None]
