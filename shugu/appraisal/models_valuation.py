"""What is it worth: orders of valuations and the reports of the bodies. Written only by this app's services.

A delivered report stays as it is but for its withdrawal and for its disclosure, each once (migration 0004).
"""

from __future__ import annotations

from django.db import models

from shugu.kernel.models import Case


class Valuation(models.Model):
    """A holder's order to value the data of one entry, with the basic matters it fixes; its state is its case's.

    There is no wished-for value here and there must never be one: no value set beforehand may become a conclusion."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    body = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    rights = models.JSONField()
    purpose = models.CharField(max_length=40)
    value_type = models.CharField(max_length=40)
    base_date = models.DateField()
    scenario = models.TextField()
    scope = models.TextField(blank=True)
    users = models.TextField(blank=True)
    ordered_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["holder", "-ordered_at"], name="valuation_holder"),
            models.Index(fields=["body", "-ordered_at"], name="valuation_body"),
        ]


class ValuationReport(models.Model):
    """A filed report: `calculation` as in docs/formats.md 19, `parts` {code of the rules: text}, the file the body signed by
    digest. `signers` are names of people: never in a fact, nor in the credential."""

    number = models.CharField(max_length=40, unique=True)
    valuation = models.ForeignKey(Valuation, on_delete=models.PROTECT, related_name="reports")
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    body = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    calculation = models.JSONField()
    parts = models.JSONField()
    quality_report = models.CharField(max_length=40, blank=True)
    signers = models.JSONField()
    digest = models.CharField(max_length=64)
    filed_at = models.DateTimeField()
    valid_until = models.DateField()
    # Set when the body delivers it; until then it may be replaced.
    delivered_at = models.DateTimeField(null=True)
    credential_digest = models.CharField(max_length=64, blank=True)
    seat = models.BigIntegerField(null=True)
    fact = models.BigIntegerField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_ground = models.CharField(max_length=40, blank=True)
    withdrawn_document = models.CharField(max_length=200, blank=True)
    disclosed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["entry", "-delivered_at"], name="valuation_entry")]
