"""The log as a function of the journal: entries to tiles, and the numbered checks of one fact. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shugu.evidence.errors import EntryDiffers, RootDiffers, RootNotReached
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64
from shugu.formats.checks import Outcome
from shugu.formats.errors import MissingSignature, Pair, ShuguError, UnknownSigner
from shugu.formats.leaf import verify_entry
from shugu.formats.merkle import leaf_hash, root_by_inclusion, root_from
from shugu.formats.note import Note, parse_note
from shugu.formats.proof import TlogProof
from shugu.formats.suites import Keyring
from shugu.formats.tiles import (
    WIDTH,
    TileReader,
    encode_bundle,
    entries_path,
    grow,
    hash_reader,
    parse_path,
    tile_path,
)

CHUNK: Final = WIDTH * WIDTH

# Records whose pages anybody may open: the badge on them is as public as they are.
PUBLIC_SUBJECTS: Final = frozenset({"registry.entry", "registry.certificate", "catalogue.product", "kernel.status"})


@dataclass(frozen=True)
class Written:
    """What a batch adds to the log: the files by path, the new size, its root."""

    size: int
    root: bytes
    files: Mapping[str, bytes]


def bundles(base: int, entries: Sequence[bytes]) -> dict[str, bytes]:
    """Entry bundles by path for entries from index `base`, a multiple of 256."""
    out: dict[str, bytes] = {}
    for at in range(0, len(entries), WIDTH):
        part = entries[at : at + WIDTH]
        out[entries_path((base + at) // WIDTH, len(part))] = encode_bundle(part)
    return out


def append(old_size: int, old_root: bytes, entries: Sequence[bytes], read: TileReader) -> Written:
    """The files of a tree grown to `base + len(entries)`, where base is `old_size` rounded down to a full tile.

    `entries` begins at base, so that the open bundle is written again from the journal and not from a file. `read`
    gives the open tiles of levels above 0; the old root is recomputed from all of them before anything is added.
    Raises RootDiffers, BadTile.
    """
    base = old_size - old_size % WIDTH
    leaves = [leaf_hash(entry) for entry in entries]
    held, fresh = leaves[: old_size - base], leaves[old_size - base :]
    open_path = tile_path(0, base // WIDTH, len(held)) if held else ""

    def edge(path: str) -> bytes:
        return b"".join(held) if path == open_path else read(path)

    if old_size and root_from(old_size, hash_reader(edge, old_size)) != old_root:
        raise RootDiffers()
    growth = grow(old_size, fresh, edge)
    return Written(growth.size, growth.root, {**growth.tiles, **bundles(base, entries)})


def derive(chunks: Iterable[Sequence[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Every file of the log (path, content) from all entries in chunks of `CHUNK`, the last one shorter.

    Of the open tiles only the widest is given, as for one checkpoint over the whole.
    """
    size, open_tiles = 0, dict[str, bytes]()
    for entries in chunks:
        growth = grow(size, [leaf_hash(entry) for entry in entries], open_tiles.__getitem__)
        yield from bundles(size, entries).items()
        size = growth.size
        for path, content in growth.tiles.items():
            if parse_path(path).width == WIDTH:
                yield path, content
            else:
                open_tiles[path] = content
    level = 0
    while size >> (8 * level):
        first, held = divmod(size >> (8 * level), WIDTH)
        if held:
            path = tile_path(level, first, held)
            yield path, open_tiles[path]
        level += 1


@dataclass(frozen=True)
class ProofStep:
    """One check shown to the user: what was compared with what. `detail` is a (zh, en) pair or a hash."""

    n: int
    id: str
    title: Pair
    outcome: Outcome
    detail: Pair = ("", "")


TITLES: Final[tuple[tuple[str, Pair], ...]] = (
    ("commitment", ("事实内容与盐算出承诺", "Payload and salt give the commitment")),
    ("entry", ("日志条目即该承诺", "The log's entry is that commitment")),
    ("path", ("从叶到根的路径成立", "The path leads from leaf to root")),
    ("checkpoint", ("检查点属于本交易所的日志", "The checkpoint is of this venue's log")),
    ("ed25519", ("检查点的 Ed25519 签名有效", "The checkpoint's Ed25519 signature is valid")),
    ("sm2", ("检查点的 SM2 签名有效", "The checkpoint's SM2 signature is valid")),
)


