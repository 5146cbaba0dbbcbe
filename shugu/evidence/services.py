"""The sequencer: committed facts become the log. One writer, and recovery is the normal path run again.

A batch is: positions in the database (journal.assign_positions), files, one compare-and-swap of LogState together with
the signed checkpoint, and last of all the checkpoint file. Files are a function of positions and commitments, which
never change, so whatever a crash left behind is written again with the same content; a checkpoint is public only
after the database knows it, so no second one over another tree can follow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import DatabaseError, connection, transaction

from shugu.evidence import domain, journal_rows, tile_files
from shugu.evidence.errors import LogForked, RootDiffers, TileMissing
from shugu.evidence.models import Checkpoint, LogState
from shugu.evidence.tile_files import Reached
from shugu.formats import checkpoint as checkpoints
from shugu.formats.checkpoint import Checkpoint as TreeHead
from shugu.formats.errors import BadTile
from shugu.formats.merkle import EMPTY_ROOT, frontier_from
from shugu.formats.tiles import WIDTH, hash_reader
from shugu.kernel import clock, journal, signer

_LOCK: Final = 0x5348_4C4F  # one session advisory lock a database: its holder grows the log
BATCH: Final = 20_000
POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Sequenced:
    """Log indexes [first, size) were added; `checkpoint` covers them and `note` is its signed form."""

    first: int
    size: int
    checkpoint: TreeHead
    note: bytes


@contextmanager
def writer(wait: bool = False) -> Iterator[bool]:
    """Whether this process is the log's one writer for the length of the block."""
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            mine = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        # A connection that broke or whose transaction failed has let go, or will when it closes.
        if mine and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def sequence_once(now: datetime, limit: int = BATCH, *, reached: Reached = tile_files.nothing) -> Sequenced:
    """Add up to `limit` facts to the log and publish the checkpoint over them; nothing when another process is at it.

    `reached` is told each step. Errors: LogForked, before anything is signed, when database and files contradict.
    """
    with writer() as mine:
        state = _state(now)
        if not mine:
            return _answer(state.size, state)
        _publish(state, reached)
        if not journal_rows.waiting(state.size):
            return _answer(state.size, state)
        journal.assign_positions(limit)
        reached("positions assigned")
        grown = _grow(state, limit, now, reached)
        if grown is None:
            return _answer(state.size, state)
        _publish(grown, reached)
        tile_files.prune(state.size, grown.size)
        reached("pruned")
        return _answer(state.size, grown)


def _answer(first: int, state: LogState) -> Sequenced:
    note = bytes(state.checkpoint)
    return Sequenced(first, state.size, checkpoints.parse(note), note)


def _state(now: datetime) -> LogState:
    found = LogState.objects.filter(pk=1).first()
    if found is None:
        note = _sign(0, EMPTY_ROOT)
        LogState.objects.bulk_create(
            [LogState(id=1, size=0, root=EMPTY_ROOT, checkpoint=note, signed_at=now)], ignore_conflicts=True
        )
        found = LogState.objects.get(pk=1)
    return found


def _sign(size: int, root: bytes) -> bytes:
    return checkpoints.sign(TreeHead(signer.origin(), size, root), signer.keys())


def _publish(state: LogState, reached: Reached) -> None:
    """The database's checkpoint as the public one. Errors: LogForked when a later or another one is already out."""
    note, out = bytes(state.checkpoint), tile_files.published()
    if out == note:
        return
    if out is not None:
        before = checkpoints.parse(out)
        if before.size > state.size or (before.size == state.size and before.root != bytes(state.root)):
            raise LogForked(
                why=(
                    f"已公布的检查点有 {before.size} 条，数据库只有 {state.size} 条",
                    f"a checkpoint of {before.size} entries is public, the database has {state.size}",
                )
            )
    tile_files.publish(note, reached)


def _grow(state: LogState, limit: int, now: datetime, reached: Reached) -> LogState | None:
    """The next state of the log, its files on disk and its row written; None when there is nothing to add."""
    base = state.size - state.size % WIDTH
    entries = journal_rows.entries(base, state.size + limit)
    reached("commitments read")
    if base + len(entries) < state.size:
        raise LogForked(why=("账本事实少于日志", "the journal has fewer facts than the log"))
    if base + len(entries) == state.size:
        return None
    written = _append(state, entries)
    tile_files.write(written.files, reached)

    def read(path: str) -> bytes:
        return written.files[path] if path in written.files else tile_files.read(path)

    frontier = frontier_from(written.size, hash_reader(read, written.size))
    note = _sign(written.size, written.root)
    reached("checkpoint signed")
    with transaction.atomic():
        swapped = LogState.objects.filter(pk=1, size=state.size, root=state.root).update(
            size=written.size, root=written.root, frontier=b"".join(frontier.hashes), checkpoint=note, signed_at=now
        )
        if not swapped:
            return None  # another writer was first; it wrote the same files
        Checkpoint.objects.bulk_create([Checkpoint(size=written.size, root=written.root, note=note, signed_at=now)])
        reached("state swapped")
    reached("state committed")
    return LogState.objects.get(pk=1)


def _append(state: LogState, entries: list[bytes]) -> domain.Written:
    """Errors: LogForked when the journal itself no longer gives the signed root."""
    root = bytes(state.root)
    try:
        return domain.append(state.size, root, entries, tile_files.read)
    except (RootDiffers, BadTile, TileMissing):
        derive_files(state.size)
    try:
        return domain.append(state.size, root, entries, tile_files.read)
    except (RootDiffers, BadTile, TileMissing) as error:
        raise LogForked(
            why=("账本算出的根与已签检查点不同", "the journal gives another root than the signed checkpoint's")
        ) from error


def derive_files(size: int) -> int:
    """Write every tile and bundle of the tree of `size` again from the journal; the number of files that it has.
    What stands unharmed is left alone. Errors: LogForked."""
    count, batch = 0, dict[str, bytes]()
    for path, content in domain.derive(journal_rows.chunks(size)):
        batch[path] = content
        count += 1
        if len(batch) >= WIDTH:
            tile_files.write(batch)
            batch = {}
    tile_files.write(batch)
    return count


def rebuild() -> int:
    """Derive all files of the log anew (after a lost or damaged disk) and publish the known checkpoint; how many.
    Errors: LogForked."""
    with writer(wait=True):
        state = LogState.objects.filter(pk=1).first()
        if state is None:
            return 0
        count = derive_files(state.size)
        _publish(state, tile_files.nothing)
        return count


def run(stop: threading.Event) -> None:
    """The worker's loop: sequences until `stop` is set, so that a fact is provable well within a second.

    A broken connection is opened again; a log that contradicts itself ends the loop (LogForked).
    """
    while not stop.is_set():
        try:
            done = sequence_once(clock.now())
        except DatabaseError:
            connection.close()
            stop.wait(1)
            continue
        if done.size - done.first < BATCH:
            stop.wait(POLL_SECONDS)


__all__ = ["BATCH", "Sequenced", "derive_files", "rebuild", "run", "sequence_once", "writer"]
