"""Stages of an application to the Guangdong register, for its conformance tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from shugu.kernel.regimes import load_regime
from shugu.registry.models import Filing, Objection
from shugu.registry.tests.regimes import Regime

LAW = load_regime("guangdong", date(2026, 3, 2))
TRIGGERS = ("route_public_data", "route_important", "route_security", "route_infrastructure", "route_cross_border", "route_other")
APPROVABLE = {
    "route_important": "approval_important", "route_security": "approval_security",
    "route_infrastructure": "approval_infrastructure", "route_cross_border": "approval_cross_border",
}  # fmt: skip
GOLDEN_WEEK = date(2026, 9, 28)


def drafted(r: Regime, answers: dict[str, str] | None = None, **more: Any) -> Filing:
    return r.file("first", answers=answers or {}, verifier=r.world.quinn.org, **more)


def submitted(r: Regime, answers: dict[str, str] | None = None, **more: Any) -> Filing:
    row = drafted(r, answers, **more)
    r.upload_all(row, "submit")
    return r.act(row, "submit")


def accepted(r: Regime, answers: dict[str, str] | None = None, **more: Any) -> Filing:
    return r.act(submitted(r, answers, **more), "accept", r.world.rita)


def published(r: Regime, **more: Any) -> Filing:
    """A simple case while it is published."""
    row = accepted(r, **more)
    r.upload_all(row, "pass_simple", r.world.rong)
    return r.act(row, "pass_simple", r.world.rong)


def verified(r: Regime, conclusion: str = "passed", answers: dict[str, str] | None = None) -> Filing:
    row = accepted(r, answers or {"route_public_data": "yes"})
    r.upload_all(row, "verify", r.world.quinn)
    return r.act(row, "verify", r.world.quinn, review_conclusion=conclusion)


def before_committee(r: Regime) -> Filing:
    row = verified(r)
    r.upload_all(row, "pass_initial", r.world.rong)
    r.act(row, "pass_initial", r.world.rong)
    return r.act(row, "convene", r.world.rita, meeting_on=r.now.date().isoformat())


def decided(r: Regime, do: str = "endorse") -> Filing:
    """The committee's opinion is given: its first voice, the paper, its second voice."""
    row = before_committee(r)
    given = {"reason": "来源证明不足"} if do == "dissent" else {}
    r.act(row, do, r.world.cai, **given)
    r.upload(row, "committee_opinion", r.world.cai)
    return r.act(row, do, r.world.cen, **given)


def noticed(r: Regime) -> Filing:
    return r.act(decided(r), "agree", r.world.rita)


def registered(r: Regime, **more: Any) -> Filing:
    """An entry made by the simple route on the day the story stands."""
    start = r.now
    r.at(date(2026, 3, 3))
    row = published(r, **more)
    r.at(date(2026, 3, 5)).sweep()
    r.act(row, "issue", r.world.rita)
    r.now = max(start, r.now)
    return row


def objected(r: Regime, row: Filing) -> Objection:
    """An objection that the registrar handed to the registrant today."""
    found = r.objection(row)
    r.upload_all(found, "forward", r.world.mallory)
    return r.answer(found, "forward")
