"""Tables of the kernel: cases and what hangs on them, the journal, holds, command keys, subscribers' cursors.

Written only by the engine, the journal and the services of this package. The journal is append-only by trigger.
"""

from __future__ import annotations

from django.db import models
from django.db.models.expressions import RawSQL

from shugu.kernel.models_papers import PaperRevocation  # noqa: F401  of this app, in a file of its own
from shugu.kernel.models_seals import VenueSeal  # noqa: F401  of this app, in a file of its own
from shugu.kernel.models_status import (  # noqa: F401  of this app, in a file of their own
    StatusBits,
    StatusBlock,
    StatusDay,
    StatusVersion,
)


class TransactionId(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction id: tells which facts were still in flight at a snapshot."""

    def db_type(self, connection: object) -> str:
        return "xid8"


class Case(models.Model):
    """One run of one procedure version about one subject, under one rule set; exactly one state."""

    number = models.CharField(max_length=40, unique=True)
    procedure = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    subject = models.CharField(max_length=60)
    title = models.CharField(max_length=300)
    state = models.CharField(max_length=40)
    revision = models.PositiveIntegerField(default=0)
    rule_set = models.CharField(max_length=120)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    closed_at = models.DateTimeField(null=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    # What the case is about besides itself: "registry.entry:5", "party.org:3"; holds on these bind it.
    subjects = models.JSONField(default=list)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(
                fields=["procedure", "state"], name="case_open", condition=models.Q(closed_at__isnull=True)
            ),
            models.Index(fields=["parent"], name="case_parent", condition=models.Q(parent__isnull=False)),
        ]

    @property
    def table_key(self) -> str:
        return f"{self.procedure}.v{self.version}"


class Assignment(models.Model):
    """Which of the venue's staff has a case in hand. It directs work and gives no right: who may act is the table's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="assignment")
    person = models.BigIntegerField()
    assigned_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person"], name="assignment_person")]


class CaseParty(models.Model):
    """Who holds a role in a case. Rows of a seat role are added when a person first acts in it."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="parties")
    role = models.CharField(max_length=40)
    person = models.BigIntegerField(null=True)
    org = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "role", "person", "org"], name="party_once", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["org", "role"], name="party_org")]


class Clock(models.Model):
    """A running or ended clock of a case: the truth that the sweep acts on."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="clocks")
    clock = models.CharField(max_length=40)
    kind = models.CharField(max_length=8)
    status = models.CharField(max_length=8)
    starts_on = models.DateField()
    due_on = models.DateField()
    due_at = models.DateTimeField()
    provisional = models.BooleanField(default=False)
    paused_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="clock_due", condition=models.Q(status="running")),
            models.Index(fields=["case"], name="clock_case"),
        ]


class Material(models.Model):
    """A document filed in a case under a material's name; a newer one supersedes the older."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="materials")
    material = models.CharField(max_length=40)
    filename = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    signers = models.PositiveSmallIntegerField(default=1)
    person = models.BigIntegerField(null=True)
    org = models.BigIntegerField(null=True)
    filed_at = models.DateTimeField()
    superseded = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["case"], name="material_case")]


class Consent(models.Model):
    """One voice of a quorum: a fact without a move."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="consents")
    do = models.CharField(max_length=40)
    state = models.CharField(max_length=40)
    role = models.CharField(max_length=40)
    person = models.BigIntegerField(null=True)
    org = models.BigIntegerField(null=True)
    given_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["case"], name="consent_case")]


class Hold(models.Model):
    """What may not be done to a target until lifted; soft when an undertaking lets it pass."""

    target = models.CharField(max_length=60)
    forbids = models.JSONField()
    undertaking = models.TextField(blank=True)
    reason = models.TextField()
    article = models.CharField(max_length=200, blank=True)
    placed_at = models.DateTimeField()
    until = models.DateField(null=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["target"], name="hold_live", condition=models.Q(lifted_at__isnull=True))]


class Fact(models.Model):
    """A line of the journal. Payload and salt may be erased where law demands; the commitments stay."""

    xid = TransactionId(db_default=RawSQL("pg_current_xact_id()", ()))
    name = models.CharField(max_length=80)
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="facts")
    subject = models.CharField(max_length=60)
    person = models.BigIntegerField(null=True)
    org = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    effective_on = models.DateField()
    payload = models.TextField(null=True)
    salt = models.BinaryField(null=True)
    digest = models.BinaryField()
    digest_sm3 = models.BinaryField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["xid", "id"], name="fact_xid"),
            models.Index(fields=["case", "id"], name="fact_case"),
            models.Index(fields=["subject", "id"], name="fact_subject"),
            models.Index(fields=["name", "id"], name="fact_name"),
        ]


class Position(models.Model):
    """The place of a fact in commit order = its index in the log. Written by the one sequencer."""

    position = models.BigIntegerField(primary_key=True)
    # No constraint in the database: it would look up and lock each fact again that the one INSERT … SELECT has just
    # read, two thirds of its cost. Facts cannot be deleted (trigger), and the log's audit misses one that is gone.
    fact = models.OneToOneField(Fact, on_delete=models.PROTECT, related_name="place", db_constraint=False)


class SequencerState(models.Model):
    """One row: the snapshot below which every fact has its position (journal.assign_positions)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    horizon = TransactionId()
    next_position = models.BigIntegerField(default=0)


class CommandKey(models.Model):
    """An idempotency key that was used: whose, for what input, with what answer."""

    owner = models.CharField(max_length=60)
    key = models.CharField(max_length=100)
    command = models.CharField(max_length=80)
    input_hash = models.CharField(max_length=64)
    answer = models.JSONField()
    used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="command_key_once")]


class Cursor(models.Model):
    """How far a subscriber has read, and why it stopped if it did."""

    subscriber = models.CharField(max_length=100, primary_key=True)
    position = models.BigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)


class HomeMark(models.Model):
    """One row: what kind of home this database belongs to. It never changes (trigger)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    mode = models.CharField(max_length=8)
    venue = models.CharField(max_length=40)
    clock_shift = models.BigIntegerField(default=0)


class RuleSetCopy(models.Model):
    """The content of a rule set that cases began under; its id holds the hash of its content."""

    id = models.CharField(max_length=120, primary_key=True)
    content = models.JSONField()


class KeyLine(models.Model):
    """One line of the venue's key history (docs/formats.md section 2), canonical JSON; `digest` is its SHA-256 (hex)."""

    n = models.PositiveIntegerField(primary_key=True)
    line = models.TextField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
