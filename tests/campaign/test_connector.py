"""The connector dies in the middle of transfers, again and again: the meter never counts less than has arrived, and what
is billed is the file, once."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from connector import home as homes
from connector import verify_meter
from connector.client import pull
from connector.meter import latest
from connector.tests.test_process import Process
from connector.tests.world import PURPOSE, Clock, World
from shugu.formats.delivery import Kind, opened


def _attempt(url: str, headers: dict[str, str], part: Path) -> None:
    """Go on with the file where it stands, until the connection breaks or the file is whole."""
    have = part.stat().st_size if part.exists() else 0
    asked = headers | ({"Range": f"bytes={have}-"} if have else {})
    with (
        contextlib.suppress(httpx.TransportError),
        part.open("ab") as out,
        httpx.stream("GET", url, headers=asked, trust_env=False, timeout=20) as answer,
    ):
        if answer.status_code in (200, 206):
            for chunk in answer.iter_raw(1 << 14):
                out.write(chunk)
                out.flush()


def _counted(world: World, arrived: int) -> None:
    """The meter over a dead connector's home: whole, and not below what is in the buyer's hands."""
    assert verify_meter(world.path) == []
    home = homes.load(world.path)
    found = latest(home.store, "G1", "numbers.parquet", world.product.sha256)
    home.store.close()
    assert found is not None or arrived == 0
    if found is not None:
        assert found.number == 1 and found.billable <= world.product.size
        assert found.sent >= arrived and found.billable >= arrived


def _campaign(root: Path, seed: int, rounds: int) -> None:
    dice = random.Random(seed)
    world = World(root, rows=600_000, clock=Clock(datetime.now(UTC)))  # noqa: TID251
    world.home.store.close()
    process = Process(world.path)
    now = world.clock()
    grant = world.signed(valid_from=now - timedelta(hours=1), valid_until=now + timedelta(days=1))
    assert process.post("/grants", grant).status_code == 201
    url, part = f"{process.url}/data/G1/numbers.parquet", root / "got.parquet.part"
    for _ in range(rounds):
        buyer = threading.Thread(target=_attempt, args=(url, world.headers(), part))
        buyer.start()
        time.sleep(dice.uniform(0.0, 0.08))
        process.kill()
        buyer.join()
        _counted(world, part.stat().st_size if part.exists() else 0)
        process.start()
    pulled = pull(url, world.token(), root / "got.parquet", purpose=PURPOSE)
    assert (root / "got.parquet").read_bytes() == world.file.read_bytes()
    process.stop()
    _counted(world, world.product.size)
    _, said = opened(pulled.receipt, Kind.RECEIPT, world.home.keyring)
    assert (said["receipt"], said["billable_bytes"]) == ("G1.1", world.product.size)


def test_a_connector_killed_a_few_times_bills_the_file_once(tmp_path: Path) -> None:
    _campaign(tmp_path, 31, 2)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [32, 33, 34])
def test_a_connector_killed_many_times_bills_the_file_once(tmp_path: Path, seed: int) -> None:
    _campaign(tmp_path, seed, 25)
