"""The quality evaluation itself: open, scan, count, and say honestly what could not be assessed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import ibis.expr.types as ir

from shugu.formats.canonical import digest_hex

from .dictionary import Dictionary
from .errors import BadDictionary
from .indicators import INDICATORS, NOTHING_TO_EVALUATE, Indicator
from .plan import NEWEST, ROWS, Plan, plan_rows
from .report import ColumnProfile, IndicatorResult, Outcome, PartResult, Profile, QualityReport, Weights
from .scans import steps
from .source import Opened, Source, digest_file, first_line, literal, opened, revision_of
from .typed import typed_table

Progress = Callable[[int, int, str], None]


def evaluate(
    source: Source,
    dictionary: Dictionary,
    *,
    now: datetime.datetime,
    progress: Progress | None = None,
    weights: Weights | None = None,
    sample_rows: int = 20,
) -> QualityReport:
    """Measures the source against its dictionary under GB/T 36344-2018.

    `now` is an aware moment, recorded and used for freshness. `progress(done, total, stage)` is called before each
    stage and once at the end. Raises MeasureError and its children; the data are only read.
    """
    if now.tzinfo is None:
        raise BadDictionary(place="now", detail=("时间必须带时区", "an aware moment is wanted"))
    tell = progress or (lambda done, total, stage: None)
    with opened(source) as live:
        _check_patterns(live, dictionary)
        plan = plan_rows(typed_table(live.data, dictionary), dictionary, live.data, live.kind)
        later = steps(live, plan, dictionary)
        total = len(later) + 3
        tell(0, total, "digest")
        files = tuple(digest_file(path) for path in source.paths)
        tell(1, total, "rows")
        profiled = _scan_rows(live, plan, now, dictionary)
        for done, (stage, run) in enumerate(later, start=2):
            tell(done, total, stage)
            run()
        tell(total - 1, total, "profile")
        profile = _profile(live, plan.known[ROWS], profiled, sample_rows)
    tell(total, total, "done")
    return QualityReport(
        table=dictionary.table,
        measured_at=now,
        kind=source.kind,
        files=files,
        revision=revision_of(files),
        dictionary_digest=digest_hex(dictionary.as_dict()),
        indicators=tuple(_result(indicator, plan) for indicator in INDICATORS),
        profile=profile,
        weights=weights or Weights.default(),
    )


def _check_patterns(live: Opened, dictionary: Dictionary) -> None:
    """Patterns are tried on nothing first, so that a bad one is told by its column and not by the scan."""
    for column in dictionary.columns:
        standard = column.standard.pattern if column.standard else None
        for field, pattern in (("pattern", column.pattern), ("mask", column.mask), ("standard", standard)):
            if pattern is None:
                continue
            try:
                live.engine.raw_sql(f"SELECT regexp_matches('', {literal(pattern)})").fetchall()
            except duckdb.Error as error:
                place = f"column {column.name}.{field}"
                raise BadDictionary(
                    place=place,
                    detail=(f"不是 RE2 表达式({first_line(error)})", f"not an RE2 pattern ({first_line(error)})"),
                ) from error


def _scan_rows(live: Opened, plan: Plan, now: datetime.datetime, dictionary: Dictionary) -> dict[str, Any]:
    """The one scan for all row-wise counts and the profile of declared columns; fills `plan.known`."""
    found = live.numbers(plan.query())
    newest = found.pop(NEWEST, None)
    plan.known |= {name: int(value or 0) for name, value in found.items()}
    rows = plan.known[ROWS]
    plan.known["expected_rows"] = max(rows, plan.known.get("expected_rows_declared", rows))
    if plan.newest is not None and dictionary.timeliness is not None:
        # Freshness of the set as a whole: one element, none when the column is empty.
        limit = datetime.timedelta(hours=dictionary.timeliness.max_hours)
        current = now.astimezone(datetime.UTC).replace(tzinfo=None)
        plan.known["fresh_of"] = int(newest is not None)
        plan.known["fresh"] = int(newest is not None and current - newest <= limit)
    return live.numbers(live.data.aggregate(**_profile_counts(live.data)))


def _profile_counts(data: ir.Table) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for number, name in enumerate(data.columns):
        column = data[name]
        counts[f"filled{number}"] = column.count()
        if not column.type().is_nested():
            counts[f"distinct{number}"] = column.approx_nunique()
            counts[f"low{number}"] = column.min().cast("string")
            counts[f"high{number}"] = column.max().cast("string")
    return counts


def _profile(live: Opened, rows: int, found: dict[str, Any], sample_rows: int) -> Profile:
    columns = tuple(
        ColumnProfile(
            name=name,
            stored_type=str(kind),
            nulls=rows - int(found[f"filled{number}"]),
            distinct=int(found.get(f"distinct{number}", 0)),
            lowest=found.get(f"low{number}"),
            highest=found.get(f"high{number}"),
        )
        for number, (name, kind) in enumerate(live.data.schema().items())
    )
    texts = {f"t{number}": live.data[name].cast("string") for number, name in enumerate(live.data.columns)}
    sample = live.rows(live.data.limit(sample_rows).select(**texts)) if sample_rows and texts else []
    return Profile(rows, columns, tuple(tuple(row.values()) for row in sample))


def _result(indicator: Indicator, plan: Plan) -> IndicatorResult:
    parts = tuple(
        PartResult(part.kind, part.name, part.rule, plan.known[part.a], plan.known[part.b])
        for part in plan.parts.get(indicator.code, [])
    )
    omitted = tuple(plan.omitted.get(indicator.code, []))
    a, b = _sums(parts)
    reason = None
    if not parts:
        reason = omitted[0][1] if omitted else indicator.lacking
    elif b == 0:
        reason = NOTHING_TO_EVALUATE
    outcome = Outcome.NOT_ASSESSABLE if reason else Outcome.SCORED
    return IndicatorResult(indicator.code, outcome, a, b, plan.known[ROWS], parts, omitted, reason)


def _sums(parts: Sequence[PartResult]) -> tuple[int, int]:
    return sum(part.a for part in parts), sum(part.b for part in parts)
