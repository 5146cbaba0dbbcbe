"""Subjects and objects registered before they trade, as the tests of three regimes tell it."""

from __future__ import annotations

from shugu.kernel.cases import Actor
from shugu.registry.models import Filing
from shugu.registry.tests.regimes import Regime


def handed_in(r: Regime, row: Filing, by: Actor | None = None) -> Filing:
    r.upload_all(row, "submit", by=by)
    return r.act(row, "submit", by=by)


def entered(r: Regime, row: Filing) -> Filing:
    """Accepted, evaluated, passed and issued."""
    r.act(row, "accept", by=r.world.rita)
    r.upload_all(row, "pass", by=r.world.rong)
    r.act(row, "pass", by=r.world.rong)
    return r.act(row, "issue", by=r.world.rita)


def subject(r: Regime, operation: str, kind: str, by: Actor | None = None) -> Filing:
    row = r.file(operation, object_kind=kind, rights=("participation",), applicant=by, title="交易主体")
    return entered(r, handed_in(r, row, by))


def drafted_object(
    r: Regime, kind: str = "data_product", by: Actor | None = None, title: str = "城市客流统计数据", **answers: str
) -> Filing:
    return r.file("first", object_kind=kind, rights=("holding",), applicant=by, title=title, answers=answers)


def registered_object(r: Regime, kind: str = "data_product", by: Actor | None = None) -> Filing:
    return entered(r, handed_in(r, drafted_object(r, kind, by), by))
