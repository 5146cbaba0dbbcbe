"""The log as the database knows it. Tiles are files: their content is a function of the journal and can be derived anew."""

from __future__ import annotations

from django.db import models


class LogState(models.Model):
    """One row: the tree whose checkpoint was last signed. It only grows (trigger).

    `frontier` is the roots of the complete subtrees, largest first, 32 bytes each; `checkpoint` is the signed note.
    `epoch` counts the terms of writers and `holder` names the present one (fencing.py): what grows the row names it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    size = models.BigIntegerField(default=0)
    root = models.BinaryField()
    frontier = models.BinaryField(default=b"")
    checkpoint = models.BinaryField()
    signed_at = models.DateTimeField()
    epoch = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=32, default="")


class Checkpoint(models.Model):
    """Every checkpoint ever signed, smallest first; append-only, each larger than the one before (trigger)."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.BinaryField()
    signed_at = models.DateTimeField()


class Package(models.Model):
    """An evidence package that was extracted: on which ground, by whom, over which cases. Never changed (trigger).

    `body` is the digest of the stored archive without its seal, `credential` that of the venue's credential about it.
    """

    number = models.CharField(max_length=40, unique=True)
    ground = models.CharField(max_length=40)
    document = models.JSONField(default=dict)
    cases = models.JSONField()
    facts = models.PositiveIntegerField()
    body = models.CharField(max_length=64)
    credential = models.CharField(max_length=64)
    person = models.BigIntegerField()
    org = models.BigIntegerField(null=True)
    extracted_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["person", "id"], name="package_person")]


class Deposit(models.Model):
    """What an organisation had fixed as evidence: digests of documents, whether or not their bytes are kept here. Never
    changed (trigger). `items`: name, sha256, sm3 (empty where only a digest was given), size, kept."""

    number = models.CharField(max_length=40, unique=True)
    org = models.BigIntegerField()
    person = models.BigIntegerField()
    title = models.CharField(max_length=200)
    description = models.TextField()
    items = models.JSONField()
    report = models.CharField(max_length=64)
    certificate_number = models.CharField(max_length=40, unique=True)
    certificate = models.CharField(max_length=64)
    deposited_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["org", "id"], name="deposit_org")]


class Published(models.Model):
    """One row: the checkpoint that is public, with its cosignatures. It may lag behind LogState while witnesses are waited
    for; proofs are given under it. It never shrinks (trigger)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.BinaryField()
    published_at = models.DateTimeField()


class Cosignature(models.Model):
    """A witness's line on one of our checkpoints, verified before it was kept; append-only (trigger). No fact tells of it:
    a fact would make a new checkpoint, which would be cosigned in turn, for ever."""

    size = models.BigIntegerField()
    root = models.BinaryField()
    vkey = models.CharField(max_length=400)
    line = models.TextField()
    cosigned_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["vkey", "-size"], name="evidence_cosigned")]


class WitnessTrouble(models.Model):
    """The last failure of a witness since it last cosigned; the row goes when it cosigns again. `code` as in
    cosigning.TROUBLES."""

    vkey = models.CharField(max_length=400, primary_key=True)
    code = models.CharField(max_length=20)
    since = models.DateTimeField()
    last = models.DateTimeField()


class WitnessedLog(models.Model):
    """A log of another venue that this venue witnesses: the latest checkpoint cosigned. It never shrinks (trigger), not
    even when witnessing ended and begins anew. `vkeys`: the operator's pins; `history`: the log's key history that was followed
    from them, asked for at `site` ("": nowhere); `trouble`: why nothing new is taken."""

    origin = models.CharField(max_length=200, unique=True)
    log_id = models.CharField(max_length=64, unique=True)
    vkeys = models.TextField()
    size = models.BigIntegerField(default=0)
    root = models.BinaryField()
    note = models.BinaryField(default=b"")
    cosigned_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    site = models.CharField(max_length=300, blank=True)
    history = models.BinaryField(default=b"")
    followed_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=600, blank=True)


class WitnessAlarm(models.Model):
    """A signed checkpoint that does not extend what was cosigned, with the one that was. `proven`: the two alone convict the
    log; otherwise only the proof sent with it was wrong."""

    log = models.ForeignKey(WitnessedLog, on_delete=models.PROTECT, related_name="+")
    size = models.BigIntegerField()
    root = models.BinaryField()
    first = models.BinaryField()
    second = models.BinaryField()
    proven = models.BooleanField()
    raised_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "size", "root", "proven"], name="evidence_alarm_once")]
