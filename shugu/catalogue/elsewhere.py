"""Data that is listed at another venue already: one object, one listing. Door: services.

A later app that knows other venues' listings registers a function; what it answers keeps our provider from listing the same
data a second time. Nothing else of a listing changes by it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Listed = Callable[[str, datetime], str]
_ASKED: list[Listed] = []


def listed_elsewhere(function: Listed) -> None:
    """Register f(digest of the data, now) -> `<origin>:<product>` where it is listed, "" for nowhere."""
    if function not in _ASKED:
        _ASKED.append(function)


def where(data_digest: str, now: datetime) -> str:
    return next((found for f in _ASKED if (found := f(data_digest, now))), "")
