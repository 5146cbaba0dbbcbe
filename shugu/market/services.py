"""The door of the market: demands, negotiations, offers. The only writer of this app's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.formats.canonical import digest_hex
from shugu.kernel import engine, journal, runtime, store
from shugu.kernel.cases import Actor, Command, PartyView, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.market import offered, queries
from shugu.market.domain import BUYER, PROVIDER, Terms, listed_total, offer_errors
from shugu.market.errors import DemandOver, NotAccredited, NotOffered, OfferGone, SameParty
from shugu.market.models import Demand, Match, Negotiation, Offer
from shugu.party.services import need_right

name_fact("demand.matched_against", "匹配产品", "products matched")
KINDS = {PROVIDER: ("数据提供方", "provider"), BUYER: ("数据需求方", "buyer")}


@dataclass(frozen=True)
class PostDemand:
    """`industry` of catalogue.industries or empty; money in fen; `quality_min` in basis points; `fresh_days` in days."""

    title: str
    purpose: str
    keywords: tuple[str, ...] = ()
    summary: str = ""
    industry: str = ""
    delivery_forms: tuple[str, ...] = ()
    price_cap_fen: int | None = None
    quality_min: int | None = None
    fresh_days: int | None = None


@dataclass(frozen=True)
class CloseDemand:
    demand: str
    reason: str = ""


@dataclass(frozen=True)
class MatchDemand:
    demand: str


@dataclass(frozen=True)
class OpenNegotiation:
    """By a buyer about a listed product, or by a provider in answer to a demand. `at_listed_price` (buyers only):
    the listed price for `terms` stands as the provider's offer at once. With `price_fen` the opener makes the first
    offer."""

    product: str
    demand: str = ""
    at_listed_price: bool = False
    price_fen: int | None = None
    terms: Terms | None = None


@dataclass(frozen=True)
class MakeOffer:
    """A first offer, while none stands. `price_fen`: whole fen for everything the terms name."""

    negotiation: str
    price_fen: int
    terms: Terms


@dataclass(frozen=True)
class CounterOffer:
    """An answer to the offer that stands, which thereby falls."""

    negotiation: str
    price_fen: int
    terms: Terms


@dataclass(frozen=True)
class AcceptOffer:
    """`offer`: the number of the offer the actor saw; another one that stands by now is not accepted unseen."""

    negotiation: str
    offer: str


@dataclass(frozen=True)
class WithdrawOffer:
    negotiation: str
    reason: str = ""


@dataclass(frozen=True)
class LeaveNegotiation:
    negotiation: str
    reason: str = ""


@context("market.demand")
def demand_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


@context("market.negotiation")
def negotiation_context(case: int, now: datetime) -> Mapping[str, Any]:
    row = Negotiation.objects.filter(case_id=case).first()
    if row is None:
        return {"offers": 0, "listed": False, "provider_accredited": False, "buyer_accredited": False}
    on = local_day(now)
    return {
        "offers": row.offers.count(),
        "listed": offered.still_listed(row.version_id),
        "provider_accredited": offered.admitted(row.provider_id, PROVIDER, on),
        "buyer_accredited": offered.admitted(row.buyer_id, BUYER, on),
    }


def _acting_org(actor: Actor) -> int:
    """Errors: Forbidden for somebody who acts for no organisation, RightMissing without the right to act."""
    if actor.org is None:
        raise Forbidden()
    need_right(actor, actor.org, "act")
    return actor.org


def _refuse(errors: Mapping[str, tuple[str, str]]) -> None:
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=dict(errors))


def _accredited(org: int, kind: str, now: datetime) -> None:
    if not offered.admitted(org, kind, local_day(now)):
        raise NotAccredited(kind=KINDS[kind])


def _demand_errors(cmd: PostDemand) -> dict[str, tuple[str, str]]:
    rules, errors = runtime.rules(), {}
    if not cmd.title.strip() or len(cmd.title) > 200:
        errors["title"] = ("写明所需数据，不超过 200 字", "name the data wanted, at most 200 characters")
    if cmd.purpose not in rules.value("catalogue.purposes").codes:
        errors["purpose"] = ("请从用途代码表中选择", "choose from the table of purposes")
    most = rules.value("market.keywords_max").number
    if len(cmd.keywords) > most or any(not k.strip() or len(k) > 40 for k in cmd.keywords):
        errors["keywords"] = (f"至多 {most} 个，每个不超过 40 字", f"at most {most}, each up to 40 characters")
    if not cmd.keywords and not cmd.industry:
        errors["keywords"] = ("关键词与行业至少填一项", "give keywords or an industry")
    if cmd.industry and cmd.industry not in rules.value("catalogue.industries").codes:
        errors["industry"] = ("不在行业表内", "not an industry of the list")
    if set(cmd.delivery_forms) - set(rules.value("catalogue.delivery_forms").codes):
        errors["delivery_forms"] = ("不在交付形式表内", "not a delivery form of the list")
    if cmd.price_cap_fen is not None and (type(cmd.price_cap_fen) is not int or not 0 < cmd.price_cap_fen < 2**53):
        errors["price_cap_fen"] = ("预算为正整数分，不能有不足一分的零头", "a budget is a positive whole number of fen")
    if cmd.quality_min is not None and not 1 <= cmd.quality_min <= 10_000:
        errors["quality_min"] = ("质量要求为 0.01% 至 100%", "a quality is 0.01 % to 100 %")
    if cmd.fresh_days is not None and not 1 <= cmd.fresh_days <= 36_500:
        errors["fresh_days"] = ("更新要求为 1 天以上", "freshness is at least 1 day")
    return errors


@command("market.post_demand", ("发布需求", "post a demand"))
def post_demand(cmd: PostDemand, *, actor: Actor, now: datetime) -> Demand:
    """Errors: Forbidden, RightMissing, NotAccredited, InputInvalid."""
    org = _acting_org(actor)
    _accredited(org, BUYER, now)
    _refuse(_demand_errors(cmd))
    number = store.next_number("demand", local_day(now).year)
    case = engine.open_case(
        "market.demand", actor=actor, now=now, title=cmd.title, parties=[PartyView("demander", None, org)],
        data={"demand": number}, subjects=[f"party.org:{org}"], fact_data={"demand": number, "industry": cmd.industry},
    )  # fmt: skip
    return Demand.objects.create(
        case_id=case, number=number, org_id=org, title=cmd.title.strip(), summary=cmd.summary.strip(), industry=cmd.industry,
        keywords=list(cmd.keywords), delivery_forms=list(cmd.delivery_forms), purpose=cmd.purpose.strip(),
        price_cap_fen=cmd.price_cap_fen, quality_min=cmd.quality_min, fresh_days=cmd.fresh_days, posted_at=now,
    )  # fmt: skip


def _own_demand(number: str, actor: Actor) -> Demand:
    """Errors: NotFound, also for somebody else's."""
    row = Demand.objects.select_for_update().filter(number=number, org_id=actor.org).first()
    if row is None or actor.org is None:
        raise NotFound(what=(f"需求 {number}", f"demand {number}"))
    return row


