"""What the market reads of the catalogue: listed versions as candidates of a match, and the bounds of an offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from shugu.catalogue import queries as catalogue
from shugu.formats.policy import Policy
from shugu.kernel import runtime
from shugu.kernel.workdays import due, local_day
from shugu.market.domain import BUYER, PROVIDER, Bounds, Candidate, Wish, purposes_of
from shugu.party import queries as parties

# Accreditations that let an organisation sell or buy; a data merchant does both.
ADMITTED = {PROVIDER: (PROVIDER, "merchant"), BUYER: (BUYER, "merchant")}
KEYWORD_PAGES, INDUSTRY_PAGES = 2, 4


@dataclass(frozen=True)
class Offered:
    """One version of a product as a negotiation or contract needs it. Money in fen."""

    version_id: int
    number: str
    product: str
    product_id: int
    entry_id: int
    provider_org: int
    title: str
    title_en: str
    price_fen: int
    price_unit: str
    delivery_forms: tuple[str, ...]
    purposes: tuple[str, ...]
    term_days: int
    data_digest: str
    connector_id: str
    digest: str


def admitted(org: int, side: str, on: date) -> bool:
    """Whether the organisation may take this side of a trade that day."""
    return any(parties.is_accredited(org, kind, on) for kind in ADMITTED[side])


def version(version_id: int) -> Offered:
    """Errors: NotFound."""
    owned = catalogue.version(version_id)
    v = owned.version
    return Offered(
        v.id, v.number, owned.product_number, owned.product_id, owned.entry_id, owned.provider_org, v.title, v.title_en,
        v.price_fen, v.price_unit, v.delivery_forms, purposes_of(Policy.from_dict(dict(v.policy))), v.term_days, v.data_digest,
        v.connector_id, v.digest,
    )  # fmt: skip


def listed(product: str) -> Offered | None:
    """The listed version of a product, or None when it is not on the market."""
    found = catalogue.listed(product)
    return version(found.id) if found is not None else None


def still_listed(version_id: int) -> bool:
    """Whether the product of this version is on the market; a newer version may have followed."""
    return catalogue.listed_by_id(catalogue.version(version_id).product_id) is not None


def bounds(version_id: int, now: datetime) -> Bounds:
    rules = runtime.rules()
    item, today = version(version_id), local_day(now)
    last = due(today, rules.length("trade.contract_term_max"), calendar=runtime.calendar()).on
    return Bounds(
        delivery_forms=item.delivery_forms, purposes=item.purposes, max_days=(last - today).days,
        max_quantity=rules.value("market.quantity_max").number, price_min=rules.value("settlement.price_min").number,
        per_contract=item.price_unit == "per_contract",
    )  # fmt: skip


def candidates(wish: Wish) -> tuple[Candidate, ...]:
    """Listed products worth scoring for a wish: what its keywords find, and the newest of its industry."""
    cards = {card.product_id: card for card in _cards(wish)}
    return tuple(_candidate(cards[key]) for key in sorted(cards))


def _cards(wish: Wish) -> Iterable[catalogue.Card]:
    for keyword in wish.keywords:
        yield from _pages(catalogue.SearchQuery(q=keyword), KEYWORD_PAGES)
    if wish.industry:
        yield from _pages(catalogue.SearchQuery(industry=wish.industry, sort="newest"), INDUSTRY_PAGES)


def _pages(query: catalogue.SearchQuery, most: int) -> Iterable[catalogue.Card]:
    for page in range(1, most + 1):
        found = catalogue.search(replace(query, page=page))
        yield from found.cards
        if page >= found.pages:
            return


def _candidate(card: catalogue.Card) -> Candidate:
    v = catalogue.version(card.version_id).version
    return Candidate(
        version_id=card.version_id, product=card.number, title=card.title,
        text=" ".join((card.title_en, v.summary, *v.keywords)), industry=card.industry, delivery_forms=card.delivery_forms,
        price_fen=card.price_fen, price_unit=card.price_unit, quality=card.quality, updated_on=local_day(card.listed_at),
        provider_org=card.provider,
    )  # fmt: skip
