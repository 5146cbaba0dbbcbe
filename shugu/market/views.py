"""Pages of the market: demands with their matches, negotiations with their offers."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.errors import InputInvalid
from shugu.kernel.models import Case
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.market import offered, queries, services
from shugu.market.errors import NotOffered
from shugu.market.forms import demand_form, offer_form
from shugu.market.pages import price_of, terms_typed
from shugu.market.shown import (
    demand_record,
    match_cards,
    negotiation_record,
    offer_columns,
    org_name,
    state_chip,
    titled,
)
from shugu.party.access import require, require_org
from shugu.web import case_shapes
from shugu.web.forms import add_refusal
from shugu.web.shapes import Empty, Link
from shugu.web.tables import Column, Kind, make_table


@require_GET
def demands(request: HttpRequest) -> HttpResponseBase:
    actor = require(request)
    rows = queries.demands(actor, mine=request.GET.get("mine") == "1", limit=200)
    columns = (
        Column("title", Text("需求", "Demand"), "title", order="x", href=lambda d: reverse("market:demand", args=[d.number])),
        Column("org", Text("需求方", "Buyer"), lambda d: org_name(d.org)),
        Column("industry", Text("行业", "Industry"), lambda d: titled("catalogue.industries", d.industry) if d.industry else ""),
        Column("cap", Text("预算上限", "Budget"), "price_cap_fen", Kind.MONEY, order="x"),
        Column("state", Text("状态", "State"), lambda d: state_chip("market.demand", d.state), Kind.CHIP),
        Column("posted", Text("发布", "Posted"), "posted_at", Kind.MOMENT, order="x"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )
    empty = Empty(
        Text("还没有征集中的需求。写下您需要的数据，场所会列出相合的产品。",
             "No demand is open. Say what data you need and see what matches."),
        Link(Text("发布需求", "Post a demand"), reverse("market:post_demand")) if actor.org is not None else None,
    )
    shown = make_table(request, id="demands", caption=Text("数据需求", "Demands"), columns=columns, rows=rows, empty=empty)
    if shown.wants_csv:
        return shown.csv_response()
    return render(request, "market/demands.html", {"table": shown, "may": actor.org is not None})


@require_http_methods(["GET", "POST"])
def post_demand(request: HttpRequest) -> HttpResponse:
    actor = require_org(request)
    form = demand_form()(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            cap = price_of(given["price_cap"]) if given["price_cap"] else None
            percent = given["quality_min"]
            cmd = services.PostDemand(
                given["title"], given["purpose"], tuple(k for k in re.split(r"[\s,，、;；]+", given["keywords"]) if k),
                given["summary"], given["industry"], tuple(given["delivery_forms"]), cap,
                percent * 100 if percent is not None else None, given["fresh_days"],
            )  # fmt: skip
            row = services.post_demand(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            if isinstance(refusal, InputInvalid):
                names = {"price_fen": "price_cap", "price_cap_fen": "price_cap"}
                refusal.field_errors = {names.get(k, k): v for k, v in refusal.field_errors.items()}
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("需求已发布，下面是相合的产品。", "Posted. These products match.")))
            return redirect("market:demand", row.number)
    page = {
        "form": form, "title": Text("发布数据需求", "Post a demand"), "submit": Text("发布并匹配", "Post and match"),
        "crumb": Link(Text("数据需求", "Demands"), reverse("market:demands")),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_GET
def demand(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = require(request), clock.now()
    found = queries.demand(number, actor)
    mine = found.org == actor.org
    talks = queries.negotiations(actor, demand=found.number)
    shown = {
        "demand": found, "record": demand_record(found, actor, now), "mine": mine,
        "matches": match_cards(queries.matches(number, actor, local_day(now))) if found.state == "open" else [],
        "may_answer": not mine and actor.org is not None and found.state == "open",
        "purpose": titled("catalogue.purposes", found.purpose),
        "industry": titled("catalogue.industries", found.industry) if found.industry else "",
        "delivery": "、".join(str(titled("catalogue.delivery_forms", f)) for f in found.delivery_forms),
        "quality": f"{found.quality_min // 100}%" if found.quality_min else "",
        "talks": [(n, state_chip("market.negotiation", n.state)) for n in talks],
    }  # fmt: skip
    return render(request, "market/demand.html", shown)


@require_GET
def negotiations(request: HttpRequest) -> HttpResponseBase:
    actor = require(request)
    columns = (
        Column("product", Text("产品", "Product"), "product_title", order="x",
               href=lambda n: reverse("market:negotiation", args=[n.number])),
        Column("provider", Text("提供方", "Provider"), lambda n: org_name(n.provider_org)),
        Column("buyer", Text("需求方", "Buyer"), lambda n: org_name(n.buyer_org)),
        Column("price", Text("最近报价", "Latest offer"), lambda n: n.offers[-1].price_fen if n.offers else None, Kind.MONEY),
        Column("state", Text("状态", "State"), lambda n: state_chip("market.negotiation", n.state), Kind.CHIP),
        Column("opened", Text("发起", "Opened"), "opened_at", Kind.MOMENT, order="x"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )  # fmt: skip
    empty = Empty(
        Text("还没有磋商。从产品页可按挂牌价购买或发起磋商。", "No negotiation yet. Start one from a product's page."),
        Link(Text("去数据市场", "To the market"), "/"),
    )
    shown = make_table(
        request, id="negotiations", caption=Text("磋商", "Negotiations"), columns=columns,
        rows=queries.negotiations(actor, limit=200), empty=empty,
    )  # fmt: skip
    return shown.csv_response() if shown.wants_csv else render(request, "market/negotiations.html", {"table": shown})


@require_http_methods(["GET", "POST"])
def open_negotiation(request: HttpRequest, product: str) -> HttpResponse:
    """Buy at the listed price (`?buy=1`), or open with an offer of one's own; `?demand=` answers a demand."""
    actor = require_org(request)
    item = offered.listed(product)
    if item is None:
        raise NotOffered(product=product)
    buying, demand_number = request.GET.get("buy") == "1", request.GET.get("demand", "")
    form = offer_form(item, priced=not buying)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            price = None if buying else price_of(form.cleaned_data["price_fen"])
            cmd = services.OpenNegotiation(product, demand_number, buying, price, terms_typed(form.cleaned_data))
            row = services.open_negotiation(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("market:negotiation", row.number)
    page = {
        "form": form, "item": item, "buying": buying, "lead": item.title,
        "title": Text("按挂牌价购买", "Buy at the listed price") if buying else Text("发起磋商", "Open a negotiation"),
        "submit": Text("确认，进入磋商", "Confirm") if buying else Text("发出报价", "Make the offer"),
        "crumb": Link(item.title, reverse("catalogue:product", args=[product])),
    }  # fmt: skip
    return render(request, "market/open.html", page, status=422 if form.errors else 200)


@require_GET
def negotiation(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = require(request), clock.now()
    found = queries.negotiation(number, actor)
    case = Case.objects.get(pk=found.case)
    item = offered.version(found.product_version_id)
    shown = {
        "negotiation": found, "record": negotiation_record(found, actor, now), "columns": offer_columns(found),
        "events": case_shapes.events_of(case, actor, now), "item": item, "provider": org_name(found.provider_org),
        "buyer": org_name(found.buyer_org), "side": found.side_of(actor.org), "clocks": case_shapes.clock_faces(case.pk, now),
    }  # fmt: skip
    return render(request, "market/negotiation.html", shown)


@require_http_methods(["GET", "POST"])
def offer(request: HttpRequest, number: str) -> HttpResponse:
    """An offer or a counter-offer, whichever is one's turn."""
    actor, now = require_org(request), clock.now()
    found = queries.negotiation(number, actor)
    item, last = offered.version(found.product_version_id), found.offers[-1] if found.offers else None
    initial = {} if last is None else {**last.terms.as_dict(), "price_fen": f"{last.price_fen // 100}.{last.price_fen % 100:02d}"}
    form = offer_form(item, priced=True)(request.POST or None, initial=initial)
    counters = found.standing is not None
    if request.method == "POST" and form.is_valid():
        try:
            given, key = form.cleaned_data, str(form.idempotency_key)
            price, terms = price_of(given["price_fen"]), terms_typed(given)
            if counters:
                services.counter_offer(services.CounterOffer(found.number, price, terms), actor=actor, now=now, key=key)
            else:
                services.make_offer(services.MakeOffer(found.number, price, terms), actor=actor, now=now, key=key)
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("market:negotiation", found.number)
    title = Text("还价", "Counter-offer") if counters else Text("报价", "Offer")
    page = {
        "form": form, "title": title, "submit": title, "lead": item.title, "item": item,
        "crumb": Link(found.number, reverse("market:negotiation", args=[found.number])),
    }  # fmt: skip
    return render(request, "market/open.html", page, status=422 if form.errors else 200)


@require_GET
def trade_side(request: HttpRequest, product: str) -> HttpResponse:
    """What a visitor of a product's page may do about it: buy, negotiate, or first sign in."""
    actor = getattr(request, "actor", None)
    item = offered.listed(product)
    own = item is not None and actor is not None and actor.org == item.provider_org
    signed_in = actor is not None and actor.org is not None
    may = not own and (actor is None or signed_in)  # the venue's own staff trades with nobody
    shown = {"item": item, "own": own, "may": may, "signed_in": signed_in, "product": product}
    return render(request, "market/trade_side.html", shown)
