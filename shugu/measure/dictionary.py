"""The data dictionary: what the provider declares about a table, and against which it is measured.

Everything is a frozen dataclass that survives `from_dict(as_dict())`; unknown fields are refused.
Numbers that may be fractional (minimum, maximum) travel as strings so that no float is ever hashed.
"""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from .errors import BadDictionary, UnknownColumn

T = TypeVar("T")


class ColumnType(StrEnum):
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class Every(StrEnum):
    """Length of one bucket of a period."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class Standard:
    """A data standard that a column declares to follow, as a pattern or a code list."""

    name: str
    pattern: str | None = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column. `expected` = a value must be there; `expected_when` = only where the expression holds.

    `minimum`/`maximum` are inclusive and written as text in the column's own type.
    `codes` is a closed list of reference values, `codes_source` says whose list it is.
    `mask` is the pattern every value must match to count as masked (security rule).
    """

    name: str
    type: ColumnType
    title_zh: str = ""
    title_en: str = ""
    description: str = ""
    unit: str | None = None
    expected: bool = False
    expected_when: str | None = None
    unique: bool = False
    minimum: str | None = None
    maximum: str | None = None
    max_length: int | None = None
    pattern: str | None = None
    codes: tuple[str, ...] = ()
    codes_source: str | None = None
    standard: Standard | None = None
    mask: str | None = None
    monotonic: bool = False


@dataclass(frozen=True)
class Reference:
    """Columns whose values must exist in another table. `authoritative`: that table is the reference source."""

    columns: tuple[str, ...]
    table: str
    table_columns: tuple[str, ...]
    authoritative: bool = False


@dataclass(frozen=True)
class Rule:
    """A business rule: an expression over the columns of one row; unknown (null) rows are not evaluated.

    `indicator` is one of 0104, 0106, 0301, 0401, 0402, 0503: which question the rule answers.
    """

    name: str
    expression: str
    title_zh: str = ""
    title_en: str = ""
    indicator: str = "0104"


@dataclass(frozen=True)
class Dependency:
    """The same datum written in many rows: equal `determinant` must mean equal `column`."""

    determinant: tuple[str, ...]
    column: str


@dataclass(frozen=True)
class Period:
    """Rows must lie in [start, end) and, when `every` is given, each bucket holds `at_least` rows."""

    column: str
    start: str
    end: str
    every: Every | None = None
    at_least: int = 1


@dataclass(frozen=True)
class Timeliness:
    """Delay between `event` and `recorded` per row, or the age of the newest `event` at measuring time."""

    event: str
    max_hours: int
    recorded: str | None = None


@dataclass(frozen=True)
class Probe:
    """One attempt to obtain the data through its delivery channel. `usable` None = content not examined."""

    at: str
    obtained: bool
    usable: bool | None = None


@dataclass(frozen=True)
class Dictionary:
    """The declaration of one table. `keys[0]` is the primary key; `dirty_tokens` are junk spellings."""

    table: str
    columns: tuple[Column, ...]
    title_zh: str = ""
    title_en: str = ""
    keys: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()
    rules: tuple[Rule, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    period: Period | None = None
    timeliness: Timeliness | None = None
    expected_rows: int | None = None
    dirty_tokens: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise BadDictionary(place="columns", detail=("两个字段重名", "two columns share one name"))
        if not names:
            raise BadDictionary(place="columns", detail=("没有声明任何字段", "no column is declared"))
        for place, used in self._uses():
            for name in used:
                if name not in names:
                    raise UnknownColumn(place=place, column=name)
        for reference in self.references:
            if not reference.columns or len(reference.columns) != len(reference.table_columns):
                raise BadDictionary(
                    place=f"reference to {reference.table}", detail=("两侧字段数不同", "column counts differ")
                )
        for rule in self.rules:
            if rule.indicator not in RULE_INDICATORS:
                raise BadDictionary(
                    place=f"rule {rule.name}",
                    detail=(f"指标 {rule.indicator} 不接受规则", f"indicator {rule.indicator} takes no rules"),
                )
        if len({rule.name for rule in self.rules}) != len(self.rules):
            raise BadDictionary(place="rules", detail=("两条规则重名", "two rules share one name"))

    def _uses(self) -> list[tuple[str, tuple[str, ...]]]:
        uses = [("key", key) for key in self.keys]
        uses += [(f"reference to {r.table}", r.columns) for r in self.references]
        uses += [("dependency", (*d.determinant, d.column)) for d in self.dependencies]
        if self.period:
            uses.append(("period", (self.period.column,)))
        if self.timeliness:
            recorded = (self.timeliness.recorded,) if self.timeliness.recorded else ()
            uses.append(("timeliness", (self.timeliness.event, *recorded)))
        return uses

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def as_dict(self) -> dict[str, Any]:
        """JSON-safe form without the fields left at their defaults."""
        return cast(dict[str, Any], _plain(self))

    @classmethod
    def from_dict(cls, raw: object) -> Dictionary:
        return _build(cls, raw, "dictionary")


RULE_INDICATORS = frozenset({"0104", "0106", "0301", "0401", "0402", "0503"})


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        pairs = {f.name: (getattr(value, f.name), f.default) for f in fields(value)}
        return {name: _plain(item) for name, (item, default) in pairs.items() if item != default}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def _build(kind: type[T], raw: object, place: str) -> T:
    if not isinstance(raw, dict):
        raise BadDictionary(place=place, detail=("应为对象", "an object is wanted"))
    known = {f.name: f for f in fields(cast(Any, kind))}
    hints = typing.get_type_hints(kind)
    for name in raw:
        if name not in known:
            raise BadDictionary(place=place, detail=(f"未知成员“{name}”", f"unknown field “{name}”"))
    for name, field in known.items():
        if name not in raw and field.default is MISSING:
            raise BadDictionary(place=place, detail=(f"缺少成员“{name}”", f"field “{name}” is missing"))
    values = {name: _value(hints[name], item, f"{place}.{name}") for name, item in raw.items()}
    return kind(**values)


def _value(hint: Any, raw: object, place: str) -> object:
    if typing.get_origin(hint) is types.UnionType:
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        return None if raw is None else _value(options[0], raw, place)
    if typing.get_origin(hint) is tuple:
        if not isinstance(raw, list):
            raise BadDictionary(place=place, detail=("应为列表", "a list is wanted"))
        inner = typing.get_args(hint)[0]
        return tuple(_value(inner, item, f"{place}[{n}]") for n, item in enumerate(raw))
    if is_dataclass(hint):
        return _build(cast(type[Any], hint), raw, place)
    if issubclass(hint, StrEnum):
        if raw not in list(hint):
            raise BadDictionary(
                place=place, detail=(f"应为 {', '.join(hint)} 之一", f"one of {', '.join(hint)} is wanted")
            )
        return hint(raw)
    if type(raw) is not hint:
        raise BadDictionary(place=place, detail=(f"应为 {hint.__name__}", f"{hint.__name__} is wanted"))
    return raw
