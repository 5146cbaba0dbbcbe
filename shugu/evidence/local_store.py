"""The log on a local disk: written aside, synced, renamed. Any static file server can serve it.

Each term writes aside in a folder of its own (`.writing/<holder>/`). A new term moves the folders of all others away
first: a rename out of them fails from then on, however long its process was frozen before it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from shugu.evidence.errors import ObjectDiffers, TileMissing, WriterSuperseded
from shugu.evidence.stores import CHECKPOINT, Holder, Reached, may_follow

_ASIDE: Final = ".writing"
_FSYNCS: Final = 8  # waiting at once: the file system commits them together


class LocalStore:
    def __init__(self, top: Path) -> None:
        self.top = top

    def begin(self, term: Holder) -> None:
        term.check()  # an outlived term that wakes here would only hinder its successor
        aside = self.top / _ASIDE
        aside.mkdir(parents=True, exist_ok=True)
        for folder in aside.iterdir():
            if folder.name in (term.holder, f"{term.holder}.gone"):
                continue
            gone = aside / f"{term.holder}.gone"
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(folder, gone)  # all its names end at this instant
            shutil.rmtree(gone)
        (aside / term.holder).mkdir(exist_ok=True)

    def read(self, path: str) -> bytes:
        held = self._held(path)
        if held is None:
            raise TileMissing(path=path)
        return held

    def exists(self, path: str) -> bool:
        return (self.top / path).is_file()

    def names(self) -> Iterator[str]:
        for folder, inner, files in os.walk(self.top):
            if _ASIDE in inner:
                inner.remove(_ASIDE)
            for file in files:
                yield (Path(folder) / file).relative_to(self.top).as_posix()

    def write(self, files: Mapping[str, bytes], term: Holder, reached: Reached, *, mend: bool = False) -> None:
        fresh: dict[str, Path] = {}
        folders: set[Path] = set()
        for name, content in files.items():
            held = self._held(name)
            if held == content:
                continue
            if held is not None and not mend:
                raise ObjectDiffers(path=name)
            _make((self.top / name).parent, self.top, folders)
            fresh[name] = self._aside(term, len(fresh), content)
            term.pulse()
            reached(f"written {name}")
        with ThreadPoolExecutor(_FSYNCS) as pool:
            list(pool.map(lambda aside: self._sync(aside, term), fresh.values()))
        reached("files synced")
        for name, aside in fresh.items():
            target = self.top / name
            self._name(aside, target, term)
            folders.add(target.parent)
            reached(f"named {target.name}")
        for folder in sorted(folders):
            _fsync(folder)
        reached("folders synced")

    def published(self) -> bytes | None:
        return self._held(CHECKPOINT)

    def publish(self, note: bytes, term: Holder, reached: Reached) -> None:
        if not may_follow(self.published(), note):
            return
        aside = self._aside(term, "checkpoint", note)
        reached("checkpoint written aside")
        self._sync(aside, term)
        reached("checkpoint synced")
        term.check()
        reached("term checked")
        self._name(aside, self.top / CHECKPOINT, term)
        reached("checkpoint named")
        _fsync(self.top)
        reached("checkpoint out")

    def drop(self, folders: Sequence[str]) -> None:
        for name in folders:
            if (self.top / name).is_dir():
                shutil.rmtree(self.top / name, ignore_errors=True)  # a second writer drops the same

    def _held(self, path: str) -> bytes | None:
        try:
            return (self.top / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _aside(self, term: Holder, name: int | str, content: bytes) -> Path:
        path = self.top / _ASIDE / term.holder / str(name)
        try:
            path.write_bytes(content)
        except FileNotFoundError as error:
            raise self._superseded(term) from error
        return path

    def _sync(self, aside: Path, term: Holder) -> None:
        try:
            _fsync(aside)
        except FileNotFoundError as error:
            raise self._superseded(term) from error

    def _name(self, aside: Path, target: Path, term: Holder) -> None:
        try:
            os.replace(aside, target)
        except FileNotFoundError as error:
            raise self._superseded(term) from error

    def _superseded(self, term: Holder) -> WriterSuperseded:
        return WriterSuperseded(epoch=getattr(term, "epoch", term.holder))


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
