"""The ledger as pure values: arrows between accounts, two-phase reservations, and how a price is divided.

`Book` is the model the database is tested against: whatever is done, the sum of all balances is zero, no account
but the bank's falls below what it has reserved, and replaying the arrows gives the balances.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from shugu.kernel.errors import InputInvalid
from shugu.kernel.money import Rounding, bps, split
from shugu.kernel.text import Text
from shugu.settlement.errors import InsufficientFunds, ReferenceConflict, ReservationClosed, TooMuch


class AccountKind(StrEnum):
    CLIENT = "client"
    SERVICE_FEE = "service_fee"
    VENUE_FEE = "venue_fee"
    SUSPENSE = "suspense"
    VENUE_CLAIM = "venue_claim"  # what another venue owes us, below zero like the bank: it is held outside
    VENUE_ACCRUED = "venue_accrued"  # what we have earned by it
    BANK = "bank"


OUTSIDE = frozenset({AccountKind.BANK, AccountKind.VENUE_CLAIM})


class PostingKind(StrEnum):
    """Why an arrow was drawn."""

    DEPOSIT = "deposit"
    PRICE = "price"
    VENUE_FEE = "venue_fee"
    SERVICE_FEE = "service_fee"
    SELLING_VENUE = "selling_venue"
    ACCRUED = "venue_accrued"
    EARNED, SHARE = "venue_earned", "share"
    RELIEF = "fee_relief"
    PAYOUT = "payout"
    CLAIM = "claim"
    NETTED = "netted"


class DueKind(StrEnum):
    PROCEEDS = "proceeds"
    SERVICE_FEE = "service_fee"
    VENUE_FEE = "venue_fee"
    SELLING_VENUE = "selling_venue"
    RELIEF = "fee_relief"
    REFUND = "refund"
    RETURN = "return"


class Phase(StrEnum):
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


POSTING_TITLES: Mapping[str, Text] = MappingProxyType(
    {
        "deposit": Text("缴存交易款", "paid in"),
        "price": Text("交易价款", "price of the trade"),
        "venue_fee": Text("场所服务费", "the venue's fee"),
        "service_fee": Text("第三方服务费", "third-party fee"),
        "selling_venue": Text("成交场所分成", "the selling venue's part of the fee"),
        "venue_accrued": Text("应收其他场所分成", "due from another venue"),
        "venue_earned": Text("收到其他场所分成", "received from another venue"),
        "share": Text("收益分配", "share of the proceeds"),
        "fee_relief": Text("服务费减免", "relief from the venue's fee"),
        "payout": Text("银行付款", "paid out by the bank"),
        "claim": Text("认领来款", "unmatched payment claimed"),
        "netted": Text("场所间轧差", "set off between venues"),
    }
)
DUE_TITLES: Mapping[str, Text] = MappingProxyType(
    {
        "proceeds": Text("交易收入", "proceeds"),
        "service_fee": Text("第三方服务费", "third-party fee"),
        "venue_fee": Text("场所服务费", "the venue's fee"),
        "selling_venue": Text("成交场所分成", "the selling venue's part of the fee"),
        "fee_relief": Text("服务费减免", "relief from the venue's fee"),
        "refund": Text("退款", "refund"),
        "return": Text("退回来款", "payment sent back"),
    }
)
PHASE_TITLES: Mapping[str, Text] = MappingProxyType(
    {
        "pending": Text("预留中", "reserved"),
        "posted": Text("已划转", "moved"),
        "voided": Text("已解除", "released"),
        "expired": Text("已过期", "expired"),
    }
)
# A relief arrow stands on what the city allows; fee arrows carry the rule the contract was signed under.
RELIEF_RULE = "settlement.fee_relief_allowed"


@dataclass(frozen=True)
class Arrow:
    """`amount` fen, positive, from `source` to `destination` (account ids); `reference` is unique in the ledger."""

    reference: str
    source: Hashable
    destination: Hashable
    amount: int
    kind: str = "price"

    def __post_init__(self) -> None:
        if type(self.amount) is not int or self.amount <= 0 or self.source == self.destination:
            what = ("金额须为正的整数分，两端须不同", "a positive integer of fen between two different accounts")
            raise InputInvalid(fields="amount", field_errors={"amount": what})


@dataclass(frozen=True)
class Leg:
    """Where a part of a reservation goes."""

    destination: Hashable
    amount: int
    kind: str = "price"


@dataclass(frozen=True)
class Balance:
    posted: int = 0
    reserved: int = 0

    @property
    def free(self) -> int:
        return self.posted - self.reserved


@dataclass(frozen=True)
class Promise:
    """A reservation: `amount` of `source`, until `expires_at` if given."""

    reference: str
    source: Hashable
    amount: int
    expires_at: datetime | None = None
    phase: Phase = Phase.PENDING
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True)
class Book:
    """A ledger in memory. `bank` and the `claims` have no floor: they are the world outside."""

    bank: Hashable
    balances: Mapping[Hashable, Balance] = field(default_factory=dict)
    arrows: Mapping[str, Arrow] = field(default_factory=dict)
    promises: Mapping[str, Promise] = field(default_factory=dict)
    claims: frozenset[Hashable] = frozenset()

    def of(self, account: Hashable) -> Balance:
        return self.balances.get(account, Balance())

    def draw(self, arrows: Iterable[Arrow]) -> Book:
        """All or nothing; an arrow already drawn is drawn no second time.
        Errors: ReferenceConflict, InsufficientFunds."""
        fresh: dict[str, Arrow] = {}
        for arrow in arrows:
            known = self.arrows.get(arrow.reference) or fresh.get(arrow.reference)
            if known is not None and known != arrow:
                raise ReferenceConflict(reference=arrow.reference)
            fresh[arrow.reference] = arrow
        fresh = {k: v for k, v in fresh.items() if k not in self.arrows}
        balances = dict(self.balances)
        for account, change in deltas(fresh.values()).items():
            was = balances.get(account, Balance())
            balances[account] = replace(was, posted=was.posted + change)
            self._floor(account, balances[account])
        return replace(self, balances=balances, arrows={**self.arrows, **fresh})

    def _floor(self, account: Hashable, balance: Balance) -> None:
        if account != self.bank and account not in self.claims and balance.free < 0:
            raise InsufficientFunds()

    def reserve(self, promise: Promise) -> Book:
        """First phase. Errors: InsufficientFunds, ReferenceConflict, InputInvalid."""
        known = self.promises.get(promise.reference)
        if known is not None:
            if (known.source, known.amount) != (promise.source, promise.amount):
                raise ReferenceConflict(reference=promise.reference)
            return self
        if promise.amount <= 0:
            raise InputInvalid(fields="amount", field_errors={"amount": ("须为正数", "must be positive")})
        was = self.of(promise.source)
        now = replace(was, reserved=was.reserved + promise.amount)
        self._floor(promise.source, now)
        return replace(
            self,
            balances={**self.balances, promise.source: now},
            promises={**self.promises, promise.reference: promise},
        )

    def post(self, reference: str, legs: tuple[Leg, ...]) -> Book:
        """Second phase: the legs move, what is left of the reservation is free again.
        Errors: ReservationClosed, TooMuch, ReferenceConflict when it was posted with other legs."""
        promise = self.promises[reference]
        if promise.phase is Phase.POSTED:
            if promise.legs != legs:
                raise ReferenceConflict(reference=reference)
            return self
        freed = self._close(promise, Phase.POSTED, legs)
        moved = check_legs(promise.amount, legs)
        assert moved <= promise.amount
        return freed.draw(arrows_of(reference, promise.source, legs))

    def _close(self, promise: Promise, phase: Phase, legs: tuple[Leg, ...] = ()) -> Book:
        if promise.phase is not Phase.PENDING:
            raise ReservationClosed(state=PHASE_TITLES[promise.phase])
        was = self.of(promise.source)
        return replace(
            self,
            balances={**self.balances, promise.source: replace(was, reserved=was.reserved - promise.amount)},
            promises={**self.promises, promise.reference: replace(promise, phase=phase, legs=legs)},
        )

    def void(self, reference: str) -> Book:
        """Errors: ReservationClosed, unless it was voided already."""
        promise = self.promises[reference]
        return self if promise.phase is Phase.VOIDED else self._close(promise, Phase.VOIDED)

    def expire(self, now: datetime) -> Book:
        book = self
        for promise in self.promises.values():
            if promise.phase is Phase.PENDING and promise.expires_at is not None and promise.expires_at <= now:
                book = book._close(promise, Phase.EXPIRED)
        return book


def deltas(arrows: Iterable[Arrow]) -> dict[Hashable, int]:
    """What the arrows change, by account; the changes sum to zero."""
    out: dict[Hashable, int] = {}
    for arrow in arrows:
        out[arrow.source] = out.get(arrow.source, 0) - arrow.amount
        out[arrow.destination] = out.get(arrow.destination, 0) + arrow.amount
    return out


def replay(arrows: Iterable[Arrow]) -> dict[Hashable, int]:
    """Balances from genesis: what every account must hold if these arrows are all there ever were."""
    return deltas(arrows)


def check_legs(reserved: int, legs: tuple[Leg, ...]) -> int:
    """The sum of the legs. Errors: TooMuch, InputInvalid for none or one that is not positive."""
    if not legs or any(leg.amount <= 0 for leg in legs):
        raise InputInvalid(fields="legs", field_errors={"legs": ("须有金额为正的去向", "each leg has a positive amount")})
    moved = sum(leg.amount for leg in legs)
    if moved > reserved:
        raise TooMuch()
    return moved


def arrows_of(reference: str, source: Hashable, legs: tuple[Leg, ...]) -> tuple[Arrow, ...]:
    return tuple(
        Arrow(f"{reference}/{place}", source, leg.destination, leg.amount, leg.kind)
        for place, leg in enumerate(legs, start=1)
    )


@dataclass(frozen=True)
class Fee:
    """One fee line of a contract. kind: venue | selling_venue | service_body; `org` None is the venue; payer: provider | buyer.
    `rule`: name, document, article, force and rate_bps of what it stands on."""

    kind: str
    org: int | None
    payer: str
    amount: int
    rule: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ShareOf:
    """What a right holder gets of the revenue, as the contract says: parts of the whole and the fen they come to."""

    org: int
    parts: int
    amount: int


@dataclass(frozen=True)
class Sale:
    """The money lines both sides signed, fixed when the escrow opens. `relief`: basis points of the venue's fee waived."""

    price: int
    buyer: int
    provider: int
    fees: tuple[Fee, ...] = ()
    shares: tuple[ShareOf, ...] = ()
    relief: int = 0

    def borne_by(self, payer: str) -> int:
        return sum(fee.amount for fee in self.fees if fee.payer == payer)

    def as_terms(self) -> dict[str, Any]:
        return {
            "price": self.price, "buyer": self.buyer, "provider": self.provider, "relief": self.relief,
            "fees": [{**vars(fee), "rule": dict(fee.rule)} for fee in self.fees], "shares": [vars(x) for x in self.shares],
        }  # fmt: skip

    @classmethod
    def from_terms(cls, terms: Mapping[str, Any]) -> Sale:
        fees, shares = tuple(Fee(**f) for f in terms["fees"]), tuple(ShareOf(**x) for x in terms["shares"])
        return cls(terms["price"], terms["buyer"], terms["provider"], fees, shares, terms["relief"])


