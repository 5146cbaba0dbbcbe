"""Certificates on paper that no longer count."""

from __future__ import annotations

from django.db import models


class PaperRevocation(models.Model):
    """One certificate (`digest`: SHA-256 of its DER, hex) that does not count from `since` on; of a time-stamping certificate
    no stamp counts at all. Said once, never taken back."""

    digest = models.CharField(max_length=64, primary_key=True)
    role = models.CharField(max_length=6)
    certificate = models.BinaryField()
    since = models.DateTimeField()
    revoked_at = models.DateTimeField()
    fact = models.BigIntegerField()
