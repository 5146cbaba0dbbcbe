"""The demonstration bank: a buyer pays a request, an officer lets the bank work. Real homes do not have these pages."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from shugu.edges.bank import services, simulator
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.party.access import require, require_org
from shugu.settlement import queries as money
from shugu.web.demo_pages import only_in_demonstrations

OFFICER = "settlement_officer"
_PAYER_ACCOUNT = "6222020000000000000"


@require_safe
def panel(request: HttpRequest, place: str) -> HttpResponse:
    only_in_demonstrations()
    actor: Actor | None = getattr(request, "actor", None)
    mine = actor is not None and actor.org is not None
    due = [r for r in money.requests(actor) if r.buyer == actor.org and r.state == "requested"] if actor and mine else []
    officer = actor is not None and OFFICER in actor.seats
    return render(request, "bank/demo.html", {"due": due, "mine": mine, "officer": officer})


@require_POST
def pay(request: HttpRequest, number: str) -> HttpResponse:
    """Pay one request of one's own organisation in full; the bank reports at once. Errors: NotFound."""
    only_in_demonstrations()
    actor, now = require_org(request), clock.now()
    asked = next((r for r in money.requests(actor) if (r.number, r.buyer, r.state) == (number, actor.org, "requested")), None)
    if asked is None:
        raise NotFound(what=(f"缴款申请 {number}", f"payment request {number}"))
    payer = parties.organisation(asked.buyer).name
    simulator.pay(asked.number, asked.requested, payer=payer, account=_PAYER_ACCOUNT, now=now)
    simulator.write_statement(now)
    services.work(now)
    messages.success(request, str(Text("示范银行已入账并出具对账单。", "The demonstration bank has booked it and reported.")))
    return HttpResponseRedirect(reverse("web:demo"))


@require_POST
def execute(request: HttpRequest) -> HttpResponse:
    """Let the bank carry out the orders of the venue and report."""
    only_in_demonstrations()
    require(request, OFFICER)
    now = clock.now()
    services.work(now)
    paid = simulator.execute_orders(now)
    simulator.write_statement(now)
    services.work(now)
    messages.success(request, str(Text(f"示范银行付出 {paid} 笔。", f"The demonstration bank made {paid} payments.")))
    return HttpResponseRedirect(reverse("web:demo"))
