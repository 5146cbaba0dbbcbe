"""Demands and negotiations as the components take them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.kernel.cases import Actor
from shugu.kernel.models import Case
from shugu.kernel.money import format_fen
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.market import offered
from shugu.market.domain import BUYER, CRITERIA, PROVIDER, Scored
from shugu.market.pages import codes
from shugu.market.queries import DemandView, NegotiationView, OfferView
from shugu.party import queries as parties
from shugu.web import case_shapes, language
from shugu.web.shapes import Act, Chip, Record, Tone

SIDES = {PROVIDER: Text("提供方", "provider"), BUYER: Text("需求方", "buyer")}
FATES = {
    "standing": Chip(Text("当前报价", "stands"), Tone.PROGRESS),
    "countered": Chip(Text("已被还价", "countered"), Tone.NEUTRAL),
    "withdrawn": Chip(Text("已撤回", "withdrawn"), Tone.STOPPED),
    "accepted": Chip(Text("已接受", "accepted"), Tone.GOOD),
}
UNITS = {
    "per_contract": Text("每合同", "per contract"),
    "per_call": Text("每次", "per call"),
    "per_period": Text("每期", "per period"),
}


def org_name(org: int) -> str:
    return parties.org_names([org], language.current()).get(org, "—")


def titled(rule: str, code: str) -> Text:
    """A code's words in a rule's table; the code itself when the table has changed since."""
    return dict(codes(rule)).get(code, Text(code, code))


def state_chip(procedure: str, state: str) -> Chip:
    return case_shapes.state_chip(table(procedure), state)


def demand_record(found: DemandView, actor: Actor, now: datetime) -> Record:
    case = Case.objects.get(pk=found.case)
    base = case_shapes.record_of(case, actor, now)
    return Record(
        name=found.title, number=found.number, kind=Text("数据需求", "demand"), state=base.state, holder=org_name(found.org),
        dates=((Text("发布", "Posted"), found.posted_at),), clock=base.clock, acts=base.acts,
        subject=f"market.demand:{found.case}",
    )  # fmt: skip


def match_cards(rows: tuple[Scored, ...]) -> list[dict[str, Any]]:
    """One card a match: score out of what was asked, and each point with its reason."""
    return [
        {
            "rank": n, "item": s.candidate, "score": s.score, "out_of": s.out_of, "provider": org_name(s.candidate.provider_org),
            "unit": UNITS.get(s.candidate.price_unit, Text("", "")),
            "reasons": [{"title": CRITERIA[r.code], "points": r.points, "of": r.of, "why": r.why} for r in s.reasons],
        }
        for n, s in enumerate(rows, 1)
    ]  # fmt: skip


def _acts(found: NegotiationView, case: Case, actor: Actor, now: datetime) -> tuple[Act, ...]:
    """As on the case page, but an offer is made on our own form, within the product's licence."""
    shown = []
    for act in case_shapes.record_of(case, actor, now).acts:
        if act.name in ("counter", "offer_as_provider", "offer_as_buyer"):
            act = Act(
                act.name, act.title, reverse("market:offer", args=[found.number]), "get", primary=act.primary,
                refused=act.refused, article=act.article,
            )  # fmt: skip
        shown.append(act)
    return tuple(shown)


def negotiation_record(found: NegotiationView, actor: Actor, now: datetime) -> Record:
    case = Case.objects.get(pk=found.case)
    base = case_shapes.record_of(case, actor, now)
    return Record(
        name=found.product_title, number=found.number, kind=Text("交易磋商", "negotiation"), state=base.state,
        holder=org_name(found.provider_org), dates=((Text("发起", "Opened"), found.opened_at),), clock=base.clock,
        acts=_acts(found, case, actor, now), subject=f"market.negotiation:{found.case}",
    )  # fmt: skip


def offer_columns(found: NegotiationView) -> list[dict[str, Any]]:
    """Offers side by side: each with what it changed against the one before."""
    unit = offered.version(found.product_version_id).price_unit
    out: list[dict[str, Any]] = []
    before: OfferView | None = None
    for offer in found.offers:
        lines = offer_lines(offer, unit)
        old = dict(offer_lines(before, unit)) if before is not None else {}
        marked = [(title, value, bool(old) and old.get(title) != value) for title, value in lines]
        out.append({"offer": offer, "side": SIDES[offer.side], "fate": FATES[offer.fate], "lines": marked})
        before = offer
    return out


def offer_lines(offer: OfferView, unit: str) -> list[tuple[Text, str]]:
    terms = offer.terms
    lines = [
        (Text("总价", "Total price"), format_fen(offer.price_fen, symbol=True)),
        (Text("用途", "Purpose"), str(titled("catalogue.purposes", terms.purpose))),
        (Text("交付形式", "Delivery form"), str(titled("catalogue.delivery_forms", terms.delivery_form))),
        (Text("期限", "Term"), str(Text(f"{terms.term_days} 天", f"{terms.term_days} days"))),
    ]
    if unit != "per_contract":
        lines.append((Text("数量", "Quantity"), f"{terms.quantity:,}"))
    if terms.rate is not None:
        lines.append((Text("请求频率", "Request rate"), str(Text(f"每分钟 {terms.rate} 次", f"{terms.rate} a minute"))))
    return lines
