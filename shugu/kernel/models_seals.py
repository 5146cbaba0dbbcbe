"""The venue's own seals, as pictures pressed on its papers."""

from __future__ import annotations

from django.db import models


class VenueSeal(models.Model):
    """What is pressed for one purpose (empty: for all without one of their own) since `set_at`: a picture among the
    documents, or the drawn seal again (no digest), with the number of the seal. Never changed, the next one follows it:
    a paper keeps the seal of its day."""

    purpose = models.CharField(max_length=30, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=13, blank=True)
    set_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["purpose", "-set_at"], name="venue_seal")]
