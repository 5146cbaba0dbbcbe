"""JSON API of appraisal."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from shugu.appraisal import api_valuation, compliance_paper, queries, services
from shugu.formats.canonical import parse_object
from shugu.kernel import clock
from shugu.kernel.errors import InputInvalid
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web.api import Strict, actor_of, key_of

router = Router()
router.add_router("", api_valuation.router)


class TakeIn(Strict):
    entry: str
    document: dict[str, Any]


class OrderIn(Strict):
    entry: str
    body: str
    scope: str = ""


class ActIn(Strict):
    input: dict[str, Any] = {}
    undertaking: str = ""


class ReportIn(Strict):
    conclusion: str
    summary: str
    signers: list[str]
    filename: str
    content_base64: str


def quality_out(view: queries.QualityView) -> dict[str, Any]:
    return {
        "number": view.number, "entry": registry.entry(view.entry_id).number, "connector": view.connector_id,
        "score": view.report["overall"]["score"], "data_sha256": view.data_digest, "report_sha256": view.report_digest,
        "measured_at": view.report["measured_at"], "taken_at": view.taken_at.isoformat(),
        "valid_until": view.valid_until.isoformat(), "report": view.report,
        "credential": queries.quality_credential(view.number), "document": queries.connector_document(view.number),
    }  # fmt: skip


def assignment_out(view: queries.AssignmentView) -> dict[str, Any]:
    names = {org: parties.organisation(org).number for org in (view.holder, view.body)}
    report = view.report
    return {
        "number": view.number, "kind": view.kind, "state": view.state, "entry": view.entry_number,
        "holder": names[view.holder], "body": names[view.body], "scope": view.scope, "ordered_at": view.ordered_at.isoformat(),
        "report": report and {
            "number": report.number, "conclusion": report.conclusion, "summary": report.summary, "sha256": report.digest,
            "delivered_at": report.delivered_at.isoformat() if report.delivered_at else None,
            "valid_until": report.valid_until.isoformat() if report.valid_until else None,
            "credential": parse_object(compliance_paper.credential_of(view)[0]) if report.credential_digest else None,
        },
    }  # fmt: skip


@router.get("/quality/{number}")
def read_quality(request: HttpRequest, number: str) -> dict[str, Any]:
    """A quality report; public."""
    return quality_out(queries.quality(number))


@router.post("/quality", response={201: dict[str, Any]})
def take_quality(request: HttpRequest, payload: TakeIn) -> Status[dict[str, Any]]:
    """Hand in the document a connector signed."""
    entry = registry.entry_by_number(payload.entry)
    cmd = services.TakeQualityReport(entry.id, payload.document)
    taken = services.take_quality_report(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return Status(201, quality_out(queries.quality(taken.number)))


@router.get("/assignments")
def list_assignments(request: HttpRequest, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    rows, total = queries.assignments(actor_of(request), limit=min(max(limit, 1), 200), offset=max(offset, 0))
    return {"total": total, "items": [assignment_out(r) for r in rows]}


@router.post("/assignments", response={201: dict[str, Any]})
def order(request: HttpRequest, payload: OrderIn) -> Status[dict[str, Any]]:
    """Order a compliance evaluation of an entry; `body` is the organisation's number."""
    actor = actor_of(request)
    entry, body = registry.entry_by_number(payload.entry), parties.organisation_by_number(payload.body)
    cmd = services.OrderCompliance(entry.id, body.id, payload.scope)
    made = services.order_compliance(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, assignment_out(queries.assignment(made.number, actor)))


@router.get("/assignments/{number}")
def read_assignment(request: HttpRequest, number: str) -> dict[str, Any]:
    return assignment_out(queries.assignment(number, actor_of(request)))


@router.post("/assignments/{number}/report")
def file_report(request: HttpRequest, number: str, payload: ReportIn) -> dict[str, Any]:
    """File the signed PDF with its conclusion."""
    actor = actor_of(request)
    view = queries.assignment(number, actor)
    try:
        content = base64.b64decode(payload.content_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        fault = ("不是 Base64", "not Base64")
        raise InputInvalid(fields="content_base64", field_errors={"content_base64": fault}) from error
    cmd = services.FileComplianceReport(
        view.case, payload.conclusion, payload.summary, tuple(payload.signers), payload.filename, content
    )
    services.file_compliance_report(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return assignment_out(queries.assignment(number, actor))


@router.post("/assignments/{number}/{do}")
def act(request: HttpRequest, number: str, do: str, payload: ActIn) -> dict[str, Any]:
    """accept, decline, cancel, deliver, give_back."""
    actor = actor_of(request)
    cmd = services.ActOnAssignment(queries.assignment(number, actor).case, do, payload.input, payload.undertaking)
    services.act_on_assignment(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return assignment_out(queries.assignment(number, actor))
