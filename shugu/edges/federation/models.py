"""Other venues, what was said to them and by them, and the agreements with them. Written only by this edge's services."""

from __future__ import annotations

from django.db import models

from shugu.edges.federation.models_seen import Contradiction, PeerHistory, Seen, SeenList  # noqa: F401
from shugu.edges.federation.models_settling import VenueSettlement  # noqa: F401
from shugu.edges.federation.models_sharing import CrossOrder, Feed, Shared, ZoneListing  # noqa: F401  of this edge, in a file of its own
from shugu.kernel.models import Case


class Peer(models.Model):
    """Another venue. `sent` and `received`: the last sequence given to a message to it and taken from it."""

    venue = models.CharField(max_length=40, unique=True)
    title_zh = models.CharField(max_length=100)
    title_en = models.CharField(max_length=100)
    # Its key name and the origin line of its log.
    origin = models.CharField(max_length=200, unique=True)
    base_url = models.CharField(max_length=300)
    paused = models.BooleanField(default=False)
    sent = models.BigIntegerField(default=0)
    received = models.BigIntegerField(default=0)
    added_at = models.DateTimeField()
    fact = models.BigIntegerField()

    @property
    def title(self) -> tuple[str, str]:
        return (self.title_zh, self.title_en)


class PeerKey(models.Model):
    """A pinned public key of a peer, or of a witness trusted to cosign its log. A retired one still verifies documents, no
    longer messages."""

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="keys")
    vkey = models.CharField(max_length=400)
    pinned_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "vkey"], name="federation_key_once")]


class Outgoing(models.Model):
    """A message to a peer. Its bytes lie among the documents under `digest`; it is kept after delivery, so that it can be
    sent again to a peer that lost it. `reference` is the sender's own: one message for each."""

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="outgoing")
    sequence = models.BigIntegerField()
    reference = models.CharField(max_length=120)
    kind = models.CharField(max_length=70)
    digest = models.CharField(max_length=64, unique=True)
    queued_at = models.DateTimeField()
    fact = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    delivered_at = models.DateTimeField(null=True)
    receipt = models.CharField(max_length=64, blank=True)
    # "taken", or the code of the peer's refusal.
    outcome = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["peer", "sequence"], name="federation_sent_once"),
            models.UniqueConstraint(fields=["peer", "reference"], name="federation_reference_once"),
        ]
        indexes = [
            models.Index(fields=["peer", "sequence"], name="federation_waiting", condition=models.Q(delivered_at__isnull=True))
        ]


class Incoming(models.Model):
    """A message of a peer, and the receipt it was given; both lie among the documents."""

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="incoming")
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=70)
    digest = models.CharField(max_length=64, unique=True)
    receipt = models.CharField(max_length=64)
    outcome = models.CharField(max_length=60)
    received_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "sequence"], name="federation_received_once")]


class Presentation(models.Model):
    """A document of another venue as its holder presented it, or filed it in a case: waiting, recognised or refused, with
    every check that was made. The file lies among the documents under `digest`."""

    number = models.CharField(max_length=40, unique=True)
    org = models.BigIntegerField()
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12)
    # [{"n", "id", "title": [zh, en], "outcome", "detail": [zh, en]}]
    checks = models.JSONField(default=list)
    # {what the issuer said: its digest among the documents}: statement, checkpoint, status lists.
    answers = models.JSONField(default=dict)
    recognition = models.CharField(max_length=40, blank=True)
    statement = models.CharField(max_length=64, blank=True)
    presented_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    fact = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "digest"], name="federation_filed_once", condition=models.Q(case__isnull=False)
            )
        ]
        indexes = [models.Index(fields=["org"], name="federation_presented_by")]


class Agreement(models.Model):
    """A recognition agreement as this venue has it; its state is its case's, the primary key too. `reference` is the same
    at both venues; `terms` as signed; `signed` the digest of the credential that both have signed."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="agreements")
    reference = models.CharField(max_length=60, unique=True)
    ours = models.BooleanField()
    terms = models.JSONField()
    valid_from = models.DateField()
    valid_until = models.DateField()
    offered = models.CharField(max_length=64)
    signed = models.CharField(max_length=64, blank=True)
    # Who suspended it ("us" or "them"); only that side resumes it.
    suspended_by = models.CharField(max_length=4, blank=True)
    # In our status lists, where the offer is ours; the venue that offered says there how the agreement stands.
    seat = models.BigIntegerField(null=True)
