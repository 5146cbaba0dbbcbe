"""What exists and whose right it is: filings, entries with their versions, certificates, marks, objections.

Written only by shugu.registry.services (and its part `objecting`). An entry's status is never stored: facets are
computed from versions, marks and the day (domain.py).
"""

from __future__ import annotations

from django.db import models

from shugu.kernel.models import Case, Hold
from shugu.registry.models_federation import Move, MoveRefusal, Origin, Recognition  # noqa: F401  of this app, in files of their own
from shugu.registry.models_import import Import, ImportLine  # noqa: F401


class Filing(models.Model):
    """One application to a register; its state is its case's. The primary key is the case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    register = models.CharField(max_length=40)
    operation = models.CharField(max_length=40)
    window = models.ForeignKey("Window", null=True, on_delete=models.PROTECT, related_name="filings")
    # The line of the book it is about; none for a first registration and for accounts.
    entry = models.ForeignKey("Entry", null=True, on_delete=models.PROTECT, related_name="filings")
    applicant = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    reviewer = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    verifier = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    counterparty = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    object_kind = models.CharField(max_length=40)
    rights = models.JSONField()
    # [{"org": id, "parts": n}]: co-holders with their relative parts; one row when the applicant holds alone.
    holders = models.JSONField()
    # [{"entry": number, "text": …, "processing": …, "parts": bps}]: what it was made from.
    lineage = models.JSONField(default=list)
    # The mark an operation lifts (discharge, resume).
    mark = models.ForeignKey("Mark", null=True, on_delete=models.PROTECT, related_name="+")
    # The certificate of another venue that it cites.
    recognition = models.ForeignKey("Recognition", null=True, on_delete=models.PROTECT, related_name="+")
    form = models.JSONField()
    filed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["applicant"], name="registry_filing_applicant"),
            models.Index(fields=["entry"], name="registry_filing_entry", condition=models.Q(entry__isnull=False)),
        ]


class Entry(models.Model):
    """A line of a register's account book. What it says is in its versions; the last one holds."""

    number = models.CharField(max_length=40, unique=True)
    register = models.CharField(max_length=40)
    object_kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    holder = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    entered_on = models.DateField()
    # What it is recognised by when somebody registers it again: its title without spaces and marks, and its content.
    title_key = models.CharField(max_length=200, db_index=True)
    content_sha256 = models.CharField(max_length=64, blank=True, db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["register", "-entered_on", "-id"], name="registry_entry_register"),
            models.Index(fields=["holder"], name="registry_entry_holder"),
        ]


class EntryVersion(models.Model):
    """What the book said from one day on, and by which filing. Never changed (trigger in 0002)."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveSmallIntegerField()
    filing = models.ForeignKey(Filing, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    rights = models.JSONField()
    form = models.JSONField()
    valid_from = models.DateField()
    valid_until = models.DateField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "version"], name="registry_version_once")]


class Share(models.Model):
    """A holder of a version and the relative parts held; co-holders divide what the entry earns by them."""

    version = models.ForeignKey(EntryVersion, on_delete=models.PROTECT, related_name="shares")
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    parts = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "org"], name="registry_share_once"),
            models.CheckConstraint(condition=models.Q(parts__gt=0), name="registry_share_positive"),
        ]


class Certificate(models.Model):
    """A signed credential about one version of an entry; the document itself is kept by its digest."""

    number = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=60)
    version = models.ForeignKey(EntryVersion, on_delete=models.PROTECT, related_name="certificates")
    # Of a licence, pledge, trust …: the mark it certifies.
    mark = models.ForeignKey("Mark", null=True, on_delete=models.PROTECT, related_name="certificates")
    holder = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    valid_until = models.DateField()
    fact = models.BigIntegerField()
    # Its place in the status lists; none of those issued before there were any.
    seat = models.BigIntegerField(null=True)


class Mark(models.Model):
    """A note in the book beside an entry: objected, suspended, encumbered, revoked, cancelled; live until lifted.

    `kind` tells an encumbrance (licence, pledge, trust …), `beneficiary` who has it, `detail` its coded terms."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="marks")
    facet = models.CharField(max_length=20)
    kind = models.CharField(max_length=40, blank=True)
    beneficiary = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    detail = models.JSONField(default=dict)
    article = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    hold = models.ForeignKey(Hold, null=True, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()
    until = models.DateField(null=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["entry"], name="registry_mark_live", condition=models.Q(lifted_at__isnull=True))]


class Objection(models.Model):
    """An objection to a filing under public notice, or to an entry. The primary key is its case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    filing = models.ForeignKey(Filing, null=True, on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    person = models.BigIntegerField()
    org = models.BigIntegerField(null=True)
    ground = models.CharField(max_length=40)
    statement = models.TextField()
    filed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(filing__isnull=False, entry__isnull=True)
                | models.Q(filing__isnull=True, entry__isnull=False),
                name="registry_objection_one",
            )
        ]


class TradeRecord(models.Model):
    """That an entry was traded, told by the app that traded it; once for each reference."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="trades")
    reference = models.CharField(max_length=100, unique=True)
    buyer = models.ForeignKey("party.Organisation", null=True, on_delete=models.PROTECT, related_name="+")
    data = models.JSONField()
    recorded_at = models.DateTimeField()
    fact = models.BigIntegerField()


class Account(models.Model):
    """A holder's account in a register. A change is a new `changed_on`; what it said before is in the facts."""

    register = models.CharField(max_length=40)
    number = models.CharField(max_length=40, unique=True)
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    info = models.JSONField(default=dict)
    opened_on = models.DateField()
    changed_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)
    fact = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["register", "org"], condition=models.Q(closed_on__isnull=True), name="registry_account_once"
            )
        ]


class Lineage(models.Model):
    """An entry's parent: another entry or a source outside, what was done to it, and its part in ten thousand."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="parents")
    parent = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="children")
    source = models.CharField(max_length=200, blank=True)
    processing = models.CharField(max_length=400, blank=True)
    contribution = models.PositiveIntegerField(default=0)


class Link(models.Model):
    """Two entries that belong together: of one application to two registers, or a data-IP and a data-asset entry."""

    left = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="links")
    right = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="linked_from")
    kind = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["left", "right", "kind"], name="registry_link_once")]


class Window(models.Model):
    """One application to several registers under one receipt number. The primary key is its case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    applicant = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    received_at = models.DateTimeField()


class Appeal(models.Model):
    """A refused applicant's request to look again. The primary key is its case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    filing = models.OneToOneField(Filing, on_delete=models.PROTECT, related_name="appeal")
    statement = models.TextField()
    filed_at = models.DateTimeField()


class RegisterReport(models.Model):
    """A report about one period of one register. `figures` as they stood when it was prepared; each is drilled down to
    its records from the book itself. The primary key is its case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    register = models.CharField(max_length=40)
    report = models.CharField(max_length=40)
    first_day = models.DateField()
    last_day = models.DateField()
    figures = models.JSONField()
    digest = models.CharField(max_length=64)
    prepared_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["register", "report", "last_day"], name="registry_report_once")]
