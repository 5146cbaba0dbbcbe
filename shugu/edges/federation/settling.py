"""Settlement between venues: the selling venue asks for its parts of fees, the listing venue agrees and pays them.

The money is in the ledgers of both (shugu/settlement/venues.py): due to the other venue where the product is listed, claimed and
accrued where the buyer is at home. A settlement names every order and its voucher, so that both logs say what was paid for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shugu.edges.federation import messages, netting, peers
from shugu.edges.federation.bodies import ACCOUNT, CLAIMED, body_of, day, members
from shugu.edges.federation.domain_sharing import LISTING, SELLING
from shugu.edges.federation.errors import OrderMismatch
from shugu.edges.federation.messages import actor_for, on_message, on_receipt
from shugu.edges.federation.models import Outgoing, Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.edges.federation.settlement_rows import CLAIMANT, DEBTOR, act, need_spelling, open_one, venue_org
from shugu.formats.canonical import parse_object
from shugu.formats.message import TAKEN, Message, Receipt
from shugu.kernel import documents, store
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.journal import FactView
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.settlement import queries as money
from shugu.settlement import services as settlement
from shugu.settlement.errors import NothingDue

AT_ONCE = 500  # orders in one settlement: its message stays within its size

for _name, _zh, _en in (
    ("venue_settlement.claimed", "向其他场所请款", "parts of fees claimed from another venue"),
    ("venue_settlement.agreed", "确认应付其他场所", "what is due to another venue agreed"),
    ("venue_settlement.declined", "场所间清算未获确认", "settlement between venues declined"),
    ("venue_settlement.paid", "场所间清算已付款", "settlement between venues paid"),
    ("venue_settlement.received", "场所间清算已到账", "settlement between venues received"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class ClaimShares:
    """Everything of completed orders that `venue` (its code) owes us and was not asked for yet."""

    venue: str


@dataclass(frozen=True)
class ActOnSettlement:
    """`do`: agree, or decline with `reason`; at the venue that owes."""

    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


def accrue(row: CrossOrder, actor: Actor, now: datetime) -> None:
    """Our part of the fee of an order that is completed: owed by the listing venue. Errors: NoPayee."""
    if row.selling_fen:
        cmd = settlement.AccrueShare(venue_org(row.peer), row.number, row.selling_fen)
        settlement.accrue_share(cmd, actor=mandate("federation", f"order:{row.number}:accrue"), now=now)


def unsettled(peer: Peer, side: str) -> Any:
    """The completed orders with a part for the selling venue that no settlement has taken, oldest first."""
    rows = CrossOrder.objects.filter(peer=peer, side=side, case__state="completed", selling_fen__gt=0, settlement__isnull=True)
    return rows.order_by("pk")


@command("federation.claim_shares", ("向其他场所请款", "claim our parts of another venue's fees"))
def claim_shares(cmd: ClaimShares, *, actor: Actor, now: datetime) -> VenueSettlement:
    """By a settlement officer. Errors: Forbidden, UnknownPeer, NoPayee, NothingDue, InputInvalid while our own account is
    not named."""
    if "settlement_officer" not in actor.seats:
        raise Forbidden()
    peer = peers.peer_named(cmd.venue)
    account, org = money.our_account(), venue_org(peer)
    if account is None:
        problem = ("请先登记本场所的收款账户", "name this venue's own account first")
        raise InputInvalid(fields="account", field_errors={"account": problem})
    rows = list(unsettled(peer, SELLING).select_for_update(of=("self",))[:AT_ONCE])
    if not rows:
        raise NothingDue()
    number, period = store.next_number("cross_settlement", local_day(now).year), netting.period_now(peer, now)
    orders = [{"order": r.number, "voucher": r.voucher, "selling_fen": r.selling_fen} for r in rows]
    made = open_one(
        peer, number, CLAIMANT, org, amount=_sum(orders), account=account, actor=actor, now=now, orders=orders, period=period
    )
    CrossOrder.objects.filter(pk__in=[r.pk for r in rows]).update(settlement=made)
    by = mandate("federation", f"settlement:{number}")
    settlement.open_claim(settlement.OpenClaim(number, org, made.amount), actor=by, now=now)
    body = {"settlement": number, "orders": orders, "amount_fen": made.amount, "account": account}
    body |= {"netting": period} if period else {}
    reference = f"settlement:{number}"
    messages.queue(peer, "settlement.claimed", body, reference=reference, actor=actor, now=now, case=made.pk)
    return made


def _sum(orders: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["selling_fen"] for row in orders)


@on_message("settlement.claimed")
def take_claim(peer: Peer, message: Message, now: datetime) -> None:
    """Every order has to be one of ours with that voucher and that part, and in no other settlement.
    Errors: BadMessage, OrderMismatch, NoPayee."""
    body = body_of(message)
    account = members(body["account"], **ACCOUNT)
    need_spelling(body["settlement"], account)
    period = netting.check_period(peer, message, body.get("netting", ""), now)
    asked = [members(row if isinstance(row, dict) else {}, **CLAIMED) for row in body["orders"]]
    known = {r.number: r for r in unsettled(peer, LISTING).select_for_update(of=("self",))}
    fits = [row["order"] in known and _fits(known[row["order"]], row) for row in asked]
    numbers = {row["order"] for row in asked}
    if not fits or not all(fits) or len(numbers) != len(asked) or _sum(asked) != body["amount_fen"]:
        raise OrderMismatch(what=("请款所列订单、凭证、分成或合计", "orders, vouchers, parts or sum of the claim"))
    actor, org = actor_for(peer, message), venue_org(peer)
    row = open_one(
        peer, body["settlement"], DEBTOR, org, amount=_sum(asked), account=account, actor=actor, now=now, orders=asked,
        period=period,
    )  # fmt: skip
    CrossOrder.objects.filter(pk__in=[known[number].pk for number in numbers]).update(settlement=row)


def _fits(row: CrossOrder, asked: Mapping[str, Any]) -> bool:
    return (row.voucher, row.selling_fen) == (asked["voucher"], asked["selling_fen"])


@on_receipt("settlement.claimed")
def claim_answered(sent: Outgoing, receipt: Receipt, now: datetime) -> None:
    if receipt.outcome != TAKEN:
        body: Any = parse_object(documents.get(sent.digest))["credentialSubject"]
        row = _named(sent.peer, CLAIMANT, body["body"]["settlement"])
        if row.case.state == "claimed":
            _declined(row, receipt.code, mandate("federation", f"receipt:{sent.peer.venue}:{sent.sequence}"), now)


def _declined(row: VenueSettlement, reason: str, actor: Actor, now: datetime) -> None:
    """What was asked for is free to be asked for again, once the difference is found."""
    row.reason = reason[:200]
    row.save(update_fields=["reason"])
    act(row, "take_refusal", actor, now, reason=row.reason)
    _free(row)
    if row.nets:
        return
    by = mandate("federation", f"settlement:{row.number}:declined")
    settlement.end_claim(settlement.EndClaim(row.number), actor=by, now=now)


def _free(row: VenueSettlement) -> None:
    netting.free(row)
    CrossOrder.objects.filter(settlement=row).update(settlement=None)


@command("federation.act_on_settlement", ("办理场所间清算", "act on a settlement between venues"))
def act_on_settlement(cmd: ActOnSettlement, *, actor: Actor, now: datetime) -> VenueSettlement:
    """Errors: NotFound, InputInvalid when our books do not have what is asked for, every Refused of the engine."""
    row = VenueSettlement.objects.select_for_update(of=("self",)).select_related("case", "peer").filter(pk=cmd.case).first()
    if row is None:
        raise NotFound(what=("场所间清算", "settlement between venues"))
    act(row, cmd.do, actor, now, cmd.input)
    body: dict[str, Any] = {"settlement": row.number}
    if cmd.do == "agree" and row.nets:
        netting.carry_out(row, now)
        kind = "settlement.agreed"
    elif cmd.do == "agree":
        contracts = tuple(CrossOrder.objects.filter(settlement=row).values_list("contract", flat=True))
        # What is netted waits for its balance: it is only looked whether our books have it.
        payee = {} if row.period else {**row.account, "reference": row.number}
        by = mandate("federation", f"settlement:{row.peer.venue}:{row.number}")
        settlement.pay_share(settlement.PayShare(contracts, row.org_id, row.amount, payee), actor=by, now=now)
        kind = "settlement.agreed"
    else:
        row.reason = str(cmd.input.get("reason", ""))[:200]
        row.save(update_fields=["reason"])
        _free(row)
        kind, body = "settlement.declined", {**body, "reason": row.reason}
    reference = f"settlement:{row.number}:{cmd.do}"
    messages.queue(row.peer, kind, body, reference=reference, actor=actor, now=now, case=row.pk)
    return row


def _named(peer: Peer, side: str, number: str) -> VenueSettlement:
    rows = VenueSettlement.objects.select_for_update(of=("self",)).select_related("case", "peer")
    found = rows.filter(peer=peer, side=side, number=number).first()
    if found is None:
        raise NotFound(what=(f"清算 {number}", f"settlement {number}"))
    return found


@on_message("settlement.agreed")
def take_agreement(peer: Peer, message: Message, now: datetime) -> None:
    """Where the money was faster, this tells nothing new. Errors: BadMessage, NotFound, NotInProcedure."""
    row = _named(peer, CLAIMANT, body_of(message)["settlement"])
    if row.case.state == "received":
        return
    act(row, "take_agreement", actor_for(peer, message), now)
    if row.nets:
        netting.carry_out(row, now)


@on_message("settlement.declined")
def take_decline(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound, NotInProcedure."""
    body = body_of(message)
    _declined(_named(peer, CLAIMANT, body["settlement"]), body["reason"], actor_for(peer, message), now)


