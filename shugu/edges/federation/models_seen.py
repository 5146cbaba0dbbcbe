"""What this venue has seen of other venues: key histories, the newest checkpoint of their logs, their status lists, and what
they signed that contradicts itself."""

from __future__ import annotations

from django.db import models


class PeerHistory(models.Model):
    """A version of a peer's key history that was accepted here; its bytes lie among the documents under `digest`. The newest
    one that has every key pinned counts."""

    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="histories")
    digest = models.CharField(max_length=64)
    lines = models.PositiveIntegerField()
    taken_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "digest"], name="federation_history_once")]


class Seen(models.Model):
    """How far this venue has followed a peer: the largest checkpoint of its log that verified (`note`: its bytes among the
    documents), and when its key history was last asked for."""

    peer = models.OneToOneField("federation.Peer", on_delete=models.PROTECT, primary_key=True, related_name="seen")
    size = models.BigIntegerField(default=0)
    note = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True)


class SeenList(models.Model):
    """The newest version of a peer's status list that verified here, sealed, among the documents under `digest`."""

    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="lists")
    url = models.CharField(max_length=400)
    version = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    valid_from = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "url"], name="federation_list_once")]


class Contradiction(models.Model):
    """Two things that a peer signed and that cannot both be true: `first` and `second` are their bytes among the documents."""

    peer = models.ForeignKey("federation.Peer", on_delete=models.PROTECT, related_name="contradictions")
    code = models.CharField(max_length=60)
    why = models.JSONField()  # [zh, en]
    first = models.CharField(max_length=64)
    second = models.CharField(max_length=64)
    found_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="federation_contradiction_once")]
