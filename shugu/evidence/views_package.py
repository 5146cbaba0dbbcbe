"""Pages of evidence packages: extract one from a case, see what was extracted, download and check it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from shugu.evidence import grounds, queries_package
from shugu.evidence.extracting import ExtractPackage, LegalDocument, extract_package
from shugu.evidence.forms_package import package_form
from shugu.evidence.models import Package
from shugu.formats.checks import Outcome
from shugu.formats.errors import ShuguError
from shugu.formats.package import read_zip, verify_package
from shugu.kernel import clock, own_documents
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.web.forms import add_refusal
from shugu.web.shapes import Chip, Empty, Link, Tone
from shugu.web.tables import Column, Kind, make_table

_CHIPS = {
    Outcome.OK: Chip(Text("成立", "holds"), Tone.GOOD),
    Outcome.FAILED: Chip(Text("不成立", "fails"), Tone.BAD),
    Outcome.SKIPPED: Chip(Text("待核", "not yet"), Tone.NEUTRAL),
}


def _ground_title(row: Package) -> Text:
    return next((g.title for g in grounds.grounds() if g.code == row.ground), Text(row.ground, row.ground))


@require_safe
def packages(request: HttpRequest) -> HttpResponseBase:
    """What was extracted: one's own, or all of them for those who oversee it."""
    actor = require(request)
    columns = (
        Column("number", Text("编号", "Number"), kind=Kind.CODE, href=lambda p: reverse("evidence:package", args=[p.number])),
        Column("ground", Text("依据", "Ground"), _ground_title),
        Column("cases", Text("办件", "Cases"), lambda p: "、".join(p.cases)),
        Column("facts", Text("事实", "Facts"), kind=Kind.NUMBER),
        Column("at", Text("提取时间", "Extracted"), "extracted_at", Kind.MOMENT),
    )
    shown = make_table(
        request, id="packages", caption=Text("证据包", "Evidence packages"), columns=columns,
        rows=queries_package.packages(actor),
        empty=Empty(Text("还没有证据包。在办件页的“证据包”处提取。", "None yet. Extract one from the page of a case.")),
    )  # fmt: skip
    if shown.wants_csv:
        return shown.csv_response()
    return render(request, "evidence/packages.html", {"table": shown})


def _case(number: str, actor: Actor) -> tuple[Case, tuple[grounds.Ground, ...]]:
    """Errors: NotFound, also for those who may not extract its evidence."""
    case = cases.case_by_number(number)
    usable = grounds.open_to(case, actor)
    if not usable:
        raise NotFound(what=(f"办件 {number}", f"case {number}"))
    return case, usable


@require_http_methods(["GET", "POST"])
def extract(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = require(request), clock.now()
    case, usable = _case(number, actor)
    related = [c for c in queries_package.related(case) if grounds.open_to(c, actor)]
    form = package_form(case, usable, related)(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = extract_package(_command(number, form.cleaned_data), actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("evidence:package", row.number)
    page = {
        "form": form, "title": Text("提取证据包", "Extract an evidence package"), "lead": case.title,
        "crumb": Link(number, reverse("web:case", args=[number])), "submit": Text("提取", "Extract"),
        "cancel_href": reverse("web:case", args=[number]),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


def _command(number: str, given: dict[str, Any]) -> ExtractPackage:
    copy = given.get("document_copy")
    told = any(given.get(name) for name in ("document_number", "document_organ")) or copy is not None
    document = None
    if told:
        document = LegalDocument(
            str(given.get("document_number") or ""), str(given.get("document_organ") or ""), copy.name if copy else "",
            (copy.content_type or "") if copy else "", copy.read() if copy else b"",
        )  # fmt: skip
    return ExtractPackage((number, *given.get("related", ())), str(given["ground"]), document)


@require_safe
def package(request: HttpRequest, number: str) -> HttpResponse:
    """The package, checked for this answer."""
    row = queries_package.package(number, require(request))
    sealed = queries_package.is_sealed(row)
    report = None
    if sealed:
        files = read_zip(queries_package.archive(row))
        report = verify_package(files, own_documents.pins(), clock.now(), own_documents.join)
    page = {
        "row": row, "ground": _ground_title(row), "sealed": sealed,
        "checks": [(f, _CHIPS[f.outcome]) for f in report.findings] if report else [],
    }  # fmt: skip
    return render(request, "evidence/package.html", page)


@require_safe
def package_zip(request: HttpRequest, number: str) -> HttpResponse:
    row = queries_package.package(number, require(request))
    response = HttpResponse(queries_package.archive(row), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{row.number}.zip"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def case_slot(request: HttpRequest, case: int) -> HttpResponse:
    """On the page of a case, for those who may extract its evidence."""
    actor: Actor | None = getattr(request, "actor", None)
    row = Case.objects.filter(pk=case).first()
    usable = row is not None and actor is not None and bool(grounds.open_to(row, actor))
    return render(request, "evidence/case_slot.html", {"case": row if usable else None})
