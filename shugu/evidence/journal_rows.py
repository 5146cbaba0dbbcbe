"""What the log reads of the journal: positions and commitments, never a payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from shugu.evidence.domain import CHUNK
from shugu.evidence.errors import LogForked
from shugu.formats.errors import BadEntry
from shugu.formats.leaf import entry

_ROWS = (
    "SELECT p.position, f.digest, f.digest_sm3 FROM kernel_position p JOIN kernel_fact f ON f.id = p.fact_id "
    "WHERE p.position >= %s AND p.position < %s ORDER BY p.position"
)


_WAITING = (
    "SELECT coalesce((SELECT next_position FROM kernel_sequencerstate), 0) > %s OR EXISTS (SELECT 1 FROM kernel_fact f "
    "WHERE f.xid >= coalesce((SELECT horizon FROM kernel_sequencerstate), '0'::xid8) "
    "AND NOT EXISTS (SELECT 1 FROM kernel_position p WHERE p.fact_id = f.id))"
)


def waiting(size: int) -> bool:
    """Whether the journal has committed facts that a log of `size` has not: one read, so that idling writes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [size])
        return bool(cursor.fetchone()[0])


def entries(first: int, end: int) -> list[bytes]:
    """The log entries of positions [first, end), fewer when the journal has no more.
    Errors: LogForked when a position in between is missing, or what stands at one is no commitment."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [first, end])
        rows: Sequence[tuple[int, bytes, bytes | None]] = cursor.fetchall()
    if rows and (rows[0][0] != first or rows[-1][0] != first + len(rows) - 1):
        why = f"位置 {first} 至 {rows[-1][0]} 之间有缺"
        raise LogForked(why=(why, f"a position from {first} to {rows[-1][0]} is missing"))
    try:
        return [entry(digest, sm3) for _, digest, sm3 in rows]
    except BadEntry as error:
        place = next(at for at, digest, sm3 in rows if len(digest) != 32 or len(sm3 or digest) != 32)
        raise LogForked(
            why=(f"位置 {place} 的承诺长度有误", f"the commitment at position {place} has another length")
        ) from error


def chunks(size: int) -> Iterator[list[bytes]]:
    """The entries of positions [0, size) in chunks of 65,536. Errors: LogForked when the journal has fewer."""
    for first in range(0, size, CHUNK):
        end = min(first + CHUNK, size)
        found = entries(first, end)
        if len(found) != end - first:
            raise LogForked(why=("账本事实少于日志", "the journal has fewer facts than the log"))
        yield found
