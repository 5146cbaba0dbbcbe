"""The quality report: exact fractions, and a JSON-safe form without floats that can be canonicalised and digested."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from .errors import BadWeights
from .indicators import BY_CODE, DIMENSIONS, INDICATORS, STANDARD, Bilingual
from .source import FileDigest

AGGREGATION: Bilingual = (
    (
        "维度得分为可评价指标得分的算术平均（越低越好的指标取 1−X），总分为可评价维度按权重的平均；"
        "不可评价的指标不参与计算。此汇总方法为交易所自行选择，标准未作规定。"
    ),
    (
        "A dimension scores the mean of its assessable indicators (1 - X where lower is better); the overall "
        "score is the weighted mean of assessable dimensions. What cannot be assessed is left out. This "
        "aggregation is the venue's own choice; the standard sets none."
    ),
)


class Outcome(StrEnum):
    SCORED = "scored"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True)
class PartResult:
    """One column or rule of an indicator, with its own counts."""

    kind: str
    name: str
    rule: str
    a: int
    b: int


@dataclass(frozen=True)
class IndicatorResult:
    """A and B summed over `parts`; `reason` (zh, en) tells why an indicator is not assessable.

    `omitted`: declared parts that could not be evaluated, each with its reason.
    """

    code: str
    outcome: Outcome
    a: int
    b: int
    rows: int
    parts: tuple[PartResult, ...]
    omitted: tuple[tuple[str, Bilingual], ...] = ()
    reason: Bilingual | None = None

    @property
    def x(self) -> Fraction | None:
        return Fraction(self.a, self.b) if self.outcome is Outcome.SCORED else None

    @property
    def score(self) -> Fraction | None:
        """X turned so that higher is always better."""
        if self.x is None:
            return None
        return 1 - self.x if BY_CODE[self.code].lower_is_better else self.x

    def as_dict(self) -> dict[str, Any]:
        indicator = BY_CODE[self.code]
        return {
            "code": self.code,
            "dimension": indicator.dimension,
            "title": pair(indicator.title),
            "direction": "lower_is_better" if indicator.lower_is_better else "higher_is_better",
            "outcome": str(self.outcome),
            "a": self.a,
            "b": self.b,
            "a_counts": pair(indicator.a),
            "b_counts": pair(indicator.b),
            "fraction": f"{self.a}/{self.b}" if self.x is not None else None,
            "x": places(self.x),
            "rows_evaluated": self.rows,
            "reason": pair(self.reason) if self.reason else None,
            "parts": [
                {
                    "kind": p.kind,
                    "name": p.name,
                    "rule": p.rule,
                    "a": p.a,
                    "b": p.b,
                    "x": places(ratio(p.a, p.b)),
                }
                for p in self.parts
            ],
            "omitted": [{"name": name, "reason": pair(reason)} for name, reason in self.omitted],
        }


@dataclass(frozen=True)
class ColumnProfile:
    """What is in one stored column; `lowest`/`highest` as text; `distinct` is approximate (HyperLogLog)."""

    name: str
    stored_type: str
    nulls: int
    distinct: int
    lowest: str | None
    highest: str | None


@dataclass(frozen=True)
class Profile:
    """`sample`: the first rows of the file, every value as text or None, in the order of `columns`."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    sample: tuple[tuple[str | None, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "columns": [
                {
                    "name": column.name,
                    "stored_type": column.stored_type,
                    "nulls": column.nulls,
                    "distinct_approximate": column.distinct,
                    "min": column.lowest,
                    "max": column.highest,
                }
                for column in self.columns
            ],
            "sample": [list(row) for row in self.sample],
        }


