"""What changes in the catalogue: products, their versions, listings. The one writer of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from shugu.catalogue.domain_policy import LicenceTerms, licence_faults, policy_of
from shugu.catalogue.domain_product import ColumnEntry, PriceTerms, dictionary_faults, price_faults, sample_faults
from shugu.catalogue.elsewhere import listed_elsewhere
from shugu.catalogue.errors import NotProvider
from shugu.catalogue.models import Product, ProductVersion
from shugu.catalogue.services_listing import (
    ActOnListing,
    SubmitListing,
    act_on_listing,
    refresh_search,
    submit_listing,
)
from shugu.formats.canonical import digest_hex
from shugu.kernel import journal, runtime, store
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry

name_fact("product.created", "建立产品", "product created")
name_fact("product.revised", "修订产品", "product revised")
_HEX = set("0123456789abcdef")


@dataclass(frozen=True)
class Offer:
    """Everything a version says. `dictionary`: columns in order; `sample_rows`: values as text or None in that order.

    `data_digest`: SHA-256 (hex) of the data file; `connector_id`: the connector that holds it ("" = not bound yet).
    """

    title: str
    summary: str
    industry: str
    form: str
    delivery_forms: tuple[str, ...]
    dictionary: tuple[ColumnEntry, ...]
    price: PriceTerms
    licence: LicenceTerms
    data_digest: str
    sample_rows: tuple[tuple[str | None, ...], ...] = ()
    connector_id: str = ""
    title_en: str = ""
    keywords: tuple[str, ...] = ()
    data_class: str = "enterprise"


@dataclass(frozen=True, kw_only=True)
class CreateProduct(Offer):
    """A product out of a registered entry that the actor's organisation holds."""

    entry_id: int


@dataclass(frozen=True, kw_only=True)
class ReviseProduct(Offer):
    """A new version of a product; `changes` says in words what differs."""

    number: str
    changes: str


@command("catalogue.create_product", ("建立产品", "create a product"))
def create_product(cmd: CreateProduct, *, actor: Actor, now: datetime) -> Product:
    """Version 1 of a new product, not yet listed. Errors: InputInvalid, NotProvider, NotFound (entry)."""
    entry = registry.entry(cmd.entry_id, local_day(now))
    holders = {share.org for share in entry.holders} | {entry.holder_org}
    if actor.kind is not ActorKind.PERSON or actor.org not in holders:
        raise NotProvider(what=(f"登记 {entry.number} ", f"entry {entry.number}"))
    _check(cmd, actor.org)
    number = store.next_number("product", local_day(now).year)
    product = Product.objects.create(number=number, entry_id=entry.id, provider_id=actor.org, created_at=now)
    _add_version(product, 1, cmd, "", "product.created", actor, now)
    return product


@command("catalogue.revise_product", ("修订产品", "revise a product"))
def revise_product(cmd: ReviseProduct, *, actor: Actor, now: datetime) -> ProductVersion:
    """The next version; what is listed stays listed until the new one is approved. Errors: as create_product."""
    product = Product.objects.select_for_update().filter(number=cmd.number).first()
    if product is None:
        raise NotFound(what=(f"产品 {cmd.number}", f"product {cmd.number}"))
    if actor.kind is not ActorKind.PERSON or actor.org != product.provider_id:
        raise NotProvider(what=(f"产品 {product.number} ", f"product {product.number}"))
    if not cmd.changes.strip() or len(cmd.changes) > 500:
        fault = ("必填，不超过 500 字", "required, at most 500 characters")
        raise InputInvalid(fields="changes", field_errors={"changes": fault})
    _check(cmd, product.provider_id)
    last = product.versions.order_by("-version").values_list("version", flat=True)[0]
    return _add_version(product, last + 1, cmd, cmd.changes.strip(), "product.revised", actor, now)


