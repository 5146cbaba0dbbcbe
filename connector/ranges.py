"""Sets of byte ranges as sorted, disjoint, half-open intervals. Pure."""

from __future__ import annotations

from .errors import RangeUnusable

Ranges = tuple[tuple[int, int], ...]


def added(ranges: Ranges, start: int, end: int) -> Ranges:
    """The union of `ranges` and [start, end)."""
    if start >= end:
        return ranges
    before = [r for r in ranges if r[1] < start]
    after = [r for r in ranges if r[0] > end]
    touching = [r for r in ranges if r[1] >= start and r[0] <= end]
    low = min([start, *(r[0] for r in touching)])
    high = max([end, *(r[1] for r in touching)])
    return (*before, (low, high), *after)


def total(ranges: Ranges) -> int:
    return sum(end - start for start, end in ranges)


def new_bytes(ranges: Ranges, start: int, end: int) -> int:
    """How many bytes of [start, end) are not in `ranges` yet."""
    return total(added(ranges, start, end)) - total(ranges)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open range an HTTP Range header asks for; None without one. Raises RangeUnusable.

    One range only: several ranges in one answer would be metered less clearly (RFC 9110 14.2 lets a server choose).
    """
    if header is None:
        return None
    unit, _, spec = header.partition("=")
    first, dash, last = spec.strip().partition("-")
    digits = all(not part or (part.isascii() and part.isdigit() and len(part) < 19) for part in (first, last))
    if unit.strip().lower() != "bytes" or not dash or not digits or not (first or last):
        raise RangeUnusable(size=size)
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise RangeUnusable(size=size)
    return start, end
