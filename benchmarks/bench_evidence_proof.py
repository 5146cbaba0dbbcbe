"""What a proof costs in a log of 10^4, 10^6 and 10^8 entries: tiles read, and milliseconds to prove and to verify.

The log is simulated from its tiles: entry n is a leaf that follows from n, and a run of 256 equal subtrees is built
once and given wherever it stands. So the tiles are those of a real log of that size (the tree's root is computed from
them like from any other), and nobody has to write a hundred million entries. A read costs what a read from memory
costs; what is told apart is how the number of reads grows. Prints one JSON line a figure.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from shugu.formats.merkle import inclusion_proof, leaf_hash, pair_up, root_from, verify_inclusion
from shugu.formats.tiles import WIDTH, hash_reader, parse_path

SIZES = (10**4, 10**6, 10**8)
PROOFS = 200
GOAL_MS = 5.0
GOAL_TILES = 12  # three tiles of the path and what closes the right edge, in a log of 10^8


def leaf(index: int) -> bytes:
    """Entries repeat after a full tile: what stands in the tile of a level is then the same all along the level."""
    return leaf_hash(b"%d" % (index % WIDTH))


@lru_cache(maxsize=64)
def whole(level: int) -> bytes:
    """Root of a full tile below `level`, which is one hash of a tile at `level`; level 0: see `leaf`."""
    row = [leaf(n) for n in range(WIDTH)] if level == 1 else [whole(level - 1)] * WIDTH
    while len(row) > 1:
        row = pair_up(row)
    return row[0]


class Tiles:
    """The tiles of that log, counted as they are read."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, path: str) -> bytes:
        ref = parse_path(path)
        assert ref.level is not None
        self.read += 1
        if ref.level == 0:
            return b"".join(leaf(ref.index * WIDTH + n) for n in range(ref.width))
        return whole(ref.level) * ref.width


def measure(size: int, dice: random.Random) -> tuple[list[int], list[float], list[float]]:
    """Tiles read, milliseconds to prove, milliseconds to verify, each proof from cold."""
    head = root_from(size, hash_reader(Tiles(), size))
    reads, proving, verifying = [], [], []
    for _ in range(PROOFS):
        index, tiles = dice.randrange(size), Tiles()
        began = time.perf_counter()
        proof = inclusion_proof(index, size, hash_reader(tiles, size))
        proved = time.perf_counter()
        verify_inclusion(leaf(index), index, size, proof, head)
        verifying.append((time.perf_counter() - proved) * 1000)
        proving.append((proved - began) * 1000)
        reads.append(tiles.read)
    return reads, proving, verifying


def figure(name: str, runs: list[float], unit: str, goal: float) -> None:
    line = {
        "name": name, "median": round(statistics.median(runs), 3), "unit": unit, "goal": goal, "higher_is_better": False,
        "runs": [round(run, 3) for run in runs[:20]], "peer": None,
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def main() -> None:
    dice = random.Random(4)
    for size in SIZES:
        reads, proving, verifying = measure(size, dice)
        print(
            f"10^{len(str(size)) - 1}: {max(reads)} tiles at most, {statistics.mean(reads):.1f} on average; proof "
            f"{statistics.median(proving):.2f} ms, verified in {statistics.median(verifying):.3f} ms (medians of {PROOFS})"
        )
        if size == SIZES[-1]:
            figure("evidence.proof_tiles_1e8", [float(n) for n in reads], "tiles", GOAL_TILES)
            figure("evidence.proof_1e8", proving, "ms", GOAL_MS)


if __name__ == "__main__":
    main()
