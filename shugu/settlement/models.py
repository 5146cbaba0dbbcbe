"""Money held for clients: accounts, arrows between them, reservations, escrows, dues, runs, the bank's own lines.

Written only by this app's services. Postings and statement lines are immutable, an account's balance is what its
postings make it (triggers and checks in 0002). Amounts are integer fen, always positive; the arrow gives direction.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shugu.kernel.models import Case


class Account(models.Model):
    """kind: client, service_fee, venue_fee, suspense, venue_claim, venue_accrued, bank. A client's money is in its own
    account and no other's.

    `balance` is all posted money, `reserved` the part of it promised to somebody; the bank account stands for the
    outside world, so its balance is minus what the custody bank must hold, and a venue_claim's minus what that venue owes.
    """

    kind = models.CharField(max_length=16)
    org = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    balance = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "org"], name="account_once", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(kind__in=["bank", "venue_claim"]) | Q(balance__gte=models.F("reserved")), name="account_floor"
            ),
            models.CheckConstraint(condition=~Q(kind="venue_claim") | Q(balance__lte=0), name="account_claim"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="account_reserved"),
            models.CheckConstraint(
                condition=Q(kind__in=["client", "service_fee", "venue_claim"], org__isnull=False)
                | Q(kind__in=["venue_fee", "suspense", "venue_accrued", "bank"], org__isnull=True),
                name="account_owner",
            ),
        ]


class BankAccount(models.Model):
    """Where an organisation (or, without one, the venue) wants its money. A change is a new row; the newest counts."""

    org = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    holder = models.CharField(max_length=200)
    bank = models.CharField(max_length=200)
    number = models.CharField(max_length=40)
    person = models.BigIntegerField(null=True)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org"], condition=Q(ended_at__isnull=True), name="bank_account_once", nulls_distinct=False
            )
        ]


class Escrow(models.Model):
    """The money of one contract. `terms` is what was fixed at opening: the contract's fees and shares (domain.Sale).

    `number` is the payment reference the buyer writes on the transfer.
    """

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    contract = models.OneToOneField("trade.Contract", on_delete=models.PROTECT, related_name="+")
    contract_number = models.CharField(max_length=40)
    buyer = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    price = models.BigIntegerField()
    requested = models.BigIntegerField()
    terms = models.JSONField()
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(price__gt=0, requested__gte=models.F("price")), name="escrow_sum")]


class Reservation(models.Model):
    """The first of two phases: money of `source` promised, not moved. pending → posted | voided | expired, once.

    `posted` is how much of it moved in the end; the rest became free again.
    """

    reference = models.CharField(max_length=80, unique=True)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    posted = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, default="pending")
    escrow = models.ForeignKey(Escrow, null=True, on_delete=models.PROTECT, related_name="reservations")
    reserved_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, posted__gte=0, posted__lte=models.F("amount")), name="reservation_amount"
            )
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="pending"), name="reservation_due")]


class Run(models.Model):
    """One settlement run: what is paid out together. `sequence` numbers the files the bank gets, without gaps."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    sequence = models.PositiveIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True)
    proposed_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)


class Posting(models.Model):
    """An arrow: `amount` fen from `source` to `destination`. Immutable; no unbalanced entry can be written down."""

    reference = models.CharField(max_length=80, unique=True)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    escrow = models.ForeignKey(Escrow, null=True, on_delete=models.PROTECT, related_name="postings")
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="postings")
    posted_at = models.DateTimeField()
    effective_on = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="posting_positive"),
            models.CheckConstraint(condition=~Q(source=models.F("destination")), name="posting_two_ends"),
        ]
        indexes = [
            models.Index(fields=["source", "posted_at"], name="posting_source"),
            models.Index(fields=["destination", "posted_at"], name="posting_destination"),
        ]


class Instruction(models.Model):
    """One payment order to the bank. state: proposed → issued → confirmed | dropped. `payee` is fixed at issue."""

    number = models.CharField(max_length=40, unique=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="instructions")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    payee = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default="proposed")
    confirmed_at = models.DateTimeField(null=True)


class Due(models.Model):
    """What an account's owner is owed in cash and why. kind: proceeds, service_fee, venue_fee, selling_venue, fee_relief,
    refund, return.

    A run takes the dues without a live instruction; one of a selling venue has a `payee` first, by the settlement between
    the venues. `settled_at` is when the bank confirmed, or when it was
    set off against what that venue owes us.
    """

    reference = models.CharField(max_length=80, unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    escrow = models.ForeignKey(Escrow, null=True, on_delete=models.PROTECT, related_name="dues")
    payee = models.JSONField(default=dict)
    instruction = models.ForeignKey(Instruction, null=True, on_delete=models.PROTECT, related_name="dues")
    since = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="due_positive")]
        indexes = [models.Index(fields=["account"], condition=Q(instruction__isnull=True), name="due_open")]


class VenueClaim(models.Model):
    """Money that another venue has been asked for: `number` is the reference it writes on the transfer, `org` its
    organisation here, `amount` exactly what has to come."""

    number = models.CharField(max_length=40, unique=True)
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="venue_claim_positive"),
            models.CheckConstraint(condition=Q(ended_at__isnull=True) | Q(received_at__isnull=True), name="venue_claim_once"),
        ]


class BankStatement(models.Model):
    """One statement of the custody account as the bank sent it; they form a chain without gaps."""

    sequence = models.PositiveIntegerField(unique=True)
    account = models.CharField(max_length=40)
    opening = models.BigIntegerField()
    closing = models.BigIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    taken_at = models.DateTimeField()


class StatementLine(models.Model):
    """One line of the bank's, taken once. direction: in, out (seen from the custody account)."""

    bank_id = models.CharField(max_length=64, unique=True)
    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="lines")
    direction = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    reference = models.CharField(max_length=80, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    counterparty_account = models.CharField(max_length=40, blank=True)
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="line_positive")]


class Break(models.Model):
    """A line that fits nothing we expected. kind: wrong_amount, unknown_reference, duplicate, late, returned,
    unexplained_debit. Where it stands is its case's state; its money waits in the suspense account."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="+")
    line = models.OneToOneField(StatementLine, on_delete=models.PROTECT, related_name="found")
    kind = models.CharField(max_length=20)
    escrow = models.ForeignKey(Escrow, null=True, on_delete=models.PROTECT, related_name="breaks")
    instruction = models.ForeignKey(Instruction, null=True, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField()
