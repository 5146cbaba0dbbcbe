"""What appraisal tells others: the quality and compliance of an entry on a day, reports, assignments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from shugu.appraisal.domain import STAFF
from shugu.appraisal.models import Assignment, ComplianceReport, QualityReport
from shugu.appraisal.queries_valuation import (
    ValuationReportView,
    ValuationView,
    may_read_value,
    valuation,
    valuation_credential,
    valuation_pdf,
    valuation_report,
    valuations,
    valuations_disclosed,
    valuations_in_force,
)
from shugu.kernel import documents, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import queries as registry

__all__ = [
    "STAFF", "AssignmentView", "ComplianceView", "DimensionView", "QualityView", "ValuationReportView", "ValuationView",
    "assignment", "assignments", "best_qualities", "bodies", "compliance_of", "conclusion_table", "connector_document",
    "may_read_value", "qualities_of", "quality", "quality_credential", "quality_of", "quality_pdf", "valuation",
    "valuation_credential", "valuation_pdf", "valuation_report", "valuations", "valuations_disclosed",
    "valuations_in_force",
]  # fmt: skip


@dataclass(frozen=True)
class DimensionView:
    """`score` in basis points, None when nothing could be assessed; `indicators` as in the report (measure.report)."""

    code: str
    title: Text
    score: int | None
    assessable: int
    indicators: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class QualityView:
    """A quality report as taken. `score` in basis points; `data_digest` is the data it was measured on."""

    id: int
    number: str
    entry_id: int
    org: int
    connector_id: str
    score: int | None
    report_digest: str
    data_digest: str
    document_digest: str
    credential_digest: str
    measured_at: datetime
    taken_at: datetime
    valid_until: date
    dimensions: tuple[DimensionView, ...]
    report: Mapping[str, Any]
    fact: int


@dataclass(frozen=True)
class ComplianceView:
    """A delivered compliance report; `passed` follows from its conclusion by the table of conclusions."""

    number: str
    entry_id: int
    body: int
    conclusion: str
    conclusion_title: Text
    passed: bool
    summary: str
    digest: str
    credential_digest: str
    delivered_at: datetime
    valid_until: date


@dataclass(frozen=True)
class AssignmentView:
    case: int
    number: str
    kind: str
    state: str
    entry_id: int
    entry_number: str
    entry_title: str
    holder: int
    body: int
    scope: str
    ordered_at: datetime
    report: ComplianceReport | None


def quality_of(entry_id: int, on: date, *, data_digest: str | None = None) -> QualityView | None:
    """The newest quality report of an entry that may be relied on that day; of exactly this data, if asked."""
    rows = QualityReport.objects.filter(entry_id=entry_id, valid_until__gte=on)
    if data_digest is not None:
        rows = rows.filter(data_digest=data_digest)
    found = rows.order_by("-measured_at", "-id").first()
    return _quality(found) if found else None


def quality(number: str) -> QualityView:
    """A quality report by its number; it is public. Errors: NotFound."""
    found = QualityReport.objects.filter(number=number).first()
    if found is None:
        raise NotFound(what=(f"质量报告 {number}", f"quality report {number}"))
    return _quality(found)


def qualities_of(entry_id: int) -> list[QualityView]:
    """Every report on an entry, newest first."""
    return [_quality(r) for r in QualityReport.objects.filter(entry_id=entry_id).order_by("-measured_at", "-id")]


def _quality(row: QualityReport) -> QualityView:
    from shugu.appraisal.domain import basis_points

    dimensions = tuple(
        DimensionView(
            d["code"], Text(d["title"]["zh"], d["title"]["en"]), basis_points(d["score"]), d["assessable"], tuple(d["indicators"])
        )
        for d in row.report["dimensions"]
    )
    return QualityView(
        row.pk, row.number, row.entry_id, row.org_id, row.connector_id, row.score, row.report_digest, row.data_digest,
        row.document_digest, row.credential_digest, row.measured_at, row.taken_at, row.valid_until, dimensions, row.report,
        row.fact,
    )  # fmt: skip


def quality_credential(number: str) -> dict[str, Any]:
    """The venue's credential over the report. Errors: NotFound."""
    found: dict[str, Any] = json.loads(documents.get(quality(number).credential_digest))
    return found


