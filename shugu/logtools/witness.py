"""A witness: it cosigns a log's checkpoint only if that extends the last one it cosigned (C2SP tlog-witness).

`add_checkpoint` is the protocol over a `Ledger`, which keeps one line a log. `FolderLedger` keeps it in files, for the small
witness of a regulator (`shugu witness serve`); a venue keeps it in its database (shugu.evidence.witnessed).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from shugu.formats.checkpoint import parse_any
from shugu.formats.cosignature import cosign, new_witness_key, witness_key_from_pem
from shugu.formats.errors import ShuguError
from shugu.formats.note import add_signatures, parse_note
from shugu.formats.suites import Keyring, SigningKey, keyring
from shugu.formats.witnessing import (
    SIZE_TYPE,
    NotAnExtension,
    OldSizeDiffers,
    Seen,
    UnknownLog,
    judge,
    origin_id,
    parse_submission,
)
from shugu.logtools import durable, following
from shugu.logtools.errors import FolderUnusable

TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What the witness answers over HTTP."""

    status: int
    body: bytes
    media_type: str = TEXT


class Line(Protocol):
    """One witnessed log, held by this caller alone until the block ends."""

    @property
    def keys(self) -> Keyring: ...
    @property
    def seen(self) -> Seen: ...
    @property
    def note(self) -> bytes:
        """The latest note cosigned; empty before the first."""

    def advance(self, seen: Seen, note: bytes) -> None:
        """Keeps the cosigned note, durable before this returns."""

    def accuse(self, note: bytes, error: NotAnExtension | OldSizeDiffers) -> None:
        """Keeps a signed checkpoint that does not extend what was seen."""


class Ledger(Protocol):
    def hold(self, origin: str) -> AbstractContextManager[Line | None]:
        """The log's line under a lock that no other process passes; None for a log that is not witnessed."""


def add_checkpoint(body: bytes, ledger: Ledger, key: SigningKey, time: int) -> Answer:
    """The answer to `POST …/add-checkpoint` at a Unix time. The new state is durable before the cosignature leaves; of two
    callers with one old size exactly one is answered 200. Errors: OSError of the ledger."""
    try:
        submission = parse_submission(body)
        with ledger.hold(submission.origin) as line:
            if line is None:
                raise UnknownLog(origin=submission.origin)
            try:
                found = judge(submission, line.keys, line.seen)
            except (NotAnExtension, OldSizeDiffers) as error:
                if isinstance(error, NotAnExtension) or error.forked:
                    line.accuse(submission.note, error)
                raise
            signature = cosign(parse_note(submission.note).text, key, time)
            line.advance(
                Seen(found.size, found.root), add_signatures(own_lines(submission.note, line.keys), [signature])
            )
            return Answer(200, signature.line().encode())
    except OldSizeDiffers as error:
        return Answer(409, f"{error.size}\n".encode(), SIZE_TYPE)
    except ShuguError as error:
        return Answer(error.status, f"{error.message('en')}\n{error.message('zh')}\n".encode())


def own_lines(note: bytes, keys: Keyring) -> bytes:
    """The note with the lines of these keys alone: what a caller added beside them is not kept."""
    parsed = parse_note(note)
    kept = tuple(s for s in parsed.signatures if keys.find(s.name, s.id_bytes))
    return type(parsed)(parsed.text, kept).encode()


@dataclass
class _FolderLine:
    """`pins`: what the operator pinned; `keys`: those in force by the history that was followed."""

    folder: Path
    pins: Keyring

    @property
    def history(self) -> bytes:
        file = self.folder / "keys.json"
        return file.read_bytes() if file.exists() else b""

    @property
    def keys(self) -> Keyring:
        return following.live(self.pins, self.history)

    @property
    def site(self) -> str:
        file = self.folder / "site"
        return file.read_text("utf-8").strip() if file.exists() else ""

    @property
    def note(self) -> bytes:
        file = self.folder / "latest"
        return file.read_bytes() if file.exists() else b""

    @property
    def seen(self) -> Seen:
        if not self.note:
            return Seen()
        point = parse_any(parse_note(self.note).text)
        return Seen(point.size, point.root)

    def advance(self, seen: Seen, note: bytes) -> None:
        durable.write(self.folder / "latest", note)

    def accuse(self, note: bytes, error: NotAnExtension | OldSizeDiffers) -> None:
        # One folder for each contradicting checkpoint: the same one again adds nothing.
        proven = isinstance(error, OldSizeDiffers) or error.proven
        name = f"{'fork' if proven else 'unproven'}-{sha256(parse_note(note).text.encode()).hexdigest()[:16]}"
        kept = self.folder / "alarms" / name
        if not kept.exists() and len(list((self.folder / "alarms").glob("*"))) < MAX_ALARMS:
            durable.write(kept / "first", self.note)
            durable.write(kept / "second", note)