@dataclass(frozen=True)
class Weights:
    """Weight per dimension code, and where the choice comes from."""

    values: Mapping[str, Fraction]
    source: str
    force: str

    @classmethod
    def of(cls, values: Mapping[str, str], source: str, force: str = "venue") -> Weights:
        if set(values) != set(DIMENSIONS):
            raise BadWeights(
                detail=(
                    f"应给出 {', '.join(DIMENSIONS)},实为 {', '.join(sorted(values))}",
                    f"wanted {', '.join(DIMENSIONS)}, got {', '.join(sorted(values))}",
                )
            )
        try:
            read = {code: Fraction(Decimal(text)) for code, text in values.items()}
        except (InvalidOperation, ValueError, TypeError, OverflowError) as error:
            raise BadWeights(detail=("权重不是十进制数", "a weight is not a decimal number")) from error
        if min(read.values()) < 0 or sum(read.values()) == 0:
            raise BadWeights(detail=("权重为负，或全部为零", "a weight is negative, or all are zero"))
        return cls(read, source, force)

    @classmethod
    def default(cls) -> Weights:
        raw = tomllib.loads(Path(__file__).with_name("weights.toml").read_text(encoding="utf-8"))
        return cls.of(raw["weights"], raw["source"], raw["force"])


@dataclass(frozen=True)
class QualityReport:
    table: str
    measured_at: datetime.datetime
    kind: str
    files: tuple[FileDigest, ...]
    revision: str
    dictionary_digest: str
    indicators: tuple[IndicatorResult, ...]
    profile: Profile
    weights: Weights

    def indicator(self, code: str) -> IndicatorResult:
        return next(result for result in self.indicators if result.code == code)

    def dimension_score(self, code: str) -> Fraction | None:
        """Mean of the assessable indicators' scores; None when none can be assessed."""
        results = [result for result in self.indicators if BY_CODE[result.code].dimension == code]
        scores = [result.score for result in results if result.score is not None]
        return sum(scores, Fraction(0)) / len(scores) if scores else None

    @property
    def overall(self) -> Fraction | None:
        total, weight = Fraction(0), Fraction(0)
        for code in DIMENSIONS:
            score = self.dimension_score(code)
            if score is not None:
                total += score * self.weights.values[code]
                weight += self.weights.values[code]
        return total / weight if weight else None

    def as_dict(self) -> dict[str, Any]:
        """Only text, whole numbers, true/false and null: safe for RFC 8785."""
        return {
            "kind": "quality-report",
            "version": 1,
            "standard": STANDARD,
            "table": self.table,
            "measured_at": self.measured_at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data": {
                "format": self.kind,
                "revision": self.revision,
                "rows": self.profile.rows,
                "files": [{"name": f.name, "bytes": f.size, "sha256": f.sha256} for f in self.files],
            },
            "dictionary_sha256": self.dictionary_digest,
            "dimensions": [self._dimension(code) for code in DIMENSIONS],
            "overall": {
                "score": places(self.overall),
                "assessable": sum(result.x is not None for result in self.indicators),
                "indicators": len(INDICATORS),
                "aggregation": pair(AGGREGATION),
                "weights": {code: places(value) for code, value in self.weights.values.items()},
                "weights_source": self.weights.source,
                "weights_force": self.weights.force,
            },
            "profile": self.profile.as_dict(),
        }

    def _dimension(self, code: str) -> dict[str, Any]:
        results = [result for result in self.indicators if BY_CODE[result.code].dimension == code]
        return {
            "code": code,
            "title": pair(DIMENSIONS[code]),
            "score": places(self.dimension_score(code)),
            "assessable": sum(result.x is not None for result in results),
            "indicators": [result.as_dict() for result in results],
        }


def ratio(a: int, b: int) -> Fraction | None:
    return Fraction(a, b) if b else None


def places(value: Fraction | None) -> str | None:
    """Four decimal places, half up, as text."""
    if value is None:
        return None
    exact = Decimal(value.numerator * 10**5 // value.denominator) / 10**5
    return str(exact.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def pair(text: Bilingual) -> dict[str, str]:
    return {"zh": text[0], "en": text[1]}
