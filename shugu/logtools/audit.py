"""`shugu log audit`: everything a log publishes, derived again from its entries.

Every entry bundle is hashed into the leaves of level 0, every tile of every level is compared with what the entries
give, and so is the root with the signed checkpoint. Nothing but the log's own files and its pinned key is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.errors import BadTile, Pair, ShuguError
from shugu.formats.merkle import HASH_SIZE, Frontier, leaf_hash, pair_up
from shugu.formats.note import open_note
from shugu.formats.quorum import Policy
from shugu.formats.suites import Keyring
from shugu.formats.tiles import WIDTH, TileRef, decode_bundle, parse_path, width_in
from shugu.logtools.errors import ObjectMissing
from shugu.logtools.sources import CHECKPOINT, Folder, Source, read_tile

MAX_FAULTS: Final = 200
_AHEAD: Final = 32  # bundles asked for at once
_READERS: Final = 8


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it must be: `path` in the log, and what about it."""

    path: str
    what: Pair


@dataclass
class AuditReport:
    """What was read and what is wrong with it. `signers` are the pinned keys whose signatures hold, `cosigned` the
    policy's witnesses on the checkpoint; `beyond` counts files of a tree larger than the checkpoint's, which a log in
    the middle of growing may have."""

    where: str
    checkpoint: Checkpoint | None = None
    signers: tuple[str, ...] = ()
    cosigned: tuple[str, ...] = ()
    entries: int = 0
    bundles: int = 0
    tiles: int = 0
    data_bytes: int = 0
    beyond: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 1

    def fault(self, path: str, zh: str, en: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(path, (zh, en)))

    def refuse(self, path: str, error: ShuguError) -> None:
        self.fault(path, error.message("zh"), error.message("en"))

    def as_dict(self, lang: str = "zh") -> dict[str, object]:
        side = 0 if lang == "zh" else 1
        point = self.checkpoint
        head = {"origin": point.origin, "size": point.size, "root": b64(point.root)} if point else None
        return {
            "ok": self.ok,
            "exit_code": self.exit_code,
            "log": self.where,
            "checkpoint": head,
            "signers": list(self.signers),
            "cosigned": list(self.cosigned),
            "entries": self.entries,
            "bundles": self.bundles,
            "tiles": self.tiles,
            "bytes": self.data_bytes,
            "beyond": self.beyond,
            "faults": [{"path": f.path, "what": f.what[side]} for f in self.faults],
        }

    def text(self, lang: str = "zh") -> str:
        zh = lang == "zh"
        lines = [f"{'日志' if zh else 'log'}  {self.where}"]
        if self.checkpoint:
            point = self.checkpoint
            lines += [
                f"{'检查点' if zh else 'checkpoint'}  {point.origin}  {point.size}  {b64(point.root)}",
                f"{'签名' if zh else 'signed by'}  {', '.join(self.signers)}",
            ]
        if self.cosigned:
            lines.append(f"{'会签' if zh else 'cosigned by'}  {', '.join(self.cosigned)}")
        count = (self.entries, self.bundles, self.tiles, self.data_bytes)
        read = (
            "重算 {} 条，{} 个条目包，{} 个分块，{} 字节",
            "derived again: {} entries, {} bundles, {} tiles, {} bytes",
        )
        lines.append((read[0] if zh else read[1]).format(*count))
        if self.beyond:
            lines.append(f"{'大于检查点的文件' if zh else 'files of a larger tree'}  {self.beyond}")
        lines += [f"✗ {f.path}  {f.what[0 if zh else 1]}" for f in self.faults]
        good = "日志完整，与检查点相符" if zh else "the log is whole and agrees with its checkpoint"
        bad = f"发现 {len(self.faults)} 处不符" if zh else f"{len(self.faults)} faults"
        return "\n".join([*lines, f"→ {good if self.ok else bad}"]) + "\n"


def audit(source: Source, keys: Keyring, policy: Policy | None = None) -> AuditReport:
    """Derives the log under its published checkpoint again. Errors: SourceFails while the log cannot be reached;
    everything else ends in the report."""
    report = AuditReport(source.where)
    try:
        note = source.read(CHECKPOINT)
    except ObjectMissing as error:
        report.refuse(CHECKPOINT, error)
        return report
    point = _checkpoint(note, keys, policy, report)
    if point is None:
        return report
    tree = _Tree(source, point.size, report)
    for ref, data in _bundles(source, point.size, report):
        tree.take(ref, data)
    tree.close()
    if tree.unbroken and tree.frontier.root() != point.root:
        report.fault(CHECKPOINT, "由条目重算的根与所签的根不同", "the entries give another root than the one signed")
    if isinstance(source, Folder):
        _narrow(source, point.size, report)
    return report


def _checkpoint(note: bytes, keys: Keyring, policy: Policy | None, report: AuditReport) -> Checkpoint | None:
    try:
        point = checkpoints.verify(note, keys)
        report.signers = tuple(k.method for k in open_note(note, keys).verified)
        report.checkpoint = point
        if policy is not None:
            report.cosigned = tuple(w.name for w, _ in policy.standing(note).cosigned)
            policy.require(note)
    except ShuguError as error:
        report.refuse(CHECKPOINT, error)
    return report.checkpoint


