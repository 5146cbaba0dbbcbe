"""The listed product made once a module: each test works on it inside a savepoint of its own.

pytest-django prepares the database only for runs in which some test names `db`: every module that uses `stage` has one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from shugu.market.tests import stages
from tests.world import World


@dataclass
class Stage:
    """The cast on the day after the listing, and the product's number."""

    world: World
    product: str


@pytest.fixture(scope="module")
def _listed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    with django_db_blocker.unblock(), transaction.atomic():
        world = World.begin(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
        yield Stage(world, stages.listed(world))
        transaction.set_rollback(True)


@pytest.fixture()
def stage(_listed: Stage) -> Iterator[Stage]:
    with transaction.atomic():
        yield Stage(replace(_listed.world), _listed.product)
        transaction.set_rollback(True)
