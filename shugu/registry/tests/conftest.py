from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shugu.kernel import rulebook, runtime, signer
from shugu.kernel.home import Home, HomeConfig
from tests.world import World


@pytest.fixture()
def shenzhen(db: None, now: datetime, tmp_path: Path, settings: Any) -> Iterator[World]:
    """The same cast at a venue whose profile is `shenzhen`: another home, nothing else changed."""
    yield from _at("shenzhen", now, tmp_path, settings)


@pytest.fixture()
def atlas(db: None, now: datetime, tmp_path: Path, settings: Any) -> Iterator[World]:
    """The same cast at the venue that keeps a register under every regime."""
    yield from _at("atlas", now, tmp_path, settings)


def _at(venue: str, now: datetime, tmp_path: Path, settings: Any) -> Iterator[World]:
    home = Home(path=tmp_path, port=8000)
    home.write_config(HomeConfig(venue=venue))
    settings.HOME = home
    _forget()
    yield World.begin(now)
    settings.HOME = Home.from_environment()
    _forget()


def _forget() -> None:
    runtime.forget()
    rulebook.forget()
    signer.forget()
