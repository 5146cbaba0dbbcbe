"""Which days are working days: published notices, statutory holidays, later files.

Pure: no Django, no clock. A `Calendar` answers for any year and says whether the
year's holiday notice was published when it was built.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from chinese_calendar import get_solar_terms
from chinese_calendar.constants import Holiday, holidays, workdays

from shugu.kernel.rule_errors import RuleError

CALENDARS = Path(__file__).resolve().parent.parent / "rules" / "calendars"
SATURDAY = 5
ONE_DAY = timedelta(days=1)


class DayKind(StrEnum):
    HOLIDAY = "holiday"
    MAKE_UP = "make_up"


@dataclass(frozen=True)
class NamedDay:
    """A day that differs from the plain week, and the holiday it belongs to."""

    on: date
    kind: DayKind
    zh: str
    en: str


@dataclass(frozen=True)
class YearTable:
    """Named days of one year. `published` is False when no notice is known yet."""

    year: int
    days: Mapping[date, NamedDay]
    published: bool
    source: str


@dataclass(frozen=True, eq=False)
class Calendar:
    """Working days of a jurisdiction; asks `statutory` for years without a notice."""

    tables: Mapping[int, YearTable]
    statutory: Mapping[str, Any]
    _derived: dict[int, YearTable] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, folder: Path = CALENDARS) -> Calendar:
        """Published years of chinesecalendar, then `cn-<year>.toml`, which replace a whole year.

        Raises RuleError naming the file and the key when a file is malformed.
        """
        tables = _published_years()
        for path in sorted(folder.glob("cn-*.toml")):
            table = _read_notice(path)
            tables[table.year] = table
        path = folder / "statutory.toml"
        statutory = _read_toml(path)
        try:  # every year it describes, so that a spoilt line is told at start and not in 2029
            for year in (max(tables) + 1, *map(int, statutory["lunar_dates"])):
                _statutory_year(year, statutory)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise _malformed(path, "*", problem) from problem
        return cls(tables, statutory)

    def year(self, year: int) -> YearTable:
        known = self.tables.get(year)
        if known is not None:
            return known
        if year not in self._derived:
            self._derived[year] = _statutory_year(year, self.statutory)
        return self._derived[year]

    def named(self, day: date) -> NamedDay | None:
        return self.year(day.year).days.get(day)

    def is_published(self, day: date) -> bool:
        return self.year(day.year).published

    def is_working(self, day: date) -> bool:
        named = self.named(day)
        if named is not None:
            return named.kind is DayKind.MAKE_UP
        return day.weekday() < SATURDAY


def _published_years() -> dict[int, YearTable]:
    by_year: dict[int, dict[date, NamedDay]] = {}
    for kind, source in ((DayKind.HOLIDAY, holidays), (DayKind.MAKE_UP, workdays)):
        for day, name in source.items():
            zh = Holiday(name).chinese
            by_year.setdefault(day.year, {})[day] = NamedDay(day, kind, zh, str(name))
    return {year: YearTable(year, days, True, "chinesecalendar") for year, days in by_year.items()}


def _statutory_year(year: int, statutory: Mapping[str, Any]) -> YearTable:
    """Fixed, solar-term and (where the table knows them) lunar holidays; no make-up days."""
    days: dict[date, NamedDay] = {}

    def rest(day: date, item: Mapping[str, Any]) -> None:
        days[day] = NamedDay(day, DayKind.HOLIDAY, item["zh"], item["en"])

    for item in statutory["fixed"]:
        for number in item["days"]:
            rest(date(year, item["month"], number), item)
    for item in statutory["solar_term"]:
        first = date(year, item["month"], 1)
        for day, term in get_solar_terms(first, first + 27 * ONE_DAY):
            if term == item["term"]:
                rest(day, item)
    festivals = statutory["lunar_dates"].get(str(year), {})
    for item in statutory["lunar"]:
        if item["festival"] in festivals:
            for offset in item["offsets"]:
                rest(festivals[item["festival"]] + offset * ONE_DAY, item)
    return YearTable(year, days, False, statutory["source"]["document"])


def _read_notice(path: Path) -> YearTable:
    """`year`, `source`, `holidays` = [{from, to, zh, en}], `make_up_days` = [{on, zh, en}]."""
    content = _read_toml(path)
    key = "year"
    try:
        year = int(content["year"])
        days: dict[date, NamedDay] = {}
        key = "holidays"
        for item in content["holidays"]:
            day, last = item["from"], item["to"]
            while day <= last:
                days[day] = NamedDay(day, DayKind.HOLIDAY, item["zh"], item["en"])
                day += ONE_DAY
        key = "make_up_days"
        for item in content["make_up_days"]:
            days[item["on"]] = NamedDay(item["on"], DayKind.MAKE_UP, item["zh"], item["en"])
        key = "source.document"
        source = str(content["source"]["document"])
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _malformed(path, key, problem) from problem
    if path.stem != f"cn-{year}" or any(day.year != year for day in days):
        raise _malformed(path, "year", ValueError("a day or the file name is of another year"))
    return YearTable(year, days, True, source)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise _malformed(path, "*", problem) from problem


def _malformed(path: Path, key: str, problem: Exception) -> RuleError:
    return RuleError.at(
        str(path),
        key,
        zh=f"日历文件读不懂（{problem}）",
        en=f"the calendar file cannot be read ({problem})",
        remedy_zh="按 shugu/rules/README.md 的日历格式改正",
        remedy_en="correct it to the calendar format in shugu/rules/README.md",
    )
