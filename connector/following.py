"""Which keys of the exchange count: those pinned at the beginning, and what its key history says of their successors.

The history (docs/formats.md section 2) is fetched on start, every five minutes, and whenever something is signed with a key
of the exchange's name that is not known here. It is taken only if it is that of the pinned keys and begins with every line
of the one held, which lies in the home as `venue-keys.json`; anything else changes nothing and is told to whoever was refused.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from shugu.formats.credential import Document
from shugu.formats.errors import FormatError, Pair, VerificationError
from shugu.formats.keyhistory import HistoryNotTrusted, KeyPeriods, extends, trusted
from shugu.formats.suites import Keyring

HISTORY: Final = "venue-keys.json"
PLACE: Final = "/.well-known/venue-keys.json"
MOST_BYTES: Final = 4 << 20
FETCH_SECONDS: Final = 5
PAUSE: Final = timedelta(seconds=5)  # between two fetches that unknown keys ask for, so that nobody drives them
FOLLOW_SECONDS: Final = 300


@dataclass(frozen=True)
class Kept:
    """A history that was verified, and what it says."""

    content: bytes
    periods: KeyPeriods


class Exchange:
    """The exchange's keys as this connector knows them. Raises FormatError, VerificationError for a kept history that
    does not hold: then the home was tampered with."""

    def __init__(self, home: Path, url: str, pinned: Keyring) -> None:
        self.pinned = pinned
        self.name = next((k.name for k in pinned.keys if k.suite.name == "intl"), pinned.keys[0].name)
        self.problem: Pair | None = None
        """Why the last fetch gave nothing; None when what is held is what the exchange publishes."""
        self._file = home / HISTORY
        self._url = url + PLACE
        self._asked_at: datetime | None = None
        self._asking = asyncio.Lock()
        self._kept: Kept | None = None
        if self._file.exists():
            self._kept = self._verified(self._file.read_bytes())

    @property
    def keys(self) -> Keyring:
        """Those in force: what new documents and tokens are verified with."""
        return self._kept.periods.for_entry(None) if self._kept else self.pinned

    @property
    def lines(self) -> int:
        """How many lines the history held has; 0 without one."""
        return self._kept.periods.count if self._kept else 0

    def accepted(self, document: Document) -> Keyring:
        """For a document that was taken while its keys were in force, and is read again: it goes on when they retire.
        Raises KeyNotInForce."""
        return self._kept.periods.named_by(document) if self._kept else self.pinned

    def unknown(self, methods: Iterable[str]) -> str | None:
        """The first of these verification methods that is of the exchange's name but of no key it is known to have had."""
        known = self._kept.periods.every() if self._kept else self.pinned
        own = (m for m in methods if m.startswith(f"https://{self.name}#"))
        return next((m for m in own if known.by_method(m) is None), None)

    async def meet(self, methods: Iterable[str], now: datetime) -> Pair | None:
        """Something is signed with these keys: fetch the history if one is unknown. None when all are known or the history
        is the newest there is; else why it could not be fetched or taken."""
        named = list(methods)
        if self.unknown(named) is None:
            return None
        async with self._asking:
            lately = self._asked_at is not None and timedelta(0) <= now - self._asked_at < PAUSE
            if self.unknown(named) is not None and not lately:
                await self._ask(now)
        return self.problem if self.unknown(named) is not None else None

    async def follow(self, now: datetime) -> None:
        """Fetch the history; what comes of it is in `problem`."""
        async with self._asking:
            await self._ask(now)

    async def _ask(self, now: datetime) -> None:
        self._asked_at = now
        try:
            self.take(await _fetched(self._url))
        except (FormatError, VerificationError) as error:
            self.problem = (error.message("zh"), error.message("en"))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            told = str(error) or type(error).__name__
            self.problem = (f"未能从 {self._url} 取得密钥沿革（{told}）", f"no key history from {self._url} ({told})")
        else:
            self.problem = None

    def take(self, history: bytes) -> bool:
        """A newer version of the history; whether it says anything new. Raises FormatError, HistoryNotTrusted, BadSignature,
        and then nothing has changed."""
        if self._kept is not None and history == self._kept.content:
            return False
        found = self._verified(history)
        if self._kept is not None and not extends(self._kept.content, history):
            why = ("它不是已采信的密钥沿革的续写", "it does not go on from the history accepted before")
            raise HistoryNotTrusted(reason=why)
        _write(self._file, history)
        self._kept = found
        return True

    def _verified(self, history: bytes) -> Kept:
        return Kept(history, trusted(self.pinned, history))


async def _fetched(url: str) -> bytes:
    """Raises httpx.HTTPError, httpx.InvalidURL."""
    content = b""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=FETCH_SECONDS) as client,
        client.stream("GET", url, headers={"Cache-Control": "no-cache"}) as answer,
    ):
        if answer.status_code != 200:
            raise httpx.HTTPError(f"HTTP {answer.status_code}")
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > MOST_BYTES:
                raise httpx.HTTPError(f"> {MOST_BYTES} bytes")
    return content


def _write(path: Path, content: bytes) -> None:
    """Whole and durable, or the version before stays."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(path)


def methods_of(document: object) -> list[str]:
    """The verification methods that the proofs of an unverified document name."""
    proofs = document.get("proof") if isinstance(document, dict) else None
    named = [p.get("verificationMethod") for p in proofs if isinstance(p, dict)] if isinstance(proofs, list) else []
    return [method for method in named[:16] if isinstance(method, str)]
