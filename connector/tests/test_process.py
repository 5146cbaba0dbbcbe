"""The connector as its own process on a real socket: killed, resumed, revoked mid-transfer, and its outbox."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from connector import home as homes
from connector import verify_meter
from connector.client import PullFailed, pull
from connector.meter import latest
from shugu.formats.delivery import Kind, NoticeAction, opened

from .world import PURPOSE, Clock, World

MEGA = 1 << 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """`python -m connector serve` as a child."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "connector", "serve", "--home", str(self.home), "--port", str(self.port)]
        root = Path(__file__).resolve().parents[2]
        self.child = subprocess.Popen(command, cwd=root)
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/health", trust_env=False)
                return
            time.sleep(0.05)
        raise AssertionError("the connector did not start")

    def kill(self) -> None:
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait(timeout=20)

    def post(self, path: str, document: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=document, trust_env=False)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Some 8 MiB of data, at the real time, because the process has its own clock."""
    return World(tmp_path, rows=400_000, clock=Clock(datetime.now(UTC)))  # noqa: TID251


@pytest.fixture
def live(world: World) -> Iterator[Process]:
    world.home.store.close()
    process = Process(world.path)
    now = world.clock()
    grant = world.signed(valid_from=now - timedelta(hours=1), valid_until=now + timedelta(days=1))
    assert process.post("/grants", grant).status_code == 201
    yield process
    if process.child.poll() is None:
        process.stop()


def take(url: str, headers: dict[str, str], part: Path, wanted: int) -> Iterator[None]:
    """Reads `wanted` bytes into `part`, yields with the connection open, then reads on until it breaks or ends."""
    with httpx.stream("GET", url, headers=headers, trust_env=False, timeout=20) as answer, part.open("wb") as out:
        assert answer.status_code == 200
        chunks = answer.iter_raw(1 << 16)
        while out.tell() < wanted:
            out.write(next(chunks))
        yield
        with contextlib.suppress(httpx.TransportError):
            for chunk in chunks:
                out.write(chunk)


def test_a_connector_killed_mid_transfer_resumes_without_loss_or_double_billing(world: World, live: Process) -> None:
    dest = world.root / "got.parquet"
    part = world.root / "got.parquet.part"
    url = f"{live.url}/data/G1/numbers.parquet"
    transfer = take(url, world.headers(), part, MEGA)
    next(transfer)
    live.kill()
    with contextlib.suppress(StopIteration):
        next(transfer)
    have = part.stat().st_size
    assert MEGA <= have < world.product.size
    live.start()
    pulled = pull(url, world.token(), dest, purpose=PURPOSE)
    assert (pulled.sha256, pulled.size) == (world.product.sha256, world.product.size)
    assert dest.read_bytes() == world.file.read_bytes()
    live.stop()
    assert verify_meter(world.path) == []
    home = homes.load(world.path)
    found = latest(home.store, "G1", "numbers.parquet", world.product.sha256)
    home.store.close()
    assert found is not None and found.number == 1
    assert found.billable == world.product.size
    assert found.sent >= world.product.size
    # What the dead process had reserved covers at least what the buyer holds from it.
    assert found.resent <= 9 * MEGA
    _, said = opened(pulled.receipt, Kind.RECEIPT, world.home.keyring)
    assert said["billable_bytes"] == world.product.size
    assert said["sent_bytes"] == found.sent


def test_the_meter_of_a_killed_connector_never_counts_less_than_arrived(world: World, live: Process) -> None:
    part = world.root / "x.part"
    transfer = take(f"{live.url}/data/G1/numbers.parquet", world.headers(), part, 2 * MEGA)
    next(transfer)
    live.kill()
    with contextlib.suppress(StopIteration):
        next(transfer)
    home = homes.load(world.path)
    found = latest(home.store, "G1", "numbers.parquet", world.product.sha256)
    home.store.close()
    assert found is not None and found.completed_at is None
    assert found.sent >= part.stat().st_size
    assert found.reserved[0][0] == 0 and found.reserved[0][1] >= part.stat().st_size
    assert verify_meter(world.path) == []


def test_a_grant_revoked_mid_transfer_stops_the_bytes(world: World, live: Process) -> None:
    part = world.root / "x.part"
    url = f"{live.url}/data/G1/numbers.parquet"
    transfer = take(url, world.headers(), part, 1 << 16)
    next(transfer)
    assert live.post("/grants/G1/notices", world.notice(NoticeAction.REVOKE, 1)).status_code == 200
    with contextlib.suppress(StopIteration):
        next(transfer)
    assert part.stat().st_size < world.product.size
    with pytest.raises(PullFailed) as refused:
        pull(url, world.token(), world.root / "y", purpose=PURPOSE)
    assert refused.value.answer["code"] == "grant-not-live"


def test_a_buyer_who_leaves_stops_the_meter(world: World, live: Process) -> None:
    url = f"{live.url}/data/G1/numbers.parquet"
    with httpx.stream("GET", url, headers=world.headers(), trust_env=False) as answer:
        next(answer.iter_raw(1 << 10))
    time.sleep(0.5)
    live.stop()
    home = homes.load(world.path)
    found = latest(home.store, "G1", "numbers.parquet", world.product.sha256)
    home.store.close()
    assert found is not None and found.completed_at is None and found.sent < world.product.size


def test_pulling_twice_gives_two_deliveries_and_a_wrong_purpose_none(world: World, live: Process) -> None:
    url = f"{live.url}/data/G1/numbers.parquet"
    seen: list[int] = []
    first = pull(url, world.token(), world.root / "a", purpose=PURPOSE, progress=lambda done, size: seen.append(done))
    second = pull(url, world.token(), world.root / "b", purpose=PURPOSE)
    receipts = [p.receipt["credentialSubject"]["receipt"] for p in (first, second)]
    assert receipts == ["G1.1", "G1.2"]
    assert seen == sorted(seen) and seen[-1] == world.product.size
    with pytest.raises(PullFailed) as refused:
        pull(url, world.token(), world.root / "c", purpose="advertising")
    assert (refused.value.http_status, refused.value.answer["code"]) == (403, "wrong-purpose")


class Exchange(http.server.BaseHTTPRequestHandler):
    """Refuses the first receipt it is given, takes the rest."""

    taken: ClassVar[list[dict[str, Any]]] = []
    asked: ClassVar[int] = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Exchange.asked += 1
        if Exchange.asked > 1:
            Exchange.taken.append(body)
        self.send_response(201 if Exchange.asked > 1 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent in tests."""


