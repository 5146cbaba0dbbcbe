"""What pages and the API read of the local zone and of our own listings at other venues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from shugu.catalogue import queries as catalogue
from shugu.edges.federation import agreements, peers, sharing, zone
from shugu.edges.federation.domain_sharing import SAME, SHOWN, stale
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_sharing import CrossOrder, Feed, Shared, ZoneListing
from shugu.edges.federation.queries import SEATS
from shugu.formats.sealed import read_sealed
from shugu.formats.verify import Report, Verifier
from shugu.kernel import documents, signer
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text

# A settlement officer watches orders too: what is settled between venues comes of them.
WATCHING_MONEY = SEATS | {"settlement_officer"}
PAGE = 20
MOST_PAGES = 50


@dataclass(frozen=True)
class ZoneView:
    """A listing of another venue. `confirmed_at`: when that venue last signed that it lists this; `same_as`: what it is the
    same object as, (origin, number), where it is listed already."""

    venue: str
    venue_title: Text
    origin: str
    base_url: str
    product: str
    digest: str
    listing: Mapping[str, Any]
    confirmed_at: datetime
    stale: bool
    same_as: tuple[str, str] | None
    certificate: str
    fees: Mapping[str, int]
    agreement: str


@dataclass(frozen=True)
class VenueLine:
    venue: str
    title: Text
    count: int
    confirmed_at: datetime | None


@dataclass(frozen=True)
class ZonePage:
    """One page of the zone; `venues` counts what each venue shows, whatever was searched for."""

    rows: tuple[ZoneView, ...]
    total: int
    page: int
    pages: int
    venues: tuple[VenueLine, ...]


def _open_peers(now: datetime) -> dict[int, Any]:
    """{id of the peer: (agreement, terms, what is shared)} of the venues whose listings are shown now."""
    rows = Peer.objects.filter(paused=False).order_by("venue")
    found = {p.pk: sharing.agreed(p, p.origin, signer.origin(), now) for p in rows}
    return {key: value for key, value in found.items() if value is not None}


def listings(now: datetime, q: str = "", venue: str = "", industry: str = "", page: int = 1) -> ZonePage:
    """What may be seen in the zone now: under an agreement in force, not withdrawn, no object that is listed already."""
    open_ = _open_peers(now)
    shown = ZoneListing.objects.select_related("peer").filter(state=SHOWN, peer__in=open_)
    feeds = {f.peer_id: f for f in Feed.objects.filter(peer__in=open_)}
    venues = tuple(
        VenueLine(p.venue, Text(*p.title), shown.filter(peer=p).count(), feeds[p.pk].confirmed_at if p.pk in feeds else None)
        for p in Peer.objects.filter(pk__in=open_).order_by("venue")
    )
    rows = shown.filter(**({"peer__venue": venue} if venue else {}), **({"industry": industry} if industry else {}))
    asked = catalogue.ts_query(q)
    if asked:
        rows = rows.extra(where=["federation_zonelisting.terms @@ %s::tsquery"], params=[asked])
    elif q.strip():
        rows = rows.none()
    total = rows.count()
    pages = max(1, min(-(-total // PAGE), MOST_PAGES))
    at = min(max(page, 1), pages)
    shown_now = rows.order_by("-since", "-pk")[(at - 1) * PAGE : at * PAGE]
    found = tuple(_view(r, feeds.get(r.peer_id), open_[r.peer_id], now) for r in shown_now)
    return ZonePage(found, total, at, pages, venues)


def listing(venue: str, product: str, now: datetime) -> ZoneView:
    """One listing, also where it is the same object as another. Errors: NotFound, also for what was withdrawn."""
    missing = NotFound(what=(f"挂牌 {product}", f"listing {product}"))
    row = ZoneListing.objects.select_related("peer").filter(
        peer__venue=venue, product=product, state__in=(SHOWN, SAME), peer__paused=False
    ).first()
    if row is None:
        raise missing
    found = sharing.agreed(row.peer, row.peer.origin, signer.origin(), now)
    if found is None:
        raise missing
    return _view(row, Feed.objects.filter(peer=row.peer).first(), found, now)


def _view(row: ZoneListing, feed: Feed | None, agreed: Any, now: datetime) -> ZoneView:
    agreement, terms, shares = agreed
    at = zone.confirmed_at(row, feed)
    origin, _, number = row.same_as.rpartition(":")
    return ZoneView(
        row.peer.venue, Text(*row.peer.title), row.peer.origin, row.peer.base_url.rstrip("/"), row.product, row.digest,
        row.listing, at, stale(at, now, zone.freshness(shares.freshness)), (origin, number) if row.same_as else None,
        row.certificate, terms.fees, agreement.reference,
    )  # fmt: skip


def certificate_report(view: ZoneView, now: datetime) -> Report | None:
    """The numbered checks of the provider's certificate with the keys pinned for its venue; None until it was fetched."""
    if not view.certificate:
        return None
    pins = agreements.trusted(peers.peer_of(view.origin), now)
    return Verifier(pins, now).sealed(read_sealed(documents.get(view.certificate)))


