"""What the market tells the shell: navigation, how acts of the generic case page reach its services, what inputs mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.money import parse_fen
from shugu.kernel.rules import RuleError
from shugu.kernel.text import Text
from shugu.market import services
from shugu.market.domain import Terms
from shugu.market.models import Demand, Negotiation
from shugu.market.queries import WATCHING
from shugu.web import case_pages
from shugu.web.navigation import NavItem
from shugu.web.navigation import register as navigate
from shugu.web.slots import register_slot


def register() -> None:
    case_pages.register("market.demand", act_on_demand, demand_url)
    case_pages.register(
        "market.negotiation", act_on_negotiation, negotiation_url, sees=lambda case, actor: bool(actor.seats & WATCHING)
    )
    case_pages.name_input("offer", "报价编号", "Offer", "choice", standing_offer)
    case_pages.name_input("price_fen", "价格（元）", "Price (CNY)")
    case_pages.name_input("term_days", "期限（天）", "Term (days)", "number")
    case_pages.name_input("purpose", "用途", "Purpose", "choice", purposes)
    case_pages.name_input("delivery_form", "交付形式", "Delivery form", "choice", lambda case: codes("catalogue.delivery_forms"))
    case_pages.name_input("quantity", "数量（次或期）", "Quantity (calls or periods)", "number")
    case_pages.name_input("rate", "每分钟请求上限", "Requests a minute", "number")
    register_slot("catalogue.product.trade", "market:trade_side", Text("购买或磋商", "Buy or negotiate"), 10)
    navigate(NavItem("+", Text("需求", "Demands"), "market:demands", 30))
    navigate(NavItem("+", Text("磋商", "Negotiations"), "market:negotiations", 40))


def codes(rule: str) -> list[tuple[str, Text]]:
    """A code table of the rules as choices."""
    return [(str(r["code"]), Text(str(r["zh"]), str(r["en"]))) for r in runtime.rules().value(rule).rows]


def purposes(case: int) -> list[tuple[str, Text]]:
    return codes("catalogue.purposes")


def standing_offer(case: int) -> Iterable[tuple[str, Text]]:
    row = Negotiation.objects.filter(case_id=case).first()
    standing = services.standing_of(row) if row is not None else None
    return [(standing.number, Text(standing.number, standing.number))] if standing else []


def demand_url(case: int) -> str:
    row = Demand.objects.filter(case_id=case).first()
    return reverse("market:demand", args=[row.number]) if row else ""


def negotiation_url(case: int) -> str:
    row = Negotiation.objects.filter(case_id=case).first()
    return reverse("market:negotiation", args=[row.number]) if row else ""


def price_of(text: object) -> int:
    """Yuan as typed, or fen as an integer. Errors: InputInvalid for a fraction of a fen."""
    if type(text) is int:
        return text
    try:
        return parse_fen(str(text).strip())
    except RuleError as error:
        raise InputInvalid(fields="price_fen", field_errors={"price_fen": (error.message("zh"), error.message("en"))}) from error


def terms_typed(raw: Mapping[str, Any]) -> Terms:
    """Terms out of a form's values. Errors: InputInvalid for what is no whole number."""
    numbers: dict[str, int | None] = {}
    for name in ("term_days", "quantity", "rate"):
        value = raw.get(name)
        if value in (None, ""):
            numbers[name] = None
            continue
        if not str(value).isdecimal():
            raise InputInvalid(fields=name, field_errors={name: ("应为正整数", "a positive whole number")})
        numbers[name] = int(str(value))
    return Terms(
        numbers["term_days"] or 0, str(raw.get("purpose", "")), str(raw.get("delivery_form", "")), numbers["quantity"] or 1,
        numbers["rate"],
    )  # fmt: skip


def act_on_demand(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    row = Demand.objects.filter(case_id=case).first()
    if row is None or do != "close":
        raise NotFound(what=("事项", "act"))
    return services.close_demand(services.CloseDemand(row.number, str(input.get("reason", ""))), actor=actor, now=now, key=key)


def act_on_negotiation(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    row = Negotiation.objects.filter(case_id=case).first()
    if row is None:
        raise NotFound(what=("磋商", "negotiation"))
    reason = str(input.get("reason", ""))
    if do == "accept":
        accept = services.AcceptOffer(row.number, str(input.get("offer", "")))
        return services.accept_offer(accept, actor=actor, now=now, key=key)
    if do == "withdraw_offer":
        return services.withdraw_offer(services.WithdrawOffer(row.number, reason), actor=actor, now=now, key=key)
    if do == "leave":
        return services.leave_negotiation(services.LeaveNegotiation(row.number, reason), actor=actor, now=now, key=key)
    price, terms = price_of(input.get("price_fen", "")), terms_typed(input)
    if do == "counter":
        return services.counter_offer(services.CounterOffer(row.number, price, terms), actor=actor, now=now, key=key)
    return services.make_offer(services.MakeOffer(row.number, price, terms), actor=actor, now=now, key=key)