def _add_version(
    product: Product, version: int, offer: Offer, changes: str, name: str, actor: Actor, now: datetime
) -> ProductVersion:
    number = store.next_number("version", local_day(now).year)
    org = parties.organisation(product.provider_id, local_day(now))
    venue = runtime.venue_id()
    policy = policy_of(
        offer.licence, uid=f"urn:shugu:{venue}:policy:{number}", target=f"urn:shugu:{venue}:{number}",
        assigner=f"urn:shugu:{venue}:{org.number}",
    ).as_dict()  # fmt: skip
    content = {
        "title": offer.title.strip(), "title_en": offer.title_en.strip(), "summary": offer.summary.strip(),
        "keywords": [k.strip() for k in offer.keywords], "industry": offer.industry, "form": offer.form,
        "data_class": offer.data_class, "delivery_forms": list(offer.delivery_forms),
        "dictionary": [asdict(c) for c in offer.dictionary], "sample": [list(r) for r in offer.sample_rows],
        "price_fen": offer.price.fen, "price_unit": offer.price.unit, "price_includes": offer.price.includes.strip(),
        "policy": policy, "term_days": offer.licence.term_days, "data_digest": offer.data_digest,
        "connector_id": offer.connector_id,
    }  # fmt: skip
    digest = digest_hex({"product": product.number, "version": version, "number": number, **content})
    fact = journal.record(
        name, subject=f"catalogue.product:{product.pk}", actor=actor, now=now,
        data={"product": product.number, "version": version, "number": number, "price_fen": offer.price.fen},
        digests={"product_version": digest, "data": offer.data_digest},
    )  # fmt: skip
    licence = asdict(offer.licence) | {"actions": list(offer.licence.actions), "purposes": list(offer.licence.purposes)}
    return ProductVersion.objects.create(
        product=product, version=version, number=number, changes=changes, digest=digest, licence=licence,
        created_at=now, fact=fact, **content,
    )  # fmt: skip


def offer_faults(offer: Offer, org: int | None) -> dict[str, tuple[str, str]]:
    """Every field error of an offer by the wizard's field names; empty when it may be kept."""
    rules = runtime.rules()
    faults: dict[str, tuple[str, str]] = {}
    most = rules.value("catalogue.summary_max").number
    for name, text, limit in (("title", offer.title, 120), ("summary", offer.summary, most)):
        if not text.strip() or len(text) > limit:
            faults[name] = (f"必填，不超过 {limit} 字", f"required, at most {limit} characters")
    if len(offer.title_en) > 200:
        faults["title_en"] = ("不超过 200 字符", "at most 200 characters")
    if len(offer.keywords) > 20 or any(not k.strip() or len(k) > 40 for k in offer.keywords):
        faults["keywords"] = ("不超过 20 个，每个不超过 40 字", "at most 20, each of at most 40 characters")
    for name, value, key in (
        ("industry", offer.industry, "industries"), ("form", offer.form, "product_forms"),
        ("data_class", offer.data_class, "data_classes"),
    ):  # fmt: skip
        if value not in rules.value(f"catalogue.{key}").codes:
            faults[name] = ("请从代码表中选择", "choose from the table")
    if not offer.delivery_forms or set(offer.delivery_forms) - set(rules.value("catalogue.delivery_forms").codes):
        faults["delivery_forms"] = ("至少选一种交付形式", "choose at least one delivery form")
    faults |= price_faults(offer.price, rules.value("settlement.price_min").number)
    faults |= licence_faults(
        offer.licence, rules.value("catalogue.purposes").codes, rules.value("catalogue.licence_term_max").number
    )
    faults |= _data_faults(offer, org, rules.value("catalogue.sample_rows_max").number)
    return faults


def _data_faults(offer: Offer, org: int | None, most_rows: int) -> dict[str, tuple[str, str]]:
    faults: dict[str, tuple[str, str]] = {}
    columns = dictionary_faults(offer.dictionary)
    if columns is not None:
        faults["dictionary"] = columns
    else:
        rows = sample_faults(offer.sample_rows, len(offer.dictionary), most_rows)
        if rows is not None:
            faults["sample_rows"] = rows
    if len(offer.data_digest) != 64 or set(offer.data_digest) - _HEX:
        faults["data_digest"] = ("应为 64 位小写十六进制的 SHA-256", "the SHA-256 in 64 lower-case hexadecimal digits")
    if offer.connector_id and _connector_owner(offer.connector_id) != org:
        faults["connector_id"] = ("不是本单位登记的连接器", "not a connector registered by your organisation")
    return faults


def _connector_owner(connector_id: str) -> int | None:
    try:
        return parties.connector_pinned(connector_id)[0]
    except NotFound:
        return None


def _check(offer: Offer, org: int | None) -> None:
    faults = offer_faults(offer, org)
    if faults:
        raise InputInvalid(fields="、".join(sorted(faults)), field_errors=faults)


def reindex(numbers: Sequence[str] | None = None) -> int:
    """Build the search terms of listed products anew (after a change of the terms' rule); how many."""
    rows = Product.objects.all() if numbers is None else Product.objects.filter(number__in=numbers)
    done = 0
    for product in rows.iterator():
        with transaction.atomic():
            done += refresh_search(product.pk)
    return done


__all__ = [
    "ActOnListing", "ColumnEntry", "CreateProduct", "LicenceTerms", "Offer", "PriceTerms", "ReviseProduct",
    "SubmitListing", "act_on_listing", "create_product", "listed_elsewhere", "offer_faults", "reindex", "revise_product",
    "submit_listing",
]  # fmt: skip