@dataclass(frozen=True)
class SharedLine:
    """One of our products at another venue; `answer` what that venue made of it, "" for shown."""

    venue: str
    product: str
    version: str
    serial: int
    told_at: datetime
    withdrawn_at: datetime | None
    answer: str
    answer_code: str


def shared(actor: Actor) -> list[SharedLine]:
    """Newest first; an organisation sees its own products. Errors: Forbidden."""
    if not (actor.seats & SEATS or actor.org is not None):
        raise Forbidden()
    rows = Shared.objects.select_related("peer").order_by("-told_at", "-pk")
    if not actor.seats & SEATS:
        assert actor.org is not None
        rows = rows.filter(product__in=catalogue.numbers_of(actor.org))
    return [
        SharedLine(r.peer.venue, r.product, r.version, r.serial, r.told_at, r.withdrawn_at, r.answer, r.answer_code)
        for r in rows[:1_000]
    ]


@dataclass(frozen=True)
class FeedLine:
    venue: str
    title: Text
    sent: int
    heard: int
    shown: int
    same: int
    refused: int
    confirmed_at: datetime | None
    gap: bool
    trouble: str


def feeds(actor: Actor) -> list[FeedLine]:
    """How the exchange with each venue stands. Errors: Forbidden."""
    if not actor.seats & SEATS:
        raise Forbidden()
    out = []
    for feed in Feed.objects.select_related("peer").order_by("peer__venue"):
        states = list(ZoneListing.objects.filter(peer=feed.peer).values_list("state", flat=True))
        out.append(
            FeedLine(
                feed.peer.venue, Text(*feed.peer.title), feed.sent, feed.heard, states.count(SHOWN), states.count(SAME),
                states.count("refused"), feed.confirmed_at, feed.gap, feed.trouble,
            )
        )  # fmt: skip
    return out


@dataclass(frozen=True)
class OrderLine:
    """An order over two venues as it stands here; fees in fen once it is completed, digests of voucher and acknowledgement."""

    number: str
    side: str
    venue: str
    venue_title: Text
    base_url: str
    case: int
    case_number: str
    org: int
    product: str
    title: str
    state: str
    state_title: Text
    contract: str
    voucher: str
    acknowledgement: str
    listing_fen: int | None
    selling_fen: int | None
    placed_at: datetime
    reason: str
    stage: str
    agreement: str
    settlement: str


def orders(actor: Actor) -> list[OrderLine]:
    """Newest first: an organisation's own, every one for those who watch. Errors: Forbidden."""
    return [_order(row) for row in _visible(actor)[:1_000]]


def order(side: str, number: str, actor: Actor) -> OrderLine:
    """Errors: Forbidden, NotFound; to a stranger it does not exist."""
    row = _visible(actor).filter(side=side, number=number).first()
    if row is None:
        raise NotFound(what=(f"订单 {number}", f"order {number}"))
    return _order(row)


def _visible(actor: Actor) -> QuerySet[CrossOrder]:
    rows = CrossOrder.objects.select_related("peer", "case", "settlement").order_by("-placed_at", "-pk")
    if actor.seats & WATCHING_MONEY:
        return rows
    if actor.org is None:
        raise Forbidden()
    return rows.filter(org_id=actor.org)


def _order(r: CrossOrder) -> OrderLine:
    return OrderLine(
        r.number, r.side, r.peer.venue, Text(*r.peer.title), r.peer.base_url.rstrip("/"), r.case_id, r.case.number, r.org_id,
        r.product, r.title, r.case.state, table(r.case.procedure, r.case.version).state[r.case.state].title, r.contract,
        r.voucher, r.acknowledgement, r.listing_fen, r.selling_fen, r.placed_at, r.reason, r.stage, r.agreement,
        r.settlement.number if r.settlement is not None else "",
    )  # fmt: skip
