"""The local zone, orders over two venues and settlements between venues over the API: what the pages do, in JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from shugu.edges.federation import queries, queries_settling, queries_zone, services, shown_order
from shugu.edges.federation.queries_settling import SettlementView, Standing
from shugu.edges.federation.queries_zone import FeedLine, OrderLine, SharedLine, ZoneView
from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.text import Text
from shugu.party import services as party
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class OrderIn(Strict):
    """A listing of another venue, as the zone shows it."""

    venue: str
    product: str


class CodeIn(Strict):
    code: str


class PayeeIn(Strict):
    """`organisation`: number of one registered here; without it, `name` and `uscc` of a new one."""

    organisation: str = ""
    name: str = ""
    name_en: str = ""
    uscc: str = ""


class ClaimIn(Strict):
    venue: str


class NetIn(Strict):
    venue: str
    period: str


class SettlementActIn(Strict):
    input: dict[str, str] = {}
    undertaking: str = ""


def _pair(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def zone_row(row: ZoneView) -> dict[str, Any]:
    return {
        "venue": row.venue, "venue_title": _pair(row.venue_title), "origin": row.origin, "product": row.product,
        "digest": row.digest, "confirmed_at": row.confirmed_at, "stale": row.stale,
        "orderable": not row.stale and row.same_as is None,
        "same_as": {"origin": row.same_as[0], "product": row.same_as[1]} if row.same_as is not None else None,
        "agreement": row.agreement, "fees": dict(row.fees), "url": f"{row.base_url}/products/{row.product}/",
        "listing": dict(row.listing),
    }  # fmt: skip


def order_row(row: OrderLine) -> dict[str, Any]:
    return {
        "order": row.number, "side": row.side, "venue": row.venue, "product": row.product, "title": row.title,
        "state": row.state, "state_title": _pair(row.state_title), "stage": row.stage, "agreement": row.agreement,
        "contract": row.contract, "voucher": row.voucher, "acknowledgement": row.acknowledgement,
        "listing_fen": row.listing_fen, "selling_fen": row.selling_fen, "placed_at": row.placed_at, "reason": row.reason,
        "settlement": row.settlement,
    }  # fmt: skip


def settlement_row(row: SettlementView) -> dict[str, Any]:
    return {
        "settlement": row.number, "side": row.side, "venue": row.venue, "state": row.state,
        "state_title": _pair(row.state_title), "amount_fen": row.amount, "orders": [dict(o) for o in row.orders],
        "account": dict(row.account), "claimed_at": row.claimed_at, "instruction": row.instruction, "paid_on": row.paid_on,
        "received_on": row.received_on, "reason": row.reason, "case": row.case_number, "period": row.period,
        "nets": [dict(n) for n in row.nets], "netting": row.netting,
    }  # fmt: skip


def standing_row(row: Standing) -> dict[str, Any]:
    return {
        "venue": row.venue, "title": _pair(row.title), "payee": row.payee, "payee_name": row.payee_name,
        "payable_fen": row.to_them, "receivable_fen": row.to_us, "claimable_fen": row.claimable,
        "to_net": [
            {"period": p.period, "owed_to_us_fen": p.to_us, "owed_by_us_fen": p.by_us, "over": p.over} for p in row.periods
        ],
    }  # fmt: skip


def _shared(row: SharedLine) -> dict[str, Any]:
    return {
        "venue": row.venue, "product": row.product, "version": row.version, "serial": row.serial, "told_at": row.told_at,
        "withdrawn_at": row.withdrawn_at, "answer": row.answer, "answer_code": row.answer_code,
    }  # fmt: skip


def feed_row(row: FeedLine) -> dict[str, Any]:
    return {
        "venue": row.venue, "title": _pair(row.title), "sent": row.sent, "heard": row.heard, "shown": row.shown,
        "same_object": row.same, "refused": row.refused, "confirmed_at": row.confirmed_at, "gap": row.gap,
        "trouble": row.trouble,
    }  # fmt: skip


@router.get("/federation/zone", operation_id="federation_zone")
def zone(request: HttpRequest, q: str = "", venue: str = "", industry: str = "", page: int = 1) -> dict[str, Any]:
    """What other venues list, beside our own market: everybody may read it."""
    found = queries_zone.listings(clock.now(), q[:200], venue, industry, page)
    venues = [
        {"venue": v.venue, "title": _pair(v.title), "count": v.count, "confirmed_at": v.confirmed_at} for v in found.venues
    ]
    rows = [zone_row(row) for row in found.rows]
    return {"total": found.total, "page": found.page, "pages": found.pages, "venues": venues, "rows": rows}


@router.get("/federation/zone/{venue}/{product}", operation_id="federation_zone_listing")
def zone_listing(request: HttpRequest, venue: str, product: str) -> dict[str, Any]:
    """One listing with the checks of its provider's certificate, made with the keys pinned here."""
    now = clock.now()
    view = queries_zone.listing(venue, product, now)
    report = queries_zone.certificate_report(view, now)
    return {**zone_row(view), "certificate": report.as_dict("en") if report is not None else None}


@router.get("/federation/shared", operation_id="federation_shared")
def shared(request: HttpRequest) -> list[dict[str, Any]]:
    """Our products at other venues: an organisation's own, every one for those who watch."""
    return [_shared(row) for row in queries_zone.shared(actor_of(request))]


