"""C2SP tlog-tiles: paths, tile bytes, entry bundles, reading proofs from tiles, growing a log.

Paths carry no prefix and no leading slash: `tile/0/x001/x234/067`, `tile/0/000.p/112`,
`tile/entries/000`. A tile is the concatenation of 1 to 256 hashes of 32 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shugu.formats.errors import BadTile
from shugu.formats.merkle import HASH_SIZE, Reader, pair_up, root_from

TileReader = Callable[[str], bytes]

WIDTH: Final = 256
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 65_535
_PATH = re.compile(r"tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True)
class TileRef:
    """A tile (level 0-63) or, with level None, an entry bundle. Width 256 means full."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        if self.level is None:
            return entries_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)


def _groups(index: int) -> str:
    text = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        text = f"x{index % 1000:03d}/{text}"
    return text


def _path(head: str, index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= WIDTH:
        raise BadTile(reason=("序号或宽度越界", "index or width out of range"))
    return f"tile/{head}/{_groups(index)}" + ("" if width == WIDTH else f".p/{width}")


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Raises BadTile for values that no tile has."""
    if not 0 <= level <= MAX_LEVEL:
        raise BadTile(reason=("层级越界", "level out of range"))
    return _path(str(level), index, width)


def entries_path(index: int, width: int = WIDTH) -> str:
    return _path("entries", index, width)


def parse_path(path: str) -> TileRef:
    """Inverse of the paths above, one spelling only. Raises BadTile."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise BadTile(reason=("路径写法有误", "not a tile path"))
    head, groups, width = match.groups()
    level = None if head == "entries" else int(head)
    ref = TileRef(level, int(re.sub(r"[x/]", "", groups)), int(width) if width else WIDTH)
    if (width and ref.width >= WIDTH) or ref.path != path:
        raise BadTile(reason=("路径写法不唯一", "not the single spelling of the path"))
    return ref


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    if not 1 <= len(hashes) <= WIDTH or any(len(h) != HASH_SIZE for h in hashes):
        raise BadTile(reason=("应有 1 至 256 个 32 字节的哈希", "a tile has 1 to 256 hashes of 32 bytes"))
    return b"".join(hashes)


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile that must have exactly `width` of them. Raises BadTile."""
    if not 1 <= width <= WIDTH or len(data) != width * HASH_SIZE:
        raise BadTile(reason=("长度与宽度不符", "the length does not fit the width"))
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """1 to 256 entries, each behind its length as uint16 big endian. Raises BadTile."""
    if not 1 <= len(entries) <= WIDTH or any(len(entry) > MAX_ENTRY for entry in entries):
        raise BadTile(reason=("条目数或条目长度越界", "too many entries or an entry too long"))
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle that must have exactly `width` of them. Raises BadTile."""
    out: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise BadTile(reason=("条目包被截断", "the bundle is cut short"))
        out.append(data[at + 2 : end])
        at = end
    if len(out) != width or not 1 <= width <= WIDTH:
        raise BadTile(reason=("条目数与宽度不符", "the number of entries does not fit the width"))
    return out


def width_in(size: int, level: int, index: int) -> int:
    """The width (0 = absent) of a tile in a tree of `size`; entry bundles are as level 0."""
    return max(0, min(WIDTH, (size >> (8 * level)) - index * WIDTH))


def tiles_for(old_size: int, new_size: int) -> list[TileRef]:
    """Every tile and bundle to write when a log grows: what is new or wider than before."""
    if not 0 <= old_size <= new_size:
        raise BadTile(reason=("日志不会变小", "a log never shrinks"))
    out: list[TileRef] = []
    for level in range(MAX_LEVEL + 1):
        old, new = old_size >> (8 * level), new_size >> (8 * level)
        if new == old:
            break
        for index in range(old // WIDTH, (new + WIDTH - 1) // WIDTH):
            width = min(WIDTH, new - index * WIDTH)
            out.append(TileRef(level, index, width))
            if level == 0:
                out.append(TileRef(None, index, width))
    return out


def all_tiles(size: int) -> Iterator[TileRef]:
    yield from tiles_for(0, size)


def hash_reader(read: TileReader, size: int) -> Reader:
    """Reads subtree hashes of the tree of `size` from tiles; keeps what it has read."""
    kept: dict[tuple[int, int], list[bytes]] = {}

    def tile(level: int, index: int) -> list[bytes]:
        if (level, index) not in kept:
            width = width_in(size, level, index)
            if width == 0:
                raise BadTile(reason=("树中没有该分块", "the tree has no such tile"))
            kept[level, index] = decode_tile(read(tile_path(level, index, width)), width)
        return kept[level, index]

    def subtree(height: int, index: int) -> bytes:
        level, rest = divmod(height, 8)
        first = index << rest
        row = tile(level, first // WIDTH)[first % WIDTH : first % WIDTH + (1 << rest)]
        if len(row) != 1 << rest:
            raise BadTile(reason=("子树不完整", "the subtree is not complete"))
        while len(row) > 1:
            row = pair_up(row)
        return row[0]

    return subtree


@dataclass(frozen=True)
class Growth:
    """What a batch adds: the tiles to write by path (entry bundles apart), new size and root."""

    size: int
    root: bytes
    tiles: dict[str, bytes]


def grow(old_size: int, leaves: Sequence[bytes], read: TileReader) -> Growth:
    """Appends leaf hashes to a log of `old_size` whose right edge `read` gives. Raises BadTile."""
    written: dict[str, bytes] = {}
    row = list(leaves)
    for level in range(MAX_LEVEL + 1):
        if not row:
            break
        first, held = divmod(old_size >> (8 * level), WIDTH)
        if held:
            row = decode_tile(read(tile_path(level, first, held)), held) + row
        above: list[bytes] = []
        for number, at in enumerate(range(0, len(row), WIDTH)):
            part = row[at : at + WIDTH]
            written[tile_path(level, first + number, len(part))] = b"".join(part)
            if len(part) == WIDTH:
                while len(part) > 1:
                    part = pair_up(part)
                above.append(part[0])
        row = above
    size = old_size + len(leaves)

    def through(path: str) -> bytes:
        return written[path] if path in written else read(path)

    return Growth(size, root_from(size, hash_reader(through, size)), written)
