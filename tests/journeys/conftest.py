"""A live venue for the journeys: a demonstration home of its own, a web server in this process, the worker's parts run
between clicks, a connector as a process beside it, and Chromium where the machine has one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.world import World

PASSWORD = "journey-pass-2026"
LAG = timedelta(days=30)
T = TypeVar("T")


def forget_home() -> None:
    """Whatever was read from a home is read anew."""
    from shugu.kernel import clock, runtime, signer

    runtime.forget()
    signer.forget()
    clock.forget()


def end_sessions(seconds: float = 2.0) -> None:
    """Let the threads of server and jobs leave the database, and show the last ones out, so that it can be dropped."""
    from django.db import connection

    deadline, others = time.monotonic() + seconds, "datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {others}")
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.05)
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@dataclass(frozen=True)
class Connector:
    """What the provider knows of its connector and of the one file it holds."""

    id: str
    url: str
    key: str
    file: Path
    sha256: str
    size: int


@dataclass
class LiveVenue:
    """`do` runs a function in the venue's own thread: Playwright holds an event loop in the test's."""

    url: str
    world: World
    files: Path
    thread: ThreadPoolExecutor = field(repr=False)

    def do(self, work: Callable[..., T], *args: Any, **named: Any) -> T:
        def run() -> T:
            from django.db import connections

            try:
                return work(*args, **named)
            finally:
                connections.close_all()

        return self.thread.submit(run).result()

    def settle(self) -> None:
        """Everything the worker would do by now is done."""
        from shugu.worker import settle

        self.do(settle)

    def pass_days(self, days: int) -> None:
        """The demonstration clock goes on (never beyond the present), then the worker runs."""
        from shugu.kernel import founding

        self.do(founding.advance_clock, timedelta(days=days))
        self.settle()

    def catch_up(self) -> None:
        """From here the venue runs at the real time, as the connector does."""
        from shugu.kernel import clock, founding

        self.do(lambda: founding.advance_clock(clock.wall() - clock.now()))
        self.settle()

    @contextmanager
    def connector(self, held: str) -> Iterator[Connector]:
        """The provider's connector as a process of its own, holding the real weather table under the number `held`."""
        from shugu.demo import stage
        from shugu.measure.samples import WEATHER, write_samples

        key = self.do(stage.found_connector)[0]
        files = write_samples(stage.connector_home() / "data")
        sha256, size = stage.hold(held, files["weather"], WEATHER, {"airports": files["airports"]})
        with stage.connector_running() as url:
            yield Connector(stage.CONNECTOR_NAME, url, key, files["weather"], sha256, size)

    def bank_pays(self, reference: str, fen: int, payer: str) -> None:
        """The buyer's transfer reaches the custody account, and the bank says so in its next statement."""
        from shugu.edges.bank import simulator
        from shugu.kernel import clock

        def work() -> None:
            simulator.pay(reference, fen, payer=payer, account="6222020000000000", now=clock.now())
            simulator.write_statement(clock.now())

        self.do(work)
        self.settle()

    def bank_executes(self) -> int:
        """The bank pays what the venue ordered and says so; how many payments."""
        from shugu.edges.bank import simulator
        from shugu.kernel import clock

        def work() -> int:
            paid = simulator.execute_orders(clock.now())
            simulator.write_statement(clock.now())
            return paid

        paid = self.do(work)
        self.settle()
        return paid

    def audit(self) -> list[Any]:
        from shugu.audit import audit_everything

        self.settle()
        return self.do(lambda: list(audit_everything()))


@pytest.fixture()
def demo_home(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The home of a demonstration: only there the clock may lag and the bank be a simulator."""
    from shugu.kernel.home import Home, HomeConfig

    home = Home(tmp_path / "home", 0)
    home.path.mkdir()
    home.write_config(HomeConfig(mode="demo"))
    settings.HOME = home
    settings.MEDIA_ROOT = home.path / "documents"
    forget_home()
    yield home.path
    forget_home()


@pytest.fixture()
def venue(demo_home: Path, transactional_db: None, live_server: Any, settings: Any, tmp_path: Path) -> Iterator[LiveVenue]:
    """The venue thirty days ago, with the cast of tests/world.py, who sign in with PASSWORD."""
    from shugu.kernel import clock, founding
    from shugu.kernel.home import Home, HomeConfig
    from shugu.party import services as party
    from tests.world import SETUP, World

    home = Home(demo_home, int(urlsplit(live_server.url).port or 0))
    home.config_file.unlink()
    home.write_config(HomeConfig(mode="demo", public_url=live_server.url))
    settings.HOME = home
    forget_home()
    with ThreadPoolExecutor(1) as thread:
        venue = LiveVenue(live_server.url, None, tmp_path, thread)  # type: ignore[arg-type]  # the world needs its thread

        def begin() -> World:
            founding.found(LAG)
            world = World.begin(clock.now(), password=PASSWORD)
            second = party.register_person(
                party.RegisterPerson("nina", "倪娜", "Nina Ni", "", party.Secret(PASSWORD)), actor=SETUP, now=clock.now()
            )
            party.grant_seat(party.GrantSeat(second.pk, "settlement_officer"), actor=SETUP, now=clock.now())
            return world

        venue.world = venue.do(begin)
        venue.settle()
        yield venue
    end_sessions()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium on this machine. Without one the browser journeys are skipped, loudly."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("!! NO CHROMIUM on this machine: the browser journeys did NOT run (apt-get install chromium)")
    return found


@pytest.fixture()
def browser(venue: LiveVenue, chromium: str) -> Iterator[Browser]:
    """Closed before the database is cleared: Playwright's event loop must be gone by then."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()