@dataclass(frozen=True)
class Evidence:
    """What there is about one fact: its own entry, the log's entry, the proof, and its opening when it may be shown."""

    entry: bytes
    logged: bytes
    proof: TlogProof
    payload: bytes | None = None
    salt: bytes | None = None


def prove(evidence: Evidence, keys: Keyring, origin: str) -> tuple[ProofStep, ...]:
    """The numbered checks, each computed from the bytes in hand; none raises."""
    checks: tuple[Callable[[], Pair | None], ...] = (
        lambda: _commitment(evidence),
        lambda: _entry(evidence),
        lambda: _path(evidence),
        lambda: _origin(evidence.proof, origin),
        lambda: _signed(evidence.proof, keys, origin, "intl"),
        lambda: _signed(evidence.proof, keys, origin, "sm"),
    )
    return tuple(_step(n, *title, check) for n, (title, check) in enumerate(zip(TITLES, checks, strict=True), 1))


def holds(steps: Sequence[ProofStep]) -> bool:
    return all(step.outcome is not Outcome.FAILED for step in steps)


def damaged(why: Pair) -> ProofStep:
    """The one check to show when the log's files cannot be read."""
    return ProofStep(1, "files", ("日志文件完好", "The log's files are whole"), Outcome.FAILED, why)


_SKIPPED: Final[dict[str, Pair]] = {
    "commitment": ("内容只向当事人和岗位出示", "the content is shown to parties and seats only"),
    "sm2": ("本交易所未启用 SM2", "this venue does not use SM2"),
}


def _step(n: int, name: str, title: Pair, check: Callable[[], Pair | None]) -> ProofStep:
    try:
        detail = check()
    except ShuguError as error:
        return ProofStep(n, name, title, Outcome.FAILED, (error.message("zh"), error.message("en")))
    if detail is None:
        return ProofStep(n, name, title, Outcome.SKIPPED, _SKIPPED[name])
    return ProofStep(n, name, title, Outcome.OK, detail)


def _same(text: str) -> Pair:
    return (text, text)


def _commitment(evidence: Evidence) -> Pair | None:
    if evidence.payload is None or evidence.salt is None:
        return None
    return _same(verify_entry(evidence.entry, evidence.payload, evidence.salt).sha256.hex())


def _entry(evidence: Evidence) -> Pair:
    if evidence.logged != evidence.entry:
        raise EntryDiffers()
    return _same(leaf_hash(evidence.logged).hex())


def _path(evidence: Evidence) -> Pair:
    proof, covered = evidence.proof, evidence.proof.covered_by()
    reached = root_by_inclusion(leaf_hash(evidence.logged), proof.index, covered.size, proof.hashes)
    if reached != covered.root:
        raise RootNotReached()
    steps = len(proof.hashes)
    return (f"#{proof.index} / {covered.size}，{steps} 步", f"#{proof.index} / {covered.size}, {steps} steps")


def _origin(proof: TlogProof, origin: str) -> Pair:
    covered = proof.covered_by()
    if covered.origin != origin:
        raise UnknownSigner(name=covered.origin)
    return _same(f"{covered.origin} · {covered.size} · {b64(covered.root)}")


def _signed(proof: TlogProof, keys: Keyring, origin: str, suite: str) -> Pair | None:
    note = parse_note(proof.checkpoint)
    if suite not in keys.suites_of(origin):
        return None
    for line in note.signatures:
        key = keys.find(line.name, line.id_bytes)
        if key is not None and key.name == origin and key.suite.name == suite:
            key.verify(note.text.encode(), line.signature)
            return _same(key.method)
    raise MissingSignature(name=f"{origin} ({suite})")


def without_cosignatures(note: bytes) -> bytes:
    """The note as the venue signed it: with the lines under the origin's name alone. Raises BadNote, BadCheckpoint."""
    parsed, origin = parse_note(note), checkpoints.parse(note).origin
    return Note(parsed.text, tuple(s for s in parsed.signatures if s.name == origin)).encode()


def checkpoint_of(note: bytes) -> checkpoints.Checkpoint:
    """The unverified checkpoint of a signed note. Raises BadNote, BadCheckpoint."""
    return checkpoints.parse(note)
