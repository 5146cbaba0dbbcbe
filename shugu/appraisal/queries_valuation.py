"""What appraisal tells of valuations: orders for their parties and the venue, reports for everybody, values for few.

That a report exists, by whom, of which day and until when is public; what it says is its holder's secret until he discloses it
(docs/decisions/0019-values-are-their-holders.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from shugu.appraisal import standing_valuation as standing
from shugu.appraisal.domain import STAFF
from shugu.appraisal.domain_valuation import Codes, Shown, codes, conclusion_words, shown, value_words
from shugu.appraisal.models_valuation import Valuation, ValuationReport
from shugu.appraisal.trying import method_dict
from shugu.kernel import documents, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import queries as registry


@dataclass(frozen=True)
class ValuationView:
    """An order with its basic matters, coded ones in words, and the newest report, delivered or not."""

    case: int
    number: str
    state: str
    register: str
    entry_id: int
    entry_number: str
    entry_title: str
    holder: int
    body: int
    purpose: str
    value_type: str
    rights: tuple[str, ...]
    purpose_title: Text
    value_type_title: Text
    rights_title: Text
    base_date: date
    scenario: str
    scope: str
    users: str
    ordered_at: datetime
    report: ValuationReport | None


@dataclass(frozen=True)
class ValuationReportView:
    """A delivered report. `value` in yuan, `methods` worked out again from the inputs, `parts` with their titles."""

    order: ValuationView
    number: str
    digest: str
    credential_digest: str
    calculation: Mapping[str, Any]
    methods: tuple[Shown, ...]
    value: str
    follows: Text
    unit: Text
    parts: tuple[tuple[Text, str], ...]
    quality_report: str
    signers: tuple[str, ...]
    delivered_at: datetime
    valid_until: date
    fact: int
    withdrawn_at: datetime | None
    withdrawn_ground: Text | None
    withdrawn_document: str
    disclosed_at: datetime | None


def tables(register: str) -> Codes:
    """The codes of today's rules."""
    return codes(RegisterRules(runtime.rules(), register))


def valuation(number: str, actor: Actor) -> ValuationView:
    """An order for its two parties and the venue's staff. Errors: NotFound (also for a stranger)."""
    row = Valuation.objects.filter(number=number).first()
    if row is None or not _may_see(row, actor):
        raise NotFound(what=(f"价值评估委托 {number}", f"order of a valuation {number}"))
    return _order(row)


def _may_see(row: Valuation, actor: Actor | None) -> bool:
    if actor is None:
        return False
    return bool(actor.seats & STAFF) or (actor.org is not None and actor.org in (row.holder_id, row.body_id))


def valuations(actor: Actor, *, limit: int = 50, offset: int = 0) -> tuple[list[ValuationView], int]:
    """(page, total) of what the actor's organisation ordered or was ordered; all of them for staff; newest first."""
    rows = Valuation.objects.all()
    if not actor.seats & STAFF:
        rows = rows.filter(Q(holder_id=actor.org) | Q(body_id=actor.org)) if actor.org is not None else rows.none()
    page = rows.order_by("-ordered_at", "-pk")[max(offset, 0) : max(offset, 0) + min(max(limit, 0), 200)]
    return [_order(row) for row in page], rows.count()


def _order(row: Valuation) -> ValuationView:
    entry = registry.entry(row.entry_id)
    known = tables(entry.register)
    titles = [registry.rights_of(entry.register).get(code, Text(code, code)) for code in row.rights]
    return ValuationView(
        row.pk, row.number, Case.objects.only("state").get(pk=row.pk).state, entry.register, row.entry_id, entry.number,
        entry.title, row.holder_id, row.body_id, row.purpose, row.value_type, tuple(row.rights),
        known.purposes.get(row.purpose, Text(row.purpose, row.purpose)),
        known.value_types.get(row.value_type, Text(row.value_type, row.value_type)),
        Text("、".join(t.zh for t in titles), ", ".join(t.en for t in titles)), row.base_date, row.scenario, row.scope,
        row.users, row.ordered_at, row.reports.order_by("-id").first(),
    )  # fmt: skip


