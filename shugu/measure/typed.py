"""Gives every declared column four views for the scan: raw, typed, "is there", "fits its format".

Their names are positional (`r0`, `v0`, `n0`, `k0`): no column name of the data, however odd, can clash.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from .dictionary import Column, ColumnType, Dictionary
from .errors import BadDictionary

_TARGET: dict[ColumnType, str] = {
    ColumnType.INTEGER: "int64",
    ColumnType.DECIMAL: "decimal(38, 9)",
    ColumnType.TEXT: "string",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
}
_SPELLING: dict[ColumnType, str] = {
    ColumnType.INTEGER: r"\A[+-]?[0-9]{1,18}\z",
    ColumnType.DECIMAL: r"\A[+-]?[0-9]{1,28}(\.[0-9]{1,9})?\z",
    ColumnType.BOOLEAN: r"\A(?i:true|false|0|1)\z",
    ColumnType.DATE: r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z",
    ColumnType.TIMESTAMP: r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?\z",
}


_STORED: dict[ColumnType, Callable[[dt.DataType], bool]] = {
    ColumnType.INTEGER: dt.DataType.is_integer,
    ColumnType.DECIMAL: dt.DataType.is_numeric,
    ColumnType.TEXT: dt.DataType.is_string,
    ColumnType.BOOLEAN: dt.DataType.is_boolean,
    ColumnType.DATE: dt.DataType.is_date,
    ColumnType.TIMESTAMP: dt.DataType.is_timestamp,
}


def stored_as_declared(declared: ColumnType, stored: dt.DataType) -> bool:
    return _STORED[declared](stored)


def typed_table(data: ir.Table, dictionary: Dictionary) -> ir.Table:
    """`r{i}` raw, `v{i}` typed, `n{i}` there, `k{i}` fits type, range, length, pattern; the last two never null."""
    first: dict[str, Any] = {}
    for position, column in enumerate(dictionary.columns):
        raw = data[column.name] if column.name in data.columns else ibis.null("string")
        first[f"r{position}"] = raw
        first[f"v{position}"] = typed_value(column, raw)
    table = data.select(**first)
    second: dict[str, Any] = {}
    for position, column in enumerate(dictionary.columns):
        second[f"n{position}"] = table[f"r{position}"].notnull()
        second[f"k{position}"] = conforms(column, table[f"v{position}"])
    return table.mutate(**second)


def typed_value(column: Column, raw: Any) -> Any:
    """The value in its declared type, null where it does not fit."""
    stored = raw.type()
    target = _TARGET[column.type]
    if stored.is_string() and column.type is not ColumnType.TEXT:
        fits = raw.re_search(_SPELLING[column.type])
        return fits.ifelse(raw, ibis.null("string")).try_cast(target)
    if stored.is_floating() and column.type is ColumnType.DECIMAL:
        return (raw.isnan() | raw.isinf()).ifelse(ibis.null("float64"), raw)
    if stored_as_declared(column.type, stored):
        return raw.cast("timestamp") if column.type is ColumnType.TIMESTAMP else raw
    if column.type is ColumnType.TEXT and not stored.is_nested() and not stored.is_binary():
        return raw.cast("string")
    if column.type is ColumnType.INTEGER and stored.is_numeric():
        return (raw == raw.floor()).ifelse(raw, ibis.null(stored)).try_cast(target)
    if column.type in (ColumnType.DATE, ColumnType.TIMESTAMP) and stored.is_temporal():
        return raw.try_cast(target)
    return ibis.null(target)


def conforms(column: Column, value: Any) -> Any:
    """True where the typed value exists and keeps range, length and pattern; never null."""
    checks = [value.notnull()]
    if column.minimum is not None:
        checks.append(value >= bound(column, column.minimum, "minimum"))
    if column.maximum is not None:
        checks.append(value <= bound(column, column.maximum, "maximum"))
    text = value if column.type is ColumnType.TEXT else value.cast("string")
    if column.max_length is not None:
        checks.append(text.length() <= column.max_length)
    if column.pattern is not None:
        checks.append(matches(text, column.pattern))
    result = checks[0]
    for check in checks[1:]:
        result = result & check
    return result.fill_null(False)


def matches(text: Any, pattern: str) -> Any:
    """The whole text matches the RE2 pattern."""
    return text.re_search(rf"\A(?:{pattern})\z")


def bound(column: Column, text: str, which: str) -> Any:
    """A bound written as text, as a literal of the column's type. Raises BadDictionary."""
    place = f"column {column.name}.{which}"
    try:
        match column.type:
            case ColumnType.INTEGER:
                return ibis.literal(int(text), "int64")
            case ColumnType.DECIMAL:
                return ibis.literal(Decimal(text))
            case ColumnType.DATE:
                return ibis.literal(datetime.date.fromisoformat(text))
            case ColumnType.TIMESTAMP:
                return ibis.literal(moment(text, place))
            case ColumnType.TEXT:
                return ibis.literal(text)
            case ColumnType.BOOLEAN:
                raise BadDictionary(place=place, detail=("布尔值没有值域", "a boolean has no range"))
    except (ValueError, InvalidOperation) as error:
        raise BadDictionary(
            place=place, detail=(f"“{text}”不是 {column.type}", f"“{text}” is not a {column.type}")
        ) from error


def moment(text: str, place: str) -> datetime.datetime:
    """An ISO 8601 moment as naive UTC. Raises BadDictionary."""
    try:
        read = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise BadDictionary(
            place=place, detail=(f"“{text}”不是 ISO 8601 时间", f"“{text}” is not an ISO 8601 moment")
        ) from error
    return read.astimezone(datetime.UTC).replace(tzinfo=None) if read.tzinfo else read