def test_a_receipt_reaches_the_exchange_after_a_failure(world: World, tmp_path: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = json.loads((world.path / homes.CONFIG).read_text())
    config["receipts_url"] = f"http://127.0.0.1:{server.server_address[1]}/receipts"
    (world.path / homes.CONFIG).write_text(json.dumps(config))
    world.home.store.close()
    process = Process(world.path)
    now = world.clock()
    grant = world.signed(valid_from=now - timedelta(hours=1), valid_until=now + timedelta(days=1))
    process.post("/grants", grant)
    pulled = pull(f"{process.url}/data/G1/numbers.parquet", world.token(), tmp_path / "a", purpose=PURPOSE)
    deadline = time.monotonic() + 15
    while not Exchange.taken and time.monotonic() < deadline:
        time.sleep(0.1)
    process.stop()
    server.shutdown()
    server.server_close()
    assert Exchange.taken == [pulled.receipt]
    assert Exchange.asked >= 2


def test_the_command_line_makes_a_home_adds_a_product_and_audits(world: World, tmp_path: Path) -> None:
    keys = tmp_path / "venue.vkey"
    keys.write_text(world.home.exchange_keys.text())
    words = tmp_path / "dictionary.json"
    words.write_text(json.dumps(world.product.dictionary.as_dict()))
    home = tmp_path / "second"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "connector", *arguments, "--home", str(home)]
        return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])

    made = run("init", "--exchange-url", "http://127.0.0.1:9", "--exchange-keys", str(keys))
    assert made.returncode == 0, made.stderr
    assert (home / "key.intl.pem").stat().st_mode & 0o077 == 0
    assert run("init", "--exchange-url", "http://127.0.0.1:9", "--exchange-keys", str(keys)).returncode == 1
    added = run("add-product", "--product", "P7", "--file", str(world.file), "--dictionary", str(words))
    assert json.loads(added.stdout)["sha256"] == world.product.sha256
    assert json.loads(run("verify-meter").stdout) == {"ok": True, "problems": []}
