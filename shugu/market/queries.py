"""What the market tells others: demands, their matches, negotiations, and the terms that were accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from shugu.formats.policy import Policy
from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.market import offered
from shugu.market.domain import BUYER, PROVIDER, Scored, Wish, agreed_policy, rank, terms_from
from shugu.market.domain import Terms as Terms
from shugu.market.domain import offer_errors as offer_errors
from shugu.market.models import Demand, Negotiation, Offer
from shugu.market.offered import Offered as Offered
from shugu.market.offered import admitted as admitted
from shugu.market.offered import bounds as bounds
from shugu.market.offered import still_listed as still_listed
from shugu.market.offered import version as version
from shugu.party import queries as parties

# Seats of the venue that may look into a negotiation; they move nothing in it.
WATCHING = frozenset({"trade_reviewer", "compliance_officer", "operator", "regulator", "auditor"})
PAGE_MOST = 200


@dataclass(frozen=True)
class DemandView:
    id: int
    number: str
    case: int
    case_number: str
    state: str
    org: int
    title: str
    summary: str
    industry: str
    keywords: tuple[str, ...]
    delivery_forms: tuple[str, ...]
    purpose: str
    price_cap_fen: int | None
    quality_min: int | None
    fresh_days: int | None
    posted_at: datetime

    @property
    def wish(self) -> Wish:
        return Wish(
            self.industry, self.keywords, self.delivery_forms, self.price_cap_fen, self.quality_min, self.fresh_days
        )


@dataclass(frozen=True)
class OfferView:
    """fate: standing | countered | withdrawn | accepted."""

    number: str
    round: int
    side: str
    price_fen: int
    terms: Terms
    made_at: datetime
    fate: str
    person: int | None


@dataclass(frozen=True)
class NegotiationView:
    id: int
    number: str
    case: int
    case_number: str
    state: str
    provider_org: int
    buyer_org: int
    product_version_id: int
    product_number: str
    product_title: str
    demand_number: str
    opened_at: datetime
    offers: tuple[OfferView, ...]

    @property
    def standing(self) -> OfferView | None:
        return next((o for o in self.offers if o.fate == "standing"), None)

    def side_of(self, org: int | None) -> str:
        return PROVIDER if org == self.provider_org else BUYER if org == self.buyer_org else ""


@dataclass(frozen=True)
class AcceptedTerms:
    """What both sides agreed. `policy` is ODRL JSON-LD (formats.policy) for the buyer, without dates."""

    negotiation_id: int
    number: str
    offer_number: str
    product_version_id: int
    provider_org: int
    buyer_org: int
    price_fen: int
    price_unit: str
    policy: Mapping[str, Any]
    term_days: int
    purpose: str
    delivery_form: str
    quantity: int
    rate: int | None
    agreed_at: datetime
    demand_number: str = ""


def urn(number: str) -> str:
    return f"urn:shugu:{runtime.venue_id()}:{number}"


def _demand(row: Demand) -> DemandView:
    return DemandView(
        id=row.pk, number=row.number, case=row.case_id, case_number=row.case.number, state=row.case.state, org=row.org_id,
        title=row.title, summary=row.summary, industry=row.industry, keywords=tuple(row.keywords),
        delivery_forms=tuple(row.delivery_forms), purpose=row.purpose, price_cap_fen=row.price_cap_fen,
        quality_min=row.quality_min, fresh_days=row.fresh_days, posted_at=row.posted_at,
    )  # fmt: skip


def _seen_demands(actor: Actor) -> QuerySet[Demand]:
    """Open demands are for everybody who acts for an organisation or a seat; ended ones for their owner and the venue."""
    rows = Demand.objects.select_related("case")
    if actor.seats & WATCHING:
        return rows
    if actor.org is None and not actor.seats:
        return rows.none()
    return rows.filter(Q(org_id=actor.org) | Q(case__state="open"))


def demand(number: str, actor: Actor) -> DemandView:
    """Errors: NotFound, also for one the actor may not know of."""
    row = _seen_demands(actor).filter(Q(number=number) | Q(case__number=number)).first()
    if row is None:
        raise NotFound(what=(f"需求 {number}", f"demand {number}"))
    return _demand(row)


def demands(
    actor: Actor, *, q: str = "", industry: str = "", mine: bool = False, limit: int = 50, offset: int = 0
) -> list[DemandView]:
    """Newest first; `mine` keeps those of the actor's organisation; `limit` at most 200."""
    rows = _seen_demands(actor).order_by("-posted_at", "-pk")
    if mine:
        rows = rows.filter(org_id=actor.org)
    if q:
        rows = rows.filter(Q(title__icontains=q) | Q(summary__icontains=q) | Q(number__iexact=q))
    if industry:
        rows = rows.filter(industry=industry)
    return [_demand(r) for r in rows[max(offset, 0) : max(offset, 0) + min(max(limit, 0), PAGE_MOST)]]


