"""A first data dictionary out of a file: names and types as they are found, and nothing that only the provider can say."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from .dictionary import Column, ColumnType, Dictionary
from .errors import WrongFileType
from .source import check_file, first_line, literal

# DuckDB's type names, without parameters.
_TYPES: dict[str, ColumnType] = {
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
        ColumnType.INTEGER,
    ),
    **dict.fromkeys(("DECIMAL", "FLOAT", "DOUBLE"), ColumnType.DECIMAL),
    "BOOLEAN": ColumnType.BOOLEAN,
    "DATE": ColumnType.DATE,
    **dict.fromkeys(
        ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"), ColumnType.TIMESTAMP
    ),
}  # fmt: skip


def draft(file: Path) -> Dictionary:
    """The dictionary of a Parquet or CSV file, of names and types only; what they mean, keys and rules are left to be
    declared. A CSV's types are those that every value of it fits. Errors: SourceMissing, WrongFileType, BadDictionary."""
    kind, path = check_file(file), literal(str(file))
    reader = f"read_parquet({path})" if kind == "parquet" else f"read_csv({path}, header=true, sample_size=-1)"
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as engine:
        try:
            found = engine.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
        except duckdb.Error as error:
            raise WrongFileType(path=file.name, claimed=kind, detail=first_line(error)) from error
    columns = tuple(
        Column(str(name), _TYPES.get(re.sub(r"\(.*\)", "", str(stored)).strip(), ColumnType.TEXT))
        for name, stored, *_ in found
    )
    return Dictionary(table=file.stem, columns=columns)
