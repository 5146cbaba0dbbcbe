"""Random trees for the tests: leaves, roots and proofs by our own formats."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha256

from shugu.formats import merkle
from shugu.formats.merkle import Reader


def leaves(seed: object, count: int) -> list[bytes]:
    return [sha256(f"{seed}:{n}".encode()).digest() for n in range(count)]


def reader(hashes: Sequence[bytes]) -> Reader:
    def read(height: int, index: int) -> bytes:
        return merkle.root_of_hashes(hashes[index << height : (index + 1) << height])

    return read


def root(hashes: Sequence[bytes], size: int) -> bytes:
    return merkle.root_of_hashes(hashes[:size])


def consistency(hashes: Sequence[bytes], old: int, new: int) -> tuple[bytes, ...]:
    return merkle.consistency_proof(old, new, reader(hashes))


def inclusion(hashes: Sequence[bytes], index: int, size: int) -> tuple[bytes, ...]:
    return merkle.inclusion_proof(index, size, reader(hashes[:size]))


def forked(hashes: Sequence[bytes], at: int, draw: random.Random) -> list[bytes]:
    """The same leaves with one changed."""
    out = list(hashes)
    out[at] = draw.randbytes(32)
    return out
