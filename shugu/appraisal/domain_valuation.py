"""What a valuation decides without a database: guards of its table, the rules' codes against a calculation, its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final, Protocol

from shugu.formats import valuation as exact
from shugu.formats.errors import Pair
from shugu.formats.valuation import COST, COST_LESS, INCOME, MARKET, RANGE, Working, rounded, work, yuan
from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard

VALUATION: Final = "valuation"
MATERIAL: Final = "valuation_report"
_FACTOR_PLACES: Final = 6
NONE: Final = Text("—", "—")


@guard("appraisal.value_follows_from_inputs")
def value_follows_from_inputs(view: CaseView) -> Verdict:
    """The venue works the figure out again: a report that does not say what its own inputs give is not taken."""
    if view.facts.get("faults") == 0:
        return OK
    return No(Text("报告所载价值与其参数重算的结果不符", "the value is not what the report's own inputs give"))


@guard("appraisal.enough_appraisers")
def enough_appraisers(view: CaseView) -> Verdict:
    rule = view.rules.value("appraisal.valuation_signers")
    least = int(rule.number)
    if int(view.facts.get("signers", 0)) >= least:
        return OK
    zh, en = f"报告须有至少 {least} 名评估专业人员签名", f"the report needs the signatures of at least {least} appraisers"
    return No(Text(zh, en), rule.article or "")


@guard("appraisal.not_past_its_validity")
def not_past_its_validity(view: CaseView) -> Verdict:
    if view.facts.get("current", True):
        return OK
    return No(Text("报告的有效期已过，须另定基准日", "its validity is over: another base date is needed"))


class Law(Protocol):
    """Rules as one register sees them (shugu.kernel.rulebook.RegisterRules)."""

    def value(self, name: str) -> Any: ...

    def get(self, name: str) -> Any: ...


@dataclass(frozen=True)
class Codes:
    """The code tables under which a calculation of one register is read."""

    methods: Mapping[str, Text]
    forecasts: Mapping[str, Text]
    rate: Mapping[str, Text]
    elements: Mapping[str, Text]
    coefficients: Mapping[str, Text]
    factors: Mapping[str, Text]
    parts: Mapping[str, Text]
    purposes: Mapping[str, Text]
    value_types: Mapping[str, Text]
    units: Mapping[str, Text]
    formulas: Mapping[str, Text]
    cases_least: int


def codes(rules: Law) -> Codes:
    """As the register of these rules has them."""

    def of(*names: str) -> dict[str, Text]:
        found: dict[str, Text] = {}
        for name in names:
            value = rules.get(f"appraisal.{name}")
            found |= {str(r["code"]): Text(str(r["zh"]), str(r["en"])) for r in (value.rows if value else ())}
        return found

    return Codes(
        of("valuation_methods", "valuation_further_methods"), of("valuation_forecasts"),
        of("valuation_rate_base", "valuation_rate_risks"), of("valuation_cost_elements"), of("valuation_coefficients"),
        of("valuation_case_factors"), of("valuation_parts", "valuation_further_parts"), of("valuation_purposes"),
        of("valuation_value_types"), of("valuation_units"), of("valuation_formulas"),
        int(rules.value("appraisal.valuation_cases_least").number),
    )  # fmt: skip


def calculation_faults(calculation: Mapping[str, Any], tables: Codes) -> dict[str, Pair]:
    """{method, "conclusion", "unit_fen" or "methods": why}: the arithmetic (docs/formats.md 19), and the codes of the rules."""
    found = dict(exact.faults(calculation))
    if "methods" in found or "unit_fen" in found:
        return found
    if str(calculation["unit_fen"]) not in tables.units:
        found["unit_fen"] = ("请从取整单位中选择", "choose from the units")
    for method in calculation["methods"]:
        name = str(method["method"])
        why = None if name in found else _code_fault(method, tables)
        if why is not None:
            found[name] = why
    return found


def _code_fault(method: Mapping[str, Any], tables: Codes) -> Pair | None:
    name = method["method"]
    if name not in tables.methods:
        return ("本登记簿的规则没有这一方法", "the rules of this register have no such method")
    if name == INCOME:
        if method["forecast"] not in tables.forecasts:
            return ("收益预测方式不在规则之内", "the rules have no such kind of forecast")
        return _exactly((code for code, _ in method["rate"]), tables.rate, "折现率", "the discount rate")
    if name in (COST, COST_LESS):
        if name == COST and method["coefficient"]["by"] not in tables.coefficients:
            return ("调整系数的依据不在规则之内", "the rules have no such ground for a coefficient")
        return _exactly((code for code, _ in method["items"]), tables.elements, "重置成本", "the replacement cost")
    if len(method["cases"]) < tables.cases_least:
        return (f"至少 {tables.cases_least} 个可比案例", f"{tables.cases_least} compared cases at least")
    for case in method["cases"]:
        why = _exactly((code for code, _ in case["factors"]), tables.factors, "案例调整", "the adjustment of a case")
        if why is not None:
            return why
    return None


def _exactly(told: Any, wanted: Mapping[str, Text], zh: str, en: str) -> Pair | None:
    """Every code of the table once, whatever its figure: what is nothing is written as nought, and nothing else is added."""
    if set(told) == set(wanted):
        return None
    listed = (f"{t.zh}" for t in wanted.values()), (f"{t.en}" for t in wanted.values())
    return (f"{zh}须逐项载明：{'、'.join(listed[0])}", f"{en} states each of: {', '.join(listed[1])}")


@dataclass(frozen=True)
class Step:
    """A row of a method as shown: its words, what it starts from, the factor as decimals, the outcome in fen (both rounded for
    showing only; the sum is exact)."""

    label: Text
    base: str
    factor: str
    amount: str


@dataclass(frozen=True)
class Shown:
    """A method worked out again: `due_fen` is what its inputs give, `told_fen` what the report says."""

    method: str
    title: Text
    formula: Text
    inputs: tuple[tuple[Text, str | Text], ...]
    steps: tuple[Step, ...]
    due_fen: int
    told_fen: int


def shown(calculation: Mapping[str, Any], tables: Codes) -> tuple[Shown, ...]:
    """Every method of a calculation without faults in its inputs. Errors: BadValuation."""
    unit = int(calculation["unit_fen"])
    return tuple(shown_method(method, unit, tables) for method in calculation["methods"])


def shown_method(method: Mapping[str, Any], unit: int, tables: Codes) -> Shown:
    """Errors: BadValuation."""
    found, name, told = work(method), str(method["method"]), method.get("value_fen")
    return Shown(
        name, tables.methods.get(name, Text(name, name)), tables.formulas.get(name, Text("", "")),
        tuple(_inputs(method, found, tables)), tuple(_steps(found, tables)), rounded(found.exact, unit),
        told if type(told) is int else 0,
    )  # fmt: skip


def _inputs(method: Mapping[str, Any], found: Working, tables: Codes) -> list[tuple[Text, str | Text]]:
    name = found.method
    if name == INCOME:
        rows: list[tuple[Text, str | Text]] = [(Text("预测方式", "Forecast"), tables.forecasts.get(method["forecast"], NONE))]
        if "share" in method:
            rows.append((Text("分成率", "Share"), str(method["share"])))
        rows += [(tables.rate.get(code, Text(code, code)), f"{value}%") for code, value in method["rate"]]
        return [*rows, (Text("折现率", "Discount rate"), f"{_places((found.rate or Fraction(0)) * 100)}%")]
    if name == COST:
        told = method["coefficient"]
        rows = [(Text("调整系数依据", "Coefficient by"), tables.coefficients.get(told["by"], NONE))]
        if told["by"] == "life":
            months = f"{told['remaining_months']} / {told['total_months']}"
            rows.append((Text("剩余寿命 / 总寿命（月）", "Remaining / whole life, months"), months))
        return [*rows, (Text("调整系数", "Coefficient"), _places(found.factor))]
    if name == COST_LESS:
        return [
            (Text("功能性贬值（元）", "Functional depreciation, CNY"), yuan(int(method["functional_fen"]))),
            (Text("经济性贬值（元）", "Economic depreciation, CNY"), yuan(int(method["economic_fen"]))),
        ]
    return [(Text("可比案例", "Compared cases"), str(len(found.lines)))]


def _steps(found: Working, tables: Codes) -> list[Step]:
    def label(code: str) -> Text:
        if found.method == INCOME:
            return Text(f"第 {code} 年", f"Year {code}")
        return Text(code, code) if found.method == MARKET else tables.elements.get(code, Text(code, code))

    told = [Step(label(line.code), _fen(line.base), _places(line.factor), _fen(line.amount)) for line in found.lines]
    total = sum((line.amount for line in found.lines), Fraction(0))
    whole = Text("合计减贬值", "Total less depreciation") if found.less else Text("合计", "Total")
    return [*told, Step(whole, _fen(total), _places(found.factor), _fen(found.exact))]


def _fen(value: Fraction) -> str:
    whole = rounded(abs(value), 1)
    return f"{'-' if value < 0 and whole else ''}{yuan(whole)}"


def _places(value: Fraction) -> str:
    """A factor to six places, half up, without trailing noughts."""
    scaled = rounded(value * 10**_FACTOR_PLACES, 1)
    whole, rest = divmod(scaled, 10**_FACTOR_PLACES)
    return f"{whole}.{rest:0{_FACTOR_PLACES}d}".rstrip("0").rstrip(".")


def conclusion_words(calculation: Mapping[str, Any], tables: Codes) -> Text:
    """How the value follows from the methods."""
    told = calculation["conclusion"]
    if told["kind"] == RANGE:
        return Text("各方法结果的区间", "range of the methods' results")
    if told["kind"] == exact.SINGLE:
        title = tables.methods.get(told["method"], Text(told["method"], told["method"]))
        return Text(f"取{title.zh}的结果", f"the result of the {title.en}")
    weights = [(tables.methods.get(code, Text(code, code)), weight) for code, weight in told["weights"]]
    zh, en = ("：".join((head, sep.join(f"{t.pick(lang)} {w}" for t, w in weights))) for head, sep, lang in
              (("按权重平均", "、", "zh"), ("weighted mean", ", ", "en")))  # fmt: skip
    return Text(zh, en.replace("：", ": ", 1))


def value_words(calculation: Mapping[str, Any]) -> str:
    """The conclusion in yuan: `1,234.00`, or `1,000.00 — 2,000.00` of a range."""
    low, high = exact.value_of(calculation)
    return yuan(low) if calculation["conclusion"]["kind"] != RANGE else f"{yuan(low)} — {yuan(high)}"


def counts_from(base: date, delivered: date, starts: str) -> date:
    """From which day the validity counts, by rule appraisal.valuation_validity_from."""
    return delivered if starts == "delivery" else base
