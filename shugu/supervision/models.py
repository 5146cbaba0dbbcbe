"""Random inspections: each draw with what it was drawn from, and one inspection case per object drawn.

Written only by this app's services.
"""

from __future__ import annotations

from django.db import models

from shugu.kernel.models import Case


class Draw(models.Model):
    """`seed` is the checkpoint root (hex) over `size` facts; `pool` the digest of the stored canonical document
    {objects, inspectors, conflicts, percent} from which anybody can compute the draw again."""

    seed = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    percent = models.PositiveSmallIntegerField()
    pool = models.CharField(max_length=64)
    drawn_at = models.DateTimeField()
    fact = models.BigIntegerField(null=True)


class Inspection(models.Model):
    """One drawn organisation and its inspector; where it stands is its case's state."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="inspections")
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    inspector = models.BigIntegerField()
    published_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-published_at"], name="inspection_published")]
