"""The calculation of a valuation, worked out again exactly from its own inputs (docs/formats.md 19).

Amounts are integer fen, coefficients and rates decimal text; everything between is a fraction. No float, no rounding but
one: half up to the report's unit, at the end of each method and of a weighted conclusion. Pure: no codes of any venue's
rules are known here, only the arithmetic that the codes name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from shugu.formats.errors import Pair, ShuguError

INCOME, COST, COST_LESS, MARKET = "income", "cost", "cost_less_depreciation", "market"
METHODS: Final = (INCOME, COST, COST_LESS, MARKET)
FORECASTS: Final = ("direct", "sharing", "excess", "incremental")
LESSENED: Final = frozenset({"excess", "incremental"})  # a year's income stands less what others earn, or less what is without
SINGLE, WEIGHTED, RANGE = "single", "weighted", "range"
UNITS: Final = (1, 100, 1_000_000)  # fen, yuan, ten thousand yuan
LARGEST: Final = 2**53 - 1
NOUGHT, ONE = Fraction(0), Fraction(1)
MOST_YEARS, MOST_CASES, MOST_ROWS, LONGEST_NAME, MOST_WEIGHT = 50, 30, 20, 200, 1_000

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class BadValuation(ShuguError):
    """A method or a conclusion that cannot be worked out, or does not say what follows from its inputs."""

    code = "bad-valuation"
    status = 422
    sentence = ("价值评估的计算不成立：{why}。", "The calculation of the valuation does not hold: {why}.")
    remedy = ("按参数重新计算，或更正参数后再提交。", "Work it out again from the inputs, or correct the inputs.")

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(why=(zh, en))
        self.why: Pair = (zh, en)


@dataclass(frozen=True)
class Line:
    """One step: `amount` = `base` × `factor`, in fen. `code` names a year ("1", "2" …), an element or a compared case."""

    code: str
    base: Fraction
    factor: Fraction
    amount: Fraction


@dataclass(frozen=True)
class Working:
    """`exact` in fen before rounding; `factor`: what the sum of `lines` is multiplied by; `less`: what is then deducted."""

    method: str
    lines: tuple[Line, ...]
    factor: Fraction
    less: Fraction
    exact: Fraction
    rate: Fraction | None = None


def decimal(text: object) -> Fraction:
    """"12.5" exactly. Errors: BadValuation for any other spelling (digits, at most six decimals, no sign)."""
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise BadValuation(f"“{text}”不是至多六位小数的数", f"“{text}” is no number with at most six decimals")
    return Fraction(text)


def rounded(value: Fraction, unit: int) -> int:
    """In fen, half up to whole units."""
    return ((value / unit * 2 + 1) // 2) * unit


def yuan(fen: int) -> str:
    whole, rest = divmod(fen, 100)
    return f"{whole:,}.{rest:02d}"


def work(method: Mapping[str, Any]) -> Working:
    """One method worked out. Errors: BadValuation."""
    name = method.get("method")
    steps = {INCOME: _income, COST: _cost, COST_LESS: _cost_less, MARKET: _market}
    if not isinstance(name, str) or name not in steps:
        raise BadValuation(f"没有名为“{name}”的方法", f"there is no method “{name}”")
    found = steps[name](method)
    if not 0 < found.exact <= LARGEST:
        raise BadValuation("结果须大于零且不过大", "the result must be above nought and not too large")
    return found


def faults(calculation: Mapping[str, Any]) -> dict[str, Pair]:
    """{method, "conclusion", "unit_fen" or "methods": why}; empty when every figure follows from its inputs."""
    if set(calculation) != {"unit_fen", "methods", "conclusion"}:
        return {"methods": ("计算须有且只有 unit_fen、methods、conclusion", "it has exactly unit_fen, methods, conclusion")}
    unit, methods = calculation["unit_fen"], calculation["methods"]
    if type(unit) is not int or unit not in UNITS:
        return {"unit_fen": ("取整单位是分、元或万元", "the unit is a fen, a yuan or ten thousand yuan")}
    if not isinstance(methods, Sequence) or isinstance(methods, str) or not all(isinstance(m, Mapping) for m in methods):
        return {"methods": ("评估方法须成列", "the methods are a list")}
    names = [str(m.get("method")) for m in methods]
    if not 0 < len(set(names)) == len(names):
        return {"methods": ("至少一种方法，每种只用一次", "one method at least, each once")}
    found: dict[str, Pair] = {}
    for name, method in zip(names, methods, strict=True):
        try:
            _agrees(method, unit)
        except BadValuation as error:
            found[name if name in METHODS else "methods"] = error.why
    if not found:
        try:
            _concludes(calculation["conclusion"], {str(m["method"]): int(m["value_fen"]) for m in methods}, unit)
        except BadValuation as error:
            found["conclusion"] = error.why
    return found


def value_of(calculation: Mapping[str, Any]) -> tuple[int, int]:
    """(least, most) in fen of what it concludes; the same twice for a single value. Only where `faults` found none."""
    said = calculation["conclusion"]
    if said["kind"] == RANGE:
        return int(said["low_fen"]), int(said["high_fen"])
    return int(said["value_fen"]), int(said["value_fen"])


def concluded(conclusion: Mapping[str, Any], values: Mapping[str, int], unit: int) -> tuple[int, ...]:
    """What follows from the methods' results, in fen: (value,) or (low, high). Errors: BadValuation."""
    kind = conclusion.get("kind")
    if kind == SINGLE:
        method = conclusion.get("method")
        if not isinstance(method, str) or method not in values:
            raise BadValuation("结论所依据的方法没有采用", "the conclusion rests on a method that was not used")
        return (values[method],)
    if kind == WEIGHTED:
        weights = dict(_rows(conclusion.get("weights"), "weights"))
        if set(weights) != set(values) or len(values) < 2:
            raise BadValuation("每种方法须有权重，且至少两种方法", "every method has a weight, and there are two at least")
        if not all(type(w) is int and 0 < w <= MOST_WEIGHT for w in weights.values()):
            raise BadValuation(f"权重是 1 到 {MOST_WEIGHT} 的整数", f"a weight is a whole number from 1 to {MOST_WEIGHT}")
        total = sum(Fraction(values[name] * weight) for name, weight in weights.items())
        return (rounded(total / sum(weights.values()), unit),)
    if kind == RANGE:
        if len(values) < 2:
            raise BadValuation("区间须有至少两种方法的结果", "a range has the results of two methods at least")
        return min(values.values()), max(values.values())
    raise BadValuation("结论是单一值、加权值或区间", "a conclusion is a single value, a weighted one or a range")


