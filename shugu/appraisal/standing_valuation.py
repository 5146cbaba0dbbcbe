"""How a valuation report stands: superseded by a newer one of the same entry, purpose and type of value; withdrawn; expired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from shugu.appraisal.domain_valuation import value_words
from shugu.appraisal.models_valuation import Valuation, ValuationReport
from shugu.formats.status import Flag
from shugu.kernel import credentials, runtime, status
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web import language

STATUS: Final = Flag.SUPERSEDED | Flag.REVOKED
TITLE: Final = Text("价值评估报告", "Valuation report")
# A value belongs to its purpose and type (guidance, article 18): only a newer one of the same takes its place.
_SAME: Final = ("entry_id", "valuation__purpose", "valuation__value_type")


def _delivered() -> QuerySet[ValuationReport]:
    return ValuationReport.objects.filter(delivered_at__isnull=False).order_by("delivered_at", "id")


def _of(row: Valuation) -> QuerySet[ValuationReport]:
    return _delivered().filter(
        entry_id=row.entry_id, valuation__purpose=row.purpose, valuation__value_type=row.value_type
    )  # fmt: skip


def refresh(row: Valuation) -> int:
    """Say of every report beside this order's how it stands; in the transaction that delivers or withdraws one."""
    return status.mark(dict(_flags(_of(row))))


def _flags(rows: QuerySet[ValuationReport]) -> Iterator[tuple[int, Flag]]:
    told = list(rows.values_list("seat", "withdrawn_at"))
    for place, (seat, withdrawn) in enumerate(told, 1):
        if seat is not None:
            yield seat, (Flag.SUPERSEDED if place < len(told) else Flag(0)) | (Flag.REVOKED if withdrawn else Flag(0))


def by_the_books(on: date) -> Iterator[tuple[int, Flag]]:
    said = Q(n__gt=1) | Q(gone__gt=0)
    groups = _delivered().order_by().values(*_SAME).annotate(n=Count("id"), gone=Count("withdrawn_at")).filter(said)
    for group in groups:
        yield from _flags(_delivered().filter(**{name: group[name] for name in _SAME}))


def find(number: str, on: date) -> Standing | None:
    """That it exists, by whom, of which day and until when; what it says only where its holder disclosed it."""
    row = _delivered().select_related("valuation").filter(number=number).first()
    if row is None or row.delivered_at is None or local_day(row.delivered_at) > on:
        return None
    order = row.valuation
    register = registry.entry(row.entry_id).register
    rule = runtime.rules_on(on).value("appraisal.valuation_validity", register=register)
    rows: list[tuple[Text, Any]] = [
        (Text("登记条目", "Entry"), registry.entry(row.entry_id).number),
        (Text("评估机构", "Valuing body"), parties.org_names([row.body_id], language.current())[row.body_id]),
        (Text("评估基准日", "Base date"), order.base_date),
    ]
    if row.disclosed_at is not None and local_day(row.disclosed_at) <= on:
        rows.append((Text("评估结论（元）", "Value, CNY"), value_words(row.calculation)))
    return Standing(
        number=row.number, title=TITLE, digest=row.credential_digest, issued_at=row.delivered_at, valid_until=row.valid_until,
        lines=lines(_lines(row, on), on=on, valid_until=row.valid_until, article=rule.article or ""), fact=row.fact or 0,
        seat=row.seat, public=True, rows=tuple(rows), href=reverse("appraisal:valuation_report", args=[row.number]),
    )  # fmt: skip


def _lines(row: ValuationReport, on: date) -> list[Line]:
    found = []
    if row.withdrawn_at is not None and local_day(row.withdrawn_at) <= on:
        ground = ground_title(row.withdrawn_ground)
        found.append(Line("revoked", "", row.withdrawn_document, Text(f"已撤销：{ground.zh}", f"withdrawn: {ground.en}")))
    later = _of(row.valuation).exclude(pk=row.pk).values_list("delivered_at", "id")
    if any(at is not None and local_day(at) <= on and (at, pk) > (_moment(row), row.pk) for at, pk in later):
        found.append(Line("superseded", "", title=Text("已有更新的报告", "a newer report stands")))
    return found


def _moment(row: ValuationReport) -> datetime:
    assert row.delivered_at is not None
    return row.delivered_at


def grounds() -> tuple[dict[str, Any], ...]:
    """Rows {code, zh, en, by, document} of rule appraisal.valuation_withdrawal_grounds."""
    return tuple(dict(row) for row in runtime.rules().value("appraisal.valuation_withdrawal_grounds").rows)


def ground_title(code: str) -> Text:
    """The words of a ground; a code that the rules no longer have stands for itself."""
    return next((Text(str(row["zh"]), str(row["en"])) for row in grounds() if row["code"] == code), Text(code, code))


def register() -> None:
    credentials.register_kind(
        Kind(
            name="appraisal.valuation", prefix="RPT-", app="appraisal", flags=STATUS,
            types=one_type("ValuationReport", TITLE.zh, TITLE.en),
            subject=(
                "entry", "assignment", "rights", "purpose", "value_type", "base_date", "scenario", "scope", "users", "holder",
                "body", "calculation", "parts", "quality_report", "signers", "report_sha256",
            ),
            where=("/valuations/reports/{number}.json", "/valuations/reports/{number}.pdf"), find=find,
            by_the_books=by_the_books,
        )
    )  # fmt: skip
