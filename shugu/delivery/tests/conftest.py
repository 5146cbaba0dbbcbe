"""One connector process and one funded contract a module; each test works inside a savepoint of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from shugu.delivery.tests import stages
from shugu.delivery.tests.stages import Plane, Stage
from shugu.kernel import clock, store
from shugu.kernel.workdays import local_day
from tests.world import World


@pytest.fixture(scope="module")
def plane(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with django_db_blocker.unblock():
        made = Plane(tmp_path_factory.mktemp("plane"))
    yield from stages.running(made)


@pytest.fixture(scope="module")
def _funded(plane: Plane, django_db_blocker: Any) -> Iterator[Stage]:
    """The story ends today: its connector reads the machine's time."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = World.begin(clock.wall() - timedelta(days=16))
        # The sequence must outlive each test's savepoint: the connector remembers every grant it ever took.
        store.next_number("grant", local_day(clock.wall()).year)
        number = stages.product(world, plane)
        yield Stage(world, plane, number, stages.funded(world, number))
        transaction.set_rollback(True)


@pytest.fixture()
def stage(_funded: Stage, tmp_path: Path) -> Iterator[Stage]:
    with transaction.atomic():
        yield replace(_funded, world=replace(_funded.world))
        transaction.set_rollback(True)
    if _funded.plane.child is None:
        _funded.plane.start()
