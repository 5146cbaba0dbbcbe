"""The style guide: every component with sample data. Only in debug and demonstration homes."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from shugu.kernel.text import Text
from shugu.web import samples, slots
from shugu.web.context import is_demo

SLOT = "web.style.side"


def _open_here() -> None:
    if not (settings.DEBUG or is_demo()):
        raise Http404


def page(request: HttpRequest) -> HttpResponseBase:
    _open_here()
    table = samples.table(request)
    if table.wants_csv:
        return table.csv_response()
    slots.register_slot(SLOT, "web:style_side", Text("样例片段", "Sample fragment"))
    shown = {
        "chips": samples.CHIPS,
        "clocks": samples.CLOCKS,
        "sources": (samples.LAW, samples.OURS),
        "seals": samples.seals(),
        "record": samples.record(),
        "events": samples.events(),
        "table": table,
        "nothing": samples.empty_table(request),
        "form": samples.form(),
        "charts": samples.pictures(),
        "tiles": samples.TILES,
        "progress": samples.PROGRESS,
        "slot": SLOT,
        "amount": 1_234_567,
        "moment": samples.record().dates[1][1],
    }
    return render(request, "web/style.html", shown)


def panel(request: HttpRequest) -> HttpResponse:
    _open_here()
    return render(request, "web/style_panel.html")


def side(request: HttpRequest, object_id: str) -> HttpResponse:
    _open_here()
    return render(request, "web/style_side.html", {"object_id": object_id})
