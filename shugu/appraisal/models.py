"""Is it fit: quality reports measured beside the data, compliance reports of accredited bodies.

Written only by this app's services. A report is never changed; a newer one is taken beside it.
"""

from __future__ import annotations

from django.db import models

from shugu.appraisal.models_valuation import Valuation, ValuationReport  # noqa: F401  of this app, in a file of their own
from shugu.kernel.models import Case


class QualityReport(models.Model):
    """A connector's signed report on one revision of the data behind an entry (shugu.measure, GB/T 36344)."""

    number = models.CharField(max_length=40, unique=True)
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    connector_id = models.CharField(max_length=80)
    report = models.JSONField()
    # SHA-256 of the report, of the data it was measured on, of the connector's signed document, of our credential.
    report_digest = models.CharField(max_length=64)
    data_digest = models.CharField(max_length=64)
    document_digest = models.CharField(max_length=64)
    credential_digest = models.CharField(max_length=64)
    # Overall score in basis points; null when no dimension could be assessed.
    score = models.PositiveIntegerField(null=True)
    measured_at = models.DateTimeField()
    taken_at = models.DateTimeField()
    valid_until = models.DateField()
    fact = models.BigIntegerField()
    # Of the credential: the place in the status lists.
    seat = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "report_digest"], name="quality_report_once")]
        indexes = [models.Index(fields=["entry", "-measured_at", "-id"], name="quality_entry")]


class Assignment(models.Model):
    """A holder's order to a third-party body to evaluate one entry; its state is its case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=40)
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    body = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    scope = models.TextField(blank=True)
    ordered_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["entry"], name="assignment_entry"),
            models.Index(fields=["body", "-ordered_at"], name="assignment_body"),
        ]


class ComplianceReport(models.Model):
    """What a body found, with the file it signed. `signers` are names of people: never in a fact."""

    number = models.CharField(max_length=40, unique=True)
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="reports")
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    body = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    conclusion = models.CharField(max_length=40)
    summary = models.TextField()
    signers = models.JSONField()
    digest = models.CharField(max_length=64)
    filed_at = models.DateTimeField()
    # Set when the body delivers it; until then it may be replaced.
    delivered_at = models.DateTimeField(null=True)
    valid_until = models.DateField(null=True)
    credential_digest = models.CharField(max_length=64, blank=True)
    seat = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["entry", "-delivered_at"], name="compliance_entry")]
