"""Tables of the status lists. A credential's row in its own app keeps its seat; here stand only bits that are set."""

from __future__ import annotations

from django.db import models


class StatusBlock(models.Model):
    """131,072 seats with their three lists. `base` begins the lists' URLs for ever, wherever the venue moves; `key` is the
    secret order of its places: whoever only sees the lists cannot tell who was given which."""

    block = models.PositiveIntegerField(primary_key=True)
    base = models.CharField(max_length=200)
    key = models.BinaryField()


class StatusBits(models.Model):
    """A credential of which something is or was to be said; without a row nothing is. Final bits never fall (trigger).
    `dirty` until a published version says it."""

    seat = models.BigIntegerField(primary_key=True)
    flags = models.PositiveSmallIntegerField()
    dirty = models.BooleanField(default=True)

    class Meta:
        indexes = [models.Index(fields=["seat"], name="status_dirty", condition=models.Q(dirty=True))]


class StatusVersion(models.Model):
    """A published version of a list; its credential is kept by digest. `content`: SHA-256 of its bits. Append-only."""

    list = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    content = models.CharField(max_length=64)
    published_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list", "version"], name="status_version_once")]
        indexes = [models.Index(fields=["list", "published_at"], name="status_version_at")]


class StatusDay(models.Model):
    """How far an app has followed the calendar: up to this day its bits say what the day itself changed."""

    owner = models.CharField(max_length=40, primary_key=True)
    day = models.DateField()
