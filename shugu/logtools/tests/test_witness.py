from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shugu.formats import checkpoint as checkpoints
from shugu.formats.cosignature import parse_cosignatures, verify_cosignature
from shugu.formats.note import parse_note
from shugu.formats.suites import Keyring, new_keys
from shugu.formats.witnessing import SIZE_TYPE, origin_id
from shugu.logtools.cli import main
from shugu.logtools.errors import FolderUnusable
from shugu.logtools.tests.small_log import SmallLog, numbered, running
from shugu.logtools.witness import FolderLedger, add_checkpoint
from shugu.logtools.witness_server import Server

ORIGIN = "log.example/a"
KEYS = new_keys("sm", ORIGIN)
NOW = 1_790_000_000


@pytest.fixture()
def log(tmp_path: Path) -> SmallLog:
    return SmallLog(tmp_path / "log", KEYS, numbered(700))


@pytest.fixture()
def ledger(tmp_path: Path, log: SmallLog) -> FolderLedger:
    made = FolderLedger.found(tmp_path / "witness", "w.example")
    made.add(log.pinned)
    return made


def ask(ledger: FolderLedger, body: bytes) -> tuple[int, bytes]:
    answer = add_checkpoint(body, ledger, ledger.key, NOW)
    return answer.status, answer.body


def seen(ledger: FolderLedger) -> int:
    with ledger.hold(ORIGIN) as line:
        assert line is not None
        return line.seen.size


def test_growth_is_cosigned_and_kept_before_the_answer(ledger: FolderLedger, log: SmallLog) -> None:
    for old, size in ((0, 300), (300, 300), (300, 700)):
        status, body = ask(ledger, log.submission(old, size))
        assert status == 200
        (line,) = parse_cosignatures(body)
        assert verify_cosignature(parse_note(log.note(size)).text, line, ledger.key.verify_key) == NOW
        assert seen(FolderLedger(ledger.home)) == size  # as a process that starts now reads it
        note = ledger.latest(origin_id(ORIGIN))
        pinned = Keyring((*log.pinned.keys, ledger.key.verify_key))
        assert note is not None
        assert checkpoints.verify_strict(note, pinned).size == size


def test_every_refusal_has_its_status_and_changes_nothing(ledger: FolderLedger, log: SmallLog, tmp_path: Path) -> None:
    assert ask(ledger, log.submission(0, 300))[0] == 200
    other = SmallLog(tmp_path / "other", new_keys("intl", "log.example/b"), numbered(3))
    stranger = SmallLog(tmp_path / "s", new_keys("intl", ORIGIN), numbered(700))
    fork = SmallLog(tmp_path / "f", KEYS, numbered(700, "x"))
    cases = [
        (b"", 400),
        (log.submission(701, 700), 400),
        (other.submission(0), 404),
        (stranger.submission(300), 403),
        (log.submission(0, 700), 409),
        (log.submission(200, 700), 409),
        (fork.submission(300, 300), 422),
        (fork.submission(300, 700), 422),
    ]
    for body, status in cases:
        assert ask(ledger, body)[0] == status
        assert seen(ledger) == 300
    answer = add_checkpoint(log.submission(0, 700), ledger, ledger.key, NOW)
    assert (answer.body, answer.media_type) == (b"300\n", SIZE_TYPE)


def test_a_fork_is_kept_once_with_both_notes(ledger: FolderLedger, log: SmallLog, tmp_path: Path) -> None:
    assert ask(ledger, log.submission(0, 300))[0] == 200
    fork = SmallLog(tmp_path / "f", KEYS, numbered(700, "x"))
    for body in (
        fork.submission(300, 300),
        fork.submission(0, 300),
        fork.submission(300, 700),
        fork.submission(300, 700),
    ):
        assert ask(ledger, body)[0] in (409, 422)
    alarms = sorted((ledger.folder(ORIGIN) / "alarms").iterdir())
    assert [a.name.partition("-")[0] for a in alarms] == ["fork", "unproven"]
    assert {(alarms[0] / "first").exists(), (alarms[0] / "second").exists()} == {True}
    assert [(origin, line.seen.size, count) for origin, line, count in ledger.lines()] == [(ORIGIN, 300, 2)]


def test_a_replayed_proof_moves_nothing(ledger: FolderLedger, log: SmallLog) -> None:
    first, second = log.submission(0, 300), log.submission(300, 700)
    assert [ask(ledger, b)[0] for b in (first, second)] == [200, 200]
    assert [ask(ledger, b)[0] for b in (first, second)] == [409, 409]
    assert seen(ledger) == 700


def test_of_many_at_once_with_one_old_size_exactly_one_wins(ledger: FolderLedger, log: SmallLog) -> None:
    assert ask(ledger, log.submission(0, 300))[0] == 200
    bodies = [log.submission(300, size) for size in range(301, 317)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda b: ask(FolderLedger(ledger.home), b)[0], bodies))
    assert sorted(statuses) == [200] + [409] * 15
    assert seen(ledger) == 301 + statuses.index(200)


def test_a_log_taken_up_again_cannot_be_turned_back(ledger: FolderLedger, log: SmallLog) -> None:
    assert ask(ledger, log.submission(0, 700))[0] == 200
    assert ledger.remove(ORIGIN)
    assert ask(ledger, log.submission(700, 700))[0] == 404
    assert not ledger.remove(ORIGIN)
    ledger.add(log.pinned)
    assert ask(ledger, log.submission(0, 300))[0] == 409


def test_the_process_serves_what_the_specification_says(ledger: FolderLedger, log: SmallLog) -> None:
    with running(Server(("127.0.0.1", 0), ledger)) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)

        def call(method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()

        monitoring = f"/{origin_id(ORIGIN)}/checkpoint"
        assert call("GET", monitoring)[0] == 404
        assert call("POST", "/add-checkpoint", log.submission(0, 300))[0] == 200
        assert call("POST", "/add-checkpoint", log.submission(0, 700)) == (409, SIZE_TYPE, b"300\n")
        assert call("POST", "/add-checkpoint", log.submission(300, 700))[0] == 200
        assert b"\n700\n" in call("GET", monitoring)[2]
        assert call("GET", "/witness.vkey")[2].decode() == ledger.key.verify_key.vkey() + "\n"
        assert call("GET", "/../../witness.pem")[0] == 404
        assert call("POST", "/elsewhere", b"x")[0] == 404
        assert call("POST", "/add-checkpoint", b"x" * 70_000)[0] == 413
        connection.close()


def test_the_command_founds_and_lists(tmp_path: Path, log: SmallLog, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "w")]
    assert main("witness", ["list", *home]) == 2
    assert main("witness", ["init", *home, "--name", "w.example"]) == 0
    vkey = capsys.readouterr().out.strip()
    assert main("witness", ["init", *home, "--name", "w.example"]) == 2
    assert (tmp_path / "w/witness.vkey").read_text() == vkey + "\n"
    assert (tmp_path / "w/witness.pem").stat().st_mode & 0o777 == 0o600
    assert main("witness", ["add", *home, "--key", log.keys[0].verify_key.vkey()]) == 0
    assert main("witness", ["list", *home]) == 0
    assert capsys.readouterr().out.endswith(f"{ORIGIN}\t0\t0\t{log.keys[0].key_id}\n")
    assert main("witness", ["remove", *home, ORIGIN]) == 0
    with pytest.raises(FolderUnusable):
        FolderLedger(tmp_path / "w").add(Keyring((*log.pinned.keys, new_keys("intl", "b.example")[0].verify_key)))
