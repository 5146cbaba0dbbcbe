"""The door for commands: peers and keys (peers.py), agreements (agreements.py), and the worker's part."""

from __future__ import annotations

from datetime import datetime

from shugu.edges.federation import histories, messages, orders_listing, presenting, sharing, transfers, zone
from shugu.edges.federation.agreements import ActOnAgreement, OfferAgreement, act_on_agreement, offer_agreement
from shugu.edges.federation.histories import TakeHistory, take_history
from shugu.edges.federation.messages import receive
from shugu.edges.federation.netting import NetShares, net_shares
from shugu.edges.federation.orders import AskWithdrawal, PlaceOrder, ask_withdrawal, order, place_order
from shugu.edges.federation.orders_listing import NamePayee, name_payee
from shugu.edges.federation.peers import (
    AddPeer,
    ChangePeer,
    PinKey,
    RetireKey,
    add_peer,
    change_peer,
    pin_key,
    retire_key,
)
from shugu.edges.federation.presenting import KeepChecks, Present, check, keep_checks, present
from shugu.edges.federation.settling import ActOnSettlement, ClaimShares, act_on_settlement, claim_shares
from shugu.edges.federation.transfers import AskMove, ask_move

__all__ = [
    "ActOnAgreement",
    "ActOnSettlement",
    "AddPeer",
    "AskMove",
    "AskWithdrawal",
    "ChangePeer",
    "ClaimShares",
    "KeepChecks",
    "NamePayee",
    "NetShares",
    "OfferAgreement",
    "PinKey",
    "PlaceOrder",
    "Present",
    "RetireKey",
    "TakeHistory",
    "act_on_agreement",
    "act_on_settlement",
    "add_peer",
    "ask_move",
    "ask_withdrawal",
    "change_peer",
    "check",
    "claim_shares",
    "keep_checks",
    "name_payee",
    "net_shares",
    "offer_agreement",
    "order",
    "pin_key",
    "place_order",
    "present",
    "receive",
    "retire_key",
    "take_history",
    "work",
]


def work(now: datetime) -> int:
    """What the worker calls from time to time: key histories followed, moves and listings told, messages out, listings of others
    compared, presentations checked, recognitions checked again. How much was done."""
    told = (
        histories.follow_due(now)
        + transfers.send_due(now)
        + transfers.answer_recalls(now)
        + sharing.share(now)
        + orders_listing.expire(now)
    )
    told += messages.deliver(now, reached=messages.reached)
    return told + presenting.check_waiting(now) + presenting.recheck(now) + zone.ask(now)
