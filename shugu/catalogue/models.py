"""What is offered: products with their versions, listing cases, and the search terms of what is listed.

Written only by this app's services. A version is never changed (trigger in 0002): to change anything is a new version.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from shugu.kernel.models import Case


class Product(models.Model):
    """A data product offered out of one registered entry. Whether it is listed follows from its listing cases."""

    number = models.CharField(max_length=40, unique=True)
    entry = models.ForeignKey("registry.Entry", on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey("party.Organisation", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["provider", "-id"], name="product_provider"),
            models.Index(fields=["entry"], name="product_entry"),
        ]


class ProductVersion(models.Model):
    """One state of the offer. `policy` is an ODRL document (formats.policy) without a buyer and without dates;
    `term_days` is how long a licence lasts; `price_fen` is per `price_unit`."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    title_en = models.CharField(max_length=200, blank=True)
    summary = models.TextField()
    keywords = models.JSONField(default=list)
    industry = models.CharField(max_length=40)
    form = models.CharField(max_length=40)
    data_class = models.CharField(max_length=40)
    delivery_forms = models.JSONField()
    # [{"name", "type", "title", "nullable", "note"}]; the sample's rows follow the same order, values as text or null.
    dictionary = models.JSONField()
    sample = models.JSONField(default=list)
    price_fen = models.BigIntegerField()
    price_unit = models.CharField(max_length=20)
    price_includes = models.CharField(max_length=300, blank=True)
    policy = models.JSONField()
    licence = models.JSONField()
    term_days = models.PositiveIntegerField()
    data_digest = models.CharField(max_length=64)
    connector_id = models.CharField(max_length=80, blank=True)
    changes = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    fact = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "version"], name="product_version_once"),
            models.CheckConstraint(condition=models.Q(price_fen__gte=0), name="product_price_not_negative"),
        ]
        indexes = [models.Index(fields=["data_digest"], name="version_data")]


class Listing(models.Model):
    """One run of a version through the venue's review; its state is its case's."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="listings")
    version = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+")
    gates = models.JSONField()
    # A refusal on a prohibition stays with the data: the same data cannot be submitted again.
    prohibition = models.CharField(max_length=40, blank=True)
    submitted_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["product", "-case"], name="listing_product")]


class SearchTerm(models.Model):
    """The search terms of one listed product with what a card and a filter need; the row exists while it is listed."""

    product = models.OneToOneField(Product, on_delete=models.PROTECT, primary_key=True, related_name="+")
    version = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    title_en = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=200)
    provider = models.BigIntegerField()
    industry = models.CharField(max_length=40)
    form = models.CharField(max_length=40)
    delivery_forms = ArrayField(models.CharField(max_length=40))
    price_fen = models.BigIntegerField()
    price_unit = models.CharField(max_length=20)
    quality = models.PositiveIntegerField(null=True)
    listed_at = models.DateTimeField()
    terms = SearchVectorField()

    class Meta:
        indexes = [
            GinIndex(fields=["terms"], name="search_terms", fastupdate=False),
            models.Index(fields=["industry", "-listed_at", "-product"], name="search_industry"),
            models.Index(fields=["-listed_at", "-product"], name="search_listed"),
            models.Index(fields=["price_fen", "product"], name="search_price"),
            models.Index(models.F("quality").desc(nulls_last=True), models.F("product").desc(), name="search_quality"),
            models.Index(fields=["provider"], name="search_provider"),
        ]
