"""Public Go implementations of the log formats against ours, both ways: torchwood and sumdb read our log, Tessera's is
audited and monitored by us, transparency-dev's witness cosigns ours and its client is answered by ours.

Go is needed for these tests only; without it they are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shugu.evidence.witness_client import Question, ask
from shugu.formats.canonical import b64
from shugu.formats.merkle import consistency_proof
from shugu.formats.note import add_signatures
from shugu.formats.quorum import Witness
from shugu.formats.suites import keyring, new_keys, parse_witness_vkey
from shugu.formats.tiles import hash_reader
from shugu.logtools.audit import audit
from shugu.logtools.monitor import Monitor, Wishes
from shugu.logtools.sources import Folder
from shugu.logtools.tests.small_log import SmallLog, numbered, running, served
from shugu.logtools.witness import FolderLedger
from shugu.logtools.witness_server import Server

SOURCE = Path(__file__).parent / "go"
ORIGIN = "log.example/outside"


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program. Skipped where there is no Go, or its modules cannot be had."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("NOT TESTED: outside Go clients of the log (there is no go on this machine)")
    target = tmp_path_factory.mktemp("go") / "outside"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(target), "."], cwd=SOURCE, capture_output=True, text=True, timeout=300,
        check=False, env={**os.environ, "GOFLAGS": "-buildvcs=false"},
    )  # fmt: skip
    if built.returncode and "dial tcp" in built.stderr:
        pytest.skip("NOT TESTED: outside Go clients of the log (their modules cannot be fetched)")
    assert built.returncode == 0, built.stderr
    return target


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def their_witness(program: Path, log_key: str) -> Iterator[Witness]:
    command = [str(program), "witness", "127.0.0.1:0", log_key, "their.example/w"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        vkey, url = process.stdout.readline().split()
        try:
            yield Witness("theirs", parse_witness_vkey(vkey), url)
        finally:
            process.terminate()


@pytest.mark.parametrize("size", [1, 256, 700, 66_000])
def test_an_outside_client_reads_our_log_unchanged(outside: Path, tmp_path: Path, size: int) -> None:
    log = SmallLog(tmp_path / "log", new_keys("sm", ORIGIN), numbered(size))
    ledger = FolderLedger.found(tmp_path / "w", "w.example/1")
    log.publish(ledger.key, at=1_790_000_000)
    keys = [log.keys[0].verify_key.vkey(), ledger.key.verify_key.vkey()]
    found = run(outside, "read", str(log.folder), *keys)
    assert (found.returncode, found.stdout) == (0, f"{ORIGIN} {size}\n"), found.stderr
    if size == 700:
        with served(log.folder) as url:
            assert run(outside, "read", url, *keys).stdout == f"{ORIGIN} {size}\n"
        log.publish()
        assert "only 2/3 policy components" in run(outside, "read", str(log.folder), *keys).stderr
        bundle = log.folder / "tile/entries/001"
        bundle.write_bytes(bundle.read_bytes().replace(b"300", b"301"))
        assert run(outside, "read", str(log.folder), keys[0]).returncode == 1


def test_we_audit_and_monitor_a_log_written_by_tessera(outside: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tessera"
    made = run(outside, "write", str(folder), "600", "tessera.example/log")
    assert made.returncode == 0, made.stderr
    keys = keyring(made.stdout)
    (folder / ".state").rename(tmp_path / "state-of-tessera")
    report = audit(Folder(str(folder)), keys)
    assert (report.faults, report.entries) == ([], 600)
    watch = Monitor(Folder(str(folder)), keys, tmp_path / "m", Wishes(watch={"00" * 32: "nothing"}))
    assert watch.look(1).alarms == ()
    for path in ("tile/entries/001", "tile/0/000", "checkpoint"):
        file = folder / path
        good = file.read_bytes()
        at = len(good) // 2
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert not audit(Folder(str(folder)), keys).ok, path
        fresh = Monitor(Folder(str(folder)), keys, tmp_path / path.replace("/", "-"), Wishes(watch={"00" * 32: "nothing"}))
        if path != "tile/0/000":  # entries and checkpoint are what a first look reads
            assert fresh.look(1).alarms, path
        file.write_bytes(good)
    assert audit(Folder(str(folder)), keys).ok


def test_their_witness_cosigns_our_checkpoints(outside: Path, tmp_path: Path) -> None:
    log = SmallLog(tmp_path / "log", new_keys("sm", ORIGIN), numbered(700))
    read = hash_reader(log.read, 700)
    with their_witness(outside, log.keys[0].verify_key.vkey()) as theirs:
        for size in (300, 700):
            question = Question(log.note(size), size, lambda old, size=size: consistency_proof(old, size, read), lambda w: 0)
            (answer,) = ask(question, [theirs], lambda answers: False, 5)
            assert answer.line is not None, answer.trouble
            signed = add_signatures(log.note(size), [answer.line])
        fork = SmallLog(tmp_path / "fork", log.keys, numbered(700, "x"))
        (refused,) = ask(Question(fork.note(), 700, lambda old: (), lambda w: 700), [theirs], lambda answers: False, 5)
        assert refused.trouble == "not-an-extension"
        (log.folder / "checkpoint").write_bytes(signed)
        found = run(outside, "read", str(log.folder), log.keys[0].verify_key.vkey(), theirs.key.vkey())
        assert found.stdout == f"{ORIGIN} 700\n", found.stderr


def test_our_witness_answers_their_client(outside: Path, tmp_path: Path) -> None:
    log = SmallLog(tmp_path / "log", new_keys("intl", ORIGIN), numbered(700))
    read = hash_reader(log.read, 700)
    ledger = FolderLedger.found(tmp_path / "w", "w.example/1")
    ledger.add(log.pinned)
    vkey = ledger.key.verify_key.vkey()
    (tmp_path / "300").write_bytes(log.note(300))
    (tmp_path / "700").write_bytes(log.note(700))
    proof = [b64(h) for h in consistency_proof(300, 700, read)]
    with running(Server(("127.0.0.1", 0), ledger)) as url:
        asked = [
            ("cosigned 1\n", ["300", "0", vkey]),
            ("stale 300\n", ["700", "0", vkey]),
            ("refused", ["700", "300", vkey, *proof[:-1]]),
            ("cosigned 1\n", ["700", "300", vkey, *proof]),
            ("stale 700\n", ["300", "300", vkey]),
        ]
        for expected, (name, *rest) in asked:
            assert run(outside, "feed", url, str(tmp_path / name), *rest).stdout.startswith(expected)