def matches(number: str, actor: Actor, on: date) -> tuple[Scored, ...]:
    """The listed products for a demand, best first, each point with its reason. The owner and the venue see all; a
    provider sees only where the own products stand. Errors: NotFound."""
    found = demand(number, actor)
    rows = ranked(found, on)
    if found.org == actor.org or actor.seats & WATCHING:
        return rows
    return tuple(r for r in rows if r.candidate.provider_org == actor.org)


def ranked(found: DemandView, on: date) -> tuple[Scored, ...]:
    rules = runtime.rules()
    weights = rules.value("market.match_weights").value
    assert isinstance(weights, Mapping)
    items = [c for c in offered.candidates(found.wish) if c.provider_org != found.org]
    return rank(found.wish, items, {k: int(str(v)) for k, v in weights.items()}, on, rules.value("market.match_limit").number)


def _offer(row: Offer) -> OfferView:
    ends = (("accepted", row.accepted_at), ("withdrawn", row.withdrawn_at), ("countered", row.countered_at))
    fate = next((name for name, at in ends if at is not None), "standing")
    return OfferView(row.number, row.round, row.side, row.price_fen, terms_from(row.terms), row.made_at, fate, row.person)


def _view(row: Negotiation) -> NegotiationView:
    return NegotiationView(
        id=row.pk, number=row.number, case=row.case_id, case_number=row.case.number, state=row.case.state,
        provider_org=row.provider_id, buyer_org=row.buyer_id, product_version_id=row.version_id,
        product_number=row.version.product.number, product_title=row.version.title,
        demand_number=row.demand.number if row.demand else "", opened_at=row.opened_at,
        offers=tuple(_offer(o) for o in sorted(row.offers.all(), key=lambda o: o.round)),
    )  # fmt: skip


def _seen(actor: Actor) -> QuerySet[Negotiation]:
    rows = Negotiation.objects.select_related("case", "version__product", "demand").prefetch_related("offers")
    if actor.seats & WATCHING:
        return rows
    if actor.org is None:
        return rows.none()
    return rows.filter(Q(provider_id=actor.org) | Q(buyer_id=actor.org))


def negotiation(number: str | int, actor: Actor) -> NegotiationView:
    """By number, case number or id; for both sides and the venue. Errors: NotFound: a stranger learns nothing."""
    where = Q(pk=number) if isinstance(number, int) else Q(number=number) | Q(case__number=number)
    row = _seen(actor).filter(where).first()
    if row is None:
        raise NotFound(what=(f"磋商 {number}", f"negotiation {number}"))
    return _view(row)


def negotiations(actor: Actor, *, demand: str = "", limit: int = 50, offset: int = 0) -> list[NegotiationView]:
    rows = _seen(actor).order_by("-opened_at", "-pk")
    if demand:
        rows = rows.filter(demand__number=demand)
    return [_view(r) for r in rows[max(offset, 0) : max(offset, 0) + min(max(limit, 0), PAGE_MOST)]]


def accepted_terms(negotiation_id: int, *, uid: str = "", changes: Mapping[str, Any] | None = None) -> AcceptedTerms:
    """The terms of an agreed negotiation, for the contract (`uid`: the policy's own IRI; `changes`: purpose, term_days
    or delivery_form as a returned contract was revised). Errors: NotFound before an offer was accepted."""
    row = Negotiation.objects.select_related("version", "demand").filter(pk=negotiation_id).first()
    offer = Offer.objects.filter(negotiation_id=negotiation_id, accepted_at__isnull=False).first()
    if row is None or offer is None or offer.accepted_at is None:
        raise NotFound(what=("已达成的磋商", "agreed negotiation"))
    terms = replace(terms_from(offer.terms), **dict(changes or {}))
    buyer = parties.organisation(row.buyer_id)
    policy = agreed_policy(
        Policy.from_dict(row.version.policy), uid=uid or urn(row.number), assignee=urn(buyer.number), terms=terms,
        per_call=row.version.price_unit == "per_call",
    )  # fmt: skip
    return AcceptedTerms(
        negotiation_id=row.pk, number=row.number, offer_number=offer.number, product_version_id=row.version_id,
        provider_org=row.provider_id, buyer_org=row.buyer_id, price_fen=offer.price_fen, price_unit=row.version.price_unit,
        policy=policy.as_dict(), agreed_at=offer.accepted_at, demand_number=row.demand.number if row.demand else "",
        term_days=terms.term_days, purpose=terms.purpose, delivery_form=terms.delivery_form, quantity=terms.quantity,
        rate=terms.rate,
    )  # fmt: skip
