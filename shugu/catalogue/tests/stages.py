"""The stages of a product as tests tell them, every step through the real services."""

from __future__ import annotations

from typing import Any

from shugu.appraisal.models import QualityReport
from shugu.appraisal.tests import stages as appraised
from shugu.catalogue import services
from shugu.catalogue.models import Listing, Product
from shugu.catalogue.services import (
    ActOnListing,
    ColumnEntry,
    CreateProduct,
    LicenceTerms,
    PriceTerms,
    ReviseProduct,
    SubmitListing,
)
from shugu.registry.queries import EntryView
from tests.world import World

GATES = ("source_confirmed", "scope_defined", "traceable", "risk_contained")


def offer(**changes: Any) -> dict[str, Any]:
    """What a version says; the digest is of no data unless given."""
    return {
        "title": "纽约航班准点数据", "title_en": "New York flight punctuality",
        "summary": "2013 年纽约三座机场离港航班的时刻与延误分钟数。",
        "keywords": ("航空", "延误"), "industry": "transport", "form": "data_set", "delivery_forms": ("api", "data_set"),
        "dictionary": (ColumnEntry("flight", "text", "航班号", False), ColumnEntry("delay", "int64", "延误分钟")),
        "sample_rows": (("UA1", "1"), ("UA20", None)), "price": PriceTerms(128_000, "per_contract", "全部字段与一年更新"),
        "licence": LicenceTerms(("use",), ("own_analysis", "research"), 365, calls=100), "data_digest": "a" * 64,
    } | changes  # fmt: skip


def appraised_entry(world: World) -> tuple[EntryView, QualityReport]:
    """Alice's registered entry with a quality and a compliance report."""
    entry = appraised.entry(world)
    quality = appraised.quality(world, entry.id)
    appraised.compliance(world, entry.id)
    return entry, quality


def product(world: World, **changes: Any) -> Product:
    """A product of Alice that meets every condition of a listing."""
    entry, quality = appraised_entry(world)
    cmd = CreateProduct(entry_id=entry.id, **offer(data_digest=quality.data_digest, **changes))
    return services.create_product(cmd, actor=world.alice, now=world.now)


def submitted(world: World, row: Product | None = None, **changes: Any) -> Listing:
    row = row or product(world, **changes)
    return services.submit_listing(SubmitListing(row.number, GATES), actor=world.alice, now=world.now)


def listed(world: World, row: Product | None = None, **changes: Any) -> Listing:
    """Submitted by Alice and approved by Otto."""
    listing = submitted(world, row, **changes)
    return services.act_on_listing(ActOnListing(listing.pk, "approve"), actor=world.otto, now=world.now)


def revised(world: World, row: Product, **changes: Any) -> None:
    digest = row.versions.order_by("-version")[0].data_digest
    cmd = ReviseProduct(number=row.number, changes="修订", **offer(**({"data_digest": digest} | changes)))
    services.revise_product(cmd, actor=world.alice, now=world.now)
