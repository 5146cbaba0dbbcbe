"""A live venue for the journeys: a demonstration home of its own, a web server in this process, the worker's parts run
between clicks, a connector as a process beside it, and Chromium where the machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
        from shugu.demo import stage

        self.do(stage.catch_up)
        self.settle()

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
    from tests.world import World

    home = Home(demo_home, int(urlsplit(live_server.url).port or 0))
    home.config_file.unlink()
    home.write_config(HomeConfig(mode="demo", public_url=live_server.url))
    settings.HOME = home
    forget_home()
    with ThreadPoolExecutor(1) as thread:
        venue = LiveVenue(live_server.url, None, tmp_path, thread)  # type: ignore[arg-type]  # the world needs its thread

        def begin() -> World:
            founding.found(LAG)
            return World.begin(clock.now(), password=PASSWORD)

        venue.world = venue.do(begin)
        venue.settle()
        yield venue


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
