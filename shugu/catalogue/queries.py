"""What the catalogue tells others: products and their versions, listings, search with facets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.catalogue.domain import ts_query, ts_vector
from shugu.catalogue.domain_policy import licence_from, plain_words
from shugu.catalogue.domain_product import UNIT_TITLES
from shugu.catalogue.models import Listing, Product, ProductVersion, SearchTerm
from shugu.catalogue.queries_search import SORTS, Card, Facets, Found, SearchQuery, facets, search
from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text

# Who may read a product that is not listed, beside its provider.
STAFF = frozenset({"operator", "reviewer", "trade_reviewer", "compliance_officer", "regulator", "auditor"})


@dataclass(frozen=True)
class VersionView:
    """One version as kept. Money in fen; `policy` an ODRL document; `sample` rows of text or None."""

    id: int
    version: int
    number: str
    title: str
    title_en: str
    summary: str
    keywords: tuple[str, ...]
    industry: str
    form: str
    data_class: str
    delivery_forms: tuple[str, ...]
    dictionary: tuple[Mapping[str, Any], ...]
    sample: tuple[tuple[str | None, ...], ...]
    price_fen: int
    price_unit: str
    price_includes: str
    policy: Mapping[str, Any]
    licence: Mapping[str, Any]
    term_days: int
    data_digest: str
    connector_id: str
    changes: str
    digest: str
    created_at: datetime
    fact: int


@dataclass(frozen=True)
class ListingView:
    case: int
    number: str
    case_number: str
    state: str
    version: int
    version_id: int
    gates: tuple[str, ...]
    prohibition: str
    submitted_at: datetime
    listed_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class ProductView:
    """A product as its reader may see it: `current` is the listed version, for provider and staff the newest."""

    id: int
    number: str
    entry_id: int
    provider_org: int
    created_at: datetime
    listed: bool
    current: VersionView
    newest_version: int
    versions: tuple[VersionView, ...]
    listing: ListingView | None

    @property
    def title(self) -> str:
        return self.current.title


def product(number: str, actor: Actor | None = None) -> ProductView:
    """A product: for everybody while it is listed, else for its provider and the venue's staff. Errors: NotFound."""
    return _view(Product.objects.filter(number=number).first(), actor, number)


def product_by_id(id: int, actor: Actor | None = None) -> ProductView:
    """As `product`. Errors: NotFound."""
    return _view(Product.objects.filter(pk=id).first(), actor, str(id))


def _view(row: Product | None, actor: Actor | None, what: str) -> ProductView:
    missing = NotFound(what=(f"产品 {what}", f"product {what}"))
    if row is None:
        raise missing
    on_market = SearchTerm.objects.filter(pk=row.pk).values_list("version_id", flat=True).first()
    insider = actor is not None and (actor.org == row.provider_id or bool(actor.seats & STAFF))
    if on_market is None and not insider:
        raise missing
    rows = list(row.versions.order_by("-version"))
    listed = next((v for v in rows if v.pk == on_market), None)
    shown = [v for v in rows if insider or (listed is not None and v.version <= listed.version)]
    current = listed if listed is not None and not insider else rows[0]
    case = Listing.objects.filter(product=row).select_related("case", "version").order_by("-pk").first()
    return ProductView(
        row.pk, row.number, row.entry_id, row.provider_id, row.created_at, listed is not None, version_view(current),
        rows[0].version, tuple(version_view(v) for v in shown),
        listing_view(case) if case is not None and (insider or case.case.state == "listed") else None,
    )  # fmt: skip


def listed(number: str) -> VersionView | None:
    """The version of a product that is on the market now; None when there is none."""
    found = SearchTerm.objects.filter(number=number).select_related("version").first()
    return version_view(found.version) if found else None


def listed_by_id(product_id: int) -> VersionView | None:
    """As `listed`, by the product's id."""
    found = SearchTerm.objects.filter(pk=product_id).select_related("version").first()
    return version_view(found.version) if found else None


@dataclass(frozen=True)
class OnMarket:
    """`product` and `version` are numbers, `industry` a code."""

    product: str
    version: str
    industry: str


def on_market() -> list[OnMarket]:
    """Everything that is listed now, for those who compare it with what they know of it."""
    rows = SearchTerm.objects.order_by("number").values_list("number", "version__number", "industry")
    return [OnMarket(*row) for row in rows]


def product_id(number: str) -> int:
    """For subjects of facts; listed or not. Errors: NotFound."""
    found = Product.objects.filter(number=number).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound(what=(f"产品 {number}", f"product {number}"))
    return int(found)


