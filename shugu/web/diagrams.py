"""A procedure table as a drawing: states as boxes in layers from top to bottom, steps as labelled arrows.

Pure: a Table in, SVG out; the page shows the same as a table for those who do not see it. An arrow's label stands where
the arrow arrives. A step out of three states or more into one (withdraw, refuse) is drawn once: a letter marks its
states. Nothing is placed by hand, so every table can be drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from django.utils.safestring import SafeString, mark_safe

from shugu.kernel.procedure import CLOCK, Step, Table
from shugu.kernel.text import Text
from shugu.web.flow_layout import Edge, Flow, lay_out

WIDTH, PITCH, PAD, STEM = 184, 228, 12, 20
LINE, LANE, SIDE, HEAD = 18, 9, 10, 12
BOX_FONT, LABEL_FONT = 13, 12
MARGIN = 8
# A Chinese character with the closing marks after it, or a Latin word; with the space before it.
_PIECE = re.compile(" ?(?:[\u2e80-\U0010ffff][，、；。）：」]*|[^ \u2e80-\U0010ffff]+)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def lines_of(words: str, font: int, room: int) -> list[str]:
    """Words broken to `room` pixels: between Chinese characters anywhere, between Latin words at spaces."""
    lines, width = [""], 0.0
    for piece in _PIECE.findall(words):
        size = sum(font if ord(c) > 0x2E7F else font * 0.56 for c in piece)
        if lines[-1] and width + size > room:
            lines.append("")
            width, piece = 0.0, piece.lstrip()
        lines[-1] += piece
        width += size
    return lines


class Point(NamedTuple):
    x: int
    y: int


@dataclass(frozen=True)
class Label:
    lines: tuple[str, ...]
    title: str


@dataclass
class Gap:
    """The room above a row (or below the last): lanes for horizontals, then the labels of what arrives."""

    top: int = 0
    lanes: int = 0
    used: int = 0
    labels: int = 0

    def lane(self) -> int:
        self.used += 1
        return self.top + HEAD + (self.used - 1) * LANE


@dataclass
class Drawing:
    table: Table
    flow: Flow
    lang: str
    labels: dict[str, list[Label]] = field(default_factory=dict)
    boxes: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    left: int = MARGIN
    right: int = 0

    @property
    def comma(self) -> str:
        return "、" if self.lang.startswith("zh") else ", "

    def state_lines(self, state: str) -> list[str]:
        row = self.table.state[state]
        return lines_of(row.title.pick(self.lang), BOX_FONT, WIDTH - 2 * PAD)

    def loops(self, state: str) -> list[str]:
        """Steps that lead back to the same state stand inside its box."""
        words = [s.title.pick(self.lang) for s in self.flow.loops.get(state, ())]
        return [line for w in words for line in lines_of(f"↻ {w}", LABEL_FONT, WIDTH - 2 * PAD)]


def flow_svg(table: Table, lang: str) -> SafeString:
    """The drawing of a table in one language ("zh…" or "en…")."""
    drawing = Drawing(table, lay_out(table), lang)
    _label(drawing)
    _measure(drawing)
    _draw_edges(drawing)
    _draw_bundles(drawing)
    _draw_boxes(drawing)
    height = drawing.gaps[-1].top + HEAD + drawing.gaps[-1].lanes * LANE + MARGIN
    name = Text(f"{table.title.zh}：流程图，下表内容相同", f"{table.title.en}: diagram; the table below says the same")
    body = "".join(drawing.parts)
    return mark_safe(  # noqa: S308  every text in it has been escaped
        f'<svg class="flow" role="img" aria-label="{escape(name.pick(lang))}" width="{drawing.right}" height="{height}"'
        f' viewBox="0 0 {drawing.right} {height}" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _label(d: Drawing) -> None:
    for state in (s.id for s in d.table.states):
        arriving = d.flow.arriving(state)
        bundles = [b for b in d.flow.bundles if b.to == state]
        told: list[Label] = []
        for bundle in bundles:
            mark = _LETTERS[d.flow.bundles.index(bundle) % len(_LETTERS)]
            told.append(_label_of(d, f"{mark} · {_title(d, bundle.steps)}", bundle.steps))
        same: dict[str, list[Edge]] = {}
        for edge in arriving:
            same.setdefault(_title(d, edge.steps), []).append(edge)
        for words, edges in same.items():
            if len(same) + len(bundles) > 1 or len(edges) > 1:
                words += " ← " + d.comma.join(d.table.state[e.from_].title.pick(d.lang) for e in edges)
            told.append(_label_of(d, words, tuple(s for e in edges for s in e.steps)))
        d.labels[state] = told


def _title(d: Drawing, steps: tuple[Step, ...]) -> str:
    words = []
    for step in steps:
        title = step.title.pick(d.lang)
        words.append(f"{title} ◇" if len({o.to for o in step.outcomes}) > 1 else title)
    return " / ".join(dict.fromkeys(words))


def _label_of(d: Drawing, words: str, steps: tuple[Step, ...]) -> Label:
    roles = dict.fromkeys(r for s in steps for r in s.by)
    who = d.comma.join(d.table.party[r].title.pick(d.lang) if r in d.table.party else r for r in roles)
    articles = "、".join(dict.fromkeys(s.article for s in steps if s.article))
    room = PITCH - STEM - 2 * PAD
    return Label(tuple(lines_of(words, LABEL_FONT, room)), " · ".join(x for x in (words, who, articles) if x))


def _measure(d: Drawing) -> None:
    """Where every row, gap and box stands; gaps are as high as their lanes and labels need."""
    rows = d.flow.rows
    d.gaps = [Gap() for _ in range(len(rows) + 1)]
    row_of = {s: n for n, row in enumerate(rows) for s in row.values()}
    sides = 0
    for edge in d.flow.edges:
        below, above = row_of[edge.from_] + 1, row_of[edge.to]
        d.gaps[below].lanes += 1
        if below != above:
            d.gaps[above].lanes += 1
            sides += d.flow.is_left(edge)
    d.left = MARGIN + sides * SIDE
    y = MARGIN
    for number, row in enumerate(rows):
        gap = d.gaps[number]
        gap.top = y
        gap.labels = max(sum(len(x.lines) for x in d.labels[s]) for s in row.values())
        y += (HEAD + gap.lanes * LANE if number else 0) + gap.labels * LINE + (HEAD if gap.labels else 0)
        height = max(len(d.state_lines(s)) + len(d.loops(s)) for s in row.values()) * LINE + PAD + LINE
        for column, state in row.items():
            own = (len(d.state_lines(state)) + len(d.loops(state))) * LINE + PAD + LINE
            d.boxes[state] = (d.left + column * PITCH, y, own)
        y += height
    d.gaps[-1].top = y
    columns = max(max(row) for row in rows) + 1
    long = sum(1 for e in d.flow.edges if not d.flow.is_left(e) and row_of[e.to] != row_of[e.from_] + 1)
    d.right = d.left + (columns - 1) * PITCH + WIDTH + PAD + long * SIDE + MARGIN + STEM


def _draw_edges(d: Drawing) -> None:
    row_of = {s: n for n, row in enumerate(d.flow.rows) for s in row.values()}
    left = right = 0
    for edge in d.flow.edges:
        x, y, height = d.boxes[edge.from_]
        goal_x, goal_y, _ = d.boxes[edge.to]
        below, above = d.gaps[row_of[edge.from_] + 1], d.gaps[row_of[edge.to]]
        turn = below.lane()
        path = [Point(x + STEM, y + height), Point(x + STEM, turn)]
        if below is not above:
            if d.flow.is_left(edge):
                side = d.left - SIDE * (left + 1)
                left += 1
            else:
                side = d.right - MARGIN - SIDE * right
                right += 1
            turn = above.lane()
            path += [Point(side, path[-1].y), Point(side, turn)]
        path += [Point(goal_x + STEM, turn), Point(goal_x + STEM, goal_y)]
        d.parts.append(_arrow(path, edge))


def _arrow(path: list[Point], edge: Edge) -> str:
    kind = " by-clock" if edge.steps and all(s.by == (CLOCK,) for s in edge.steps) else ""
    line = " ".join(f"{p.x},{p.y}" for p in path)
    return f'<polyline class="line{kind}" points="{line}"/>{_tip(path[-1])}'


def _tip(at: Point) -> str:
    return f'<polygon class="tip" points="{at.x - 4},{at.y - 8} {at.x + 4},{at.y - 8} {at.x},{at.y}"/>'


def _draw_bundles(d: Drawing) -> None:
    """A short arrow with its letter, where no drawn arrow arrives already; the letters stand in the boxes it leaves."""
    for state in {b.to for b in d.flow.bundles}:
        if not d.flow.arriving(state):
            x, y, _ = d.boxes[state]
            top = y - len([line for x in d.labels[state] for line in x.lines]) * LINE - HEAD // 2
            d.parts.append(_arrow([Point(x + STEM, top), Point(x + STEM, y)], Edge("", state, ())))


def _draw_boxes(d: Drawing) -> None:
    for state in d.table.states:
        x, y, height = d.boxes[state.id]
        kind = "final" if state.final else "first" if state.id == d.table.initial else "open"
        d.parts.append(f'<rect class="box {kind}" x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="6"/>')
        if state.final:
            inner = f'x="{x + 3}" y="{y + 3}" width="{WIDTH - 6}" height="{height - 6}" rx="4"'
            d.parts.append(f'<rect class="inner" {inner}/>')
        base = y + PAD // 2 + BOX_FONT
        for line in d.state_lines(state.id):
            d.parts.append(f'<text class="state" x="{x + PAD}" y="{base}">{escape(line)}</text>')
            base += LINE
        for line in d.loops(state.id):
            d.parts.append(f'<text class="step" x="{x + PAD}" y="{base}">{escape(line)}</text>')
            base += LINE
        marks = [_LETTERS[n % len(_LETTERS)] for n, b in enumerate(d.flow.bundles) if state.id in b.from_]
        ends = Text("终", "end") if state.final else Text("始", "start") if kind == "first" else Text("", "")
        told = " ".join(x for x in (ends.pick(d.lang), *marks) if x)
        d.parts.append(f'<text class="marks" x="{x + WIDTH - PAD}" y="{y + height - 7}" text-anchor="end">{told}</text>')
        _draw_labels(d, state.id)


def _draw_labels(d: Drawing, state: str) -> None:
    x, y, _ = d.boxes[state]
    count = sum(len(label.lines) for label in d.labels[state])
    base = y - HEAD - (count - 1) * LINE + 4
    for label in d.labels[state]:
        d.parts.append(f"<g><title>{escape(label.title)}</title>")
        for line in label.lines:
            d.parts.append(f'<text class="step" x="{x + STEM + 10}" y="{base}">{escape(line)}</text>')
            base += LINE
        d.parts.append("</g>")
