"""Random inspection (双随机、一公开) and the page of what is for everybody."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from shugu.evidence import queries as evidence
from shugu.kernel import clock, runtime
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.party.access import require
from shugu.supervision import asked, queries, services
from shugu.supervision.queries import InspectionView
from shugu.web.from_kernel import source_of
from shugu.web.shapes import Tile
from shugu.web.tables import Column, Kind, Table, make_table


def _table(request: HttpRequest, rows: list[InspectionView]) -> Table:
    orgs = parties.org_names([r.org for r in rows])
    people = parties.person_names([r.inspector for r in rows])
    columns = (
        Column("case", Text("办件", "Case"), "case", Kind.CODE, href=lambda r: reverse("web:case", args=[r.case])),
        Column("org", Text("被抽查单位", "Inspected"), lambda r: orgs.get(r.org, "")),
        Column("inspector", Text("检查人员", "Inspector"), lambda r: people.get(r.inspector, "")),
        Column("state", Text("状态", "State"), "state_title"),
        Column("conclusion", Text("结论", "Conclusion"), "conclusion"),
        Column("drawn", Text("抽取", "Drawn"), "drawn_at", Kind.MOMENT),
    )
    return make_table(request, id="inspections", caption=Text("抽查", "Inspections"), columns=columns, rows=rows)


@require_GET
def inspections(request: HttpRequest) -> HttpResponse:
    actor, now = require(request, tuple(services.SEATS)), clock.now()
    asked.record("inspections", request.GET.dict(), actor, now)
    rules = runtime.rules_on(local_day(now))
    law = rules.get("supervision.random_inspection")
    context = {
        "table": _table(request, queries.inspections()), "draws": queries.draws(), "may_draw": "regulator" in actor.seats,
        "percent": rules.value("supervision.inspection_sample"),
        "source": source_of(law or rules.value("supervision.inspection_sample")), "head": evidence.head(),
    }  # fmt: skip
    return render(request, "supervision/inspections.html", context)


@require_POST
def hold_draw(request: HttpRequest) -> HttpResponse:
    actor = require(request, "regulator")
    row = services.hold_draw(services.HoldDraw(), actor=actor, now=clock.now(), key=request.POST.get("key") or None)
    messages.success(request, str(Text("已抽取并立案。", "Drawn; the cases are opened.")))
    return redirect("supervision:draw", row.pk)


@require_GET
def draw(request: HttpRequest, draw: int) -> HttpResponse:
    """One draw, computed again for this answer from its seed and pool."""
    actor, now = require(request, tuple(services.SEATS)), clock.now()
    row = queries.draw_by_id(draw)
    asked.record("draw", {"draw": draw}, actor, now)
    context = {
        "draw": row, "holds": queries.reproduces(row), "again": queries.drawn_again(row),
        "table": _table(request, queries.inspections(row.pk)),
    }  # fmt: skip
    return render(request, "supervision/draw.html", context)


@require_GET
def disclosure(request: HttpRequest) -> HttpResponse:
    """For everybody: statistics and published results, nothing from which a single party's business could be told."""
    found = queries.disclosure(local_day(clock.now()))
    names = parties.org_names([r.org for r in found.results])
    tiles = (
        Tile(Text("入驻单位", "Accredited organisations"), f"{found.organisations:,}"),
        Tile(Text("登记", "Registered entries"), f"{found.entries:,}"),
        Tile(Text("挂牌产品", "Listed products"), f"{found.products:,}", href="/"),
        Tile(Text("完成交易", "Settled trades"), f"{found.trades:,}"),
    )
    context = {"found": found, "tiles": tiles, "results": [(names.get(r.org, ""), r) for r in found.results]}
    return render(request, "supervision/disclosure.html", context)
