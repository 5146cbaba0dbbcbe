"""What party adds to the shell when the process starts: navigation, its cases, names for the case pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shugu.kernel import assigning
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.party import queries, services
from shugu.web import case_acts, navigation

SEATS_WITH_DESK = ("merchant", "buyer", "registrar", "body", "regulator", "operator")


def act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    cmd = services.ActOnAccreditation(case, do, input, undertaking)
    return services.act_on_accreditation(cmd, actor=actor, now=now, key=key)


def register() -> None:
    case_acts.register("party.accreditation", act)
    assigning.seats_from(queries.seat_holders)
    case_acts.name_parties(orgs=queries.org_names, people=queries.person_names)
    for seat in SEATS_WITH_DESK:
        navigation.register(navigation.NavItem(seat, Text("办件台", "Desk"), "web:desk", 10))
        navigation.register(navigation.NavItem(seat, Text("我的", "My account"), "party:me", 900))
    navigation.register(navigation.NavItem("operator", Text("运营", "Operations"), "party:operations", 50))
    navigation.register(navigation.NavItem(navigation.EVERYBODY, Text("规则", "Rules"), "web:rules", 870))
    navigation.register(navigation.NavItem(navigation.EVERYBODY, Text("登记制度", "Regimes"), "web:regimes", 872))
    navigation.register(navigation.NavItem(navigation.EVERYBODY, Text("流程", "Procedures"), "web:procedures", 875))
