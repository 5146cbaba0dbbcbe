"""A contract's money: requested, held, released with fees and shares, or given back. Door: services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.kernel import engine, journal, runtime, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.rules import RuleSet
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.settlement import ledger
from shugu.settlement.domain import AccountKind, Arrow, Division, DueKind, PostingKind, Sale, divide, fee_after_relief
from shugu.settlement.errors import ReferenceConflict
from shugu.settlement.models import BankAccount, Due, Escrow, Reservation, Share

PROCEDURE = "settlement.escrow"
Pair = tuple[str, str]


@dataclass(frozen=True)
class OpenEscrow:
    """The money side of an approved contract. `service_bodies`: organisations that earn the third-party fee."""

    contract: int
    contract_number: str
    buyer: int
    provider: int
    price_fen: int
    entry: int
    service_bodies: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReleaseEscrow:
    contract: int
    reference: str


@dataclass(frozen=True)
class RefundEscrow:
    contract: int
    reference: str


@dataclass(frozen=True)
class DeclareShares:
    """(organisation, whole parts) of one entry's proceeds, the provider among them; empty ends the division."""

    entry: int
    shares: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SetBankAccount:
    """`org` None is the venue's own account. `number`: 8–34 letters and digits, as the bank writes it."""

    org: int | None
    holder: str
    bank: str
    number: str


@context("settlement.escrow")
def escrow_context(case: int) -> dict[str, Any]:
    return {}


@command("settlement.open_escrow", ("发起缴款申请", "request payment into escrow"))
def open_escrow(cmd: OpenEscrow, *, actor: Actor, now: datetime) -> Escrow:
    """Fixes fees and shares under today's rules and starts the payment window.
    The same contract gives the same escrow. Errors: ReferenceConflict, InputInvalid, Forbidden."""
    known = Escrow.objects.filter(contract=cmd.contract).first()
    if known is not None:
        if (known.contract_number, known.buyer_id, known.provider_id, known.price) != (
            cmd.contract_number, cmd.buyer, cmd.provider, cmd.price_fen,
        ):  # fmt: skip
            raise ReferenceConflict(reference=cmd.contract_number)
        return known
    sale = sale_of(cmd, runtime.rules_on(local_day(now)), now)
    division = divide(sale)
    number = store.next_number("escrow", local_day(now).year)
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{cmd.contract_number} · 资金托管",
        parties=[PartyView("buyer", None, cmd.buyer), PartyView("provider", None, cmd.provider)],
        subjects=[f"trade.contract:{cmd.contract}"], data={"contract": cmd.contract_number, "escrow": number},
        fact_data={"contract": cmd.contract_number, "escrow": number, "requested_fen": division.requested},
    )  # fmt: skip
    return Escrow.objects.create(
        case_id=case, number=number, contract=cmd.contract, contract_number=cmd.contract_number, buyer_id=cmd.buyer,
        provider_id=cmd.provider, price=cmd.price_fen, requested=division.requested, terms=sale.as_terms(), opened_at=now,
    )  # fmt: skip


def sale_of(cmd: OpenEscrow, rules: RuleSet, now: datetime) -> Sale:
    """What is fixed at opening. Errors: InputInvalid for a price below the venue's lowest."""
    if cmd.price_fen < rules.value("settlement.price_min").number:
        problem = ("低于最低价格", "below the lowest price")
        raise InputInvalid(fields="price_fen", field_errors={"price_fen": problem})
    rate = rules.value("settlement.venue_fee_bps").number
    relief = relief_bps(cmd.provider, rules, now)
    shares = tuple(
        Share.objects.filter(provider_id=cmd.provider, entry=cmd.entry, ended_at__isnull=True)
        .order_by("id").values_list("org_id", "parts")
    )  # fmt: skip
    return Sale(
        price=cmd.price_fen, buyer=cmd.buyer, provider=cmd.provider, venue_fee_bps=fee_after_relief(rate, relief),
        service_fee_bps=rules.value("settlement.service_body_fee_bps").number,
        service_bodies=tuple(dict.fromkeys(cmd.service_bodies)), shares=shares,
        payer=str(rules.value("settlement.fee_payer").value), rounding=str(rules.value("settlement.fee_rounding").value),
    )  # fmt: skip