@router.get("/federation/feeds", operation_id="federation_feeds")
def feeds(request: HttpRequest) -> list[dict[str, Any]]:
    """How the exchange of listings with each venue stands."""
    return [feed_row(row) for row in queries_zone.feeds(actor_of(request))]


@router.get("/federation/orders", operation_id="federation_orders")
def orders(request: HttpRequest) -> list[dict[str, Any]]:
    """An organisation's own orders over two venues; every one for those who watch."""
    return [order_row(row) for row in queries_zone.orders(actor_of(request))]


@router.post("/federation/orders", operation_id="federation_place_order")
def place_order(request: HttpRequest, payload: OrderIn) -> dict[str, Any]:
    """Order from another venue. `code` is shown this once: with it the buyer's person enters at the listing venue."""
    actor = actor_of(request)
    row, code = services.order(payload.venue, payload.product, actor, clock.now(), key_of(request))
    return {**order_row(queries_zone.order(row.side, row.number, actor)), "code": code}


@router.get("/federation/orders/{side}/{number}", operation_id="federation_order")
def order(request: HttpRequest, side: str, number: str) -> dict[str, Any]:
    """One order; `todo` says what its buyer has to do now and at which address."""
    row = queries_zone.order(side, number, actor_of(request))
    steps = shown_order.timeline(row, cases.timeline(row.case)) if side == "selling" else []
    todo = [
        {"title": str(e.title), "what": e.opinion, "url": e.attachments[0].href if e.attachments else ""}
        for e in steps
        if e.current
    ]
    return {**order_row(row), "guidance": _pair(shown_order.guidance(row)), "todo": todo}


@router.post("/federation/orders/selling/{number}/withdraw", operation_id="federation_withdraw_order")
def withdraw_order(request: HttpRequest, number: str) -> dict[str, Any]:
    """Ask the listing venue to let the order go; it counts once that venue has taken it."""
    actor = actor_of(request)
    row = services.ask_withdrawal(services.AskWithdrawal(number), actor=actor, now=clock.now(), key=key_of(request))
    return order_row(queries_zone.order(row.side, row.number, actor))


@router.post("/federation/guest", operation_id="federation_enter_as_guest")
def enter(request: HttpRequest, payload: CodeIn) -> dict[str, Any]:
    """At the listing venue: the person enters for the organisation that another venue brought, once a code."""
    cmd = party.entering(payload.code.strip())
    made = party.enter_as_guest(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"organisation": made.org.number, "name": made.org.name}


@router.put("/federation/peers/{venue}/payee", operation_id="federation_name_payee")
def name_payee(request: HttpRequest, venue: str, payload: PayeeIn) -> dict[str, Any]:
    """Name the other venue's organisation here, with which parts of fees are settled."""
    actor = actor_of(request)
    cmd = services.NamePayee(queries.peer(venue, actor).origin, **payload.dict())
    services.name_payee(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return standing_row(queries_settling.standing(venue, actor))


@router.get("/federation/standings", operation_id="federation_standings")
def standings(request: HttpRequest) -> list[dict[str, Any]]:
    """How the money stands with each venue, by our own ledger."""
    return [standing_row(row) for row in queries_settling.standings(actor_of(request))]


@router.get("/federation/settlements", operation_id="federation_settlements")
def settlements(request: HttpRequest) -> list[dict[str, Any]]:
    return [settlement_row(row) for row in queries_settling.settlements(actor_of(request))]


@router.post("/federation/settlements", operation_id="federation_claim_shares")
def claim_shares(request: HttpRequest, payload: ClaimIn) -> dict[str, Any]:
    """Claim everything that a venue owes and was not asked for yet."""
    actor = actor_of(request)
    row = services.claim_shares(services.ClaimShares(payload.venue), actor=actor, now=clock.now(), key=key_of(request))
    return settlement_row(queries_settling.settlement(row.number, actor, row.side))


@router.post("/federation/nettings", operation_id="federation_net_shares")
def net_shares(request: HttpRequest, payload: NetIn) -> dict[str, Any]:
    """Set off what both venues agreed in a period: the balance is claimed, by the venue to which it is due."""
    actor = actor_of(request)
    cmd = services.NetShares(payload.venue, payload.period)
    row = services.net_shares(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return settlement_row(queries_settling.settlement(row.number, actor, row.side))


@router.get("/federation/settlements/{side}/{number}", operation_id="federation_settlement")
def settlement(request: HttpRequest, side: str, number: str) -> dict[str, Any]:
    return settlement_row(queries_settling.settlement(number, actor_of(request), side))


@router.post("/federation/settlements/debtor/{number}/{do}", operation_id="federation_act_on_settlement")
def act_on_settlement(request: HttpRequest, number: str, do: str, payload: SettlementActIn) -> dict[str, Any]:
    """agree or decline, at the venue that owes."""
    actor = actor_of(request)
    case = queries_settling.settlement(number, actor, "debtor").case
    cmd = services.ActOnSettlement(case, do, payload.input, payload.undertaking)
    services.act_on_settlement(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return settlement_row(queries_settling.settlement(number, actor, "debtor"))
