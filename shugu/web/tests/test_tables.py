from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import RequestFactory
from django.utils import translation

from shugu.kernel.text import Text
from shugu.web.shapes import Act, Chip, ClockFace, Empty, Link
from shugu.web.tables import Choice, Column, Kind, Table, cell_text, csv_cell, make_table
from shugu.web.tests.test_tags import draw

COLUMNS = (
    Column("name", Text("名称", "Name"), order="name", href=lambda row: f"/item/{row['n']}/"),
    Column("n", Text("序号", "Number"), kind=Kind.NUMBER, order="n"),
    Column("price", Text("价格", "Price"), lambda row: row["n"] * 100, Kind.MONEY, "price"),
)
ROWS = [{"name": f"item {n:03d}", "n": n} for n in range(120)]


def table(query: str = "", rows: Any = ROWS, **kwargs: Any) -> Table:
    request = RequestFactory().get(f"/list/?{query}")
    return make_table(request, id="list", caption=Text("清单", "List"), columns=COLUMNS, rows=rows, **kwargs)


def names(shown: Table) -> list[str]:
    return [row[0].text for row in shown.rows]


def test_it_shows_fifty_rows_and_the_way_on() -> None:
    first = table()
    assert (len(first.rows), first.total, first.pages) == (50, 120, 3)
    assert first.previous_href == "" and first.next_href == "/list/?page=2"


def test_the_last_page_has_the_rest_and_a_page_beyond_it_shows_it_too() -> None:
    last = table("page=3")
    assert len(last.rows) == 20 and last.next_href == ""
    assert names(table("page=99")) == names(last)


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "9" * 30, ""])
def test_nonsense_for_a_page_shows_the_first(page: str) -> None:
    assert names(table(f"page={page}")) == names(table())


def test_pages_together_show_every_row_once() -> None:
    assert [n for page in (1, 2, 3) for n in names(table(f"page={page}"))] == [row["name"] for row in ROWS]


def test_it_sorts_both_ways_and_offers_the_other() -> None:
    up, down = table("sort=price"), table("sort=-price")
    assert names(up)[0] == "item 000" and names(down)[0] == "item 119"
    assert up.heads[2].direction == "ascending" and up.heads[2].href == "/list/?sort=-price"
    assert down.heads[2].direction == "descending" and down.heads[2].href == "/list/?sort=price"


def test_sorting_by_an_unknown_column_changes_nothing() -> None:
    assert names(table("sort=secret")) == names(table())


def test_absent_values_sort_together() -> None:
    rows = [{"name": n, "n": 1} for n in ("b", None, "a")]
    assert names(table("sort=name", rows)) == ["—", "a", "b"]


def test_it_filters_and_keeps_the_filter_in_every_link() -> None:
    found = table("q=ITEM+11&sort=-n", page_size=5)
    assert found.total == 10 and names(found)[0] == "item 119"
    assert found.next_href == "/list/?q=ITEM+11&sort=-n&page=2"
    assert found.clear_href == "/list/"


def test_a_filter_without_result_offers_to_clear_it() -> None:
    html = draw("{% table t %}", t=table("q=nothing"))
    assert "没有符合条件的记录" in html and "清除筛选" in html


def test_an_empty_list_says_what_to_do_next_and_shows_no_filter() -> None:
    empty = Empty(Text("还没有登记。", "None yet."), Link(Text("去登记", "Register"), "/register/"))
    html = draw("{% table t %}", t=table(rows=[], empty=empty))
    assert "还没有登记。" in html and 'href="/register/"' in html and "<form" not in html and "CSV" not in html


def test_a_table_is_drawn_with_headers_links_and_labels_for_narrow_screens() -> None:
    html = draw("{% table t %}", "en", t=table("sort=n", choices=[Choice("kind", Text("类", "Kind"), (("a", "A"),))]))
    assert 'aria-sort="ascending"' in html and 'href="/item/0/"' in html and 'data-label="Price"' in html
    assert "1.00" in html and '<option value="a"' in html and 'name="sort" value="n"' in html


def test_csv_holds_every_row_plain_and_readable_for_spreadsheets() -> None:
    shown = table("format=csv")
    assert shown.wants_csv
    body = b"".join(shown.csv_response()).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(body)))
    assert lines[0] == ["名称", "序号", "价格"] and len(lines) == 121
    assert lines[-1] == ["item 119", "119", "119.00"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_csv_defuses_what_a_spreadsheet_would_run(text: str) -> None:
    assert csv_cell(Kind.TEXT, text, "zh") == f"'{text}"


def test_csv_leaves_negative_money_a_number() -> None:
    assert csv_cell(Kind.MONEY, -123_456, "zh") == "-1234.56"


def test_csv_speaks_the_language_of_the_page_even_when_sent_later() -> None:
    with translation.override("en"):
        response = table().csv_response()
    with translation.override("zh-hans"):
        first = next(iter(response)).decode("utf-8-sig")
    assert first.strip() == "Name,Number,Price"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.TEXT, None, "—"),
        (Kind.NUMBER, 1_234_567, "1,234,567"),
        (Kind.NUMBER, 0, "0"),
        (Kind.MONEY, 0, "0.00"),
        (Kind.DAY, date(2026, 1, 2), "2026-01-02"),
        (Kind.MOMENT, datetime(2026, 1, 1, 16, 0, tzinfo=UTC), "2026-01-02 00:00"),
        (Kind.CHIP, Chip(Text("甲", "A")), "甲"),
        (Kind.CLOCK, ClockFace(date(2026, 1, 2), 0), "今天到期，2026-01-02"),
    ],
)
def test_each_kind_is_printed_its_own_way(kind: Kind, value: object, text: str) -> None:
    assert cell_text(kind, value, "zh") == text


def test_chips_clocks_and_acts_are_drawn_as_components() -> None:
    columns = (
        Column("c", "c", lambda _: Chip("甲"), Kind.CHIP),
        Column("k", "k", lambda _: ClockFace(date(2026, 1, 2), 0), Kind.CLOCK),
        Column("a", "a", lambda _: (Act("go", "去", "/go/"),), Kind.ACTS),
    )
    shown = make_table(RequestFactory().get("/"), id="x", caption="x", columns=columns, rows=[1])
    html = draw("{% table t %}", t=shown)
    assert 'class="chip' in html and 'class="clock' in html and 'href="/go/"' in html


@pytest.mark.django_db
def test_a_queryset_is_sorted_searched_and_paged_by_the_database() -> None:
    columns = (Column("model", "Model", order="model"),)
    rows = ContentType.objects.all()

    def by_model(found: Any, q: str) -> Any:
        return found.filter(model__contains=q)

    def show(query: str, **kwargs: Any) -> Table:
        request = RequestFactory().get(f"/?{query}")
        return make_table(
            request, id="x", caption="x", columns=columns, rows=rows, page_size=3,
            search=by_model, **kwargs,
        )  # fmt: skip

    everything = sorted(ContentType.objects.values_list("model", flat=True))
    assert names(show("sort=model")) == everything[:3]
    assert names(show("sort=-model")) == everything[::-1][:3]
    assert names(show("q=case&sort=model")) == [m for m in everything if "case" in m][:3]
    uncounted = show("sort=model&page=2", counted=False)
    assert uncounted.total is None and names(uncounted) == everything[3:6]
    body = b"".join(show("").csv_response()).decode("utf-8-sig")
    assert len(body.splitlines()) == len(everything) + 1
