"""Listings: a version through the venue's review onto the market and off it, with the search terms in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from shugu.appraisal import queries as appraisal
from shugu.catalogue import elsewhere
from shugu.catalogue.domain import ts_vector
from shugu.catalogue.errors import AlreadyListing, NothingNew, NotProvider
from shugu.catalogue.models import Listing, Product, ProductVersion, SearchTerm
from shugu.kernel import engine, runtime, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView, mandate
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.models import Case, Fact
from shugu.kernel.vocabulary import context, effect
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry

PROCEDURE = "catalogue.listing"
ON_MARKET = ("listed", "suspended")
CARD_SUMMARY = 200


@dataclass(frozen=True)
class SubmitListing:
    """The newest version of a product to the venue's review. `gates`: codes of rule catalogue.circulation_gates declared."""

    number: str
    gates: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActOnListing:
    """`do`: submit (after a return), withdraw, approve, return {defects}, refuse {prohibition, reason}, suspend {reason},
    resume, delist. A submission after a return takes the product's newest version."""

    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""

@context("catalogue.listing")
def listing_facts(case: int, now: datetime) -> Mapping[str, Any]:
    row = Listing.objects.select_related("product", "version").filter(pk=case).first()
    if row is None:  # the case is just being opened
        return {}
    today = local_day(now)
    compliance = appraisal.compliance_of(row.product.entry_id, today)
    before = Listing.objects.filter(version__data_digest=row.version.data_digest).exclude(prohibition="")
    return {
        "accredited": is_provider(row.product.provider_id, today),
        "entry_reasons": [(*r.text, r.article) for r in registry.tradable(row.product.entry_id, today)],
        "quality": appraisal.quality_of(row.product.entry_id, today, data_digest=row.version.data_digest) is not None,
        "compliance": compliance.passed if compliance else None,
        "gates": row.gates,
        "elsewhere": elsewhere.where(row.version.data_digest, now),
        "prohibition": before.values_list("prohibition", flat=True).first() or "",
        "corrections": Fact.objects.filter(case_id=case, name="listing.returned").count(),
    }


def is_provider(org: int, on: date) -> bool:
    """Accredited to offer data: as provider or as data merchant."""
    return any(parties.is_accredited(org, kind, on) for kind in ("provider", "merchant"))


@command("catalogue.submit_listing", ("提交挂牌", "submit a listing"))
def submit_listing(cmd: SubmitListing, *, actor: Actor, now: datetime) -> Listing:
    """Open a listing case of the newest version and submit it.
    Errors: NotFound, NotProvider, AlreadyListing, NothingNew, InputInvalid, GuardRefused with the first thing missing."""
    product = Product.objects.select_for_update().filter(number=cmd.number).first()
    if product is None or actor.kind is not ActorKind.PERSON:
        raise NotFound(what=(f"产品 {cmd.number}", f"product {cmd.number}"))
    if actor.org != product.provider_id:
        raise NotProvider(what=(f"产品 {product.number} ", f"product {product.number}"))
    unknown = set(cmd.gates) - set(runtime.rules().value("catalogue.circulation_gates").codes)
    if unknown:
        raise _field("gates", f"未知的声明：{'、'.join(sorted(unknown))}", f"unknown: {', '.join(sorted(unknown))}")
    version = _newest(product)
    for other in Listing.objects.filter(product=product, case__closed_at__isnull=True).select_related("case"):
        if other.case.state not in ON_MARKET:
            raise AlreadyListing(number=other.number)
        if other.version_id == version.pk:
            raise NothingNew()
    entry = registry.entry(product.entry_id, local_day(now))
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"挂牌 · {version.title}"[:300],
        parties=[PartyView("provider", None, product.provider_id)],
        data={"product": product.number, "register": entry.register},
        subjects=[f"registry.entry:{entry.id}", f"party.org:{product.provider_id}", f"catalogue.product:{product.pk}"],
        fact_data={"product": product.number, "version": version.number},
    )  # fmt: skip
    listing = Listing.objects.create(
        case_id=case, number=store.next_number("listing", local_day(now).year), product=product, version=version,
        gates=list(cmd.gates), submitted_at=now,
    )  # fmt: skip
    _submit(listing, Command("submit"), actor, now)
    return listing


@command("catalogue.act_on_listing", ("办理挂牌", "act on a listing"))
def act_on_listing(cmd: ActOnListing, *, actor: Actor, now: datetime) -> Listing:
    """Errors: NotFound, InputInvalid, every Refused of the engine."""
    listing = Listing.objects.select_related("product", "version").filter(pk=cmd.case).first()
    if listing is None:
        raise NotFound(what=("挂牌办件", "listing"))
    order = Command(cmd.do, dict(cmd.input), cmd.undertaking)
    if cmd.do == "submit":
        if actor.org == listing.product.provider_id:
            newest = _newest(listing.product)
            if listing.version_id != newest.pk:
                listing.version = newest
                listing.save(update_fields=["version"])
        _submit(listing, order, actor, now)
        return listing
    prohibitions = runtime.rules().value("catalogue.prohibitions").codes
    if cmd.do == "refuse" and cmd.input.get("prohibition") and cmd.input["prohibition"] not in prohibitions:
        raise _field("prohibition", "请从禁止情形代码表中选择", "choose from the table of prohibitions")
    engine.act(
        cmd.case, order, actor=actor, now=now, fact_data={"product": listing.product.number, "listing": listing.number},
        digests={"product_version": listing.version.digest} if cmd.do == "approve" else None,
    )  # fmt: skip
    return Listing.objects.get(pk=cmd.case)


