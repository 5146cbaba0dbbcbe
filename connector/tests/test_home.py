from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector import home as homes
from connector.__main__ import main
from connector.errors import HomeNotReady
from shugu.formats.suites import Keyring, generate


def _made(folder: Path) -> Path:
    pinned = Keyring((generate("intl", "venue.example").verify_key,))
    homes.create(folder, "http://127.0.0.1:8000", pinned.text(), name="plane", suite="intl")
    return folder


def test_a_connector_pointed_at_a_moved_exchange_posts_its_receipts_there_with_its_old_keys(tmp_path: Path) -> None:
    folder = _made(tmp_path / "plane")
    before = homes.load(folder)
    assert before.receipts_url == "http://127.0.0.1:8000/api/connectors/receipts"
    assert homes.point_at(folder, "http://127.0.0.1:8100/")
    after = homes.load(folder)
    assert (after.exchange_url, after.receipts_url) == (
        "http://127.0.0.1:8100", "http://127.0.0.1:8100/api/connectors/receipts"
    )  # fmt: skip
    assert after.keyring.text() == before.keyring.text() and after.exchange_keys.text() == before.exchange_keys.text()
    assert not homes.point_at(folder, "http://127.0.0.1:8100")


def test_the_command_line_points_a_connector_and_says_whether_anything_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _made(tmp_path / "plane")
    order = ["point", "--home", str(folder), "--exchange-url", "https://venue.example", "--receipts-url", "https://r.example/in"]
    assert [main(order), main(order)] == [0, 0]
    assert [json.loads(line)["changed"] for line in capsys.readouterr().out.splitlines()] == [True, False]
    assert homes.load(folder).receipts_url == "https://r.example/in"


def test_a_folder_that_is_no_connector_is_not_pointed(tmp_path: Path) -> None:
    with pytest.raises(HomeNotReady):
        homes.point_at(tmp_path, "http://127.0.0.1:8100")
    assert list(tmp_path.iterdir()) == []
