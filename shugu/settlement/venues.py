"""Money between venues: the part of a fee that is another venue's, and what another venue owes us. Door: services, queries.

Where the product is listed, the other venue's part is drawn from the trade into its organisation's fee account (posting
`selling_venue`) and is due to it. Where the buyer is, the same sum is drawn from the claim on that venue to what is accrued; it
becomes our fee, and can be paid out, only when the bank has received it. Both sides sum to zero by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, Sum

from shugu.kernel import journal
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, GuardRefused, InputInvalid, NotFound
from shugu.kernel.money import format_fen
from shugu.kernel.workdays import local_day
from shugu.settlement import ledger
from shugu.settlement.domain import AccountKind, Arrow, DueKind, PostingKind
from shugu.settlement.errors import NotEnoughMatched
from shugu.settlement.models import Account, BankAccount, Due, Posting, VenueClaim

Pair = tuple[str, str]


@dataclass(frozen=True)
class AccrueShare:
    """`org`: the other venue's organisation here; `reference` names the trade; `amount` fen of its fee are ours."""

    org: int
    reference: str
    amount: int


@dataclass(frozen=True)
class OpenClaim:
    """`amount` fen, all of it accrued; `number` is the reference of the transfer."""

    number: str
    org: int
    amount: int


@dataclass(frozen=True)
class EndClaim:
    number: str


@dataclass(frozen=True)
class PayShare:
    """Where the parts of these contracts (numbers) go that are due to `org`: exactly `amount` fen together. `payee`: holder,
    bank, number, and the reference the other venue asked for."""

    contracts: tuple[str, ...]
    org: int
    amount: int
    payee: Mapping[str, str]


@dataclass(frozen=True)
class Between:
    """Fen. `payable`: of another venue and still with us; `receivable`: ours and still with it; `unclaimed`: the part of
    that for which no claim is open."""

    payable: int
    receivable: int
    unclaimed: int


@dataclass(frozen=True)
class Claim:
    number: str
    org: int
    amount: int
    open: bool


def by_mandate(actor: Actor) -> None:
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()


@command("settlement.accrue_share", ("记应收其他场所分成", "accrue a part of another venue's fee"))
def accrue_share(cmd: AccrueShare, *, actor: Actor, now: datetime) -> bool:
    """By mandate; False when exactly this was accrued before. Errors: Forbidden, InputInvalid, ReferenceConflict."""
    by_mandate(actor)
    claim = ledger.account(AccountKind.VENUE_CLAIM, cmd.org, now)
    accrued = ledger.account(AccountKind.VENUE_ACCRUED, None, now)
    reference = f"{cmd.reference}/accrued"
    arrow = Arrow(reference, claim, accrued, cmd.amount, PostingKind.ACCRUED)
    return ledger.draw(reference, [arrow], link=ledger.Link(local_day(now)), actor=actor, now=now)


@command("settlement.open_claim", ("向其他场所请款", "ask another venue for money"))
def open_claim(cmd: OpenClaim, *, actor: Actor, now: datetime) -> VenueClaim:
    """By mandate. Errors: Forbidden, InputInvalid for more than that venue owes and was not asked for."""
    by_mandate(actor)
    if not 0 < cmd.amount <= between(cmd.org).unclaimed:
        problem = ("请款须在未请的应收之内", "within what is owed and not claimed yet")
        raise InputInvalid(fields="amount", field_errors={"amount": problem})
    row = VenueClaim.objects.create(number=cmd.number, org_id=cmd.org, amount=cmd.amount, opened_at=now)
    record_claim("venue_claim.opened", row, actor, now)
    return row


@command("settlement.end_claim", ("终止请款", "end a claim on another venue"))
def end_claim(cmd: EndClaim, *, actor: Actor, now: datetime) -> None:
    """By mandate: the other venue did not agree. Ended or received before changes nothing. Errors: Forbidden."""
    by_mandate(actor)
    rows = VenueClaim.objects.select_for_update().filter(ended_at__isnull=True, received_at__isnull=True)
    row = rows.filter(number=cmd.number).first()
    if row is not None:
        row.ended_at = now
        row.save(update_fields=["ended_at"])
        record_claim("venue_claim.ended", row, actor, now)


def record_claim(name: str, row: VenueClaim, actor: Actor, now: datetime) -> None:
    data = {"claim": row.number, "amount_fen": row.amount}
    journal.record(name, subject=f"settlement.venue_claim:{row.pk}", actor=actor, now=now, data=data)


@command("settlement.pay_share", ("确定其他场所分成的付款", "decide where another venue's part goes"))
def pay_share(cmd: PayShare, *, actor: Actor, now: datetime) -> int:
    """How many dues the next run can take by it. By mandate. Errors: Forbidden, InputInvalid when they are not exactly the
    sum asked for, are not due yet, or go elsewhere already."""
    by_mandate(actor)
    rows = Due.objects.select_for_update(of=("self",)).filter(
        kind=DueKind.SELLING_VENUE, account__org_id=cmd.org, escrow__contract_number__in=cmd.contracts, payee={},
        instruction__isnull=True, settled_at__isnull=True,
    )  # fmt: skip
    found = list(rows)
    if sum(row.amount for row in found) != cmd.amount or len(found) != len(set(cmd.contracts)):
        problem = ("与本场所应付的分成不符", "it is not what is due to that venue here")
        raise InputInvalid(fields="amount", field_errors={"amount": problem})
    return Due.objects.filter(pk__in=[row.pk for row in found]).update(payee=dict(cmd.payee))