def _submit(listing: Listing, order: Command, actor: Actor, now: datetime) -> None:
    engine.act(
        listing.pk, order, actor=actor, now=now,
        fact_data={"listing": listing.number, "version": listing.version.number, "gates": list(listing.gates)},
        digests={"product_version": listing.version.digest},
    )  # fmt: skip


def _newest(product: Product) -> ProductVersion:
    found = product.versions.order_by("-version").first()
    assert found is not None, "a product is created with its first version"
    return found


def _field(name: str, zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields=name, field_errors={name: (zh, en)})


@effect("catalogue.put_on_market")
def put_on_market(applied: Applied) -> None:
    """The version becomes findable; an older listing of the same product is replaced."""
    listing = Listing.objects.get(pk=applied.case)
    if listing.listed_at is None:
        listing.listed_at = applied.now
        listing.save(update_fields=["listed_at"])
    others = Case.objects.filter(
        pk__in=Listing.objects.filter(product=listing.product_id).exclude(pk=listing.pk).values("pk"),
        state__in=ON_MARKET,
    )
    for other in others.values_list("pk", flat=True):
        by = mandate("catalogue", f"listing:{listing.number}:replaces:{other}")
        engine.act(other, Command("replace"), actor=by, now=applied.now, fact_data={"by": listing.number})
    refresh_search(listing.product_id)


@effect("catalogue.take_off_market")
def take_off_market(applied: Applied) -> None:
    refresh_search(Listing.objects.get(pk=applied.case).product_id)


@effect("catalogue.listing_ended")
def listing_ended(applied: Applied) -> None:
    listing = Listing.objects.get(pk=applied.case)
    listing.ended_at = applied.now
    listing.save(update_fields=["ended_at"])
    refresh_search(listing.product_id)


@effect("catalogue.listing_refused")
def listing_refused(applied: Applied) -> None:
    listing = Listing.objects.get(pk=applied.case)
    listing.prohibition, listing.ended_at = str(applied.input["prohibition"]), applied.now
    listing.save(update_fields=["prohibition", "ended_at"])


def refresh_search(product: int) -> int:
    """Write the search terms of a product anew from what is listed now; 1 when it is findable afterwards.
    Runs in the caller's transaction, so that search never shows what is not listed."""
    listed = Listing.objects.select_related("version", "product").filter(product=product, case__state="listed").first()
    if listed is None:
        SearchTerm.objects.filter(pk=product).delete()
        return 0
    version, org = listed.version, parties.organisation(listed.product.provider_id, None)
    rules = runtime.rules()
    quality = appraisal.quality_of(listed.product.entry_id, local_day(listed.listed_at or listed.submitted_at),
                                   data_digest=version.data_digest)  # fmt: skip
    values = (
        product, version.pk, listed.product.number, version.title, version.title_en, version.summary[:CARD_SUMMARY],
        listed.product.provider_id, version.industry, version.form, list(version.delivery_forms), version.price_fen,
        version.price_unit, quality.score if quality else None, listed.listed_at,
        ts_vector(_weighted(version, org.name, org.name_en, listed.product.number, rules)),
    )  # fmt: skip
    columns = (
        "product_id, version_id, number, title, title_en, summary, provider, industry, form, delivery_forms, price_fen, "
        "price_unit, quality, listed_at, terms"
    )
    kept = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns.split(", ")[1:])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO catalogue_searchterm ({columns}) VALUES ({', '.join(['%s'] * (len(values) - 1))}, %s::tsvector) "
            f"ON CONFLICT (product_id) DO UPDATE SET {kept}",
            values,
        )
    return 1


def _weighted(version: ProductVersion, org: str, org_en: str, number: str, rules: Any) -> list[tuple[str, str]]:
    """What a product is found by, heaviest first: title, keywords, industry and provider, then the rest."""
    coded = []
    for key, codes in (
        ("industries", [version.industry]), ("product_forms", [version.form]), ("delivery_forms", version.delivery_forms),
    ):  # fmt: skip
        coded += [f"{r['zh']} {r['en']}" for r in rules.value(f"catalogue.{key}").rows if r["code"] in codes]
    columns = " ".join(f"{c['name']} {c['title']}" for c in version.dictionary)
    return [
        (f"{version.title} {version.title_en}", "A"), (" ".join(version.keywords), "B"), (number, "B"),
        (" ".join(coded), "C"), (f"{org} {org_en}", "C"), (version.summary, "D"), (columns, "D"),
    ]  # fmt: skip
