"""The data to be measured: files on disk, opened read-only in a private in-memory DuckDB.

A file must be what it claims: Parquet by its magic bytes, CSV as UTF-8 text without NUL bytes.
CSV is read as text only; whether a value fits its declared type is for the measure to say, not the reader.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

from .errors import MeasureError, SourceMissing, WrongFileType

CHUNK = 1 << 20
PARQUET_MAGIC = b"PAR1"
BINARY_STARTS = (b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"%PDF", b"SQLite")


@dataclass(frozen=True)
class Source:
    """Parquet or CSV file(s) of one table, with the related tables that references point to.

    `nulls`: spellings read as "no value" in CSV. `threads`, `memory_mb`: limits of the engine.
    """

    paths: tuple[Path, ...]
    related: Mapping[str, Path] = field(default_factory=dict)
    nulls: tuple[str, ...] = ("",)
    threads: int = 2
    memory_mb: int = 1400

    @classmethod
    def of(cls, *paths: str | Path, related: Mapping[str, str | Path] | None = None, **options: Any) -> Source:
        others = {name: Path(path) for name, path in (related or {}).items()}
        return cls(tuple(Path(path) for path in paths), others, **options)

    @property
    def kind(self) -> str:
        return kind_of(self.paths[0]) if self.paths else "parquet"


@dataclass(frozen=True)
class FileDigest:
    """Name, length in bytes and SHA-256 (hex) of one file."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Opened:
    """A live engine with the view `data` and one view `related_<name>` per related table."""

    engine: Any
    kind: str
    data: ir.Table
    related: Mapping[str, ir.Table]

    def numbers(self, query: ir.Table | ir.Scalar) -> dict[str, Any]:
        """The single row of an aggregate query as a dict. Raises MeasureError when the engine gives up."""
        return self.rows(query)[0]

    def rows(self, query: Any) -> list[dict[str, Any]]:
        try:
            return list(self.engine.to_pyarrow(query).to_pylist())
        except duckdb.Error as error:
            raise MeasureError(detail=first_line(error)) from error

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return list(self.engine.raw_sql(sql).fetchall())
        except duckdb.Error as error:
            raise MeasureError(detail=first_line(error)) from error


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


def kind_of(path: Path) -> str:
    """ "parquet" or "csv" by suffix. Raises WrongFileType for anything else."""
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return "parquet"
    if suffix in (".csv", ".tsv"):
        return "csv"
    raise WrongFileType(
        path=path.name, claimed="Parquet / CSV", detail=(f"后缀 {suffix or '缺失'}", f"suffix {suffix or 'missing'}")
    )


def quoted(name: str) -> str:
    """A name as SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def digest_file(path: Path) -> FileDigest:
    running = hashlib.sha256()
    size = 0
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            running.update(chunk)
            size += len(chunk)
    return FileDigest(path.name, size, running.hexdigest())


def revision_of(files: tuple[FileDigest, ...]) -> str:
    """The data revision digest: of one file its own SHA-256; of several, the SHA-256 of their hex digests, one per line."""
    if len(files) == 1:
        return files[0].sha256
    return hashlib.sha256("".join(f"{file.sha256}\n" for file in files).encode()).hexdigest()


def check_file(path: Path) -> str:
    """The kind of the file after looking at its first and last bytes. Raises SourceMissing, WrongFileType."""
    if not path.is_file():
        raise SourceMissing(path=str(path))
    if any(mark in str(path) for mark in "*?["):
        raise SourceMissing(path=str(path))
    kind = kind_of(path)
    with path.open("rb") as handle:
        head = handle.read(1 << 16)
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - 4))
        tail = handle.read(4)
    if kind == "parquet" and (head[:4] != PARQUET_MAGIC or tail != PARQUET_MAGIC):
        raise WrongFileType(path=path.name, claimed="Parquet", detail=("缺少 PAR1 标记", "the PAR1 marks are missing"))
    if kind == "csv" and (b"\0" in head or head.startswith(BINARY_STARTS)):
        raise WrongFileType(path=path.name, claimed="CSV", detail=("内容是二进制", "binary content"))
    return kind


@contextlib.contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """Opens the source; the engine and its spill directory are gone afterwards."""
    if not source.paths:
        raise SourceMissing(path="-")
    kinds = {check_file(path) for path in source.paths}
    if len(kinds) != 1:
        raise WrongFileType(
            path=source.paths[0].name, claimed="/".join(sorted(kinds)), detail=("混合了多种文件", "mixed file types")
        )
    for path in source.related.values():
        check_file(path)
    with tempfile.TemporaryDirectory(prefix="shugu-measure-") as spill:
        engine = ibis.duckdb.connect(
            threads=source.threads,
            memory_limit=f"{source.memory_mb}MB",
            temp_directory=spill,
            autoinstall_known_extensions="false",
            autoload_known_extensions="false",
        )
        try:
            engine.raw_sql("SET TimeZone='UTC'")
            data = _view(engine, "data", source.paths, kinds.pop(), source.nulls)
            related = {
                name: _view(engine, f"related_{name}", (path,), kind_of(path), source.nulls)
                for name, path in source.related.items()
            }
            yield Opened(engine, source.kind, data, related)
        finally:
            engine.disconnect()


def _view(engine: Any, name: str, paths: tuple[Path, ...], kind: str, nulls: tuple[str, ...]) -> ir.Table:
    files = "[" + ", ".join(literal(str(path)) for path in paths) + "]"
    if kind == "parquet":
        reader = f"read_parquet({files})"
    else:
        spellings = "[" + ", ".join(literal(text) for text in nulls) + "]"
        reader = f"read_csv({files}, all_varchar=true, header=true, nullstr={spellings})"
    try:
        engine.raw_sql(f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {reader}")
        return engine.table(name)
    except duckdb.Error as error:
        raise WrongFileType(path=paths[0].name, claimed=kind, detail=first_line(error)) from error
