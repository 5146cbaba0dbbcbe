"""Who may write the log now: one term at a time, and what an outlived writer can still do (nothing).

A term is a row: claiming it raises the epoch and names a new holder, in a transaction of its own. Whatever changes
the log afterwards names the holder: the swap of the state by its WHERE, the public checkpoint by a look at the row
between writing it aside and naming it. The store takes the unfinished files of earlier terms away when a term begins
(`LogStore.begin`), so that a writer frozen after that look has nothing left to name.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import DatabaseError, connection

from shugu.evidence.errors import WriterSuperseded

_LOCK: Final = 0x5348_4C4F  # one session advisory lock a database: its holder grows the log
_UNHURRIED: Final = 0x5348_4C50  # beside it: an audit or a rebuild, which is silent for long and not frozen
PATIENCE_SECONDS: Final = 5.0
_PULSE_SECONDS: Final = 0.5

_CLAIM: Final = (
    "UPDATE evidence_logstate SET epoch = epoch + 1, holder = %s WHERE id = 1 RETURNING epoch"
)
# A frozen process keeps its session for ever: the kernel answers for it. What tells it is a silent session.
_UNSEAT: Final = """
SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = %s AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND a.pid <> pg_backend_pid() AND a.state LIKE 'idle%%'
  AND a.state_change < clock_timestamp() - make_interval(secs => %s::float)
  AND NOT EXISTS (SELECT 1 FROM pg_locks q WHERE q.pid = l.pid AND q.locktype = 'advisory' AND q.classid = 0
                  AND q.objid = %s AND q.objsubid = 1 AND q.database = l.database)
"""


@dataclass
class Term:
    """A claim on the log: `holder` is 32 hex digits that no other claim has."""

    epoch: int
    holder: str
    spoken: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Errors: WriterSuperseded when another writer has claimed the log since."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT epoch FROM evidence_logstate WHERE id = 1 AND holder = %s", [self.holder])
            row = cursor.fetchone()
        if row is None or row[0] != self.epoch:
            raise WriterSuperseded(epoch=self.epoch)
        self.spoken = time.monotonic()

    def pulse(self) -> None:
        """`check`, at most twice a second: long work with files keeps the session from looking frozen."""
        if time.monotonic() - self.spoken > _PULSE_SECONDS:
            self.check()


def claim() -> Term:
    """Begin a new term; every earlier one ends with it. The caller is the writer."""
    holder = uuid.uuid4().hex
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [holder])
        return Term(int(cursor.fetchone()[0]), holder)


@contextmanager
def writer(wait: bool = False) -> Iterator[bool]:
    """Whether this process is the log's one writer for the length of the block. `wait`: until it is, and for as long
    as it likes; otherwise a standby may end the session of a writer that falls silent (`unseat`)."""
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s), pg_advisory_lock_shared(%s)", [_LOCK, _UNHURRIED])
            mine = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            _let_go(wait)


def _let_go(unhurried: bool) -> None:
    # A connection that broke or whose transaction failed has let go, or will when it closes.
    if connection.connection is None or connection.needs_rollback:
        return
    try:
        with connection.cursor() as cursor:
            if unhurried:
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [_UNHURRIED])
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    except DatabaseError:
        connection.close()  # its end lets go


def unseat(patience: float = PATIENCE_SECONDS) -> bool:
    """End the session of a writer that has said nothing to the database for `patience` seconds; whether there was one.

    It may have been frozen, or cut off. When it goes on it finds its session gone and becomes a standby. The database
    role needs the right to end sessions of its own (every role has it).
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNSEAT, [_LOCK, patience, _UNHURRIED])
        return bool(cursor.fetchone()[0])


__all__ = ["PATIENCE_SECONDS", "Term", "claim", "unseat", "writer"]
