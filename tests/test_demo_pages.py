"""The demonstration's own pages: there in demonstration homes only, and its clock never passes the present."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from shugu.kernel import clock, engine, founding, runtime
from shugu.kernel.home import Home, HomeConfig, HomeError
from shugu.kernel.models import Clock
from tests.world import World

pytestmark = pytest.mark.django_db
PAGES = ("/demo/", "/demo/bank/demo/")


def test_a_real_home_has_no_demonstration_pages(client: Client) -> None:
    for page in PAGES:
        assert client.get(page).status_code == 404
    assert client.post("/demo/advance/").status_code == 404
    with pytest.raises(HomeError):
        founding.advance_clock(timedelta(days=1))


@pytest.fixture()
def demo(tmp_path: Path, settings: Any) -> Iterator[None]:
    home = Home(path=tmp_path, port=8000)
    home.write_config(HomeConfig(mode="demo"))
    settings.HOME = home
    runtime.forget()
    clock.forget()
    founding.found(timedelta(days=30))
    yield
    settings.HOME = Home.from_environment()
    runtime.forget()
    clock.forget()


@pytest.mark.usefixtures("demo")
def test_the_clock_lags_catches_up_and_stops_at_the_present(tmp_path: Path) -> None:
    lag = clock.wall() - clock.now()
    assert timedelta(days=29, hours=23) < lag < timedelta(days=30, hours=1)
    assert int((tmp_path / "demo-clock").read_text()) == 30 * 86400
    founding.advance_clock(timedelta(days=20))
    assert int((tmp_path / "demo-clock").read_text()) == 10 * 86400
    with pytest.raises(HomeError):
        founding.advance_clock(timedelta(days=11))
    assert clock.on_the_wall(clock.now()) - clock.wall() < timedelta(seconds=5)


@pytest.mark.usefixtures("demo")
def test_the_next_deadline_is_reached_and_fired(client: Client) -> None:
    world = World.begin(clock.now(), accredit=False)
    assert client.post("/demo/advance/").status_code == 401
    from shugu.party import services as party

    applied = party.apply_accreditation(
        party.ApplyAccreditation(world.alice.org or 0, "provider"), actor=world.alice, now=clock.now()
    )
    for material in ("licence", "commitment", "qualification"):
        world.file(applied.case_id, material, world.alice)
    party.act_on_accreditation(party.ActOnAccreditation(applied.case_id, "submit"), actor=world.alice, now=clock.now())
    deadline = founding.next_deadline(clock.now())
    assert deadline == Clock.objects.get(case_id=applied.case_id, status="running").due_at
    founding.advance_clock(deadline - clock.now() + timedelta(seconds=1))
    assert engine.sweep(clock.now()) == 1
    assert client.get("/demo/").status_code == 200
