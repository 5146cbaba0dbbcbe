"""How it is performed: connectors, what they hold, grants and their notices, tokens, receipts, quality orders.

Written only by this app's services. Where a delivery stands is its case's state; whether a grant is live follows from
its notices.
"""

from __future__ import annotations

from django.db import models

from shugu.kernel.models import Case


class Connector(models.Model):
    """A provider's data plane. `vkeys`: its verifier key lines pinned at registration, Ed25519 and SM2, at most one each; a
    document of it must be signed by every one of them. `problem` and
    `checked_at` tell of the last contact and are no facts."""

    connector_id = models.CharField(max_length=80, unique=True)
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=300)
    vkeys = models.JSONField()
    registered_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    problem = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["org"], name="connector_org")]


class Binding(models.Model):
    """Which file on which connector is the data of a product version. `label`: the product's number on the connector."""

    version = models.ForeignKey("catalogue.ProductVersion", on_delete=models.PROTECT, related_name="+")
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="bindings")
    label = models.CharField(max_length=40)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    bound_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(retired_at__isnull=True), name="binding_one_live"
            ),
            models.CheckConstraint(condition=models.Q(size__gte=0), name="binding_size"),
        ]


class QualityOrder(models.Model):
    """The venue's signed order to measure a file beside the data. `report` once the connector's report was taken."""

    number = models.CharField(max_length=40, unique=True)
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="orders")
    label = models.CharField(max_length=40)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    document = models.JSONField()
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    ordered_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    problem = models.JSONField(null=True)
    report = models.ForeignKey("appraisal.QualityReport", on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)


class Delivery(models.Model):
    """The performance of one contract. `round` counts from 1 and rises with every re-delivery; `data_digest` is the
    contract's, `confirmed_digest` what the buyer says he or she received."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    contract = models.OneToOneField("trade.Contract", on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    round = models.PositiveSmallIntegerField(default=1)
    data_digest = models.CharField(max_length=64)
    confirmed_digest = models.CharField(max_length=64, blank=True)
    opened_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["provider", "-opened_at"], name="delivery_provider"),
            models.Index(fields=["buyer", "-opened_at"], name="delivery_buyer"),
        ]


class Grant(models.Model):
    """What one connector was told to serve in one round. `document`: the signed grant; `taken_at`: when the connector
    took it; until then `attempts`, `next_try_at` and `problem` say how the pushing goes."""

    number = models.CharField(max_length=40, unique=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="grants")
    round = models.PositiveSmallIntegerField()
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="+")
    binding = models.ForeignKey(Binding, on_delete=models.PROTECT, related_name="+")
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default="active")
    sequence = models.PositiveIntegerField(default=0)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    issued_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    problem = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "round"], condition=~models.Q(state="revoked"), name="grant_once_a_round"
            )
        ]


class Notice(models.Model):
    """A signed change of a grant's state: suspend, resume or revoke; `sequence` rises from 1 with every notice."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="notices")
    sequence = models.PositiveIntegerField()
    action = models.CharField(max_length=10)
    reason = models.CharField(max_length=500)
    document = models.JSONField()
    issued_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grant", "sequence"], name="notice_sequence_once")]


class TokenIssue(models.Model):
    """That a token was given out, never the token: `sha256` of its text. Times are Unix seconds."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="tokens")
    token_id = models.CharField(max_length=64, unique=True)
    key_id = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64)
    not_before = models.BigIntegerField()
    not_after = models.BigIntegerField()
    person = models.BigIntegerField(null=True)
    issued_at = models.DateTimeField()


class Receipt(models.Model):
    """A delivery receipt signed by the connector. Bytes: `billable` = union of the ranges, `sent` = with repetitions.
    `meter_head` and `meter_records`: the last record of the connector's meter chain when it signed."""

    number = models.CharField(max_length=60, unique=True)
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="receipts")
    document_digest = models.CharField(max_length=64)
    body_digest = models.CharField(max_length=64)
    delivery_number = models.PositiveIntegerField()
    file = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    ranges = models.JSONField()
    billable = models.BigIntegerField()
    sent = models.BigIntegerField()
    meter_head = models.CharField(max_length=64)
    meter_records = models.BigIntegerField()
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField()
    taken_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "delivery_number"], name="receipt_once_a_delivery"),
            models.CheckConstraint(
                condition=models.Q(billable__lte=models.F("sent")), name="receipt_billed_at_most_sent"
            ),
        ]


class Proof(models.Model):
    """The venue's receipt of an accepted delivery (credential DataDeliveryReceipt); withdrawn for good by the officer."""

    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="proof")
    number = models.CharField(max_length=40, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    fact = models.BigIntegerField()
    seat = models.BigIntegerField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_ground = models.CharField(max_length=200, blank=True)
    withdrawn_document = models.CharField(max_length=200, blank=True)
