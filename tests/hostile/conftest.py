"""A venue in full swing, made once a module for the hostile tests: every app has objects of somebody's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client

from shugu.appraisal.tests import stages as appraised
from shugu.appraisal.tests import valued
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.market import services as market
from shugu.party import services as party
from shugu.party.models import Person
from shugu.registry import queries as registry
from shugu.registry.tests import stages as registered
from shugu.settlement.tests import stages as money
from shugu.web import rates
from tests.world import World

# The stages pass two public notices; nothing may be dated after today.
STORY = timedelta(days=40)
SECRET_TITLE = "只有当事人知道的申请"
KEYS = ("alice", "bob", "rita", "sven", "mallory")


@dataclass(frozen=True)
class Venue:
    """`tokens`: an API key of each of KEYS."""

    world: World
    tokens: dict[str, str]

    def actor(self, who: str) -> Actor:
        found = getattr(self.world, who)
        assert isinstance(found, Actor)
        return found

    def browser(self, who: str = "") -> Client:
        """A browser in which `who` has signed in; a visitor's without."""
        client = Client()
        if who:
            actor, now = self.actor(who), clock.now().isoformat()
            assert actor.person is not None
            stamp = Person.objects.get(pk=actor.person).stamp
            session = client.session
            session["seat"] = {"person": actor.person, "org": actor.org, "stamp": stamp, "since": now, "seen_at": now}
            session.save()
            client.cookies["sessionid"] = session.session_key or ""
        return client

    def headers(self, who: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}


def story(world: World) -> None:
    """One trade paid out to the last fen; a filing under notice with an objection to it; a filing nobody else knows of;
    an open demand; an assignment not yet accepted; a valuation whose value nobody disclosed."""
    money.confirmed(world)
    fresh = registered.noticed(world, title="杭州公交到站数据")
    registered.objected(world, fresh, world.carol, world.now)
    registered.submitted(world, title=SECRET_TITLE)
    entry = registry.entries_of(world.alice.org or 0, world.now.date())[0]
    appraised.ordered(world, entry.id)
    valued.accredit(world)
    valued.valued(world, entry)
    demand = market.PostDemand(title="求购航班数据", purpose="research", keywords=("航班",))
    market.post_demand(demand, actor=world.bob, now=world.now)
    money.drain(world.now)


@pytest.fixture(scope="module")
def _one_connection() -> Iterator[None]:
    """Calls through the WSGI application share the test's transaction, as those of Django's own client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def populated(_one_connection: None, django_db_setup: None, django_db_blocker: Any) -> Iterator[Venue]:
    with django_db_blocker.unblock(), transaction.atomic():
        world = World.begin(clock.now() - STORY)
        story(world)
        # The staff as after their first sign-in: a seat without a one-time password sees nothing but its enrolment.
        Person.objects.filter(memberships__isnull=True).update(totp_confirmed_at=clock.now())
        tokens = {who: _token(getattr(world, who)) for who in KEYS}
        yield Venue(world, tokens)
        transaction.set_rollback(True)


def _token(actor: Actor) -> str:
    order = party.IssueApiKey("hostile", org=actor.org)
    return party.issue_api_key(order, actor=actor, now=clock.now()).token


@pytest.fixture()
def venue(populated: Venue, django_db_blocker: Any) -> Iterator[Venue]:
    """The populated venue inside a savepoint of the test's own."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield populated
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _no_flood(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.ERROR, logger="django.request")  # thousands of refusals are wanted here
    yield
    rates.BUCKETS.forget()
