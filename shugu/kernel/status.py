"""Seats in the status lists, and the bits that the owners of credentials set there (docs/formats.md 13).

A credential that can lose force is given a seat when it is issued, in the same transaction; its row keeps the seat's
number. Where in its block that is, a secret permutation of the block says: neighbours in the list were not issued one
after the other, so a list tells nothing of who lost what. The owner of a credential calls `mark` in the transaction that
changes it; the worker publishes what changed (`status_lists`). This module knows nothing of registers or contracts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from django.db import connection

from shugu.formats.status import ENTRIES, FINAL, NONE, Flag, entries
from shugu.kernel import runtime
from shugu.kernel.models_status import StatusBits, StatusBlock, StatusDay

SEQUENCE: Final = "kernel_status_seat"
BATCH: Final = 5_000
_LEFT, _RIGHT, _ROUNDS = 8, 9, 8  # 17 bits = 131,072 places, halved as evenly as they go


@dataclass(frozen=True)
class Seat:
    """The place of one credential; `entries` is its `credentialStatus`."""

    number: int
    entries: tuple[Mapping[str, object], ...]


@lru_cache(maxsize=64)
def rounds(key: bytes) -> tuple[tuple[int, ...], ...]:
    """The round functions of a key as tables: what is added to one half for each value of the other."""
    return tuple(
        tuple(_mix(key, n, half) & (1 << mine) - 1 for half in range(1 << other))
        for n in range(_ROUNDS)
        for mine, other in (((_RIGHT, _LEFT) if n % 2 else (_LEFT, _RIGHT)),)
    )


def _mix(key: bytes, n: int, half: int) -> int:
    return int.from_bytes(blake2b(bytes([n]) + half.to_bytes(2, "big"), key=key, digest_size=2).digest(), "big")


def permute(offset: int, tables: Sequence[Sequence[int]]) -> int:
    """A bijection of [0, 131072) that only the holder of the key can follow: an unbalanced Feistel network."""
    left, right = offset >> _RIGHT, offset & (1 << _RIGHT) - 1
    for n, table in enumerate(tables):
        if n % 2:
            right ^= table[left]
        else:
            left ^= table[right]
    return left << _RIGHT | right


def places(block: StatusBlock, seats: Iterable[int]) -> dict[int, int]:
    """{seat: its place} of seats of one block."""
    tables = rounds(bytes(block.key))
    return {seat: permute(seat % ENTRIES, tables) for seat in seats}


def allot(flags: Flag) -> Seat:
    """A seat for one credential to which `flags` can happen."""
    return allot_many(flags, 1)[0]


def allot_many(flags: Flag, count: int) -> list[Seat]:
    """`count` seats in one statement, and one more where a block begins. A refused command leaves a gap."""
    if not count:
        return []
    with connection.cursor() as cursor:
        # A sequence never waits for another transaction.
        cursor.execute("SELECT nextval(%s) - 1 FROM generate_series(1, %s)", [SEQUENCE, count])
        numbers = [int(row[0]) for row in cursor.fetchall()]
    blocks = _blocks({number // ENTRIES for number in numbers})
    found = {number: index for block in blocks for number, index in places(block, _within(numbers, block)).items()}
    of = {block.block: block for block in blocks}
    return [
        Seat(n, tuple(e.as_dict() for e in entries(of[n // ENTRIES].base, n // ENTRIES, found[n], flags))) for n in numbers
    ]


def _within(numbers: Sequence[int], block: StatusBlock) -> list[int]:
    return [number for number in numbers if number // ENTRIES == block.block]


def _blocks(wanted: set[int]) -> list[StatusBlock]:
    """The blocks' rows; a new block's lists are where the venue is now."""
    found = list(StatusBlock.objects.filter(block__in=wanted))
    for block in sorted(wanted - {b.block for b in found}):
        new = StatusBlock(block=block, base=runtime.home().public_url, key=os.urandom(32))
        StatusBlock.objects.bulk_create([new], ignore_conflicts=True)
        found.append(StatusBlock.objects.get(block=block))
    return found


def mark(flags: Mapping[int, Flag]) -> int:
    """Set what holds of each seat, in the transaction that made it so; how many changed. What is final stays, whatever
    is asked: an ended credential is not brought back, another is issued."""
    rows = [{"seat": seat, "flags": int(value)} for seat, value in sorted(flags.items())]
    changed = 0
    for at in range(0, len(rows), BATCH):
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [json.dumps(rows[at : at + BATCH]), int(FINAL), int(FINAL)])
            changed += cursor.rowcount
    return changed


_MARK = """
INSERT INTO kernel_statusbits AS b (seat, flags, dirty)
SELECT r.seat, r.flags, true FROM json_to_recordset(%s::json) AS r(seat bigint, flags int)
WHERE r.flags <> 0 OR EXISTS (SELECT 1 FROM kernel_statusbits k WHERE k.seat = r.seat)
ORDER BY r.seat
ON CONFLICT (seat) DO UPDATE SET flags = excluded.flags | (b.flags & %s), dirty = true
WHERE b.flags <> excluded.flags | (b.flags & %s)
"""


def flags_of(seats: Iterable[int]) -> dict[int, Flag]:
    """{seat: what is set}, those with nothing set left out."""
    rows = StatusBits.objects.filter(seat__in=list(seats)).values_list("seat", "flags")
    return {seat: Flag(flags) for seat, flags in rows if flags}


def all_flags() -> Iterator[tuple[int, Flag]]:
    """Every seat of which something is said, in order."""
    for seat, flags in StatusBits.objects.exclude(flags=int(NONE)).order_by("seat").values_list("seat", "flags").iterator():
        yield seat, Flag(flags)


def day_of(owner: str) -> date | None:
    """How far this app has followed the calendar; None before the first day."""
    return StatusDay.objects.filter(owner=owner).values_list("day", flat=True).first()


def day_done(owner: str, day: date) -> None:
    StatusDay.objects.update_or_create(owner=owner, defaults={"day": day})
