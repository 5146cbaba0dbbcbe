"""Reports due to authorities: which, about what, by when; each figure opens the records it counts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.registry import figures, report_paper, reporting
from shugu.registry.forms import SendForm
from shugu.registry.models import RegisterReport
from shugu.registry.reporting import READERS, SendReport
from shugu.registry.shown import register_title
from shugu.web import downloads, language
from shugu.web.forms import add_refusal
from shugu.web.from_kernel import clock_of
from shugu.web.shapes import Empty
from shugu.web.tables import Column, Kind, make_table


def _href(row: RegisterReport) -> str:
    return reverse("registry:report", args=[row.number])


@require_GET
def reports(request: HttpRequest) -> HttpResponseBase:
    actor = require(request)
    if not actor.seats & READERS:
        raise Forbidden()
    columns = (
        Column("number", Text("编号", "Number"), kind=Kind.CODE, href=_href),
        Column("title", Text("报告", "Report"), lambda r: r.case.title),
        Column("register", Text("登记簿", "Register"), lambda r: register_title(r.register)),
        Column("period", Text("期末", "Period ends"), "last_day", Kind.DAY),
        Column("state", Text("状态", "State"), lambda r: _state(r)),
    )
    shown = make_table(
        request, id="reports", caption=Text("登记报告", "Reports of the registers"), columns=columns, rows=reporting.reports(),
        empty=Empty(Text("没有到期的报告。", "No report is due.")),
    )  # fmt: skip
    return shown.csv_response() if shown.wants_csv else render(request, "registry/reports.html", {"table": shown})


def _state(row: RegisterReport) -> Text:
    tab, view = cases.view_of(row.pk)
    return tab.state[view.state].title


@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, number: str) -> HttpResponse:
    """One report with its figures; the registrar records here that it was sent."""
    actor, now = require(request), clock.now()
    row = reporting.report(number, actor)
    form = SendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cmd = SendReport(number, form.cleaned_data["note"])
            reporting.send_report(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("registry:report", number)
    clocks = cases.clocks(row.pk, now)
    page: dict[str, Any] = {
        "report": row, "register": register_title(row.register), "state": _state(row),
        "clock": clock_of(clocks[0]) if clocks else None, "case": row.case.number,
        "figures": [(f, Text(f["zh"], f["en"])) for f in row.figures],
        "form": form if reporting.is_open(row) and "registrar" in actor.seats else None,
    }  # fmt: skip
    return render(request, "registry/report.html", page, status=422 if form.errors else 200)


@require_GET
def report_json(request: HttpRequest, number: str) -> HttpResponse:
    """The credential, byte for byte as signed."""
    return downloads.inline(report_paper.content(reporting.report(number, require(request))), downloads.JSON, f"{number}.json")


@require_GET
def report_pdf(request: HttpRequest, number: str) -> HttpResponse:
    actor = require(request)
    content = report_paper.report_pdf(reporting.report(number, actor), language.current(), now=clock.now(), actor=actor)
    return downloads.inline(content, downloads.PDF, f"{number}.pdf")


@require_GET
def figure(request: HttpRequest, number: str, code: str) -> HttpResponseBase:
    """The records behind one figure, as the book has them now."""
    row = reporting.report(number, require(request))
    name, _, kind = code.partition(":")
    if name not in figures.FIGURES:
        raise NotFound(what=(f"指标 {code}", f"figure {code}"))
    found = figures.records(name, figures.Span(row.register, row.first_day, row.last_day))
    if kind:
        found = found.filter(object_kind=kind)
    columns = (
        Column("number", Text("编号", "Number"), kind=Kind.CODE),
        Column("title", Text("名称", "Title"), lambda one: getattr(one, "title", "")),
    )
    shown = make_table(
        request, id="records", caption=figures.FIGURES[name][0], columns=columns, rows=found.order_by("pk"),
        empty=Empty(Text("没有记录。", "No records.")),
    )  # fmt: skip
    return shown.csv_response() if shown.wants_csv else render(request, "registry/reports.html", {"table": shown})