def payment_confirmed(fact: FactView, now: datetime) -> None:
    """Our bank has paid what a settlement named: the other venue is told by which instruction."""
    reference = fact.data.get("reference")
    rows = VenueSettlement.objects.select_for_update(of=("self",)).select_related("case", "peer")
    row = rows.filter(side=DEBTOR, number=reference, instruction="").first() if reference else None
    if row is None or row.case.state not in ("agreed", "received"):
        return
    row.instruction, row.paid_on = str(fact.data["instruction"]), local_day(now)
    row.save(update_fields=["instruction", "paid_on"])
    if row.case.state == "received":
        return  # the other venue's bank was faster than ours
    actor = mandate("federation", f"fact:{fact.id}")
    act(row, "pay", actor, now, instruction=row.instruction)
    body = {"settlement": row.number, "instruction": row.instruction, "paid_on": row.paid_on.isoformat()}
    reference = f"settlement:{row.number}:paid"
    messages.queue(row.peer, "settlement.paid", body, reference=reference, actor=actor, now=now, case=row.pk)


@on_message("settlement.paid")
def take_payment(peer: Peer, message: Message, now: datetime) -> None:
    """Where our bank was faster, this tells nothing new. Errors: BadMessage, NotFound, NotInProcedure."""
    body = body_of(message)
    row, paid = _named(peer, CLAIMANT, body["settlement"]), day(body["paid_on"], "paid_on")
    _keep_payment(row, body["instruction"][:40], paid)
    if row.case.state == "agreed":
        act(row, "pay", actor_for(peer, message), now, instruction=row.instruction)


