"""The venue's key history as it is kept: rows that only grow, and the periods of its keys that follow from them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache

from django.db import connection, transaction

from shugu.formats.canonical import canonical, sha256
from shugu.formats.keyhistory import (
    KeyPeriods,
    Kind,
    Line,
    Statement,
    follow,
    pinned_only,
    replay,
    sign_line,
    write_history,
)
from shugu.formats.keystatements import read_line
from shugu.kernel import journal, keystore, runtime
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.errors import KeyUnavailable
from shugu.kernel.models import KeyLine
from shugu.kernel.queries import name_fact

_LOCK = 0x5348_4B59  # shared by whoever signs a document in a transaction; held alone to end or begin a key
_TRIES, _PAUSE_SECONDS = 200, 0.05

for _kind, _zh, _en in (
    (Kind.FOUNDED, "场所首批密钥", "the venue's first keys"),
    (Kind.ANNOUNCED, "启用场所密钥", "venue key announced"),
    (Kind.RETIRED, "停用场所密钥", "venue key retired"),
    (Kind.COMPROMISED, "声明场所密钥失窃", "venue key declared lost"),
    (Kind.RECOVERY, "登记恢复密钥", "recovery key named"),
):
    name_fact(f"venue_key.{_kind.value}", _zh, _en)


def lines() -> tuple[Line, ...]:
    return tuple(read_line(row.encode()) for row in KeyLine.objects.order_by("n").values_list("line", flat=True))


def document() -> bytes:
    """The published history; empty while nothing has been written."""
    found = lines()
    return write_history(str(runtime.rules().profile.origin), found) if found else b""


@lru_cache(maxsize=8)
def _periods(last: str, count: int) -> KeyPeriods:
    return replay(lines()[:count])


def periods() -> KeyPeriods:
    """As of this moment: one small query, so that every process learns of a rotation with the next thing it signs."""
    last = KeyLine.objects.order_by("-n").values_list("digest", "n").first()
    if last is not None:
        return _periods(last[0], last[1] + 1)
    origin = str(runtime.rules().profile.origin)
    return pinned_only(keystore.founding(_suites(), origin), origin)


def _suites() -> list[str]:
    return ["intl", "sm"] if runtime.suite() == "sm" else ["intl"]


def stay() -> None:
    """Within a transaction: no key begins or ends until it is over, so that what it signs is in the log on the right side."""
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


@contextmanager
def standstill() -> Iterator[None]:
    """Nobody is in the middle of signing a document for the length of the block. It never queues before signers: it is
    tried, and refused when they do not pause. Errors: KeyUnavailable."""
    for _ in range(_TRIES):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            held = bool(cursor.fetchone()[0])
        if held:
            break
        time.sleep(_PAUSE_SECONDS)
    else:
        raise KeyUnavailable(key="keys", why=("有业务正在签发文件，请稍后再试", "documents are being signed; try again later"))
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def found(now: datetime) -> None:
    """Write the first line once: the keys the venue began with, or has had until it kept a history."""
    if KeyLine.objects.exists():
        return
    origin = str(runtime.rules().profile.origin)
    first = keystore.founding(_suites(), origin).keys
    said = Statement(0, origin, Kind.FOUNDED, first, now.replace(microsecond=0), 0)
    with transaction.atomic():
        add(sign_line(said, [keystore.open_key(k) for k in first]), actor=mandate("venue", "keys"), now=now)


def add(line: Line, *, actor: Actor, now: datetime) -> KeyLine:
    """One more line and its fact, which names key, place and the digest of the whole history, in the caller's
    transaction. Errors: HistoryNotTrusted or BadSignature when it does not follow."""
    held = lines()
    follow(replay(held) if held else None, line)
    said = line.statement
    row = KeyLine.objects.create(n=said.n, line=canonical(line.as_dict()).decode(), digest=line.digest, at=said.at)
    whole = write_history(said.name, [*held, line])
    journal.record(
        f"venue_key.{said.kind.value}", subject=f"kernel.key_line:{said.n}", actor=actor, now=now,
        data={"keys": [k.vkey() for k in said.keys], "n": said.n, "size": said.size, "reason": said.reason},
        digests={"key_history": sha256(whole).hex(), "key_line": line.digest},
    )  # fmt: skip
    return row

