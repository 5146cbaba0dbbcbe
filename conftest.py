"""The test home: its own directory and PostgreSQL, made once and kept between runs; DATABASE_URL replaces the latter."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["SHUGU_HOME"] = os.environ.get("SHUGU_TEST_HOME", str(Path(__file__).parent / "var" / "test"))
os.environ.pop("SHUGU_NO_DATABASE", None)

import pytest

if TYPE_CHECKING:
    from tests.world import World


# Tests start anew after a power cut: waiting for the disk at each commit would be most of their time. The crash
# campaign kills processes in homes of its own, where durability stays on.
os.fsync = lambda descriptor: None  # type: ignore[assignment]

# Tests make much garbage in few cycles, over a large heap of modules: looking through it seldom saves a tenth of the time.
gc.set_threshold(100_000, 50, 50)


def pytest_configure() -> None:
    """Passwords of the cast are hashed as everywhere, with the least the algorithm takes: at full price they would be a
    third of the time of whatever signs in. Static files are looked up when asked for, not listed anew for every client."""
    from django.conf import settings
    from django.contrib.auth.hashers import Argon2PasswordHasher

    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1
    settings.WHITENOISE_AUTOREFRESH = True


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any) -> None:
    import psycopg
    from django.conf import settings

    from tests import schema

    entry = settings.DATABASES["default"]
    with django_db_blocker.unblock():
        entry["TEST"]["TEMPLATE"] = schema.template_database(entry)
    if "DATABASE_URL" in os.environ:
        return
    with psycopg.connect(host=entry["HOST"], user=entry["USER"], dbname="postgres", autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(autouse=True)
def _fresh_caches(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "django_db_setup" in request.fixturenames:
        from shugu.kernel import clock, rulebook
        from shugu.web import rates

        rulebook.forget()
        clock.forget()
        rates.BUCKETS.forget()


@pytest.fixture(autouse=True)
def _own_log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log folder a test: the database rolls back, and a public checkpoint must never run ahead of it."""
    if "django_db_setup" in request.fixturenames:
        from shugu.evidence import tile_files

        folder = request.getfixturevalue("tmp_path") / "log"
        folder.mkdir()
        monkeypatch.setattr(tile_files, "root", lambda: folder)


@pytest.fixture()
def now() -> datetime:
    """A working Monday morning in Shanghai: 2026-03-02 10:00."""
    return datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture()
def world(db: None, now: datetime) -> World:
    """The cast of tests/world.py on the morning of `now`, made through real services (once a process, then laid again)."""
    from tests import snapshot

    return snapshot.world(now)
