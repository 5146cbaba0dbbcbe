"""The cast's rows, copied once and laid again: making the world takes hundreds of commands, laying it a few statements.

What is laid is exactly what the real services wrote in this process a moment ago; the first test of a process still makes
the world through them.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from shugu.kernel import clock
from tests.world import World


@dataclass(frozen=True)
class Snapshot:
    """Rows by table as COPY text with their columns, and where every sequence stood."""

    world: World
    rows: tuple[tuple[str, str, bytes], ...]
    sequences: tuple[tuple[str, int], ...]


_TAKEN: dict[tuple[str, datetime], Snapshot] = {}
# A fact's transaction is the one that lays it; the rule book is keyed by content and kept by the process.
_LEFT_OUT = {"xid"}
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(kernel|party)_' ORDER BY relname"
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s "
    "AND is_generated = 'NEVER' ORDER BY ordinal_position"
)
_SEQUENCES = (
    "SELECT sequencename, last_value FROM pg_sequences "
    "WHERE sequencename ~ '^(kernel|party)_' AND last_value IS NOT NULL"
)


def world(now: datetime, venue: str = "") -> World:
    """The cast on the morning of `now` in an empty database, inside the test's transaction. `venue` tells casts of other
    homes apart; such a home must outlive the test, for the cast's papers and keys lie in it."""
    if (venue, now) not in _TAKEN:
        _TAKEN[venue, now] = _take(World.begin(now))
    else:
        _lay(_TAKEN[venue, now])
    return copy.deepcopy(_TAKEN[venue, now].world)


def _take(made: World) -> Snapshot:
    rows = []
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(_COLUMNS, [table])
            columns = ", ".join(f'"{name}"' for (name,) in cursor.fetchall() if name not in _LEFT_OUT)
            with cursor.copy(f"COPY (SELECT {columns} FROM {table}) TO STDOUT") as out:
                content = b"".join(bytes(piece) for piece in out)
            if content:
                rows.append((table, columns, content))
        cursor.execute(_SEQUENCES)
        return Snapshot(copy.deepcopy(made), tuple(rows), tuple(cursor.fetchall()))


def _lay(snapshot: Snapshot) -> None:
    with connection.cursor() as cursor:
        for table, columns, content in snapshot.rows:
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as into:
                into.write(content)
        for name, last in snapshot.sequences:
            cursor.execute(f"CREATE SEQUENCE IF NOT EXISTS {name}")
            cursor.execute("SELECT setval(%s, %s)", [name, last])


_MOMENT: list[datetime] = []


def this_moment() -> datetime:
    """The venue's time when this process first asked: one cast serves every test that runs at the present."""
    if not _MOMENT:
        _MOMENT.append(clock.now())
    return _MOMENT[0]
