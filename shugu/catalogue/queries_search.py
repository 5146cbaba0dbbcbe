"""Search of what is listed: terms in a GIN index, filters, facets, four orders, 20 a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.db import connection

from shugu.catalogue.domain import ts_query

PAGE: Final = 20
MOST_PAGES: Final = 50
# Ranking and counting stop here: nobody reads on, and a word that is everywhere must not cost more than a rare one.
REACH: Final = 2_000
SORTS: Final = ("relevance", "newest", "cheapest", "dearest", "quality")
_ORDER: Final[Mapping[str, str]] = {
    "newest": "listed_at DESC, product_id DESC",
    "cheapest": "price_fen, product_id",
    "dearest": "price_fen DESC, product_id DESC",
    "quality": "quality DESC NULLS LAST, product_id DESC",
}


@dataclass(frozen=True)
class SearchQuery:
    """Empty values mean no restriction; prices in fen, `quality_from` in basis points; `page` from 1."""

    q: str = ""
    industry: str = ""
    form: str = ""
    delivery_form: str = ""
    price_from: int | None = None
    price_to: int | None = None
    quality_from: int | None = None
    provider: int | None = None
    sort: str = "relevance"
    page: int = 1


@dataclass(frozen=True)
class Card:
    """A product as a list shows it. `quality` in basis points."""

    product_id: int
    version_id: int
    number: str
    title: str
    title_en: str
    summary: str
    provider: int
    industry: str
    form: str
    delivery_forms: tuple[str, ...]
    price_fen: int
    price_unit: str
    quality: int | None
    listed_at: datetime


@dataclass(frozen=True)
class Found:
    """`more`: there are further results beyond those counted (`total` is then REACH)."""

    cards: tuple[Card, ...]
    total: int
    more: bool
    page: int
    pages: int


@dataclass(frozen=True)
class Facets:
    """How many results each choice has, the others kept; counted over the first REACH results."""

    industry: Mapping[str, int] = field(default_factory=dict)
    form: Mapping[str, int] = field(default_factory=dict)
    delivery_form: Mapping[str, int] = field(default_factory=dict)


_COLUMNS: Final = (
    "product_id, version_id, number, title, title_en, summary, provider, industry, form, delivery_forms, price_fen, "
    "price_unit, quality, listed_at"
)


def _where(query: SearchQuery) -> tuple[str, list[Any]]:
    parts, values = ["true"], list[Any]()
    terms = ts_query(query.q)
    if terms:
        parts.append("terms @@ %s::tsquery")
        values.append(terms)
    elif query.q.strip():
        parts.append("false")  # only signs were asked for: nothing holds them
    for column, value in (("industry", query.industry), ("form", query.form), ("provider", query.provider)):
        if value not in ("", None):
            parts.append(f"{column} = %s")
            values.append(value)
    if query.delivery_form:
        parts.append("delivery_forms @> ARRAY[%s]::varchar[]")
        values.append(query.delivery_form)
    bounds = (("price_fen >= %s", query.price_from), ("price_fen <= %s", query.price_to), ("quality >= %s", query.quality_from))
    for clause, bound in bounds:
        if bound is not None:
            parts.append(clause)
            values.append(bound)
    return " AND ".join(parts), values


def search(query: SearchQuery) -> Found:
    """One page of what is listed. Without words the order is newest first; with words by weight of the terms found."""
    where, values = _where(query)
    terms = ts_query(query.q)
    page = min(max(query.page, 1), MOST_PAGES)
    total = _count(where, values)
    with connection.cursor() as cursor:
        if query.sort in _ORDER or not terms:
            order = _ORDER.get(query.sort, _ORDER["newest"])
            cursor.execute(
                f"SELECT {_COLUMNS} FROM catalogue_searchterm WHERE {where} ORDER BY {order} LIMIT %s OFFSET %s",
                [*values, PAGE, (page - 1) * PAGE],
            )
        else:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM (SELECT *, ts_rank(terms, %s::tsquery) AS weight FROM "
                f"(SELECT * FROM catalogue_searchterm WHERE {where} LIMIT {REACH}) near) ranked "
                "ORDER BY weight DESC, quality DESC NULLS LAST, product_id DESC LIMIT %s OFFSET %s",
                [terms, *values, PAGE, (page - 1) * PAGE],
            )
        cards = tuple(_card(row) for row in cursor.fetchall())
    pages = max(1, min(-(-total // PAGE), MOST_PAGES))
    return Found(cards, min(total, REACH), total > REACH, page, pages)


def _card(row: tuple[Any, ...]) -> Card:
    values: list[Any] = [*row[:9], tuple(row[9]), *row[10:]]
    return Card(*values)


def _count(where: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM catalogue_searchterm WHERE {where} LIMIT {REACH + 1}) near",
            values,
        )
        return int(cursor.fetchone()[0])


def facets(query: SearchQuery) -> Facets:
    """Counts by industry, form and delivery form; each leaves its own choice out, so that one can change it."""
    return Facets(
        _facet(replace(query, industry=""), "industry"),
        _facet(replace(query, form=""), "form"),
        _facet(replace(query, delivery_form=""), "unnest(delivery_forms)"),
    )


def _facet(query: SearchQuery, column: str) -> dict[str, int]:
    where, values = _where(query)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT choice, count(*) FROM (SELECT {column} AS choice FROM catalogue_searchterm WHERE {where} "
            f"LIMIT {REACH}) near GROUP BY choice ORDER BY count(*) DESC, choice",
            values,
        )
        return dict(cursor.fetchall())
