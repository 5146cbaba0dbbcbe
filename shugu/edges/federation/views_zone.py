"""The local zone for everybody, what we share for those concerned, and the doors through which other venues compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from shugu.catalogue import queries as catalogue
from shugu.edges.federation import queries, queries_zone, sharing, shown_zone
from shugu.formats.errors import ShuguError
from shugu.formats.verdicts import EXIT, VERDICTS, Verdict
from shugu.kernel import clock, runtime, signer
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.web import language, refusals
from shugu.web.shapes import Chip, Empty, Record, Tone
from shugu.web.tables import make_table

MOST_Q = 200


def _json(answer: Callable[[], bytes]) -> HttpResponse:
    try:
        return HttpResponse(answer(), content_type="application/json")
    except ShuguError as refusal:
        body = json.dumps(refusals.as_json(refusal, "en"), ensure_ascii=False)
        return HttpResponse(body, content_type="application/json", status=refusal.status)


@require_GET
def head(request: HttpRequest, origin: str) -> HttpResponse:
    """What the venue with this origin may show of us, signed now."""
    return _json(lambda: sharing.head(origin, clock.now()))


@require_GET
def part(request: HttpRequest, origin: str, digest: str) -> HttpResponse:
    """The index or a listing, by digest."""
    return _json(lambda: sharing.part(origin, digest))


@require_GET
def certificate(request: HttpRequest, origin: str, product: str) -> HttpResponse:
    """The sealed certificate behind a listing that we share."""
    return _json(lambda: sharing.certificate(origin, product))


@require_GET
def zone(request: HttpRequest) -> HttpResponse:
    """What other venues list, by search and by venue."""
    given = {name: request.GET.get(name, "").strip()[:MOST_Q] for name in ("q", "venue", "industry")}
    page = request.GET.get("page", "")
    now, lang = clock.now(), language.current()
    found = queries_zone.listings(now, **given, page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1)
    industries = catalogue.titles(runtime.rules().value("catalogue.industries"))

    def address(**changed: str) -> str:
        kept = {k: v for k, v in {**given, **changed}.items() if v}
        return reverse("federation:zone") + (f"?{urlencode(kept)}" if kept else "")

    cards = [
        {
            "row": row, "title": shown_zone.title(row, lang), "chip": shown_zone.fresh_chip(row),
            "industry": industries.get(str(row.listing["industry"]), str(row.listing["industry"])),
            "unit": shown_zone.unit(str(row.listing["price_unit"])), "quality": shown_zone.quality(row),
        }
        for row in found.rows
    ]  # fmt: skip
    context = {
        "found": found, "cards": cards, "given": given, "filtered": any(given.values()),
        "venues": [
            (v, address(venue="" if v.venue == given["venue"] else v.venue), v.venue == given["venue"]) for v in found.venues
        ],
        "previous": address(page=str(found.page - 1)) if found.page > 1 else "",
        "next": address(page=str(found.page + 1)) if found.page < found.pages else "",
    }  # fmt: skip
    return render(request, "federation/zone.html", context)


@require_GET
def zone_listing(request: HttpRequest, venue: str, product: str) -> HttpResponse:
    """One listing of another venue: where it is listed, how fresh, what stands behind it."""
    now, lang = clock.now(), language.current()
    view = queries_zone.listing(venue, product, now)
    report = queries_zone.certificate_report(view, now)
    tone = Tone.BAD if report is not None and report.verdict is Verdict.FAILED else Tone.WARNING
    if report is not None and EXIT[report.verdict] in (0, EXIT[Verdict.SIGNED]):
        tone = Tone.GOOD
    rules = runtime.rules()
    table = {key: catalogue.titles(rules.value(f"catalogue.{key}")) for key in ("industries", "product_forms", "delivery_forms")}
    d = view.listing
    record = Record(
        name=shown_zone.title(view, lang), number=view.product, kind=Text("其他场所的数据产品", "data product of another venue"),
        state=shown_zone.fresh_chip(view), holder=shown_zone.provider(view, lang),
        dates=(
            (Text("挂牌日期", "Listed"), date.fromisoformat(d["listed_on"])),
            (Text("最近确认", "Last confirmed"), view.confirmed_at),
        ),
    )  # fmt: skip
    page: dict[str, Any] = {
        "view": view, "d": d, "record": record, "unit": shown_zone.unit(str(d["price_unit"])),
        "quality": shown_zone.quality(view),
        "licence": [(Text(*line["label"]), Text(*line["text"])) for line in d["licence"]],
        "industry": table["industries"].get(d["industry"], d["industry"]),
        "form": table["product_forms"].get(d["form"], d["form"]),
        "delivery": [table["delivery_forms"].get(code, Text(code, code)) for code in d["delivery_forms"]],
        "report": report.as_dict(lang) if report is not None else None,
        "verdict": Chip(Text(*VERDICTS[report.verdict]), tone) if report is not None else None,
        "ours": view.same_as is not None and view.same_as[0] == signer.origin(),
        "pairs": [(name, d[key]) for name, key in shown_zone.DIGESTS],
    }  # fmt: skip
    return render(request, "federation/zone_listing.html", page)


@require_GET
def shared(request: HttpRequest) -> HttpResponseBase:
    """Where our listings are shown, and how the exchange with each venue stands."""
    actor = require(request)
    rows = make_table(
        request, id="shared", caption=Text("共享到其他场所的挂牌", "Listings shared with other venues"),
        columns=shown_zone.SHARED, rows=queries_zone.shared(actor),
        empty=Empty(Text("还没有挂牌共享到其他场所。", "No listing is shared with another venue yet.")),
    )  # fmt: skip
    if rows.wants_csv:
        return rows.csv_response()
    watching = bool(actor.seats & queries.SEATS)
    feeds = make_table(
        request, id="feeds", caption=Text("与各场所的目录交换", "Exchange of catalogues"), columns=shown_zone.FEEDS,
        rows=queries_zone.feeds(actor) if watching else [], empty=Empty(Text("还没有目录交换。", "No exchange yet.")),
    )  # fmt: skip
    return render(request, "federation/shared.html", {"shared": rows, "feeds": feeds if watching else None})


@require_GET
def market_line(request: HttpRequest, key: str) -> HttpResponse:
    """The way from the market into the zone, where there is something to see."""
    found = queries_zone.listings(clock.now())
    return render(request, "federation/market_line.html", {"total": found.total, "venues": found.venues})
