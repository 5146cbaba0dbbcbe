"""Pages of the settlements between venues: how the money stands, what was claimed, agreed, paid and received."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from shugu.edges.federation import queries_settling, services, shown_settling
from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.web import language
from shugu.web.from_kernel import acts_of
from shugu.web.shapes import Empty, Record
from shugu.web.tables import make_table

WATCHING = tuple(sorted(queries_settling.WATCHING))


@require_GET
def settlements(request: HttpRequest) -> HttpResponseBase:
    """How the money stands with each venue, and every settlement."""
    actor = require(request, WATCHING)
    standings = queries_settling.standings(actor)
    standing = make_table(
        request, id="standings", caption=Text("与各场所的往来余额", "How the money stands"), columns=shown_settling.STANDINGS,
        rows=standings, empty=Empty(Text("还没有登记其他场所。", "No other venue has been added yet.")),
    )  # fmt: skip
    shown = make_table(
        request, id="settlements", caption=Text("清算单", "Settlements"), columns=shown_settling.SETTLEMENTS,
        rows=queries_settling.settlements(actor), empty=Empty(Text("还没有清算单。", "No settlement yet.")),
    )  # fmt: skip
    for table in (standing, shown):
        if table.wants_csv:
            return table.csv_response()
    officer = "settlement_officer" in actor.seats
    return render(
        request, "federation/settlements.html",
        {"standing": standing, "settlements": shown, "claimable": [row for row in standings if row.claimable and officer],
         "waiting": [row for row in standings if row.periods], "officer": officer},
    )  # fmt: skip


@require_POST
def claim(request: HttpRequest, venue: str) -> HttpResponse:
    """Ask a venue for everything that it owes and was not asked for yet."""
    actor = require(request, "settlement_officer")
    try:
        row = services.claim_shares(services.ClaimShares(venue), actor=actor, now=clock.now())
    except ShuguError as refusal:
        lang = language.current()
        messages.error(request, f"{refusal.message(lang)} {refusal.remedy_text(lang)}")
        return redirect("federation:settlements")
    return redirect("federation:settlement", row.side, row.number)


@require_POST
def net(request: HttpRequest, venue: str, period: str) -> HttpResponse:
    """Draw up the netting of a period whose balance is due to us."""
    actor = require(request, "settlement_officer")
    try:
        row = services.net_shares(services.NetShares(venue, period), actor=actor, now=clock.now())
    except ShuguError as refusal:
        lang = language.current()
        messages.error(request, f"{refusal.message(lang)} {refusal.remedy_text(lang)}")
        return redirect("federation:settlements")
    return redirect("federation:settlement", row.side, row.number)


@require_GET
def settlement(request: HttpRequest, side: str, number: str) -> HttpResponseBase:
    """One settlement: its orders with their vouchers, where the money goes, what may be done now."""
    actor, now = require(request, WATCHING), clock.now()
    found = queries_settling.settlement(number, actor, side)
    record = Record(
        found.venue_title, number=found.number, kind=shown_settling.SIDES[found.side], state=shown_settling.chip(found),
        dates=(
            (Text("请款", "claimed"), found.claimed_at), (Text("付款", "paid"), found.paid_on),
            (Text("到账", "received"), found.received_on),
        ),
        acts=acts_of(
            cases.acts(found.case, actor, now), lambda do: reverse("web:case_act", args=[found.case_number, do]),
            danger=("decline",),
        ),
    )  # fmt: skip
    orders = make_table(
        request, id="orders", caption=Text("所含订单", "Orders"), columns=shown_settling.ORDERS, rows=list(found.orders),
        empty=Empty(Text("没有。", "None.")),
    )  # fmt: skip
    nets = make_table(
        request, id="nets", caption=Text("所轧清算单", "Settlements netted"), columns=shown_settling.NETS, rows=list(found.nets),
        empty=Empty(Text("没有。", "None.")),
    )  # fmt: skip
    for table in (orders, nets):
        if table.wants_csv:
            return table.csv_response()
    shown = {"settlement": found, "record": record, "rows": nets if found.nets else orders}
    return render(request, "federation/settlement.html", shown)
