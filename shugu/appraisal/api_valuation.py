"""JSON API of valuations, a part of appraisal's router."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from shugu.appraisal import queries, queries_valuation, services
from shugu.appraisal.domain_valuation import calculation_faults
from shugu.appraisal.trying import as_dict, tried
from shugu.formats.errors import Pair
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class OrderValuationIn(Strict):
    entry: str
    body: str
    purpose: str
    value_type: str
    base_date: date
    rights: list[str]
    scenario: str
    scope: str = ""
    users: str = ""


class ValuationReportIn(Strict):
    calculation: dict[str, Any]
    parts: dict[str, str]
    signers: list[str]
    independent: bool
    filename: str
    content_base64: str
    quality_report: str = ""
    valid_until: date | None = None


class TryIn(Strict):
    entry: str
    calculation: dict[str, Any]


class ValuationActIn(Strict):
    input: dict[str, Any] = {}
    undertaking: str = ""


class WithdrawValuationIn(Strict):
    ground: str
    reason: str
    document: str = ""


def order_out(view: queries.ValuationView) -> dict[str, Any]:
    report = view.report
    return {
        "number": view.number, "state": view.state, "entry": view.entry_number, "rights": list(view.rights),
        "holder": parties.organisation(view.holder).number, "body": parties.organisation(view.body).number,
        "purpose": view.purpose, "value_type": view.value_type, "base_date": view.base_date.isoformat(),
        "scenario": view.scenario, "scope": view.scope, "users": view.users, "ordered_at": view.ordered_at.isoformat(),
        "report": report and {
            "number": report.number, "calculation": report.calculation, "parts": report.parts, "sha256": report.digest,
            "quality_report": report.quality_report, "valid_until": report.valid_until.isoformat(),
            "delivered_at": report.delivered_at.isoformat() if report.delivered_at else None,
        },
    }  # fmt: skip


def report_out(number: str, actor: Actor | None) -> dict[str, Any]:
    """For anybody that it stands; the value once disclosed; all of it for who may read it."""
    found = queries.valuation_report(number)
    out: dict[str, Any] = {
        "number": found.number, "entry": found.order.entry_number, "body": parties.organisation(found.order.body).number,
        "base_date": found.order.base_date.isoformat(), "delivered_at": found.delivered_at.isoformat(),
        "valid_until": found.valid_until.isoformat(), "digest": found.credential_digest,
        "withdrawn_at": found.withdrawn_at.isoformat() if found.withdrawn_at else None,
        "disclosed_at": found.disclosed_at.isoformat() if found.disclosed_at else None,
    }  # fmt: skip
    whole = queries.may_read_value(found, actor)
    if whole or found.disclosed_at is not None:
        out |= {"value": found.value, "purpose": found.order.purpose, "value_type": found.order.value_type}
    if whole:
        worked = queries_valuation.worked_out(found)
        out |= {"credential": queries.valuation_credential(number, actor), "worked": worked}
    return out


@router.get("/valuations")
def list_valuations(request: HttpRequest, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    rows, total = queries.valuations(actor_of(request), limit=min(max(limit, 1), 200), offset=max(offset, 0))
    return {"total": total, "items": [order_out(row) for row in rows]}


@router.post("/valuations", response={201: dict[str, Any]})
def order_valuation(request: HttpRequest, payload: OrderValuationIn) -> Status[dict[str, Any]]:
    """Order a valuation of an entry; `body` is the organisation's number. There is no field for a wished-for value."""
    actor = actor_of(request)
    entry, body = registry.entry_by_number(payload.entry), parties.organisation_by_number(payload.body)
    cmd = services.OrderValuation(
        entry.id, body.id, payload.purpose, payload.value_type, payload.base_date, tuple(payload.rights), payload.scenario,
        payload.scope, payload.users,
    )  # fmt: skip
    made = services.order_valuation(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, order_out(queries.valuation(made.number, actor)))


@router.post("/valuations/try")
def work_out(request: HttpRequest, payload: TryIn) -> dict[str, Any]:
    """What a calculation gives under the rules of the entry's register, and what is wrong with it; files nothing."""
    actor_of(request)
    known = queries_valuation.tables(registry.entry_by_number(payload.entry).register)
    faults: dict[str, Pair] = calculation_faults(payload.calculation, known)
    told = {where: {"zh": zh, "en": en} for where, (zh, en) in faults.items()}
    if {"methods", "unit_fen"} & set(faults) or not isinstance(payload.calculation["conclusion"], dict):
        return {"faults": told, "methods": [], "value": ""}
    return {"faults": told, **as_dict(tried(payload.calculation, known))}


@router.get("/valuations/reports/{number}")
def read_report(request: HttpRequest, number: str) -> dict[str, Any]:
    return report_out(number, getattr(request, "actor", None))


@router.post("/valuations/reports/{number}/disclose")
def disclose(request: HttpRequest, number: str) -> dict[str, Any]:
    """By the organisation that ordered it, for good."""
    actor = actor_of(request)
    services.disclose_valuation(services.DiscloseValuation(number), actor=actor, now=clock.now(), key=key_of(request))
    return report_out(number, actor)


@router.post("/valuations/reports/{number}/withdraw")
def withdraw(request: HttpRequest, number: str, payload: WithdrawValuationIn) -> dict[str, Any]:
    """By the body or by the compliance officer, on a ground of appraisal.valuation_withdrawal_grounds, for good."""
    actor = actor_of(request)
    cmd = services.WithdrawValuation(number, payload.ground, payload.reason, payload.document)
    services.withdraw_valuation(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return report_out(number, actor)


@router.get("/valuations/{number}")
def read_valuation(request: HttpRequest, number: str) -> dict[str, Any]:
    return order_out(queries.valuation(number, actor_of(request)))


@router.post("/valuations/{number}/report")
def file_report(request: HttpRequest, number: str, payload: ValuationReportIn) -> dict[str, Any]:
    """File the signed PDF with its calculation (docs/formats.md 19), which is worked out again."""
    actor = actor_of(request)
    view = queries.valuation(number, actor)
    try:
        content = base64.b64decode(payload.content_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        fault = ("不是 Base64", "not Base64")
        raise InputInvalid(fields="content_base64", field_errors={"content_base64": fault}) from error
    cmd = services.FileValuationReport(
        view.case, payload.calculation, payload.parts, tuple(payload.signers), payload.independent, payload.filename, content,
        payload.quality_report, payload.valid_until,
    )  # fmt: skip
    services.file_valuation_report(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return order_out(queries.valuation(number, actor))


@router.post("/valuations/{number}/{do}")
def act(request: HttpRequest, number: str, do: str, payload: ValuationActIn) -> dict[str, Any]:
    """accept, decline, cancel, deliver, give_back."""
    actor = actor_of(request)
    cmd = services.ActOnValuation(queries.valuation(number, actor).case, do, payload.input, payload.undertaking)
    services.act_on_valuation(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return order_out(queries.valuation(number, actor))
