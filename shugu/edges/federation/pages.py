"""What this edge adds to the shell when the process starts: navigation, the cases of agreements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.edges.federation import services
from shugu.edges.federation.agreements import SUBJECT
from shugu.edges.federation.models import Agreement
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.edges.federation.orders import SUBJECT as ORDER
from shugu.edges.federation.settlement_rows import SUBJECT as SETTLEMENT
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.web import case_acts, navigation
from shugu.web.slots import register_slot

WATCHING = frozenset({"operator", "compliance_officer", "regulator", "auditor"})


def act_on_agreement(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_agreement(services.ActOnAgreement(case, do, input, undertaking), actor=actor, now=now, key=key)


def no_act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    """Every step of an order follows from what the venues tell each other. Errors: NotFound."""
    raise NotFound(what=("办理事项", "act"))


def agreement_url(case: int) -> str:
    return reverse("federation:agreement", args=[Agreement.objects.get(pk=case).reference])


def act_on_settlement(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_settlement(services.ActOnSettlement(case, do, input, undertaking), actor=actor, now=now, key=key)


def order_url(case: int) -> str:
    row = CrossOrder.objects.get(pk=case)
    return reverse("federation:order", args=[row.side, row.number])


def settlement_url(case: int) -> str:
    row = VenueSettlement.objects.get(pk=case)
    return reverse("federation:settlement", args=[row.side, row.number])


def register() -> None:
    case_acts.register(SUBJECT, act_on_agreement, agreement_url, sees=lambda case, actor: bool(actor.seats & WATCHING))
    register_slot("registry.entry.side", "federation:entry_side", title=Text("其他场所", "Other venues"))
    for seat in ("merchant", "buyer"):
        navigation.register(navigation.NavItem(seat, Text("出示证书", "Present a certificate"), "federation:present", 45))
    money = WATCHING | {"settlement_officer"}
    case_acts.register(ORDER, no_act, order_url, sees=lambda case, actor: bool(actor.seats & money))
    case_acts.register(SETTLEMENT, act_on_settlement, settlement_url, sees=lambda case, actor: bool(actor.seats & money))
    for seat in ("settlement_officer", "operator"):
        navigation.register(navigation.NavItem(seat, Text("场所间清算", "Between venues"), "federation:settlements", 71))
    navigation.register(navigation.NavItem("buyer", Text("跨场所订单", "Orders over two venues"), "federation:orders", 46))
    register_slot("market.figures", "federation:market_line", title=Text("地方专区", "Local zone"), order=90)
    navigation.register(navigation.NavItem("merchant", Text("全国共享", "Shared listings"), "federation:shared", 46))
    for seat in sorted(WATCHING):
        navigation.register(navigation.NavItem(seat, Text("场所互认", "Federation"), "federation:home", 70))
