from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.template import Context, engines
from django.utils import translation

from shugu.kernel.errors import TooEarly
from shugu.kernel.rules import Force
from shugu.kernel.text import Text
from shugu.web import slots
from shugu.web.charts import Bars, Mark
from shugu.web.shapes import (
    Act,
    Chip,
    ClockFace,
    Event,
    Link,
    Progress,
    Record,
    Seal,
    SealState,
    Source,
    Tile,
    Tone,
)


def draw(source: str, lang: str = "zh-hans", **shown: Any) -> str:
    with translation.override(lang):
        template = engines["django"].from_string(source)
        return str(template.template.render(Context({"csrf_token": "csrf-1", **shown})))  # type: ignore[attr-defined]


def test_a_pair_is_told_in_the_active_language() -> None:
    assert draw('{% t "甲" "A" %}') == "甲"
    assert draw('{% t "甲" "A" %}', "en") == "A"
    assert draw("{% t words %}|{{ words }}", "en", words=Text("甲", "A")) == "A|A"


def test_a_pair_is_filled_kept_and_escaped() -> None:
    assert draw('{% t "共 {n} 条" "{n} rows" n=n as told %}[{{ told }}]', n="<3>") == "[共 &lt;3&gt; 条]"


@pytest.mark.parametrize(("amount", "printed"), [(123456, "1,234.56"), (0, "0.00"), (-5, "-0.05"), (None, "—")])
def test_fen_are_printed_as_yuan(amount: int | None, printed: str) -> None:
    assert draw("{{ amount|fen }}", amount=amount) == printed


def test_yuan_carry_their_sign() -> None:
    assert draw("{{ amount|yuan }}", amount=100) == "¥1.00"


@pytest.mark.parametrize("name", ["fen", "yuan"])
def test_it_refuses_to_print_a_float_as_money(name: str) -> None:
    with pytest.raises(TypeError, match="integer fen"):
        draw(f"{{{{ amount|{name} }}}}", amount=12.5)


def test_moments_are_read_in_shanghai() -> None:
    late = datetime(2026, 10, 11, 16, 5, tzinfo=UTC)
    assert draw("{{ m|day }} {{ m|moment }} {{ d|moment }} {{ n|day }}", m=late, d=date(2026, 1, 2), n=None) == (
        "2026-10-12 2026-10-12 00:05 2026-01-02 —"
    )


def test_it_refuses_a_moment_without_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        draw("{{ m|moment }}", m=datetime(2026, 1, 1))


def test_a_chip_has_word_and_tone() -> None:
    assert (
        draw("{% chip c %}", c=Chip(Text("已登记", "Registered"), Tone.GOOD))
        == '<span class="chip tone-good">已登记</span>'
    )
    assert draw('{% chip "x" "bad" %}') == '<span class="chip tone-bad">X</span>'
    with pytest.raises(ValueError, match="mauve"):
        draw('{% chip "x" "mauve" %}')


@pytest.mark.parametrize(
    ("face", "tone"),
    [
        (ClockFace(date(2026, 10, 12), 5), Tone.NEUTRAL),
        (ClockFace(date(2026, 10, 12), 1), Tone.WARNING),
        (ClockFace(date(2026, 10, 12), -1), Tone.BAD),
        (ClockFace(date(2026, 10, 12), -1, stopped="x"), Tone.STOPPED),
        (ClockFace(date(2026, 10, 12), -1, met_on=date(2026, 10, 1)), Tone.GOOD),
    ],
)
def test_a_clock_takes_its_tone_from_what_remains(face: ClockFace, tone: Tone) -> None:
    html = draw("{% clock c %}", c=face)
    assert f"tone-{tone}" in html and 'datetime="2026-10-12"' in html


def test_a_footnote_tells_document_article_force_and_dates() -> None:
    law = Source(Text("办法", "Measures"), "第十五条", Force.MUST, "trial", date(2023, 6, 1), number="〔2023〕1号")
    html = draw("{% article s %}", s=law)
    for part in ("办法", "第十五条", "应当遵守", "试行", "2023-06-01", "〔2023〕1号"):
        assert part in html
    target = re.search(r'popovertarget="([^"]+)"', html)
    assert target is not None and f'popover id="{target[1]}"' in html


def test_a_footnote_owns_up_to_the_venues_own_choice() -> None:
    html = draw("{% article s %}", "en", s=Source("Rules", force=Force.VENUE, status="venue"))
    assert "the venue&#x27;s own choice" in html


def test_no_source_no_mark() -> None:
    assert draw("{% article s %}", s=None).strip() == ""


