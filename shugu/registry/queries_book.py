"""The account book behind an entry: encumbrances, accounts, lineage, links, and what guards ask about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.kernel import runtime
from shugu.kernel.workdays import due
from shugu.registry import applications, queries
from shugu.registry.domain import ENDED, Facet
from shugu.registry.models import Account, Certificate, Entry, EntryVersion, Filing, Lineage, Link, Mark, TradeRecord


@dataclass(frozen=True)
class Encumbrance:
    """A licence, pledge, trust … beside an entry; `lifted_at` None while it stands."""

    id: int
    kind: str
    beneficiary: int | None
    detail: Mapping[str, Any]
    article: str
    reason: str
    placed_at: datetime
    until: date | None
    lifted_at: datetime | None


@dataclass(frozen=True)
class AccountView:
    number: str
    register: str
    org: int
    info: Mapping[str, str]
    opened_on: date
    changed_on: date | None
    closed_on: date | None


@dataclass(frozen=True)
class ParentView:
    """One parent of an entry: a line of the book (number, title) or a source outside; `parts` of ten thousand."""

    number: str
    title: str
    processing: str
    parts: int


def facets_of(entry_id: int | None, on: date) -> frozenset[str]:
    return queries.entry(entry_id, on).facets if entry_id is not None else frozenset()


def renewal_window(entry_id: int | None) -> tuple[date, date] | None:
    """First and last day on which renewal may be sought; None without an entry."""
    if entry_id is None:
        return None
    line = Entry.objects.get(pk=entry_id)
    last = EntryVersion.objects.filter(entry=line).order_by("-version")[0].valid_until
    rules, calendar = applications.rules_of(line.register), runtime.calendar()
    window, grace = rules.value("registry.renewal_window"), rules.value("registry.renewal_grace")
    begin = due(last, window.length, direction="backward", calendar=calendar).on
    return begin, due(last, grace.length, calendar=calendar).on if grace.number else last


def traded_to(row: Filing) -> bool:
    """Whether a trade on this venue brought the entry to the applicant or the other side."""
    gained = [org for org in (row.counterparty_id, row.applicant_id) if org is not None]
    return TradeRecord.objects.filter(entry_id=row.entry_id, buyer_id__in=gained).exists() if row.entry_id else False


def ended_named(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Of the parents an application names, those that were revoked or cancelled."""
    named = [r["entry"] for r in rows if r["entry"]]
    gone = Mark.objects.filter(entry__number__in=named, facet__in=[f.value for f in ENDED], lifted_at__isnull=True)
    return tuple(sorted(set(gone.values_list("entry__number", flat=True))))


def encumbrances(entry_id: int, *, live: bool = True) -> list[Encumbrance]:
    rows = Mark.objects.filter(entry_id=entry_id, facet=Facet.ENCUMBERED.value).order_by("pk")
    if live:
        rows = rows.filter(lifted_at__isnull=True)
    return [
        Encumbrance(m.pk, m.kind, m.beneficiary_id, m.detail, m.article, m.reason, m.placed_at, m.until, m.lifted_at)
        for m in rows
    ]


def _account(row: Account) -> AccountView:
    return AccountView(row.number, row.register, row.org_id, row.info, row.opened_on, row.changed_on, row.closed_on)


def accounts_of(org: int) -> list[AccountView]:
    """Every account the organisation has or had, newest first."""
    return [_account(row) for row in Account.objects.filter(org_id=org).order_by("-pk")]


def account_by_number(number: str) -> AccountView | None:
    row = Account.objects.filter(number=number).first()
    return _account(row) if row is not None else None


def parents_of(entry_id: int) -> list[ParentView]:
    rows = Lineage.objects.filter(entry_id=entry_id).select_related("parent").order_by("pk")
    return [
        ParentView(r.parent.number if r.parent else "", r.parent.title if r.parent else r.source, r.processing, r.contribution)
        for r in rows
    ]


def children_of(entry_id: int) -> list[tuple[str, str]]:
    """(number, title) of what was made from it."""
    rows = Lineage.objects.filter(parent_id=entry_id).select_related("entry").order_by("pk")
    return [(r.entry.number, r.entry.title) for r in rows]


def links_of(entry_id: int) -> list[tuple[str, str, str]]:
    """(kind, number, title) of every entry linked with it."""
    left = Link.objects.filter(left_id=entry_id).select_related("right").order_by("pk")
    right = Link.objects.filter(right_id=entry_id).select_related("left").order_by("pk")
    return [(r.kind, r.right.number, r.right.title) for r in left] + [(r.kind, r.left.number, r.left.title) for r in right]


def certificates_of(entry_id: int) -> list[tuple[str, str, date]]:
    """(number, kind, last day) of every certificate ever issued about it, newest first."""
    rows = Certificate.objects.filter(version__entry_id=entry_id).order_by("-pk")
    return list(rows.values_list("number", "kind", "valid_until"))


def account_number(register: str, org: int) -> str:
    """The live account's number; empty without one."""
    found = Account.objects.filter(register=register, org_id=org, closed_on__isnull=True).first()
    return found.number if found is not None else ""