def _agrees(method: Mapping[str, Any], unit: int) -> None:
    told = _amount(method.get("value_fen"), "value_fen")
    due = rounded(work(method).exact, unit)
    if due == 0:
        raise BadValuation("按取整单位取整后为零", "it is nought in the unit of the report")
    if told != due:
        raise BadValuation(
            f"所载 {yuan(told)} 元，按其参数应为 {yuan(due)} 元", f"it says {yuan(told)} yuan, its inputs give {yuan(due)}"
        )


def _concludes(conclusion: Any, values: Mapping[str, int], unit: int) -> None:
    if not isinstance(conclusion, Mapping):
        raise BadValuation("没有结论", "there is no conclusion")
    names = ("low_fen", "high_fen") if conclusion.get("kind") == RANGE else ("value_fen",)
    more = {SINGLE: {"method"}, WEIGHTED: {"weights"}}.get(str(conclusion.get("kind")), set())
    due = concluded(conclusion, values, unit)
    _members(conclusion, {"kind", *names, *more})
    told = tuple(_amount(conclusion.get(name), name) for name in names)
    if told != due:
        said, right = (" — ".join(yuan(v) for v in figures) for figures in (told, due))
        raise BadValuation(f"所载 {said} 元，按各方法的结果应为 {right} 元", f"it says {said} yuan, the results give {right}")


def _income(method: Mapping[str, Any]) -> Working:
    """Sum of the income of each year divided by (1 + rate) to the power of the year, counted from the base date."""
    forecast = method.get("forecast")
    if forecast not in FORECASTS:
        raise BadValuation("收益预测方式不明", "the kind of forecast is unknown")
    _members(method, {"method", "forecast", "rate", "years", "value_fen"} | ({"share"} if forecast == "sharing" else set()))
    share = decimal(method["share"]) if forecast == "sharing" else Fraction(1)
    if not 0 < share <= 1:
        raise BadValuation("分成率大于 0、不超过 1", "a share is above 0 and at most 1")
    rate = sum((decimal(value) for _, value in _rows(method.get("rate"), "rate")), Fraction(0)) / 100
    if rate > 1:
        raise BadValuation("折现率不超过 100%", "a discount rate is at most 100 percent")
    years = method.get("years")
    if not isinstance(years, Sequence) or isinstance(years, str) or not 0 < len(years) <= MOST_YEARS:
        raise BadValuation(f"收益期为 1 至 {MOST_YEARS} 年", f"there are 1 to {MOST_YEARS} years")
    lines = []
    for number, year in enumerate(years, 1):
        wanted = {"income_fen", "less_fen"} if forecast in LESSENED else {"income_fen"}
        _members(year, wanted)
        earned = Fraction(_amount(year["income_fen"], "income_fen") - _amount(year.get("less_fen", 0), "less_fen")) * share
        factor = 1 / (1 + rate) ** number
        lines.append(Line(str(number), earned, factor, earned * factor))
    return _summed(INCOME, lines, rate=rate)


