"""Pages for those who file and object: choose a register, apply, see and revise an application, object."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.party.access import require, require_org
from shugu.registry import applications, queries, queries_notices, services
from shugu.registry.forms import answers, application_form, holders_named, objection_form, organisation_named
from shugu.registry.shown import filing_record, notice_record, particulars
from shugu.web.forms import add_refusal
from shugu.web.shapes import Link


@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """One window: every register of the venue, the open ones with a way in."""
    return render(request, "registry/choose.html", {"registers": queries.registers()})


@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest, register: str) -> HttpResponse:
    actor = require_org(request)
    assert actor.org is not None
    if register not in {r["id"] for r in queries.registers()}:
        raise NotFound(what=(f"登记簿 {register}", f"register {register}"))
    kinds = applications.object_kinds(register)
    asked = request.GET.get("object", "data_product")
    object_kind = asked if asked in kinds else next(iter(kinds))
    form = application_form(register, object_kind)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data
            reviewer = organisation_named(given["reviewer"], "reviewer") if given.get("reviewer") else None
            cmd = services.SubmitFiling(
                register, actor.org, given["title"], object_kind, tuple(given["rights"]), answers(given),
                holders_named(given["holders"]), reviewer,
            )  # fmt: skip
            row = services.submit_filing(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            _beside(form, refusal)
        else:
            told = Text("申请已建立，请上传材料后提交。", "Application opened; file the materials, then submit.")
            messages.success(request, str(told))
            return redirect("web:case", row.case.number)
    title = Text(*applications.register_named(register).title)
    shown = {
        "form": form, "title": Text(f"首次登记申请 · {title.zh}", f"First registration · {title.en}"),
        "kinds": [(code, words, code == object_kind) for code, words in kinds.items()],
        "crumb": Link(Text("选择登记事项", "Registers"), reverse("registry:choose")),
        "submit": Text("建立申请，下一步上传材料", "Open the application; materials come next"),
    }  # fmt: skip
    return render(request, "registry/apply.html", shown, status=422 if form.errors else 200)


def _beside(form: object, refusal: ShuguError) -> None:
    """The commands' field names are the form's, with another prefix for the rule file's questions."""
    told = {n.replace("form.", "form_").replace("reviewer_org", "reviewer"): t for n, t in refusal.field_errors.items()}
    refusal.field_errors = told
    add_refusal(form, refusal)  # type: ignore[arg-type]


@require_GET
def filing(request: HttpRequest, number: str) -> HttpResponse:
    """An application with its answers; the look itself is recorded."""
    actor, now = require(request), clock.now()
    row = services.look_at_filing(services.LookAtFiling(number), actor=actor, now=now)
    shown = queries.filing_view(row)
    may_revise = shown.applicant == actor.org and shown.state in ("draft", "correction")
    return render(
        request,
        "registry/filing.html",
        {"filing": shown, "record": filing_record(shown, now), "rows": particulars(shown.register, shown.object_kind, shown.form),
         "may_revise": may_revise},
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def revise(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = require_org(request), clock.now()
    shown = queries.filing(number, actor)
    initial = {"title": shown.title, "rights": shown.rights, **{f"form_{k}": v for k, v in shown.form.items()}}
    form = application_form(shown.register, shown.object_kind, revising=True)(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.ReviseFiling(shown.id, given["title"], tuple(given["rights"]), answers(given))
        try:
            services.revise_filing(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            _beside(form, refusal)
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
