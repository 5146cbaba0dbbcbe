"""The market over JSON. Money in integer fen; a stranger gets 404 for what is not his to know of."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from shugu.kernel import clock
from shugu.kernel.workdays import local_day
from shugu.market import queries, services
from shugu.market.domain import Scored, Terms
from shugu.market.queries import DemandView, NegotiationView, OfferView
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class DemandIn(Strict):
    title: str
    purpose: str
    keywords: list[str] = []
    summary: str = ""
    industry: str = ""
    delivery_forms: list[str] = []
    price_cap_fen: int | None = None
    quality_min: int | None = None
    fresh_days: int | None = None


class TermsIn(Strict):
    term_days: int
    purpose: str
    delivery_form: str
    quantity: int = 1
    rate: int | None = None

    def terms(self) -> Terms:
        return Terms(self.term_days, self.purpose, self.delivery_form, self.quantity, self.rate)


class NegotiationIn(Strict):
    """`at_listed_price` with `terms` buys as listed; `price_fen` with `terms` opens with an offer of one's own."""

    product: str
    demand: str = ""
    at_listed_price: bool = False
    price_fen: int | None = None
    terms: TermsIn | None = None


class OfferIn(Strict):
    price_fen: int
    terms: TermsIn


class AcceptIn(Strict):
    offer: str


class ReasonIn(Strict):
    reason: str = ""


def _demand(d: DemandView) -> dict[str, Any]:
    return {
        "number": d.number, "case": d.case_number, "state": d.state, "org": d.org, "title": d.title, "summary": d.summary,
        "industry": d.industry, "keywords": list(d.keywords), "delivery_forms": list(d.delivery_forms), "purpose": d.purpose,
        "price_cap_fen": d.price_cap_fen, "quality_min": d.quality_min, "fresh_days": d.fresh_days,
        "posted_at": d.posted_at.isoformat(),
    }  # fmt: skip


def _match(n: int, s: Scored) -> dict[str, Any]:
    item = s.candidate
    return {
        "rank": n, "product": item.product, "title": item.title, "provider_org": item.provider_org, "price_fen": item.price_fen,
        "price_unit": item.price_unit, "score": s.score, "out_of": s.out_of, "reasons": [r.as_dict() for r in s.reasons],
    }  # fmt: skip


def _offer(o: OfferView) -> dict[str, Any]:
    return {
        "number": o.number, "round": o.round, "side": o.side, "price_fen": o.price_fen, "terms": o.terms.as_dict(),
        "fate": o.fate, "made_at": o.made_at.isoformat(),
    }  # fmt: skip


def _negotiation(n: NegotiationView) -> dict[str, Any]:
    standing = n.standing
    return {
        "id": n.id, "number": n.number, "case": n.case_number, "state": n.state, "provider_org": n.provider_org,
        "buyer_org": n.buyer_org, "product": n.product_number, "title": n.product_title, "demand": n.demand_number,
        "opened_at": n.opened_at.isoformat(), "standing_offer": standing.number if standing else None,
        "offers": [_offer(o) for o in n.offers],
    }  # fmt: skip


@router.post("/demands", response={201: dict[str, Any]})
def post_demand(request: HttpRequest, payload: DemandIn) -> Status[dict[str, Any]]:
    """Post a demand for data."""
    actor = actor_of(request)
    given = payload.dict()
    cmd = services.PostDemand(
        **{**given, "keywords": tuple(given["keywords"]), "delivery_forms": tuple(given["delivery_forms"])}
    )
    row = services.post_demand(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, _demand(queries.demand(row.number, actor)))


@router.get("/demands", response=list[dict[str, Any]])
def demands(
    request: HttpRequest, q: str = "", industry: str = "", mine: bool = False, limit: int = 50, offset: int = 0
) -> list[dict[str, Any]]:
    """Open demands, and one's own."""
    rows = queries.demands(actor_of(request), q=q, industry=industry, mine=mine, limit=limit, offset=offset)
    return [_demand(d) for d in rows]


