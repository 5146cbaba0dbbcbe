"""The RFC 6962 section 2.1 tree over SHA-256: hashes, roots, proofs.

A tree's complete subtrees are named (height, index): the subtree over the leaves
[index * 2^height, (index + 1) * 2^height). Generators of proofs read them through a
`Reader`, O(log n) of them; verifiers need nothing but the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from shugu.formats.errors import ProofInvalid

Reader = Callable[[int, int], bytes]

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """The parents of an even number of neighbours."""
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=True)]


def decompose(start: int, end: int) -> list[tuple[int, int]]:
    """The largest complete subtrees (height, index) that cover [start, end), left to right."""
    out: list[tuple[int, int]] = []
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        out.append((height, start >> height))
        start += 1 << height
    return out


def fold(parts: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of falling size, left to right."""
    out = parts[-1]
    for part in reversed(parts[:-1]):
        out = node_hash(part, out)
    return out


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first.

    Enough to append and to give the root; holds at most 64 hashes.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._levels: dict[int, bytes] = {}
        heights, given = [height for height, _ in decompose(0, size)], list(hashes)
        if len(given) != len(heights) or any(len(value) != HASH_SIZE for value in given):
            raise ProofInvalid(reason=("右沿与树的大小不符", "the right edge does not fit the size"))
        self._levels.update(zip(heights, given, strict=True))

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(self._levels[h] for h in sorted(self._levels, reverse=True))

    def append(self, leaf: bytes) -> None:
        self.append_many([leaf])

    def append_many(self, leaves: Sequence[bytes]) -> None:
        """Adds leaf hashes in order."""
        row = list(leaves)
        self.size += len(row)
        height = 0
        while row:
            waiting = self._levels.pop(height, None)
            if waiting is not None:
                row.insert(0, waiting)
            if len(row) % 2:
                self._levels[height] = row.pop()
            row = pair_up(row)
            height += 1

    def root(self) -> bytes:
        return fold(self.hashes) if self.size else EMPTY_ROOT

    def copy(self) -> Frontier:
        return Frontier(self.size, self.hashes)


def root_of_hashes(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    frontier.append_many(leaves)
    return frontier.root()


def root(entries: Iterable[bytes]) -> bytes:
    """MTH(D) of RFC 6962 over entries."""
    return root_of_hashes([leaf_hash(entry) for entry in entries])


def range_root(start: int, end: int, read: Reader) -> bytes:
    """MTH(D[start:end]) for a range that starts where a subtree may start."""
    return fold([read(height, index) for height, index in decompose(start, end)])


def root_from(size: int, read: Reader) -> bytes:
    return range_root(0, size, read) if size else EMPTY_ROOT


def frontier_from(size: int, read: Reader) -> Frontier:
    return Frontier(size, [read(h, i) for h, i in decompose(0, size)])


def _split(size: int) -> int:
    """The largest power of two below `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, read: Reader) -> tuple[bytes, ...]:
    """PATH(index, D[0:size]), leaf to root. Raises ProofInvalid when index >= size."""
    if not 0 <= index < size:
        raise ProofInvalid(reason=("序号不在树内", "the index is outside the tree"))
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return tuple(range_root(a, b, read) for a, b in reversed(siblings))


def consistency_proof(old: int, new: int, read: Reader) -> tuple[bytes, ...]:
    """PROOF(old, D[0:new]) of RFC 6962 section 2.1.2; empty when old is 0 or new."""
    if not 0 <= old <= new:
        raise ProofInvalid(reason=("旧树大于新树", "the old tree is larger than the new one"))
    if old in (0, new):
        return ()
    start, end = 0, new
    ranges: list[tuple[int, int]] = []
    whole = True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
            whole = False
    if not whole:
        ranges.append((start, end))
    return tuple(range_root(a, b, read) for a, b in reversed(ranges))


@dataclass
class _Proof:
    hashes: Sequence[bytes]
    at: int = 0

    def take(self) -> bytes:
        if self.at >= len(self.hashes) or len(self.hashes[self.at]) != HASH_SIZE:
            raise ProofInvalid(reason=("证明过短", "the proof is too short"))
        self.at += 1
        return self.hashes[self.at - 1]

    def end(self) -> None:
        if self.at != len(self.hashes):
            raise ProofInvalid(reason=("证明过长", "the proof is too long"))


def root_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that `proof` leads to from a leaf hash. Raises ProofInvalid for a wrong length."""
    if not 0 <= index < size:
        raise ProofInvalid(reason=("序号不在树内", "the index is outside the tree"))
    path = _Proof(proof)
    out, last = leaf, size - 1
    while last:
        if index & 1:
            out = node_hash(path.take(), out)
        elif index < last:
            out = node_hash(out, path.take())
        index >>= 1
        last >>= 1
    path.end()
    return out


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Raises ProofInvalid unless the leaf hash is at `index` of the tree (size, root)."""
    if root_by_inclusion(leaf, index, size, proof) != root_hash:
        raise ProofInvalid(reason=("根哈希不符", "the root differs"))


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raises ProofInvalid unless the tree (new, new_root) extends (old, old_root)."""
    if not 0 <= old <= new:
        raise ProofInvalid(reason=("旧树大于新树", "the old tree is larger than the new one"))
    path = _Proof(proof)
    if old in (0, new):
        path.end()
        if (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY_ROOT):
            raise ProofInvalid(reason=("根哈希不符", "the root differs"))
        return
    index, last = old - 1, new - 1
    while index & 1:
        index >>= 1
        last >>= 1
    seen_old = seen_new = path.take() if index else old_root
    while last:
        if index & 1:
            left = path.take()
            seen_old, seen_new = node_hash(left, seen_old), node_hash(left, seen_new)
        elif index < last:
            seen_new = node_hash(seen_new, path.take())
        index >>= 1
        last >>= 1
    path.end()
    if (seen_old, seen_new) != (old_root, new_root):
        raise ProofInvalid(reason=("根哈希不符", "the root differs"))
