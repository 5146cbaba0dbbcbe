"""The only reader of the clock. A demonstration home may start in the past and catch up, never run ahead: what it
signs is never dated in the future."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_READ_AGAIN_AFTER = 0.5
_cache: tuple[float, int] = (float("-inf"), 0)


def wall() -> datetime:
    """The machine's time, UTC."""
    return datetime.now(UTC)  # noqa: TID251  the one place


def now() -> datetime:
    """The venue's time, UTC: the wall clock, less what a demonstration home still lags."""
    return wall() + timedelta(seconds=_shift())


def on_the_wall(moment: datetime) -> datetime:
    """What the machine's clock shows at a moment of the venue's time: one-time codes run by it."""
    return moment - timedelta(seconds=_shift())


def monotonic() -> float:
    """Seconds for measuring durations only."""
    return time.monotonic()


def _shift() -> int:
    global _cache
    from shugu.kernel import runtime

    if not runtime.demo():
        return 0
    read_at, shift = _cache
    if time.monotonic() - read_at > _READ_AGAIN_AFTER:
        from shugu.kernel.models import HomeMark

        mark = HomeMark.objects.filter(mode="demo").values_list("clock_shift", flat=True).first()
        shift = mark or 0
        _cache = (time.monotonic(), shift)
    return shift


def forget() -> None:
    """Read the shift anew at the next call (after it was changed in this process)."""
    global _cache
    _cache = (float("-inf"), 0)
