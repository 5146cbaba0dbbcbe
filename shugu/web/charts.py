"""Charts where people would rather look than read: inline SVG, each with its table. Pure functions.

Values are for looking at, so floats are welcome here; what is printed is `text`, given by
whoever owns the number (money is printed from fen). A missing value is drawn as missing, never as zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import cos, pi, sin

from shugu.kernel.text import Text
from shugu.web.shapes import Words
from shugu.web.wording import both

Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """One value: `value` None means not assessable; `text` is the value as printed, or why there is none."""

    name: Words
    value: float | None
    text: Words


@dataclass(frozen=True)
class Radar:
    """Three or more marks between 0 and 1: the six quality dimensions."""

    title: Words
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Bars:
    """Non-negative marks on one scale from 0 to `largest` (default: the largest of them)."""

    title: Words
    marks: tuple[Mark, ...]
    largest: float | None = None


@dataclass(frozen=True)
class Gauge:
    """One mark against its target on a scale from 0 to `largest`. `at_most`: smaller is better."""

    title: Words
    mark: Mark
    target: Mark
    largest: float
    at_most: bool = False


@dataclass(frozen=True)
class Line:
    """Marks in order, at least two; a missing one breaks the line."""

    title: Words
    marks: tuple[Mark, ...]


Chart = Radar | Bars | Gauge | Line


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _label(x: float, y: float, words: str, anchor: str = "middle", kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{css}>{escape(words)}</text>'


def on_circle(place: int, of: int, radius: float, centre: Point) -> Point:
    """The first place is at the top, the others follow clockwise."""
    angle = 2 * pi * place / of - pi / 2
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def radar_svg(chart: Radar, lang: str) -> str:
    count, centre, radius = len(chart.marks), (180.0, 136.0), 92.0
    if count < 3:
        raise ValueError("a radar needs three marks or more")
    rings = [[on_circle(i, count, radius * ring / 4, centre) for i in range(count)] for ring in (1, 2, 3, 4)]
    parts = [f'<polygon class="grid" points="{_points(ring)}"/>' for ring in rings]
    shape: list[Point] = []
    for place, mark in enumerate(chart.marks):
        edge = on_circle(place, count, radius, centre)
        missing = mark.value is None
        parts.append(
            f'<line class="{"missing" if missing else "grid"}" x1="{_n(centre[0])}" y1="{_n(centre[1])}"'
            f' x2="{_n(edge[0])}" y2="{_n(edge[1])}"/>'
        )
        if mark.value is not None:
            shape.append(on_circle(place, count, radius * min(1.0, max(0.0, mark.value)), centre))
        x, y = on_circle(place, count, radius + 20, centre)
        anchor = "middle" if abs(x - centre[0]) < 8 else ("start" if x > centre[0] else "end")
        parts.append(_label(x, y - 2, both(mark.name).pick(lang), anchor))
        parts.append(_label(x, y + 14, both(mark.text).pick(lang), anchor, "missing" if missing else "value"))
    if len(shape) > 2:
        parts.append(f'<polygon class="area" points="{_points(shape)}"/>')
    parts += [f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="3"/>' for x, y in shape]
    return _svg(360, 280, parts, chart.title, lang)


def bars_svg(chart: Bars, lang: str) -> str:
    largest = chart.largest or max((m.value or 0 for m in chart.marks), default=0) or 1
    parts = []
    for place, mark in enumerate(chart.marks):
        top = place * 44
        parts.append(_label(0, top + 14, both(mark.name).pick(lang), "start"))
        parts.append(
            _label(360, top + 14, both(mark.text).pick(lang), "end", "missing" if mark.value is None else "value")
        )
        parts.append(f'<rect class="track" x="0" y="{top + 21}" width="360" height="8" rx="4"/>')
        if mark.value is not None:
            width = 360 * min(1.0, max(0.0, mark.value / largest))
            parts.append(f'<rect class="bar" x="0" y="{top + 21}" width="{_n(width)}" height="8" rx="4"/>')
    return _svg(360, max(1, len(chart.marks)) * 44 - 8, parts, chart.title, lang)


def gauge_met(chart: Gauge) -> bool | None:
    """Whether the target is met; None while there is no value."""
    if chart.mark.value is None or chart.target.value is None:
        return None
    return chart.mark.value <= chart.target.value if chart.at_most else chart.mark.value >= chart.target.value


def gauge_svg(chart: Gauge, lang: str) -> str:
    def reach(value: float | None) -> float:
        return 360 * min(1.0, max(0.0, (value or 0) / (chart.largest or 1)))

    met = gauge_met(chart)
    verdict = {
        True: Text("达到目标", "on target"),
        False: Text("未达目标", "off target"),
        None: Text("暂无数据", "no value yet"),
    }[met]
    kind = {True: "bar good", False: "bar bad", None: "bar"}[met]
    at = reach(chart.target.value)
    sign = ("≤" if chart.at_most else "≥") + " "
    anchor = "start" if at < 120 else "end" if at > 240 else "middle"
    parts = [
        _label(0, 22, both(chart.mark.text).pick(lang), "start", "figure"),
        _label(360, 22, verdict.pick(lang), "end", "good" if met else "bad" if met is False else "missing"),
        '<rect class="track" x="0" y="38" width="360" height="12" rx="6"/>',
        f'<rect class="{kind}" x="0" y="38" width="{_n(reach(chart.mark.value))}" height="12" rx="6"/>',
        f'<line class="target" x1="{_n(at)}" y1="32" x2="{_n(at)}" y2="56"/>',
        _label(at, 72, sign + both(chart.target.text).pick(lang), anchor, "value"),
    ]
    return _svg(360, 78, parts, chart.title, lang)


def line_runs(marks: Sequence[Mark], width: float, top: float, bottom: float) -> list[list[Point]]:
    """The line in unbroken runs; the lowest value lies on `bottom`, the highest on `top`."""
    values = [m.value for m in marks if m.value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    spread, step = (high - low) or 1.0, width / max(1, len(marks) - 1)
    runs: list[list[Point]] = [[]]
    for place, mark in enumerate(marks):
        if mark.value is None:
            runs.append([])
        else:
            runs[-1].append((place * step, bottom - (bottom - top) * (mark.value - low) / spread))
    return [run for run in runs if run]


def line_svg(chart: Line, lang: str) -> str:
    if len(chart.marks) < 2:
        raise ValueError("a line needs two marks or more")
    parts = [f'<line class="grid" x1="0" y1="{y}" x2="360" y2="{y}"/>' for y in (24, 72, 120)]
    for run in line_runs(chart.marks, 352, 24, 120):
        moved = [(x + 4, y) for x, y in run]
        if len(moved) > 1:
            parts.append(f'<polyline class="stroke" points="{_points(moved)}"/>')
        parts += [f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="2.5"/>' for x, y in moved]
    known = [m for m in chart.marks if m.value is not None]
    if known:
        highest = max(known, key=lambda m: m.value or 0)
        parts.append(_label(0, 14, both(highest.text).pick(lang), "start", "value"))
        lowest = min(known, key=lambda m: m.value or 0)
        parts.append(_label(0, 136, both(lowest.text).pick(lang), "start", "value"))
    parts.append(_label(0, 156, both(chart.marks[0].name).pick(lang), "start"))
    parts.append(_label(360, 156, both(chart.marks[-1].name).pick(lang), "end"))
    return _svg(360, 160, parts, chart.title, lang)


def _svg(width: int, height: int, parts: Sequence[str], title: Words, lang: str) -> str:
    # The table beside it says everything: to a screen reader the picture is one named image.
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(both(title).pick(lang))}">'
        f"{''.join(parts)}</svg>"
    )


def svg(chart: Chart, lang: str) -> str:
    if isinstance(chart, Radar):
        return radar_svg(chart, lang)
    if isinstance(chart, Bars):
        return bars_svg(chart, lang)
    if isinstance(chart, Gauge):
        return gauge_svg(chart, lang)
    return line_svg(chart, lang)


def table_rows(chart: Chart) -> tuple[Mark, ...]:
    """The same values for reading."""
    if isinstance(chart, Gauge):
        return (chart.mark, Mark(Text("目标", "Target"), chart.target.value, chart.target.text))
    return chart.marks
