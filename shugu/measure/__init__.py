"""Quality measurement of tabular data (GB/T 36344-2018) over DuckDB; pure, no Django. See README.md."""

from __future__ import annotations

from .dictionary import (
    Column,
    ColumnType,
    Dependency,
    Dictionary,
    Every,
    Period,
    Probe,
    Reference,
    Rule,
    Standard,
    Timeliness,
)
from .drafting import draft
from .errors import (
    BadDictionary,
    BadExpression,
    BadWeights,
    MeasureError,
    SourceMissing,
    UnknownColumn,
    WrongFileType,
)
from .indicators import DIMENSIONS, INDICATORS, Indicator
from .quality import evaluate
from .report import IndicatorResult, Outcome, QualityReport, Weights
from .source import Source

__all__ = [
    "DIMENSIONS",
    "INDICATORS",
    "BadDictionary",
    "BadExpression",
    "BadWeights",
    "Column",
    "ColumnType",
    "Dependency",
    "Dictionary",
    "Every",
    "Indicator",
    "IndicatorResult",
    "MeasureError",
    "Outcome",
    "Period",
    "Probe",
    "QualityReport",
    "Reference",
    "Rule",
    "Source",
    "SourceMissing",
    "Standard",
    "Timeliness",
    "UnknownColumn",
    "Weights",
    "WrongFileType",
    "draft",
    "evaluate",
]
