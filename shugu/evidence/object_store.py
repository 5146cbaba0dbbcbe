"""The log in a bucket, through fsspec: S3 and what speaks it, OSS, or any other file system that fsspec knows.

A bucket has no rename and may lie or lag. Objects are created and not overwritten where the service can refuse that
(S3: If-None-Match; OSS: x-oss-forbid-overwrite), compared first elsewhere; each is read back before anything is
signed over it. The checkpoint is exchanged against the ETag that was read (S3: If-Match); a service without that
leaves one window, which the next look at the public checkpoint closes (README, "object store").
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import fsspec

from shugu.evidence.errors import ObjectDiffers, StoreFails, StoreUnusable, TileMissing
from shugu.evidence.stores import CHECKPOINT, Holder, Reached, may_follow

FOR_EVER: Final = "public, max-age=31536000, immutable"
A_MOMENT: Final = "public, max-age=1"
BINARY: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"

_EXTRA: Final = {"s3": "s3", "s3a": "s3", "oss": "oss"}
_AT_ONCE: Final = 8
_LAG_SECONDS: Final = 5.0  # how long an accepted object may take to be readable
_FRESH_SECONDS: Final = 2.0  # how long the checkpoint we put out ourselves is believed to be the public one
_FOREIGN: Final = (  # the services' own errors that are no OSError, where their packages are installed
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("oss2.exceptions", "OssError"),
)


class ObjectStore:
    def __init__(self, url: str, options: Mapping[str, Any], *, conditional: bool = True) -> None:
        """`options` go to the file system as they are and are never shown. Errors: StoreUnusable."""
        self.protocol = url.partition("://")[0]
        self.url = url
        try:
            self.files, self.root = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            extra = _EXTRA.get(self.protocol)
            wanted = f"pip install '.[{extra}]'" if extra else f"fsspec: {self.protocol}"
            why = (f"缺少软件包（{wanted}）", f"a package is missing ({wanted})")
            raise StoreUnusable(store=url, why=why) from error
        except (ValueError, TypeError) as error:
            why = ("地址或选项有误", "the address or an option is wrong")
            raise StoreUnusable(store=url, why=why) from error
        self.conditional = conditional and self.protocol in ("s3", "s3a", "oss")
        self._errors: tuple[type[Exception], ...] = (OSError, *_foreign())
        self._out: tuple[float, bytes] | None = None

    def begin(self, term: Holder) -> None:
        self._out = None

    def read(self, path: str) -> bytes:
        held = self._held(path)
        if held is None:
            raise TileMissing(path=path)
        return held

    def exists(self, path: str) -> bool:
        return self._held(path) is not None

    def names(self) -> Iterator[str]:
        found: Sequence[str] = self._ask("", lambda: self.files.find(self.root, withdirs=False)) or ()
        for name in found:
            yield str(name)[len(self.root) :].lstrip("/")

    def write(self, files: Mapping[str, bytes], term: Holder, reached: Reached, *, mend: bool = False) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for name, _ in zip(files, pool.map(lambda n: self._create(n, files[n], mend), files), strict=True):
                term.pulse()
                reached(f"written {name}")
            reached("objects written")
            for _ in pool.map(lambda n: self._read_back(n, files[n]), files):
                term.pulse()
        reached("objects read back")

    def published(self) -> bytes | None:
        if self._out is not None and time.monotonic() - self._out[0] < _FRESH_SECONDS:
            return self._out[1]
        return self._held(CHECKPOINT)

    def publish(self, note: bytes, term: Holder, reached: Reached) -> None:
        tag = self._tag()  # before the content: a checkpoint that comes between them makes the exchange fail
        if not may_follow(self._held(CHECKPOINT), note):
            self._out = (time.monotonic(), note)
            return
        reached("checkpoint compared")
        term.check()
        reached("term checked")
        self._put(CHECKPOINT, note, TEXT, A_MOMENT, tag)
        self._read_back(CHECKPOINT, note)
        self._out = (time.monotonic(), note)
        reached("checkpoint out")

    def drop(self, folders: Sequence[str]) -> None:
        """Nothing: narrow tiles cost little there, and a bucket may forbid deletion altogether."""

    def _held(self, path: str) -> bytes | None:
        found: bytes | None = self._ask(path, lambda: self.files.cat_file(self._key(path)))
        return found

    def _create(self, path: str, content: bytes, mend: bool) -> None:
        held = self._held(path)
        if held == content:
            return
        if held is not None and not mend:
            raise ObjectDiffers(path=path)
        # What is mended is replaced; everything else is created, so that a writer that was late cannot replace it.
        self._put(path, content, BINARY, FOR_EVER, None if held is None else "*")

    def _put(self, path: str, content: bytes, media: str, keep: str, tag: str | None) -> None:
        """`tag`: None creates, "*" replaces whatever stands, anything else replaces exactly that."""
        more: dict[str, Any] = {}
        if self.protocol in ("s3", "s3a"):
            more = {"ContentType": media, "CacheControl": keep}
            if self.conditional and tag is None:
                more["mode"] = "create"
            elif self.conditional and tag != "*":
                more["IfMatch"] = tag
        elif self.protocol == "oss":
            more = {"headers": {"Content-Type": media, "Cache-Control": keep}}
            if self.conditional and tag is None:
                more["headers"]["x-oss-forbid-overwrite"] = "true"
        if self.protocol in ("file", "local"):
            self.files.makedirs(self.files._parent(self._key(path)), exist_ok=True)
        try:
            self.files.pipe_file(self._key(path), content, **more)
        except FileExistsError as error:
            if path == CHECKPOINT:
                raise self._fails(path, "已被他人更换", "somebody else has replaced it") from error
            if self._held(path) != content:  # another writer was first: with the same content all is well
                raise ObjectDiffers(path=path) from error
        except self._errors as error:
            raise self._fails(path, type(error).__name__, type(error).__name__) from error

    def _read_back(self, path: str, content: bytes) -> None:
        deadline = time.monotonic() + _LAG_SECONDS
        while (held := self._held(path)) != content:
            if time.monotonic() > deadline:
                if held is None:
                    raise self._fails(path, "已接受却读不到", "it was accepted and cannot be read")
                raise self._fails(path, "读回的内容不是写入的", "what is read is not what was written")
            time.sleep(0.05)

    def _tag(self) -> str | None:
        """The ETag of the public checkpoint; "*" where the service compares none."""
        if not self.conditional or self.protocol == "oss":
            return "*"
        info: Mapping[str, Any] | None = self._ask(CHECKPOINT, lambda: self.files.info(self._key(CHECKPOINT), refresh=True))
        return None if info is None else str(info["ETag"])

    def _ask(self, path: str, question: Callable[[], Any]) -> Any:
        """The answer, None for what is not there. The error's text is not repeated: it may hold addresses and keys."""
        try:
            return question()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except self._errors as error:
            raise self._fails(path, type(error).__name__, type(error).__name__) from error

    def _fails(self, path: str, zh: str, en: str) -> StoreFails:
        return StoreFails(path=path, why=(zh, en))

    def _key(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}"


def _foreign() -> tuple[type[Exception], ...]:
    out: list[type[Exception]] = []
    for module, name in _FOREIGN:
        try:
            out.append(getattr(importlib.import_module(module), name))
        except ImportError:
            continue
    return tuple(out)
