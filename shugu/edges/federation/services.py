"""The door for commands: peers and keys (peers.py), agreements (agreements.py), and the worker's part."""

from __future__ import annotations

from datetime import datetime

from shugu.edges.federation import messages, presenting, sharing, transfers, zone
from shugu.edges.federation.agreements import ActOnAgreement, OfferAgreement, act_on_agreement, offer_agreement
from shugu.edges.federation.messages import receive
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
from shugu.edges.federation.transfers import AskMove, ask_move

__all__ = [
    "ActOnAgreement",
    "AddPeer",
    "AskMove",
    "ChangePeer",
    "KeepChecks",
    "OfferAgreement",
    "PinKey",
    "Present",
    "RetireKey",
    "act_on_agreement",
    "add_peer",
    "ask_move",
    "change_peer",
    "check",
    "keep_checks",
    "offer_agreement",
    "pin_key",
    "present",
    "receive",
    "retire_key",
    "work",
]


def work(now: datetime) -> int:
    """What the worker calls from time to time: moves and listings told, messages out, listings of others
    compared, presentations checked, recognitions checked again. How much was done."""
    told = transfers.send_due(now) + transfers.answer_recalls(now) + sharing.share(now)
    return told + messages.deliver(now) + presenting.check_waiting(now) + presenting.recheck(now) + zone.ask(now)
