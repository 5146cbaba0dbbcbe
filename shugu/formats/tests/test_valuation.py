"""A valuation is worked out exactly, and a figure that is not what its inputs give is found, whatever the inputs."""

from __future__ import annotations

import copy
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats import valuation
from shugu.formats.tests import golden
from shugu.formats.valuation import BadValuation, decimal, faults, rounded, value_of, work

VECTORS = golden.read_json("valuation.json")
AMOUNTS = st.integers(0, 10**12)
RATES = st.integers(0, 3_000).map(lambda n: f"{n // 100}.{n % 100:02d}")
FACTORS = st.integers(1, 3_000).map(lambda n: f"{n // 1000}.{n % 1000:03d}")


def _half_up(value: Fraction, unit: int) -> int:
    """The rounding again, by decimals long enough to be exact in the half."""
    with localcontext() as context:
        context.prec = 200
        told = Decimal(value.numerator) / Decimal(value.denominator) / unit
        return int(told.quantize(Decimal(1), ROUND_HALF_UP)) * unit


@settings(max_examples=50, deadline=None)
@given(st.lists(AMOUNTS, min_size=1, max_size=12), st.lists(RATES, min_size=1, max_size=3), st.sampled_from(valuation.UNITS))
def test_income_is_what_discounting_backwards_year_by_year_gives(years: list[int], rates: list[str], unit: int) -> None:
    method: dict[str, Any] = {
        "method": "income", "forecast": "direct", "rate": [[f"r{n}", rate] for n, rate in enumerate(rates)],
        "years": [{"income_fen": year} for year in years], "value_fen": 0,
    }  # fmt: skip
    rate = sum((Fraction(text) for text in rates), Fraction(0)) / 100
    value = Fraction(0)
    for year in reversed(years):  # Horner: another road to the same sum
        value = (value + year) / (1 + rate)
    if not value:
        with pytest.raises(BadValuation):
            work(method)
        return
    found = work(method)
    assert found.exact == value and sum(line.amount for line in found.lines) == value
    assert rounded(found.exact, unit) == _half_up(value, unit)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**10), st.lists(FACTORS, min_size=1, max_size=5)), min_size=1, max_size=6))
def test_market_is_the_mean_of_the_adjusted_prices(cases: list[tuple[int, list[str]]]) -> None:
    method = {
        "method": "market", "value_fen": 0,
        "cases": [
            {"name": f"案例 {n}", "price_fen": price, "factors": [[f"f{m}", f] for m, f in enumerate(factors)]}
            for n, (price, factors) in enumerate(cases)
        ],
    }  # fmt: skip
    adjusted = []
    for price, factors in cases:
        value = Fraction(price)
        for factor in factors:
            value *= Fraction(factor)
        adjusted.append(value)
    assert work(method).exact == sum(adjusted, Fraction(0)) / len(adjusted)


@settings(max_examples=50, deadline=None)
@given(st.lists(AMOUNTS, min_size=1, max_size=5), st.integers(1, 600), st.integers(0, 600), st.data())
def test_cost_is_the_sum_times_the_coefficient_or_less_depreciation(
    items: list[int], left: int, more: int, data: st.DataObject
) -> None:
    rows = [[f"e{n}", amount] for n, amount in enumerate(items)]
    total = sum(items)
    life = {"by": "life", "remaining_months": left, "total_months": left + more}
    cost = {"method": "cost", "items": rows, "coefficient": life, "value_fen": 0}
    lost = data.draw(st.integers(0, total))
    less = {"method": "cost_less_depreciation", "items": rows, "functional_fen": lost, "economic_fen": 0, "value_fen": 0}
    for method, due in ((cost, Fraction(total * left, left + more)), (less, Fraction(total - lost))):
        if due:
            assert work(method).exact == due
        else:
            with pytest.raises(BadValuation):
                work(method)


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda v: v["name"])
def test_the_vectors_hold_and_no_figure_of_theirs_can_change(vector: dict[str, Any]) -> None:
    calculation = vector["calculation"]
    assert faults(calculation) == {} and list(value_of(calculation)) == vector["value_fen"]
    for place, method in enumerate(calculation["methods"]):
        for by in (-1, 1):
            changed = copy.deepcopy(calculation)
            changed["methods"][place]["value_fen"] = method["value_fen"] + by
            assert set(faults(changed)) == {method["method"]}
    for name in set(calculation["conclusion"]) & {"value_fen", "low_fen", "high_fen"}:
        changed = copy.deepcopy(calculation)
        changed["conclusion"][name] += 1
        assert set(faults(changed)) == {"conclusion"}


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda v: v["name"])
def test_what_the_vectors_call_bad_is_refused_where_they_say(vector: dict[str, Any]) -> None:
    found = faults(vector["calculation"])
    assert sorted(found) == vector["where"] and all(zh and en for zh, en in found.values())


def test_the_message_names_both_figures() -> None:
    calculation = copy.deepcopy(VECTORS["good"][0]["calculation"])
    method = calculation["methods"][0]
    right = valuation.yuan(method["value_fen"])
    method["value_fen"] += 100
    zh, en = faults(calculation)[method["method"]]
    wrong = valuation.yuan(method["value_fen"])
    assert zh == f"所载 {wrong} 元，按其参数应为 {right} 元" and en == f"it says {wrong} yuan, its inputs give {right}"


@pytest.mark.parametrize("value", [1.0, "1", None, True, [], {}])
@pytest.mark.parametrize("where", ["value_fen", "method", "years", "rate", "forecast"])
def test_what_is_of_another_type_is_a_fault_and_no_accident(where: str, value: object) -> None:
    calculation = copy.deepcopy(VECTORS["good"][0]["calculation"])
    calculation["methods"][0][where] = value
    assert faults(calculation)
    calculation = copy.deepcopy(VECTORS["good"][0]["calculation"])
    for name in ("unit_fen", "methods", "conclusion"):
        assert faults({**calculation, name: value})
    for name in calculation["conclusion"]:
        assert set(faults({**calculation, "conclusion": {**calculation["conclusion"], name: value}})) == {"conclusion"}


@pytest.mark.parametrize("text", ["", "-1", "+1", "1e3", "1.1234567", "01", ".5", "1.", " 1", "1,000", "１", 1, 0.5, None])
def test_a_decimal_has_one_spelling(text: object) -> None:
    with pytest.raises(BadValuation):
        decimal(text)


@pytest.mark.parametrize(("value", "unit", "due"), [(Fraction(1, 2), 1, 1), (Fraction(149), 100, 100), (Fraction(150), 100, 200)])
def test_a_half_is_rounded_up(value: Fraction, unit: int, due: int) -> None:
    assert rounded(value, unit) == due
