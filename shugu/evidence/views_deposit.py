"""Pages of deposits: fix documents as evidence, the report and certificate, and whether a document is in a deposit."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from shugu.evidence import deposit_paper, queries_deposit
from shugu.evidence.depositing import DepositEvidence, deposit
from shugu.evidence.forms_deposit import CheckForm, DepositForm
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, documents
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.party.access import require, require_org
from shugu.web import language
from shugu.web.forms import add_refusal
from shugu.web.printing import printed
from shugu.web.shapes import Empty, Link
from shugu.web.tables import Column, Kind, make_table

PAPERS = {"report": deposit_paper.report_document, "certificate": deposit_paper.certificate_document}


@require_safe
def deposits(request: HttpRequest) -> HttpResponseBase:
    actor = require(request)
    columns = (
        Column("number", Text("存证号", "Number"), kind=Kind.CODE, href=lambda d: reverse("evidence:deposit", args=[d.number])),
        Column("title", Text("名称", "Title")),
        Column("items", Text("件数", "Documents"), lambda d: len(d.items), Kind.NUMBER),
        Column("at", Text("存证时间", "Deposited"), "deposited_at", Kind.MOMENT),
    )
    shown = make_table(
        request, id="deposits", caption=Text("存证", "Deposits of evidence"), columns=columns,
        rows=queries_deposit.deposits(actor),
        empty=Empty(
            Text("还没有存证。", "None yet."),
            Link(Text("去存证", "Deposit"), reverse("evidence:deposit_new")) if actor.org is not None else None,
        ),
    )  # fmt: skip
    if shown.wants_csv:
        return shown.csv_response()
    return render(request, "evidence/deposits.html", {"table": shown, "may": actor.org is not None})


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    actor = require_org(request)
    form = DepositForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = DepositEvidence(given["title"], given["description"], form.items(), bool(given["promise"]))
        try:
            row = deposit(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("evidence:deposit", row.number)
    page = {
        "form": form, "title": Text("存证", "Deposit evidence"), "submit": Text("存证", "Deposit"),
        "lead": Text(
            "把资料的摘要固定进本场所的透明日志，取得存证报告书和存证证书。",
            "The digests of your documents are fixed in the venue's transparency log; you get a report and a certificate.",
        ),
        "crumb": Link(Text("存证", "Deposits"), reverse("evidence:deposits")),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_safe
def one(request: HttpRequest, number: str) -> HttpResponse:
    row = queries_deposit.deposit(number, require(request))
    return render(request, "evidence/deposit.html", {"row": row})


@require_safe
def paper(request: HttpRequest, number: str, what: str, form: str) -> HttpResponse:
    """report or certificate, as .pdf or .json. Errors: NotFound."""
    row = queries_deposit.deposit(number, require(request))
    digest = {"report": row.report, "certificate": row.certificate}.get(what)
    if digest is None or form not in ("pdf", "json"):
        raise NotFound(what=(f"{what}.{form}", f"{what}.{form}"))
    name = f"{row.number if what == 'report' else row.certificate_number}.{form}"
    if form == "json":
        response = HttpResponse(documents.get(digest), content_type="application/json")
    else:
        page, actor = PAPERS[what](queries_deposit.credential(digest), digest), require(request)
        content = printed(page, documents.get(digest), lang=language.current(), now=clock.now(), actor=actor)
        response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Anybody who has a document and the number asks whether it is in that deposit (T/TJIFA003 7.2.3, 7.3.3)."""
    posted = request.method == "POST"
    form = CheckForm(request.POST or None, request.FILES or None, initial={"number": request.GET.get("number", "")})
    page: dict[str, object] = {"form": form, "asked": False}
    if posted and form.is_valid():
        sent = form.cleaned_data.get("file")
        digest = hashlib.sha256(sent.read()).hexdigest() if sent else str(form.cleaned_data["sha256"]).lower()
        page |= {"asked": True, "digest": digest, "held": queries_deposit.held(form.cleaned_data["number"].strip(), digest)}
    return render(request, "evidence/check.html", page, status=422 if form.errors else 200)
