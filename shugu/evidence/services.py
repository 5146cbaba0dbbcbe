"""The sequencer: committed facts become the log. One writer, and recovery is the normal path run again.

A batch is: a term (fencing.claim), positions in the database (journal.assign_positions), files, one compare-and-swap
of LogState together with the signed checkpoint, and last of all the checkpoint file. Files are a function of positions
and commitments, which never change, so whatever a crash left behind is written again with the same content; a
checkpoint is public only after the database knows it, so no second one over another tree can follow.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import DatabaseError, connection, transaction

from shugu.evidence import cosigning, domain, fencing, journal_rows, tile_files
from shugu.evidence.depositing import DepositEvidence, Item, deposit
from shugu.evidence.errors import LogForked, RootDiffers, StoreFails, TileMissing, WriterSuperseded
from shugu.evidence.extracting import ExtractPackage, LegalDocument, extract_package
from shugu.evidence.fencing import Term, writer
from shugu.evidence.following import TakeLogHistory, follow_due, hear, take_log_history
from shugu.evidence.models import Checkpoint, LogState
from shugu.evidence.stores import Reached, may_follow
from shugu.evidence.witnessed import UnwitnessLog, WitnessLog, unwitness_log, witness_log
from shugu.formats import checkpoint as checkpoints
from shugu.formats.checkpoint import Checkpoint as TreeHead
from shugu.formats.errors import BadTile
from shugu.formats.merkle import EMPTY_ROOT, Frontier, frontier_from, leaf_hash
from shugu.formats.tiles import WIDTH, hash_reader
from shugu.kernel import clock, journal, signer

BATCH: Final = 20_000
POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Sequenced:
    """Log indexes [first, size) were added; `checkpoint` covers them and `note` is its signed form."""

    first: int
    size: int
    checkpoint: TreeHead
    note: bytes


def sequence_once(now: datetime, limit: int = BATCH, *, reached: Reached = tile_files.nothing) -> Sequenced:
    """Add up to `limit` facts to the log and publish the checkpoint over them; nothing when another process is at it.

    `reached` is told each step. Errors: LogForked, before anything is signed, when database and files contradict;
    WriterSuperseded when another process became the writer meanwhile; ObjectDiffers, StoreFails.
    """
    with writer() as mine:
        state = _state(now)
        if not mine:
            fencing.unseat()
            return _answer(state.size, state)
        if not _behind(state) and not journal_rows.waiting(state.size):
            return _answer(state.size, state)
        term = _begin(reached)
        state = LogState.objects.get(pk=1)  # as it is under our term: nobody else changes it from here on
        _publish(state, term, reached)
        if not journal_rows.waiting(state.size):
            return _answer(state.size, state)
        journal.assign_positions(limit)
        reached("positions assigned")
        grown = _grow(state, limit, now, term, reached)
        if grown is None:
            return _answer(state.size, state)
        _publish(grown, term, reached)
        tile_files.prune(state.size, grown.size)
        reached("pruned")
        return _answer(state.size, grown)


def _behind(state: LogState) -> bool:
    """Whether the latest signed checkpoint is not yet public in the form that the witness policy wants."""
    return cosigning.pending(state, tile_files.published())


def _publish(state: LogState, term: Term, reached: Reached) -> None:
    """The database's checkpoint as the public one, unless cosignatures are missing that the policy demands.
    Errors: LogForked, WriterSuperseded, StoreFails; BadWitnessPolicy."""
    for note in cosigning.forms(state, tile_files.published()):
        term.check()
        may_follow(tile_files.published(), note)  # nothing may contradict what is out, the database least of all
        cosigning.put_out(note)
        reached("checkpoint recorded")
        term.check()
        tile_files.publish(note, term, reached)


def _begin(reached: Reached) -> Term:
    """A new term: first in the database, then in the store, where it ends what earlier ones left unfinished."""
    term = fencing.claim()
    reached("term claimed")
    tile_files.store().begin(term)
    reached("term begun")
    return term


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
    return checkpoints.sign(TreeHead(signer.origin(), size, root), signer.checkpoint_keys())


def _grow(state: LogState, limit: int, now: datetime, term: Term, reached: Reached) -> LogState | None:
    """The next state of the log, its files in the store and its row written; None when there is nothing to add.
    Errors: as sequence_once."""
    base = state.size - state.size % WIDTH
    entries = journal_rows.entries(base, state.size + limit)
    reached("commitments read")
    if base + len(entries) < state.size:
        raise LogForked(why=("账本事实少于日志", "the journal has fewer facts than the log"))
    if base + len(entries) == state.size:
        return None
    written = _append(state, entries, term)
    tile_files.write(written.files, term, reached)

    def read(path: str) -> bytes:
        return written.files[path] if path in written.files else tile_files.read(path)

    frontier = frontier_from(written.size, hash_reader(read, written.size))
    term.check()
    note = _sign(written.size, written.root)
    reached("checkpoint signed")
    with transaction.atomic():
        swapped = LogState.objects.filter(pk=1, size=state.size, root=state.root, holder=term.holder).update(
            size=written.size, root=written.root, frontier=b"".join(frontier.hashes), checkpoint=note, signed_at=now
        )
        if not swapped:
            raise WriterSuperseded(epoch=term.epoch)
        Checkpoint.objects.bulk_create([Checkpoint(size=written.size, root=written.root, note=note, signed_at=now)])
        reached("state swapped")
    reached("state committed")
    return LogState.objects.get(pk=1)


def _append(state: LogState, entries: list[bytes], term: Term) -> domain.Written:
    """Errors: LogForked when the journal itself no longer gives the signed root."""
    root = bytes(state.root)
    try:
        return domain.append(state.size, root, entries, tile_files.read)
    except (RootDiffers, BadTile, TileMissing):
        _mend(state, term)
    try:
        return domain.append(state.size, root, entries, tile_files.read)
    except (RootDiffers, BadTile, TileMissing) as error:
        raise LogForked(
            why=("账本算出的根与已签检查点不同", "the journal gives another root than the signed checkpoint's")
        ) from error


def _mend(state: LogState, term: Term) -> int:
    """Write every tile and bundle of the signed tree again from the journal; the number of files that it has. What
    stands unharmed is left alone. Errors: LogForked, before a file is touched, when the journal gives another root."""
    frontier = Frontier()
    for chunk in journal_rows.chunks(state.size):
        frontier.append_many([leaf_hash(entry) for entry in chunk])
        term.pulse()
    if frontier.root() != bytes(state.root):
        raise LogForked(
            why=("账本算出的根与已签检查点不同", "the journal gives another root than the signed checkpoint's")
        )
    count, batch = 0, dict[str, bytes]()
    for path, content in domain.derive(journal_rows.chunks(state.size)):
        batch[path] = content
        count += 1
        if len(batch) >= WIDTH:
            tile_files.write(batch, term, mend=True)
            batch = {}
    tile_files.write(batch, term, mend=True)
    return count


def rebuild() -> int:
    """Derive all files of the log anew (after a lost or damaged disk, or into a new store) and publish the known
    checkpoint; how many. Errors: LogForked."""
    with writer(wait=True):
        if not LogState.objects.filter(pk=1).exists():
            return 0
        term = _begin(tile_files.nothing)
        state = LogState.objects.get(pk=1)
        count = _mend(state, term)
        _publish(state, term, tile_files.nothing)
        return count


def run(stop: threading.Event) -> None:
    """The worker's loop: sequences until `stop` is set, so that a fact is provable well within a second.

    A broken connection is opened again, an outlived writer becomes a standby, a failing store is tried again; a log
    that contradicts itself ends the loop (LogForked, ObjectDiffers).
    """
    while not stop.is_set():
        try:
            done = sequence_once(clock.now())
        except (DatabaseError, WriterSuperseded, StoreFails):
            connection.close()
            stop.wait(1)
            continue
        if done.size - done.first < BATCH:
            stop.wait(POLL_SECONDS)


__all__ = [
    "BATCH", "DepositEvidence", "ExtractPackage", "Item", "LegalDocument", "Sequenced", "TakeLogHistory", "UnwitnessLog",
    "WitnessLog", "deposit", "extract_package", "follow_due", "hear", "rebuild", "run", "sequence_once", "take_log_history",
    "unwitness_log", "witness_log", "writer",
]  # fmt: skip
