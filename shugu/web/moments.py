"""Days and moments as they are read in Shanghai. Pure."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day_words(value: date) -> str:
    """2026-10-12; an aware moment gives its day in Shanghai."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(SHANGHAI)
    return f"{value:%Y-%m-%d}"


def moment_words(value: datetime) -> str:
    """2026-10-12 14:05, Shanghai. ValueError for a moment without a zone: its day would be a guess."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
