"""The stages of a valuation as tests tell them: a body accredited for it, an order, a report whose figures follow."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from shugu.appraisal import services
from shugu.appraisal.models_valuation import Valuation, ValuationReport
from shugu.appraisal.services import ActOnValuation, FileValuationReport, OrderValuation
from shugu.kernel.workdays import local_day
from shugu.registry import queries as registry
from tests.world import PAPER, World

# Income 1,000,000.00 + 1,100,000.00 + 900,000.00 yuan × 0.35 at 8 percent; cost 400,000.00 yuan × 36/60.
INCOME: dict[str, Any] = {
    "method": "income", "forecast": "sharing", "share": "0.35",
    "rate": [
        ["risk_free", "2.3"], ["management", "1.2"], ["circulation", "1.5"], ["data_security", "1.5"], ["supervision", "1.5"],
    ],
    "years": [{"income_fen": 100_000_000}, {"income_fen": 110_000_000}, {"income_fen": 90_000_000}], "value_fen": 90_420_700,
}  # fmt: skip
COST: dict[str, Any] = {
    "method": "cost",
    "items": [["early", 5_000_000], ["direct", 25_000_000], ["indirect", 6_000_000], ["opportunity", 0], ["taxes", 4_000_000]],
    "coefficient": {"by": "life", "remaining_months": 36, "total_months": 60}, "value_fen": 24_000_000,
}  # fmt: skip
PARTS = ("asset", "quality", "scenario", "prospects", "sources", "experts", "choice", "parameters", "conclusion", "assumptions")


def calculation(**changes: Any) -> dict[str, Any]:
    """To the yuan: the income method counts threefold."""
    made: dict[str, Any] = {
        "unit_fen": 100, "methods": [INCOME, COST],
        "conclusion": {"kind": "weighted", "weights": [["income", 3], ["cost", 1]], "value_fen": 73_815_500},
    }  # fmt: skip
    return copy.deepcopy(made | changes)


def accredit(world: World) -> None:
    world.accredit(world.quinn, "service_body:valuation")


def order_of(world: World, entry: registry.EntryView, **changes: Any) -> OrderValuation:
    assert world.quinn.org is not None
    given: dict[str, Any] = {
        "entry_id": entry.id, "body_org": world.quinn.org, "purpose": "trade", "value_type": "market",
        "base_date": local_day(world.now) - timedelta(days=10), "rights": entry.rights, "scenario": "航班延误预测",
    } | changes  # fmt: skip
    return OrderValuation(**given)


def ordered(world: World, entry: registry.EntryView, **changes: Any) -> Valuation:
    return services.order_valuation(order_of(world, entry, **changes), actor=world.alice, now=world.now)


def report_of(case: int, **changes: Any) -> FileValuationReport:
    given: dict[str, Any] = {
        "case": case, "calculation": calculation(), "parts": dict.fromkeys(PARTS, "见报告正文"), "signers": ("奎音", "邱衡"),
        "independent": True, "filename": "report.pdf", "content": PAPER,
    } | changes  # fmt: skip
    return FileValuationReport(**given)


def act(world: World, case: int, do: str, **given: Any) -> Valuation:
    return services.act_on_valuation(ActOnValuation(case, do, given), actor=world.quinn, now=world.now)


def valued(world: World, entry: registry.EntryView, **changes: Any) -> ValuationReport:
    """Ordered by Alice, accepted, reported and delivered by Quinn."""
    row = ordered(world, entry, **changes)
    act(world, row.pk, "accept")
    report = services.file_valuation_report(report_of(row.pk), actor=world.quinn, now=world.now)
    act(world, row.pk, "deliver")
    report.refresh_from_db()
    return report
