"""The regulator's pages. Every one that shows what is not public is recorded as a fact before it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from shugu.evidence import queries as evidence
from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel import queries as kernel
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.party.access import require
from shugu.supervision import asked, forms, queries, shown
from shugu.supervision.health import health as measure
from shugu.supervision.services import KPI_SEATS, SEATS
from shugu.web import case_shapes
from shugu.web.forms import FieldForm, add_refusal
from shugu.web.shapes import Seal, SealState
from shugu.web.tables import Column, Kind, make_table


def _watcher(request: HttpRequest) -> Actor:
    return require(request, tuple(SEATS))


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Targets against live records, and what stands still."""
    actor, now = require(request, tuple(KPI_SEATS)), clock.now()
    asked.record("kpi", {}, actor, now)
    found = queries.kpis(local_day(now))
    context = {
        "lines": [shown.kpi_line(k) for k in found], "watcher": bool(actor.seats & SEATS),
        "stuck": queries.stuck() if actor.seats & SEATS else (),
        "overdue": len(queries.overdue(now)) if actor.seats & SEATS else 0,
        "forks": sum(log.forks for log in evidence.witnessed()) if actor.seats & SEATS else 0,
    }  # fmt: skip
    return render(request, "supervision/home.html", context)


@require_GET
def kpi_rows(request: HttpRequest, code: str) -> HttpResponseBase:
    """The rows behind one figure."""
    actor, now = require(request, tuple(KPI_SEATS)), clock.now()
    asked.record("kpi_rows", {"code": code, **request.GET.dict()}, actor, now)
    columns, rows, more = shown.kpi_table(code, local_day(now), _page(request))
    title = shown.kpi_title(code)
    table = make_table(request, id="kpi-rows", caption=title, columns=columns, rows=rows, counted=False)
    if table.wants_csv:
        return table.csv_response()
    table = replace(table, searchable=False, previous_href="", next_href="", total=None)
    following = f"?from={_page(request) + 1}" if more else ""
    return render(request, "supervision/list.html", {"title": title, "table": table, "next_href": following})