MAX_ALARMS: Final = 1_000  # a log: whoever replays its checkpoints with wrong proofs must not fill the disk


class FolderLedger:
    """A witness's home: `name`, `witness.pem`, `witness.vkey`, and `logs/<sha256 of origin>/` with `log.vkey`, `site`,
    `keys.json` (the key history followed), `latest`, `alarms/`. Errors: FolderUnusable when it has not been set up."""

    def __init__(self, home: Path) -> None:
        self.home = home
        try:
            self.key = witness_key_from_pem(
                (home / "name").read_text("utf-8").strip(), (home / "witness.pem").read_bytes()
            )
        except OSError as error:
            raise FolderUnusable(path=str(home), why=("尚未建立见证人", "no witness has been founded there")) from error

    @classmethod
    def found(cls, home: Path, name: str) -> FolderLedger:
        """Makes the witness's key, once. Errors: FolderUnusable when there is one, BadKey for the name."""
        key = new_witness_key(name)
        try:
            home.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(home / "witness.pem", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except OSError as error:
            raise FolderUnusable(path=str(home), why=str(error)) from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.to_pem())
            file.flush()
            os.fsync(file.fileno())
        durable.write(home / "name", f"{name}\n".encode())
        durable.write(home / "witness.vkey", f"{key.verify_key.vkey()}\n".encode())
        return cls(home)

    def folder(self, origin: str) -> Path:
        return self.home / "logs" / origin_id(origin)

    def add(self, keys: Keyring, site: str = "") -> str:
        """Witness the log whose keys these are; its origin. What was seen of a log stays when its keys change. At `site` its
        key history is asked for. Errors: FolderUnusable when the keys are of several names."""
        names = {k.name for k in keys.keys if "intl" in keys.suites_of(k.name)}
        if len(names) != 1:
            raise FolderUnusable(path=str(self.home), why=("公钥须属同一日志", "the keys must be of one log"))
        origin = names.pop()
        durable.write(self.folder(origin) / "site", f"{site}\n".encode())
        durable.write(self.folder(origin) / "log.vkey", keys.text().encode())
        return origin

    def follow(self, fetch: Callable[[str], bytes] = following.fetch) -> dict[str, str]:
        """Ask the site of every log for its key history and keep what is new; {origin: what hindered it, "" for nothing}."""
        return {origin: self._follow(line, fetch) for origin, line, _ in self.lines() if line.site}

    def _follow(self, line: _FolderLine, fetch: Callable[[str], bytes]) -> str:
        try:
            content = fetch(line.site)  # outside the lock: a slow site keeps no checkpoint waiting
            with (line.folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if content != line.history:
                    following.accept(line.pins, line.history, content)
                    durable.write(line.folder / "keys.json", content)
        except ShuguError as error:
            return error.message("en")
        return ""

    def remove(self, origin: str) -> bool:
        """Stop witnessing; what was seen stays, so that taking the log up again cannot be used to turn it back."""
        file = self.folder(origin) / "log.vkey"
        if not file.exists():
            return False
        file.unlink()
        durable.sync_folder(file.parent)
        return True

    def lines(self) -> Iterator[tuple[str, _FolderLine, int]]:
        """(origin, line, number of alarms) of every witnessed log."""
        for file in sorted((self.home / "logs").glob("*/log.vkey")):
            keys = keyring(file.read_text("utf-8"))
            yield keys.keys[0].name, _FolderLine(file.parent, keys), len(list((file.parent / "alarms").glob("*")))

    def latest(self, log: str) -> bytes | None:
        """The latest cosigned note of a log by the SHA-256 of its origin in hexadecimal; None for one that is not witnessed."""
        folder = self.home / "logs" / log
        whole = len(log) == 64 and set(log) <= set("0123456789abcdef")
        return folder.joinpath("latest").read_bytes() if whole and (folder / "latest").exists() else None

    @contextmanager
    def hold(self, origin: str) -> Iterator[Line | None]:
        folder = self.folder(origin)
        if not (folder / "log.vkey").exists():
            yield None
            return
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, however that comes about
            yield _FolderLine(folder, keyring((folder / "log.vkey").read_text("utf-8")))
