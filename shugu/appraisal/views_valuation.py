"""Pages of valuation: orders for their two parties and the venue, the guided report, the report's page for everybody."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.appraisal import forms_valuation as forms
from shugu.appraisal import queries, queries_valuation, services
from shugu.appraisal import standing_valuation as standing
from shugu.appraisal.domain_valuation import MATERIAL, VALUATION, calculation_faults
from shugu.appraisal.services_valuation_after import withdraws_as
from shugu.appraisal.trying import completed, tried
from shugu.appraisal.views import _my_entries, _status
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, documents
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.tables import table as procedure
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import access
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web import case_shapes, language
from shugu.web.forms import add_refusal
from shugu.web.from_kernel import acts_of, clock_of
from shugu.web.shapes import Act, Chip, Empty, Link, Record, Tone
from shugu.web.tables import Column, Kind, make_table

ORDERS = Link(Text("价值评估", "Valuations"), "/valuations/")


@require_GET
def valuations(request: HttpRequest) -> HttpResponseBase:
    actor = access.require(request)
    rows, _ = queries.valuations(actor, limit=200)
    tab = procedure("appraisal.valuation")
    names = parties.org_names({r.holder for r in rows} | {r.body for r in rows}, language.current())
    columns = (
        Column("title", Text("登记", "Entry"), "entry_title", href=lambda r: reverse("appraisal:valuation", args=[r.number])),
        Column("state", Text("状态", "State"), lambda r: case_shapes.state_chip(tab, r.state), Kind.CHIP),
        Column("purpose", Text("目的", "Purpose"), "purpose_title"),
        Column("base", Text("基准日", "Base date"), "base_date", Kind.DAY),
        Column("holder", Text("委托单位", "Ordered by"), lambda r: names.get(r.holder, "")),
        Column("body", Text("评估机构", "Valuing body"), lambda r: names.get(r.body, "")),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )
    empty = Empty(
        Text("还没有价值评估委托。", "No valuation has been ordered yet."),
        Link(Text("委托价值评估", "Order a valuation"), reverse("appraisal:order_valuation")),
    )
    shown = make_table(
        request, id="valuations", caption=Text("价值评估委托", "Orders of valuations"), columns=columns, rows=rows, empty=empty
    )
    return shown.csv_response() if shown.wants_csv else render(request, "appraisal/valuations.html", {"table": shown})


@require_http_methods(["GET", "POST"])
def order(request: HttpRequest) -> HttpResponse:
    """The basic matters of a valuation; the entry comes first, for its register decides the codes."""
    actor, now = access.require_org(request), clock.now()
    entries = _my_entries(actor)
    asked = (request.POST or request.GET).get("entry", "")
    chosen = next((number for number, _ in entries if number == asked), entries[0][0] if entries else "")
    if not chosen:
        return redirect("appraisal:valuations")
    entry = registry.entry_by_number(chosen)
    bodies = [(b.number, b.name) for b in queries.bodies(VALUATION, local_day(now)) if b.id != actor.org]
    titles = registry.rights_of(entry.register)
    # Of another entry of the list the service says whether it has the right.
    rights = {right: titles.get(right, Text(right, right)) for right in entry.rights}
    form = forms.OrderValuationForm(
        request.POST or None, entries=entries, bodies=bodies, rights=rights, known=queries_valuation.tables(entry.register),
        initial={"entry": chosen, "rights": list(rights), "base_date": local_day(now), **request.GET.dict()},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            body = parties.organisation_by_number(given["body"])
            cmd = services.OrderValuation(
                entry.id, body.id, given["purpose"], given["value_type"], given["base_date"], tuple(given["rights"]),
                given["scenario"], given["scope"], given["users"],
            )  # fmt: skip
            made = services.order_valuation(cmd, actor=actor, now=now, key=str(form.idempotency_key))
            return redirect("appraisal:valuation", made.number)
        except ShuguError as error:
            error.field_errors = {{"body_org": "body"}.get(k, k): v for k, v in error.field_errors.items()}
            add_refusal(form, error)
    lead = Text(
        "选定的机构独立评估；委托时不填期望的价值，评估结论也不得以预设价值作出。",
        "The body judges independently. No wished-for value is asked for, and none may become the conclusion.",
    )
    context = {"form": form, "title": Text("委托价值评估", "Order a valuation"), "lead": lead, "crumb": ORDERS}
    return render(request, "web/form.html", context, status=_status(form))


@require_GET
def valuation(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = access.require(request), clock.now()
    view = queries.valuation(number, actor)
    tab = procedure("appraisal.valuation")
    running = cases.clocks(view.case, now)
    names = parties.org_names([view.holder, view.body], language.current())
    choices = cases.acts(view.case, actor, now)

    def url(do: str) -> str:
        return reverse("web:case_act", args=[number, do])

    record = Record(
        name=Text(f"价值评估 · {view.entry_title}", f"Valuation · {view.entry_title}"), number=view.number, kind=tab.title,
        state=case_shapes.state_chip(tab, view.state), holder=names[view.holder],
        dates=((Text("委托时间", "Ordered"), view.ordered_at), (Text("评估基准日", "Base date"), view.base_date)),
        clock=clock_of(running[0]) if running else None,
        acts=acts_of([c for c in choices if c.do != "file"], url, danger=("cancel", "decline", "give_back")),
    )  # fmt: skip
    known = queries_valuation.tables(view.register)
    context = {
        "record": record, "view": view, "body": names[view.body], "may_file": any(c.do == "file" for c in choices),
        "worked": tried(view.report.calculation, known) if view.report else None,
        "parts": queries_valuation.parts_in_order(view.report.parts, known) if view.report else (),
    }  # fmt: skip
    return render(request, "appraisal/valuation.html", context)


@require_http_methods(["GET", "POST"])
def file_report(request: HttpRequest, number: str) -> HttpResponse:
    """First the methods, then their inputs, the conclusion and the signed file; working it out files nothing."""
    actor = access.require_org(request)
    view = queries.valuation(number, actor)
    if actor.org != view.body:
        raise Forbidden()
    known = queries_valuation.tables(view.register)
    methods = [name for name in known.methods if name in request.GET.getlist("methods")]
    if not methods:
        return _choose_methods(request, view.number, known)
    trial = request.POST.get("act") == "try"
    law, today = services.todays_law(view.register), local_day(clock.now())
    form = forms.ValuationReportForm(
        request.POST or None, request.FILES or None, known=known, methods=methods, trial=trial,
        qualities=[q.number for q in _qualities(view.entry_id)],
        least=int(law.value("appraisal.valuation_signers").number),
        latest=services.last_day(view.base_date, today, law).isoformat(),
    )  # fmt: skip
    worked = None
    if request.method == "POST" and form.is_valid():
        calculation = form.calculation()
        worked = tried(calculation, known)
        if trial:
            for where, (zh, en) in calculation_faults(completed(calculation, worked), known).items():
                form.add_error(form.place_of(where), Text(zh, en).pick(language.current()))
        elif _file(request, view.case, form, calculation, actor):
            return redirect("appraisal:valuation", number)
    context = {
        "form": form, "worked": worked, "number": number,
        "formulas": [known.formulas[m] for m in methods if m in known.formulas],
    }  # fmt: skip
    return render(request, "appraisal/valuation_file.html", context, status=_status(form) if not trial else 200)


def _qualities(entry_id: int) -> list[queries.QualityView]:
    return queries.qualities_of(entry_id)[:20]


def _choose_methods(request: HttpRequest, number: str, known: Any) -> HttpResponse:
    form = forms.MethodsForm(request.POST or None, known=known)
    if request.method == "POST" and form.is_valid():
        chosen = "&".join(f"methods={name}" for name in form.cleaned_data["methods"])
        return redirect(f"{reverse('appraisal:valuation_file', args=[number])}?{chosen}")
    title = Text("提交价值评估报告：方法", "File the valuation report: methods")
    lead = Text(
        "先选报告采用的方法，下一步填写各方法的参数与结果。分析三种方法的适用性；只用一种的，说明理由。",
        "Choose the methods of the report; their inputs and results come next. Say why each applies or does not.",
    )
    context = {
        "form": form, "title": title, "lead": lead, "submit": Text("下一步", "Next"),
        "crumb": Link(Text("返回委托", "Back to the order"), reverse("appraisal:valuation", args=[number])),
    }  # fmt: skip
    return render(request, "web/form.html", context, status=_status(form))


def _file(request: HttpRequest, case: int, form: forms.ValuationReportForm, calculation: dict[str, Any], actor: Actor) -> bool:
    given = form.cleaned_data
    cmd = services.FileValuationReport(
        case, calculation, {code: given[f"part_{code}"] for code in form.known.parts}, tuple(given["signers"].splitlines()),
        given["independent"], given["report"].name, given["report"].read(), given["quality_report"], given["valid_until"],
    )  # fmt: skip
    try:
        services.file_valuation_report(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
    except ShuguError as error:
        error.field_errors = {form.place_of(k): v for k, v in error.field_errors.items()}
        add_refusal(form, error)
        return False
    return True


@require_GET
def body_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The file the body signed, for the order's parties and the venue."""
    view = queries.valuation(number, access.require(request))
    if view.report is None:
        raise NotFound(what=("价值评估报告", "valuation report"))
    response = HttpResponse(documents.get(view.report.digest), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{view.report.number}-{MATERIAL}.pdf"'
    return response


@require_GET
def report(request: HttpRequest, number: str) -> HttpResponse:
    """Anybody with the number learns that the report stands; what it says only who may read it, or all once disclosed."""
    actor, now = getattr(request, "actor", None), clock.now()
    found = queries.valuation_report(number)
    told = standing.find(number, local_day(now))
    whole = queries.may_read_value(found, actor)
    names = parties.org_names([found.order.body, found.order.holder], language.current())
    lines = told.lines if told is not None else ()
    mine = found.disclosed_at is None and actor is not None and actor.org == found.order.holder
    good = told is not None and "valid" in told.facets
    record = Record(
        name=Text(f"价值评估报告 · {found.order.entry_title}", f"Valuation report · {found.order.entry_title}"), number=number,
        kind=Text("数据资产价值评估", "Valuation of data assets"),
        state=Chip(lines[0].words if lines else Text("未知", "unknown"), Tone.GOOD if good else Tone.BAD),
        dates=(
            (Text("评估基准日", "Base date"), found.order.base_date), (Text("出具", "Delivered"), found.delivered_at),
            (Text("有效至", "Valid until"), found.valid_until),
        ),
        subject=str(found.fact), acts=(_disclosing(number),) if mine else (),
    )  # fmt: skip
    context = {
        "record": record, "found": found, "whole": whole, "body": names[found.order.body],
        "holder": names[found.order.holder], "tells": whole or found.disclosed_at is not None,
        "may_withdraw": found.withdrawn_at is None and bool(_withdraws(number, actor)),
    }  # fmt: skip
    return render(request, "appraisal/valuation_report.html", context)


def _disclosing(number: str) -> Act:
    return Act(
        "disclose", Text("公开评估结论", "disclose the value"), reverse("appraisal:disclose_valuation", args=[number]), "post",
        confirm=Text("公开后任何人可凭编号看到结论，不能收回。", "Everybody will read the value by the number, for good."),
    )  # fmt: skip


def _withdraws(number: str, actor: Actor | None) -> str:
    row = queries_valuation.report_row(number)
    return withdraws_as(row, actor)


@require_GET
def report_json(request: HttpRequest, number: str) -> HttpResponse:
    """The venue's credential and every method worked out again, for who may read the value."""
    actor = getattr(request, "actor", None)
    credential = queries.valuation_credential(number, actor)
    found = {"credential": credential, "worked": queries_valuation.worked_out(queries.valuation_report(number))}
    return JsonResponse(found, json_dumps_params={"ensure_ascii": False})


@require_GET
def report_pdf(request: HttpRequest, number: str) -> HttpResponse:
    actor = getattr(request, "actor", None)
    content = queries.valuation_pdf(number, language.current(), now=clock.now(), actor=actor)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{number}.pdf"'
    return response


@require_POST
def disclose(request: HttpRequest, number: str) -> HttpResponse:
    key = request.POST.get("key") or None
    services.disclose_valuation(
        services.DiscloseValuation(number), actor=access.require_org(request), now=clock.now(), key=key
    )
    return redirect("appraisal:valuation_report", number)


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    actor = access.require(request)
    role = _withdraws(number, actor)
    if not role:
        raise Forbidden()
    grounds = [row for row in standing.grounds() if row["by"] == role]
    form = forms.WithdrawValuationForm(request.POST or None, grounds=grounds)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            cmd = services.WithdrawValuation(number, given["ground"], given["reason"], given["document"])
            services.withdraw_valuation(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
            return redirect("appraisal:valuation_report", number)
        except ShuguError as error:
            add_refusal(form, error)
    context = {
        "form": form, "title": Text("撤销价值评估报告", "Withdraw the valuation report"), "submit": Text("撤销", "Withdraw"),
        "lead": Text("撤销后不可恢复；此前的报告也不因此恢复。", "For good; an older report does not come back either."),
        "crumb": Link(Text(number, number), reverse("appraisal:valuation_report", args=[number])),
    }  # fmt: skip
    return render(request, "web/form.html", context, status=_status(form))
