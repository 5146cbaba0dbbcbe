"""A witness follows a log's keys: rotation goes unnoticed, a loss costs a look at the history, a thief gains nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from shugu.formats.cosignature import parse_cosignatures, verify_cosignature
from shugu.formats.keyhistory import Kind, Line, Statement, replay, sign_line, write_history
from shugu.formats.merkle import leaf_hash, root_of_hashes
from shugu.formats.note import parse_note
from shugu.formats.suites import SigningKey, generate
from shugu.logtools.cli import main
from shugu.logtools.tests.small_log import SmallLog, numbered, running, served
from shugu.logtools.witness import FolderLedger, add_checkpoint
from shugu.logtools.witness_server import Server

ORIGIN = "log.example/keys"
AT = datetime(2026, 11, 29, tzinfo=UTC)


@dataclass
class Rotating:
    """A log whose keys change, with its key history; `spare` stays the same."""

    log: SmallLog
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._say(Kind.FOUNDED, *self.log.keys, by=self.log.keys)

    @property
    def history(self) -> bytes:
        return write_history(ORIGIN, self.lines)

    def announce(self) -> SigningKey:
        new = generate("intl", ORIGIN)
        self._say(Kind.ANNOUNCED, new, by=[*self.log.keys, new], reason="rotated")
        self.log.keys.append(new)
        return new

    def end(self, key: SigningKey, kind: Kind = Kind.RETIRED) -> None:
        self.log.keys.remove(key)
        root = root_of_hashes([leaf_hash(e) for e in self.log.entries])
        self._say(kind, key, by=self.log.keys, root=root)

    def _say(self, kind: Kind, *keys: SigningKey, by: list[SigningKey], reason: str = "", root: bytes = b"") -> None:
        state, size = replay(self.lines) if self.lines else None, len(self.log.entries) if self.lines else 0
        count, last = (state.count, state.last) if state else (0, "")
        said = Statement(count, ORIGIN, kind, tuple(k.verify_key for k in keys), AT, size, last, reason, root)
        self.lines.append(sign_line(said, by))

    def publish(self, site: Path) -> None:
        folder = site / ".well-known"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "venue-keys.json").write_bytes(self.history)


@pytest.fixture()
def rotating(tmp_path: Path) -> Rotating:
    return Rotating(SmallLog(tmp_path / "log", [generate("intl", ORIGIN)], numbered(5)))


@pytest.fixture()
def ledger(tmp_path: Path, rotating: Rotating) -> FolderLedger:
    made = FolderLedger.found(tmp_path / "w", "witness.example")
    made.add(rotating.log.pinned, "http://venue.example")
    return made


def sent(ledger: FolderLedger, body: bytes) -> int:
    return add_checkpoint(body, ledger, ledger.key, 1_790_000_000).status


@pytest.mark.parametrize("kind", [Kind.RETIRED, Kind.COMPROMISED])
def test_a_stolen_key_that_has_ended_moves_no_witness(ledger: FolderLedger, rotating: Rotating, kind: Kind) -> None:
    log, [old] = rotating.log, rotating.log.keys
    assert sent(ledger, log.submission(0)) == 200
    rotating.announce()
    assert sent(ledger, log.append(numbered(2, "b")).submission(5)) == 200, "while both keys sign, nothing is to be done"
    rotating.end(old, kind)
    body = log.append(numbered(2, "c")).submission(7)
    assert sent(ledger, body) == 403, "the pinned key alone does not know the new one"
    assert ledger.follow(lambda site: rotating.history) == {ORIGIN: ""}
    assert sent(ledger, body) == 200
    true, log.keys = log.keys, [old]
    thief = log.append(numbered(3, "of the thief")).submission(9)
    assert sent(ledger, thief) == 403, "it extends what was seen, and its key has ended"
    forged = Rotating.__new__(Rotating)
    forged.log, forged.lines = log, rotating.lines[:1]
    forged.announce()
    assert "does not go on" in ledger.follow(lambda site: forged.history)[ORIGIN]
    assert "does not go on" in ledger.follow(lambda site: write_history(ORIGIN, rotating.lines[:2]))[ORIGIN]
    log.keys = true
    assert sent(ledger, log.submission(9)) == 200
    [(_, line, alarms)] = ledger.lines()
    assert [k.key_id for k in line.keys.keys] == [true[0].verify_key.key_id] and alarms == 0


def test_others_histories_are_refused(ledger: FolderLedger, rotating: Rotating, tmp_path: Path) -> None:
    stranger = Rotating(SmallLog(tmp_path / "s", [generate("intl", ORIGIN)], numbered(1)))
    for content, told in ((stranger.history, "pinned"), (b"{}", ""), (rotating.history[:-40], "")):
        assert told in ledger.follow(lambda site, content=content: content)[ORIGIN] != ""  # type: ignore[misc]
    old = rotating.log.keys[0]
    rotating.announce()
    rotating.end(old)
    assert ledger.follow(lambda site: rotating.history) == {ORIGIN: ""}
    ledger.add(stranger.log.pinned, "http://venue.example")
    [(_, line, _)] = ledger.lines()
    assert line.keys == stranger.log.pinned, "what the operator pins against a history counts before it"
    assert ledger.follow(lambda site: stranger.history) == {ORIGIN: ""}


def test_the_small_witness_reads_the_history_at_the_site(
    rotating: Rotating, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, log = tmp_path / "small", rotating.log
    (tmp_path / "log.vkey").write_text(log.pinned.text(), "utf-8")
    with served(tmp_path / "site") as site:
        assert main("witness", ["init", "--name", "w.example", "--home", str(home)]) == 0
        add = ["add", "--key", str(tmp_path / "log.vkey"), "--site", site, "--home", str(home)]
        assert main("witness", add) == 0
        assert main("witness", ["follow", "--home", str(home)]) == 1, "nothing is published there yet"
        [old] = log.keys
        rotating.announce()
        rotating.end(old, Kind.COMPROMISED)
        rotating.publish(tmp_path / "site")
        ledger = FolderLedger(home)
        with running(Server(("127.0.0.1", 0), ledger)) as url:
            first = httpx.post(f"{url}/add-checkpoint", content=log.submission(0), trust_env=False)
            assert first.status_code == 403
            assert main("witness", ["follow", "--home", str(home)]) == 0
            answer = httpx.post(f"{url}/add-checkpoint", content=log.submission(0), trust_env=False)
        assert answer.status_code == 200
        [line] = parse_cosignatures(answer.content)
        verify_cosignature(parse_note(log.note()).text, line, ledger.key.verify_key)
    capsys.readouterr()
    main("witness", ["list", "--home", str(home)])
    assert log.keys[0].verify_key.key_id in capsys.readouterr().out
