"""DATABASE_URL: the same venue over an external PostgreSQL, the oldest version that we promise when it is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.campaign.homes import ROOT, Venue

TESTS = ("shugu/kernel", "shugu/evidence", "shugu/settlement", "shugu/party")


def _programs() -> Path | None:
    """The oldest installed server's programs."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    supported = [p.parent for p in installed if int(p.parts[-3]) >= 15]
    on_path = shutil.which("postgres")
    return supported[0] if supported else Path(on_path).parent if on_path else None


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A throw-away cluster on a free port of this machine, run by a user without rights; its address."""
    programs = _programs()
    if programs is None:
        pytest.skip("NO POSTGRESQL SERVER IS INSTALLED HERE: DATABASE_URL WAS NOT TRIED (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="shugu-cluster-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *words: str) -> None:
        subprocess.run([programs / program, *words], check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)

    run("initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
    run("pg_ctl", "-w", "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", f"-p {port} -h 127.0.0.1 -k {folder}", "start")
    try:
        address = f"postgresql://postgres@127.0.0.1:{port}"
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE shugu")
        yield f"{address}/shugu"
    finally:
        run("pg_ctl", "-w", "-m", "fast", "-D", f"{folder}/data", "stop")
        shutil.rmtree(folder)


@pytest.mark.campaign
def test_the_first_trade_holds_over_an_external_postgresql(cluster: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "shugu.cli", "demo", "--out", str(tmp_path / "out")], cwd=ROOT,
        env=Venue(tmp_path / "home", cluster).environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-4000:]
    assert not (tmp_path / "home" / "demo" / "postgres").exists(), "the embedded server was started all the same"


@pytest.mark.campaign
def test_the_suites_of_the_core_pass_over_an_external_postgresql(cluster: str, tmp_path: Path) -> None:
    environment = Venue(tmp_path / "home", cluster).environment() | {"SHUGU_TEST_HOME": str(tmp_path / "test")}
    del environment["SHUGU_HOME"]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", *TESTS, "-q", "-p", "no:cacheprovider", "--create-db", "-m", "not campaign"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout[-6000:]
    assert not (tmp_path / "test" / "postgres").exists(), "the embedded server was started all the same"
