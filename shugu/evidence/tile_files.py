"""The log's objects in this venue's store: what stands there never changes, and a checkpoint is put there last of all.

Layout is the HTTP one: `checkpoint`, `tile/<L>/<N>[.p/W]`, `tile/entries/<N>[.p/W]`. The store is `<home>/log` unless
home.toml names another (`log_store = "s3://bucket/prefix"`), whose options lie in `<home>/log_store.toml`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from shugu.evidence.errors import StoreUnusable, TileMissing
from shugu.evidence.local_store import LocalStore
from shugu.evidence.object_store import ObjectStore
from shugu.evidence.stores import CHECKPOINT, Holder, LogStore, Reached, nothing
from shugu.formats.tiles import WIDTH, TileRef, decode_bundle, encode_bundle, entries_path, tile_path, width_in
from shugu.kernel import runtime

_OPTIONS: Final = "log_store.toml"


def root() -> Path:
    """The log's folder on this machine."""
    return runtime.home().folder("log")


def store() -> LogStore:
    """Errors: StoreUnusable."""
    named = runtime.log_store()
    if not named:
        return LocalStore(root())
    return _opened(named, runtime.home().path / _OPTIONS, os.getpid())


@lru_cache(maxsize=4)
def _opened(named: str, options_file: Path, process: int) -> LogStore:
    """One client a process: its connections do not survive a fork."""
    scheme, _, rest = named.partition("://")
    if not rest or "@" in rest.partition("/")[0]:
        why = ("应为 协议://桶/前缀，且不含口令", "it must be protocol://bucket/prefix, without credentials")
        raise StoreUnusable(store=f"{scheme}://…", why=why)
    if scheme == "file":
        folder = Path(rest)
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder)
    options, conditional = _options(named, options_file)
    return ObjectStore(named, options, conditional=conditional)


def _options(named: str, file: Path) -> tuple[dict[str, Any], bool]:
    """`[options]` for the file system (endpoint, key, secret …) and `conditional`; neither is ever shown."""
    if not file.exists():
        return {}, True
    if file.stat().st_mode & 0o077:
        why = (f"{_OPTIONS} 应只有属主可读（chmod 600）", f"{_OPTIONS} must be its owner's alone (chmod 600)")
        raise StoreUnusable(store=named, why=why)
    try:
        given = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreUnusable(store=named, why=(f"{_OPTIONS} 不是 TOML", f"{_OPTIONS} is not TOML")) from error
    options, conditional = given.get("options", {}), given.get("conditional", True)
    if given.keys() - {"options", "conditional"} or not isinstance(options, dict) or not isinstance(conditional, bool):
        why = (f"{_OPTIONS} 只有 [options] 与 conditional", f"{_OPTIONS} has [options] and conditional only")
        raise StoreUnusable(store=named, why=why)
    return options, conditional


def read(path: str) -> bytes:
    """Errors: TileMissing; StoreFails."""
    return store().read(path)


def read_at(ref: TileRef, size: int) -> bytes:
    """A tile or bundle at exactly this width, cut out of the one that the tree of `size` has in the store.
    Errors: TileMissing when that tree has none so wide, or its object is gone."""
    width = width_in(size, ref.level or 0, ref.index)
    if not 1 <= ref.width <= width:
        raise TileMissing(path=ref.path)
    try:
        held = read(TileRef(ref.level, ref.index, width).path)
    except TileMissing:
        # A tree larger than this one, not public yet, has filled the tile; its narrow forms are gone.
        if width == WIDTH:
            raise
        held, width = read(TileRef(ref.level, ref.index).path), WIDTH
    if ref.width == width:
        return held
    if ref.level is not None:
        return held[: 32 * ref.width]
    return encode_bundle(decode_bundle(held, width)[: ref.width])


def published() -> bytes | None:
    """The signed checkpoint that is out, None before the first."""
    return store().published()


def write(files: Mapping[str, bytes], term: Holder, reached: Reached = nothing, *, mend: bool = False) -> None:
    """Make these objects durable. Errors: ObjectDiffers unless `mend`; WriterSuperseded; StoreFails."""
    store().write(files, term, reached, mend=mend)


def publish(note: bytes, term: Holder, reached: Reached = nothing) -> None:
    """Put the signed checkpoint out. Errors: LogForked, WriterSuperseded, StoreFails."""
    store().publish(note, term, reached)


def prune(old_size: int, new_size: int) -> None:
    """Drop the narrow forms of tiles that became full: `read_at` cuts them out of the full ones."""
    narrow: list[str] = []
    for level in range(8):
        before, after = old_size >> (8 * level), new_size >> (8 * level)
        for index in range(before // WIDTH, after // WIDTH):
            narrow.append(f"{tile_path(level, index)}.p")
            if level == 0:
                narrow.append(f"{entries_path(index)}.p")
    store().drop(narrow)


def names() -> Iterator[str]:
    """Every object of the log, by its path."""
    return store().names()


__all__ = [
    "CHECKPOINT", "Reached", "names", "nothing", "prune", "publish", "published", "read", "read_at", "root", "store",
    "write",
]  # fmt: skip