def _keep_payment(row: VenueSettlement, instruction: str, paid_on: date) -> None:
    row.instruction, row.paid_on = instruction, paid_on
    row.save(update_fields=["instruction", "paid_on"])


def claim_received(fact: FactView, now: datetime) -> None:
    """Our bank has what a settlement asked for: the other venue is told."""
    rows = VenueSettlement.objects.select_for_update(of=("self",)).select_related("case", "peer")
    row = rows.filter(side=CLAIMANT, number=fact.data["claim"], received_on__isnull=True).first()
    if row is None or row.case.state == "declined":
        return
    row.received_on = local_day(now)
    row.save(update_fields=["received_on"])
    actor = mandate("federation", f"fact:{fact.id}")
    act(row, "receive_early" if row.case.state == "claimed" else "receive", actor, now)
    body = {"settlement": row.number, "amount_fen": row.amount, "received_on": row.received_on.isoformat()}
    messages.queue(row.peer, "settlement.received", body, reference=f"settlement:{row.number}:received", actor=actor, now=now,
                   case=row.pk)  # fmt: skip


@on_message("settlement.received")
def take_reception(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound, OrderMismatch, NotInProcedure."""
    body = body_of(message)
    row, on = _named(peer, DEBTOR, body["settlement"]), day(body["received_on"], "received_on")
    if body["amount_fen"] != row.amount:
        raise OrderMismatch(what=("到账金额", "the amount received"))
    row.received_on = on
    row.save(update_fields=["received_on"])
    act(row, "receive", actor_for(peer, message), now)
