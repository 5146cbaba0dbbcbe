"""A contract's money: requested, held, released with fees and shares, or given back. Door: services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.kernel import engine, journal, runtime, store
from shugu.kernel.cases import Actor, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.rules import RuleSet
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.settlement import ledger
from shugu.settlement.domain import (
    RELIEF_RULE,
    AccountKind,
    Arrow,
    Division,
    DueKind,
    Fee,
    PostingKind,
    Sale,
    ShareOf,
    divide,
)
from shugu.settlement.models import BankAccount, Due, Escrow, Reservation
from shugu.trade import queries as trade
from shugu.trade.queries import ContractView

PROCEDURE = "settlement.escrow"
Pair = tuple[str, str]


@dataclass(frozen=True)
class OpenEscrow:
    """The money side of an approved contract."""

    contract: int


@dataclass(frozen=True)
class ReleaseEscrow:
    contract: int
    reference: str


@dataclass(frozen=True)
class RefundEscrow:
    contract: int
    reference: str


@dataclass(frozen=True)
class SetBankAccount:
    """`org` None is the venue's own account. `number`: 8–34 letters and digits, as the bank writes it."""

    org: int | None
    holder: str
    bank: str
    number: str


@context("settlement.escrow")
def escrow_context(case: int, now: datetime) -> dict[str, Any]:
    return {}


@command("settlement.open_escrow", ("发起缴款申请", "request payment into escrow"))
def open_escrow(cmd: OpenEscrow, *, actor: Actor, now: datetime) -> Escrow:
    """Takes fees and shares from the signed contract and starts the payment window; an open escrow is given back.
    Errors: NotFound, InputInvalid (money lines that do not sum to the price), Forbidden."""
    known = Escrow.objects.filter(contract_id=cmd.contract).first()
    if known is not None:
        return known
    contract = trade.contract_by_id(cmd.contract)
    sale = sale_of(contract, runtime.rules_on(local_day(now)), now)
    requested = divide(sale).requested
    number = store.next_number("escrow", local_day(now).year)
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{contract.number} · 资金托管",
        parties=[PartyView("buyer", None, contract.buyer_org), PartyView("provider", None, contract.provider_org)],
        subjects=[f"trade.contract:{contract.case}"], data={"contract": contract.number, "escrow": number},
        fact_data={"contract": contract.number, "contract_id": contract.id, "escrow": number, "requested_fen": requested},
    )  # fmt: skip
    return Escrow.objects.create(
        case_id=case, number=number, contract_id=contract.id, contract_number=contract.number,
        buyer_id=contract.buyer_org, provider_id=contract.provider_org, price=contract.price_fen, requested=requested,
        terms=sale.as_terms(), opened_at=now,
    )  # fmt: skip


def sale_of(contract: ContractView, rules: RuleSet, now: datetime) -> Sale:
    """The contract's money lines with organisations by id, and today's relief for whoever bears the venue's fee."""
    ids = {number: parties.organisation_by_number(number).id for number in _payees(contract)}
    fees = tuple(
        Fee(
            f.kind, ids.get(f.payee), f.payer, f.amount_fen,
            {
                "name": f.rule.name, "document": f.rule.document, "article": f.rule.article, "force": f.rule.force,
                "rate_bps": f.rule.rate_bps,
            },
        )
        for f in contract.fees
    )  # fmt: skip
    shares = tuple(ShareOf(ids[s.org], s.parts, s.amount_fen) for s in contract.shares)
    bearer = contract.buyer_org if any(f.kind == "venue" and f.payer == "buyer" for f in fees) else contract.provider_org
    return Sale(
        contract.price_fen, contract.buyer_org, contract.provider_org, fees, shares, relief_bps(bearer, rules, now)
    )


def _payees(contract: ContractView) -> set[str]:
    return {s.org for s in contract.shares} | {f.payee for f in contract.fees if f.kind != "venue"}


def relief_bps(bearer: int, rules: RuleSet, now: datetime) -> int:
    """The part of the venue's fee that is waived, in basis points: where the city allows it, for its data merchants."""
    allowed, relief = rules.get(RELIEF_RULE), rules.get("settlement.merchant_fee_relief_bps")
    if allowed is None or not allowed.value or relief is None:
        return 0
    return relief.number if parties.is_accredited(bearer, "merchant", local_day(now)) else 0


def find(contract: int) -> Escrow:
    """Errors: NotFound."""
    found = Escrow.objects.select_related("case").filter(contract_id=contract).first()
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

    data = {
        "reference": cmd.reference, "price_fen": escrow.price, "venue_fee_fen": division.venue_fee,
        "relief_fen": division.relief, "service_fee_fen": division.service_fees,
        **({"selling_venue_fen": division.selling_fee} if division.selling_fee else {}),
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
    facts = {"contract": escrow.contract_number, "contract_id": escrow.contract_id, "escrow": escrow.number, **data}
    engine.act(escrow.case_id, Command(do), actor=actor, now=now, fact_data=facts, effect=effect)


def claim(batch: str, lines: list[tuple[str, int]], escrow: Escrow, *, actor: Actor, now: datetime) -> None:
    """Move (reference, fen) of the suspense account to the buyer of an escrow."""
    source = ledger.account(AccountKind.SUSPENSE, None, now)
    target = ledger.account(AccountKind.CLIENT, escrow.buyer_id, now)
    arrows = [Arrow(f"{reference}/claim", source, target, amount, PostingKind.CLAIM) for reference, amount in lines]
    ledger.draw(batch, arrows, link=ledger.Link(local_day(now), escrow=escrow.pk), actor=actor, now=now)


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
