"""Where a log is read: over HTTP or from a folder with the same layout (C2SP tlog-tiles)."""

from __future__ import annotations

import gzip
import os
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from shugu.formats.errors import BadTile
from shugu.formats.merkle import HASH_SIZE
from shugu.formats.tiles import WIDTH, TileRef, decode_bundle, encode_bundle
from shugu.logtools.errors import ObjectMissing, SourceFails

CHECKPOINT: Final = "checkpoint"
MAX_NOTE: Final = 1 << 20
MAX_OBJECT: Final = WIDTH * (2 + 65_535)  # the largest entry bundle there can be
_SECONDS: Final = 20
_AGENT: Final = "shugu-log (+https://shugu.dev)"


class Source(Protocol):
    """`read` gives the bytes of `checkpoint` or `tile/…`. Errors: ObjectMissing, SourceFails."""

    @property
    def where(self) -> str: ...
    def read(self, path: str) -> bytes: ...


@dataclass(frozen=True)
class Folder:
    where: str

    def read(self, path: str) -> bytes:
        try:
            with (Path(self.where) / path).open("rb") as file:
                return file.read(MAX_OBJECT + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectMissing(path=path) from error
        except OSError as error:
            raise SourceFails(where=self.where, why=str(error)) from error

    def names(self) -> Iterator[str]:
        """Every file below `tile/`, by its path in the log."""
        top = Path(self.where)
        for folder, _, files in os.walk(top / "tile"):
            for file in sorted(files):
                yield (Path(folder) / file).relative_to(top).as_posix()


@dataclass(frozen=True)
class Http:
    """`where` is the log's prefix. Entry bundles may come compressed with gzip, as the specification allows."""

    where: str

    def read(self, path: str) -> bytes:
        asked = urllib.request.Request(  # noqa: S310 -- `open_source` lets http and https through, nothing else
            f"{self.where.rstrip('/')}/{path}", headers={"User-Agent": _AGENT, "Accept-Encoding": "gzip"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
                data: bytes = answer.read(MAX_OBJECT + 1)
                packed = answer.headers.get("Content-Encoding", "identity").lower() == "gzip"
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                raise ObjectMissing(path=path) from error
            raise SourceFails(where=self.where, why=f"HTTP {error.code}") from error
        except OSError as error:
            raise SourceFails(where=self.where, why=str(error)) from error
        return _unpacked(data, path) if packed else data


def _unpacked(data: bytes, path: str) -> bytes:
    """Errors: BadTile for what is no gzip, or grows beyond the largest object there can be."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        out = unpacker.decompress(data, MAX_OBJECT + 1)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise BadTile(reason=(f"{path} 不是 gzip", f"{path} is no gzip")) from error
    if not unpacker.eof:
        raise BadTile(reason=(f"{path} 的 gzip 被截断或过大", f"{path}: the gzip is cut short or too large"))
    return out


def open_source(where: str) -> Source:
    """A log by its URL or folder. Errors: SourceFails for another scheme or a folder that is not there."""
    if where.startswith(("http://", "https://")):
        return Http(where)
    if "://" in where or not Path(where).is_dir():
        raise SourceFails(where=where, why=("不是网址也不是目录", "it is neither a URL nor a folder"))
    return Folder(where)


def read_tile(source: Source, ref: TileRef) -> bytes:
    """A tile or bundle at exactly this width. A partial one may be gone once the full one stands: then it is cut out of
    that. Errors: ObjectMissing, SourceFails, BadTile."""
    try:
        return source.read(ref.path)
    except ObjectMissing:
        if ref.width == WIDTH:
            raise
    full = source.read(TileRef(ref.level, ref.index).path)
    if ref.level is not None:
        return full[: HASH_SIZE * ref.width]
    return encode_bundle(decode_bundle(full, WIDTH)[: ref.width])
