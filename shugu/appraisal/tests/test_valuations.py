"""A valuation: ordered with its basic matters, filed with figures that follow, delivered, sealed, told to few."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from shugu.appraisal import queries, services
from shugu.appraisal.domain_valuation import calculation_faults, codes
from shugu.appraisal.errors import BodyNotAccredited, NotHolder
from shugu.appraisal.models_valuation import Valuation, ValuationReport
from shugu.appraisal.tests import stages, valued
from shugu.formats.credential import require_credential
from shugu.formats.valuation import faults
from shugu.kernel import credentials, documents, engine, signer, status_audit
from shugu.kernel.errors import Forbidden, InputInvalid, KeyConflict, NotFound, NotInProcedure, NotYourStep, Refused
from shugu.kernel.models import Case, Fact
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import load_profile
from shugu.kernel.workdays import local_day
from tests.lists import facets_of
from tests.world import World

pytestmark = pytest.mark.django_db


def state(row: Valuation) -> str:
    return Case.objects.get(pk=row.pk).state


def test_a_valuation_is_ordered_filed_delivered_and_sealed_with_its_calculation(world: World) -> None:
    """Of the entry that is traded and defended under the same number.

    carries: S1-015 P2-038
    """
    entry = stages.entry(world)
    valued.accredit(world)
    report = valued.valued(world, entry)
    assert state(report.valuation) == "delivered"
    credential = queries.valuation_credential(report.number, world.alice)
    subject = require_credential(credential, signer.keyring())["credentialSubject"]
    assert isinstance(subject, dict) and credential["type"] == ["VerifiableCredential", "ValuationReport"]
    assert subject["calculation"] == valued.calculation() and not faults(subject["calculation"])
    assert subject["report_sha256"] == report.digest and subject["entry"] == entry.number
    told = "".join(f.payload or "" for f in Fact.objects.filter(case_id=report.valuation_id))
    assert report.credential_digest in told and report.digest in told
    # Neither people nor the value enter the log.
    assert not any(word in told + json.dumps(credential, ensure_ascii=False) for word in ("奎音", "邱衡"))
    assert "73815500" not in told and "90420700" not in told
    view = queries.valuation_report(report.number)
    assert view.value == "738,155.00" and [m.due_fen for m in view.methods] == [m.told_fen for m in view.methods]
    assert [step.amount for step in view.methods[0].steps] == ["324,074.07", "330,075.45", "250,057.16", "904,206.68"]
    base = report.valuation.base_date
    assert report.valid_until == base.replace(year=base.year + 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purpose": "whim"}, "purpose"), ({"value_type": "whim"}, "value_type"), ({"rights": ()}, "rights"),
        ({"rights": ("mining",)}, "rights"), ({"scenario": " "}, "scenario"), ({"users": "长" * 4001}, "users"),
    ],
)  # fmt: skip
def test_an_order_says_what_is_valued_for_what_and_as_of_when(world: World, changes: dict[str, Any], field: str) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    with pytest.raises(InputInvalid) as refused:
        valued.ordered(world, entry, **changes)
    assert set(refused.value.field_errors) == {field}


def test_who_orders_whom_and_when(world: World) -> None:
    entry = stages.entry(world)
    with pytest.raises(BodyNotAccredited):
        valued.ordered(world, entry)  # accredited for compliance only
    valued.accredit(world)
    with pytest.raises(NotHolder):
        services.order_valuation(valued.order_of(world, entry), actor=world.mallory, now=world.now)
    for day in (1, -400):
        with pytest.raises(InputInvalid) as refused:
            valued.ordered(world, entry, base_date=local_day(world.now) + timedelta(days=day))
        assert set(refused.value.field_errors) == {"base_date"}
    world.accredit(world.alice, "service_body:valuation")
    with pytest.raises(InputInvalid) as refused:
        valued.ordered(world, entry, body_org=world.alice.org)
    assert set(refused.value.field_errors) == {"body_org"}
    cmd = valued.order_of(world, entry)
    first = services.order_valuation(cmd, actor=world.alice, now=world.now, key="value-12345")
    assert services.order_valuation(cmd, actor=world.alice, now=world.now, key="value-12345").pk == first.pk
    with pytest.raises(KeyConflict):
        other = valued.order_of(world, entry, scenario="另一场景")
        services.order_valuation(other, actor=world.alice, now=world.now, key="value-12345")
    with pytest.raises(NotYourStep):
        services.act_on_valuation(services.ActOnValuation(first.pk, "accept"), actor=world.alice, now=world.now)


def _wrong_value() -> dict[str, Any]:
    made = valued.calculation()
    made["methods"][0]["value_fen"] += 100
    return made


def _wrong_codes() -> dict[str, Any]:
    made = valued.calculation()
    made["methods"][0]["rate"][0][0] = "luck"
    return made


def _few_cases() -> dict[str, Any]:
    names = ("quality", "supply_demand", "date", "capacity", "other")
    case = {"name": "甲", "price_fen": 1_000_000, "factors": [[name, "1"] for name in names]}
    market = {"method": "market", "cases": [case], "value_fen": 1_000_000}
    return {"unit_fen": 1, "methods": [market], "conclusion": {"kind": "single", "method": "market", "value_fen": 1_000_000}}


def _not_here() -> dict[str, Any]:
    items = valued.COST["items"]
    less = {
        "method": "cost_less_depreciation", "items": items, "functional_fen": 0, "economic_fen": 0, "value_fen": 40_000_000,
    }  # fmt: skip
    concluded = {"kind": "single", "method": "cost_less_depreciation", "value_fen": 40_000_000}
    return {"unit_fen": 1, "methods": [less], "conclusion": concluded}


def test_a_report_whose_figures_do_not_follow_or_that_lacks_something_is_not_taken(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    row = valued.ordered(world, entry)
    valued.act(world, row.pk, "accept")
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"calculation": _wrong_value()}, "income"), ({"calculation": _wrong_codes()}, "income"),
        ({"calculation": _few_cases()}, "market"), ({"calculation": _not_here()}, "cost_less_depreciation"),
        ({"signers": ("奎音", " 奎音 ")}, "signers"), ({"independent": False}, "independent"),
        ({"parts": {**dict.fromkeys(valued.PARTS, "无"), "quality": " "}}, "part_quality"),
        ({"parts": {**dict.fromkeys(valued.PARTS, "无"), "gossip": "有"}}, "parts"), ({"content": b"GIF89a"}, "file"),
        ({"quality_report": "RPT-none"}, "quality_report"), ({"valid_until": row.base_date}, "valid_until"),
        ({"valid_until": row.base_date + timedelta(days=800)}, "valid_until"),
    )  # fmt: skip
    for changes, field in wrong:
        with pytest.raises(InputInvalid) as refused:
            services.file_valuation_report(valued.report_of(row.pk, **changes), actor=world.quinn, now=world.now)
        assert set(refused.value.field_errors) == {field}
    assert state(row) == "accepted" and not ValuationReport.objects.exists()
    with pytest.raises(InputInvalid) as refused:
        services.file_valuation_report(valued.report_of(row.pk, calculation=_wrong_value()), actor=world.quinn, now=world.now)
    assert refused.value.field_errors["income"] == (
        "所载 904,208.00 元，按其参数应为 904,207.00 元", "it says 904,208.00 yuan, its inputs give 904,207.00"
    )  # fmt: skip
    with pytest.raises(Forbidden):
        services.file_valuation_report(valued.report_of(row.pk), actor=world.alice, now=world.now)
    with pytest.raises(InputInvalid):
        valued.act(world, row.pk, "file")


def test_it_may_be_replaced_until_delivery_stays_after_and_may_not_come_too_late(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    row = valued.ordered(world, entry)
    valued.act(world, row.pk, "accept")
    for signers in (("甲", "乙"), ("丙", "丁")):
        services.file_valuation_report(valued.report_of(row.pk, signers=signers), actor=world.quinn, now=world.now)
    late = world.now + timedelta(days=400)
    with pytest.raises(Refused) as refused:
        services.act_on_valuation(services.ActOnValuation(row.pk, "deliver"), actor=world.quinn, now=late)
    assert "有效期已过" in refused.value.message("zh") and "validity is over" in refused.value.message("en")
    valued.act(world, row.pk, "deliver")
    report = ValuationReport.objects.get(delivered_at__isnull=False)
    assert report.signers == ["丙", "丁"]
    with pytest.raises(NotInProcedure):
        services.file_valuation_report(valued.report_of(row.pk), actor=world.quinn, now=world.now)
    changes: tuple[dict[str, Any], ...] = (
        {"calculation": {}}, {"valid_until": report.valid_until + timedelta(days=1)}, {"withdrawn_ground": "error"},
    )  # fmt: skip
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            ValuationReport.objects.filter(pk=report.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        ValuationReport.objects.filter(pk=report.pk).delete()


def test_silence_ends_an_order_and_a_late_report_is_marked_overdue(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    silent, late = valued.ordered(world, entry), valued.ordered(world, entry)
    valued.act(world, late.pk, "accept")
    engine.sweep(world.now + timedelta(days=60))
    assert state(silent) == "lapsed" and state(late) == "accepted"
    assert Fact.objects.filter(case_id=late.pk, name="clock.overdue").count() == 1


def test_a_newer_report_of_the_same_purpose_takes_its_place_and_another_purpose_does_not(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    first = valued.valued(world, entry)
    loan = valued.valued(world, entry, purpose="financing")
    world.now += timedelta(days=2)
    second = valued.valued(world, entry)
    told = {r.number: facets_of(r.credential_digest, world.now) for r in (first, loan, second)}
    assert told == {first.number: {"superseded"}, loan.number: {"valid"}, second.number: {"valid"}}
    today = local_day(world.now)
    assert queries.valuations_in_force(entry.id, today) == [second.number, loan.number]
    services.withdraw_valuation(
        services.WithdrawValuation(second.number, "error", "漏算税费"), actor=world.quinn, now=world.now
    )
    assert facets_of(second.credential_digest, world.now) == {"revoked"}
    assert facets_of(first.credential_digest, world.now) == {"superseded"}  # what ended does not come back
    assert queries.valuations_in_force(entry.id, today) == [loan.number]
    then = credentials.standing(first.number, today - timedelta(days=1))
    assert then is not None and then.facets == {"valid"}
    after = credentials.standing(loan.number, loan.valid_until + timedelta(days=1))
    assert after is not None and after.facets == {"expired"}
    assert not list(status_audit.audit_status())


def test_body_and_officer_withdraw_each_on_grounds_of_their_own_and_nobody_else(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    number = valued.valued(world, entry).number

    def withdraw(actor: Any, ground: str, document: str = "", reason: str = "有误") -> ValuationReport:
        cmd = services.WithdrawValuation(number, ground, reason, document)
        return services.withdraw_valuation(cmd, actor=actor, now=world.now)

    for stranger in (world.alice, world.mallory, world.otto, world.quincy):
        with pytest.raises(Forbidden):
            withdraw(stranger, "error")
    for actor, ground, document, reason, field in (
        (world.quinn, "judgment", "（2026）1 号", "有误", "ground"), (world.cora, "error", "", "有误", "ground"),
        (world.cora, "judgment", " ", "有误", "document"), (world.quinn, "error", "", " ", "reason"),
    ):  # fmt: skip
        with pytest.raises(InputInvalid) as refused:
            withdraw(actor, ground, document, reason)
        assert set(refused.value.field_errors) == {field}
    assert withdraw(world.cora, "judgment", "（2026）1 号").withdrawn_document == "（2026）1 号"
    with pytest.raises(NotFound):
        withdraw(world.quinn, "error")
    fact = Fact.objects.get(name="valuation_report.withdrawn")
    assert "有误" not in (fact.payload or "") and "judgment" in (fact.payload or "")


def test_the_value_is_told_to_few_until_its_holder_discloses_it(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    report = valued.valued(world, entry)
    today = local_day(world.now)
    for reader in (None, world.mallory, world.bob, world.rita):
        with pytest.raises(NotFound):
            queries.valuation_credential(report.number, reader)
        with pytest.raises(NotFound):
            queries.valuation_pdf(report.number, "zh", now=world.now, actor=reader)
    for reader in (world.alice, world.quinn, world.otto, world.sven):
        assert queries.valuation_credential(report.number, reader)["credentialSubject"]["number"] == report.number
    with pytest.raises(NotFound):
        queries.valuation(report.valuation.number, world.mallory)
    assert queries.valuations(world.mallory) == ([], 0) and queries.valuations(world.sven)[1] == 1
    found = credentials.standing(report.number, today)
    assert found is not None and found.public and "738,155.00" not in str(found.rows)
    for stranger in (world.quinn, world.mallory, world.otto):
        with pytest.raises(Forbidden):
            services.disclose_valuation(services.DiscloseValuation(report.number), actor=stranger, now=world.now)
    assert queries.valuations_disclosed(entry.id, today) == []
    services.disclose_valuation(services.DiscloseValuation(report.number), actor=world.alice, now=world.now)
    assert queries.valuations_disclosed(entry.id, today) == [(report.number, "738,155.00")]
    found = credentials.standing(report.number, today)
    assert found is not None and "738,155.00" in str(found.rows)
    before = credentials.standing(report.number, today - timedelta(days=1))
    assert before is None  # not delivered yet
    assert Fact.objects.filter(name="valuation_report.disclosed").count() == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        ValuationReport.objects.filter(pk=report.pk).update(disclosed_at=None)


def test_the_register_of_dali_has_its_own_method_and_its_own_signers() -> None:
    law = RegisterRules(load_profile("dali", on=date(2026, 11, 29)), "data-asset")
    assert calculation_faults(_not_here(), codes(law)) == {}
    assert law.value("appraisal.valuation_signers").article == "第十条、第二十八条"
    elsewhere = RegisterRules(load_profile("hangzhou", on=date(2026, 11, 29)), "data-property")
    assert set(calculation_faults(_not_here(), codes(elsewhere))) == {"cost_less_depreciation"}


def test_a_delivered_report_stands_in_the_store_as_signed(world: World) -> None:
    entry = stages.entry(world)
    valued.accredit(world)
    quality = stages.quality(world, entry.id)
    row = valued.ordered(world, entry)
    valued.act(world, row.pk, "accept")
    services.file_valuation_report(valued.report_of(row.pk, quality_report=quality.number), actor=world.quinn, now=world.now)
    valued.act(world, row.pk, "deliver")
    report = ValuationReport.objects.get()
    kept = json.loads(documents.get(report.credential_digest))
    assert kept["credentialSubject"]["quality_report"] == quality.number and report.seat is not None
