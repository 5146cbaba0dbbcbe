"""The account book of a holder: its account, what it holds, what it applied for. Not public: a look is recorded."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from shugu.kernel import clock
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party.access import require, require_org
from shugu.registry import queries, queries_book, retention, services
from shugu.registry.queries import EntryView, FilingView
from shugu.registry.shown import FACET_TONES, filing_state, operation_title, register_title, retention_line, rights_text
from shugu.web.shapes import Chip, Empty, Link
from shugu.web.tables import Column, Kind, Table, make_table


def _entries(request: HttpRequest, rows: list[EntryView]) -> Table:
    columns = (
        Column("number", Text("登记编号", "Number"), kind=Kind.CODE, href=lambda e: reverse("registry:entry", args=[e.number])),
        Column("register", Text("登记簿", "Register"), lambda e: register_title(e.register)),
        Column("title", Text("名称", "Title")),
        Column("rights", Text("权利", "Rights"), lambda e: rights_text(e.register, e.rights)),
        Column("state", Text("状态", "State"), lambda e: Chip(e.lines[0].title, FACET_TONES[e.lines[0].facet]), Kind.CHIP),
        Column("until", Text("有效期至", "Valid until"), "valid_until", Kind.DAY),
    )
    way = Link(Text("申请登记", "Apply for registration"), reverse("registry:choose"))
    return make_table(
        request, id="entries", caption=Text("持有的登记", "Entries held"), columns=columns, rows=rows,
        empty=Empty(Text("还没有登记条目。", "No entries yet."), way),
    )  # fmt: skip


def _filings(request: HttpRequest, rows: list[FilingView]) -> Table:
    columns = (
        Column("number", Text("申请编号", "Filing"), kind=Kind.CODE, href=lambda f: reverse("registry:filing", args=[f.number])),
        Column("register", Text("登记簿", "Register"), lambda f: register_title(f.register)),
        Column("operation", Text("事项", "Operation"), lambda f: operation_title(f.register, f.operation)),
        Column("title", Text("名称", "Title")),
        Column("state", Text("状态", "State"), filing_state, Kind.CHIP),
        Column("filed", Text("申请日", "Filed"), "filed_at", Kind.MOMENT),
    )
    return make_table(
        request, id="filings", caption=Text("登记申请", "Applications"), columns=columns, rows=rows,
        empty=Empty(Text("还没有登记申请。", "No applications yet.")),
    )  # fmt: skip


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """What the organisation holds, applied for, and its accounts."""
    actor = require_org(request)
    assert actor.org is not None
    page = {
        "entries": _entries(request, queries.entries_of(actor.org, local_day(clock.now()))),
        "filings": _filings(request, queries.filings_of(actor.org)), "accounts": queries_book.accounts_of(actor.org),
    }  # fmt: skip
    return render(request, "registry/mine.html", page)


@require_GET
def account(request: HttpRequest, number: str) -> HttpResponse:
    """The account book of one holder in one register, for itself and the venue's staff."""
    actor, now = require(request), clock.now()
    found = services.look_at_account(services.LookAtAccount(number), actor=actor, now=now)
    held = [e for e in queries.entries_of(found.org_id, local_day(now)) if e.register == found.register]
    page = {
        "account": found, "holder": queries.holder_names((queries.HolderShare(found.org_id, 1),)),
        "register": register_title(found.register), "entries": _entries(request, held),
        "kept": retention_line(retention.of_account(found)),
        "marks": [(e, one) for e in held for one in queries_book.encumbrances(e.id)],
    }  # fmt: skip
    return render(request, "registry/account.html", page)
