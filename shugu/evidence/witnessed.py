"""This venue as a witness of other venues' logs: the table of C2SP tlog-witness, and the operator's commands over it.

What is cosigned is no fact of ours (a fact would make a checkpoint that the other venue's witness, perhaps ourselves,
would have to cosign in turn): the row and the cosignature are the record. Adding or removing a log, and a checkpoint that
does not extend what was seen, are facts.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from shugu.evidence.errors import AlreadyWitnessed
from shugu.evidence.models import WitnessAlarm, WitnessedLog
from shugu.formats.checkpoint import parse_any
from shugu.formats.cosignature import new_witness_key, witness_key_from_pem
from shugu.formats.errors import FormatError
from shugu.formats.merkle import EMPTY_ROOT
from shugu.formats.note import parse_note
from shugu.formats.suites import Keyring, SigningKey, keyring
from shugu.formats.witnessing import NotAnExtension, NotByTheLog, OldSizeDiffers, Seen, origin_id
from shugu.kernel import journal, runtime, signer
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.logtools import following
from shugu.logtools.witness import Answer, add_checkpoint

for _name, _zh, _en in (
    ("witness.log_added", "开始见证日志", "witnessing of a log begun"),
    ("witness.log_removed", "停止见证日志", "witnessing of a log ended"),
    ("witness.fork_seen", "见证的日志出现矛盾", "a witnessed log contradicted itself"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class WitnessLog:
    """`vkeys`: the log's keys, one a line, all under its origin. `site`: where its key history is asked for, "" for nowhere (a
    peer's is followed all the same)."""

    vkeys: str
    site: str = ""


@dataclass(frozen=True)
class UnwitnessLog:
    origin: str


def witness_key() -> SigningKey:
    """The key this venue cosigns with, `<origin>/witness`, made on first use beside the venue's own. Errors: BadKey."""
    return _key(runtime.home().path)


@lru_cache(maxsize=4)
def _key(home: Path) -> SigningKey:
    name, file = f"{signer.origin()}/witness", runtime.home().folder("keys") / "witness.pem"
    password = runtime.home().secret("keys").encode()
    if not file.exists():
        _write_once(file, new_witness_key(name).to_pem(password))
    return witness_key_from_pem(name, file.read_bytes(), password)


