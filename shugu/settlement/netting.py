"""Mutual debts of two venues set off: only the balance goes over a bank. Door: services.

What we hold for the other venue pays what it owes us, in our own ledger: from its fee account into our claim on it, and the
same sum from what is accrued into our fee. The other venue draws the mirror of it. Nothing leaves custody but the balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid
from shugu.kernel.workdays import local_day
from shugu.settlement import ledger
from shugu.settlement.domain import AccountKind, Arrow, DueKind, PostingKind
from shugu.settlement.models import Due, VenueClaim
from shugu.settlement.venues import by_mandate, record_claim


@dataclass(frozen=True)
class SetOff:
    """`number` names the netting; `org` is the other venue's organisation here. `contracts`: ours with a part due to it, `owed`
    fen together; `claims`: our open claims on it, `claimed` fen together. `payee`: where a balance that we owe goes."""

    number: str
    org: int
    contracts: tuple[str, ...]
    owed: int
    claims: tuple[str, ...]
    claimed: int
    payee: Mapping[str, str]


def _held(cmd: SetOff) -> tuple[QuerySet[Due], QuerySet[VenueClaim]]:
    """Errors: InputInvalid when dues or claims are not exactly those sums, or are on another way already."""
    dues = Due.objects.select_for_update(of=("self",)).filter(
        kind=DueKind.SELLING_VENUE, account__org_id=cmd.org, escrow__contract_number__in=cmd.contracts, payee={},
        instruction__isnull=True, settled_at__isnull=True,
    )  # fmt: skip
    claims = VenueClaim.objects.select_for_update().filter(
        org_id=cmd.org, number__in=cmd.claims, ended_at__isnull=True, received_at__isnull=True
    )
    found = (sum(d.amount for d in dues), dues.count(), sum(c.amount for c in claims), claims.count())
    if found != (cmd.owed, len(set(cmd.contracts)), cmd.claimed, len(set(cmd.claims))):
        problem = ("与本场所账上的应付、应收不符", "it is not what is due and claimed by this venue's own books")
        raise InputInvalid(fields="amount", field_errors={"amount": problem})
    return dues, claims


def require_set_off(cmd: SetOff) -> None:
    """Whether it could be set off now. Call in a transaction. Errors: InputInvalid."""
    _held(cmd)


@command("settlement.set_off", ("与其他场所轧差", "set off against another venue"))
def set_off(cmd: SetOff, *, actor: Actor, now: datetime) -> int:
    """The balance in fen: above zero the other venue owes it (claimed under `number`), below zero we do (due to `payee`, for the
    next run). By mandate. Errors: Forbidden, InputInvalid."""
    by_mandate(actor)
    dues, claims = _held(cmd)
    both = min(cmd.owed, cmd.claimed)
    fees = ledger.account(AccountKind.SERVICE_FEE, cmd.org, now)
    if both:
        _draw(cmd, both, fees, actor, now)
    for claim in claims:
        claim.ended_at = now
        claim.save(update_fields=["ended_at"])
        record_claim("venue_claim.netted", claim, actor, now)
    dues.update(settled_at=now)
    if cmd.owed > both:
        payee = {**cmd.payee, "reference": cmd.number}
        Due.objects.create(
            reference=f"{cmd.number}/balance", account_id=fees, amount=cmd.owed - both, kind=DueKind.SELLING_VENUE, payee=payee,
            since=now,
        )  # fmt: skip
    elif cmd.claimed > both:
        row = VenueClaim.objects.create(number=cmd.number, org_id=cmd.org, amount=cmd.claimed - both, opened_at=now)
        record_claim("venue_claim.opened", row, actor, now)
    return cmd.claimed - cmd.owed


def _draw(cmd: SetOff, both: int, fees: int, actor: Actor, now: datetime) -> None:
    claim = ledger.account(AccountKind.VENUE_CLAIM, cmd.org, now)
    accrued, earned = (ledger.account(kind, None, now) for kind in (AccountKind.VENUE_ACCRUED, AccountKind.VENUE_FEE))
    arrows = [
        Arrow(f"{cmd.number}/netted", fees, claim, both, PostingKind.NETTED),
        Arrow(f"{cmd.number}/netted-earned", accrued, earned, both, PostingKind.EARNED),
    ]
    ledger.draw(f"netting:{cmd.number}", arrows, link=ledger.Link(local_day(now)), actor=actor, now=now)
    Due.objects.create(
        reference=f"{cmd.number}/netted-due", account_id=earned, amount=both, kind=DueKind.VENUE_FEE, since=now
    )  # fmt: skip
