"""The draw of a random inspection: pure, so that anybody can compute it again from the published pool and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shugu.kernel.text import Text

CONCLUSIONS: Final[Mapping[str, Text]] = {
    "compliant": Text("未发现问题", "nothing found"),
    "to_correct": Text("责令改正", "to be corrected"),
    "violation": Text("发现违规，另行处理", "violation found, handled separately"),
}


@dataclass(frozen=True)
class Pool:
    """`objects`: organisation numbers; `inspectors`: person ids; `conflicts`: object -> inspectors who may not go."""

    objects: tuple[str, ...]
    inspectors: tuple[int, ...]
    conflicts: Mapping[str, Collection[int]]
    percent: int

    def as_document(self) -> dict[str, object]:
        return {
            "objects": sorted(self.objects), "inspectors": sorted(self.inspectors), "percent": self.percent,
            "conflicts": {k: sorted(v) for k, v in sorted(self.conflicts.items()) if v},
        }  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    object: str
    inspector: int


def rank(seed: bytes, what: str) -> bytes:
    return hashlib.sha256(seed + b"\x00" + what.encode()).digest()


def sample_size(count: int, percent: int) -> int:
    """At least one of any objects, else the share rounded up."""
    return -(-count * percent // 100)


def draw(seed: bytes, pool: Pool) -> tuple[Drawn, ...]:
    """The objects with the smallest hashes under the seed, each with the free inspector of the smallest hash.

    An object nobody is free to inspect is passed over for the next one.
    """
    wanted = sample_size(len(pool.objects), pool.percent)
    out: list[Drawn] = []
    for name in sorted(pool.objects, key=lambda o: rank(seed, f"object:{o}")):
        if len(out) == wanted:
            break
        inspector = _inspector(seed, name, pool)
        if inspector is not None:
            out.append(Drawn(name, inspector))
    return tuple(out)


def _inspector(seed: bytes, name: str, pool: Pool) -> int | None:
    barred = set(pool.conflicts.get(name, ()))
    free: Sequence[int] = [i for i in pool.inspectors if i not in barred]
    return min(free, key=lambda i: rank(seed, f"inspector:{name}:{i}"), default=None)
