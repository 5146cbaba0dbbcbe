from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shugu.kernel import rulebook, runtime, signer
from shugu.kernel.home import Home, HomeConfig
from tests.world import World


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where homes of other venues are, one a venue for the whole run: their casts are made once and laid again."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture()
def shenzhen(db: None, now: datetime, homes: Path, settings: Any) -> Iterator[World]:
    """The same cast at a venue whose profile is `shenzhen`: another home, nothing else changed."""
    yield from _at("shenzhen", now, homes, settings)


@pytest.fixture()
def atlas(db: None, now: datetime, homes: Path, settings: Any) -> Iterator[World]:
    """The same cast at the venue that keeps a register under every regime."""
    yield from _at("atlas", now, homes, settings)


def _at(venue: str, now: datetime, homes: Path, settings: Any) -> Iterator[World]:
    from tests import snapshot

    home = Home(path=homes / venue, port=8000)
    if not home.path.exists():
        home.path.mkdir()
        home.write_config(HomeConfig(venue=venue))
    settings.HOME = home
    forget()
    yield snapshot.world(now, venue)
    settings.HOME = Home.from_environment()
    forget()


def forget() -> None:
    runtime.forget()
    rulebook.forget()
    signer.forget()
