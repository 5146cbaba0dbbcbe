"""Every indicator against tables small enough to count by hand."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from shugu.formats.canonical import canonical, parse
from shugu.measure import (
    INDICATORS,
    BadDictionary,
    BadWeights,
    Column,
    ColumnType,
    Dependency,
    Dictionary,
    Every,
    Outcome,
    Period,
    Probe,
    QualityReport,
    Reference,
    Rule,
    Source,
    SourceMissing,
    Standard,
    Timeliness,
    Weights,
    WrongFileType,
    evaluate,
)

from .tables import NOW, moment, parquet, table, text, whole


def measured(path: Path, dictionary: Dictionary, **related: Path) -> QualityReport:
    return evaluate(Source.of(path, related=related), dictionary, now=NOW)


def counts(report: QualityReport, code: str) -> tuple[int, int]:
    result = report.indicator(code)
    assert result.outcome is Outcome.SCORED, result.reason
    return result.a, result.b


def day(number: int, hour: int = 0) -> datetime.datetime:
    return datetime.datetime(2025, 1, number, hour)


def test_it_counts_format_completeness_and_dirt_by_hand(tmp_path: Path) -> None:
    data = {"n": [1, 5, None, 99], "s": ["ab", "x\ufffd", None, " NA "]}
    dictionary = table(
        whole("n", expected=True, minimum="1", maximum="10"),
        text("s", expected_when="n is not null", max_length=4),
        dirty_tokens=("NA",),
    )
    report = measured(parquet(tmp_path / "a.parquet", data), dictionary)
    assert counts(report, "0302") == (2 + 3, 3 + 3)
    assert counts(report, "0305") == (1 + 2, 3 + 3)
    assert counts(report, "0201") == (3 + 3, 4 + 3)
    assert counts(report, "0202") == (3, 4)
    assert counts(report, "0103") == (2, 2)


def test_it_counts_standards_codes_masks_and_rules_by_hand(tmp_path: Path) -> None:
    data = {
        "c": ["AA", "bb", "CC", None],
        "p": ["138****0000", "13800000000", None, None],
        "n": [1, 2, 3, None],
    }
    dictionary = table(
        text(
            "c",
            standard=Standard("house code", pattern="[A-Z]{2}"),
            codes=("AA", "bb"),
            codes_source="list 1",
        ),
        text("p", mask=r"[0-9]{3}\*{4}[0-9]{4}"),
        whole("n"),
        rules=(
            Rule("small", "n <= 2"),
            Rule("true count", "n in (1, 3)", indicator="0301"),
            Rule("twice", "n + n == n * 2 and n >= 2", indicator="0402"),
            Rule("same", "length(c) == 2", indicator="0401"),
        ),
    )
    report = measured(parquet(tmp_path / "a.parquet", data), dictionary)
    assert counts(report, "0101") == (2, 3)
    assert counts(report, "0105") == (2, 3)
    assert counts(report, "0106") == (1, 2)
    assert counts(report, "0104") == (2, 3)
    assert counts(report, "0301") == (2, 3)
    assert counts(report, "0402") == (2, 3)
    assert counts(report, "0401") == (3, 3)


def test_it_counts_duplicates_and_uniqueness_by_hand(tmp_path: Path) -> None:
    data = {"a": [1, 1, 1, 2, 2, 3, None, None], "b": ["x", "x", "x", "y", "z", "w", None, None]}
    path = parquet(tmp_path / "a.parquet", data)
    report = measured(path, table(whole("a"), text("b")))
    assert counts(report, "0303") == (2 + 1, 8)
    assert counts(report, "0304") == (3, 8)
    keyed = measured(path, table(whole("a"), text("b"), keys=(("a",),)))
    assert counts(keyed, "0304") == (1, 6)
    assert counts(keyed, "0102") == (1, 8)
    assert counts(keyed, "0303") == (3, 8)


def test_a_whole_unique_key_means_no_duplicates(tmp_path: Path) -> None:
    report = measured(parquet(tmp_path / "a.parquet", {"a": [1, 2, 3]}), table(whole("a", unique=True)))
    assert counts(report, "0303") == (0, 3)
    assert counts(report, "0304") == (3, 3)


def test_it_follows_references_and_says_which_table_is_missing(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": ["1", "2", "9", None], "b": [1, 2, 3, 4]})
    codes = parquet(tmp_path / "codes.parquet", {"k": [1, 2, 2, None]})
    references = (
        Reference(("a",), "codes", ("k",), authoritative=True),
        Reference(("a", "b"), "codes", ("k", "k")),
        Reference(("b",), "absent", ("k",)),
    )
    report = measured(path, table(text("a"), whole("b"), references=references), codes=codes)
    assert counts(report, "0105") == (2, 3)
    assert counts(report, "0102") == (2 + 2, 3 + 3)
    assert [name for name, _ in report.indicator("0102").omitted] == ["b → absent.k"]


def test_it_measures_time_by_hand(tmp_path: Path) -> None:
    times = {
        "at": [day(1), day(2), day(2, 5), day(4), day(9), None],
        "seen": [day(1, 1), day(3), None, day(4), day(8), None],
    }
    dictionary = table(
        moment("at", monotonic=True),
        moment("seen"),
        period=Period("at", "2025-01-01", "2025-01-05", Every.DAY, 1),
        timeliness=Timeliness("at", 1, "seen"),
        rules=(Rule("seen after", "seen >= at", indicator="0503"),),
    )
    report = measured(parquet(tmp_path / "a.parquet", times), dictionary)
    assert counts(report, "0501") == (4 + 3, 5 + 4)
    assert counts(report, "0502") == (3, 4)
    assert counts(report, "0503") == (3 + 4, 4 + 4)


@pytest.mark.parametrize(("hours", "fresh"), [(24 * 357, 1), (24 * 357 - 1, 0)])
def test_freshness_of_the_whole_set_is_measured_against_now(tmp_path: Path, hours: int, fresh: int) -> None:
    path = parquet(tmp_path / "a.parquet", {"at": [day(1), day(9)]})
    report = measured(path, table(moment("at"), timeliness=Timeliness("at", hours)))
    assert counts(report, "0502") == (fresh, 1)


def test_the_same_datum_must_be_the_same_in_all_rows(tmp_path: Path) -> None:
    data = {"a": [1, 1, 2, 2, 3], "b": [7, 7, 8, 9, None]}
    report = measured(
        parquet(tmp_path / "a.parquet", data),
        table(whole("a"), whole("b"), dependencies=(Dependency(("a",), "b"),)),
    )
    assert counts(report, "0401") == (2, 4)


def test_probes_decide_accessibility(tmp_path: Path) -> None:
    probes = (Probe("2025-01-01", True, True), Probe("2025-01-02", False), Probe("2025-01-03", True, False))
    report = measured(parquet(tmp_path / "a.parquet", {"a": [1]}), table(whole("a"), probes=probes))
    assert counts(report, "0601") == (2, 3)
    assert counts(report, "0602") == (1, 2)


def test_what_nobody_declared_is_not_assessable_and_never_scored(tmp_path: Path) -> None:
    report = measured(parquet(tmp_path / "a.parquet", {"a": [1, 2]}), table(whole("a")))
    scored = {result.code for result in report.indicators if result.outcome is Outcome.SCORED}
    assert scored == {"0103", "0302", "0303", "0304", "0305"}
    assert all(result.x is None and result.reason for result in report.indicators if result.code not in scored)
    assert report.dimension_score("06") is None


@pytest.mark.parametrize("values", [[], [None, None]])
def test_empty_and_all_null_tables_invent_no_score(tmp_path: Path, values: list[None]) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": values}, {"a": pa.int64()})
    dictionary = table(whole("a", codes=("1",)), rules=(Rule("r", "a > 0"),), dependencies=(Dependency(("a",), "a"),))
    report = measured(path, dictionary)
    for code in ("0302", "0305", "0104", "0105", "0401"):
        assert report.indicator(code).outcome is Outcome.NOT_ASSESSABLE
    assert report.indicator("0303").b == len(values)


def test_odd_column_names_are_harmless(tmp_path: Path) -> None:
    names = ["航班 号", 'a"b', "a'; DROP TABLE data; --", "r0", "{x}"]
    path = parquet(tmp_path / "a.parquet", {name: [1, 2, 2] for name in names})
    rules = tuple(Rule(name, f"col({name!r}) == 2") for name in names)
    report = measured(path, table(*(whole(name) for name in names), rules=rules, keys=(tuple(names),)))
    assert counts(report, "0104") == (10, 15)
    assert counts(report, "0304") == (1, 3)
    assert counts(report, "0303") == (1, 3)


def test_missing_extra_and_wrongly_stored_columns_cost_metadata(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": ["1", "x"], "extra": [1, 2]})
    report = measured(path, table(whole("a"), whole("gone", expected=True), Column("b", ColumnType.TEXT)))
    assert counts(report, "0103") == (0, 4)
    assert counts(report, "0302") == (1, 2)
    assert counts(report, "0201") == (0, 2)


def test_csv_values_must_fit_their_declared_types(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "i,d,when,b\n1,1.5,2025-01-01T00:00:00Z,true\n1.5,x,2025-02-30 00:00,maybe\n,,,\n", encoding="utf-8"
    )
    kinds = {
        "i": ColumnType.INTEGER,
        "d": ColumnType.DECIMAL,
        "when": ColumnType.TIMESTAMP,
        "b": ColumnType.BOOLEAN,
    }
    report = measured(path, table(*(Column(name, kind, "x", "x") for name, kind in kinds.items())))
    assert counts(report, "0302") == (4, 8)


def test_the_report_is_canonical_json_with_the_digest_of_the_file(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": [1, 2, 3], "f": [0.5, float("nan"), None]})
    report = measured(path, table(whole("a"), Column("f", ColumnType.DECIMAL, "f", "f")))
    plain = report.as_dict()
    assert parse(canonical(plain)) == plain
    assert plain["data"]["revision"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert plain["profile"]["sample"][0] == ["1", "0.5"]
    assert counts(report, "0302") == (4, 5)
    assert canonical(plain) == canonical(
        measured(path, table(whole("a"), Column("f", ColumnType.DECIMAL, "f", "f"))).as_dict()
    )


def test_several_files_are_one_table(tmp_path: Path) -> None:
    paths = [parquet(tmp_path / f"{n}.parquet", {"a": [n, n]}) for n in (1, 2)]
    report = evaluate(Source.of(*paths), table(whole("a")), now=NOW)
    assert report.profile.rows == 4
    lines = "".join(hashlib.sha256(path.read_bytes()).hexdigest() + "\n" for path in paths)
    assert report.revision == hashlib.sha256(lines.encode()).hexdigest()


def test_lower_is_better_is_turned_and_weights_count(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": [1, 1, 1, 2]})
    report = measured(path, table(whole("a")))
    assert report.indicator("0303").x == Fraction(1, 2)
    assert report.dimension_score("03") == (1 + Fraction(1, 2) + Fraction(1, 4) + 1) / 4
    weights = Weights.of({"01": "0", "02": "1", "03": "3", "04": "1", "05": "1", "06": "1"}, "test")
    assert dataclasses.replace(report, weights=weights).overall == report.dimension_score("03")


@pytest.mark.parametrize("bad", [{"01": "1"}, {f"0{n}": "x" for n in range(1, 7)}, {f"0{n}": "0" for n in range(1, 7)}])
def test_it_refuses_bad_weights(bad: dict[str, str]) -> None:
    with pytest.raises(BadWeights):
        Weights.of(bad, "test")


def test_progress_rises_to_its_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    path = parquet(tmp_path / "a.parquet", {"a": [1]})
    evaluate(Source.of(path), table(whole("a")), now=NOW, progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == list(range(len(seen)))
    assert seen[-1][0] == seen[-1][1] and seen[-1][2] == "done"


def test_it_refuses_files_that_are_not_what_they_claim(tmp_path: Path) -> None:
    for name, content in (
        ("a.parquet", b"PAR1 but only at the start"),
        ("b.csv", b"PK\x03\x04zip"),
        ("c.xlsx", b"x"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WrongFileType):
            measured(tmp_path / name, table(whole("a")))
    (tmp_path / "d.parquet").write_bytes(b"PAR1" + b"\0" * 50 + b"PAR1")
    with pytest.raises(WrongFileType):
        measured(tmp_path / "d.parquet", table(whole("a")))
    with pytest.raises(SourceMissing):
        measured(tmp_path / "none.parquet", table(whole("a")))


def test_it_refuses_a_naive_now_and_a_bad_pattern(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": [1]})
    with pytest.raises(BadDictionary, match="aware"):
        evaluate(Source.of(path), table(whole("a")), now=NOW.replace(tzinfo=None))
    with pytest.raises(BadDictionary, match="RE2"):
        measured(path, table(whole("a", pattern="(")))


def test_there_are_twenty_indicators_of_which_two_are_lower_is_better() -> None:
    assert len(INDICATORS) == 20
    assert [item.code for item in INDICATORS if item.lower_is_better] == ["0303", "0305"]
