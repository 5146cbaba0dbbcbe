"""Pages of trade: contracts with clauses, signatures, money and acts; vouchers for their parties and for anybody."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, signer
from shugu.kernel import queries as cases
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.market import queries as market
from shugu.party.access import require, require_org
from shugu.trade import drafting, papers, queries, services, standing
from shugu.trade.clauses import clauses, code_text
from shugu.trade.forms import WithdrawForm, sign_form
from shugu.trade.shown import contract_record, money_lines, org_name, signature_lines, state_chip
from shugu.trade.withdrawing import SEATS, ground_title
from shugu.web import case_shapes, downloads, language
from shugu.web.forms import add_refusal
from shugu.web.shapes import Empty, Link
from shugu.web.tables import Column, Kind, make_table


@require_GET
def contracts(request: HttpRequest) -> HttpResponseBase:
    actor = require(request)
    columns = (
        Column("product", Text("标的", "Subject"), "product_title", order="x",
               href=lambda c: reverse("trade:contract", args=[c.number])),
        Column("provider", Text("提供方", "Provider"), lambda c: org_name(c.provider_org)),
        Column("buyer", Text("需求方", "Buyer"), lambda c: org_name(c.buyer_org)),
        Column("price", Text("价款（元）", "Price (CNY)"), "price_fen", Kind.MONEY, order="x"),
        Column("state", Text("状态", "State"), lambda c: state_chip(c.state), Kind.CHIP),
        Column("drafted", Text("起草", "Drafted"), "drafted_at", Kind.MOMENT, order="x"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )
    empty = Empty(
        Text("还没有合同。磋商达成一致后，合同自动起草。", "No contract yet. One is drafted when a negotiation is agreed."),
        Link(Text("磋商", "Negotiations"), reverse("market:negotiations")),
    )
    rows = queries.contracts(actor, limit=200)
    shown = make_table(request, id="contracts", caption=Text("合同", "Contracts"), columns=columns, rows=rows, empty=empty)
    return shown.csv_response() if shown.wants_csv else render(request, "trade/contracts.html", {"table": shown})


@require_GET
def contract(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = require(request), clock.now()
    found = queries.contract(number, actor)
    case = Case.objects.get(pk=found.case)
    shown = {
        "contract": found, "record": contract_record(found, actor, now), "clauses": clauses(found.terms),
        "money": money_lines(found), "signatures": signature_lines(found), "events": case_shapes.events_of(case, actor, now),
        "clocks": case_shapes.clock_faces(case.pk, now), "provider": org_name(found.provider_org),
        "buyer": org_name(found.buyer_org), "delivery_form": code_text("catalogue.delivery_forms", found.delivery_form),
        "gates": _gates(found) if found.state in ("drafted", "signed", "revised", "returned") else [],
        "staff": bool(actor.seats),
    }  # fmt: skip
    return render(request, "trade/contract.html", shown)


def _gates(found: queries.ContractView) -> list[tuple[Text, bool, Text]]:
    rows = drafting.gate_facts(found.terms, found.product_version_id, found.entry_id, cases.today(clock.now()))
    return [(Text(g["zh"], g["en"]), g["passed"], Text(g["basis_zh"], g["basis_en"])) for g in rows]


@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, number: str) -> HttpResponse:
    """The whole text with its money lines, and the button that signs exactly this text."""
    actor, now = require_org(request), clock.now()
    found = queries.contract(number, actor)
    choice = next((c for c in cases.acts(found.case, actor, now) if c.do == "sign"), None)
    if choice is None:
        return redirect("trade:contract", found.number)
    form = sign_form(choice.undertaking)(request.POST or None, initial={"terms_digest": found.digest})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        said = (choice.undertaking or ("", ""))[0] if given.get("undertaking") else ""
        try:
            cmd = services.SignContract(found.number, given["terms_digest"], said)
            services.sign_contract(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("已签署。", "Signed.")))
            return redirect("trade:contract", found.number)
    page = {
        "form": form, "contract": found, "clauses": clauses(found.terms), "money": money_lines(found),
        "provider": org_name(found.provider_org), "buyer": org_name(found.buyer_org),
        "title": Text("签署合同", "Sign the contract"),
        "submit": Text("以本单位名义签署", "Sign for the organisation"), "lead": found.product_title,
        "crumb": Link(found.number, reverse("trade:contract", args=[found.number])),
    }  # fmt: skip
    return render(request, "trade/sign.html", page, status=422 if form.errors else 200)


@require_GET
def contract_pdf(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.contract(number, require(request))
    source = queries.document(found)
    content = papers.contract_pdf(
        source, found.document_digest, language.current(), now=clock.now(), actor=require(request)
    )
    return downloads.inline(content, downloads.PDF, f"{found.number}.pdf")


@require_GET
def contract_json(request: HttpRequest, number: str) -> HttpResponse:
    """The credential exactly as signed; before approval the terms with the signatures there are."""
    found = queries.contract(number, require(request))
    return downloads.inline(signer.document_bytes(queries.document(found)), downloads.JSON, f"{found.number}.json")


@require_GET
def negotiation_side(request: HttpRequest, negotiation: int) -> HttpResponse:
    """Beside a negotiation: the contract it led to."""
    actor = require(request)
    talk = market.negotiation(negotiation, actor)
    found = queries.contract_of_negotiation(talk.id)
    chip = state_chip(found.state) if found else None
    return render(request, "trade/negotiation_side.html", {"contract": found, "chip": chip, "talk": talk})


@require_http_methods(["POST"])
def draft(request: HttpRequest, negotiation: int) -> HttpResponse:
    """Draft by hand when nobody did."""
    actor = require_org(request)
    row = services.draft_contract(services.DraftContract(negotiation), actor=actor, now=clock.now())
    return redirect("trade:contract", row.number)


@require_GET
def voucher(request: HttpRequest, number: str) -> HttpResponse:
    """Anybody with the number learns that it is genuine and what class; its parties and the venue see all of it."""
    actor = getattr(request, "actor", None)
    found = queries.voucher(number)
    whole = queries.may_read_voucher(found, actor)
    told = standing.find_voucher(number, local_day(clock.now()))
    page = {
        "provider": org_name(found.provider_org), "buyer": org_name(found.buyer_org),
        "in_force": told is None or "revoked" not in told.facets,
        "voucher": found, "whole": whole, "public": found.public, "subject": found.credential["credentialSubject"],
        "class": _class_title(found.amount_class), "seal": case_shapes.seal_of(found.fact, cases.position_of(found.fact)),
        "ground": ground_title(found.withdrawn_ground) if found.withdrawn_at else None,
        "may_withdraw": found.withdrawn_at is None and actor is not None and bool(actor.seats & SEATS),
    }  # fmt: skip
    return render(request, "trade/voucher.html", page)


@require_http_methods(["GET", "POST"])
def withdraw_voucher(request: HttpRequest, number: str) -> HttpResponse:
    """The compliance officer's, with the consequence before the button. Errors: NotFound, Forbidden."""
    actor, found = require(request), _whole(request, number)
    services.need_officer(actor)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("ground", "reason", "document")}
        order = services.WithdrawVoucher(found.number, **given)
        try:
            services.withdraw_voucher(order, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("已撤销。", "Withdrawn.")))
            return redirect("trade:voucher", found.number)
    page = {
        "form": form, "title": Text("撤销交易凭证", "Withdraw the voucher"), "submit": Text("撤销", "Withdraw"),
        "lead": Text(
            f"凭证 {found.number} 将不可恢复地失效：状态列表和核验页即时说明，文件本身仍在档，登记簿中的交易记载不变。",
            f"Voucher {found.number} loses force for good: the status lists and the verification page will say so, the document "
            "stays on record, and what the register says of the trade stays as it is.",
        ),
        "crumb": Link(found.number, reverse("trade:voucher", args=[found.number])),
        "cancel_href": reverse("trade:voucher", args=[found.number]),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


def _class_title(code: str) -> Text:
    return next((Text(str(r["zh"]), str(r["en"])) for r in queries.classes() if r["code"] == code), Text(code, code))


def _whole(request: HttpRequest, number: str) -> queries.VoucherView:
    """Errors: NotFound for whoever may only verify it."""
    found = queries.voucher(number)
    if not queries.may_read_voucher(found, require(request)):
        raise NotFound(what=(f"交易凭证 {number}", f"voucher {number}"))
    return found


@require_GET
def voucher_pdf(request: HttpRequest, number: str) -> HttpResponse:
    found = _whole(request, number)
    content = papers.voucher_pdf(
        found.credential, found.digest, language.current(), now=clock.now(), actor=require(request)
    )
    return downloads.inline(content, downloads.PDF, f"{found.number}.pdf")


@require_GET
def voucher_json(request: HttpRequest, number: str) -> HttpResponse:
    found = _whole(request, number)
    return downloads.inline(queries.voucher_bytes(found.number), downloads.JSON, f"{found.number}.json")

