"""What a designer would measure: contrast, shapes beside colours, weight, no third party."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import django_htmx
import pytest
from django.test import Client

from shugu.web.shapes import Tone

WEB = Path(__file__).resolve().parent.parent
CSS = (WEB / "static/web/shugu.css").read_text("utf-8")
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
AA_TEXT, AA_SHAPE = 4.5, 3.0


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def blocks() -> dict[str, dict[str, str]]:
    """The colours in light, in dark by preference and in dark by choice."""
    parts = {
        "light": r":root \{(.*?)\n\}",
        "dark": r':root:not\(\[data-theme="light"\]\) \{(.*?)\n  \}',
        "chosen": r':root\[data-theme="dark"\] \{(.*?)\n  \}',
    }
    found = {}
    for name, pattern in parts.items():
        match = re.search(pattern, CSS, re.DOTALL)
        assert match is not None, f"no {name} colours in the style sheet"
        found[name] = variables(match[1])
    return found


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT_PAIRS = [
    *[(ink, ground) for ink in ("ink", "quiet", "accent") for ground in ("page", "surface", "sunken")],
    *[(ink, "accent-soft") for ink in ("ink", "quiet", "accent")],
    *[(tone, f"{tone}-soft") for tone in Tone],
    *[(tone, "surface") for tone in Tone],
    ("on-accent", "accent"),
    ("demo", "demo-soft"),
]
SHAPE_PAIRS = [("edge", "surface"), ("edge", "page"), ("focus", "surface"), ("focus", "page")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_stands_out_from_its_ground_as_wcag_aa_asks(theme: str, ink: str, ground: str) -> None:
    colours = blocks()[theme]
    assert contrast(colours[ink], colours[ground]) >= AA_TEXT


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), SHAPE_PAIRS)
def test_edges_and_the_focus_ring_can_be_seen(theme: str, ink: str, ground: str) -> None:
    colours = blocks()[theme]
    assert contrast(colours[ink], colours[ground]) >= AA_SHAPE


def test_the_contrast_formula_gives_the_known_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_dark_is_the_same_by_preference_and_by_choice() -> None:
    found = blocks()
    assert found["dark"] == found["chosen"]
    assert set(found["dark"]) == set(found["light"])


def test_every_tone_has_a_shape_of_its_own() -> None:
    base = re.search(r"\.chip::before.*?clip-path: ([^;]+);", CSS)
    assert base is not None
    shapes = {"neutral": base[1]}
    for tone in set(Tone) - {Tone.NEUTRAL}:
        own = re.search(rf"\.tone-{tone}\.chip::before[^{{]*\{{ clip-path: ([^;]+);", CSS)
        assert own is not None, f"{tone} has no shape"
        shapes[tone] = own[1]
    assert len(set(shapes.values())) == len(Tone)


def test_nothing_is_asked_of_a_third_party() -> None:
    sheets = [CSS, (WEB / "static/web/shugu.js").read_text("utf-8")]
    for text in sheets + [t.read_text("utf-8") for t in TEMPLATES]:
        assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
        assert "@import" not in text


def test_templates_are_short_and_carry_no_inline_script_or_style() -> None:
    for template in TEMPLATES:
        text = template.read_text("utf-8")
        assert len(text.splitlines()) <= 150
        assert " style=" not in text and "<style" not in text and "onclick" not in text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)


def test_a_page_with_everything_it_needs_weighs_under_150_kb(visitor: Client) -> None:
    html = visitor.get("/style/").content
    scripts = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js"
    files = [*(WEB / "static/web").iterdir(), scripts]
    assert len(html) > 10_000
    assert len(html) + sum(f.stat().st_size for f in files) < 150_000


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_style_guide_shows_every_component(visitor: Client, lang: str) -> None:
    html = visitor.get(f"/style/?lang={lang}").content.decode()
    for part in ("record", "timeline", "table", "chip", "clock", "seal", "mark", "tile", "chart", "progress", "field"):
        assert f'class="{part}' in html
    for tone in Tone:
        assert f"tone-{tone}" in html
    assert ("还剩 3 个工作日" in html) is (lang == "zh")
    assert ("3 working days left" in html) is (lang == "en")


def test_the_style_guide_is_closed_in_a_real_venue(visitor: Client, settings: Any) -> None:
    settings.DEBUG = False
    assert [visitor.get(f"/style/{rest}").status_code for rest in ("", "panel/", "side/1/")] == [404] * 3


def test_ids_on_a_page_are_unique_and_labels_point_to_them(visitor: Client) -> None:
    html = visitor.get("/style/").content.decode()
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'<label[^>]* for="([^"]+)"', html) + re.findall(r'popovertarget="([^"]+)"', html):
        assert target in ids
