"""Pages for those who filed and who object: see and revise an application, have a refusal looked at again, object."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.text import Text
from shugu.party.access import require, require_org
from shugu.registry import judicial, move_paper, queries, queries_notices, queries_search, recognitions, services
from shugu.registry.appeals import may_appeal
from shugu.registry.forms import (
    AppealForm,
    answers,
    application_form,
    initial_answers,
    objection_form,
    query_document_form,
)
from shugu.registry.judicial import DocumentNeeded
from shugu.registry.models import Filing
from shugu.registry.shown import filing_record, notice_record, particulars
from shugu.registry.views_apply import TWINS, beside
from shugu.web import downloads, language
from shugu.web.forms import add_refusal
from shugu.web.shapes import Link

LEAD = Text(
    "本登记簿的非公开材料凭司法等法律文件查询。文件登记后，当日可以查询这一件。",
    "What is not public in this register is looked at on a judicial or other document. Once handed in, it opens this one "
    "application for the day.",
)


@require_GET
def filing(request: HttpRequest, number: str) -> HttpResponse:
    """An application with its answers; the look itself is recorded."""
    actor, now = require(request), clock.now()
    try:
        row = services.look_at_filing(services.LookAtFiling(number), actor=actor, now=now)
    except DocumentNeeded:
        return redirect("registry:query_document", number)
    shown = queries.filing_view(row)
    may_revise = shown.applicant == actor.org and shown.state in ("draft", "correction")
    return render(
        request,
        "registry/filing.html",
        {"recognition": row.recognition, "waived": recognitions.waived_rows(row, now),
         "filing": shown, "record": filing_record(shown, now), "may_revise": may_revise,
         "transfer": bool(move_paper.signed(row)),
         "twins": [(number, TWINS[why]) for number, why in queries_search.repeated_by(row)], "may_appeal": may_appeal(row, actor),
         "rows": particulars(shown.register, shown.object_kind, shown.form, shown.operation)},
    )  # fmt: skip


def _transfer(request: HttpRequest, number: str) -> Filing:
    """A move, for whoever may look at its application; the look is recorded. Errors: NotFound, DocumentNeeded."""
    return services.look_at_filing(services.LookAtFiling(number), actor=require(request), now=clock.now())


@require_GET
def transfer_json(request: HttpRequest, number: str) -> HttpResponse:
    """What this venue signed about the move, as signed."""
    return downloads.inline(move_paper.credential(_transfer(request, number)), downloads.JSON, f"{number}.json")


@require_GET
def transfer_pdf(request: HttpRequest, number: str) -> HttpResponse:
    row = _transfer(request, number)
    content = move_paper.move_pdf(row, language.current(), now=clock.now(), actor=require(request))
    return downloads.inline(content, downloads.PDF, f"{number}.pdf")


@require_http_methods(["GET", "POST"])
def query_document(request: HttpRequest, number: str) -> HttpResponse:
    """The document that entitles to a look, before the look."""
    actor, now = require(request), clock.now()
    shown = queries.filing(number, actor)
    fields = judicial.document_fields(shown.register)
    form = query_document_form(fields)(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        answers = {f.id: given[f.id] for f in fields if not f.is_copy}
        files = [(f.id, given[f.id]) for f in fields if f.is_copy]
        copies = tuple(services.Upload(name, file.name, file.content_type or "", file.read()) for name, file in files)
        cmd = services.HandInDocument(shown.number, answers, copies)
        try:
            services.hand_in_document(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("registry:filing", shown.number)
    page = {
        "form": form, "title": Text("登记查询文件", "The document you look on"), "lead": LEAD,
        "crumb": Link(shown.number, reverse("web:case", args=[shown.case_number])),
        "submit": Text("登记并查询", "Hand in and look"),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def appeal(request: HttpRequest, number: str) -> HttpResponse:
    """To have a refusal looked at again."""
    actor, now = require_org(request), clock.now()
    shown = queries.filing(number, actor)
    form = AppealForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cmd = services.FileAppeal(shown.number, form.cleaned_data["statement"])
        try:
            row = services.file_appeal(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("web:case", row.case.number)
    page = {
        "form": form, "title": Text("申请复核", "Ask for reconsideration"), "lead": shown.reason,
        "crumb": Link(shown.number, reverse("registry:filing", args=[shown.number])), "submit": Text("提交", "Submit"),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def revise(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = require_org(request), clock.now()
    shown = queries.filing(number, actor)
    initial = {"title": shown.title, "rights": shown.rights, **initial_answers(shown)}
    make = application_form(shown.register, shown.object_kind, shown.operation, revising=True)
    form = make(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        rights = tuple(given["rights"]) if "rights" in given else shown.rights
        cmd = services.ReviseFiling(shown.id, given.get("title") or shown.title, rights, answers(given))
        try:
            services.revise_filing(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            beside(form, refusal)
        else:
            return redirect("registry:filing", shown.number)
    page = {
        "form": form, "title": Text("修改申请", "Revise the application"), "submit": Text("保存", "Save"),
        "lead": "；".join(shown.defects), "crumb": Link(shown.number, reverse("registry:filing", args=[shown.number])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def notice(request: HttpRequest, number: str) -> HttpResponse:
    """The public notice of a filing, with the form to object while it runs."""
    now = clock.now()
    shown = queries_notices.notice(number, now)
    form = objection_form(shown.register)(request.POST or None)
    if request.method == "POST":
        actor = require(request)
        if form.is_valid():
            given = form.cleaned_data
            cmd = services.FileObjection(given["ground"], given["statement"], filing_number=shown.number)
            try:
                row = services.file_objection(cmd, actor=actor, now=now, key=str(form.idempotency_key))
            except ShuguError as refusal:
                add_refusal(form, refusal)
            else:
                messages.success(request, str(Text("异议已提出。", "The objection is filed.")))
                return redirect("web:case", row.case.number)
    page = {
        "notice": shown, "form": form, "record": notice_record(shown, now),
        "rows": particulars(shown.register, shown.object_kind, shown.form),
        "signed_in": getattr(request, "actor", None) is not None,
    }  # fmt: skip
    return render(request, "registry/notice.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def object_to_entry(request: HttpRequest, number: str) -> HttpResponse:
    """Objection registration, where the register has a procedure for it."""
    actor, now = require(request), clock.now()
    shown = queries.entry_by_number(number)
    services.open_register(shown.register, "objection")
    form = objection_form(shown.register)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.FileObjection(given["ground"], given["statement"], entry_number=shown.number)
        try:
            row = services.file_objection(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("web:case", row.case.number)
    page = {
        "form": form, "title": Text("异议登记", "Objection registration"), "lead": shown.title,
        "crumb": Link(shown.number, reverse("registry:entry", args=[shown.number])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)
