from __future__ import annotations

import re
from math import dist
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.text import Text
from shugu.web import charts
from shugu.web.charts import Bars, Gauge, Line, Mark, Radar

SIX = tuple(Mark(f"d{i}", i / 5, f"{i * 20}%") for i in range(6))
VALUES = st.none() | st.floats(0, 1e9, allow_nan=False)


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def circles(svg: str) -> list[tuple[float, float]]:
    return [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in parse(svg).iter("circle")]


def test_the_first_place_of_a_radar_is_at_the_top_and_the_rest_go_clockwise() -> None:
    assert charts.on_circle(0, 4, 10, (0, 0)) == pytest.approx((0, -10))
    assert charts.on_circle(1, 4, 10, (0, 0)) == pytest.approx((10, 0))


def test_a_radar_puts_each_value_at_its_share_of_the_radius() -> None:
    radii = [dist(c, (180, 136)) for c in circles(charts.radar_svg(Radar("q", SIX), "zh"))]
    assert radii == pytest.approx([i / 5 * 92 for i in range(6)], abs=0.1)


def test_a_missing_dimension_is_not_drawn_as_zero() -> None:
    marks = (*SIX[1:], Mark("d0", None, Text("无法评价", "not assessable")))
    svg = charts.radar_svg(Radar("q", marks), "en")
    assert len(circles(svg)) == 5
    assert all(dist(c, (180, 136)) > 1 for c in circles(svg))
    assert "not assessable" in svg and 'class="missing"' in svg


def test_a_radar_needs_three_marks_and_a_line_two() -> None:
    with pytest.raises(ValueError, match="three"):
        charts.radar_svg(Radar("q", SIX[:2]), "zh")
    with pytest.raises(ValueError, match="two"):
        charts.line_svg(Line("q", SIX[:1]), "zh")


def test_bars_are_as_long_as_their_share_of_the_largest() -> None:
    svg = charts.bars_svg(Bars("b", (Mark("a", 5, "5"), Mark("b", 10, "10"), Mark("c", None, "?"))), "zh")
    widths = [float(r.attrib["width"]) for r in parse(svg).iter("rect") if r.attrib["class"] == "bar"]
    assert widths == [180, 360]


@pytest.mark.parametrize(
    ("value", "at_most", "met"),
    [(96, False, True), (95, False, True), (94, False, False), (94, True, True), (96, True, False)],
)
def test_a_gauge_says_whether_the_target_is_met(value: float, at_most: bool, met: bool) -> None:
    gauge = Gauge("g", Mark("v", value, str(value)), Mark("t", 95, "95"), 100, at_most)
    assert charts.gauge_met(gauge) is met
    assert ("on target" in charts.gauge_svg(gauge, "en")) is met
    assert ("未达目标" in charts.gauge_svg(gauge, "zh")) is not met


def test_a_gauge_without_a_value_claims_nothing() -> None:
    gauge = Gauge("g", Mark("v", None, "—"), Mark("t", 95, "95"), 100)
    assert charts.gauge_met(gauge) is None
    assert "暂无数据" in charts.gauge_svg(gauge, "zh")


def test_a_gap_breaks_the_line() -> None:
    marks = [Mark("", v, "") for v in (1, 2, None, 4, 3)]
    runs = charts.line_runs(marks, 400, 0, 100)
    assert [len(r) for r in runs] == [2, 2]
    assert runs[0][0] == (0, 100) and runs[1][0] == (300, 0)


def test_words_are_escaped_and_the_picture_is_named() -> None:
    svg = charts.bars_svg(Bars(Text("<标题>", "x"), (Mark("<script>", 1, "&"),)), "zh")
    root = parse(svg)
    assert root.attrib["aria-label"] == "<标题>" and root.attrib["role"] == "img"
    assert "<script>" not in svg


@given(st.lists(VALUES, min_size=3, max_size=12), st.sampled_from(["zh", "en"]))
@settings(max_examples=60)
def test_any_values_give_well_formed_pictures_inside_their_frame(values: list[float | None], lang: str) -> None:
    marks = tuple(Mark(f"m{i}", v, str(v)) for i, v in enumerate(values))
    for chart in (Radar("r", marks), Bars("b", marks), Line("l", marks), Gauge("g", marks[0], marks[1], 1e6)):
        svg = charts.svg(chart, lang)
        root = parse(svg)
        width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
        for x, y in circles(svg):
            assert 0 <= x <= width and 0 <= y <= height
        assert all(0 <= float(w) <= width for w in re.findall(r'width="([0-9.]+)"', svg))
        assert len(charts.table_rows(chart)) >= 2
