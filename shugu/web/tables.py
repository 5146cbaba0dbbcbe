"""Lists as people expect them: sort, filter, pages of 50, CSV, an empty state. Works without scripts.

The whole state of a table is in the address (`?q=&sort=-price&page=2`), so a view can be kept and sent on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from shugu.kernel.money import format_fen
from shugu.kernel.text import Text
from shugu.web import language
from shugu.web.moments import day_words, moment_words
from shugu.web.shapes import Act, Chip, ClockFace, Empty, Seal, Words
from shugu.web.wording import SEAL, both, clock_words

PAGE_SIZE = 50
NOTHING = Empty(Text("这里还没有内容。", "Nothing here yet."))
Rows = Sequence[Any] | QuerySet[Any]


class Kind(StrEnum):
    TEXT = "text"
    CODE = "code"
    NUMBER = "number"
    MONEY = "money"
    DAY = "day"
    MOMENT = "moment"
    CHIP = "chip"
    CLOCK = "clock"
    SEAL = "seal"
    ACTS = "acts"


RIGHT = (Kind.NUMBER, Kind.MONEY)


@dataclass(frozen=True)
class Column:
    """`value`: an attribute or key of the row, or a function of it, of the kind's type.

    text, code: str or Text; number: int or str; money: int fen; day: date; moment: datetime;
    chip: Chip; clock: ClockFace; seal: Seal; acts: tuple of Act. `order`: the ORM path a
    QuerySet is ordered by; for plain sequences any non-empty word makes the column sortable.
    """

    name: str
    title: Words
    value: str | Callable[[Any], object] = ""
    kind: Kind = Kind.TEXT
    order: str = ""
    href: Callable[[Any], str] | None = None

    @property
    def right(self) -> bool:
        return self.kind in RIGHT

    def of(self, row: Any) -> object:
        if callable(self.value):
            return self.value(row)
        name = self.value or self.name
        return row.get(name) if isinstance(row, Mapping) else getattr(row, name)


@dataclass(frozen=True)
class Choice:
    """A filter offered as a drop-down; the view itself narrows `rows` by `request.GET[name]`."""

    name: str
    title: Words
    options: tuple[tuple[str, Words], ...]
    chosen: str = ""


@dataclass(frozen=True)
class Cell:
    column: Column
    value: object
    text: str
    href: str


@dataclass(frozen=True)
class Head:
    column: Column
    href: str
    direction: str


@dataclass(frozen=True)
class Table:
    """What `{% table %}` draws. `total` is None when nobody counted: then only next and previous."""

    id: str
    caption: Words
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: Empty
    query: str
    choices: tuple[Choice, ...]
    searchable: bool
    filtered: bool
    kept: tuple[tuple[str, str], ...]
    page: int
    pages: int | None
    total: int | None
    previous_href: str
    next_href: str
    clear_href: str
    csv_href: str
    wants_csv: bool
    columns: tuple[Column, ...]
    everything: Rows

    def csv_response(self) -> StreamingHttpResponse:
        """Every row, not only the page; a byte-order mark lets spreadsheets read Chinese."""
        lines = csv_lines(self.columns, self.everything, language.current())
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.id}.csv"'
        return response


def cell_text(kind: Kind, value: object, lang: str) -> str:
    """A value as words. An absent one is a dash, so that an empty cell is never a question."""
    if value is None or value == "":
        return "—"
    if isinstance(value, Chip):
        return both(value.text).pick(lang)
    if isinstance(value, ClockFace):
        return clock_words(value).pick(lang)
    if isinstance(value, Seal):
        return SEAL[value.state].pick(lang)
    if isinstance(value, Text):
        return value.pick(lang)
    if kind is Kind.MONEY and isinstance(value, int):
        return format_fen(value)
    if isinstance(value, datetime):
        return moment_words(value)
    if isinstance(value, date):
        return day_words(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def csv_cell(kind: Kind, value: object, lang: str) -> str:
    """As shown, but plain digits; text a spreadsheet would run as a formula gets an apostrophe."""
    if isinstance(value, tuple | list) and all(isinstance(v, Act) for v in value):
        return ""
    text = cell_text(kind, value, lang)
    if text == "—":
        return ""
    if kind in RIGHT:
        return text.replace(",", "")
    return f"'{text}" if text[0] in "=+-@\t\r" else text


def csv_lines(columns: Sequence[Column], rows: Iterable[Any], lang: str) -> Iterator[bytes]:
    shown = [c for c in columns if c.kind is not Kind.ACTS]
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(cells: list[str]) -> bytes:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue().encode()

    yield b"\xef\xbb\xbf" + line([both(c.title).pick(lang) for c in shown])
    source = rows.iterator(chunk_size=2000) if isinstance(rows, QuerySet) else rows
    for row in source:
        yield line([csv_cell(c.kind, c.of(row), lang) for c in shown])


def _sort_key(column: Column, row: Any) -> tuple[bool, Any]:
    value = column.of(row)
    if isinstance(value, ClockFace):
        value = value.due
    if isinstance(value, Text | Chip | Seal):
        value = cell_text(column.kind, value, language.current())
    return (value is not None, value if value is not None else 0)


def _sorted(rows: Rows, columns: Sequence[Column], sort: str) -> Rows:
    column = next((c for c in columns if c.order and c.name == sort.removeprefix("-")), None)
    if column is None:
        return rows
    down = sort.startswith("-")
    if isinstance(rows, QuerySet):
        # The key makes the order total: without it a row can appear on two pages or on none.
        return rows.order_by(("-" if down else "") + column.order, "pk")
    return sorted(rows, key=lambda row: _sort_key(column, row), reverse=down)


def _searched(rows: Rows, columns: Sequence[Column], query: str, search: Callable[[Rows, str], Rows] | None) -> Rows:
    if not query:
        return rows
    if search is not None:
        return search(rows, query)
    if isinstance(rows, QuerySet):
        return rows
    lang, wanted = language.current(), query.casefold()
    words = [c for c in columns if c.kind is not Kind.ACTS]
    return [r for r in rows if any(wanted in cell_text(c.kind, c.of(r), lang).casefold() for c in words)]


def _heads(columns: Sequence[Column], sort: str, address: Callable[..., str]) -> tuple[Head, ...]:
    heads = []
    for column in columns:
        if not column.order:
            heads.append(Head(column, "", "none"))
            continue
        here = sort.removeprefix("-") == column.name
        direction = ("descending" if sort.startswith("-") else "ascending") if here else "none"
        target = f"-{column.name}" if direction == "ascending" else column.name
        heads.append(Head(column, address(sort=target, page=""), direction))
    return tuple(heads)


@dataclass(frozen=True)
class _Part:
    rows: list[Any]
    page: int
    pages: int | None
    total: int | None
    more: bool


def _part(found: Rows, wanted: str, size: int, counted: bool) -> _Part:
    """One page and one row more, which tells whether another page follows."""
    page = max(1, int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
    total = (found.count() if isinstance(found, QuerySet) else len(found)) if counted else None
    pages = None if total is None else max(1, -(-total // size))
    page = page if pages is None else min(page, pages)
    start = (page - 1) * size
    shown = list(found[start : start + size + 1])
    return _Part(shown[:size], page, pages, total, len(shown) > size)


def _cells(columns: Sequence[Column], rows: Sequence[Any]) -> tuple[tuple[Cell, ...], ...]:
    lang = language.current()
    return tuple(
        tuple(
            Cell(c, value := c.of(row), cell_text(c.kind, value, lang), c.href(row) if c.href else "") for c in columns
        )
        for row in rows
    )


def make_table(
    request: HttpRequest,
    *,
    id: str,
    caption: Words,
    columns: Sequence[Column],
    rows: Rows,
    empty: Empty = NOTHING,
    search: Callable[[Rows, str], Rows] | None = None,
    choices: Sequence[Choice] = (),
    sort: str = "",
    counted: bool = True,
    page_size: int = PAGE_SIZE,
) -> Table:
    """Reads q, sort and page from the address; a page beyond the last shows the last one.

    `search` narrows a QuerySet by `q`; without it only plain sequences have a filter box.
    `counted=False` spares the count of a very large QuerySet.
    """
    asked = {name: str(value) for name, value in request.GET.items() if value and name != "lang"}
    query, sort = asked.get("q", "").strip(), asked.get("sort", sort)

    def address(**changed: str) -> str:
        kept = {k: v for k, v in {**asked, **changed}.items() if v}
        return f"{request.path}?{urlencode(kept)}" if kept else request.path

    found = _sorted(_searched(rows, columns, query, search), columns, sort)
    part = _part(found, asked.get("page", "1"), page_size, counted)
    names = {"q", "sort", "page", *(c.name for c in choices)}
    filtered = bool(query or any(asked.get(c.name) for c in choices))
    # A filter box over nothing is only in the way.
    filterable = bool(part.rows) or filtered
    chosen = tuple(Choice(c.name, c.title, c.options, asked.get(c.name, "")) for c in choices)
    return Table(
        id=id,
        caption=caption,
        heads=_heads(columns, sort, address),
        rows=_cells(columns, part.rows),
        empty=empty,
        query=query,
        choices=chosen if filterable else (),
        searchable=filterable and (search is not None or not isinstance(rows, QuerySet)),
        filtered=filtered,
        kept=tuple((k, v) for k, v in asked.items() if k not in names or k == "sort"),
        page=part.page,
        pages=part.pages,
        total=part.total,
        previous_href=address(page=str(part.page - 1)) if part.page > 1 else "",
        next_href=address(page=str(part.page + 1)) if part.more else "",
        clear_href=address(**dict.fromkeys(names, "")),
        csv_href=address(format="csv", page=""),
        wants_csv=asked.get("format") == "csv",
        columns=tuple(columns),
        everything=found,
    )