def _page(request: HttpRequest) -> int:
    text = request.GET.get("from", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


@require_GET
def cases(request: HttpRequest) -> HttpResponse:
    actor, now = _watcher(request), clock.now()
    form = forms.CaseSearchForm(request.GET or None)
    asked.record("cases", request.GET.dict(), actor, now)
    given = _given(form)
    found, key = _found(form, lambda: queries.cases(asked.case_query(given, now), now))
    columns = (
        Column("number", Text("编号", "Number"), "number", Kind.CODE, href=shown.to("supervision:case", "number")),
        Column("title", Text("办件", "Case"), "title"),
        Column("procedure", Text("事项", "Procedure"), "procedure_title"),
        Column("state", Text("状态", "State"), shown.case_chip, Kind.CHIP),
        Column("opened", Text("立案", "Opened"), "opened_on", Kind.DAY),
        Column("closed", Text("办结", "Closed"), "closed_at", Kind.MOMENT),
    )
    return _search(request, Text("查办件", "Cases"), form, columns, found, key)


@require_GET
def facts(request: HttpRequest) -> HttpResponse:
    actor, now = _watcher(request), clock.now()
    form = forms.FactSearchForm(request.GET or None)
    asked.record("facts", request.GET.dict(), actor, now)
    given = _given(form)
    found, key = _found(form, lambda: queries.facts(asked.fact_query(given, now)))
    return _search(request, Text("查事实", "Facts"), form, shown.fact_columns(found), found, key)


def _given(form: FieldForm) -> Mapping[str, Any]:
    return form.cleaned_data if form.is_bound and form.is_valid() else {}


def _found(form: FieldForm, find: Any) -> tuple[list[Any], int | None]:
    """Nothing for a form with a mistake: showing everything would look like an answer to it."""
    if form.is_bound and form.errors:
        return [], None
    try:
        found: tuple[list[Any], int | None] = find()
    except ShuguError as refusal:
        add_refusal(form, refusal)
        return [], None
    return found


def _search(
    request: HttpRequest, title: Text, form: FieldForm, columns: Any, rows: list[Any], key: int | None
) -> HttpResponse:
    table = make_table(request, id="found", caption=title, columns=columns, rows=rows, counted=False)
    asked_for = {k: v for k, v in request.GET.dict().items() if v and k not in ("before", "lang", "page")}
    context = {
        "title": title, "form": form, "table": replace(table, searchable=False, csv_href="", previous_href="", next_href=""),
        "next_href": f"?{urlencode({**asked_for, 'before': str(key)})}" if key else "",
    }  # fmt: skip
    return render(request, "supervision/search.html", context, status=422 if form.is_bound and form.errors else 200)


@require_GET
def case(request: HttpRequest, number: str) -> HttpResponse:
    """Any case, to read: its facts with badges that are proved for this answer."""
    actor, now = _watcher(request), clock.now()
    row = kernel.case_by_number(number)
    asked.record("case", {"number": number}, actor, now)
    lines = kernel.timeline(row.pk)
    badges = evidence.badges(line.fact_id for line in lines)
    events = case_shapes.events_of(row, actor, now)
    sealed = [replace(e, seal=_seal(badges[line.fact_id])) for e, line in zip(events, lines, strict=False)]
    context = {
        "case": row, "record": replace(case_shapes.record_of(row, actor, now), acts=()),
        "events": [*sealed, *events[len(lines) :]], "clocks": case_shapes.clock_faces(row.pk, now),
        "parties": case_shapes.party_lines(row, actor), "materials": kernel.materials(row.pk),
        "acts_here": bool(kernel.acts(row.pk, actor, now)),
    }  # fmt: skip
    return render(request, "supervision/case.html", context)


def _seal(badge: evidence.Badge) -> Seal:
    url = reverse("evidence:fact", args=[badge.fact_id])
    return Seal(SealState(badge.state.value), url, badge.index, f"{url}proof/")


@require_GET
def numbers(request: HttpRequest) -> HttpResponse:
    """Entry, certificate, product, contract, voucher, organisation or case by its number."""
    actor, now = _watcher(request), clock.now()
    form = forms.NumberForm(request.GET if "number" in request.GET else None)
    given = _given(form)
    found = []
    if given:
        asked.record("number", {"number": given["number"]}, actor, now)
        found = queries.look_up_number(given["number"].strip(), actor, local_day(now))
    columns = (
        Column("kind", Text("种类", "Kind"), "kind"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE, href=lambda r: r.href),
        Column("name", Text("名称", "Name"), "name"),
    )
    return _search(request, Text("按编号查", "By number"), form, columns, found, None)


@require_GET
def overdue(request: HttpRequest) -> HttpResponseBase:
    actor, now = _watcher(request), clock.now()
    asked.record("overdue", request.GET.dict(), actor, now)
    columns = (
        Column("case", Text("办件", "Case"), "case", Kind.CODE, href=shown.to("supervision:case", "case")),
        Column("title", Text("名称", "Title"), "title", order="x"),
        Column("procedure", Text("事项", "Procedure"), "procedure_title", order="x"),
        Column("clock", Text("时限", "Clock"), "clock_title", order="x"),
        Column("due", Text("应于", "Was due"), "due_on", Kind.DAY, order="x"),
    )
    title = Text("逾期时限", "Overdue clocks")
    table = make_table(request, id="overdue", caption=title, columns=columns, rows=queries.overdue(now))
    if table.wants_csv:
        return table.csv_response()
    return render(request, "supervision/list.html", {"title": title, "table": table})


@require_GET
def looks(request: HttpRequest) -> HttpResponse:
    """What the supervisors asked, themselves included."""
    actor, now = _watcher(request), clock.now()
    asked.record("looks", request.GET.dict(), actor, now)
    before = request.GET.get("before", "")
    found, key = queries.looks(int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None)
    people = parties.person_names([r.person for r in found if r.person is not None])
    columns = (
        Column("at", Text("时间", "When"), "at", Kind.MOMENT),
        Column("who", Text("何人", "Who"), lambda r: people.get(r.person, "—")),
        Column("what", Text("查询", "What"), lambda r: shown.WHAT.get(r.what, Text(r.what, r.what))),
        Column("criteria", Text("条件摘要", "Digest of the criteria"), lambda r: r.criteria[:16], Kind.CODE),
        shown.seal_column(found, "fact"),
    )
    title = Text("监管查询留痕", "Supervisory queries")
    table = make_table(request, id="looks", caption=title, columns=columns, rows=found, counted=False)
    table = replace(table, searchable=False, csv_href="", previous_href="", next_href="")
    following = f"?before={key}" if key else ""
    return render(request, "supervision/list.html", {"title": title, "table": table, "next_href": following})


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """How the machinery does, for the operator; it shows nobody's business."""
    require(request, "operator")
    return render(request, "supervision/health.html", {"health": measure(clock.now())})
