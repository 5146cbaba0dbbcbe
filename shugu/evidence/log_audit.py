"""The log's own audit: the files, the checkpoints and the journal must tell one story."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from shugu.evidence import domain, journal_rows, tile_files
from shugu.evidence.errors import LogForked, TileMissing
from shugu.evidence.fencing import writer
from shugu.evidence.models import Checkpoint, LogState
from shugu.formats import checkpoint as checkpoints
from shugu.formats.errors import ShuguError
from shugu.formats.keyhistory import replay
from shugu.formats.merkle import Frontier, leaf_hash
from shugu.kernel import key_lines, signer, witness_keys
from shugu.kernel.audits import Violation

CHECK = "evidence.log"
KEYS = "evidence.keys"
_TOLD = "SELECT payload::jsonb -> 'digests' ->> 'key_line' FROM kernel_fact WHERE subject LIKE 'kernel.key_line:%'"


def _broken(subject: str, zh: str, en: str) -> Violation:
    return Violation(CHECK, subject, (zh, en))


def audit_log() -> Iterator[Violation]:
    """Positions, entry bundles, tiles, roots and checkpoints against the journal, from scratch."""
    with writer(wait=True):
        yield from _positions()
        state = LogState.objects.filter(pk=1).first()
        if state is None:
            return
        try:
            yield from _tree(state)
        except LogForked as error:
            yield _broken("journal", error.message("zh"), error.message("en"))
        yield from _published(state)


def _positions() -> Iterator[Violation]:
    """Every fact behind the sequencer's horizon has one position, and positions run from 0 without a gap."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(max(position) + 1, 0) FROM kernel_position")
        count, end = cursor.fetchone()
        cursor.execute("SELECT coalesce(max(next_position), 0) FROM kernel_sequencerstate")
        following = cursor.fetchone()[0]
        if not count == end == following:
            yield _broken(
                "positions",
                f"位置应连续：有 {count} 个，最后一个之后是 {end}，序列器记 {following}",
                f"positions must run without a gap: {count} rows, next after the last is {end}, sequencer says {following}",
            )
        cursor.execute(
            "SELECT f.id FROM kernel_fact f, kernel_sequencerstate s WHERE f.xid < s.horizon "
            "AND NOT EXISTS (SELECT 1 FROM kernel_position p WHERE p.fact_id = f.id) ORDER BY f.id LIMIT 100"
        )
        for (fact,) in cursor.fetchall():
            yield _broken(f"fact:{fact}", "事实没有日志位置", "the fact was passed over: it has no position")


def _tree(state: LogState) -> Iterator[Violation]:
    """Bundles and tiles equal to those derived from the journal; each signed root equal to the recomputed one."""
    notes: Sequence[Checkpoint] = list(Checkpoint.objects.order_by("size"))
    if state.size and (not notes or notes[-1].size != state.size):
        yield _broken("checkpoints", "最近的检查点没有留底", "the latest checkpoint is not on record")
    frontier, left = Frontier(), list(notes)

    def watched() -> Iterator[list[bytes]]:
        for chunk in journal_rows.chunks(state.size):
            found.extend(_roots(frontier, chunk, left))
            yield chunk

    found: list[Violation] = []
    for path, content in domain.derive(watched()):
        try:
            if tile_files.read(path) != content:
                yield _broken(path, "日志文件与账本不符", "the log's file differs from the journal")
        except TileMissing as error:
            yield _broken(path, error.message("zh"), error.message("en"))
    yield from found
    for note in left:
        yield _broken(f"checkpoint:{note.size}", "检查点大于日志", "the checkpoint is larger than the log")
    if frontier.root() != bytes(state.root):
        yield _broken("state", "由账本重算的根与当前根不同", "the root recomputed from the journal is not the current one")
    if b"".join(frontier.hashes) != bytes(state.frontier):
        yield _broken("state", "右缘与账本不符", "the frontier differs from the journal")
    for note in notes:
        yield from _note(note.size, bytes(note.root), bytes(note.note))
    yield from _note(state.size, bytes(state.root), bytes(state.checkpoint))


def _roots(frontier: Frontier, chunk: list[bytes], left: list[Checkpoint]) -> Iterator[Violation]:
    """Grow to each checkpoint's size in turn: one tree over the same leaves proves them all consistent."""
    base, done = frontier.size, 0
    leaves = [leaf_hash(entry) for entry in chunk]
    while left and left[0].size <= base + len(leaves):
        note = left.pop(0)
        frontier.append_many(leaves[done : note.size - base])
        done = note.size - base
        if frontier.root() != bytes(note.root):
            yield _broken(
                f"checkpoint:{note.size}",
                "检查点的根与账本重算的不同",
                "the checkpoint's root is not the one recomputed from the journal",
            )
    frontier.append_many(leaves[done:])


def _note(size: int, root: bytes, note: bytes) -> Iterator[Violation]:
    try:
        signed = checkpoints.verify_strict(note, signer.periods().for_checkpoint(size))
    except ShuguError as error:
        yield _broken(f"checkpoint:{size}", error.message("zh"), error.message("en"))
        return
    if (signed.origin, signed.size, signed.root) != (signer.origin(), size, root):
        yield _broken(f"checkpoint:{size}", "所签内容与留底不同", "what was signed is not what is on record")


def audit_keys() -> Iterator[Violation]:
    """The key history holds, each of its lines is named by a fact, and each end fixes the log that there really was."""
    lines = key_lines.lines()
    try:
        periods = replay(lines) if lines else None
    except ShuguError as error:
        yield Violation(KEYS, "history", (error.message("zh"), error.message("en")))
        return
    with connection.cursor() as cursor:
        cursor.execute(_TOLD)
        told = {row[0] for row in cursor.fetchall()}
    for line in lines:
        if line.digest not in told:
            what = ("没有记载它的事实", "no fact names it")
            yield Violation(KEYS, f"line:{line.statement.n}", what)
    for period in periods.periods if periods else ():
        # The empty tree has no checkpoint on record.
        if period.until and not Checkpoint.objects.filter(size=period.until, root=period.root).exists():
            what = ("它停用时的根不是日志的根", "the root at its end is not the log's")
            yield Violation(KEYS, f"key:{period.key.key_id}", what)


def _published(state: LogState) -> Iterator[Violation]:
    """The public checkpoint is one of ours: the latest, or an earlier one whose successor is about to come out."""
    out = tile_files.published()
    if out is None:
        if state.size:
            yield _broken("checkpoint", "没有公布检查点", "no checkpoint is public")
        return
    if out == bytes(state.checkpoint):
        return
    try:
        size = checkpoints.parse(out).size
        checkpoints.verify_strict(out, witness_keys.log_keyring(size))
        own = domain.without_cosignatures(out)
    except ShuguError as error:
        yield _broken("checkpoint", error.message("zh"), error.message("en"))
        return
    known = [bytes(row.note) for row in Checkpoint.objects.filter(size=size)]
    if own not in (*known, bytes(state.checkpoint)) and size:
        yield _broken("checkpoint", "公布的检查点没有留底", "the public checkpoint is not on record")
