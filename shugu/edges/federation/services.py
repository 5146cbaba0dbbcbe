"""The door for commands: peers and keys (peers.py), agreements (agreements.py), and the worker's part."""

from __future__ import annotations

from datetime import datetime

from shugu.edges.federation import messages
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

__all__ = [
    "ActOnAgreement",
    "AddPeer",
    "ChangePeer",
    "OfferAgreement",
    "PinKey",
    "RetireKey",
    "act_on_agreement",
    "add_peer",
    "change_peer",
    "offer_agreement",
    "pin_key",
    "receive",
    "retire_key",
    "work",
]


def work(now: datetime) -> int:
    """What the worker calls from time to time: messages out. How many were received by peers."""
    return messages.deliver(now)
