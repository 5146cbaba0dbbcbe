"""The rule language, the dictionary's JSON form, and the measure against a naive count in Python."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.measure import (
    BadDictionary,
    BadExpression,
    Dictionary,
    MeasureError,
    Rule,
    Source,
    UnknownColumn,
    evaluate,
)
from shugu.measure.samples import FLIGHTS, WEATHER

from .tables import NOW, parquet, table, text, whole


def run(path: Path, expression: str) -> tuple[int, int]:
    dictionary = table(whole("a"), whole("b"), text("s"), rules=(Rule("r", expression),))
    result = evaluate(Source.of(path), dictionary, now=NOW).indicator("0104")
    return result.a, result.b


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return parquet(tmp_path / "a.parquet", {"a": [1, 2, None], "b": [3, 2, 1], "s": ["x", None, "zz"]})


@pytest.mark.parametrize(
    ("expression", "a", "b"),
    [
        ("a < b", 1, 2),
        ("1 <= a <= b", 2, 2),
        ("a is null", 1, 3),
        ("a is not null and s is not None", 1, 3),
        ("not (a == 2)", 1, 2),
        ("implies(a == 1, s == 'x')", 2, 2),
        ("iff(a is null, s == 'zz')", 2, 2),
        ("abs(a - b) % 2 == 0 or b // 2 == 1", 2, 2),
        ("s in ('x', 'y')", 1, 2),
        ("b not in (3, 1)", 1, 3),
        ("b > decimal('1.5')", 2, 3),
        ("hours_between(timestamp(2025, 1, 1, 0), timestamp(2025, 1, 2, b)) >= 26", 2, 3),
        ("timestamp(2025, 2, 31, b) is null", 3, 3),
    ],
)
def test_expressions_mean_what_they_say(path: Path, expression: str, a: int, b: int) -> None:
    assert run(path, expression) == (a, b)


@pytest.mark.parametrize(
    "expression",
    [
        "a +", "a", "a + b", "1.5 < a", "a.b == 1", "__import__('os') == 1", "s < 1", "a and b", "a is 1", "s in 'x'",
        "[x for x in (1,)] == 1", "nothing(a)", "iff(a)", "decimal('x') == a", "col(s) == 1", "a == b" + " " * 2000,
        "a if b else a", "s + 1 == 2", "a := 1", "(" * 300 + "a" + ")" * 300,
    ],
)  # fmt: skip
def test_it_refuses_what_is_not_a_rule(path: Path, expression: str) -> None:
    with pytest.raises(BadExpression):
        run(path, expression)


def test_it_names_the_unknown_column(path: Path) -> None:
    with pytest.raises(UnknownColumn, match="“ghost”"):
        run(path, "ghost > 1")


def test_a_scan_that_overflows_ends_in_a_clear_error(tmp_path: Path) -> None:
    big = parquet(tmp_path / "big.parquet", {"a": [2**62], "b": [2**62], "s": ["x"]})
    with pytest.raises(MeasureError, match=r"(?i)overflow|out of range"):
        run(big, "a * b > 0")


@pytest.mark.parametrize("dictionary", [FLIGHTS, WEATHER])
def test_a_dictionary_survives_its_json_form(dictionary: Dictionary) -> None:
    assert Dictionary.from_dict(dictionary.as_dict()) == dictionary


@pytest.mark.parametrize(
    "raw",
    [
        [], {}, {"table": "t", "columns": []}, {"table": "t", "columns": [{"name": "a", "type": "float"}]},
        {"table": "t", "columns": [{"name": "a", "type": "text", "colour": "red"}]},
        {"table": "t", "columns": [{"name": "a", "type": "text"}, {"name": "a", "type": "text"}]},
        {"table": "t", "columns": [{"name": "a", "type": "text"}], "keys": [["b"]]},
        {"table": "t", "columns": [{"name": "a", "type": "text"}], "expected_rows": True},
        {"table": "t", "columns": [{"name": "a", "type": "text"}],
         "rules": [{"name": "r", "expression": "a=='x'", "indicator": "0601"}]},
    ],
)  # fmt: skip
def test_it_refuses_a_malformed_dictionary(raw: object) -> None:
    with pytest.raises(BadDictionary):
        Dictionary.from_dict(raw)


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["", "a", "bb", "NA"]),
    ),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(rows=ROWS)
def test_it_counts_as_a_naive_loop_does(rows: list[tuple[int | None, int | None, str | None]]) -> None:
    dictionary = table(
        whole("a", expected=True, minimum="-1"),
        whole("b"),
        text("s", max_length=1),
        keys=(("a", "b"),),
        rules=(Rule("r", "a <= b"),),
        dirty_tokens=("NA",),
    )
    with tempfile.TemporaryDirectory() as name:
        columns = {"a": [r[0] for r in rows], "b": [r[1] for r in rows], "s": [r[2] for r in rows]}
        types = {"a": pa.int64(), "b": pa.int64(), "s": pa.string()}
        report = evaluate(Source.of(parquet(Path(name) / "t.parquet", columns, types)), dictionary, now=NOW)
    found = {result.code: (result.a, result.b) for result in report.indicators}
    decided = [(a, b) for a, b, _ in rows if a is not None and b is not None]
    fits = [a >= -1 for a, _, _ in rows if a is not None] + [True for _, b, _ in rows if b is not None]
    short = [len(s) <= 1 for _, _, s in rows if s is not None]
    assert found["0104"] == (sum(a <= b for a, b in decided), len(decided))
    assert found["0201"] == (sum(a is not None for a, _, _ in rows), len(rows))
    assert found["0302"] == (sum(fits) + sum(short), len(fits) + len(short))
    assert found["0305"] == (fits.count(False) + short.count(False), len(fits) + len(short))
    assert found["0303"] == (len(rows) - len(set(rows)), len(rows))
    assert found["0304"] == (sum(decided.count(key) == 1 for key in decided), len(decided))
