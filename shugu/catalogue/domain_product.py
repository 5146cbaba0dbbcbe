"""What a product says of itself: dictionary, sample, price; read from files and checked. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from shugu.kernel.money import LARGEST
from shugu.kernel.text import Text

Fault = tuple[str, str]
MOST_COLUMNS: Final = 500
LONGEST_CELL: Final = 300


class PriceUnit(StrEnum):
    PER_CONTRACT = "per_contract"
    PER_CALL = "per_call"
    PER_PERIOD = "per_period"


UNIT_TITLES: Final[Mapping[str, Text]] = {
    PriceUnit.PER_CONTRACT: Text("每份合同", "per contract"),
    PriceUnit.PER_CALL: Text("每次调用", "per call"),
    PriceUnit.PER_PERIOD: Text("每个许可期", "per licence term"),
}


@dataclass(frozen=True)
class PriceTerms:
    """`fen`: whole fen per `unit`; `includes`: what the price covers, in the provider's words."""

    fen: int
    unit: str = PriceUnit.PER_CONTRACT.value
    includes: str = ""


@dataclass(frozen=True)
class ColumnEntry:
    """One column of the data dictionary. `type` is free text of the provider's system (int64, varchar(20), 日期)."""

    name: str
    type: str
    title: str = ""
    nullable: bool = True
    note: str = ""


def price_faults(price: PriceTerms, least: int) -> dict[str, Fault]:
    """A price is a whole number of fen: a fraction, however written, is refused."""
    faults: dict[str, Fault] = {}
    if type(price.fen) is not int:
        faults["price_fen"] = ("价格以分为单位，须为整数", "a price is a whole number of fen")
    elif not least <= price.fen <= LARGEST:
        faults["price_fen"] = (f"价格不低于 {least} 分", f"a price is at least {least} fen")
    if price.unit not in tuple(PriceUnit):
        faults["price_unit"] = ("未知的计价单位", "unknown unit of price")
    if len(price.includes) > LONGEST_CELL:
        faults["price_includes"] = (f"不超过 {LONGEST_CELL} 字", f"at most {LONGEST_CELL} characters")
    return faults


def dictionary_faults(columns: Sequence[ColumnEntry]) -> Fault | None:
    if not columns:
        return ("至少一列", "at least one column")
    if len(columns) > MOST_COLUMNS:
        return (f"不超过 {MOST_COLUMNS} 列", f"at most {MOST_COLUMNS} columns")
    names = [c.name for c in columns]
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        return (f"列名“{twice}”重复", f"the column “{twice}” appears twice")
    for place, column in enumerate(columns, 1):
        if not column.name.strip() or not column.type.strip():
            return (f"第 {place} 列缺少列名或类型", f"column {place} lacks its name or type")
        if max(map(len, (column.name, column.type, column.title, column.note))) > LONGEST_CELL:
            return (f"第 {place} 列有超过 {LONGEST_CELL} 字的内容", f"column {place} has a text beyond {LONGEST_CELL} characters")
    return None


def sample_faults(rows: Sequence[Sequence[str | None]], columns: int, most: int) -> Fault | None:
    if len(rows) > most:
        return (f"样例不超过 {most} 行", f"a sample has at most {most} rows")
    for place, row in enumerate(rows, 1):
        if len(row) != columns:
            return (f"样例第 {place} 行应有 {columns} 列", f"row {place} of the sample must have {columns} columns")
        if any(value is not None and len(value) > LONGEST_CELL for value in row):
            return (f"样例第 {place} 行有超过 {LONGEST_CELL} 字的值", f"row {place} has a value beyond {LONGEST_CELL} characters")
    return None


def _table(text: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


# The header of a dictionary file, in either language; everything but name and type may be left out.
_HEADER: Final[Mapping[str, str]] = {
    "name": "name", "列名": "name", "字段名": "name", "字段": "name", "type": "type", "类型": "type", "数据类型": "type",
    "title": "title", "名称": "title", "中文名": "title", "含义": "title", "nullable": "nullable", "可空": "nullable",
    "note": "note", "说明": "note", "备注": "note",
}  # fmt: skip
_NO: Final = {"no", "false", "0", "否", "n"}


def dictionary_from_csv(text: str) -> tuple[ColumnEntry, ...]:
    """A dictionary of CSV text with a header row (name, type, title, nullable, note or 列名, 类型, …).
    Errors: ValueError with (zh, en) as its argument."""
    rows = _table(text)
    if len(rows) < 2:
        raise ValueError(("需要表头和至少一行", "a header and at least one row are needed"))
    header = [_HEADER.get(cell.lower(), "") for cell in rows[0]]
    if "name" not in header or "type" not in header:
        raise ValueError(("表头须有“列名”和“类型”", "the header needs “name” and “type”"))
    entries = []
    for row in rows[1:]:
        cells = dict(zip(header, row, strict=False))
        nullable = cells.get("nullable", "").lower() not in _NO
        entries.append(
            ColumnEntry(cells.get("name", ""), cells.get("type", ""), cells.get("title", ""), nullable, cells.get("note", ""))
        )
    return tuple(entries)


def dictionary_from_profile(text: str) -> tuple[tuple[ColumnEntry, ...], tuple[tuple[str | None, ...], ...]]:
    """(columns, sample) of a connector's data dictionary, profile or whole quality report as JSON.
    Errors: ValueError with (zh, en) as its argument."""
    try:
        found = json.loads(text)
        for inner in ("credentialSubject", "report", "profile"):
            found = found.get(inner, found)
        columns = tuple(_declared(c) if "type" in c else _stored(c) for c in found["columns"])
        sample = tuple(tuple(None if v is None else str(v) for v in row) for row in found.get("sample", ()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = ("不是连接器的数据字典或数据概况", "this is neither a connector's data dictionary nor its profile")
        raise ValueError(told) from error
    return columns, sample


def _stored(column: Mapping[str, Any]) -> ColumnEntry:
    """A column as the connector found it."""
    return ColumnEntry(str(column["name"]), str(column["stored_type"]).strip("!"), nullable=bool(column["nulls"]))


def _declared(column: Mapping[str, Any]) -> ColumnEntry:
    """A column as the connector's dictionary declares it (shugu.measure.Column)."""
    note = "；".join(str(column[k]) for k in ("description", "unit") if column.get(k))
    expected = bool(column.get("expected") or column.get("unique"))
    return ColumnEntry(str(column["name"]), str(column["type"]), str(column.get("title_zh", "")), not expected, note)


def sample_from_csv(text: str, names: Sequence[str]) -> tuple[tuple[str | None, ...], ...]:
    """Rows of a CSV whose header names the dictionary's columns, in any order; an empty cell is null.
    Errors: ValueError with (zh, en) as its argument."""
    rows = _table(text)
    if not rows:
        return ()
    if sorted(rows[0]) != sorted(names):
        raise ValueError(("样例的表头须与数据字典的列名一致", "the sample's header must name the dictionary's columns"))
    places = [rows[0].index(name) for name in names]
    return tuple(tuple((row[p] or None) if p < len(row) else None for p in places) for row in rows[1:])


def columns_from(stored: Sequence[Mapping[str, Any]]) -> tuple[ColumnEntry, ...]:
    return tuple(ColumnEntry(c["name"], c["type"], c["title"], c["nullable"], c["note"]) for c in stored)
