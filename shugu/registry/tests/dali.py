"""The usual ways through the register of Dali, for its two conformance files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.decide import needed_materials
from shugu.registry.models import Filing
from shugu.registry.tests.regimes import Regime

ANSWERS = {"in_prefecture": "yes", "meets_definition": "yes", "truthful": "yes", "acquisition": "succession"}


def account(r: Regime, operation: str, who: Actor | None = None, /, **answers: str) -> Filing:
    """An account operation carried to its end on one day."""
    row = opened(r, operation, who, **answers)
    r.act(row, "pass", by=r.world.rong)
    return r.act(row, "issue", by=r.world.rita)


def opened(r: Regime, operation: str, who: Actor | None = None, /, entry: str = "", **answers: str) -> Filing:
    """An application under formal examination, of the kind that needs no third party."""
    who = who or r.world.alice
    row = r.file(operation, applicant=who, entry=entry, answers={"truthful": "yes", **answers})
    r.upload_all(row, do="submit", by=who)
    return r.act(row, "submit", by=who)


def drafted(r: Regime, operation: str = "first", who: Actor | None = None, **more: Any) -> Filing:
    answers = ANSWERS | more.pop("answers", {})
    return r.file(operation, applicant=who, answers=answers, reviewer=r.world.quinn.org, **more)


def submitted(r: Regime, operation: str = "first", who: Actor | None = None, **more: Any) -> Filing:
    row = drafted(r, operation, who, **more)
    r.upload_all(row, do="submit", by=who)
    return r.act(row, "submit", by=who)


def commissioned(r: Regime, operation: str = "first", who: Actor | None = None, **more: Any) -> Filing:
    row = submitted(r, operation, who, **more)
    r.act(row, "pass", by=r.world.rong)
    return r.act(row, "commission", by=r.world.rita)


def noticed(r: Regime, operation: str = "first", who: Actor | None = None, **more: Any) -> Filing:
    row = commissioned(r, operation, who, **more)
    r.upload_all(row, do="report", by=r.world.quinn)
    r.act(row, "report", by=r.world.quinn)
    return r.act(row, "publish", by=r.world.rita)


def registered(r: Regime, operation: str = "first", who: Actor | None = None, **more: Any) -> Filing:
    row = noticed(r, operation, who, **more)
    return after_notice(r, row)


def after_notice(r: Regime, row: Filing) -> Filing:
    r.at(r.clock(row, "notice_period").due_on + timedelta(days=1))
    r.sweep()
    return r.act(row, "issue", by=r.world.rita)


def needed(r: Regime, row: Filing, do: str = "submit") -> set[str]:
    tab, view = cases.view_of(row.pk, r.now)
    step = tab.step(view.state, do)
    assert step is not None
    return {m.id for m in needed_materials(view, step)}


def carried(r: Regime, operation: str, entry: str, **answers: str) -> Filing:
    row = opened(r, operation, entry=entry, **answers)
    r.act(row, "pass", by=r.world.rong)
    return r.act(row, "issue", by=r.world.rita)


def measured(r: Regime, operation: str, entry: str, **answers: str) -> Filing:
    """A measure of the registrar, proposed and told to the holder."""
    row = r.file(operation, entry=entry, by=r.world.rita, answers=answers)
    r.upload(row, "measure_proof", by=r.world.rita)
    return r.act(row, "submit", by=r.world.rita)
