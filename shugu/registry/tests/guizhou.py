"""Registrations of the Guizhou register as its tests tell them."""

from __future__ import annotations

from datetime import date

from shugu.kernel.workdays import local_day
from shugu.registry.models import Filing
from shugu.registry.tests.regimes import Regime

# 30 working days from Monday 2026-03-02, with Qingming (Monday 2026-04-06) off.
NOTICE_OVER = date(2026, 4, 14)
CLEARED = date(2026, 4, 15)


def drafted(r: Regime, kind: str = "data_resource", **more: object) -> Filing:
    return r.file(object_kind=kind, reviewer=r.world.quinn.org, **more)  # type: ignore[arg-type]


def submitted(r: Regime, row: Filing) -> Filing:
    r.upload_all(row, "submit")
    return r.act(row, "submit")


def examined(r: Regime, row: Filing) -> Filing:
    """Accepted, formally passed, and passed by the third party."""
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    if r.state(row) == "substantive_review":
        r.upload_all(row, "confirm", by=r.world.quinn)
        r.act(row, "confirm", by=r.world.quinn, conclusion="真实、合规")
    return row


def noticed(r: Regime, row: Filing) -> Filing:
    return r.act(examined(r, row), "publish", by=r.world.rong)


def issued(r: Regime, row: Filing) -> Filing:
    """From notice to the certificates, 30 working days later."""
    if r.state(row) != "cleared":
        r.at(local_day(r.clock(row, "notice_end").due_at))
        r.sweep()
    return r.act(row, "issue", by=r.world.rita)


def registered(r: Regime, kind: str = "data_resource", **more: object) -> Filing:
    return issued(r, noticed(r, submitted(r, drafted(r, kind, **more))))


def entry_number(r: Regime) -> str:
    return r.entry(registered(r)).number


def kinds(r: Regime, row: Filing) -> list[str]:
    return [c.kind for c in r.certificates(row)]