def numbers_of(org: int) -> list[str]:
    """The numbers of an organisation's products."""
    return list(Product.objects.filter(provider_id=org).values_list("number", flat=True))


def unit_title(code: str) -> Text:
    """What a price is for; a unit of another venue that is not known here stands for itself."""
    return UNIT_TITLES.get(code, Text(code, code))


def licence_lines(version: VersionView) -> tuple[tuple[Text, Text], ...]:
    """(label, sentence) lines of a version's licence, as a buyer reads them before signing."""
    return plain_words(licence_from(version.licence), titles(runtime.rules().value("catalogue.purposes")))


def listed_with_data(digests: Iterable[str]) -> dict[str, str]:
    """{digest of the data: number of the product} for what is listed now and offers exactly that data."""
    rows = SearchTerm.objects.filter(version__data_digest__in=list(digests))
    return dict(rows.order_by("-pk").values_list("version__data_digest", "number"))


@dataclass(frozen=True)
class OwnedVersion:
    """A version with what it belongs to, for contracts and deliveries."""

    version: VersionView
    product_id: int
    product_number: str
    entry_id: int
    provider_org: int


def version(version_id: int) -> OwnedVersion:
    """Any version by id, for apps that hold its id already (a contract, a grant). Errors: NotFound."""
    found = ProductVersion.objects.select_related("product").filter(pk=version_id).first()
    if found is None:
        raise NotFound(what=("产品版本", "product version"))
    owner = found.product
    return OwnedVersion(version_view(found), owner.pk, owner.number, owner.entry_id, owner.provider_id)


def version_view(v: ProductVersion) -> VersionView:
    return VersionView(
        v.pk, v.version, v.number, v.title, v.title_en, v.summary, tuple(v.keywords), v.industry, v.form, v.data_class,
        tuple(v.delivery_forms), tuple(v.dictionary), tuple(tuple(r) for r in v.sample), v.price_fen, v.price_unit,
        v.price_includes, v.policy, v.licence, v.term_days, v.data_digest, v.connector_id, v.changes, v.digest, v.created_at,
        v.fact,
    )  # fmt: skip


def listing_view(row: Listing) -> ListingView:
    return ListingView(
        row.pk, row.number, row.case.number, row.case.state, row.version.version, row.version_id, tuple(row.gates),
        row.prohibition, row.submitted_at, row.listed_at, row.ended_at,
    )  # fmt: skip


def listing(number: str, actor: Actor) -> tuple[ListingView, ProductView]:
    """A listing for its provider and the venue's staff. Errors: NotFound (also for a stranger)."""
    row = Listing.objects.select_related("case", "version", "product").filter(number=number).first()
    if row is None or not (actor.org == row.product.provider_id or actor.seats & STAFF):
        raise NotFound(what=(f"挂牌 {number}", f"listing {number}"))
    return listing_view(row), product_by_id(row.product_id, actor)


def products_of(org: int, *, limit: int = 50, offset: int = 0) -> tuple[list[ProductView], int]:
    """(page, total) of an organisation's own products, newest first."""
    rows = Product.objects.filter(provider_id=org).order_by("-pk")
    page = [_own(p) for p in rows.prefetch_related("versions")[offset : offset + min(limit, 200)]]
    return page, rows.count()


def _own(row: Product) -> ProductView:
    versions = sorted(row.versions.all(), key=lambda v: -v.version)
    case = Listing.objects.filter(product=row).select_related("case", "version").order_by("-pk").first()
    on_market = SearchTerm.objects.filter(pk=row.pk).exists()
    return ProductView(
        row.pk, row.number, row.entry_id, row.provider_id, row.created_at, on_market, version_view(versions[0]),
        versions[0].version, tuple(version_view(v) for v in versions), listing_view(case) if case else None,
    )  # fmt: skip


def titles(rule: RuleValue) -> dict[str, Text]:
    """A code table as {code: Text}."""
    return {str(row["code"]): Text(str(row["zh"]), str(row["en"])) for row in rule.rows}


def figures() -> dict[str, int]:
    """Counts for the market's front page: products on the market and providers that offer them."""
    rows = SearchTerm.objects.all()
    return {"products": rows.count(), "providers": rows.values("provider").distinct().count()}


__all__ = [
    "SORTS", "Card", "Facets", "Found", "ListingView", "OnMarket", "OwnedVersion", "ProductView", "SearchQuery", "VersionView",
    "facets", "figures", "licence_lines", "listed", "listed_by_id", "listed_with_data", "listing", "listing_view", "numbers_of",
    "on_market", "product", "product_by_id", "product_id", "products_of", "search", "titles", "ts_query", "ts_vector",
    "unit_title", "version", "version_view",
]  # fmt: skip