Owner = tuple[str, int | None]


@dataclass(frozen=True)
class Move:
    """One arrow of a release, by owner: ("client", org), ("service_fee", org) or ("venue_fee", None)."""

    source: Owner
    destination: Owner
    amount: int
    kind: str


@dataclass(frozen=True)
class Division:
    """How the money of a sale goes. `requested` is what the buyer pays in; `moves` in the order they are drawn;
    `selling_fee` is the part of the venue that brought the buyer, in neither `venue_fee` nor `service_fees`;
    `dues` (owner, fen, kind) is what each is to be paid in cash. The dues sum to `requested`."""

    requested: int
    venue_fee: int
    relief: int
    service_fees: int
    selling_fee: int
    moves: tuple[Move, ...]
    dues: tuple[tuple[Owner, int, str], ...]


def divide(sale: Sale) -> Division:
    """Exact to the fen: shares and fees borne by the provider make the price; relief is split by the shares' parts.
    Errors: InputInvalid when the lines do not sum to the price."""
    if sum(x.amount for x in sale.shares) + sale.borne_by("provider") != sale.price or sale.price <= 0:
        problem = ("费用与分配之和不等于价款", "fees and shares do not sum to the price")
        raise InputInvalid(fields="price", field_errors={"price": problem})
    buyer, provider, venue = ("client", sale.buyer), ("client", sale.provider), ("venue_fee", None)
    moves = [Move(buyer, provider, sale.price, PostingKind.PRICE)]
    owed: dict[tuple[Owner, str], int] = {}
    for share in sale.shares:
        if share.org != sale.provider:
            moves.append(Move(provider, ("client", share.org), share.amount, PostingKind.SHARE))
        _owe(owed, ("client", share.org), share.amount, DueKind.PROCEEDS)
    for fee in sale.fees:
        kind, due = _FEES.get(fee.kind, (PostingKind.SERVICE_FEE, DueKind.SERVICE_FEE))
        owner: Owner = venue if fee.kind == "venue" else ("service_fee", fee.org)
        moves.append(Move(buyer if fee.payer == "buyer" else provider, owner, fee.amount, kind))
        _owe(owed, owner, fee.amount, due)
    waived = _relief(sale)
    for org, amount in waived:
        moves.append(Move(venue, ("client", org), amount, PostingKind.RELIEF))
        _owe(owed, venue, -amount, DueKind.VENUE_FEE)
        _owe(owed, ("client", org), amount, DueKind.RELIEF if org == sale.buyer else DueKind.PROCEEDS)
    dues = tuple((owner, amount, kind) for (owner, kind), amount in owed.items() if amount)
    return Division(
        sale.price + sale.borne_by("buyer"), sum(f.amount for f in sale.fees if f.kind == "venue"),
        sum(amount for _, amount in waived), sum(f.amount for f in sale.fees if f.kind not in _FEES),
        sum(f.amount for f in sale.fees if f.kind == "selling_venue"), tuple(m for m in moves if m.amount), dues,
    )  # fmt: skip


_FEES: Mapping[str, tuple[PostingKind, DueKind]] = {
    "venue": (PostingKind.VENUE_FEE, DueKind.VENUE_FEE),
    "selling_venue": (PostingKind.SELLING_VENUE, DueKind.SELLING_VENUE),
}


def _owe(owed: dict[tuple[Owner, str], int], owner: Owner, amount: int, kind: str) -> None:
    owed[owner, kind] = owed.get((owner, kind), 0) + amount


def _relief(sale: Sale) -> list[tuple[int, int]]:
    """Who gets how much of the waived venue fee: those who bore it, right holders by their parts."""
    out: list[tuple[int, int]] = []
    for fee in sale.fees:
        if fee.kind != "venue" or not sale.relief:
            continue
        waived = int(bps(fee.amount, sale.relief, Rounding.DOWN))
        if fee.payer == "buyer":
            out.append((sale.buyer, waived))
        else:
            out += [(org, int(n)) for org, n in split(waived, [(x.org, x.parts) for x in sale.shares]).items()]
    return [(org, amount) for org, amount in out if amount]