def relief_bps(provider: int, rules: RuleSet, now: datetime) -> int:
    """The part of the venue's fee that is waived, in basis points: where the city allows it, for its data merchants."""
    allowed, relief = rules.get("settlement.fee_relief_allowed"), rules.get("settlement.merchant_fee_relief_bps")
    if allowed is None or not allowed.value or relief is None:
        return 0
    return relief.number if parties.is_accredited(provider, "merchant", local_day(now)) else 0


def find(contract: int) -> Escrow:
    """Errors: NotFound."""
    found = Escrow.objects.select_related("case").filter(contract=contract).first()
    if found is None:
        raise NotFound(what=("托管款项", "escrow"))
    return found


def fund(escrow: Escrow, *, actor: Actor, now: datetime) -> None:
    """Reserve what was requested on the buyer's account, where the money now is. Errors: InsufficientFunds, Refused."""
    source = ledger.account(AccountKind.CLIENT, escrow.buyer_id, now)

    def keep(applied: Applied) -> None:
        ledger.reserve(f"{escrow.number}/reserve", source, escrow.requested, now=now, escrow=escrow.pk)

    _act(escrow, "fund", {"amount_fen": escrow.requested}, actor, now, keep)


@command("settlement.release_escrow", ("放款", "release the money"))
def release_escrow(cmd: ReleaseEscrow, *, actor: Actor, now: datetime) -> Escrow:
    """Price to the provider, fees to venue and third parties, shares to fellow right holders, in one batch.
    Errors: NotFound, Refused."""
    escrow = find(cmd.contract)
    division = divide(Sale.from_terms(escrow.terms))

    def move(applied: Applied) -> None:
        _draw(escrow, division, actor, now)
        _owe(escrow, [(kind, org, amount, why) for (kind, org), amount, why in division.dues], now)

    proceeds = sum(amount for _, amount in division.proceeds)
    data = {
        "reference": cmd.reference, "price_fen": escrow.price, "proceeds_fen": proceeds, "venue_fee_fen": division.venue_fee,
        "service_fee_fen": sum(fee for _, fee in division.service_fees),
    }  # fmt: skip
    _act(escrow, "release", data, actor, now, move)
    return escrow


def _draw(escrow: Escrow, division: Division, actor: Actor, now: datetime) -> None:
    arrows = [
        Arrow(
            f"{escrow.number}/{place}", ledger.account(*move.source, now), ledger.account(*move.destination, now),
            move.amount, move.kind,
        )
        for place, move in enumerate(division.moves, start=1)
    ]  # fmt: skip
    reservation = Reservation.objects.get(escrow=escrow, state="pending")
    link = ledger.Link(local_day(now), escrow=escrow.pk)
    ledger.draw(escrow.number, arrows, link=link, actor=actor, now=now, reservation=reservation.pk)


def _owe(escrow: Escrow, owed: list[tuple[str, int | None, int, str]], now: datetime) -> None:
    Due.objects.bulk_create(
        [
            Due(
                reference=f"{escrow.number}/due/{place}", account_id=ledger.account(kind, org, now), amount=amount, kind=why,
                escrow=escrow, since=now,
            )
            for place, (kind, org, amount, why) in enumerate(owed, start=1)
        ]
    )  # fmt: skip


@command("settlement.refund_escrow", ("退款或撤销缴款申请", "refund or withdraw the request"))
def refund_escrow(cmd: RefundEscrow, *, actor: Actor, now: datetime) -> Escrow:
    """Held money becomes the buyer's again and is due to be paid back; a request not yet paid is withdrawn.
    Nothing happens to an escrow that ended otherwise before. Errors: NotFound, Refused."""
    escrow = find(cmd.contract)
    if escrow.case.state == "requested":
        _act(escrow, "cancel", {"reference": cmd.reference}, actor, now, None)
    elif escrow.case.state not in ("expired", "cancelled", "refunded"):

        def free(applied: Applied) -> None:
            ledger.void(Reservation.objects.get(escrow=escrow, state="pending").pk, now=now)
            _owe(escrow, [(AccountKind.CLIENT, escrow.buyer_id, escrow.requested, DueKind.REFUND)], now)

        _act(escrow, "refund", {"reference": cmd.reference, "amount_fen": escrow.requested}, actor, now, free)
    return escrow


