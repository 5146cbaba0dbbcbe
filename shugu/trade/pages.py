"""What trade tells the shell: navigation, how acts of the generic case page reach its services, what inputs mean."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case
from shugu.kernel.text import Text
from shugu.trade import services
from shugu.trade.models import Contract
from shugu.trade.queries import WATCHING
from shugu.web import case_pages
from shugu.web.case_acts import OwnForm
from shugu.web.navigation import NavItem
from shugu.web.navigation import register as navigate
from shugu.web.slots import register_slot


def register() -> None:
    case_pages.register(
        "trade.contract",
        act_on_contract,
        contract_url,
        sees=lambda case, actor: bool(actor.seats & WATCHING),
        forms={"sign": OwnForm(sign_url)},
    )
    register_slot("market.negotiation.side", "trade:negotiation_side", Text("合同", "Contract"), 10)
    case_pages.name_input("terms_digest", "所签文本的摘要", "Digest of the text signed", "choice", present_digest)
    case_pages.name_input("contract_ground", "情形", "Ground", "choice", grounds)
    navigate(NavItem("+", Text("合同", "Contracts"), "trade:contracts", 50))


def present_digest(case: int) -> Iterable[tuple[str, Text]]:
    row = Contract.objects.filter(case_id=case).first()
    if row is None:
        return []
    shown = f"{row.terms_digest[:16]}…"
    return [(row.terms_digest, Text(f"第 {row.revision} 稿 {shown}", f"revision {row.revision} {shown}"))]


def grounds(case: int) -> Iterable[tuple[str, Text]]:
    state = Case.objects.only("state").get(pk=case).state
    rows = runtime.rules().value("trade.refusal_grounds" if state == "signed" else "trade.termination_grounds").rows
    return [(str(r["code"]), Text(str(r["zh"]), str(r["en"]))) for r in rows]


def contract_url(case: int) -> str:
    row = Contract.objects.filter(case_id=case).first()
    return reverse("trade:contract", args=[row.number]) if row else ""


def sign_url(case: int) -> str:
    """Nobody signs a text that was not shown to him or her."""
    return reverse("trade:sign", args=[Contract.objects.only("number").get(case_id=case).number])


def act_on_contract(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    row = Contract.objects.filter(case_id=case).first()
    if row is None:
        raise NotFound(what=("合同", "contract"))
    return act(row.number, do, input, undertaking, actor=actor, now=now, key=key)


def act(
    number: str, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    """One act by its name in the table, for pages and the API. Errors: NotFound for an act people do not do."""
    text = {k: str(v) for k, v in input.items() if v is not None}
    if do == "sign":
        order = services.SignContract(number, text.get("terms_digest", ""), undertaking)
        return services.sign_contract(order, actor=actor, now=now, key=key)
    if do == "revise":
        days = text.get("term_days", "")
        revision = services.ReviseContract(
            number, text.get("purpose", ""), int(days) if days.isdecimal() else None, text.get("delivery_form", ""),
            text.get("note", ""),
        )  # fmt: skip
        return services.revise_contract(revision, actor=actor, now=now, key=key)
    if do == "cancel":
        return services.cancel_contract(services.CancelContract(number, text.get("reason", "")), actor=actor, now=now, key=key)
    if do in ("approve", "return_for_change", "refuse"):
        review = services.ReviewContract(
            number, do, text.get("contract_ground", ""), text.get("defects", ""), text.get("opinion", text.get("reason", "")),
            undertaking,
        )  # fmt: skip
        return services.review_contract(review, actor=actor, now=now, key=key)
    if do in ("terminate", "agree_termination"):
        ground = "mutual" if do == "agree_termination" else text.get("contract_ground", "")
        ending = services.TerminateContract(number, ground, text.get("reason", ""))
        return services.terminate_contract(ending, actor=actor, now=now, key=key)
    raise NotFound(what=("事项", "act"))