@command("market.close_demand", ("关闭需求", "close a demand"))
def close_demand(cmd: CloseDemand, *, actor: Actor, now: datetime) -> Demand:
    """Errors: NotFound, Refused (not open any more)."""
    row = _own_demand(cmd.demand, actor)
    _acting_org(actor)
    engine.act(row.case_id, Command("close", {"reason": cmd.reason} if cmd.reason else {}), actor=actor, now=now)
    return row


@command("market.match_demand", ("匹配产品", "match a demand"))
def match_demand(cmd: MatchDemand, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Rank the listed products for an own open demand and keep the list: {demand, matches: [{rank, product, score,
    out_of, reasons}]}. The same catalogue gives the same list. Errors: NotFound, DemandOver."""
    row = _own_demand(cmd.demand, actor)
    found = queries.demand(row.number, actor)
    if found.state != "open":
        raise DemandOver(demand=row.number)
    rows = queries.ranked(found, local_day(now))
    Match.objects.filter(demand=row).delete()
    Match.objects.bulk_create(
        Match(demand=row, version_id=s.candidate.version_id, rank=n, score=s.score, out_of=s.out_of,
              reasons=[r.as_dict() for r in s.reasons], matched_at=now)
        for n, s in enumerate(rows, 1)
    )  # fmt: skip
    listed = [
        {"rank": n, "product": s.candidate.product, "title": s.candidate.title, "score": s.score, "out_of": s.out_of,
         "price_fen": s.candidate.price_fen, "reasons": [r.as_dict() for r in s.reasons]}
        for n, s in enumerate(rows, 1)
    ]  # fmt: skip
    journal.record(
        "demand.matched_against", subject=f"market.demand:{row.case_id}", actor=actor, now=now, case=row.case_id,
        data={"demand": row.number, "products": [m["product"] for m in listed]}, digests={"matches": digest_hex(listed)},
    )  # fmt: skip
    return {"demand": row.number, "matches": listed}


def _sides(cmd: OpenNegotiation, item: offered.Offered, org: int) -> tuple[str, int, Demand | None]:
    """(side of the opener, buyer, demand). Errors: SameParty, NotFound, DemandOver."""
    demand = Demand.objects.select_related("case").filter(number=cmd.demand).first() if cmd.demand else None
    if cmd.demand and (demand is None or (org not in (demand.org_id, item.provider_org))):
        raise NotFound(what=(f"需求 {cmd.demand}", f"demand {cmd.demand}"))
    if demand is not None and demand.case.state != "open":
        raise DemandOver(demand=demand.number)
    if org != item.provider_org:
        return BUYER, org, demand
    if demand is None or demand.org_id == org:
        raise SameParty()
    return PROVIDER, demand.org_id, demand


@command("market.open_negotiation", ("发起磋商", "open a negotiation"))
def open_negotiation(cmd: OpenNegotiation, *, actor: Actor, now: datetime) -> Negotiation:
    """Errors: Forbidden, RightMissing, NotOffered, SameParty, NotAccredited, NotFound, DemandOver, InputInvalid."""
    org = _acting_org(actor)
    item = offered.listed(cmd.product)
    if item is None:
        raise NotOffered(product=cmd.product)
    side, buyer, demand = _sides(cmd, item, org)
    _accredited(item.provider_org, PROVIDER, now)
    _accredited(buyer, BUYER, now)
    first = cmd.at_listed_price or cmd.price_fen is not None
    if first and cmd.terms is None:
        _refuse({"terms": ("报价须附条件", "an offer needs its terms")})
    if cmd.at_listed_price and (side != BUYER or cmd.price_fen is not None):
        _refuse({"at_listed_price": ("由需求方按挂牌价购买，不另报价", "buyers only, and without a price of their own")})
    number = store.next_number("negotiation", local_day(now).year)
    case = engine.open_case(
        "market.negotiation", actor=actor, now=now, title=item.title,
        parties=[PartyView(PROVIDER, None, item.provider_org), PartyView(BUYER, None, buyer)],
        data={"negotiation": number},
        subjects=[f"registry.entry:{item.entry_id}", f"party.org:{item.provider_org}", f"party.org:{buyer}"],
        fact_data={"negotiation": number, "product": item.product, "version": item.version_id},
    )  # fmt: skip
    row = Negotiation.objects.create(
        case_id=case, number=number, provider_id=item.provider_org, buyer_id=buyer, version_id=item.version_id,
        demand=demand, opened_at=now,
    )  # fmt: skip
    if cmd.at_listed_price and cmd.terms is not None:
        price = listed_total(item.price_fen, item.price_unit, cmd.terms.quantity)
        _offer(row, "stand", PROVIDER, price, cmd.terms, mandate("market", f"listing:{item.product}:{number}"), now)
    elif cmd.price_fen is not None and cmd.terms is not None:
        _offer(row, f"offer_as_{side}", side, cmd.price_fen, cmd.terms, actor, now)
    return row


def _offer(row: Negotiation, do: str, side: str, price_fen: int, terms: Terms, actor: Actor, now: datetime) -> Offer:
    _refuse(offer_errors(price_fen, terms, offered.bounds(row.version_id, now)))
    number = store.next_number("offer", local_day(now).year)
    round_ = row.offers.count() + 1
    standing = standing_of(row)
    body = {"negotiation": row.number, "offer": number, "round": round_, "side": side}
    applied = engine.act(
        row.case_id, Command(do, {"price_fen": price_fen, **terms.as_dict()}), actor=actor, now=now, fact_data=body,
        digests={"offer": digest_hex({**body, "price_fen": price_fen, "terms": terms.as_dict()})},
    )  # fmt: skip
    if standing is not None:
        standing.countered_at = now
        standing.save(update_fields=["countered_at"])
    return Offer.objects.create(
        negotiation=row, number=number, round=round_, side=side, price_fen=price_fen, terms=terms.as_dict(),
        person=actor.person, made_at=now, fact=applied.fact_id,
    )  # fmt: skip


def standing_of(row: Negotiation) -> Offer | None:
    """The offer that may be accepted now, if any."""
    return row.offers.filter(countered_at__isnull=True, withdrawn_at__isnull=True, accepted_at__isnull=True).first()


def _own(number: str, actor: Actor) -> tuple[Negotiation, str]:
    """The negotiation, locked, and the actor's side. Errors: NotFound: a stranger learns nothing; Forbidden for staff."""
    row = Negotiation.objects.select_for_update().filter(number=number).first()
    if row is None or actor.org not in (row.provider_id, row.buyer_id):
        if row is not None and actor.seats & queries.WATCHING:
            raise Forbidden()
        raise NotFound(what=(f"磋商 {number}", f"negotiation {number}"))
    _acting_org(actor)
    return row, PROVIDER if actor.org == row.provider_id else BUYER


@command("market.make_offer", ("报价", "make an offer"))
def make_offer(cmd: MakeOffer, *, actor: Actor, now: datetime) -> Negotiation:
    """Errors: NotFound, InputInvalid, Refused (an offer stands, rounds used up, expired, not listed)."""
    row, side = _own(cmd.negotiation, actor)
    _offer(row, f"offer_as_{side}", side, cmd.price_fen, cmd.terms, actor, now)
    return row


@command("market.counter_offer", ("还价", "make a counter-offer"))
def counter_offer(cmd: CounterOffer, *, actor: Actor, now: datetime) -> Negotiation:
    """Errors: as make_offer; NotYourStep for the side whose own offer stands."""
    row, side = _own(cmd.negotiation, actor)
    _offer(row, "counter", side, cmd.price_fen, cmd.terms, actor, now)
    return row


@command("market.accept_offer", ("接受报价", "accept an offer"))
def accept_offer(cmd: AcceptOffer, *, actor: Actor, now: datetime) -> Negotiation:
    """Errors: NotFound, OfferGone, NotYourStep (one's own offer), Refused. The demand behind it becomes matched."""
    row, _ = _own(cmd.negotiation, actor)
    standing = standing_of(row)
    gone = row.offers.filter(number=cmd.offer).exists() if standing is None else standing.number != cmd.offer
    if gone:
        raise OfferGone(offer=cmd.offer)
    engine.act(
        row.case_id, Command("accept", {"offer": cmd.offer}), actor=actor, now=now,
        fact_data={"negotiation": row.number, "negotiation_id": row.pk, "price_fen": standing.price_fen if standing else 0},
    )  # fmt: skip
    assert standing is not None  # the table lets nobody accept while none stands
    standing.accepted_at = now
    standing.save(update_fields=["accepted_at"])
    if row.demand_id is not None:
        _settle_demand(row.demand_id, row, now)
    return row


def _settle_demand(demand_id: int, row: Negotiation, now: datetime) -> None:
    demand = Demand.objects.select_for_update(of=("self",)).select_related("case").get(pk=demand_id)
    if demand.case.state == "open":
        actor = mandate("market", f"negotiation:{row.number}")
        engine.act(demand.case_id, Command("match"), actor=actor, now=now, fact_data={"negotiation": row.number})


@command("market.withdraw_offer", ("撤回报价", "withdraw an offer"))
def withdraw_offer(cmd: WithdrawOffer, *, actor: Actor, now: datetime) -> Negotiation:
    """The own standing offer falls; either side may make another. Errors: NotFound, NotYourStep, NotInProcedure."""
    row, _ = _own(cmd.negotiation, actor)
    standing = standing_of(row)
    engine.act(
        row.case_id, Command("withdraw_offer", {"reason": cmd.reason} if cmd.reason else {}), actor=actor, now=now,
        fact_data={"negotiation": row.number, "offer": standing.number if standing else ""},
    )  # fmt: skip
    assert standing is not None
    standing.withdrawn_at = now
    standing.save(update_fields=["withdrawn_at"])
    return row


@command("market.leave_negotiation", ("退出磋商", "leave a negotiation"))
def leave_negotiation(cmd: LeaveNegotiation, *, actor: Actor, now: datetime) -> Negotiation:
    """Errors: NotFound, Refused when it has ended."""
    row, _ = _own(cmd.negotiation, actor)
    standing = standing_of(row)
    engine.act(
        row.case_id, Command("leave", {"reason": cmd.reason} if cmd.reason else {}), actor=actor, now=now,
        fact_data={"negotiation": row.number},
    )  # fmt: skip
    if standing is not None:
        standing.withdrawn_at = now
        standing.save(update_fields=["withdrawn_at"])
    return row