def _act(escrow: Escrow, do: str, data: dict[str, Any], actor: Actor, now: datetime, effect: Any) -> None:
    facts = {"contract": escrow.contract_number, "contract_id": escrow.contract, "escrow": escrow.number, **data}
    engine.act(escrow.case_id, Command(do), actor=actor, now=now, fact_data=facts, effect=effect)


def claim(batch: str, lines: list[tuple[str, int]], escrow: Escrow, *, actor: Actor, now: datetime) -> None:
    """Move (reference, fen) of the suspense account to the buyer of an escrow."""
    source = ledger.account(AccountKind.SUSPENSE, None, now)
    target = ledger.account(AccountKind.CLIENT, escrow.buyer_id, now)
    arrows = [Arrow(f"{reference}/claim", source, target, amount, PostingKind.CLAIM) for reference, amount in lines]
    ledger.draw(batch, arrows, link=ledger.Link(local_day(now), escrow=escrow.pk), actor=actor, now=now)


@command("settlement.declare_shares", ("约定收益分配", "declare the division of proceeds"))
def declare_shares(cmd: DeclareShares, *, actor: Actor, now: datetime) -> dict[str, int]:
    """A provider lets fellow right holders have parts of an entry's proceeds from the next contract on.
    Errors: Forbidden, InputInvalid, NotFound."""
    if actor.kind is not ActorKind.PERSON or actor.org is None or actor.person is None:
        raise Forbidden()
    if actor.person not in parties.members_with_right(actor.org, "act"):
        raise Forbidden()
    orgs = [org for org, _ in cmd.shares]
    if cmd.shares and (
        len(set(orgs)) != len(orgs) or actor.org not in orgs or any(type(p) is not int or p <= 0 for _, p in cmd.shares)
    ):
        problem = ("各方须各出现一次、份数为正整数，且包括本单位", "each party once with a positive whole number, yourself included")
        raise InputInvalid(fields="shares", field_errors={"shares": problem})
    for org in orgs:
        parties.organisation(org)
    live = Share.objects.filter(provider_id=actor.org, entry=cmd.entry, ended_at__isnull=True)
    live.update(ended_at=now)
    Share.objects.bulk_create(
        [Share(provider_id=actor.org, entry=cmd.entry, org_id=org, parts=parts, since=now) for org, parts in cmd.shares]
    )
    journal.record(
        "shares.declared", subject=f"registry.entry:{cmd.entry}", actor=actor, now=now,
        data={"entry": cmd.entry, "shares": [[org, parts] for org, parts in cmd.shares]},
    )  # fmt: skip
    return {"entry": cmd.entry, "parties": len(cmd.shares)}


@command("settlement.set_bank_account", ("登记收款账户", "name the account to be paid to"))
def set_bank_account(cmd: SetBankAccount, *, actor: Actor, now: datetime) -> BankAccount:
    """An organisation's member with right `admin` or `act` names its account; the venue's own is named by a
    settlement officer. Errors: Forbidden, InputInvalid."""
    _may_name(cmd, actor)
    number = cmd.number.replace(" ", "").upper()
    errors: dict[str, Pair] = {}
    for name, value in (("holder", cmd.holder.strip()), ("bank", cmd.bank.strip())):
        if not 2 <= len(value) <= 200:
            errors[name] = ("应为 2–200 个字符", "2–200 characters")
    if not (number.isascii() and number.isalnum() and 8 <= len(number) <= 34):
        errors["number"] = ("账号为 8–34 位数字或字母", "an account number has 8–34 letters and digits")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    BankAccount.objects.filter(org_id=cmd.org, ended_at__isnull=True).update(ended_at=now)
    row = BankAccount.objects.create(
        org_id=cmd.org, holder=cmd.holder.strip(), bank=cmd.bank.strip(), number=number, person=actor.person, since=now
    )
    subject = f"party.org:{cmd.org}" if cmd.org is not None else "settlement.venue:1"
    journal.record("bank_account.named", subject=subject, actor=actor, now=now, data={"account": row.pk})
    return row


def _may_name(cmd: SetBankAccount, actor: Actor) -> None:
    if cmd.org is None:
        if "settlement_officer" not in actor.seats:
            raise Forbidden()
        return
    if actor.org != cmd.org or actor.person is None:
        raise Forbidden()
    if not {"admin", "act"} & {r for r in ("admin", "act") if actor.person in parties.members_with_right(cmd.org, r)}:
        raise Forbidden()
