"""How the reports of an entry stand: the newest counts, the others are superseded. Kinds of credentials and their bits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from shugu.appraisal.models import ComplianceReport, QualityReport
from shugu.appraisal.models_valuation import ValuationReport
from shugu.formats.status import Flag
from shugu.kernel import credentials, runtime, status
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type
from shugu.kernel.models import Fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import queries as registry

STATUS = Flag.SUPERSEDED
QUALITY = Text("数据质量评价报告", "Report on data quality")
COMPLIANCE = Text("合规评估报告", "Compliance report")


def _qualities() -> QuerySet[QualityReport]:
    return QualityReport.objects.order_by("measured_at", "id")


def _compliances() -> QuerySet[ComplianceReport]:
    return ComplianceReport.objects.filter(delivered_at__isnull=False).order_by("delivered_at", "id")


def refresh(entry_id: int) -> int:
    """Say of every report of the entry whether a newer one stands in its place; in the transaction that takes one."""
    flags: dict[int, Flag] = {}
    for rows in (_qualities(), _compliances()):
        flags |= _flags([row.seat for row in rows.filter(entry_id=entry_id)])
    return status.mark(flags)


def _flags(seats: list[int | None]) -> dict[int, Flag]:
    """Of the seats of one entry's reports, oldest first."""
    return {seat: Flag(0) if seat == seats[-1] else Flag.SUPERSEDED for seat in seats if seat is not None}


def by_the_books_quality(on: date) -> Iterator[tuple[int, Flag]]:
    yield from _by_the_books(_qualities())


def by_the_books_compliance(on: date) -> Iterator[tuple[int, Flag]]:
    yield from _by_the_books(_compliances())


def _by_the_books(rows: QuerySet[Any]) -> Iterator[tuple[int, Flag]]:
    several = rows.order_by().values("entry_id").annotate(n=Count("id")).filter(n__gt=1)
    for entry in [row["entry_id"] for row in several]:
        yield from _flags(list(rows.filter(entry_id=entry).values_list("seat", flat=True))).items()


def find_quality(number: str, on: date) -> Standing | None:
    row = _qualities().filter(number=number).first()
    if row is None or local_day(row.taken_at) > on:
        return None
    newer = QualityReport.objects.filter(entry_id=row.entry_id, measured_at__gte=row.measured_at).exclude(pk=row.pk)
    superseded = any(
        local_day(taken) <= on and (measured, pk) > (row.measured_at, row.pk)
        for taken, measured, pk in newer.values_list("taken_at", "measured_at", "pk")
    )
    article = runtime.rules_on(on).value("appraisal.quality_report_validity").article or ""
    entry = registry.entry(row.entry_id, on)
    return Standing(
        number=row.number, title=QUALITY, digest=row.credential_digest, issued_at=row.taken_at, valid_until=row.valid_until,
        lines=_lines(superseded, on, row.valid_until, article), fact=row.fact, seat=row.seat, public=True,
        rows=((Text("登记条目", "Entry"), entry.number), (Text("测评时间", "Measured at"), row.measured_at)),
        href=reverse("appraisal:quality", args=[row.number]),
    )  # fmt: skip


def find_compliance(number: str, on: date) -> Standing | None:
    row = _compliances().filter(number=number).first()
    if row is None or row.delivered_at is None or local_day(row.delivered_at) > on:
        return None
    later = list(
        _compliances().filter(entry_id=row.entry_id, delivered_at__gt=row.delivered_at).values_list("delivered_at", flat=True)
    )
    superseded = any(at is not None and local_day(at) <= on for at in later)
    article = runtime.rules_on(on).value("appraisal.compliance_report_validity").article or ""
    named = Fact.objects.filter(case_id=row.assignment_id, payload__contains=row.credential_digest).order_by("id").first()
    return Standing(
        number=row.number, title=COMPLIANCE, digest=row.credential_digest, issued_at=row.delivered_at,
        valid_until=row.valid_until, lines=_lines(superseded, on, row.valid_until, article),
        fact=named.pk if named is not None else 0, seat=row.seat, public=False,
    )  # fmt: skip


def _lines(superseded: bool, on: date, valid_until: date | None, article: str) -> tuple[Line, ...]:
    found = [Line("superseded", article, title=Text("已有更新的报告", "a newer report stands"))] if superseded else []
    return lines(found, on=on, valid_until=valid_until, article=article)


def page_of(number: str) -> str:
    """Where a report's number leads: the page of a quality or valuation report; what else is numbered so is verified like the
    rest."""
    if QualityReport.objects.filter(number=number).exists():
        return reverse("appraisal:quality", args=[number])
    if ValuationReport.objects.filter(number=number, delivered_at__isnull=False).exists():
        return reverse("appraisal:valuation_report", args=[number])
    return f"{reverse('registry:verify')}?number={number}"


def register() -> None:
    credentials.register_kind(
        Kind(
            name="appraisal.quality", prefix="RPT-",
            app="appraisal", types=one_type("QualityReport", QUALITY.zh, QUALITY.en), flags=STATUS,
            subject=("entry", "connector", "report_sha256", "data_sha256", "standard", "measured_at", "score", "assessable"),
            where=("/quality/{number}.json", "/quality/{number}.pdf"), find=find_quality, by_the_books=by_the_books_quality,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="appraisal.compliance", app="appraisal", flags=STATUS,
            types=one_type("ComplianceReport", COMPLIANCE.zh, COMPLIANCE.en),
            subject=("entry", "assignment", "conclusion", "body", "report_sha256"),
            where=("/assignments/{assignment}/certificate.json", "/assignments/{assignment}/certificate.pdf"),
            find=find_compliance, by_the_books=by_the_books_compliance,
        )
    )  # fmt: skip