@pytest.mark.parametrize("state", list(SealState))
def test_a_seal_works_as_a_link_and_as_a_panel(state: SealState) -> None:
    html = draw("{% evidence s %}", s=Seal(state, "/proof/7/", 7))
    assert 'href="/proof/7/"' in html and 'hx-get="/proof/7/"' in html and f"seal-{state}" in html and "#7" in html


def test_a_timeline_shows_past_present_and_future_in_order() -> None:
    events = (
        Event(
            Text("申请", "Applied"),
            datetime(2026, 9, 1, tzinfo=UTC),
            "陈一",
            "<同意>",
            attachments=(Link("a.pdf", "/a"),),
        ),
        Event(Text("审查", "Review"), current=True),
        Event(Text("公示", "Notice"), latest=date(2026, 10, 12)),
    )
    html = draw("{% timeline e %}", e=events)
    assert [html.index(word) for word in ("申请", "审查", "公示")] == sorted(
        html.index(w) for w in ("申请", "审查", "公示")
    )
    assert "&lt;同意&gt;" in html and 'href="/a"' in html and "最迟 2026-10-12" in html
    assert html.count("is-current") == 1 and html.count("is-future") == 1


ACTS = (
    Act("decide", Text("决定", "Decide"), "/decide/", primary=True),
    Act(
        "close",
        Text("关闭", "Close"),
        "/close/",
        "post",
        confirm=Text("确定？", "Sure?"),
        hidden={"ground": "withdrawn"},
    ),
    Act("issue", Text("发证", "Issue"), "/issue/", refused=Text("公示未满", "notice still runs"), article="第十八条"),
    Act("late", Text("迟", "Late"), "/late/", refused=TooEarly(article="第二十条")),
)


def test_allowed_acts_are_links_or_guarded_forms_with_a_key_each() -> None:
    html = draw("{% acts a %}", a=ACTS)
    assert 'href="/decide/"' in html and 'action="/close/"' in html
    assert 'value="csrf-1"' in html and 'data-confirm="确定？"' in html and 'name="ground" value="withdrawn"' in html
    assert len(re.findall(r'name="key" value="[0-9a-f-]{36}"', html)) == 1
    assert draw("{% acts a %}", a=ACTS) != html


def test_refused_acts_are_greyed_with_their_reason_and_lead_nowhere() -> None:
    html = draw("{% acts a %}", a=ACTS)
    assert "公示未满（第十八条）" in html and "第二十条" in html
    assert "/issue/" not in html and "/late/" not in html


def test_no_acts_no_box() -> None:
    assert draw("{% acts a %}", a=()).strip() == ""


def test_a_record_header_says_what_it_is_where_it_stands_and_what_may_be_done() -> None:
    record = Record(
        Text("数据集", "Data set"),
        "N-1",
        state=Chip("已登记", Tone.GOOD),
        holder="甲公司",
        holder_href="/org/1/",
        dates=((Text("登记日", "Registered"), date(2026, 3, 2)),),
        clock=ClockFace(date(2026, 10, 12), 3),
        seal=Seal(SealState.SEALED, "/proof/1/"),
        acts=ACTS,
    )
    html = draw("{% record_header r %}", r=record)
    for part in (
        "<h1>数据集</h1>",
        "N-1",
        "已登记",
        'href="/org/1/"',
        "2026-03-02",
        "还剩 3 个工作日",
        "已存证",
        "决定",
        "csrf-1",
    ):
        assert part in html


def test_a_record_without_its_seal_asks_the_evidence_slot() -> None:
    slots.register_slot(slots.EVIDENCE, "side")
    html = draw("{% record_header r %}", r=Record("x", subject="42"))
    assert 'hx-get="/side/42/"' in html and '<noscript><a href="/side/42/">' in html


def test_an_unfilled_slot_leaves_nothing() -> None:
    assert draw('{% slot "nobody" 1 %}').strip() == ""


def test_a_chart_comes_with_its_table() -> None:
    html = draw("{% chart c %}", "en", c=Bars(Text("质", "Quality"), (Mark("a<b", 1, "100%"),)))
    assert "<svg" in html and '<th scope="row">a&lt;b</th><td class="right">100%</td>' in html


def test_tiles_and_progress_print_what_they_are_given() -> None:
    assert "1,284" in draw("{% tile t %}", t=Tile("x", "1,284", href="/cases/"))
    running = draw("{% progress p %}", p=Progress("x", 1, 4, poll_url="/job/1/"))
    assert "25%" in running and 'hx-get="/job/1/"' in running
    assert "hx-get" not in draw("{% progress p %}", p=Progress("x", 4, 4, poll_url="/job/1/"))
