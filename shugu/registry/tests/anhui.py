"""The usual ways through the register of Anhui, for its two conformance files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.decide import needed_materials
from shugu.registry.models import Filing, Objection
from shugu.registry.tests.regimes import Regime

DECLARED = {"source_lawful": "yes", "content_compliant": "yes", "rights_clear": "yes", "responsible": "yes"}
ANSWERS = {**DECLARED, "right_term_until": "2030-12-31"}


def account(r: Regime, who: Actor) -> Filing:
    row = r.file("open_account", applicant=who, answers={"responsible": "yes"})
    r.upload_all(row, do="submit", by=who)
    r.act(row, "submit", by=who)
    return r.act(row, "issue", by=r.world.rita)


def needed(r: Regime, row: Filing, do: str = "submit") -> set[str]:
    tab, view = cases.view_of(row.pk, r.now)
    step = tab.step(view.state, do)
    assert step is not None
    return {m.id for m in needed_materials(view, step)}


def drafted(r: Regime, who: Actor | None = None, /, **answers: str) -> Filing:
    """A holding registration, to be reviewed by Quinn's firm."""
    return r.file(applicant=who, answers={**ANSWERS, **answers}, reviewer=r.world.quinn.org)


def examined(r: Regime, **answers: str) -> Filing:
    row = drafted(r, **answers)
    r.upload_all(row, do="commission")
    r.act(row, "commission")
    r.upload_all(row, do="report", by=r.world.quinn)
    return r.act(row, "report", by=r.world.quinn)


def submitted(r: Regime, **answers: str) -> Filing:
    row = examined(r, **answers)
    r.upload_all(row, do="submit")
    return r.act(row, "submit")


def noticed(r: Regime, **answers: str) -> Filing:
    return accepted_and_passed(r, submitted(r, **answers))


def accepted_and_passed(r: Regime, row: Filing) -> Filing:
    r.act(row, "accept", by=r.world.rita)
    return r.act(row, "pass", by=r.world.rong)


def after_notice(r: Regime, row: Filing) -> Filing:
    r.at(r.clock(row, "notice_period").due_on + timedelta(days=1))
    r.sweep()
    return r.act(row, "issue", by=r.world.rita)


def registered(r: Regime, **answers: str) -> str:
    """A holding of Alice; the entry's number."""
    return r.entry(after_notice(r, noticed(r, **answers))).number


def later(r: Regime, operation: str, entry: str, who: Actor | None = None, **answers: str) -> Filing:
    """An operation on an entry, handed in."""
    who = who or r.world.alice
    row = r.file(operation, entry=entry, applicant=who, answers={"responsible": "yes", **answers})
    r.upload_all(row, do="submit", by=who)
    return r.act(row, "submit", by=who)


def done(r: Regime, operation: str, entry: str, who: Actor | None = None, **answers: str) -> Filing:
    return after_notice(r, accepted_and_passed(r, later(r, operation, entry, who, **answers)))


def objected(r: Regime, row: Filing | str, by: Actor | None = None, **more: Any) -> Objection:
    """An objection with its evidence, accepted."""
    by = by or r.world.mallory
    objection = r.objection(row, by=by, **more)
    if not isinstance(row, str):
        r.upload(objection, "objector_evidence", by=r.world.rita)
    return r.answer(objection, "accept", by=r.world.rita)
