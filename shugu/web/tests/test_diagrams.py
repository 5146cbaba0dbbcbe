"""Every table can be drawn: whole, without boxes on one another, in both languages."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from shugu.kernel.procedure import Table
from shugu.kernel.tables import all_tables
from shugu.web.diagrams import LABEL_FONT, flow_svg, lines_of
from shugu.web.flow_layout import lay_out, spine

TABLES = [t for versions in all_tables().values() for t in versions.values()]
EACH = pytest.mark.parametrize("table", TABLES, ids=lambda t: t.key)
NAME = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> str:
    return re.sub(r"\s", "", "".join(ElementTree.fromstring(svg).itertext()))


@EACH
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_state_and_step_is_in_the_drawing(table: Table, lang: str) -> None:
    told = texts(flow_svg(table, lang))
    assert all(re.sub(r"\s", "", s.title.pick(lang)) in told for s in table.states)
    assert all(re.sub(r"\s", "", s.title.pick(lang)) in told for s in table.steps)


@EACH
def test_no_box_lies_on_another_or_outside(table: Table) -> None:
    svg = ElementTree.fromstring(flow_svg(table, "zh"))
    width, height = int(svg.attrib["width"]), int(svg.attrib["height"])
    boxes = [r for r in svg.iter(f"{NAME}rect") if r.attrib["class"].startswith("box")]
    assert len(boxes) == len(table.states)
    places = [tuple(int(b.attrib[k]) for k in ("x", "y", "width", "height")) for b in boxes]
    for n, (x, y, w, h) in enumerate(places):
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        assert not any(x < a + c and a < x + w and y < b + d and b < y + h for a, b, c, d in places[:n])


@EACH
def test_every_arrow_stays_in_the_drawing_and_every_final_state_is_marked(table: Table) -> None:
    svg = ElementTree.fromstring(flow_svg(table, "zh"))
    width, height = int(svg.attrib["width"]), int(svg.attrib["height"])
    points = [p for line in svg.iter(f"{NAME}polyline") for p in line.attrib["points"].split()]
    assert all(0 <= int(x) <= width and 0 <= int(y) <= height for x, y in (p.split(",") for p in points))
    finals = [r for r in svg.iter(f"{NAME}rect") if r.attrib["class"] == "box final"]
    assert len(finals) == sum(s.final for s in table.states)


@EACH
def test_every_way_of_the_table_is_an_arrow_a_letter_or_a_loop(table: Table) -> None:
    flow = lay_out(table)
    ways = {(f, o.to, s.do) for s in table.steps for f in s.from_ for o in s.outcomes}
    drawn = {(e.from_, e.to, s.do) for e in flow.edges for s in e.steps}
    drawn |= {(f, b.to, s.do) for b in flow.bundles for s in b.steps for f in s.from_ if f in b.from_}
    drawn |= {(state, state, s.do) for state, steps in flow.loops.items() for s in steps}
    assert ways == drawn


@EACH
def test_the_way_to_a_good_end_begins_at_the_first_state_and_stands_in_the_first_column(table: Table) -> None:
    main = spine(table)
    assert main[0] == table.initial and table.state[main[-1]].final
    assert all(lay_out(table).place(state)[1] == 0 for state in main)


def test_words_are_broken_between_chinese_characters_and_between_latin_words() -> None:
    assert lines_of("形式审查通过，予以公示", LABEL_FONT, 72) == ["形式审查通", "过，予以公示"]
    assert lines_of("pass the review", LABEL_FONT, 60) == ["pass the", "review"]
