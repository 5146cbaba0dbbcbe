"""Stages of applications to the Beijing register, for its conformance tests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from shugu.kernel.regimes import load_regime
from shugu.registry.models import Filing
from shugu.registry.tests.regimes import Regime

LAW = load_regime("beijing", date(2026, 3, 2))
GOLDEN_WEEK = date(2026, 9, 28)
FILINGS = {"trade_change": "trade_contract", "pledge_filing": "pledge_contract", "licence_filing": "licence_contract"}


def submitted(r: Regime, object_kind: str = "data_ip", **more: Any) -> Filing:
    row = r.file("first", object_kind=object_kind, **more)
    r.upload_all(row, "submit")
    return r.act(row, "submit")


def noticed(r: Regime, object_kind: str = "data_ip", **more: Any) -> Filing:
    row = submitted(r, object_kind, **more)
    r.act(row, "accept", r.world.rita)
    r.upload_all(row, "pass", r.world.rong)
    return r.act(row, "pass", r.world.rong)


def registered(r: Regime, object_kind: str = "data_ip", **more: Any) -> str:
    """The number of an entry made a fortnight after the story began."""
    row = noticed(r, object_kind, **more)
    r.now += timedelta(days=14)
    r.sweep()
    r.act(row, "issue", r.world.rita)
    return r.entry(row).number


def answers(operation: str, event_on: date) -> dict[str, str]:
    told = {"event_on": event_on.isoformat()}
    return told if operation == "trade_change" else {**told, "term_until": "2027-06-30"}


def filed(r: Regime, operation: str, number: str, event_on: date | None = None) -> Filing:
    told = answers(operation, event_on or r.now.date())
    return r.file(operation, entry=number, answers=told, counterparty=r.world.bob.org)


def through(r: Regime, row: Filing) -> Filing:
    """Submitted, accepted, examined where it is a change, and entered."""
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    if r.state(row) == "review":
        r.act(row, "pass", r.world.rong)
    return r.act(row, "issue", r.world.rita)
