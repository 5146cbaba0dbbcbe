"""What pages, API and command line read of the settlements between venues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.edges.federation import netting, settling
from shugu.edges.federation.domain_sharing import SELLING
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import Feed
from shugu.edges.federation.queries import SEATS
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.settlement import queries as money

WATCHING = SEATS | {"settlement_officer"}


@dataclass(frozen=True)
class SettlementView:
    """`orders`: rows of order, voucher (digest), selling_fen; `account` where the money goes; fen."""

    number: str
    case: int
    case_number: str
    side: str
    venue: str
    venue_title: Text
    state: str
    state_title: Text
    amount: int
    orders: tuple[Mapping[str, Any], ...]
    account: Mapping[str, str]
    claimed_at: datetime
    instruction: str
    paid_on: date | None
    received_on: date | None
    reason: str
    period: str
    nets: tuple[Mapping[str, Any], ...]
    netting: str


@dataclass(frozen=True)
class Period:
    """What waits to be netted with a venue in one period, fen. `over`: it can be drawn up; `ours`: by us, for the balance is
    due to us."""

    period: str
    to_us: int
    by_us: int
    over: bool

    @property
    def balance(self) -> int:
        return self.to_us - self.by_us

    @property
    def ours(self) -> bool:
        return self.over and self.balance >= 0


@dataclass(frozen=True)
class Standing:
    """How the money stands with one venue, fen, by our own ledger. `claimable`: of completed orders and in no settlement;
    `payee`: number of its organisation here, "" while none is named; `periods`: what waits to be netted."""

    venue: str
    title: Text
    payee: str
    payee_name: str
    to_them: int
    to_us: int
    claimable: int
    periods: tuple[Period, ...] = ()


def _need(actor: Actor) -> None:
    if not actor.seats & WATCHING:
        raise Forbidden()


def settlements(actor: Actor) -> list[SettlementView]:
    """Newest first. Errors: Forbidden."""
    _need(actor)
    return [_view(r) for r in VenueSettlement.objects.select_related("case", "peer", "netting").order_by("-pk")[:500]]


def settlement(number: str, actor: Actor, side: str = "") -> SettlementView:
    """Two venues may have given the same number: then `side` tells which. Errors: Forbidden, NotFound."""
    _need(actor)
    rows = VenueSettlement.objects.select_related("case", "peer", "netting").filter(number=number)
    rows = rows.filter(side=side) if side else rows
    row = rows.order_by("-pk").first()
    if row is None:
        raise NotFound(what=(f"清算 {number}", f"settlement {number}"))
    return _view(row)


def _view(row: VenueSettlement) -> SettlementView:
    case = row.case
    return SettlementView(
        row.number, row.pk, case.number, row.side, row.peer.venue, Text(*row.peer.title), case.state,
        table(case.procedure, case.version).state[case.state].title, row.amount, tuple(row.orders), row.account, row.claimed_at,
        row.instruction, row.paid_on, row.received_on, row.reason, row.period, tuple(row.nets),
        row.netting.number if row.netting else "",
    )  # fmt: skip


def standings(actor: Actor) -> list[Standing]:
    """One line a venue. Errors: Forbidden."""
    _need(actor)
    return [_standing(peer) for peer in Peer.objects.order_by("venue")]


def standing(venue: str, actor: Actor) -> Standing:
    """Errors: Forbidden, NotFound."""
    _need(actor)
    peer = Peer.objects.filter(venue=venue).first()
    if peer is None:
        raise NotFound(what=(f"场所 {venue}", f"venue {venue}"))
    return _standing(peer)


def _standing(peer: Peer) -> Standing:
    payee = Feed.objects.filter(peer=peer).values_list("payee", flat=True).first() or ""
    title = Text(*peer.title)
    if not payee:
        return Standing(peer.venue, title, "", "", 0, 0, 0)
    org = parties.organisation_by_number(payee)
    found = money.between(org.id)
    claimable = sum(settling.unsettled(peer, SELLING).values_list("selling_fen", flat=True))
    today = local_day(clock.now())
    periods = tuple(Period(p, *sums, netting.over(p, today)) for p, sums in sorted(netting.periods(peer).items()))
    return Standing(peer.venue, title, payee, org.name, found.payable, found.receivable, claimable, periods)
