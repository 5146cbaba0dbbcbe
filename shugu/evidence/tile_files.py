"""The log's files under <home>/log: what stands there never changes, and a checkpoint is put there last of all.

Layout is the HTTP one: `checkpoint`, `tile/<L>/<N>[.p/W]`, `tile/entries/<N>[.p/W]`. Any static file server can serve it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from shugu.evidence.errors import TileMissing
from shugu.formats.tiles import WIDTH, TileRef, decode_bundle, encode_bundle, entries_path, tile_path, width_in
from shugu.kernel import runtime

Reached = Callable[[str], None]

CHECKPOINT: Final = "checkpoint"
_TEMPORARY: Final = ".writing"
_FSYNCS: Final = 8  # waiting at once: the file system commits them together


def root() -> Path:
    return runtime.home().folder("log")


def nothing(step: str) -> None:
    """Called at each step of a write; tests stop there."""


def read(path: str) -> bytes:
    """Errors: TileMissing."""
    try:
        return (root() / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TileMissing(path=path) from error


def read_at(ref: TileRef, size: int) -> bytes:
    """A tile or bundle at exactly this width, cut out of the one that the tree of `size` has on disk.
    Errors: TileMissing when that tree has none so wide, or its file is gone."""
    width = width_in(size, ref.level or 0, ref.index)
    if not 1 <= ref.width <= width:
        raise TileMissing(path=ref.path)
    held = read(TileRef(ref.level, ref.index, width).path)
    if ref.width == width:
        return held
    if ref.level is not None:
        return held[: 32 * ref.width]
    return encode_bundle(decode_bundle(held, width)[: ref.width])


def published() -> bytes | None:
    """The signed checkpoint that is out, None before the first."""
    try:
        return (root() / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        return None


def write(files: Mapping[str, bytes], reached: Reached = nothing) -> None:
    """Make these files durable under their names. A file that already stands with this content is left alone."""
    top = root()
    fresh: list[Path] = []
    folders: set[Path] = set()
    for name, content in files.items():
        target = top / name
        if _stands(target, content):
            continue
        _make(target.parent, top, folders)
        _temporary(target).write_bytes(content)
        fresh.append(target)
        reached(f"written {name}")
    with ThreadPoolExecutor(_FSYNCS) as pool:
        list(pool.map(_fsync, map(_temporary, fresh)))
    reached("files synced")
    for target in fresh:
        os.replace(_temporary(target), target)
        folders.add(target.parent)
        reached(f"named {target.name}")
    for folder in sorted(folders):
        _fsync(folder)
    reached("folders synced")


def publish(note: bytes, reached: Reached = nothing) -> None:
    """Put the signed checkpoint out, whole or not at all."""
    write({CHECKPOINT: note}, reached)


def prune(old_size: int, new_size: int) -> None:
    """Drop the narrow forms of tiles that became full: `read_at` cuts them out of the full ones."""
    for level in range(8):
        before, after = old_size >> (8 * level), new_size >> (8 * level)
        for index in range(before // WIDTH, after // WIDTH):
            paths = [tile_path(level, index)] + ([entries_path(index)] if level == 0 else [])
            for path in paths:
                _drop(root() / f"{path}.p")


def _drop(folder: Path) -> None:
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
    folder.rmdir()


def names() -> Iterator[str]:
    """Every file under the log's folder, by its path there."""
    top = root()
    for folder, _, files in os.walk(top):
        for file in files:
            if not file.endswith(_TEMPORARY):
                yield (Path(folder) / file).relative_to(top).as_posix()


def _stands(target: Path, content: bytes) -> bool:
    try:
        return target.read_bytes() == content
    except (FileNotFoundError, NotADirectoryError):
        return False


def _temporary(target: Path) -> Path:
    # One name a file: what a crash leaves behind is overwritten by the next try.
    return target.with_name(f"{target.name}{_TEMPORARY}")


def _make(folder: Path, top: Path, made: set[Path]) -> None:
    """Make a folder and remember which parents got a new name in them."""
    missing = []
    at = folder
    while at != top and not at.exists():
        missing.append(at)
        at = at.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        made.add(each.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
