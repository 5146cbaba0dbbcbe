"""Targets against live records. A figure the product keeps no record of is None, never a guess. Door: queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from shugu.appraisal import queries as appraisal
from shugu.catalogue import queries as catalogue
from shugu.kernel import runtime
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.trade import queries as trade

TITLES: Final[dict[str, Text]] = {
    "merchants": Text("入驻数商", "Accredited data merchants"),
    "listed_products": Text("挂牌数据产品和服务", "Listed data products and services"),
    "trading_value": Text("累计已结算交易额", "Settled trading value, cumulative"),
    "high_quality_data_sets": Text("高质量数据集", "High-quality data sets"),
    "authorised_scenarios": Text("公共数据授权运营场景", "Scenarios of authorised operation"),
    "service_platforms": Text("公共服务示范平台", "Demonstration platforms for public service"),
}
RECORDED: Final = ("merchants", "listed_products", "trading_value", "high_quality_data_sets")


@dataclass(frozen=True)
class Kpi:
    """`value` in `unit` (count or fen), None when not recorded; `target` None where the venue's rules name none.
    `strict`: the target must be exceeded."""

    code: str
    title: Text
    value: int | None
    unit: str
    target: RuleValue | None
    strict: bool
    due: date | None

    @property
    def met(self) -> bool | None:
        if self.value is None or self.target is None:
            return None
        return self.value > self.target.number if self.strict else self.value >= self.target.number


def high_quality(on: date) -> list[appraisal.QualityView]:
    return appraisal.best_qualities(runtime.rules_on(on).value("supervision.high_quality_score").number, on)


def _value(code: str, on: date) -> int | None:
    if code == "merchants":
        return len(parties.accredited("merchant", on))
    if code == "listed_products":
        return catalogue.figures()["products"]
    if code == "trading_value":
        return sum(m.price_fen for m in trade.settled_months())
    if code == "high_quality_data_sets":
        return len(high_quality(on))
    return None


def kpis(on: date) -> list[Kpi]:
    rules = runtime.rules_on(on)
    strict, due = rules.get("supervision.kpi_strict"), rules.get("supervision.kpi_due")
    exceed = strict.value if strict is not None and isinstance(strict.value, tuple) else ()
    day = due.value if due is not None and isinstance(due.value, date) else None
    return [
        Kpi(
            code, title, _value(code, on), "fen" if code == "trading_value" else "count",
            rules.get(f"supervision.kpi_{code}"), f"kpi_{code}" in exceed, day,
        )
        for code, title in TITLES.items()
    ]  # fmt: skip
