"""JSON API of the catalogue. Prices are whole fen; a fraction is refused."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from shugu.catalogue import queries, services
from shugu.catalogue.domain_policy import LicenceTerms
from shugu.catalogue.domain_product import ColumnEntry, PriceTerms
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class ColumnIn(Strict):
    name: str
    type: str
    title: str = ""
    nullable: bool = True
    note: str = ""


class PriceIn(Strict):
    fen: int
    unit: str = "per_contract"
    includes: str = ""


class LicenceIn(Strict):
    actions: list[str]
    purposes: list[str]
    term_days: int
    calls: int | None = None
    bytes: int | None = None
    per_minute: int | None = None
    attribute: bool = False
    delete_at_end: bool = True


class OfferIn(Strict):
    title: str
    title_en: str = ""
    summary: str
    keywords: list[str] = []
    industry: str
    form: str
    data_class: str = "enterprise"
    delivery_forms: list[str]
    dictionary: list[ColumnIn]
    sample_rows: list[list[str | None]] = []
    price: PriceIn
    licence: LicenceIn
    data_digest: str
    connector_id: str = ""

    def fields_of_offer(self) -> dict[str, Any]:
        licence = self.licence.model_dump()
        licence |= {"actions": tuple(licence["actions"]), "purposes": tuple(licence["purposes"])}
        return {
            "title": self.title, "title_en": self.title_en, "summary": self.summary, "keywords": tuple(self.keywords),
            "industry": self.industry, "form": self.form, "data_class": self.data_class,
            "delivery_forms": tuple(self.delivery_forms),
            "dictionary": tuple(ColumnEntry(**c.model_dump()) for c in self.dictionary),
            "sample_rows": tuple(tuple(r) for r in self.sample_rows), "price": PriceTerms(**self.price.model_dump()),
            "licence": LicenceTerms(**licence), "data_digest": self.data_digest, "connector_id": self.connector_id,
        }  # fmt: skip


class CreateIn(OfferIn):
    entry: str


class ReviseIn(OfferIn):
    changes: str


class ListingIn(Strict):
    gates: list[str] = []


class ActIn(Strict):
    input: dict[str, Any] = Field(default_factory=dict)
    undertaking: str = ""


def product_out(view: queries.ProductView) -> dict[str, Any]:
    shown = asdict(view.current) | {"created_at": view.current.created_at.isoformat()}
    for hidden in ("id", "fact"):
        shown.pop(hidden)
    return {
        "number": view.number, "entry": registry.entry(view.entry_id).number, "listed": view.listed,
        "provider": parties.organisation(view.provider_org).number, "created_at": view.created_at.isoformat(),
        "current": shown, "newest_version": view.newest_version,
        "versions": [
            {"version": v.version, "number": v.number, "digest": v.digest, "changes": v.changes, "price_fen": v.price_fen,
             "created_at": v.created_at.isoformat()}
            for v in view.versions
        ],
        "listing": listing_out(view.listing) if view.listing else None,
    }  # fmt: skip


def listing_out(view: queries.ListingView) -> dict[str, Any]:
    return {
        "number": view.number, "case": view.case_number, "state": view.state, "version": view.version, "gates": list(view.gates),
        "prohibition": view.prohibition, "submitted_at": view.submitted_at.isoformat(),
        "listed_at": view.listed_at.isoformat() if view.listed_at else None,
        "ended_at": view.ended_at.isoformat() if view.ended_at else None,
    }  # fmt: skip


def card_out(card: queries.Card, numbers: dict[int, str]) -> dict[str, Any]:
    out = asdict(card) | {"listed_at": card.listed_at.isoformat(), "provider": numbers[card.provider]}
    for hidden in ("product_id", "version_id"):
        out.pop(hidden)
    return out


@router.get("/products")
def find(
    request: HttpRequest, q: str = "", industry: str = "", form: str = "", delivery_form: str = "",
    price_from: int | None = None, price_to: int | None = None, quality_from: int | None = None, sort: str = "relevance",
    page: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Search what is listed; prices in fen, quality in basis points, 20 a page. Public."""
    if sort not in queries.SORTS:
        fault = (f"可选 {'、'.join(queries.SORTS)}", f"one of {', '.join(queries.SORTS)}")
        raise InputInvalid(fields="sort", field_errors={"sort": fault})
    query = queries.SearchQuery(
        q[:200], industry, form, delivery_form, price_from, price_to, quality_from, None, sort, max(page, 1)
    )
    found, counts = queries.search(query), queries.facets(query)
    numbers = {org: parties.organisation(org).number for org in {c.provider for c in found.cards}}
    return {
        "total": found.total, "more": found.more, "page": found.page, "pages": found.pages,
        "items": [card_out(c, numbers) for c in found.cards], "facets": asdict(counts),
    }  # fmt: skip


@router.get("/products/{number}")
def read(request: HttpRequest, number: str) -> dict[str, Any]:
    """A listed product; one's own also before it is listed."""
    actor: Actor | None = getattr(request, "actor", None)
    return product_out(queries.product(number, actor))


@router.post("/products", response={201: dict[str, Any]})
def create(request: HttpRequest, payload: CreateIn) -> Status[dict[str, Any]]:
    actor, entry = actor_of(request), registry.entry_by_number(payload.entry)
    cmd = services.CreateProduct(entry_id=entry.id, **payload.fields_of_offer())
    made = services.create_product(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, product_out(queries.product(made.number, actor)))


@router.put("/products/{number}")
def revise(request: HttpRequest, number: str, payload: ReviseIn) -> dict[str, Any]:
    """The next version of a product."""
    actor = actor_of(request)
    cmd = services.ReviseProduct(number=number, changes=payload.changes, **payload.fields_of_offer())
    services.revise_product(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return product_out(queries.product(number, actor))


@router.post("/products/{number}/listing", response={201: dict[str, Any]})
def submit(request: HttpRequest, number: str, payload: ListingIn) -> Status[dict[str, Any]]:
    """Declare the gates and submit the newest version to the venue's review."""
    actor = actor_of(request)
    made = services.submit_listing(
        services.SubmitListing(number, tuple(payload.gates)), actor=actor, now=clock.now(), key=key_of(request)
    )
    return Status(201, listing_out(queries.listing(made.number, actor)[0]))


@router.get("/listings/{number}")
def read_listing(request: HttpRequest, number: str) -> dict[str, Any]:
    return listing_out(queries.listing(number, actor_of(request))[0])


@router.post("/listings/{number}/{do}")
def act(request: HttpRequest, number: str, do: str, payload: ActIn) -> dict[str, Any]:
    """submit (after a return), withdraw, approve, return, refuse, suspend, resume, delist."""
    actor = actor_of(request)
    view, _ = queries.listing(number, actor)
    cmd = services.ActOnListing(view.case, do, payload.input, payload.undertaking)
    services.act_on_listing(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return listing_out(queries.listing(number, actor)[0])
