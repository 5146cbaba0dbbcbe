"""Deposits of evidence: one's own, and the answer to whoever asks whether a document is in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.evidence.models import Deposit
from shugu.formats.canonical import parse_object
from shugu.kernel import documents
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound

WATCHING = frozenset({"operator", "compliance_officer", "regulator", "auditor"})


@dataclass(frozen=True)
class Held:
    """A document that stands in a deposit: since when, under which name, in which fact."""

    number: str
    name: str
    deposited_at: datetime
    fact: int


def deposits(actor: Actor) -> list[Deposit]:
    """Newest first: the organisation's own, or all for those who oversee."""
    rows = Deposit.objects.order_by("-pk")
    if not actor.seats & WATCHING:
        rows = rows.filter(org=actor.org) if actor.org is not None else rows.none()
    return list(rows[:200])


def deposit(number: str, actor: Actor) -> Deposit:
    """Errors: NotFound, for strangers too."""
    row = Deposit.objects.filter(number=number).first()
    if row is None or not (row.org == actor.org or actor.seats & WATCHING):
        raise NotFound(what=(f"存证 {number}", f"deposit {number}"))
    return row


def credential(digest: str) -> dict[str, Any]:
    return parse_object(documents.get(digest))


def held(number: str, sha256: str) -> Held | None:
    """Whether a document with this digest is in that deposit; None tells an unknown number and another digest alike, so
    that nobody learns of deposits whose papers he does not have (T/TJIFA003 7.3.3)."""
    row = Deposit.objects.filter(number=number).first()
    item = next((i for i in row.items if i["sha256"] == sha256), None) if row is not None else None
    return Held(row.number, str(item["name"]), row.deposited_at, row.fact) if row is not None and item is not None else None
