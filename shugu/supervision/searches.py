"""Searching cases and facts by index, a page at a time from a key, so that page 1,000 costs as much as page 1."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q

from shugu.kernel.models import Case, CaseParty, Clock, Fact, Position
from shugu.kernel.queries import fact_titles
from shugu.kernel.tables import all_tables, table
from shugu.kernel.text import Text

PAGE = 50
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class CaseQuery:
    """Absent (None or "") criteria do not narrow. `before`: only cases with a smaller id (the key of the page)."""

    number: str = ""
    org: int | None = None
    procedure: str = ""
    state: str = ""
    first: date | None = None
    last: date | None = None
    overdue: bool = False
    before: int | None = None


@dataclass(frozen=True)
class CaseLine:
    id: int
    number: str
    title: str
    procedure: str
    procedure_title: Text
    version: int
    state: str
    state_title: Text
    opened_on: date
    closed_at: datetime | None


@dataclass(frozen=True)
class FactQuery:
    """`subject` is exact, or a prefix of kind when it ends in ":"; days are Shanghai days of recording."""

    name: str = ""
    subject: str = ""
    org: int | None = None
    first: date | None = None
    last: date | None = None
    position: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class FactLine:
    id: int
    name: str
    title: Text
    subject: str
    case: int | None
    person: int | None
    org: int | None
    recorded_at: datetime
    position: int | None


@dataclass(frozen=True)
class OverdueLine:
    case: str
    title: str
    procedure_title: Text
    clock_title: Text
    due_on: date


@dataclass(frozen=True)
class LookLine:
    """One supervisory query as recorded."""

    fact: int
    at: datetime
    person: int | None
    what: str
    criteria: str
    position: int | None


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def _late(now: datetime) -> Q:
    return Q(status="overdue") | Q(status="running", kind="duty", due_at__lte=now)


def cases(query: CaseQuery, now: datetime, limit: int = PAGE) -> tuple[list[CaseLine], int | None]:
    """One page, newest first, and the key of the next page (None on the last)."""
    rows = Case.objects.order_by("-id")
    exact = {"number": query.number, "procedure": query.procedure, "state": query.state}
    rows = rows.filter(**{k: v for k, v in exact.items() if v})
    if query.org is not None:
        rows = rows.filter(Exists(CaseParty.objects.filter(case=OuterRef("pk"), org=query.org)))
    if query.first is not None:
        rows = rows.filter(opened_on__gte=query.first)
    if query.last is not None:
        rows = rows.filter(opened_on__lte=query.last)
    if query.overdue:
        rows = rows.filter(pk__in=Clock.objects.filter(_late(now)).values("case"), closed_at__isnull=True)
    if query.before is not None:
        rows = rows.filter(pk__lt=query.before)
    found = list(rows[: limit + 1])
    return [_case(c) for c in found[:limit]], found[limit - 1].pk if len(found) > limit else None


def _case(row: Case) -> CaseLine:
    tab = table(row.procedure, row.version)
    return CaseLine(
        row.pk, row.number, row.title, row.procedure, tab.title, row.version, row.state, tab.state[row.state].title,
        row.opened_on, row.closed_at,
    )  # fmt: skip


def facts(query: FactQuery, limit: int = PAGE) -> tuple[list[FactLine], int | None]:
    """One page, newest first, and the key of the next page (None on the last)."""
    rows = Fact.objects.only("id", "name", "subject", "case_id", "person", "org", "recorded_at").order_by("-id")
    if query.position is not None:
        rows = rows.filter(pk__in=list(Position.objects.filter(position=query.position).values_list("fact_id", flat=True)))
    if query.name:
        rows = rows.filter(name=query.name)
    if query.subject:
        rows = rows.filter(subject=query.subject)
    if query.org is not None:
        rows = rows.filter(org=query.org)
    if query.first is not None:
        rows = rows.filter(recorded_at__gte=_start(query.first))
    if query.last is not None:
        rows = rows.filter(recorded_at__lt=_start(query.last + timedelta(days=1)))
    if query.before is not None:
        rows = rows.filter(pk__lt=query.before)
    found = list(rows[: limit + 1])
    return _facts(found[:limit]), found[limit - 1].pk if len(found) > limit else None


def _facts(rows: list[Fact]) -> list[FactLine]:
    titles = fact_titles()
    places = dict(Position.objects.filter(fact_id__in=[f.pk for f in rows]).values_list("fact_id", "position"))
    return [
        FactLine(
            f.pk, f.name, titles.get(f.name, Text(f.name, f.name)), f.subject, f.case_id, f.person, f.org, f.recorded_at,
            places.get(f.pk),
        )
        for f in rows
    ]  # fmt: skip


def overdue(now: datetime, limit: int = 500) -> list[OverdueLine]:
    """Clocks past their day in open cases, the oldest first."""
    rows = Clock.objects.filter(_late(now), case__closed_at__isnull=True).select_related("case").order_by("due_at")[:limit]
    out = []
    for row in rows:
        tab = table(row.case.procedure, row.case.version)
        title = next((c.title for c in tab.clocks if c.id == row.clock), Text(row.clock, row.clock))
        out.append(OverdueLine(row.case.number, row.case.title, tab.title, title, row.due_on))
    return out


def looks(before: int | None = None, limit: int = PAGE) -> tuple[list[LookLine], int | None]:
    rows = Fact.objects.filter(name="supervision.looked_up").select_related("place").order_by("-id")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    out = []
    for fact in found[:limit]:
        data = json.loads(fact.payload).get("data", {}) if fact.payload else {}
        place = fact.place.position if hasattr(fact, "place") else None
        out.append(LookLine(fact.pk, fact.recorded_at, fact.person, data.get("what", ""), data.get("criteria", ""), place))
    return out, found[limit - 1].pk if len(found) > limit else None


def procedures() -> list[tuple[str, Text]]:
    return sorted((p, versions[max(versions)].title) for p, versions in all_tables().items())
