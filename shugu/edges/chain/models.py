"""Anchors of this venue's checkpoints in chains, and every attempt to bring one there. Written by services alone."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

OPEN = ("prepared", "sent", "mined")
FINAL = ["confirmed", "undone"]


class Anchor(models.Model):
    """One checkpoint on its way into one contract.

    status: prepared (signed, nothing sent), sent (somewhere under way), mined (in a block that may still vanish), confirmed
    (deep enough; its fact is written), undone (the chain gave it up after all; a second fact says so), replaced (a larger
    checkpoint was anchored first), failed (refused, see `why`).
    `previous` is the contract's size that `proof` starts from; block, gas and price are of the transaction that brought it.
    """

    chain = models.CharField(max_length=32)
    chain_id = models.BigIntegerField()
    contract = models.CharField(max_length=42)
    size = models.BigIntegerField()
    root = models.BinaryField()
    signature = models.BinaryField()
    previous = models.BigIntegerField()
    from_block = models.BigIntegerField()
    status = models.CharField(max_length=12, default="prepared")
    why = models.CharField(max_length=200, default="", blank=True)
    prepared_at = models.DateTimeField()
    tx_hash = models.BinaryField(null=True)
    block_number = models.BigIntegerField(null=True)
    block_hash = models.BinaryField(null=True)
    gas = models.BigIntegerField(null=True)
    gas_price = models.BigIntegerField(null=True)
    payer = models.CharField(max_length=42, default="", blank=True)
    mined_at = models.DateTimeField(null=True)
    vanished = models.PositiveIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True)
    fact = models.BigIntegerField(null=True, unique=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain"], condition=Q(status__in=OPEN), name="chain_one_open"),
            models.UniqueConstraint(
                fields=["chain_id", "contract", "size"], condition=Q(status="confirmed"), name="chain_anchored_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["mined", *FINAL], block_hash__isnull=False, tx_hash__isnull=False)
                | Q(status__in=["prepared", "sent", "replaced", "failed"], block_hash__isnull=True),
                name="chain_block_when_mined",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINAL, fact__isnull=False, confirmed_at__isnull=False)
                | (~Q(status__in=FINAL) & Q(fact__isnull=True, confirmed_at__isnull=True)),
                name="chain_fact_when_confirmed",
            ),
        ]


class Sending(models.Model):
    """One attempt, stored before it leaves: a transaction of our own (nonce, hash, signed bytes), or a relayer asked.

    outcome: "" while it may still arrive, then mined, replaced (another with the same nonce, or a later way, took over),
    reverted, withheld (a relayer that did not deliver).
    """

    anchor = models.ForeignKey(Anchor, on_delete=models.PROTECT, related_name="sendings")
    relayer = models.CharField(max_length=200, default="", blank=True)
    nonce = models.BigIntegerField(null=True)
    tx_hash = models.BinaryField(null=True)
    raw = models.BinaryField(null=True)
    previous = models.BigIntegerField()
    max_fee = models.BigIntegerField(null=True)
    tip = models.BigIntegerField(null=True)
    stored_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tx_hash"], name="chain_sending_hash"),
            models.CheckConstraint(
                condition=Q(relayer="", nonce__isnull=False, raw__isnull=False, tx_hash__isnull=False)
                | (~Q(relayer="") & Q(nonce__isnull=True, raw__isnull=True, tx_hash__isnull=True)),
                name="chain_sending_way",
            ),
        ]


class ChainState(models.Model):
    """How a chain was found at the last look. `alarm` is the code of the refusal that stands, with its sentences."""

    chain = models.CharField(max_length=32, primary_key=True)
    looked_at = models.DateTimeField()
    reached_at = models.DateTimeField(null=True)
    height = models.BigIntegerField(null=True)
    size = models.BigIntegerField(null=True)
    alarm = models.CharField(max_length=60, default="", blank=True)
    alarm_zh = models.CharField(max_length=400, default="", blank=True)
    alarm_en = models.CharField(max_length=400, default="", blank=True)
    alarm_since = models.DateTimeField(null=True)
