"""The stages of a deal as tests tell them: a listed product, a negotiation, an agreed one; each through real services."""

from __future__ import annotations

from typing import Any

from shugu.appraisal.tests import stages as appraised
from shugu.catalogue import services as catalogue
from shugu.catalogue.services import ActOnListing, CreateProduct, LicenceTerms, PriceTerms, SubmitListing
from shugu.catalogue.services import ColumnEntry as Column
from shugu.kernel import runtime
from shugu.market import queries, services
from shugu.market.domain import Terms
from shugu.market.models import Negotiation
from shugu.market.services import AcceptOffer, OpenNegotiation
from tests.world import World

PRICE = 12_800_00
TERMS = Terms(365, "research", "data_set")


def listed(world: World, **changes: Any) -> str:
    """A product of Alice's on the market: registered, measured, judged, reviewed. Its number; `world.now` moves on."""
    entry = appraised.entry(world)
    report = appraised.quality(world, entry.id)
    appraised.compliance(world, entry.id)
    given: dict[str, Any] = {
        "title": "纽约机场航班准点数据", "summary": "2013 年三座机场离港航班的时刻、延误与机型", "industry": "transport",
        "form": "data_set", "delivery_forms": ("api", "data_set"),
        "dictionary": (Column("flight", "text"), Column("delay", "int64")), "price": PriceTerms(PRICE),
        "licence": LicenceTerms(("use",), ("research", "product_development"), 365, calls=20),
        "data_digest": report.data_digest, "connector_id": appraised.CONNECTOR, "keywords": ("航班", "准点", "延误"),
    }  # fmt: skip
    order = CreateProduct(entry_id=entry.id, **(given | changes))
    product = catalogue.create_product(order, actor=world.alice, now=world.now)
    gates = runtime.rules().value("catalogue.circulation_gates").codes
    listing = catalogue.submit_listing(SubmitListing(product.number, gates), actor=world.alice, now=world.now)
    catalogue.act_on_listing(ActOnListing(listing.pk, "approve"), actor=world.otto, now=world.now)
    return product.number


def bought(world: World, product: str) -> Negotiation:
    """Bob asks to buy at the listed price: Alice's listing stands as her offer."""
    order = OpenNegotiation(product, at_listed_price=True, terms=TERMS)
    return services.open_negotiation(order, actor=world.bob, now=world.now)


def offered(world: World, product: str, price_fen: int = 10_000_00) -> Negotiation:
    """Bob opens with an offer of his own."""
    order = OpenNegotiation(product, price_fen=price_fen, terms=TERMS)
    return services.open_negotiation(order, actor=world.bob, now=world.now)


def agreed(world: World, product: str | None = None) -> Negotiation:
    """Bob buys at the listed price."""
    row = bought(world, product or listed(world))
    standing = queries.negotiation(row.number, world.bob).standing
    assert standing is not None
    return services.accept_offer(AcceptOffer(row.number, standing.number), actor=world.bob, now=world.now)
