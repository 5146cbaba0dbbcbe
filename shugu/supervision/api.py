"""The supervisor's API: the same answers as the pages, each call recorded as a fact."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest
from ninja import Router

from shugu.kernel import clock
from shugu.kernel.workdays import local_day
from shugu.party.access import require
from shugu.supervision import asked, queries
from shugu.supervision.services import KPI_SEATS, SEATS

router = Router()
MOST = 200


@router.get("/supervision/kpi")
def kpi(request: HttpRequest) -> dict[str, Any]:
    """Every target with its live value; `value` is null where the product keeps no record."""
    actor, now = require(request, tuple(KPI_SEATS)), clock.now()
    asked.record("kpi", {}, actor, now)
    return {
        "items": [
            {
                "code": k.code, "title": {"zh": k.title.zh, "en": k.title.en}, "value": k.value, "unit": k.unit,
                "recorded": k.value is not None, "target": k.target.number if k.target else None, "strict": k.strict,
                "due": k.due.isoformat() if k.due else None, "met": k.met,
                "document": k.target.document if k.target else None, "article": k.target.article if k.target else None,
            }
            for k in queries.kpis(local_day(now))
        ]
    }  # fmt: skip


@router.get("/supervision/cases")
def cases(
    request: HttpRequest, number: str = "", organisation: str = "", procedure: str = "", state: str = "",
    first: date | None = None, last: date | None = None, overdue: bool = False, before: int | None = None, limit: int = 50,
) -> dict[str, Any]:  # fmt: skip
    """Newest first; give `next` back as `before` for the following page."""
    actor, now = require(request, tuple(SEATS)), clock.now()
    given = {
        "number": number, "organisation": organisation, "procedure": procedure, "state": state, "first": first, "last": last,
        "overdue": overdue, "before": before,
    }  # fmt: skip
    asked.record("cases", given, actor, now)
    found, key = queries.cases(asked.case_query(given, now), now, _limit(limit))
    items = [
        {
            "number": c.number, "title": c.title, "procedure": c.procedure, "version": c.version, "state": c.state,
            "opened_on": c.opened_on.isoformat(), "closed_at": c.closed_at.isoformat() if c.closed_at else None,
        }
        for c in found
    ]  # fmt: skip
    return {"items": items, "next": key}


@router.get("/supervision/facts")
def facts(
    request: HttpRequest, name: str = "", subject: str = "", organisation: str = "", first: date | None = None,
    last: date | None = None, position: int | None = None, before: int | None = None, limit: int = 50,
) -> dict[str, Any]:  # fmt: skip
    """Newest first; give `next` back as `before` for the following page."""
    actor, now = require(request, tuple(SEATS)), clock.now()
    given = {
        "name": name, "subject": subject, "organisation": organisation, "first": first, "last": last, "position": position,
        "before": before,
    }  # fmt: skip
    asked.record("facts", given, actor, now)
    found, key = queries.facts(asked.fact_query(given, now), _limit(limit))
    items = [
        {
            "id": f.id, "name": f.name, "subject": f.subject, "case": f.case, "person": f.person, "org": f.org,
            "recorded_at": f.recorded_at.isoformat(), "position": f.position,
        }
        for f in found
    ]  # fmt: skip
    return {"items": items, "next": key}


def _limit(asked_for: int) -> int:
    return max(1, min(asked_for, MOST))
