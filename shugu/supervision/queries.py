"""What supervision shows: targets, searches, look-ups, inspections, and what is for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from shugu.catalogue import queries as catalogue
from shugu.formats.canonical import parse_object
from shugu.kernel import documents, runtime, subscriptions
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case, Cursor
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.supervision.domain import CONCLUSIONS, Drawn, Pool, draw
from shugu.supervision.kpi import RECORDED, TITLES, Kpi, high_quality, kpis
from shugu.supervision.models import Draw, Inspection
from shugu.supervision.searches import (
    CaseLine,
    CaseQuery,
    FactLine,
    FactQuery,
    LookLine,
    OverdueLine,
    cases,
    facts,
    looks,
    overdue,
    procedures,
)
from shugu.trade import queries as trade


@dataclass(frozen=True)
class Looked:
    """A record found by its number: what kind it is, what it is called, its own page."""

    kind: Text
    number: str
    name: str
    href: str


@dataclass(frozen=True)
class InspectionView:
    case: str
    org: int
    state: str
    state_title: Text
    inspector: int
    drawn_at: datetime
    conclusion: Text | None
    public_result: str
    published_at: datetime | None


@dataclass(frozen=True)
class MonthView:
    """`price_fen` None where so few trades were settled that it would tell a single contract's price."""

    month: date
    count: int
    price_fen: int | None


@dataclass(frozen=True)
class Disclosure:
    """What everybody may read: counts, monthly values, published results."""

    organisations: int
    entries: int
    products: int
    trades: int
    least: int
    months: tuple[MonthView, ...]
    procedures: tuple[tuple[Text, int, int], ...]
    results: tuple[InspectionView, ...]


def look_up_number(number: str, actor: Actor, on: date) -> list[Looked]:
    """Every record that has exactly this number: entry, certificate, product, contract, voucher, organisation, case."""
    tries: tuple[tuple[Text, Callable[[], tuple[str, str, str]]], ...] = (
        (Text("登记", "Entry"), lambda: _entry(number, on)),
        (Text("登记凭证", "Certificate"), lambda: _certificate(number)),
        (Text("数据产品", "Product"), lambda: _product(number, actor)),
        (Text("合同", "Contract"), lambda: _contract(number, actor)),
        (Text("交易凭证", "Voucher"), lambda: _voucher(number)),
        (Text("单位", "Organisation"), lambda: _org(number, on)),
        (Text("办件", "Case"), lambda: _case(number)),
    )
    out = []
    for kind, find in tries:
        try:
            out.append(Looked(kind, *find()))
        except NotFound:
            continue
    return out


def _entry(number: str, on: date) -> tuple[str, str, str]:
    found = registry.entry_by_number(number, on)
    return found.number, found.title, reverse("registry:entry", args=[found.number])


def _certificate(number: str) -> tuple[str, str, str]:
    found = registry.certificate(number)
    return number, found.entry_number, f"{reverse('registry:verify')}?number={number}"


def _product(number: str, actor: Actor) -> tuple[str, str, str]:
    found = catalogue.product(number, actor)
    return found.number, found.title, reverse("catalogue:product", args=[found.number])


def _contract(number: str, actor: Actor) -> tuple[str, str, str]:
    found = trade.contract(number, actor)
    return found.number, _sides(found.provider_org, found.buyer_org), reverse("trade:contract", args=[found.number])


def _voucher(number: str) -> tuple[str, str, str]:
    found = trade.voucher(number)
    return found.number, _sides(found.provider_org, found.buyer_org), reverse("trade:voucher", args=[found.number])


def _sides(*orgs: int) -> str:
    names = parties.org_names(orgs)
    return " ⇄ ".join(names.get(o, str(o)) for o in orgs)


def _org(number: str, on: date) -> tuple[str, str, str]:
    found = parties.organisation_by_number(number, on)
    return found.number, found.name, reverse("party:organisation", args=[found.number])


def _case(number: str) -> tuple[str, str, str]:
    found = Case.objects.filter(number=number).first()
    if found is None:
        raise NotFound(what=("办件", "case"))
    return found.number, found.title, reverse("supervision:case", args=[found.number])


def stuck() -> list[Cursor]:
    return subscriptions.stuck()


def _view(row: Inspection) -> InspectionView:
    data: dict[str, Any] = row.case.data
    return InspectionView(
        row.case.number, row.org_id, row.case.state, table(row.case.procedure, row.case.version).state[row.case.state].title,
        row.inspector, row.draw.drawn_at, CONCLUSIONS.get(str(data.get("inspection_conclusion"))),
        str(data.get("public_result", "")), row.published_at,
    )  # fmt: skip


def inspections(draw_id: int | None = None, limit: int = 200) -> list[InspectionView]:
    rows = Inspection.objects.select_related("case", "draw").order_by("-case")
    if draw_id is not None:
        rows = rows.filter(draw=draw_id)
    return [_view(r) for r in rows[:limit]]


def draws(limit: int = 50) -> list[Draw]:
    return list(Draw.objects.annotate(drawn=Count("inspections")).order_by("-pk")[:limit])


def draw_by_id(draw_id: int) -> Draw:
    """Errors: NotFound."""
    row = Draw.objects.filter(pk=draw_id).first()
    if row is None:
        raise NotFound(what=("抽取", "draw"))
    return row


def drawn_again(row: Draw) -> tuple[Drawn, ...]:
    """The draw computed anew from its seed and its stored pool. Errors: NotFound when the pool is gone."""
    kept: Any = parse_object(documents.get(row.pool))
    pool = Pool(tuple(kept["objects"]), tuple(kept["inspectors"]), kept["conflicts"], kept["percent"])
    return draw(bytes.fromhex(row.seed), pool)


def reproduces(row: Draw) -> bool:
    """Whether the computed draw is the one that was recorded as cases."""
    numbers = {o.id: o.number for o in parties.organisations([i.org for i in inspections(row.pk)], row.drawn_at.date()).values()}
    recorded = {(numbers[i.org], i.inspector) for i in inspections(row.pk)}
    return recorded == {(d.object, d.inspector) for d in drawn_again(row)}


def disclosure(on: date) -> Disclosure:
    least = runtime.rules_on(on).value("supervision.disclosure_least_trades").number
    months = trade.settled_months()
    counted = (
        Case.objects.values("procedure").annotate(total=Count("pk"), done=Count("pk", filter=Q(closed_at__isnull=False)))
        .order_by("procedure")
    )  # fmt: skip
    published = Inspection.objects.select_related("case", "draw").filter(published_at__isnull=False).order_by("-published_at")
    return Disclosure(
        organisations=len(parties.all_accredited(on)), entries=registry.count_entries(),
        products=catalogue.figures()["products"], trades=sum(m.count for m in months), least=least,
        months=tuple(MonthView(m.month, m.count, m.price_fen if m.count >= least else None) for m in months),
        procedures=tuple((table(c["procedure"]).title, c["total"], c["done"]) for c in counted),
        results=tuple(_view(r) for r in published[:200]),
    )  # fmt: skip


__all__ = [
    "RECORDED", "TITLES", "CaseLine", "CaseQuery", "Disclosure", "FactLine", "FactQuery", "InspectionView", "Kpi", "LookLine",
    "Looked", "MonthView", "OverdueLine", "cases", "disclosure", "draw_by_id", "drawn_again", "draws", "facts",
    "high_quality", "inspections", "kpis", "look_up_number", "looks", "overdue", "procedures", "reproduces", "stuck",
]  # fmt: skip
