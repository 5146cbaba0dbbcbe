"""Query delivery: some columns and rows of a granted file, by simple filters, as JSON or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from shugu.measure.source import kind_of, literal, quoted

from .errors import BadQuery

MAX_ROWS = 10_000
_OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass(frozen=True)
class Query:
    """`where`: (column, operator, value as text), all of which must hold; `columns` empty = all."""

    columns: tuple[str, ...]
    where: tuple[tuple[str, str, str], ...]
    limit: int
    parquet: bool


def parse_query(columns: str | None, where: Sequence[str], limit: str | None, form: str | None) -> Query:
    """From the query string: columns=a,b where=a:ge:5 limit=100 format=json|parquet. Raises BadQuery."""
    conditions = []
    for text in where:
        parts = text.split(":", 2)
        if len(parts) != 3 or parts[1] not in _OPERATORS:
            raise BadQuery(detail=f"where={text[:80]}")
        conditions.append((parts[0], parts[1], parts[2]))
    number = limit or "100"
    if not (number.isascii() and number.isdigit()) or not 1 <= int(number[:9]) <= MAX_ROWS:
        raise BadQuery(detail=(f"limit 应为 1 至 {MAX_ROWS}", f"limit is 1 to {MAX_ROWS}"))
    if form not in (None, "json", "parquet"):
        raise BadQuery(detail=("format 应为 json 或 parquet", "format is json or parquet"))
    names = tuple(name for name in (columns or "").split(",") if name)
    return Query(names, tuple(conditions), int(number), form == "parquet")


def run_query(path: Path, query: Query) -> bytes:
    """The answer as bytes. Values are bound, names are checked against the file; nothing else reaches the engine."""
    reader = "read_parquet" if kind_of(path) == "parquet" else "read_csv"
    source = f"{reader}({literal(str(path))})"
    with duckdb.connect(config={"threads": 1, "memory_limit": "512MB"}) as engine:
        engine.execute("SET TimeZone='UTC'")
        engine.execute("SET autoload_known_extensions=false")
        known = {row[0]: row[1] for row in engine.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        for name in (*query.columns, *(column for column, _, _ in query.where)):
            if name not in known:
                raise BadQuery(detail=(f"没有字段 {name[:80]}", f"there is no column {name[:80]}"))
        chosen = ", ".join(quoted(name) for name in query.columns or tuple(known))
        tests = [f"{quoted(name)} {_OPERATORS[op]} CAST(? AS {known[name]})" for name, op, _ in query.where]
        condition = f" WHERE {' AND '.join(tests)}" if tests else ""
        values = [value for _, _, value in query.where]
        try:
            found = engine.sql(f"SELECT {chosen} FROM {source}{condition} LIMIT {query.limit}", params=values)
            answer = found.to_arrow_table()
        except duckdb.Error as error:
            raise BadQuery(detail=str(error).splitlines()[0][:200]) from error
    return _parquet(answer) if query.parquet else _json(answer)


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _json(table: pa.Table) -> bytes:
    """{"columns": [...], "rows": [[...]]}: numbers stay numbers, moments are ISO 8601 text."""
    columns = [column.to_pylist() for column in table.columns]
    rows = [[_plain(value) for value in row] for row in zip(*columns, strict=True)]
    return json.dumps({"columns": table.column_names, "rows": rows}, ensure_ascii=False).encode()


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