def _bundles(source: Source, size: int, report: AuditReport) -> Iterator[tuple[TileRef, bytes | None]]:
    """Every entry bundle in order, read ahead; None for one that is not there."""
    count = (size + WIDTH - 1) // WIDTH

    def one(index: int) -> tuple[TileRef, bytes | None]:
        ref = TileRef(None, index, width_in(size, 0, index))
        try:
            return ref, read_tile(source, ref)
        except (ObjectMissing, BadTile) as error:
            report.refuse(ref.path, error)
            return ref, None

    with ThreadPoolExecutor(_READERS) as pool:
        for first in range(0, count, _AHEAD):
            yield from pool.map(one, range(first, min(first + _AHEAD, count)))


class _Tree:
    """Grows levels of hashes from the entries and compares each tile as soon as its hashes are known.

    After a bundle that cannot be read the hashes of level 0 come from its tile, so that one lost file hides no other.
    """

    def __init__(self, source: Source, size: int, report: AuditReport) -> None:
        self.source, self.size, self.report = source, size, report
        self.frontier, self.unbroken = Frontier(), True
        self._open: list[list[bytes]] = []
        self._done: list[int] = []

    def take(self, ref: TileRef, data: bytes | None) -> None:
        leaves = self._leaves(ref, data)
        if leaves is None:
            return
        self.frontier.append_many(leaves)
        for leaf in leaves:
            self._push(0, leaf)

    def _leaves(self, ref: TileRef, data: bytes | None) -> list[bytes] | None:
        try:
            entries = decode_bundle(data, ref.width) if data is not None else None
        except BadTile as error:
            self.report.refuse(ref.path, error)
            entries = None
        if entries is not None and data is not None:
            self.report.bundles += 1
            self.report.entries += len(entries)
            self.report.data_bytes += len(data)
            return [leaf_hash(entry) for entry in entries]
        given = self._read(TileRef(0, ref.index, ref.width)) if self.unbroken else None
        if given is None:
            self.unbroken = False  # nothing after this place can be derived
        return given

    def _push(self, level: int, value: bytes) -> None:
        while len(self._open) <= level:
            self._open.append([])
            self._done.append(0)
        row = self._open[level]
        row.append(value)
        if len(row) == WIDTH:
            self._compare(level, row)
            while len(row) > 1:
                row = pair_up(row)
            self._open[level] = []
            self._done[level] += 1
            self._push(level + 1, row[0])

    def close(self) -> None:
        """The partial tiles at the right edge."""
        for level, row in enumerate(self._open):
            if row and self.unbroken:
                self._compare(level, row)

    def _read(self, ref: TileRef) -> list[bytes] | None:
        try:
            data = read_tile(self.source, ref)
        except (ObjectMissing, BadTile) as error:
            self.report.refuse(ref.path, error)
            return None
        self.report.tiles += 1
        self.report.data_bytes += len(data)
        if len(data) != ref.width * HASH_SIZE:
            what = f"{len(data)} 字节，应为 {ref.width * HASH_SIZE}", f"{len(data)} bytes, not {ref.width * HASH_SIZE}"
            self.report.fault(ref.path, *what)
            return None
        return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]

    def _compare(self, level: int, row: list[bytes]) -> None:
        ref = TileRef(level, self._done[level], len(row))
        given = self._read(ref)
        if given is None or given == row:
            return
        at = next(n for n, (one, other) in enumerate(zip(given, row, strict=True)) if one != other)
        first = (ref.index * WIDTH + at) << (8 * level)
        self.report.fault(
            ref.path,
            f"第 {at} 个哈希与条目 {first} 起重算的不同",
            f"hash {at} is not the one derived from entry {first} on",
        )


def _narrow(source: Folder, size: int, report: AuditReport) -> None:
    """Older partial files that still stand must be the beginnings of what stands now."""
    for path in source.names():
        try:
            ref = parse_path(path)
        except BadTile:
            report.fault(path, "不是日志的文件", "this is no file of a log")
            continue
        width = width_in(size, ref.level or 0, ref.index)
        if ref.width > width:
            report.beyond += 1
        elif ref.width < width:
            _prefix(source, ref, width, report)


def _prefix(source: Folder, ref: TileRef, width: int, report: AuditReport) -> None:
    try:
        wide, narrow = read_tile(source, TileRef(ref.level, ref.index, width)), source.read(ref.path)
        whole = (
            len(narrow) == ref.width * HASH_SIZE if ref.level is not None else len(decode_bundle(narrow, ref.width)) > 0
        )
    except (ObjectMissing, BadTile) as error:
        report.refuse(ref.path, error)
        return
    if not whole or not wide.startswith(narrow):
        report.fault(ref.path, "不是现有文件的开头部分", "it is not the beginning of the file that stands now")
