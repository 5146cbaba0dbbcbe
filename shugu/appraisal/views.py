"""Pages of appraisal: a quality report for everybody, assignments for their two sides."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.appraisal import compliance_paper, forms, queries, services
from shugu.appraisal.domain import BASIS_POINTS, COMPLIANCE
from shugu.formats.canonical import parse_object
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, documents
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.tables import table as procedure
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import access
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web import case_shapes, downloads, language
from shugu.web.charts import Mark, Radar
from shugu.web.forms import add_refusal
from shugu.web.from_kernel import acts_of, clock_of
from shugu.web.shapes import Chip, Empty, Link, Record, Tone
from shugu.web.tables import Column, Kind, make_table

NOT_ASSESSABLE = Text("不可评价", "not assessable")
LARGEST_REPORT = 8 * 1024 * 1024


def radar_of(view: queries.QualityView) -> Radar:
    """The six dimensions as a chart; what could not be assessed is drawn as missing."""
    marks = tuple(
        Mark(d.title, None if d.score is None else d.score / BASIS_POINTS, percent(d.score)) for d in view.dimensions
    )
    return Radar(Text("六个维度的得分", "Scores of the six dimensions"), marks)


def percent(score: int | None) -> Text | str:
    return NOT_ASSESSABLE if score is None else f"{score // 100}.{score % 100:02d}%"


@require_GET
def quality(request: HttpRequest, number: str) -> HttpResponse:
    view, now = queries.quality(number), clock.now()
    entry = registry.entry(view.entry_id, local_day(now))
    valid = view.valid_until >= local_day(now)
    record = Record(
        name=Text(f"质量评价报告 · {entry.title}", f"Quality report · {entry.title}"), number=view.number,
        kind=Text("GB/T 36344 数据质量评价", "Data quality, GB/T 36344"),
        state=Chip(Text("有效", "in force"), Tone.GOOD) if valid else Chip(Text("已过有效期", "expired"), Tone.BAD),
        holder=parties.org_names([view.org], language.current())[view.org],
        dates=(
            (Text("测评时间", "Measured"), view.measured_at), (Text("接收时间", "Taken"), view.taken_at),
            (Text("有效至", "Valid until"), view.valid_until),
        ),
        subject=str(view.fact),
    )  # fmt: skip
    context = {
        "record": record, "view": view, "entry": entry, "radar": radar_of(view), "overall": percent(view.score),
        "dimensions": [(d, percent(d.score)) for d in view.dimensions], "report": view.report, "lang": language.current(),
    }  # fmt: skip
    return render(request, "appraisal/quality.html", context)


@require_GET
def quality_json(request: HttpRequest, number: str) -> HttpResponse:
    """The venue's credential, the connector's signed document and the report in one object."""
    found = {"credential": queries.quality_credential(number), "document": queries.connector_document(number)}
    return JsonResponse(found, json_dumps_params={"ensure_ascii": False})


@require_GET
def quality_pdf(request: HttpRequest, number: str) -> HttpResponse:
    content = queries.quality_pdf(number, language.current(), now=clock.now(), actor=getattr(request, "actor", None))
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{number}.pdf"'
    return response


def _my_entries(actor: Actor) -> list[tuple[str, str]]:
    assert actor.org is not None
    return [(e.number, f"{e.number} · {e.title}") for e in registry.entries_of(actor.org)]


@require_http_methods(["GET", "POST"])
def take(request: HttpRequest) -> HttpResponse:
    """A provider hands in the report its connector signed."""
    actor = access.require_org(request)
    form = forms.TakeForm(request.POST or None, request.FILES or None, entries=_my_entries(actor), initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            upload = form.cleaned_data["document"]
            if upload.size > LARGEST_REPORT:
                fault = ("文件过大", "the file is too large")
                raise InputInvalid(fields="document", field_errors={"document": fault})
            entry = registry.entry_by_number(form.cleaned_data["entry"])
            cmd = services.TakeQualityReport(entry.id, parse_object(upload.read()))
            taken = services.take_quality_report(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
            return redirect("appraisal:quality", taken.number)
        except ShuguError as error:
            add_refusal(form, error)
    title = Text("提交质量报告", "Hand in a quality report")
    lead = Text(
        "质量在数据所在处测评，原始数据不离开本单位；交易所核对连接器签名后再签发。",
        "Quality is measured where the data is; the venue checks the connector's signature, then signs.",
    )
    return render(request, "web/form.html", {"form": form, "title": title, "lead": lead}, status=_status(form))


def _status(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


@require_GET
def assignments(request: HttpRequest) -> HttpResponseBase:
    actor = access.require(request)
    rows, _ = queries.assignments(actor, limit=200)
    tab = procedure("appraisal.assignment")
    names = parties.org_names({r.holder for r in rows} | {r.body for r in rows}, language.current())
    columns = (
        Column("title", Text("登记", "Entry"), "entry_title", href=lambda r: reverse("appraisal:assignment", args=[r.number])),
        Column("state", Text("状态", "State"), lambda r: case_shapes.state_chip(tab, r.state), Kind.CHIP),
        Column("holder", Text("委托单位", "Ordered by"), lambda r: names.get(r.holder, "")),
        Column("body", Text("评估机构", "Third-party body"), lambda r: names.get(r.body, "")),
        Column("ordered", Text("委托时间", "Ordered"), "ordered_at", Kind.MOMENT, order="x"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )
    empty = Empty(
        Text("还没有评估委托。挂牌前需要一份合规评估报告。", "No assignment yet. A listing needs a compliance report."),
        Link(Text("委托合规评估", "Order a compliance evaluation"), reverse("appraisal:order")),
    )
    shown = make_table(
        request, id="assignments", caption=Text("评估委托", "Assignments"), columns=columns, rows=rows, empty=empty
    )
    return shown.csv_response() if shown.wants_csv else render(request, "appraisal/assignments.html", {"table": shown})


@require_http_methods(["GET", "POST"])
def order(request: HttpRequest) -> HttpResponse:
    actor, now = access.require_org(request), clock.now()
    bodies = [(b.number, b.name) for b in queries.bodies(COMPLIANCE, local_day(now)) if b.id != actor.org]
    form = forms.OrderForm(request.POST or None, entries=_my_entries(actor), bodies=bodies, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            entry = registry.entry_by_number(form.cleaned_data["entry"])
            body = parties.organisation_by_number(form.cleaned_data["body"])
            cmd = services.OrderCompliance(entry.id, body.id, form.cleaned_data["scope"])
            made = services.order_compliance(cmd, actor=actor, now=now, key=str(form.idempotency_key))
            return redirect("appraisal:assignment", made.number)
        except ShuguError as error:
            add_refusal(form, error)
    context = {"form": form, "title": Text("委托合规评估", "Order a compliance evaluation")}
    return render(request, "web/form.html", context, status=_status(form))


@require_GET
def assignment(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = access.require(request), clock.now()
    view = queries.assignment(number, actor)
    tab = procedure("appraisal.assignment")
    running = cases.clocks(view.case, now)
    names = parties.org_names([view.holder, view.body], language.current())
    choices = cases.acts(view.case, actor, now)

    def url(do: str) -> str:
        return reverse("appraisal:report", args=[number]) if do == "file" else reverse("web:case_act", args=[number, do])

    record = Record(
        name=Text(f"合规评估 · {view.entry_title}", f"Compliance evaluation · {view.entry_title}"), number=view.number,
        kind=tab.title, state=case_shapes.state_chip(tab, view.state), holder=names[view.holder],
        dates=((Text("委托时间", "Ordered"), view.ordered_at),), clock=clock_of(running[0]) if running else None,
        acts=acts_of([c for c in choices if c.do != "file"], url, danger=("cancel", "decline", "give_back")),
    )  # fmt: skip
    title = next((t for c, t in _conclusions() if view.report and c == view.report.conclusion), None)
    context = {
        "record": record, "view": view, "body": names[view.body], "conclusion": title,
        "may_file": any(c.do == "file" for c in choices),
    }  # fmt: skip
    return render(request, "appraisal/assignment.html", context)


def _conclusions() -> list[tuple[str, Text]]:
    return [(str(r["code"]), Text(str(r["zh"]), str(r["en"]))) for r in queries.conclusion_table()]


@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, number: str) -> HttpResponse:
    """The body files its signed report."""
    actor = access.require_org(request)
    view = queries.assignment(number, actor)
    form = forms.ReportForm(request.POST or None, request.FILES or None, conclusions=_conclusions())
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.FileComplianceReport(
            view.case, given["conclusion"], given["summary"], tuple(given["signers"].splitlines()), given["report"].name,
            given["report"].read(),
        )  # fmt: skip
        try:
            services.file_compliance_report(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
            return redirect("appraisal:assignment", number)
        except ShuguError as error:
            error.field_errors = {form.FIELD_OF.get(k, k): v for k, v in error.field_errors.items()}
            add_refusal(form, error)
    title = Text("提交合规评估报告", "File the compliance report")
    return render(request, "web/form.html", {"form": form, "title": title}, status=_status(form))


@require_GET
def report_pdf(request: HttpRequest, number: str) -> HttpResponse:
    view = queries.assignment(number, access.require(request))
    if view.report is None:
        raise NotFound(what=("评估报告", "compliance report"))
    response = HttpResponse(documents.get(view.report.digest), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{view.report.number}.pdf"'
    return response


@require_GET
def certificate_json(request: HttpRequest, number: str) -> HttpResponse:
    """The venue's credential over the report, byte for byte as signed."""
    content, _ = compliance_paper.credential_of(queries.assignment(number, access.require(request)))
    return downloads.inline(content, downloads.JSON, f"{number}.json")


@require_GET
def certificate_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The same on paper; the body's own report is `report_pdf`."""
    actor = access.require(request)
    view = queries.assignment(number, actor)
    content = compliance_paper.certificate_pdf(view, language.current(), now=clock.now(), actor=actor)
    return downloads.inline(content, downloads.PDF, f"{number}.pdf")
