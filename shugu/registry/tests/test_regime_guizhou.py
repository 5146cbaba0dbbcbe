"""贵州省数据要素登记服务管理办法（试行）: seven types of registration, four objects, four certificates."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import (
    ConflictOfInterest,
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    TooEarly,
    TooLate,
)
from shugu.kernel.models import Case
from shugu.registry import applications, services
from shugu.registry.models import Filing, Objection, TradeRecord
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

OBJECTS = ("data_resource", "algorithm_model", "computing_power", "data_product")
RESOURCE = {"acquisition": "collected"}
# 30 working days from Monday 2026-03-02, with Qingming (Monday 2026-04-06) off.
NOTICE_OVER = date(2026, 4, 14)
CLEARED = date(2026, 4, 15)


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guizhou")


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
        r.now = r.clock(row, "notice_end").due_at
        r.sweep()
    return r.act(row, "issue", by=r.world.rita)


def registered(r: Regime, kind: str = "data_resource", **more: object) -> Filing:
    return issued(r, noticed(r, submitted(r, drafted(r, kind, **more))))


@pytest.mark.parametrize("kind", OBJECTS)
def test_it_registers_every_object_and_issues_element_and_usufruct_certificates(r: Regime, kind: str) -> None:
    """第八条、第二十三条 — carries: P6-280 P6-285 P6-302."""
    row = registered(r, kind)
    assert r.state(row) == "registered"
    assert [c.kind for c in r.certificates(row)] == ["data_element_certificate", "usufruct_certificate"]
    assert len({c.number for c in r.certificates(row)}) == 2
    assert r.entry(row).object_kind == kind
