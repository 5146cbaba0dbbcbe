"""The vectors of valuations (docs/formats.md 19): calculations that follow from their inputs, and such as do not."""

from __future__ import annotations

from typing import Any

from shugu.formats.valuation import concluded, faults, rounded, value_of, work

RATE = [["risk_free", "2.3"], ["management", "1.2"], ["circulation", "1.5"], ["data_security", "1.5"], ["supervision", "1.5"]]
ITEMS = [["early", 5_000_000], ["direct", 25_000_000], ["indirect", 6_000_000], ["opportunity", 0], ["taxes", 4_000_001]]


def _income(forecast: str, **more: Any) -> dict[str, Any]:
    two = forecast in ("excess", "incremental")
    years = [{"income_fen": fen, **({"less_fen": fen // 3} if two else {})} for fen in (100_000_000, 110_000_000, 90_000_001)]
    return {"method": "income", "forecast": forecast, "rate": RATE, "years": years, "value_fen": 0, **more}


def _market() -> dict[str, Any]:
    factors = (("1.05", "0.97", "1", "1.1", "1"), ("0.9", "1", "1.02", "0.875", "1.000001"), ("1", "1", "1", "1", "1"))
    names = ("quality", "supply_demand", "date", "capacity", "other")
    return {
        "method": "market", "value_fen": 0,
        "cases": [
            {"name": f"案例 {n}", "price_fen": 70_000_000 + n, "factors": [list(pair) for pair in zip(names, row, strict=True)]}
            for n, row in enumerate(factors, 1)
        ],
    }  # fmt: skip


def _whole(unit: int, methods: list[dict[str, Any]], **conclusion: Any) -> dict[str, Any]:
    told = [{**method, "value_fen": rounded(work(method).exact, unit)} for method in methods]
    due = concluded(conclusion, {m["method"]: m["value_fen"] for m in told}, unit)
    names = ("low_fen", "high_fen") if len(due) == 2 else ("value_fen",)
    return {"unit_fen": unit, "methods": told, "conclusion": {**conclusion, **dict(zip(names, due, strict=True))}}


def _good() -> dict[str, dict[str, Any]]:
    cost = {"method": "cost", "items": ITEMS, "coefficient": {"by": "quality", "factor": "0.85"}, "value_fen": 0}
    life = {**cost, "coefficient": {"by": "life", "remaining_months": 37, "total_months": 60}}
    less: dict[str, Any] = {
        "method": "cost_less_depreciation", "items": ITEMS, "functional_fen": 3_000_000, "economic_fen": 1_234_567,
        "value_fen": 0,
    }  # fmt: skip
    one: dict[str, Any] = {"kind": "single", "method": "income"}
    return {
        "direct": _whole(1, [_income("direct")], **one),
        "sharing": _whole(100, [_income("sharing", share="0.35")], **one),
        "excess": _whole(1_000_000, [_income("excess")], **one),
        "incremental": _whole(1, [_income("incremental")], **one),
        "cost_by_quality": _whole(1, [cost], kind="single", method="cost"),
        "cost_by_life": _whole(100, [life], kind="single", method="cost"),
        "cost_less_depreciation": _whole(1, [less], kind="single", method="cost_less_depreciation"),
        "market": _whole(1, [_market()], kind="single", method="market"),
        "weighted": _whole(100, [_income("direct"), life], kind="weighted", weights=[["income", 3], ["cost", 1]]),
        "range": _whole(100, [_income("direct"), life, _market()], kind="range"),
    }


def _bad(good: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    direct, weighted = good["direct"], good["weighted"]
    method = direct["methods"][0]
    two = [method, {**method}]

    def other(**changes: Any) -> dict[str, Any]:
        return {**direct, "methods": [{**method, **changes}]}

    return {
        "another_value": other(value_fen=method["value_fen"] + 1),
        "a_member_more": other(wished_fen=1),
        "a_rate_respelt": other(rate=[["risk_free", "02.3"], *RATE[1:]]),
        "a_rate_twice": other(rate=[RATE[0], *RATE]),
        "no_years": other(years=[]),
        "a_negative_year": other(years=[{"income_fen": -1}]),
        "unknown_method": other(method="guess"),
        "no_method": {**direct, "methods": [{}]},
        "the_method_twice": {**direct, "methods": two},
        "another_unit": {**direct, "unit_fen": 10},
        "another_conclusion": {**direct, "conclusion": {**direct["conclusion"], "value_fen": 1}},
        "a_range_of_one": {**direct, "conclusion": {"kind": "range", "low_fen": 1, "high_fen": 2}},
        "a_weight_missing": {**weighted, "conclusion": {**weighted["conclusion"], "weights": [["income", 3]]}},
        "no_conclusion": {key: value for key, value in direct.items() if key != "conclusion"},
    }


def valuation_vectors() -> dict[str, Any]:
    good = _good()
    return {
        "good": [{"name": name, "calculation": told, "value_fen": list(value_of(told))} for name, told in good.items()],
        "bad": [{"name": n, "calculation": told, "where": sorted(faults(told))} for n, told in _bad(good).items()],
    }  # fmt: skip
