"""A demonstration started again at another port."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector import home as connectors
from shugu.demo import stage
from shugu.formats.suites import Keyring, generate
from shugu.kernel import runtime
from shugu.kernel.home import Home, HomeConfig


def test_the_demonstrations_connector_follows_the_venue_to_another_port(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Home(tmp_path, 8000).write_config(HomeConfig(mode="demo"))
    pinned = Keyring((generate("intl", "venue.example").verify_key,)).text()
    connectors.create(tmp_path / "connector", "http://127.0.0.1:8000", pinned, name=stage.CONNECTOR_NAME, suite="intl")
    for port, changed in ((8000, False), (8100, True), (8100, False)):
        home = Home(tmp_path, port)
        monkeypatch.setattr(runtime, "home", lambda home=home: home)
        assert stage.point_connector() is changed
        assert connectors.load(tmp_path / "connector").receipts_url == f"http://127.0.0.1:{port}/api/connectors/receipts"
