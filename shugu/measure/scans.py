"""The scans that one pass over the rows cannot do: duplicates, keys, references, dependencies, order, buckets.

Each writes its counts into `plan.known` and its parts into `plan.parts`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from .dictionary import Dictionary, Every, Period
from .errors import UnknownColumn
from .plan import ROWS, Plan
from .source import Opened, quoted
from .typed import moment

Step = tuple[str, Callable[[], None]]


def steps(opened: Opened, plan: Plan, dictionary: Dictionary) -> list[Step]:
    """The scans this dictionary asks for, each with the name shown while it runs."""
    found: list[Step] = [("keys and duplicates", lambda: keys_and_duplicates(opened, plan, dictionary))]
    for number in range(len(dictionary.references)):
        name = f"reference {dictionary.references[number].table}"
        found.append((name, lambda n=number: reference(opened, plan, dictionary, n)))  # type: ignore[misc]
    for number in range(len(dictionary.dependencies)):
        name = f"dependency {dictionary.dependencies[number].column}"
        found.append((name, lambda n=number: dependency(opened, plan, dictionary, n)))  # type: ignore[misc]
    if any(column.monotonic for column in dictionary.columns):
        found.append(("order", lambda: order(opened, plan, dictionary)))
    if dictionary.period is not None and dictionary.period.every is not None:
        period = dictionary.period
        found.append(("period", lambda: buckets(opened, plan, dictionary, period)))
    return found


def positions(dictionary: Dictionary, names: tuple[str, ...]) -> list[int]:
    index = {column.name: n for n, column in enumerate(dictionary.columns)}
    return [index[name] for name in names]


def keys_and_duplicates(opened: Opened, plan: Plan, dictionary: Dictionary) -> None:
    """0102 (primary key), 0304 and 0303. A whole and unique key already proves that no row is repeated."""
    keys = list(dictionary.keys)
    keys += [(c.name,) for c in dictionary.columns if c.unique and (c.name,) not in keys]
    proven = False
    for number, key in enumerate(keys):
        single, filled = _occurrences(opened, plan, dictionary, key)
        plan.known |= {f"key{number}_single": single, f"key{number}_filled": filled}
        label = ", ".join(key)
        plan.add("0304", "key", label, "key value occurs once", f"key{number}_single", f"key{number}_filled")
        if number == 0 and dictionary.keys:
            plan.add("0102", "key", label, "key whole and unique", f"key{number}_single", ROWS)
        present = all(name in opened.data.columns for name in key)
        proven = proven or (present and single == plan.known[ROWS])
    surplus, singles = (0, plan.known[ROWS]) if proven else _repeated_rows(opened, plan.known[ROWS])
    plan.known |= {"row_surplus": surplus, "row_singles": singles}
    plan.add("0303", "record", dictionary.table, "surplus copies of whole records", "row_surplus", ROWS)
    if not keys:
        plan.add("0304", "record", dictionary.table, "whole record occurs once", "row_singles", ROWS)


def _occurrences(opened: Opened, plan: Plan, dictionary: Dictionary, key: tuple[str, ...]) -> tuple[int, int]:
    """(rows whose key occurs once, rows whose key is whole)."""
    places = positions(dictionary, key)
    rows = plan.table
    for place in places:
        rows = rows.filter(rows[f"n{place}"])
    groups = rows.group_by([f"r{place}" for place in places]).aggregate(size=rows.count())
    found = opened.numbers(
        groups.aggregate(single=groups.count(where=groups["size"] == 1), filled=groups["size"].sum())
    )
    return int(found["single"]), int(found["filled"] or 0)


def _repeated_rows(opened: Opened, rows: int) -> tuple[int, int]:
    """(surplus copies, rows that occur once), exactly.

    Grouping whole rows of a wide table costs memory, so rows are first grouped by a 64-bit hash; only rows
    whose hash occurs twice are then compared value by value, which makes the answer exact.
    """
    names = ", ".join(quoted(name) for name in opened.data.columns)
    opened.run(
        "CREATE OR REPLACE TEMP TABLE repeated_hashes AS "
        f"SELECT h FROM (SELECT hash({names}) AS h FROM data) GROUP BY h HAVING count(*) > 1"
    )
    [(suspects,)] = opened.run("SELECT count(*) FROM repeated_hashes")
    if suspects == 0:
        return 0, rows
    [(groups, singles, members)] = opened.run(
        "SELECT count(*), count(*) FILTER (WHERE size = 1), sum(size) FROM (SELECT count(*) AS size FROM data "
        f"WHERE hash({names}) IN (SELECT h FROM repeated_hashes) GROUP BY {names})"
    )
    return int(members) - int(groups), rows - int(members) + int(singles)


def reference(opened: Opened, plan: Plan, dictionary: Dictionary, number: int) -> None:
    """0102, and 0105 when the other table is authoritative: non-empty values that exist over there."""
    declared = dictionary.references[number]
    label = f"{', '.join(declared.columns)} → {declared.table}.{', '.join(declared.table_columns)}"
    codes = ["0102", "0105"] if declared.authoritative else ["0102"]
    other = opened.related.get(declared.table)
    if other is None:
        reason = (f"没有提供关联表 {declared.table}", f"the related table {declared.table} was not given")
        for code in codes:
            plan.omitted[code].append((label, reason))
        return
    rows, keys = _joinable(plan, dictionary, declared.columns, other, declared.table, declared.table_columns)
    distinct = keys.distinct()
    found = rows.semi_join(distinct, [rows[name] == distinct[name] for name in rows.columns])
    plan.known[f"ref{number}_found"] = int(opened.numbers(found.aggregate(n=found.count()))["n"])
    plan.known[f"ref{number}_all"] = int(opened.numbers(rows.aggregate(n=rows.count()))["n"])
    for code in codes:
        plan.add(
            code,
            "reference",
            label,
            "value exists in the related table",
            f"ref{number}_found",
            f"ref{number}_all",
        )


def _joinable(
    plan: Plan,
    dictionary: Dictionary,
    columns: tuple[str, ...],
    other: ir.Table,
    name: str,
    wanted: tuple[str, ...],
) -> tuple[ir.Table, ir.Table]:
    """Both sides with columns j0, j1 …; compared as text when their types differ. Rows with a gap are left out."""
    here: dict[str, Any] = {}
    there: dict[str, Any] = {}
    for n, (place, column) in enumerate(zip(positions(dictionary, columns), wanted, strict=True)):
        if column not in other.columns:
            raise UnknownColumn(place=f"reference to {name}", column=column)
        left, right = plan.table[f"v{place}"], other[column]
        if right.type().is_timestamp():
            right = right.cast("timestamp")
        if left.type().copy(nullable=True) != right.type().copy(nullable=True):
            left, right = left.cast("string"), right.cast("string")
        here[f"j{n}"], there[f"j{n}"] = left, right
    return plan.table.select(**here).drop_null(), other.select(**there).drop_null()


def dependency(opened: Opened, plan: Plan, dictionary: Dictionary, number: int) -> None:
    """0401: rows whose group of equal determinants shows one single value."""
    declared = dictionary.dependencies[number]
    places = positions(dictionary, (*declared.determinant, declared.column))
    rows = plan.table.select(**{f"j{n}": plan.table[f"v{place}"] for n, place in enumerate(places)}).drop_null()
    last = f"j{len(places) - 1}"
    keys = [f"j{n}" for n in range(len(places) - 1)]
    groups = rows.group_by(keys).aggregate(size=rows.count(), low=rows[last].min(), high=rows[last].max())
    # Summed without a filter on empty groups: an empty table gives null, read as 0.
    query = groups.aggregate(a=groups["size"].sum(where=groups["low"] == groups["high"]), b=groups["size"].sum())
    found = opened.numbers(query)
    plan.known |= {f"dep{number}_a": int(found["a"] or 0), f"dep{number}_b": int(found["b"] or 0)}
    label = f"{', '.join(declared.determinant)} → {declared.column}"
    rule = "equal determinants show one value"
    plan.add("0401", "dependency", label, rule, f"dep{number}_a", f"dep{number}_b")


def order(opened: Opened, plan: Plan, dictionary: Dictionary) -> None:
    """0503: values that do not fall from one row to the next, in the order of the file."""
    for number, column in enumerate(dictionary.columns):
        if not column.monotonic:
            continue
        if column.name not in opened.data.columns:
            plan.known |= {f"order{number}_a": 0, f"order{number}_b": 0}
        else:
            values = plan.table.select(v=plan.table[f"v{number}"])
            # Compiled by Ibis, numbered by the engine: a window without an order keeps the order of the file.
            inner = ibis.to_sql(values, dialect="duckdb")
            [(a, b)] = opened.run(
                "SELECT count(*) FILTER (WHERE v >= p), count(*) FILTER (WHERE v IS NOT NULL AND p IS NOT NULL) "
                f"FROM (SELECT v, lag(v) OVER () AS p FROM ({inner}))"
            )
            plan.known |= {f"order{number}_a": int(a), f"order{number}_b": int(b)}
        plan.add(
            "0503",
            "column",
            column.name,
            "never falls from row to row",
            f"order{number}_a",
            f"order{number}_b",
        )


def buckets(opened: Opened, plan: Plan, dictionary: Dictionary, period: Period) -> None:
    """0501: hours, days or months of the period that hold at least the declared number of rows."""
    every = period.every or Every.DAY
    start, end = moment(period.start, "period.start"), moment(period.end, "period.end")
    [place] = positions(dictionary, (period.column,))
    value = plan.table[f"v{place}"].cast("timestamp")
    rows = plan.table.select(v=value)
    rows = rows.filter((rows.v >= ibis.literal(start)) & (rows.v < ibis.literal(end)))
    units = {Every.HOUR: "h", Every.DAY: "D", Every.MONTH: "M"}
    groups = rows.group_by(b=rows.v.truncate(units[every])).aggregate(size=rows.count())
    full = opened.numbers(groups.aggregate(n=groups.count(where=groups["size"] >= period.at_least)))["n"]
    plan.known |= {"bucket_full": int(full), "bucket_all": bucket_count(start, end, every)}
    rule = f"each {every} holds at least {period.at_least} rows"
    plan.add("0501", "period", period.column, rule, "bucket_full", "bucket_all")


def bucket_count(start: datetime.datetime, end: datetime.datetime, every: Every) -> int:
    """Calendar hours, days or months touched by [start, end)."""
    last = end - datetime.timedelta(microseconds=1)
    if every is Every.MONTH:
        return (last.year - start.year) * 12 + last.month - start.month + 1
    days = last.toordinal() - start.toordinal()
    return days * 24 + last.hour - start.hour + 1 if every is Every.HOUR else days + 1
