"""Settlements between venues: parts of fees asked for, agreed, paid and received. Written only by this edge's services."""

from __future__ import annotations

from django.db import models


class VenueSettlement(models.Model):
    """One settlement as one of the two venues has it; its state is its case's. `side`: "claimant", whose buyers ordered, or
    "debtor". `number` is the claimant's and the reference of the transfer; `org` the other venue's organisation here; `orders`
    rows of order number, digest of the voucher, fen; `account` where the money goes: holder, bank, number.
    `period`: in which it is netted, "" where it is paid by itself. A netting has `nets` instead of `orders` (rows of settlement,
    claimant's origin, fen), and its `amount` is the balance; `netting` leads to it from what it took."""

    case = models.OneToOneField("kernel.Case", on_delete=models.PROTECT, primary_key=True, related_name="+")
    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40)
    side = models.CharField(max_length=8)
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    orders = models.JSONField()
    account = models.JSONField()
    claimed_at = models.DateTimeField()
    instruction = models.CharField(max_length=40, blank=True)
    paid_on = models.DateField(null=True)
    received_on = models.DateField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    period = models.CharField(max_length=10, blank=True)
    nets = models.JSONField(default=list)
    netting = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["peer", "side", "number"], name="federation_settlement_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) | (models.Q(amount=0) & ~models.Q(nets=[])),
                name="federation_settlement_positive",
            ),
        ]
