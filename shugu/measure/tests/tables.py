"""Small tables written to disk for the tests."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shugu.measure import Column, ColumnType, Dictionary

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def parquet(path: Path, columns: Mapping[str, Any], types: dict[str, pa.DataType] | None = None) -> Path:
    schema = [(name, (types or {}).get(name)) for name in columns]
    arrays = [pa.array(columns[name], type=kind) for name, kind in schema]
    pq.write_table(pa.table(arrays, names=list(columns)), path)
    return path


def whole(name: str, **more: Any) -> Column:
    return Column(name, ColumnType.INTEGER, name, name, **more)


def text(name: str, **more: Any) -> Column:
    return Column(name, ColumnType.TEXT, name, name, **more)


def moment(name: str, **more: Any) -> Column:
    return Column(name, ColumnType.TIMESTAMP, name, name, **more)


def table(*columns: Column, **more: Any) -> Dictionary:
    return Dictionary("t", columns, **more)
