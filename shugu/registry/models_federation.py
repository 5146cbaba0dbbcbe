"""What the register knows of other venues: their certificates recognised here, where an entry came from, and moves."""

from __future__ import annotations

from django.db import models


class Recognition(models.Model):
    """A certificate of another venue that was checked here for its holder. Its state is live, ended or refused; what it says
    never changes, when it was last found in force does. `presented` is the SHA-256 of the file as it was presented."""

    number = models.CharField(max_length=40, unique=True)
    holder = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, db_index=True)
    presented = models.CharField(max_length=64, db_index=True)
    venue = models.CharField(max_length=40)
    origin = models.CharField(max_length=200)
    certificate = models.CharField(max_length=60)
    kind = models.CharField(max_length=60)
    regime = models.CharField(max_length=60)
    # Whether it is the voucher of a trade; what it says of title, object, rights, particulars and entry.
    trade = models.BooleanField(default=False)
    content = models.JSONField(default=dict)
    agreement = models.CharField(max_length=60, blank=True)
    # [{"register", "operation", "materials": [...]}]: what the agreement waives.
    waives = models.JSONField(default=list)
    state = models.CharField(max_length=10)
    # The check that failed or the facet that ended it, as a code, and in words (zh, en).
    failed = models.CharField(max_length=60, blank=True)
    reason = models.JSONField(default=list)
    until = models.DateField(null=True)
    max_age = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fact = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["holder", "digest"], condition=models.Q(state="live"), name="registry_recognition_once"
            )
        ]


class MoveRefusal(models.Model):
    """A transfer-out that this venue will never enter, though no case was opened for it; `answer` is what it signed."""

    document = models.CharField(max_length=64, unique=True)
    origin = models.CharField(max_length=200)
    answer = models.CharField(max_length=64)
    fact = models.BigIntegerField()


class Origin(models.Model):
    """Where an entry comes from: a line of another venue's register that was recognised, or that moved here."""

    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="origins")
    kind = models.CharField(max_length=20)
    venue = models.CharField(max_length=40)
    origin = models.CharField(max_length=200)
    number = models.CharField(max_length=60)
    certificate = models.CharField(max_length=60)
    digest = models.CharField(max_length=64)
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "digest"], name="registry_origin_once")]


class Move(models.Model):
    """An entry on its way to another venue's register or from one. The primary key is its application's. `document` is the
    digest of the transfer-out credential: none is entered twice. `answer` is what the other side signed in return."""

    filing = models.OneToOneField("registry.Filing", on_delete=models.PROTECT, primary_key=True, related_name="move")
    outward = models.BooleanField()
    venue = models.CharField(max_length=40)
    origin = models.CharField(max_length=200)
    target = models.CharField(max_length=40)
    document = models.CharField(max_length=64, blank=True)
    # The other register's line: where it moved to, or where it came from.
    number = models.CharField(max_length=60, blank=True)
    answer = models.CharField(max_length=64, blank=True)
    mark = models.ForeignKey("registry.Mark", null=True, on_delete=models.PROTECT, related_name="+")
    content = models.JSONField(default=dict)
    moved_at = models.DateTimeField(null=True)
    # Of the transfer-out in the status lists; None before there were seats for these.
    seat = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=~models.Q(document=""), name="registry_move_once"
            )
        ]
