"""How two sides meet: demands, what was matched to them, negotiations and the offers in them.

Written only by shugu.market.services. Where a demand or a negotiation stands is its case's state.
"""

from __future__ import annotations

from django.db import models

from shugu.kernel.models import Case


class Demand(models.Model):
    """What a buyer looks for. `price_cap_fen` null: no cap; `quality_min` in basis points of the overall score."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    org = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    industry = models.CharField(max_length=40, blank=True)
    keywords = models.JSONField(default=list)
    delivery_forms = models.JSONField(default=list)
    purpose = models.CharField(max_length=200)
    price_cap_fen = models.BigIntegerField(null=True)
    quality_min = models.PositiveIntegerField(null=True)
    fresh_days = models.PositiveIntegerField(null=True)
    posted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["org"], name="demand_org"), models.Index(fields=["-posted_at"], name="demand_posted")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(price_cap_fen__isnull=True) | models.Q(price_cap_fen__gt=0), name="cap_positive"
            )
        ]


class Match(models.Model):
    """A line of the last recorded match of a demand; `reasons` carry each point with its cause."""

    demand = models.ForeignKey(Demand, on_delete=models.PROTECT, related_name="matches")
    version = models.ForeignKey("catalogue.ProductVersion", on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField()
    score = models.PositiveSmallIntegerField()
    out_of = models.PositiveSmallIntegerField()
    reasons = models.JSONField()
    matched_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["demand", "rank"], name="match_rank_once")]


class Negotiation(models.Model):
    """Two organisations about one version of a product."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    provider = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey("catalogue.ProductVersion", on_delete=models.PROTECT, related_name="+")
    demand = models.ForeignKey(Demand, null=True, on_delete=models.PROTECT, related_name="negotiations")
    opened_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["provider"], name="negotiation_provider"),
            models.Index(fields=["buyer"], name="negotiation_buyer"),
        ]
        constraints = [models.CheckConstraint(condition=~models.Q(provider=models.F("buyer")), name="two_sides")]


class Offer(models.Model):
    """One price with its terms, by one side. At most one stands in a negotiation; a past one keeps why it fell."""

    negotiation = models.ForeignKey(Negotiation, on_delete=models.PROTECT, related_name="offers")
    number = models.CharField(max_length=40, unique=True)
    round = models.PositiveSmallIntegerField()
    side = models.CharField(max_length=10)
    price_fen = models.BigIntegerField()
    terms = models.JSONField()
    person = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    countered_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    fact = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["negotiation", "round"], name="offer_round_once"),
            models.UniqueConstraint(
                fields=["negotiation"],
                condition=models.Q(countered_at__isnull=True, withdrawn_at__isnull=True, accepted_at__isnull=True),
                name="one_standing_offer",
            ),
            models.UniqueConstraint(
                fields=["negotiation"], condition=models.Q(accepted_at__isnull=False), name="one_accepted_offer"
            ),
            models.CheckConstraint(condition=models.Q(price_fen__gt=0), name="offer_price_positive"),
        ]
