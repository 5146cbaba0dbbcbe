"""The register is searched in Chinese by pieces of titles; an application that repeats a line is told which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shugu.registry import queries, queries_search
from shugu.registry.domain import title_key
from shugu.registry.models import Entry, EntryVersion, Share
from shugu.registry.queries_search import likely_duplicates, search
from tests.world import World

pytestmark = pytest.mark.django_db
TITLES = ("杭州航班准点数据集", "宁波港口流量月报", "航班 延误-指数", "Flight Delays 2013", "数据", "企业信用画像")


def entered(world: World, titles: Sequence[str]) -> list[Entry]:
    """Lines of the book beside a registered one, each with its version; a later one was entered a day later."""
    model = world.registered_entry()
    version = EntryVersion.objects.get(pk=model.version_id)
    lines = []
    for n, title in enumerate(titles):
        line = Entry.objects.create(
            number=f"ENT-TEST-{n:04d}", register=model.register, object_kind=model.object_kind, title=title,
            holder_id=model.holder_org, entered_on=model.entered_on + timedelta(days=n + 1), title_key=title_key(title),
        )  # fmt: skip
        own = EntryVersion.objects.create(
            entry=line, version=1, filing=version.filing, title=title, rights=version.rights, form={},
            valid_from=line.entered_on, valid_until=version.valid_until, fact=version.fact,
        )  # fmt: skip
        Share.objects.create(version=own, org_id=model.holder_org, parts=1)
        lines.append(line)
    return lines


def found(q: str, register: str = "") -> list[str]:
    return [e.title for e in search(q, register, on=date(2026, 6, 1)).entries]


def test_a_piece_of_a_title_finds_it_whatever_stands_between_the_words(world: World) -> None:
    entered(world, TITLES)
    assert found("航班") == ["航班 延误-指数", "杭州航班准点数据集", "纽约航班准点数据"]
    assert found("延误指数") == ["航班 延误-指数"] and found("航班 指数") == ["航班 延误-指数"]
    assert found("flight") == found("ＦＬＩＧＨＴ delays") == ["Flight Delays 2013"]
    assert found("画") == ["企业信用画像"] and found("不存在的词") == [] and found("——") == []


def test_without_words_the_newest_lines_come_first_and_a_number_finds_its_line(world: World) -> None:
    lines = entered(world, TITLES)
    assert found("")[:2] == ["企业信用画像", "数据"] and len(found("")) == len(TITLES) + 1
    assert found(lines[1].number.lower()) == ["宁波港口流量月报"]
    assert found("航班", "data-property") == found("航班") and found("航班", "no-such-register") == []


@pytest.mark.parametrize(("newest", "reach"), [(20_000, 2_000), (2, 2_000), (2, 1), (20_000, 2)])
def test_whatever_is_capped_the_page_holds_the_newest_matches(
    world: World, monkeypatch: pytest.MonkeyPatch, newest: int, reach: int
) -> None:
    entered(world, [f"航班数据 {n}" if n % 2 else f"港口数据 {n}" for n in range(12)])
    monkeypatch.setattr(queries_search, "NEWEST", newest)
    monkeypatch.setattr(queries_search, "REACH", reach)
    day = date(2026, 6, 1)
    page = search("航班数据", limit=1, on=day)
    assert [e.title for e in page.entries] == ["航班数据 11"]
    assert page.total == min(6, reach) and page.more == (reach < 6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_piece_of_every_title_finds_its_line(world: World, data: st.DataObject) -> None:
    if not Entry.objects.exists():
        entered(world, TITLES)
    title = data.draw(st.sampled_from(TITLES))
    key = title_key(title)
    start = data.draw(st.integers(0, len(key) - 1))
    piece = key[start : data.draw(st.integers(start + 1, len(key)))]
    assert title in found(piece)


def test_the_index_answers_as_a_plain_comparison_would(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entered(world, TITLES)
    plain = {q: found(q) for q in ("航班", "数据", "港口流量", "2013", "信用")}
    monkeypatch.setattr(queries_search, "NEWEST", 0)
    assert {q: found(q) for q in plain} == plain


def test_an_application_that_repeats_a_line_is_told_which_and_why(world: World) -> None:
    same = "a" * 64
    lines = entered(world, ("城市客流数据", "别的名称"))
    Entry.objects.filter(pk=lines[1].pk).update(content_sha256=same)
    org = world.alice.org or 0
    assert likely_duplicates("data-property", "城市 客流·数据", "", org) == [(lines[0].number, "title")]
    assert likely_duplicates("data-property", "新名称", same.upper(), org) == [(lines[1].number, "content")]
    assert likely_duplicates("data-property", "城市客流数据", same, org) == [
        (lines[1].number, "content"), (lines[0].number, "title"),
    ]  # fmt: skip
    assert likely_duplicates("data-property", "没有登记过的名称", "", org) == []
    assert likely_duplicates("another-register", "城市客流数据", same, org) == []


def test_the_book_is_listed_by_the_same_search(world: World) -> None:
    entered(world, TITLES)
    assert [e.title for e in queries.search_entries("航班", on=date(2026, 6, 1))] == found("航班")
