"""Money: strict text, exact parts."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.money import LARGEST, bps, format_fen, parse_fen, percent, split
from shugu.kernel.rule_errors import MoneyError

AMOUNTS = st.integers(0, 10**13)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0", 0), ("0.01", 1), ("12", 1200), ("12.5", 1250), ("1,234.56", 123456), ("1234.56", 123456)],
)
def test_it_reads_yuan_as_people_write_them(text: str, fen: int) -> None:
    assert parse_fen(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "", " 1", "1 ", "1\n", ".5", "1.", "01", "00.10", "1,23", "12,34.00", "1234,567", ",123",
        "1.234", "0.001", "1.230", "-1", "+1", "1e3", "１２", "¥1", "1_000", "90071992547409.92",
        "9" * 5000,
    ],
)  # fmt: skip
def test_it_refuses_anything_that_is_not_a_plain_amount(text: str) -> None:
    with pytest.raises(MoneyError) as refusal:
        parse_fen(text)
    assert refusal.value.remedy_text("zh")


def test_a_fraction_of_a_fen_is_refused_with_its_reason_and_remedy() -> None:
    with pytest.raises(MoneyError) as refusal:
        parse_fen("1.005")
    assert "小于一分" in refusal.value.message("zh")
    assert "two decimals" in refusal.value.remedy_text("en")


def test_a_negative_amount_is_read_only_where_it_is_expected() -> None:
    assert parse_fen("-1,000.05", signed=True) == -100005


@settings(max_examples=100)
@given(st.integers(-LARGEST, LARGEST))
def test_what_is_printed_is_read_back(amount: int) -> None:
    assert parse_fen(format_fen(amount), signed=True) == amount


def test_it_prints_separators_and_the_sign_before_the_symbol() -> None:
    assert format_fen(123456789) == "1,234,567.89"
    assert format_fen(-5, symbol=True) == "-¥0.05"


@settings(max_examples=100)
@given(st.integers(-(10**13), 10**13), WEIGHTS)
def test_parts_sum_exactly_and_stay_within_a_fen_of_their_share(total: int, weights: list[int]) -> None:
    parts = split(total, list(enumerate(weights)))
    assert sum(parts.values()) == total
    for place, weight in enumerate(weights):
        assert abs(parts[place] - Fraction(total * weight, sum(weights))) < 1


@settings(max_examples=100)
@given(AMOUNTS, WEIGHTS)
def test_a_larger_weight_never_gets_less(total: int, weights: list[int]) -> None:
    parts = split(total, list(enumerate(weights)))
    by_weight = sorted(zip(weights, parts.values(), strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(by_weight) if low[0] < high[0])


def test_left_over_fen_go_to_the_largest_remainders_then_to_the_first_named() -> None:
    assert split(100, [("a", 1), ("b", 1), ("c", 1)]) == {"a": 34, "b": 33, "c": 33}
    assert split(10, [("a", Fraction(1, 6)), ("b", Fraction(5, 6))]) == {"a": 2, "b": 8}
    assert split(-100, [("a", 1), ("b", 1), ("c", 1)]) == {"a": -34, "b": -33, "c": -33}


@pytest.mark.parametrize("shares", [[], [("a", 0)], [("a", -1), ("b", 2)], [("a", 1), ("a", 1)]], ids=str)
def test_it_refuses_shares_that_divide_nothing(shares: list[tuple[str, int]]) -> None:
    with pytest.raises(MoneyError):
        split(100, shares)


def test_basis_points_round_as_told() -> None:
    assert bps(1_000_000, 250) == 25_000
    assert [bps(2, 2500, how) for how in ("down", "half_up", "up")] == [0, 1, 1]
    assert [bps(1, 2500, how) for how in ("down", "half_up", "up")] == [0, 0, 1]
    with pytest.raises(MoneyError):
        bps(-1, 250)


@settings(max_examples=100)
@given(AMOUNTS, AMOUNTS, st.integers(0, 10_000), st.sampled_from(["down", "half_up", "up"]))
def test_a_fee_grows_with_its_amount_and_never_exceeds_it(a: int, b: int, rate: int, how: str) -> None:
    low, high = sorted((a, b))
    assert bps(low, rate, how) <= bps(high, rate, how) <= high


def test_a_rate_is_read_in_percent() -> None:
    assert (percent(250), percent(5), percent(2000)) == ("2.50%", "0.05%", "20.00%")