def _write_once(file: Path, pem: bytes) -> None:
    """Named only when whole; where another process was first, its key is the key."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".witness.")
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(pem)
        handle.flush()
        os.fsync(handle.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, file)
    os.unlink(temporary)


@command("evidence.witness_log", ("见证日志", "witness a log"))
def witness_log(cmd: WitnessLog, *, actor: Actor, now: datetime) -> WitnessedLog:
    """Witness a log from now on, or with other keys; what was seen of it before stays the measure.
    Errors: Forbidden unless by the operator; InputInvalid; AlreadyWitnessed with these very keys."""
    _need_operator(actor)
    keys = _keys(cmd.vkeys)
    origin = keys.keys[0].name
    row = WitnessedLog.objects.select_for_update().filter(origin=origin).first()
    if row is None:
        row = WitnessedLog(origin=origin, log_id=origin_id(origin), root=EMPTY_ROOT)
    elif row.ended_at is None and (row.vkeys, row.site) == (keys.text(), cmd.site):
        raise AlreadyWitnessed(origin=origin)
    row.vkeys, row.site, row.asked_at, row.ended_at = keys.text(), _site(cmd.site), None, None
    row.save()
    _tell("witness.log_added", row, actor, now, keys=[k.key_id for k in keys.keys])
    return row


@command("evidence.unwitness_log", ("停止见证日志", "stop witnessing a log"))
def unwitness_log(cmd: UnwitnessLog, *, actor: Actor, now: datetime) -> WitnessedLog:
    """Errors: Forbidden unless by the operator; NotFound."""
    _need_operator(actor)
    row = WitnessedLog.objects.select_for_update().filter(origin=cmd.origin, ended_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("见证的日志", "witnessed log"))
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    _tell("witness.log_removed", row, actor, now, size=row.size)
    return row


def answer(body: bytes, now: datetime) -> Answer:
    """The answer to `POST /witness/add-checkpoint`; the new state is committed before it is given."""
    return add_checkpoint(body, Ledger(now), witness_key(), int(now.timestamp()))


def _need_operator(actor: Actor) -> None:
    if "operator" not in actor.seats:
        raise Forbidden()


def _keys(text: str) -> Keyring:
    try:
        keys = keyring(text)
        whole = len({k.name for k in keys.keys}) == 1 and "intl" in keys.suites_of(keys.keys[0].name)
    except FormatError as error:
        raise InputInvalid(fields="vkeys", field_errors={"vkeys": (error.message("zh"), error.message("en"))}) from error
    if not whole:
        problem = ("须为同一日志的公钥，其中有 Ed25519", "keys of one log are wanted, an Ed25519 key among them")
        raise InputInvalid(fields="vkeys", field_errors={"vkeys": problem})
    return keys


def _site(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or len(text) > 300):
        problem = ("须为 http(s) 网址", "an http(s) address is wanted")
        raise InputInvalid(fields="site", field_errors={"site": problem})
    return text.rstrip("/")


def _tell(name: str, row: WitnessedLog, actor: Actor, now: datetime, **data: Any) -> None:
    journal.record(
        name, subject=f"evidence.witnessed_log:{row.pk}", actor=actor, now=now, data={"origin": row.origin, **data}
    )


@dataclass
class _Line:
    row: WitnessedLog
    now: datetime

    @property
    def keys(self) -> Keyring:
        return following.live(keyring(self.row.vkeys), bytes(self.row.history))

    @property
    def seen(self) -> Seen:
        return Seen(self.row.size, bytes(self.row.root))

    @property
    def note(self) -> bytes:
        return bytes(self.row.note)

    def advance(self, seen: Seen, note: bytes) -> None:
        self.row.size, self.row.root, self.row.note, self.row.cosigned_at = seen.size, seen.root, note, self.now
        self.row.save(update_fields=["size", "root", "note", "cosigned_at"])

    def accuse(self, note: bytes, error: NotAnExtension | OldSizeDiffers) -> None:
        """Once for each checkpoint; of checkpoints that prove nothing one a log and day, since anybody can send them."""
        proven = isinstance(error, OldSizeDiffers) or error.proven
        point = parse_any(parse_note(note).text)
        known = WitnessAlarm.objects.filter(log=self.row, proven=proven)
        today = known.filter(raised_at__gt=self.now.replace(hour=0, minute=0, second=0, microsecond=0))
        if known.filter(size=point.size, root=point.root).exists() or (not proven and today.exists()):
            return
        WitnessAlarm.objects.create(
            log=self.row, size=point.size, root=point.root, first=self.row.note, second=note, proven=proven, raised_at=self.now
        )
        _tell(
            "witness.fork_seen", self.row, mandate("evidence", f"witness:{self.row.pk}"), self.now,
            size=point.size, seen=self.row.size, root=point.root.hex(), proven=proven,
        )  # fmt: skip


def ask_soon(row: WitnessedLog | None, wall: datetime) -> None:
    """Something came under a key that is not known here: the worker asks for the log's key history at once."""
    if row is not None and row.asked_at is not None and wall - row.asked_at > timedelta(seconds=following.PAUSE):
        row.asked_at = None
        row.save(update_fields=["asked_at"])


@dataclass(frozen=True)
class Ledger:
    """Witnessed logs in the database: the row's lock makes check and set one act, and committing it precedes the answer."""

    now: datetime

    @contextmanager
    def hold(self, origin: str) -> Iterator[_Line | None]:
        refused: NotAnExtension | OldSizeDiffers | NotByTheLog | None = None
        with transaction.atomic():
            row = WitnessedLog.objects.select_for_update().filter(origin=origin, ended_at__isnull=True).first()
            try:
                yield _Line(row, self.now) if row else None
            except (NotAnExtension, OldSizeDiffers) as error:
                refused = error  # what the accusation wrote is committed all the same
            except NotByTheLog as error:
                refused = error
                ask_soon(row, self.now)
        if refused is not None:
            raise refused


__all__ = ["Ledger", "UnwitnessLog", "WitnessLog", "answer", "unwitness_log", "witness_key", "witness_log"]
