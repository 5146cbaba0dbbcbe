"""Pages of deliveries. Thin: form, service, page."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.delivery import forms, metering, pages, queries, services, shown
from shugu.delivery.tokens import live_grant
from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.web import language
from shugu.web.forms import FieldForm, add_refusal
from shugu.web.shapes import Empty, Link
from shugu.web.tables import Column, Kind, make_table

ACTS: dict[str, tuple[type[FieldForm], Text]] = {
    "accept": (forms.AcceptForm, Text("验收合格", "Accept the delivery")),
    "reject": (forms.RejectForm, Text("拒收", "Reject the delivery")),
    "confirm": (forms.DigestForm, Text("核对所收文件", "Check what you received")),
    "redeliver": (forms.NoteForm, Text("重新交付", "Deliver again")),
    "fail": (forms.ReasonForm, Text("认定交付不成", "Declare it failed")),
    "suspend": (forms.ReasonForm, Text("暂停授权", "Suspend the grant")),
    "resume": (forms.ReasonForm, Text("恢复授权", "Resume the grant")),
    "revoke": (forms.ReasonForm, Text("撤销授权", "Revoke the grant")),
}


@require_GET
def deliveries(request: HttpRequest) -> HttpResponseBase:
    actor = require(request)
    rows = queries.deliveries(actor, limit=queries.PAGE_MOST)
    columns = (
        Column("product", Text("产品", "Product"), "product_title", href=lambda r: reverse("delivery:delivery", args=[r.number])),
        Column("state", Text("状态", "State"), lambda r: shown.state_chip(r.state), Kind.CHIP),
        Column("side", Text("您是", "You are"), lambda r: shown.side(r.side_of(actor.org))),
        Column("opened", Text("开通", "Opened"), "opened_at", Kind.MOMENT, order="x"),
        Column("contract", Text("合同", "Contract"), "contract_number", Kind.CODE,
               href=lambda r: reverse("trade:contract", args=[r.contract_number])),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )  # fmt: skip
    empty = Empty(
        Text("还没有交付。合同款项到位后，交付会自动开通。", "None yet. One opens by itself once a contract's money is held."),
        Link(Text("看合同", "To the contracts"), reverse("trade:contracts")),
    )
    table = make_table(request, id="deliveries", caption=Text("交付", "Deliveries"), columns=columns, rows=rows, empty=empty)
    if table.wants_csv:
        return table.csv_response()
    return render(request, "delivery/deliveries.html", {"table": table})


@never_cache
@require_GET
def delivery(request: HttpRequest, number: str) -> HttpResponse:
    actor = require(request)
    return _page(request, queries.delivery(number, actor), actor)


def _page(
    request: HttpRequest, found: queries.DeliveryView, actor: Actor, token: str = "", refusal: ShuguError | None = None,
    metered: metering.Metered | None = None,
) -> HttpResponse:  # fmt: skip
    now = clock.now()
    side = found.side_of(actor.org)
    why = _why_closed(found, now) if side == "buyer" else None
    context: dict[str, Any] = {
        "delivery": found, "grant": found.grant, "side": side, "token": token, "why_closed": why,
        "record": shown.record(found, actor, now), "acts": shown.acts(found, actor, now), "clocks": shown.clocks(found, now),
        "events": shown.events(found, actor, now), "state": shown.grant_chip(found.grant) if found.grant else None,
        "curl": shown.curl(found.grant, token) if found.grant else "",
        "python": shown.python(found.grant, token) if found.grant else "",
        "metered": metered, "proof": queries.proof_of(found.case),
        "usage": shown.usage_lines(found.grant) if found.grant else (),
        "digest_state": shown.digest_chip(found),
        "refusal_text": refusal.message(language.current()) if refusal else "",
        "refusal_remedy": refusal.remedy_text(language.current()) if refusal else "",
    }  # fmt: skip
    return render(request, "delivery/delivery.html", context, status=refusal.status if refusal else 200)


def _why_closed(found: queries.DeliveryView, now: Any) -> Text | None:
    from shugu.delivery.models import Delivery

    try:
        live_grant(Delivery.objects.get(pk=found.case), now)
    except ShuguError as error:
        return Text(error.message("zh"), error.message("en"))
    return None


@never_cache
@require_POST
def token(request: HttpRequest, number: str) -> HttpResponse:
    """Shows the token once, on the page it was asked for."""
    actor = require(request)
    try:
        issued = services.issue_token(
            services.IssueToken(number), actor=actor, now=clock.now(), key=request.POST.get("key") or None
        )
        text = services.token_text(issued)
    except NotFound:
        raise
    except ShuguError as refusal:
        return _page(request, queries.delivery(number, actor), actor, refusal=refusal)
    return _page(request, queries.delivery(number, actor), actor, text)


@never_cache
@require_POST
def meter(request: HttpRequest, number: str) -> HttpResponse:
    """Asks the connector what it has metered by now, and shows it on the page."""
    actor = require(request)
    found = queries.delivery(number, actor)
    try:
        told = metering.live_meter(number, actor, clock.now())
    except NotFound:
        raise
    except ShuguError as refusal:
        return _page(request, found, actor, refusal=refusal)
    return _page(request, found, actor, metered=told)


@require_POST
def retry(request: HttpRequest, number: str) -> HttpResponse:
    actor = require(request)
    found = queries.delivery(number, actor)
    try:
        services.retry_push(services.RetryPush(number), actor=actor, now=clock.now())
    except ShuguError as refusal:
        return _page(request, found, actor, refusal=refusal)
    messages.success(request, str(Text("已安排立即重试。", "It will be tried again at once.")))
    return redirect("delivery:delivery", number)


@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, number: str, do: str) -> HttpResponse:
    """GET shows the act's form; POST acts. What was typed is never lost."""
    actor = require(request)
    found = queries.delivery(number, actor)
    if do not in ACTS:
        raise NotFound(what=("事项", "act"))
    kind, title = ACTS[do]
    form = kind(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {k: v for k, v in form.cleaned_data.items() if k != "key"}
        try:
            pages.act(number, do, given, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text(f"已办理：{title.zh}", f"Done: {title.en}")))
            return redirect("delivery:delivery", number)
    context = {
        "form": form, "title": title, "submit": title, "lead": found.product_title,
        "cancel_href": reverse("delivery:delivery", args=[number]),
        "crumb": Link(number, reverse("delivery:delivery", args=[number])),
    }  # fmt: skip
    return render(request, "web/form.html", context, status=422 if form.errors else 200)


@require_GET
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt as the connector signed it, to keep and verify."""
    document = queries.receipt_document(number, require(request))
    response = HttpResponse(json.dumps(document, ensure_ascii=False, indent=1), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{number}.json"'
    return response


