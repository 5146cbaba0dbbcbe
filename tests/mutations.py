"""Random changes to what a venue holds and hands out, and who finds each: the material of test_tampering.

A `Target` changes one thing at random, asks the tools one after the other, in the order in which somebody would meet
them, and puts it back. A tool answers with the names of what it found; one of them must contain `expected`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction

Found = list[str]


@dataclass(frozen=True)
class Change:
    """One change already made: what it was, what a finding must name, and the tools to ask in order."""

    what: str
    expected: tuple[str, ...]
    tools: Sequence[tuple[str, Callable[[], Found]]]


@dataclass
class Tally:
    """Counts by target and by the tool that met it first; a survivor is a change that nobody found or named."""

    changes: Counter[str] = field(default_factory=Counter)
    met_by: Counter[str] = field(default_factory=Counter)
    survivors: list[str] = field(default_factory=list)

    def take(self, target: str, change: Change) -> None:
        self.changes[target] += 1
        for tool, ask in change.tools:
            found = ask()
            if found:
                self.met_by[tool] += 1
                if not any(name in one for one in found for name in change.expected):
                    self.survivors.append(f"{target}: {change.what} found but not named by {tool}: {found[:3]}")
                return
        self.survivors.append(f"{target}: {change.what} found by nobody")

    def text(self) -> str:
        by_target = ", ".join(f"{name} {count}" for name, count in sorted(self.changes.items()))
        by_tool = ", ".join(f"{name} {count}" for name, count in sorted(self.met_by.items()))
        return f"{self.changes.total()} changes ({by_target}); met first by {by_tool}; {len(self.survivors)} survivors"


def mutated(data: bytes, draw: random.Random) -> tuple[bytes, str]:
    """Another byte string: a bit, a byte, bytes put in, taken out or exchanged."""
    while True:
        at, kind = draw.randrange(len(data)), draw.choice(("bit", "byte", "in", "out", "swap"))
        out = bytearray(data)
        match kind:
            case "bit":
                out[at] ^= 1 << draw.randrange(8)
            case "byte":
                out[at] = draw.randrange(256)
            case "in":
                out[at:at] = draw.randbytes(draw.randint(1, 3))
            case "out":
                del out[at : at + draw.randint(1, 3)]
            case "swap":
                other = draw.randrange(len(data))
                out[at], out[other] = out[other], out[at]
        if bytes(out) != data:
            return bytes(out), f"{kind} at {at} of {len(data)}"


@dataclass(frozen=True)
class FileTarget:
    """Any byte of any of these files."""

    name: str
    files: Sequence[Path]
    expected: Callable[[Path], tuple[str, ...]]
    tools: Callable[[Path], Sequence[tuple[str, Callable[[], Found]]]]

    def changes(self, draw: random.Random) -> Iterator[Change]:
        path = draw.choice(self.files)
        whole = path.read_bytes()
        changed, how = mutated(whole, draw)
        path.chmod(0o644)
        path.write_bytes(changed)
        try:
            yield Change(f"{path.name}: {how}", self.expected(path), self.tools(path))
        finally:
            path.write_bytes(whole)


@dataclass(frozen=True)
class MadeTarget:
    """A file written anew as somebody with the means to do so would: `ways` are what was done and how."""

    name: str
    files: Sequence[Path]
    ways: Sequence[tuple[str, Callable[[bytes, random.Random], bytes]]]
    expected: Callable[[Path], tuple[str, ...]]
    tools: Callable[[Path], Sequence[tuple[str, Callable[[], Found]]]]

    def changes(self, draw: random.Random) -> Iterator[Change]:
        """Every way once."""
        for what, way in self.ways:
            path = draw.choice(self.files)
            whole = path.read_bytes()
            changed = way(whole, draw)
            assert changed != whole, what
            path.write_bytes(changed)
            try:
                yield Change(f"{path.name}: {what}", self.expected(path), self.tools(path))
            finally:
                path.write_bytes(whole)


# Columns that PostgreSQL keeps for itself, or that say nothing once the fact has its place.
_OWN = {"xid"}


@dataclass(frozen=True)
class RowTarget:
    """Any column of any row of a table, changed by somebody with the database's own rights."""

    table: str
    key: str
    where: str
    expected: Callable[[dict[str, Any]], tuple[str, ...]]
    tools: Sequence[tuple[str, Callable[[], Found]]]
    kept: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.table

    def changes(self, draw: random.Random) -> Iterator[Change]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self.table} WHERE {self.where} ORDER BY {self.key}")
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        row = draw.choice(rows)
        columns = [n for n in names if n not in _OWN | self.kept | {self.key} and row[n] is not None]
        column = draw.choice(columns)
        value = another(row[column], draw)
        what = f"{self.key} {row[self.key]}, {column}"
        try:
            with transaction.atomic():
                self._write(column, value, row[self.key])
                yield Change(what, self.expected(row), self.tools)
                transaction.set_rollback(True)
        except (IntegrityError, DataError) as error:  # an index that no right of the database's owner goes around
            told = f"{self.table}: {error}"
            yield Change(what, (self.table,), [("the database", lambda: [told])])

    def _write(self, column: str, value: Any, key: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL session_replication_role = replica")  # neither triggers nor foreign keys
            cursor.execute(f"UPDATE {self.table} SET {column} = %s WHERE {self.key} = %s", [value, key])
            cursor.execute("SET LOCAL session_replication_role = origin")


def another(value: Any, draw: random.Random) -> Any:
    """Another value of the same column."""
    match value:
        case bool():
            return not value
        case int():
            return value + draw.choice((-1, 1, 1000))
        case datetime():
            return value + timedelta(microseconds=draw.choice((1, 999, 1000, 60_000_000)))
        case date():
            return value + timedelta(days=draw.choice((-1, 1, 365)))
        case str():
            at = draw.randrange(len(value))
            other = draw.choice([c for c in "0aZ{}\", 数" if c != value[at]])
            start, end = value[:at], value[at:]
            return draw.choice((start + other + end[1:], start + other + end, start + end[1:]))
        case _:
            return mutated(bytes(value), draw)[0]


Target = FileTarget | MadeTarget | RowTarget


def run(targets: Sequence[Target], seed: int, each: int) -> Tally:
    """`each` changes of every target, drawn from `seed`, each found or put down as a survivor."""
    draw, tally = random.Random(seed), Tally()
    for target in targets:
        for _ in range(each):
            for change in target.changes(draw):
                tally.take(target.name, change)
    return tally