def connector_document(number: str) -> dict[str, Any]:
    """The document the connector signed, as received. Errors: NotFound."""
    found: dict[str, Any] = json.loads(documents.get(quality(number).document_digest))
    return found


def quality_pdf(number: str, lang: str, *, now: datetime, actor: Actor | None = None) -> bytes:
    """The printed report, signed (shugu.web.printing). Errors: NotFound."""
    from shugu.appraisal.queries_paper import quality_document
    from shugu.web.printing import printed

    view = quality(number)
    return printed(quality_document(view), documents.get(view.credential_digest), lang=lang, now=now, actor=actor)


def compliance_of(entry_id: int, on: date) -> ComplianceView | None:
    """The newest delivered compliance report of an entry that may be relied on that day."""
    rows = ComplianceReport.objects.filter(entry_id=entry_id, delivered_at__isnull=False, valid_until__gte=on)
    found = rows.order_by("-delivered_at", "-id").first()
    return _compliance(found) if found else None


def _compliance(row: ComplianceReport) -> ComplianceView:
    code = next((c for c in conclusion_table() if c["code"] == row.conclusion), None)
    assert row.delivered_at is not None and row.valid_until is not None
    return ComplianceView(
        row.number, row.entry_id, row.body_id, row.conclusion,
        Text(str(code["zh"]), str(code["en"])) if code else Text(row.conclusion, row.conclusion),
        bool(code and code["passes"]), row.summary, row.digest, row.credential_digest, row.delivered_at, row.valid_until,
    )  # fmt: skip


def conclusion_table() -> tuple[Mapping[str, Any], ...]:
    """Rows {code, zh, en, passes} of rule appraisal.compliance_conclusions."""
    return runtime.rules().value("appraisal.compliance_conclusions").rows


def bodies(kind: str, on: date) -> list[parties.OrgView]:
    """Organisations accredited for this kind of evaluation on that day."""
    return parties.accredited(f"service_body:{kind}", on)


def assignment(number: str, actor: Actor) -> AssignmentView:
    """An assignment for its two parties and the venue's staff. Errors: NotFound (also for a stranger)."""
    row = Assignment.objects.filter(number=number).first()
    if row is None or not _may_see(row, actor):
        raise NotFound(what=(f"评估委托 {number}", f"assignment {number}"))
    return _assignment(row)


def _may_see(row: Assignment, actor: Actor) -> bool:
    return bool(actor.seats & STAFF) or (actor.org is not None and actor.org in (row.holder_id, row.body_id))


def assignments(actor: Actor, *, limit: int = 50, offset: int = 0) -> tuple[list[AssignmentView], int]:
    """(page, total) of what the actor's organisation ordered or was ordered; all of them for staff; newest first."""
    rows = Assignment.objects.all()
    if not actor.seats & STAFF:
        rows = rows.filter(Q(holder_id=actor.org) | Q(body_id=actor.org)) if actor.org is not None else rows.none()
    page = rows.order_by("-ordered_at", "-pk")[offset : offset + min(limit, 200)]
    return [_assignment(r) for r in page], rows.count()


def _assignment(row: Assignment) -> AssignmentView:
    entry = registry.entry(row.entry_id)
    return AssignmentView(
        row.pk, row.number, row.kind, Case.objects.only("state").get(pk=row.pk).state, row.entry_id, entry.number, entry.title,
        row.holder_id, row.body_id, row.scope, row.ordered_at, row.reports.order_by("-id").first(),
    )  # fmt: skip


def best_qualities(least: int, on: date) -> list[QualityView]:
    """The newest report of every entry that may be relied on that day, where it scores `least` basis points or more."""
    newest = QualityReport.objects.filter(valid_until__gte=on).order_by("entry_id", "-measured_at", "-id").distinct("entry_id")
    return [_quality(r) for r in newest if r.score is not None and r.score >= least]
