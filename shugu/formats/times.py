"""The one spelling of an instant: RFC 3339 in UTC, whole seconds, `2026-11-22T02:05:04Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from shugu.formats.errors import FormatError

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")


def write_time(at: datetime) -> str:
    """Fractions of a second are cut. Raises FormatError for a naive datetime."""
    if at.tzinfo is None:
        raise FormatError(reason=("时间没有时区", "the time has no zone"))
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> datetime:
    """Inverse of `write_time`; raises FormatError for any other spelling."""
    if not _TIME.fullmatch(text):
        raise FormatError(reason=("时间写法有误", "malformed time"))
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise FormatError(reason=("没有这一时刻", "there is no such time")) from error