def _cost(method: Mapping[str, Any]) -> Working:
    """Replacement cost times the coefficient, which is stated (quality) or the part of the life that remains."""
    _members(method, {"method", "items", "coefficient", "value_fen"})
    told = method["coefficient"]
    by = told.get("by") if isinstance(told, Mapping) else None
    if by == "quality":
        _members(told, {"by", "factor"})
        factor = decimal(told["factor"])
    elif by == "life":
        _members(told, {"by", "remaining_months", "total_months"})
        left, whole = (_amount(told[name], name) for name in ("remaining_months", "total_months"))
        if not 0 < left <= whole:
            raise BadValuation("剩余寿命须大于 0 且不超过总寿命", "what remains of the life is above 0 and at most the whole")
        factor = Fraction(left, whole)
    else:
        raise BadValuation("调整系数按质量或剩余寿命确定", "the coefficient follows from quality or from the remaining life")
    return _summed(COST, _items(method["items"]), factor=factor)


def _cost_less(method: Mapping[str, Any]) -> Working:
    """Replacement cost less functional and economic depreciation."""
    _members(method, {"method", "items", "functional_fen", "economic_fen", "value_fen"})
    less = Fraction(sum(_amount(method[name], name) for name in ("functional_fen", "economic_fen")))
    return _summed(COST_LESS, _items(method["items"]), less=less)


def _market(method: Mapping[str, Any]) -> Working:
    """Mean of the prices of compared cases, each times all its factors."""
    _members(method, {"method", "cases", "value_fen"})
    cases = method["cases"]
    if not isinstance(cases, Sequence) or isinstance(cases, str) or not 0 < len(cases) <= MOST_CASES:
        raise BadValuation(f"可比案例为 1 至 {MOST_CASES} 个", f"there are 1 to {MOST_CASES} compared cases")
    lines = []
    for case in cases:
        _members(case, {"name", "price_fen", "factors"})
        name = case["name"]
        if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
            raise BadValuation("每个可比案例须有可印的名称", "every compared case has a printable name")
        price, factor = Fraction(_amount(case["price_fen"], "price_fen")), Fraction(1)
        for _, value in _rows(case["factors"], "factors"):
            factor *= decimal(value)
        lines.append(Line(name.strip(), price, factor, price * factor))
    return _summed(MARKET, lines, factor=Fraction(1, len(lines)))


def _summed(
    method: str, lines: Sequence[Line], *, factor: Fraction = ONE, less: Fraction = NOUGHT, rate: Fraction | None = None
) -> Working:
    exact = sum((line.amount for line in lines), Fraction(0)) * factor - less
    return Working(method, tuple(lines), factor, less, exact, rate)


def _items(rows: object) -> list[Line]:
    pairs = _rows(rows, "items")
    amounts = [(code, Fraction(_amount(value, code))) for code, value in pairs]
    return [Line(code, amount, Fraction(1), amount) for code, amount in amounts]


def _rows(rows: object, where: str) -> list[tuple[str, Any]]:
    """[[code, value], …] with every code once."""
    good = isinstance(rows, Sequence) and not isinstance(rows, str) and 0 < len(rows) <= MOST_ROWS
    pairs = list(rows) if good and isinstance(rows, Sequence) else []
    if not pairs or not all(isinstance(p, Sequence) and not isinstance(p, str) and len(p) == 2 for p in pairs):
        raise BadValuation(f"{where} 须是代码与数值成对的列表", f"{where} is a list of pairs of code and value")
    codes = [code for code, _ in pairs]
    if not all(isinstance(code, str) and _CODE.fullmatch(code) for code in codes) or len(set(codes)) != len(codes):
        raise BadValuation(f"{where} 的代码不成立或重复", f"a code of {where} is malformed or there twice")
    return [(str(code), value) for code, value in pairs]


def _members(value: object, wanted: set[str]) -> None:
    if not isinstance(value, Mapping) or set(value) != wanted:
        listed = "、".join(sorted(wanted))
        raise BadValuation(f"须有且只有 {listed}", f"it has exactly {', '.join(sorted(wanted))}")


def _amount(value: object, where: str) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise BadValuation(f"{where} 须是不为负的整数", f"{where} is a whole number, not below nought")
    return value
