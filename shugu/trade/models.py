"""The contract that results, its signatures and its voucher. Written only by shugu.trade.services.

Where a contract stands is its case's state. What was agreed is the canonical `terms`; both sides sign its digest.
"""

from __future__ import annotations

from django.db import models

from shugu.kernel.models import Case


class Contract(models.Model):
    """`terms` is the canonical document of revision `revision`; `document_digest` that of the credential the venue
    signed at approval. `effective_at` is the second in which the money was held; the term counts from it."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    negotiation = models.OneToOneField("market.Negotiation", on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey("catalogue.ProductVersion", on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    price_fen = models.BigIntegerField()
    terms = models.JSONField()
    terms_digest = models.CharField(max_length=64)
    revision = models.PositiveSmallIntegerField(default=1)
    affiliated = models.BooleanField(default=False)
    document_digest = models.CharField(max_length=64, blank=True)
    drafted_at = models.DateTimeField()
    effective_at = models.DateTimeField(null=True)
    delivery = models.JSONField(default=dict)
    # Of the approved contract: the place in the status lists.
    seat = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["provider"], name="contract_provider"),
            models.Index(fields=["buyer"], name="contract_buyer"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(price_fen__gt=0), name="contract_price_positive"),
            models.CheckConstraint(condition=~models.Q(provider=models.F("buyer")), name="contract_two_sides"),
        ]


class Signature(models.Model):
    """One side's signature over the terms digest of one revision, as party.services.sign gave it."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="signatures")
    revision = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=10)
    person = models.BigIntegerField(null=True)
    signed = models.JSONField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "revision", "role"], name="signature_once"),
        ]


class Voucher(models.Model):
    """数据交易凭证: the venue's credential that a trade was performed and paid; its bytes are kept by digest."""

    contract = models.OneToOneField(Contract, on_delete=models.PROTECT, related_name="voucher")
    number = models.CharField(max_length=40, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    amount_class = models.CharField(max_length=10)
    issued_at = models.DateTimeField()
    completed_on = models.DateField()
    fact = models.BigIntegerField()
    seat = models.BigIntegerField(null=True)
    # From this moment on it is withdrawn, for the reason kept by digest in its fact.
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_ground = models.CharField(max_length=200, blank=True)
    withdrawn_document = models.CharField(max_length=200, blank=True)
