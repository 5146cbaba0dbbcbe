"""Listings shared with other venues, and those of other venues in the local zone. Written only by this edge's services."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models


class Feed(models.Model):
    """What passes between us and one peer. `sent`/`heard`: the last serial of a listing message each way; `heard_at`,
    `head_at`: when the peer signed that message and the last head; `confirmed_at`: when it last signed exactly the catalogue
    that we have of it; `gap`: a message is missing, everything is asked for."""

    peer = models.OneToOneField("federation.Peer", on_delete=models.PROTECT, primary_key=True, related_name="+")
    sent = models.BigIntegerField(default=0)
    heard = models.BigIntegerField(default=0)
    heard_at = models.DateTimeField(null=True)
    head_at = models.DateTimeField(null=True)
    gap = models.BooleanField(default=False)
    share_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True)
    # The number of the peer's organisation here, to which its part of our fees goes.
    payee = models.CharField(max_length=40, blank=True)


class Shared(models.Model):
    """One of our products as a peer was told of it; the listing's bytes lie among the documents under `digest`.
    `answer`: what the peer made of it (shown, same_object, refused), with its code."""

    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    serial = models.BigIntegerField()
    told_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=20, blank=True)
    answer_code = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "product"], name="federation_shared_once")]


class ZoneListing(models.Model):
    """A listing of another venue. `state`: shown, same_object (with `same_as`), refused (with `code`), withdrawn;
    `registration` the digest of the certificate it names, `certificate` that of its sealed form once it was fetched."""

    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    listing = models.JSONField()
    state = models.CharField(max_length=12)
    code = models.CharField(max_length=60, blank=True)
    same_as = models.CharField(max_length=120, blank=True)
    industry = models.CharField(max_length=40)
    price_fen = models.BigIntegerField()
    data_digest = models.CharField(max_length=64)
    registration = models.CharField(max_length=64)
    certificate = models.CharField(max_length=64, blank=True)
    told_at = models.DateTimeField()
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    terms = SearchVectorField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "product"], name="federation_zone_once")]
        indexes = [
            GinIndex(fields=["terms"], name="federation_zone_terms", fastupdate=False),
            models.Index(fields=["data_digest"], name="federation_zone_data"),
            models.Index(fields=["registration"], name="federation_zone_entry"),
        ]


class CrossOrder(models.Model):
    """An order over two venues as one of them has it; its state is its case's. `side`: "selling", where the buyer is
    accredited, or "listing". `org`: the buyer here; `guest` its admission at the listing venue; `parts` of ten thousand of
    the listing venue's fee are the selling venue's. Digests: of the listing ordered, the voucher, its acknowledgement.
    `stage`: how far the contract is, as the listing venue told: "", approved, funded, delivered; `settlement` has taken it."""

    case = models.OneToOneField("kernel.Case", on_delete=models.PROTECT, primary_key=True, related_name="+")
    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40)
    side = models.CharField(max_length=8)
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    listing = models.CharField(max_length=64)
    agreement = models.CharField(max_length=60)
    parts = models.PositiveIntegerField()
    guest = models.BigIntegerField(null=True)
    placed_at = models.DateTimeField()
    until = models.DateField(null=True)
    contract = models.CharField(max_length=40, blank=True)
    voucher = models.CharField(max_length=64, blank=True)
    acknowledgement = models.CharField(max_length=64, blank=True)
    listing_fen = models.BigIntegerField(null=True)
    selling_fen = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=120, blank=True)
    stage = models.CharField(max_length=12, blank=True)
    settlement = models.ForeignKey("federation.VenueSettlement", null=True, on_delete=models.PROTECT, related_name="taken")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "side", "number"], name="federation_order_once")]
        indexes = [models.Index(fields=["org", "product"], name="federation_order_org")]
