"""Pages of orders over two venues: order from the zone, see how orders stand, enter at the listing venue with the code."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.edges.federation import queries, queries_settling, queries_zone, services, shown_order, shown_zone
from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.text import Text
from shugu.party import services as party
from shugu.party.access import require, require_org
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.shapes import Empty, Link, Record
from shugu.web.tables import make_table


class CodeForm(FieldForm):
    code = forms.CharField(label=words("办理口令", "Code"), max_length=60)


class OrderForm(FieldForm):
    """Nothing to fill in: what is ordered is the listing as shown."""


class PayeeForm(FieldForm):
    """One that is registered, by its number; or a new one, by name and code."""

    organisation = forms.CharField(
        label=words("收付单位编号（已登记的）", "Number of its organisation, if registered here"), max_length=40, required=False
    )
    name = forms.CharField(label=words("单位名称（新登记）", "Name, for a new one"), max_length=200, required=False)
    name_en = forms.CharField(label=words("英文名称", "English name"), max_length=200, required=False)
    uscc = forms.CharField(label=words("统一社会信用代码", "Unified social credit code"), max_length=18, required=False)


@require_http_methods(["GET", "POST"])
def place(request: HttpRequest, venue: str, product: str) -> HttpResponse:
    """Order a listing of another venue; the code by which one goes on there is shown once."""
    actor, now = require_org(request), clock.now()
    view = queries_zone.listing(venue, product, now)
    form = OrderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row, code = services.order(venue, product, actor, now, str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            address = f"{view.base_url}{reverse('federation:guest')}"
            told = Text(
                f"订单 {row.number} 已发出。请记下办理口令（只显示一次）：{code} ，准入后到 {address} 办理。",
                f"Order {row.number} is on its way. Keep this code, shown this once: {code} . Once admitted go on at {address} .",
            )
            messages.success(request, str(told))
            return redirect("federation:order", row.side, row.number)
    page = {
        "form": form, "title": Text("向挂牌场所下单", "Order from the listing venue"), "submit": Text("下单", "Order"),
        "lead": Text(
            f"本场所将向 {view.venue_title.zh} 出具贵单位的入驻凭证；合同、款项、交付与凭证在该场所办理。",
            f"This venue sends {view.venue_title.en} your accreditation; contract, money and delivery are dealt with there.",
        ),
        "crumb": Link(view.venue_title, reverse("federation:zone_listing", args=[venue, product])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_GET
def orders(request: HttpRequest) -> HttpResponseBase:
    """An organisation's own orders; every one for those who watch."""
    actor = require(request)
    rows = queries_zone.orders(actor)
    shown = make_table(
        request, id="orders", caption=Text("跨场所订单", "Orders over two venues"), columns=shown_zone.ORDERS, rows=rows,
        empty=Empty(Text("还没有跨场所订单。", "No order over two venues yet.")),
    )  # fmt: skip
    if shown.wants_csv:
        return shown.csv_response()
    watching = bool(actor.seats & queries_zone.WATCHING_MONEY)
    return render(request, "federation/orders.html", {"orders": shown, "watching": watching})


@require_GET
def order(request: HttpRequest, side: str, number: str) -> HttpResponse:
    """One order: where it stands, what its buyer has to do now and where, and in the end the voucher."""
    actor = require(request)
    row = queries_zone.order(side, number, actor)
    watching = bool(actor.seats & queries_zone.WATCHING_MONEY)
    kind, state = Text("跨场所订单", "order over two venues"), shown_zone.order_chip(row)
    record = Record(row.title, number=row.number, kind=kind, state=state)
    page = {
        "order": row, "record": record, "watching": watching, "here": shown_zone.SIDES[row.side],
        "steps": shown_order.timeline(row, cases.timeline(row.case)) if row.side == "selling" else [],
        "guidance": shown_order.guidance(row),
        "may_withdraw": row.side == "selling" and row.state == "admitted" and row.org == actor.org,
    }  # fmt: skip
    return render(request, "federation/order.html", page)


@require_POST
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the listing venue to let the order go."""
    actor = require_org(request)
    services.ask_withdrawal(services.AskWithdrawal(number), actor=actor, now=clock.now())
    messages.success(request, str(Text("已向挂牌场所申请撤单。", "The listing venue has been asked to let it go.")))
    return redirect("federation:orders")


@require_http_methods(["GET", "POST"])
def guest(request: HttpRequest) -> HttpResponse:
    """At the listing venue: a signed-in person enters for the organisation that another venue brought."""
    actor = require(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            party.enter_as_guest(party.entering(form.cleaned_data["code"].strip()), actor=actor, now=clock.now())
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            told = Text("已加入。请切换到该单位后办理。", "You have joined: change to that organisation to go on.")
            messages.success(request, str(told))
            return redirect("federation:orders")
    page = {
        "form": form, "title": Text("经其他场所下单的办理入口", "Go on with an order from another venue"),
        "submit": Text("进入", "Enter"), "crumb": Link(Text("数据市场", "Data market"), reverse("catalogue:market")),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def payee(request: HttpRequest, venue: str) -> HttpResponse:
    """The operator names the other venue's organisation here: who is paid its part of our fees, and owes us ours of its own."""
    actor = require(request, "operator")
    found, now = queries.peer(venue, actor), queries_settling.standing(venue, actor)
    form = PayeeForm(request.POST or None, initial={"organisation": now.payee})
    if request.method == "POST" and form.is_valid():
        cmd = services.NamePayee(found.origin, **{name: value.strip() for name, value in form.cleaned_data.items()})
        try:
            services.name_payee(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("federation:peer", venue)
    page = {
        "form": form, "title": Text("收付单位", "Its organisation here"), "submit": Text("保存", "Save"),
        "lead": Text(
            f"{found.title.zh} 在本场所的单位，双方的服务费分成由它收付。现为：{now.payee_name or '未登记'}。",
            f"{found.title.en}'s organisation here, with which parts of fees are settled. Now: {now.payee_name or 'none'}.",
        ),
        "crumb": Link(found.title, reverse("federation:peer", args=[venue])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)
