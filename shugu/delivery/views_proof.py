"""Pages of the venue's delivery receipts: for anybody that they are genuine, for parties and venue all of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.delivery import proof_paper, queries, services
from shugu.delivery.forms import WithdrawForm
from shugu.formats.errors import ShuguError
from shugu.formats.times import read_time
from shugu.kernel import clock, documents
from shugu.kernel import queries as cases
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.trade import queries as trade
from shugu.trade import services as trades
from shugu.web import case_shapes, downloads, language
from shugu.web.forms import add_refusal
from shugu.web.shapes import Link


@require_GET
def proof(request: HttpRequest, number: str) -> HttpResponse:
    actor = getattr(request, "actor", None)
    found = queries.proof(number)
    subject = found.credential["credentialSubject"]
    page = {
        "proof": found, "subject": subject, "public": found.public, "whole": queries.may_read_proof(found, actor),
        "accepted": read_time(str(subject["delivery"]["accepted_at"])),
        "seal": case_shapes.seal_of(found.fact, cases.position_of(found.fact)),
        "size": f"{subject['data']['size']:,}", "billed": f"{subject['metered']['billable']:,}",
        "how": proof_paper.ACCEPTED[subject["delivery"]["accepted_by"]],
        "ground": trade.ground_title(found.withdrawn_ground) if found.withdrawn_at else None,
        "may_withdraw": found.withdrawn_at is None and actor is not None and "compliance_officer" in actor.seats,
    }  # fmt: skip
    return render(request, "delivery/proof.html", page)


def _whole(request: HttpRequest, number: str) -> queries.ProofView:
    """Errors: NotFound for whoever may only verify it."""
    found = queries.proof(number)
    if not queries.may_read_proof(found, require(request)):
        raise NotFound(what=(f"交付凭证 {number}", f"delivery receipt {number}"))
    return found


@require_GET
def proof_pdf(request: HttpRequest, number: str) -> HttpResponse:
    found, actor = _whole(request, number), require(request)
    content = proof_paper.proof_pdf(found.credential, found.digest, language.current(), now=clock.now(), actor=actor)
    return downloads.inline(content, downloads.PDF, f"{found.number}.pdf")


@require_GET
def proof_json(request: HttpRequest, number: str) -> HttpResponse:
    """The credential exactly as signed."""
    found = _whole(request, number)
    return downloads.inline(documents.get(found.digest), downloads.JSON, f"{found.number}.json")



@require_http_methods(["GET", "POST"])
def withdraw_proof(request: HttpRequest, number: str) -> HttpResponse:
    """The compliance officer's, with the consequence before the button. Errors: NotFound, Forbidden."""
    actor, found = require(request), _whole(request, number)
    trades.need_officer(actor)
    form = WithdrawForm(request.POST or None)
    back = reverse("delivery:proof", args=[found.number])
    if request.method == "POST" and form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("ground", "reason", "document")}
        order = services.WithdrawProof(found.number, **given)
        try:
            services.withdraw_proof(order, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("已撤销。", "Withdrawn.")))
            return redirect(back)
    page = {
        "form": form, "title": Text("撤销数据交付凭证", "Withdraw the delivery receipt"), "submit": Text("撤销", "Withdraw"),
        "lead": Text(
            f"凭证 {found.number} 将不可恢复地失效：状态列表和核验页即时说明，文件本身仍在档，交付办件和交易凭证不变。",
            f"Receipt {found.number} loses force for good: the status lists and the verification page will say so, the document "
            "stays on record, and neither the delivery's case nor the voucher changes.",
        ),
        "crumb": Link(found.number, back), "cancel_href": back,
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)
