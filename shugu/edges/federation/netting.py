"""Netting between venues: of the settlements of one period that both agreed, only the balance is paid (decision 0020).

The venue to which the balance is due draws the statement up, as a settlement whose rows are settlements instead of orders. The
other venue compares it with its own books row by row: what differs is named and nothing is netted. Once its officer agrees, both
ledgers set off (shugu/settlement/netting.py), and the balance is paid and received as any settlement is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shugu.edges.federation import agreements, messages, peers
from shugu.edges.federation.bodies import ACCOUNT, NETTED, body_of, members
from shugu.edges.federation.domain_netting import Row, differences, period_ends, period_of
from shugu.edges.federation.errors import BalanceIsTheirs, NothingToNet, OrderMismatch, PeriodRuns
from shugu.edges.federation.messages import actor_for, on_message
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.edges.federation.settlement_rows import CLAIMANT, DEBTOR, act, need_spelling, open_one, venue_org
from shugu.formats.message import Message
from shugu.formats.times import read_time
from shugu.kernel import signer, store
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.settlement import queries as money
from shugu.settlement import services as settlement

CURRENCY = "CNY"
name_fact("venue_settlement.netted", "已并入轧差", "taken into a netting")


@dataclass(frozen=True)
class NetShares:
    """What was agreed with `venue` (its code) in `period` (2026-11, or 2026-11-30) and not netted yet."""

    venue: str
    period: str


def rule_with(peer: Peer, now: datetime) -> str:
    """"day" or "month" where an agreement in force says that only balances are paid, else ""."""
    return next((terms.netting for _, terms in agreements.in_force(peer, now) if terms.netting), "")


def period_now(peer: Peer, now: datetime) -> str:
    """The period into which what is claimed now falls; "" where nothing is netted."""
    rule = rule_with(peer, now)
    return period_of(rule, local_day(now)) if rule else ""


def check_period(peer: Peer, message: Message, told: str, now: datetime) -> str:
    """The period that a claim names, which must be that of its own moment under the agreement. Errors: OrderMismatch."""
    rule = rule_with(peer, now)
    if told != (period_of(rule, local_day(read_time(message.sent_at))) if rule else ""):
        raise OrderMismatch(what=("请款所属轧差期", "the period in which the claim is netted"))
    return told


def open_rows(peer: Peer, period: str = "") -> list[VenueSettlement]:
    """Settlements agreed on both sides that wait to be netted, of one period or of all."""
    rows = VenueSettlement.objects.filter(peer=peer, case__state="agreed", netting__isnull=True, nets=[])
    rows = rows.filter(period=period) if period else rows.exclude(period="")
    return list(rows.order_by("period", "side", "number"))


def _lock(peer: Peer, period: str) -> None:
    """Whoever nets the same period waits, and then finds nothing open. Rows are read, for a count locks none."""
    rows = VenueSettlement.objects.select_for_update(of=("self",)).filter(peer=peer, period=period)
    list(rows.order_by("pk").values_list("pk"))


def balance(rows: Sequence[VenueSettlement]) -> int:
    """Fen: above zero it is due to us."""
    return sum(row.amount if row.side == CLAIMANT else -row.amount for row in rows)


def _rows(peer: Peer, found: Sequence[VenueSettlement]) -> list[Row]:
    names = {CLAIMANT: signer.origin(), DEBTOR: peer.origin}
    rows = [Row(r.number, names[r.side], r.amount) for r in found]
    return sorted(rows, key=lambda row: (row.claimant, row.settlement))


@command("federation.net_shares", ("与其他场所轧差", "draw up a netting with another venue"))
def net_shares(cmd: NetShares, *, actor: Actor, now: datetime) -> VenueSettlement:
    """By a settlement officer of the venue to which the balance is due. Errors: Forbidden, UnknownPeer, NoPayee, NothingToNet,
    PeriodRuns, BalanceIsTheirs, InputInvalid."""
    if "settlement_officer" not in actor.seats:
        raise Forbidden()
    peer = peers.peer_named(cmd.venue)
    account, org = money.our_account(), venue_org(peer)
    if account is None:
        problem = ("请先登记本场所的收款账户", "name this venue's own account first")
        raise InputInvalid(fields="account", field_errors={"account": problem})
    _lock(peer, cmd.period)
    rows = open_rows(peer, cmd.period)
    if not cmd.period or not rows:
        raise NothingToNet(period=cmd.period)
    ends = period_ends(cmd.period)
    if local_day(now) <= ends:
        raise PeriodRuns(period=cmd.period, day=(ends + timedelta(days=1)).isoformat())
    due = balance(rows)
    if due < 0:
        raise BalanceIsTheirs(venue=peer.title, fen=-due)
    number = store.next_number("cross_settlement", local_day(now).year)
    made = _open(peer, number, CLAIMANT, org, rows, cmd.period, account, actor, now)
    settlement.require_set_off(_set_off(made))
    body = {
        "settlement": number, "period": cmd.period, "currency": CURRENCY, "rows": made.nets, "amount_fen": due,
        "account": account,
    }  # fmt: skip
    messages.queue(peer, "settlement.netted", body, reference=f"settlement:{number}", actor=actor, now=now, case=made.pk)
    return made


def _open(
    peer: Peer, number: str, side: str, org: int, rows: Sequence[VenueSettlement], period: str, account: Mapping[str, str],
    actor: Actor, now: datetime,
) -> VenueSettlement:  # fmt: skip
    nets = [row.as_dict() for row in _rows(peer, rows)]
    due = balance(rows) if side == CLAIMANT else -balance(rows)
    made = open_one(
        peer, number, side, org, amount=due, account=account, actor=actor, now=now, period=period, nets=nets
    )
    VenueSettlement.objects.filter(pk__in=[row.pk for row in rows]).update(netting=made)
    return made


@on_message("settlement.netted")
def take_netting(peer: Peer, message: Message, now: datetime) -> None:
    """Taken in any case; where our books say otherwise it is declined at once, and the answer names what differs.
    Errors: BadMessage, NoPayee."""
    body = body_of(message)
    account = members(body["account"], **ACCOUNT)
    need_spelling(body["settlement"], account)
    told = [Row(**members(row if isinstance(row, dict) else {}, **NETTED)) for row in body["rows"]]
    _lock(peer, body["period"])
    ours = open_rows(peer, body["period"])
    listed = [row for row in ours if row.number in {r.settlement for r in told}]
    differs = differences(told, _rows(peer, ours), signer.origin(), body["amount_fen"])
    if body["currency"] != CURRENCY:
        differs = [(f"币种 {body['currency'][:10]}", f"currency {body['currency'][:10]}"), *differs]
    actor, org = actor_for(peer, message), venue_org(peer)
    if not differs:
        _open(peer, body["settlement"], DEBTOR, org, listed, body["period"], account, actor, now)
        return
    nets = [row.as_dict() for row in told]
    row = open_one(
        peer, body["settlement"], DEBTOR, org, amount=max(0, body["amount_fen"]), account=account, actor=actor, now=now,
        period=body["period"][:10], nets=nets,
    )  # fmt: skip
    row.reason = "；".join(zh for zh, _ in differs)[:95] + " / " + "; ".join(en for _, en in differs)[:100]
    row.save(update_fields=["reason"])
    by = mandate("federation", f"settlement:{peer.venue}:{row.number}")
    act(row, "differ", by, now, reason=row.reason)
    answer = {"settlement": row.number, "reason": row.reason}
    reference = f"settlement:{row.number}:decline"
    messages.queue(peer, "settlement.declined", answer, reference=reference, actor=by, now=now, case=row.pk)


def free(row: VenueSettlement) -> None:
    """A netting that was declined: its settlements can be netted anew."""
    VenueSettlement.objects.filter(netting=row).update(netting=None)


def _set_off(row: VenueSettlement) -> settlement.SetOff:
    held = list(VenueSettlement.objects.filter(netting=row))
    owed, claimed = ([r for r in held if r.side == side] for side in (DEBTOR, CLAIMANT))
    contracts = tuple(CrossOrder.objects.filter(settlement__in=owed).values_list("contract", flat=True))
    return settlement.SetOff(
        row.number, row.org_id, contracts, sum(r.amount for r in owed), tuple(r.number for r in claimed),
        sum(r.amount for r in claimed), dict(row.account),
    )  # fmt: skip


def carry_out(row: VenueSettlement, now: datetime) -> None:
    """Both have agreed: our ledger sets off, and what was netted is done with. A balance of nothing ends the netting itself.
    Call in the transaction that agrees. Errors: InputInvalid."""
    by = mandate("federation", f"settlement:{row.peer.venue}:{row.number}")
    settlement.set_off(_set_off(row), actor=by, now=now)
    for one in VenueSettlement.objects.select_related("case", "peer").filter(netting=row).order_by("pk"):
        act(one, "net", by, now, netting=row.number)
    if not row.amount:
        row.received_on = local_day(now)
        row.save(update_fields=["received_on"])
        act(row, "receive", by, now)


def periods(peer: Peer) -> dict[str, tuple[int, int]]:
    """{period: (fen owed to us, fen owed by us)} of what waits to be netted."""
    out: dict[str, tuple[int, int]] = {}
    for row in open_rows(peer):
        to_us, by_us = out.get(row.period, (0, 0))
        out[row.period] = (to_us + row.amount, by_us) if row.side == CLAIMANT else (to_us, by_us + row.amount)
    return out


def over(period: str, today: date) -> bool:
    return today > period_ends(period)


def told(nets: Sequence[Mapping[str, Any]]) -> int:
    """What the rows of a netting sum to for us, fen."""
    return sum(row["amount_fen"] if row["claimant"] == signer.origin() else -row["amount_fen"] for row in nets)
