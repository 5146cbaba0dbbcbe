"""What the catalogue adds to the shared pages when the process starts: its cases, its inputs, navigation, search."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.catalogue import services
from shugu.catalogue.models import Listing
from shugu.catalogue.queries import titles
from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.web import case_acts, navigation


def act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_listing(services.ActOnListing(case, do, input, undertaking), actor=actor, now=now, key=key)


def detail_url(case: int) -> str:
    row = Listing.objects.select_related("product").filter(pk=case).first()
    return reverse("catalogue:product", args=[row.product.number]) if row else ""


def prohibition_choices(case: int) -> list[tuple[str, Text]]:
    return list(titles(runtime.rules().value("catalogue.prohibitions")).items())


def register() -> None:
    case_acts.register("catalogue.listing", act, detail_url)
    case_acts.name_input("prohibition", "禁止情形", "Prohibition", "choice", prohibition_choices)
    navigation.register(navigation.NavItem(navigation.EVERYBODY, Text("市场", "Market"), "catalogue:market", 1))
    navigation.register(navigation.NavItem("merchant", Text("我的产品", "My products"), "catalogue:mine", 30))
    navigation.register_search("catalogue:market")