@router.get("/demands/{number}", response=dict[str, Any])
def demand(request: HttpRequest, number: str) -> dict[str, Any]:
    return _demand(queries.demand(number, actor_of(request)))


@router.get("/demands/{number}/matches", response=list[dict[str, Any]])
def matches(request: HttpRequest, number: str) -> list[dict[str, Any]]:
    """The listed products, best first, each point of the score with its reason."""
    rows = queries.matches(number, actor_of(request), local_day(clock.now()))
    return [_match(n, s) for n, s in enumerate(rows, 1)]


@router.post("/demands/{number}/matches", response=dict[str, Any])
def keep_matches(request: HttpRequest, number: str) -> dict[str, Any]:
    """Match and keep the list, with its digest as a fact."""
    cmd = services.MatchDemand(number)
    found: dict[str, Any] = services.match_demand(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return found


@router.post("/demands/{number}/close", response=dict[str, Any])
def close_demand(request: HttpRequest, number: str, payload: ReasonIn) -> dict[str, Any]:
    actor = actor_of(request)
    services.close_demand(services.CloseDemand(number, payload.reason), actor=actor, now=clock.now(), key=key_of(request))
    return _demand(queries.demand(number, actor))


@router.post("/negotiations", response={201: dict[str, Any]})
def open_negotiation(request: HttpRequest, payload: NegotiationIn) -> Status[dict[str, Any]]:
    actor = actor_of(request)
    terms = payload.terms.terms() if payload.terms else None
    cmd = services.OpenNegotiation(payload.product, payload.demand, payload.at_listed_price, payload.price_fen, terms)
    row = services.open_negotiation(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, _negotiation(queries.negotiation(row.number, actor)))


@router.get("/negotiations", response=list[dict[str, Any]])
def negotiations(request: HttpRequest, demand: str = "", limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    rows = queries.negotiations(actor_of(request), demand=demand, limit=limit, offset=offset)
    return [_negotiation(n) for n in rows]


@router.get("/negotiations/{number}", response=dict[str, Any])
def negotiation(request: HttpRequest, number: str) -> dict[str, Any]:
    return _negotiation(queries.negotiation(number, actor_of(request)))


@router.post("/negotiations/{number}/offer", response=dict[str, Any])
def offer(request: HttpRequest, number: str, payload: OfferIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.MakeOffer(number, payload.price_fen, payload.terms.terms())
    services.make_offer(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _negotiation(queries.negotiation(number, actor))


@router.post("/negotiations/{number}/counter", response=dict[str, Any])
def counter(request: HttpRequest, number: str, payload: OfferIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.CounterOffer(number, payload.price_fen, payload.terms.terms())
    services.counter_offer(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _negotiation(queries.negotiation(number, actor))


@router.post("/negotiations/{number}/accept", response=dict[str, Any])
def accept(request: HttpRequest, number: str, payload: AcceptIn) -> dict[str, Any]:
    actor = actor_of(request)
    services.accept_offer(services.AcceptOffer(number, payload.offer), actor=actor, now=clock.now(), key=key_of(request))
    return _negotiation(queries.negotiation(number, actor))


@router.post("/negotiations/{number}/withdraw", response=dict[str, Any])
def withdraw(request: HttpRequest, number: str, payload: ReasonIn) -> dict[str, Any]:
    """The own standing offer falls; the negotiation goes on."""
    actor = actor_of(request)
    services.withdraw_offer(services.WithdrawOffer(number, payload.reason), actor=actor, now=clock.now(), key=key_of(request))
    return _negotiation(queries.negotiation(number, actor))


@router.post("/negotiations/{number}/leave", response=dict[str, Any])
def leave(request: HttpRequest, number: str, payload: ReasonIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.LeaveNegotiation(number, payload.reason)
    services.leave_negotiation(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _negotiation(queries.negotiation(number, actor))
