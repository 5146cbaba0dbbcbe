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
    BANK = "bank"


class PostingKind(StrEnum):
    """Why an arrow was drawn."""

    DEPOSIT = "deposit"
    PRICE = "price"
    VENUE_FEE = "venue_fee"
    SERVICE_FEE = "service_fee"
    SHARE = "share"
    PAYOUT = "payout"
    CLAIM = "claim"


class DueKind(StrEnum):
    PROCEEDS = "proceeds"
    SERVICE_FEE = "service_fee"
    VENUE_FEE = "venue_fee"
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
        "share": Text("收益分配", "share of the proceeds"),
        "payout": Text("银行付款", "paid out by the bank"),
        "claim": Text("认领来款", "unmatched payment claimed"),
    }
)
DUE_TITLES: Mapping[str, Text] = MappingProxyType(
    {
        "proceeds": Text("交易收入", "proceeds"),
        "service_fee": Text("第三方服务费", "third-party fee"),
        "venue_fee": Text("场所服务费", "the venue's fee"),
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
# Which rule a fee arrow stands on: the statement shows its article and force.
FEE_RULES: Mapping[str, str] = MappingProxyType(
    {"venue_fee": "settlement.venue_fee_bps", "service_fee": "settlement.service_body_fee_bps"}
)


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
    """A ledger in memory. `bank` is the only account without a floor: it is the world outside."""

    bank: Hashable
    balances: Mapping[Hashable, Balance] = field(default_factory=dict)
    arrows: Mapping[str, Arrow] = field(default_factory=dict)
    promises: Mapping[str, Promise] = field(default_factory=dict)

    def of(self, account: Hashable) -> Balance:
        return self.balances.get(account, Balance())

    def draw(self, arrows: Iterable[Arrow]) -> Book:
        """All or nothing; an arrow already drawn is drawn no second time.
        Errors: ReferenceConflict, InsufficientFunds."""
        fresh = {}
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
        if account != self.bank and balance.free < 0:
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
class Sale:
    """What is fixed when the escrow opens. `shares`: (organisation, parts), the provider among them when it has
    fellow right holders; `venue_fee_bps` after relief; `payer`: provider or buyer bears the fees."""

    price: int
    buyer: int
    provider: int
    venue_fee_bps: int
    service_fee_bps: int
    service_bodies: tuple[int, ...] = ()
    shares: tuple[tuple[int, int], ...] = ()
    payer: str = "provider"
    rounding: str = "half_up"

    def as_terms(self) -> dict[str, Any]:
        return {
            "price": self.price, "buyer": self.buyer, "provider": self.provider, "venue_fee_bps": self.venue_fee_bps,
            "service_fee_bps": self.service_fee_bps, "service_bodies": list(self.service_bodies),
            "shares": [list(pair) for pair in self.shares], "payer": self.payer, "rounding": self.rounding,
        }  # fmt: skip

    @classmethod
    def from_terms(cls, terms: Mapping[str, Any]) -> Sale:
        pairs = tuple((int(org), int(parts)) for org, parts in terms["shares"])
        return cls(**{**terms, "service_bodies": tuple(terms["service_bodies"]), "shares": pairs})


@dataclass(frozen=True)
class Move:
    """One arrow of a release, by owner: ("client", org), ("service_fee", org) or ("venue_fee", None)."""

    source: tuple[str, int | None]
    destination: tuple[str, int | None]
    amount: int
    kind: str


@dataclass(frozen=True)
class Division:
    """How a price is divided. `requested` is what the buyer pays in; `moves` in the order they are drawn;
    `dues` what each owner is to be paid in cash. The dues sum to `requested`."""

    requested: int
    venue_fee: int
    service_fees: tuple[tuple[int, int], ...]
    proceeds: tuple[tuple[int, int], ...]
    moves: tuple[Move, ...]
    dues: tuple[tuple[tuple[str, int | None], int, str], ...]


def fee_after_relief(rate: int, relief: int) -> int:
    """Basis points left of a rate when `relief` basis points of it are waived; the fen are rounded only once, later."""
    return int(bps(rate, 10_000 - relief, Rounding.UP)) if 0 <= relief <= 10_000 else rate


def divide(sale: Sale) -> Division:
    """Exact to the fen: price + fees borne by the buyer = fees + proceeds of all right holders.
    Errors: InputInvalid when the fees exceed the price, MoneyError for shares that are none."""
    venue_fee = int(bps(sale.price, sale.venue_fee_bps, sale.rounding))
    service = tuple((org, int(bps(sale.price, sale.service_fee_bps, sale.rounding))) for org in sale.service_bodies)
    fees = venue_fee + sum(amount for _, amount in service)
    on_top = sale.payer == "buyer"
    net = sale.price if on_top else sale.price - fees
    if net < 0:
        problem = ("费用超过价款", "the fees exceed the price")
        raise InputInvalid(fields="price", field_errors={"price": problem})
    parts = split(net, sale.shares) if sale.shares else {sale.provider: net}
    proceeds = tuple((org, int(amount)) for org, amount in parts.items() if amount)
    buyer, provider = ("client", sale.buyer), ("client", sale.provider)
    bearer = buyer if on_top else provider
    moves = [Move(buyer, provider, sale.price, PostingKind.PRICE)]
    moves += [Move(bearer, ("venue_fee", None), venue_fee, PostingKind.VENUE_FEE)] if venue_fee else []
    moves += [Move(bearer, ("service_fee", org), fee, PostingKind.SERVICE_FEE) for org, fee in service if fee]
    moves += [
        Move(provider, ("client", org), amount, PostingKind.SHARE) for org, amount in proceeds if org != sale.provider
    ]
    dues: list[tuple[tuple[str, int | None], int, str]] = [
        (("client", org), amount, DueKind.PROCEEDS) for org, amount in proceeds
    ]
    dues += [(("service_fee", org), fee, DueKind.SERVICE_FEE) for org, fee in service if fee]
    dues += [(("venue_fee", None), venue_fee, DueKind.VENUE_FEE)] if venue_fee else []
    requested = sale.price + (fees if on_top else 0)
    return Division(requested, venue_fee, service, proceeds, tuple(moves), tuple(dues))
