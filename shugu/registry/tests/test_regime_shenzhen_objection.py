"""深圳市数据产权登记管理暂行办法 第二十条: objections, and what a legal document does to an entry."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import GuardRefused, HeldBack, MaterialsMissing, UndertakingNeeded
from shugu.registry import queries
from shugu.registry.applications import code_table, rules_of
from shugu.registry.errors import ObjectedBefore
from shugu.registry.tests.regime_stages import accepted, acquired, by_document, entered, finish, litigating
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

BEFORE_GOLDEN_WEEK = date(2026, 9, 28)


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "shenzhen")


@pytest.mark.parametrize("operation", ["licence", "transfer"])
def test_a_disposal_under_an_objection_goes_on_with_the_written_undertaking(r: Regime, operation: str) -> None:
    """第二十条

    carries: P3-090
    """
    entry = entered(r)
    accepted(r, entry)
    assert r.facets(entry) == {"valid", "objected"}
    with pytest.raises(UndertakingNeeded) as told:
        acquired(r, operation, entry)
    assert told.value.article == "第二十条"
    row = finish(r, acquired(r, operation, entry, undertaking=queries.UNDERTAKING))
    assert r.state(row) == "registered"


def test_a_change_under_an_objection_needs_no_undertaking(r: Regime) -> None:
    """第二十条：变更不是处分权利，正是消除异议的途径"""
    entry = entered(r)
    accepted(r, entry)
    row = r.file("change", entry=entry)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    assert r.state(row) == "submitted"


def test_an_objection_needs_proof_of_error_and_of_the_refusal_to_change(r: Regime) -> None:
    """第二十条

    carries: P3-086
    """
    row = r.objection(entered(r))
    for material in ("proof", "holder_refusal"):
        with pytest.raises(MaterialsMissing):
            r.answer(row, "accept")
        r.upload(row, material, by=r.world.rita)
    r.answer(row, "accept")
    assert r.clock(row, "objection_litigation_period").due_on == r.now.date() + (date(2026, 1, 16) - date(2026, 1, 1))


def test_an_objection_lapses_after_the_fifteenth_day_and_is_not_taken_twice(r: Regime) -> None:
    """第二十条：原文为十五日，不是工作日

    carries: P3-088 P3-089
    """
    entry = entered(r)
    r.at(BEFORE_GOLDEN_WEEK)
    row = accepted(r, entry)
    r.at(date(2026, 10, 13), 23, 59).sweep()
    assert r.state(row) == "accepted"
    r.at(date(2026, 10, 14), 0).sweep()
    assert r.state(row) == "lapsed"
    r.at(date(2026, 10, 14), 9)
    assert r.facets(entry) == {"valid"}
    with pytest.raises(ObjectedBefore):
        r.objection(entry)


def test_an_upheld_objection_stops_disposals_until_the_document_is_carried_out(r: Regime) -> None:
    """第二十条：登记机构根据判决、裁定、裁决处置

    carries: P3-091
    """
    w, entry = r.world, entered(r)
    row = litigating(r, entry)
    r.answer(row, "uphold", reason="判决归属远航", document_number="(2026)粤03民初1号", effective_on="2026-03-16")
    assert r.facets(entry) == {"suspended"}
    with pytest.raises((HeldBack, GuardRefused)):
        acquired(r, "transfer", entry)
    moved = by_document(r, "transfer_by_document", entry, counterparty=w.bob.org)
    r.act(moved, "pass", w.rong)
    r.act(moved, "issue", w.rita)
    r.answer(row, "dispose", disposal="transfer", reason="已按判决办理转移登记", filing=moved.number)
    line = queries.entry_by_number(entry, r.now.date())
    assert (r.state(row), line.holder_org) == ("disposed", w.bob.org) and line.facets == {"valid"}


def test_the_registrar_corrects_an_entry_on_a_legal_document(r: Regime) -> None:
    """第二十条

    carries: P3-091
    """
    entry = entered(r)
    row = by_document(r, "correction_by_document", entry)
    r.act(row, "pass", r.world.rong)
    r.act(row, "issue", r.world.rita)
    assert queries.entry_by_number(entry, r.now.date()).version == 2
    dropped = by_document(r, "correction_by_document", entry)
    r.act(dropped, "refuse", r.world.rong, reason="文书尚未生效")
    assert r.state(dropped) == "refused"


@pytest.mark.parametrize(("do", "state"), [("dismiss", "dismissed"), ("discontinue", "discontinued")])
def test_an_objection_that_fails_leaves_the_entry_as_it_was(r: Regime, do: str, state: str) -> None:
    """第二十条"""
    entry = entered(r)
    row = litigating(r, entry)
    r.answer(row, do, reason="裁定")
    assert r.state(row) == state and r.facets(entry) == {"valid"}


def test_the_time_to_accept_an_objection_is_the_regimes_own(r: Regime) -> None:
    """第二十条未定受理期限；五个工作日为本制度自定"""
    entry = entered(r)
    r.at(BEFORE_GOLDEN_WEEK)
    row = r.objection(entry)
    assert r.clock(row, "objection_acceptance_period").due_on == date(2026, 10, 10)
    r.answer(row, "decline", reason="非利害关系人")
    assert r.state(row) == "declined"
    r.objection(entry)


def test_the_proof_of_an_objection_and_the_disposals_are_data(r: Regime) -> None:
    """第二十条

    carries: P3-087 P3-091
    """
    rules = rules_of("shenzhen")
    assert rules.value("registry.objection_certificate_issued").value is True
    shown = set(rules.value("registry.objection_certificate_fields").codes)
    assert {"number", "objector", "entry", "ground", "accepted_on"} <= shown
    assert "objection_certificate" in rules.value("registry.certificate_kinds").codes
    assert list(code_table(rules, "registry.objection_disposals")) == ["change", "cancellation", "transfer", "none"]
