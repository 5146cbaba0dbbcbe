"""Pages of the market: the front page with its search, a product, one's own products, submission to listing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.appraisal import queries as appraisal
from shugu.catalogue import forms, queries, services, services_listing
from shugu.catalogue.domain_policy import licence_from, plain_words
from shugu.catalogue.domain_product import UNIT_TITLES
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.money import parse_fen
from shugu.kernel.rule_errors import MoneyError
from shugu.kernel.tables import table as procedure
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import access
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web import case_shapes, language
from shugu.web.charts import Mark, Radar
from shugu.web.forms import add_refusal
from shugu.web.from_kernel import acts_of, clock_of
from shugu.web.shapes import Act, Chip, Empty, Link, Record, Tile, Tone
from shugu.web.tables import Column, Kind, make_table

BASIS_POINTS = 10_000
FILTERS = ("q", "industry", "form", "delivery_form", "price_from", "price_to", "quality_from", "sort")
KEPT = ("industry", "form", "delivery_form", "quality_from", "sort")
SORT_TITLES = {
    "relevance": Text("相关度", "Relevance"), "newest": Text("最新", "Newest"),
    "cheapest": Text("价格从低到高", "Price, lowest first"),
    "dearest": Text("价格从高到低", "Price, highest first"), "quality": Text("质量", "Quality"),
}  # fmt: skip
QUALITY_STEPS = (9000, 8000, 6000)


def _fen(text: str) -> int | None:
    try:
        return int(parse_fen(text)) if text else None
    except MoneyError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def asked(request: HttpRequest) -> queries.SearchQuery:
    """The search of an address; what cannot be read is no restriction."""
    given = {name: request.GET.get(name, "").strip()[:200] for name in FILTERS}
    sort = given["sort"] if given["sort"] in queries.SORTS else "relevance"
    return queries.SearchQuery(
        q=given["q"], industry=given["industry"], form=given["form"], delivery_form=given["delivery_form"],
        price_from=_fen(given["price_from"]), price_to=_fen(given["price_to"]), quality_from=_whole(given["quality_from"]),
        sort=sort, page=_whole(request.GET.get("page", "")) or 1,
    )  # fmt: skip


@require_GET
def market(request: HttpRequest) -> HttpResponse:
    query = asked(request)
    found, counts = queries.search(query), queries.facets(query)
    rules, lang = runtime.rules(), language.current()
    industries = queries.titles(rules.value("catalogue.industries"))
    names = parties.org_names({c.provider for c in found.cards}, lang)
    cards = [
        {
            "card": c, "industry": industries.get(c.industry, c.industry), "provider": names.get(c.provider, ""),
            "unit": UNIT_TITLES[c.price_unit], "quality": percent(c.quality) if c.quality is not None else None,
            "title": (c.title_en or c.title) if lang == "en" else c.title,
        }
        for c in found.cards
    ]  # fmt: skip
    filtered = any(request.GET.get(name) for name in FILTERS if name != "sort")
    context = {
        "query": query, "found": found, "cards": cards, "filtered": filtered, "groups": _groups(request, query, counts),
        "sorts": [(code, title, _address(request, sort=code), code == query.sort) for code, title in SORT_TITLES.items()],
        "previous": _address(request, page=str(found.page - 1)) if found.page > 1 else "",
        "next": _address(request, page=str(found.page + 1)) if found.page < found.pages else "",
        "tiles": () if filtered or found.page > 1 else _tiles(), "given": {n: request.GET.get(n, "") for n in FILTERS},
        "kept": [(n, request.GET[n]) for n in KEPT if request.GET.get(n)],
    }  # fmt: skip
    return render(request, "catalogue/market.html", context)


def _address(request: HttpRequest, **changed: str) -> str:
    kept = {n: request.GET[n] for n in FILTERS if request.GET.get(n)} | changed
    kept = {k: v for k, v in kept.items() if v}
    return f"{reverse('catalogue:market')}?{urlencode(kept)}" if kept else reverse("catalogue:market")


def _groups(request: HttpRequest, query: queries.SearchQuery, counts: queries.Facets) -> list[dict[str, Any]]:
    """The filters at the side: title, chosen, choices with counts and addresses."""
    rules = runtime.rules()
    out = []
    for name, title, key, chosen, numbers in (
        ("industry", Text("行业领域", "Industry"), "industries", query.industry, counts.industry),
        ("form", Text("产品形态", "Form"), "product_forms", query.form, counts.form),
        ("delivery_form", Text("交付形式", "Delivery"), "delivery_forms", query.delivery_form, counts.delivery_form),
    ):
        choices = [
            (words, numbers.get(code, 0), _address(request, **{name: "" if code == chosen else code}), code == chosen)
            for code, words in queries.titles(rules.value(f"catalogue.{key}")).items()
            if numbers.get(code) or code == chosen
        ]
        out.append({"title": title, "choices": choices})
    steps = [
        (Text(f"{s // 100}% 以上", f"{s // 100}% or more"), None,
         _address(request, quality_from="" if query.quality_from == s else str(s)), query.quality_from == s)
        for s in QUALITY_STEPS
    ]  # fmt: skip
    return [*out, {"title": Text("质量", "Quality"), "choices": steps}]


def _tiles() -> tuple[Tile, ...]:
    numbers = queries.figures()
    return (
        Tile(Text("在售产品", "Products on the market"), f"{numbers['products']:,}"),
        Tile(Text("数据提供方", "Providers"), f"{numbers['providers']:,}"),
    )


def percent(score: int) -> str:
    return f"{score // 100}.{score % 100:02d}%"


def radar_of(view: appraisal.QualityView) -> Radar:
    missing = Text("不可评价", "not assessable")
    return Radar(
        Text("数据质量（GB/T 36344）", "Data quality (GB/T 36344)"),
        tuple(
            Mark(d.title, None, missing) if d.score is None else Mark(d.title, d.score / BASIS_POINTS, percent(d.score))
            for d in view.dimensions
        ),
    )


def _actor(request: HttpRequest) -> Actor | None:
    return getattr(request, "actor", None)


@require_GET
def product(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = _actor(request), clock.now()
    view = queries.product(number, actor)
    rules, lang, shown = runtime.rules(), language.current(), view.current
    entry = registry.entry(view.entry_id, local_day(now))
    mine = actor is not None and actor.org == view.provider_org
    quality = appraisal.quality_of(view.entry_id, local_day(now), data_digest=shown.data_digest)
    keys = ("industries", "product_forms", "delivery_forms", "purposes")
    table = {k: queries.titles(rules.value(f"catalogue.{k}")) for k in keys}
    context = {
        "record": _record(request, view, actor, now), "view": view, "shown": shown, "entry": entry, "mine": mine,
        "quality": quality, "radar": radar_of(quality) if quality else None,
        "quality_score": percent(quality.score) if quality and quality.score is not None else "",
        "compliance": appraisal.compliance_of(view.entry_id, local_day(now)),
        "valuations": appraisal.valuations_disclosed(view.entry_id, local_day(now)),
        "industry": table["industries"].get(shown.industry, shown.industry),
        "form": table["product_forms"].get(shown.form, shown.form),
        "delivery": [table["delivery_forms"].get(d, Text(d, d)) for d in shown.delivery_forms],
        "licence": plain_words(licence_from(shown.licence), table["purposes"]), "unit": UNIT_TITLES[shown.price_unit],
        "names": [c["name"] for c in shown.dictionary],
        "provider": parties.org_names([view.provider_org], lang)[view.provider_org],
        "provider_number": parties.organisation(view.provider_org).number,
    }  # fmt: skip
    return render(request, "catalogue/product.html", context)


def _may_list(view: queries.ProductView) -> bool:
    """No listing case is under way, and the newest version is not the one on the market."""
    last = view.listing
    if last is None or procedure("catalogue.listing").state[last.state].final:
        return True
    return last.state in services_listing.ON_MARKET and last.version != view.newest_version


def _record(request: HttpRequest, view: queries.ProductView, actor: Actor | None, now: datetime) -> Record:
    tab, listing = procedure("catalogue.listing"), view.listing
    clocks = cases.clocks(listing.case, now) if listing and actor and view.newest_version else []
    own: tuple[Act, ...] = ()
    if actor is not None and actor.org == view.provider_org:
        number = view.number
        submit_url = reverse("catalogue:submit", args=[number])
        own = (Act("edit", Text("修订", "Revise"), reverse("catalogue:edit", args=[number])),)
        if _may_list(view):
            own += (Act("list", Text("提交挂牌", "Submit for listing"), submit_url, primary=not view.listed),)
    if listing is not None and actor is not None:
        def url(do: str) -> str:
            return reverse("web:case_act", args=[listing.case_number, do])

        own += acts_of(cases.acts(listing.case, actor, now), url, danger=("refuse", "suspend", "delist", "withdraw"))
    english = language.current() == "en" and view.current.title_en
    state = case_shapes.state_chip(tab, listing.state) if listing else Chip(Text("未挂牌", "not listed"), Tone.NEUTRAL)
    return Record(
        name=view.current.title_en if english else view.title, number=view.number, kind=Text("数据产品", "Data product"),
        state=Chip(Text("已挂牌", "listed"), Tone.GOOD) if view.listed else state,
        holder=parties.org_names([view.provider_org], language.current())[view.provider_org],
        holder_href=f"/organisations/{parties.organisation(view.provider_org).number}/",
        dates=(
            (Text("本版日期", "This version of"), view.current.created_at),
            (Text("挂牌日期", "Listed"), listing.listed_at if listing else None),
        ),
        clock=clock_of(clocks[0]) if clocks else None, acts=own, subject=str(view.current.fact),
    )  # fmt: skip


@require_GET
def mine(request: HttpRequest) -> HttpResponseBase:
    """A provider's own products."""
    actor = access.require_org(request)
    assert actor.org is not None
    rows, _ = queries.products_of(actor.org, limit=200)
    tab, unsent = procedure("catalogue.listing"), Chip(Text("未提交", "not submitted"))
    columns = (
        Column("title", Text("产品", "Product"), "title", href=lambda p: reverse("catalogue:product", args=[p.number])),
        Column("state", Text("挂牌状态", "Listing"),
               lambda p: case_shapes.state_chip(tab, p.listing.state) if p.listing else unsent, Kind.CHIP),
        Column("version", Text("版本", "Version"), "newest_version", Kind.NUMBER),
        Column("price", Text("价格（元）", "Price (yuan)"), lambda p: p.current.price_fen, Kind.MONEY, order="x"),
        Column("created", Text("建立", "Created"), "created_at", Kind.MOMENT, order="x"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )  # fmt: skip
    empty = Empty(
        Text(
            "还没有产品。从一项已登记的权利开始，六步即可建立并提交挂牌。",
            "No product yet. Start from an entry; six steps lead to a listing.",
        ),
        Link(Text("建立产品", "Create a product"), reverse("catalogue:new")),
    )
    shown = make_table(request, id="products", caption=Text("我的产品", "My products"), columns=columns, rows=rows, empty=empty)
    return shown.csv_response() if shown.wants_csv else render(request, "catalogue/mine.html", {"table": shown})


@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest, number: str) -> HttpResponse:
    """The provider declares the four gates and submits the newest version."""
    actor = access.require_org(request)
    view = queries.product(number, actor)
    form = forms.GatesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cmd = services.SubmitListing(number, tuple(form.cleaned_data["gates"]))
            services.submit_listing(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
            messages.success(request, str(Text("已提交挂牌审核。", "Submitted for the venue's review.")))
            return redirect("catalogue:product", number)
        except ShuguError as error:
            add_refusal(form, error)
    today = local_day(clock.now())
    data = view.versions[0].data_digest
    checks = (
        (Text("登记有效，可以交易", "The entry may be traded"), not registry.tradable(view.entry_id, today), "/register/"),
        (Text("有本版数据的质量报告", "A quality report on this data"),
         appraisal.quality_of(view.entry_id, today, data_digest=data) is not None, reverse("appraisal:take")),
        (Text("有合规评估报告", "A compliance report"),
         bool((c := appraisal.compliance_of(view.entry_id, today)) and c.passed), reverse("appraisal:order")),
    )  # fmt: skip
    context = {"form": form, "view": view, "checks": checks}
    return render(request, "catalogue/submit.html", context, status=422 if form.is_bound else 200)