def _delivered(number: str) -> ValuationReport:
    rows = ValuationReport.objects.select_related("valuation").filter(delivered_at__isnull=False)
    row = rows.filter(number=number).first()
    if row is None:
        raise NotFound(what=(f"价值评估报告 {number}", f"valuation report {number}"))
    return row


def valuation_report(number: str) -> ValuationReportView:
    """A delivered report, whole: who may be told what it says, `may_read_value` knows. Errors: NotFound."""
    row = _delivered(number)
    order = _order(row.valuation)
    known = tables(order.register)
    unit = str(row.calculation["unit_fen"])
    assert row.delivered_at is not None
    return ValuationReportView(
        order, row.number, row.digest, row.credential_digest, row.calculation, shown(row.calculation, known),
        value_words(row.calculation), conclusion_words(row.calculation, known), known.units.get(unit, Text(unit, unit)),
        parts_in_order(row.parts, known), row.quality_report,
        tuple(row.signers), row.delivered_at, row.valid_until, row.fact or 0, row.withdrawn_at,
        standing.ground_title(row.withdrawn_ground) if row.withdrawn_at else None, row.withdrawn_document, row.disclosed_at,
    )  # fmt: skip


def parts_in_order(parts: Mapping[str, str], known: Codes) -> tuple[tuple[Text, str], ...]:
    """(title, text) as the rules list them; what they no longer have comes last."""
    codes_told = [*(c for c in known.parts if c in parts), *sorted(c for c in parts if c not in known.parts)]
    return tuple((known.parts.get(code, Text(code, code)), parts[code]) for code in codes_told)


def report_row(number: str) -> ValuationReport:
    """Errors: NotFound."""
    return _delivered(number)


def worked_out(found: ValuationReportView) -> list[dict[str, Any]]:
    """Every method worked out again, as JSON."""
    return [method_dict(one) for one in found.methods]


def may_read_value(found: ValuationReportView, actor: Actor | None) -> bool:
    """Whether this reader is told what the report says: who ordered it, the body, the venue's staff."""
    if actor is None:
        return False
    return bool(actor.seats & STAFF) or (actor.org is not None and actor.org in (found.order.holder, found.order.body))


def _readable(number: str, actor: Actor | None) -> ValuationReportView:
    found = valuation_report(number)
    if not may_read_value(found, actor):
        raise NotFound(what=(f"价值评估报告 {number} 的内容", f"content of valuation report {number}"))
    return found


def valuation_credential(number: str, actor: Actor | None) -> dict[str, Any]:
    """The venue's credential. Errors: NotFound, for who may not read the value too."""
    made: dict[str, Any] = json.loads(documents.get(_readable(number, actor).credential_digest))
    return made


def valuation_pdf(number: str, lang: str, *, now: datetime, actor: Actor | None) -> bytes:
    """The printed report, signed (shugu.web.printing). Errors: NotFound, for who may not read the value too."""
    from shugu.appraisal.queries_valuation_paper import valuation_document
    from shugu.web.printing import printed

    view = _readable(number, actor)
    return printed(valuation_document(view), documents.get(view.credential_digest), lang=lang, now=now, actor=actor)


def valuations_in_force(entry_id: int, on: date) -> list[str]:
    """Numbers of the reports on an entry that may be relied on that day: neither withdrawn, superseded nor expired."""
    rows = ValuationReport.objects.filter(entry_id=entry_id, delivered_at__isnull=False, valid_until__gte=on)
    numbers = rows.filter(withdrawn_at__isnull=True).order_by("-delivered_at", "-id").values_list("number", "delivered_at")
    found = []
    for number, delivered in numbers:
        told = standing.find(number, on) if delivered is not None and local_day(delivered) <= on else None
        if told is not None and "valid" in told.facets:
            found.append(number)
    return found


def valuations_disclosed(entry_id: int, on: date) -> list[tuple[str, str]]:
    """(number, value in yuan) of the reports in force whose value their holder disclosed; for pages of what is offered."""
    numbers = valuations_in_force(entry_id, on)
    rows = ValuationReport.objects.filter(number__in=numbers, disclosed_at__isnull=False).order_by("-delivered_at", "-id")
    return [(row.number, value_words(row.calculation)) for row in rows]