def claimed(reference: str) -> Claim | None:
    row = VenueClaim.objects.filter(number=reference).first()
    if row is None:
        return None
    return Claim(row.number, row.org_id, row.amount, row.ended_at is None and row.received_at is None)


def receive(claim: Claim, *, actor: Actor, now: datetime) -> None:
    """The money is in custody: what was accrued is our fee. Call in a transaction."""
    row = VenueClaim.objects.select_for_update().get(number=claim.number)
    accrued = ledger.account(AccountKind.VENUE_ACCRUED, None, now)
    fee = ledger.account(AccountKind.VENUE_FEE, None, now)
    arrow = Arrow(f"{row.number}/earned", accrued, fee, row.amount, PostingKind.EARNED)
    ledger.draw(row.number, [arrow], link=ledger.Link(local_day(now)), actor=actor, now=now)
    Due.objects.create(reference=f"{row.number}/due", account_id=fee, amount=row.amount, kind=DueKind.VENUE_FEE, since=now)
    row.received_at = now
    row.save(update_fields=["received_at"])
    record_claim("venue_claim.received", row, actor, now)


def match(number: str, lines: list[tuple[str, int]], *, actor: Actor, now: datetime) -> None:
    """Payments that came without the reference are what was asked for. Errors: NotFound, GuardRefused, NotEnoughMatched,
    InputInvalid when they are more."""
    claim = claimed(number)
    if claim is None:
        raise NotFound(what=(f"请款 {number}", f"claim {number}"))
    if not claim.open:
        raise GuardRefused(why=("该请款已了结，请退回来款", "that claim is closed: send it back"))
    have = sum(amount for _, amount in lines)
    if have < claim.amount:
        raise NotEnoughMatched(have=format_fen(have), need=format_fen(claim.amount))
    if have > claim.amount:
        raise InputInvalid(fields="escrow", field_errors={"escrow": ("来款多于请款", "more came than was asked for")})
    source, target = ledger.account(AccountKind.SUSPENSE, None, now), ledger.account(AccountKind.VENUE_CLAIM, claim.org, now)
    arrows = [Arrow(f"{reference}/claim", source, target, amount, PostingKind.CLAIM) for reference, amount in lines]
    ledger.draw(f"claim:{number}", arrows, link=ledger.Link(local_day(now)), actor=actor, now=now)
    receive(claim, actor=actor, now=now)


def between(org: int) -> Between:
    """How the money stands between us and the venue with this organisation here."""
    dues = Due.objects.filter(kind=DueKind.SELLING_VENUE, account__org_id=org, settled_at__isnull=True)
    claim = Account.objects.filter(kind=AccountKind.VENUE_CLAIM, org_id=org).values_list("balance", flat=True).first() or 0
    asked = VenueClaim.objects.filter(org_id=org, ended_at__isnull=True, received_at__isnull=True)
    waiting = int(asked.aggregate(n=Sum("amount"))["n"] or 0)
    return Between(int(dues.aggregate(n=Sum("amount"))["n"] or 0), -claim, -claim - waiting)


def our_account() -> dict[str, str] | None:
    """Where this venue itself is paid, as a settlement officer named it."""
    row = BankAccount.objects.filter(org__isnull=True, ended_at__isnull=True).first()
    return {"holder": row.holder, "bank": row.bank, "number": row.number} if row is not None else None


def audit_venues() -> Iterator[tuple[str, str, str]]:
    """(subject, zh, en) where claims on other venues and what is accrued do not agree: both move together, always."""
    claims = -int(Account.objects.filter(kind=AccountKind.VENUE_CLAIM).aggregate(n=Sum("balance"))["n"] or 0)
    accrued = int(Account.objects.filter(kind=AccountKind.VENUE_ACCRUED).aggregate(n=Sum("balance"))["n"] or 0)
    if claims != accrued:
        yield "settlement.venue_claim", f"应收 {claims}，应计 {accrued}", f"{claims} is owed by venues, {accrued} is accrued"
    taken = Q(kind=PostingKind.EARNED)
    for row in VenueClaim.objects.filter(received_at__isnull=False):
        earned = Posting.objects.filter(taken, reference=f"{row.number}/earned").values_list("amount", flat=True).first()
        if earned != row.amount:
            zh, en = f"入账 {earned}，请款 {row.amount}", f"{earned} was earned of a claim of {row.amount}"
            yield f"settlement.venue_claim:{row.pk}", zh, en
    unpaid = Due.objects.filter(kind=DueKind.SELLING_VENUE, settled_at__isnull=True).values("account_id")
    for line in unpaid.annotate(owed=Sum("amount"), held=F("account__balance")):
        if line["owed"] > line["held"]:
            zh, en = f"应付 {line['owed']}，账上 {line['held']}", f"{line['owed']} is due to a venue, {line['held']} is held"
            yield f"settlement.account:{line['account_id']}", zh, en


def accrued(reference: str) -> int:
    """Fen accrued under a reference of `AccrueShare`."""
    rows = Posting.objects.filter(reference=f"{reference}/accrued", kind=PostingKind.ACCRUED)
    return int(rows.aggregate(n=Sum("amount"))["n"] or 0)


def shared(contract_number: str) -> int:
    """Fen of a contract's fee that were drawn for the venue that brought its buyer."""
    rows = Posting.objects.filter(escrow__contract_number=contract_number, kind=PostingKind.SELLING_VENUE)
    return int(rows.aggregate(n=Sum("amount"))["n"] or 0)
