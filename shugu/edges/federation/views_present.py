"""Pages for holders: present a document of another venue, see every check, apply on the strength of it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.edges.federation import presenting, queries, services, shown, statements
from shugu.edges.federation.forms import PresentForm, move_form
from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party.access import require, require_org
from shugu.registry import queries as book
from shugu.web.forms import add_refusal
from shugu.web.shapes import Empty, Link
from shugu.web.tables import make_table


@require_GET
def status(request: HttpRequest, digest: str, nonce: str) -> HttpResponse:
    """How one of our documents stands, signed, for whoever asks with a nonce of its own."""
    return HttpResponse(statements.state(digest, nonce, clock.now()), content_type="application/json")


@require_http_methods(["GET", "POST"])
def present(request: HttpRequest) -> HttpResponse:
    """Present a document of another venue, as a file or as printed; it is checked at once."""
    actor, now = require_org(request), clock.now()
    form = PresentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        cmd = services.Present(form.cleaned_data["file"].read())
        try:
            row = services.present(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            services.check(row, now)
            return redirect("federation:presentation", row.number)
    table = make_table(
        request, id="presentations", caption=Text("出示记录", "Presented"), columns=shown.PRESENTATIONS,
        rows=queries.presentations(actor), empty=Empty(Text("还没有出示过。", "Nothing was presented yet.")),
    )  # fmt: skip
    return render(request, "federation/present.html", {"form": form, "table": table}, status=422 if form.errors else 200)


@require_GET
def presentation(request: HttpRequest, number: str) -> HttpResponse:
    """Every check with its number, what is waived by it, and the way to apply."""
    actor = require(request)
    found = queries.presentation(number, actor)
    page = {"shown": found, "record": shown.presentation_record(found), "lines": shown.check_lines(found),
            "waives": shown.waiver_lines(found, may_apply=actor.org == found.org and found.live)}  # fmt: skip
    return render(request, "federation/presentation.html", page)


@require_GET
def answer(request: HttpRequest, number: str, name: str) -> HttpResponse:
    """What the issuer showed when the document was checked, to keep or to show to somebody else."""
    content = queries.answer_bytes(number, name, require(request))
    kind = "text/plain; charset=utf-8" if name == "checkpoint" else "application/json"
    response = HttpResponse(content, content_type=kind)
    ending = "txt" if name == "checkpoint" else "json"
    response["Content-Disposition"] = f'attachment; filename="{number}-{name.replace(":", "-")}.{ending}"'
    return response


@require_POST
def apply(request: HttpRequest, number: str, register: str, operation: str) -> HttpResponse:
    """Ask the issuer once more, then on to the application form, filled in from the certificate."""
    actor = require_org(request)
    found = queries.presentation(number, actor)
    presenting.renew(found.recognition, found.org, clock.now())
    address = reverse("registry:apply_for", args=[register, operation])
    return redirect(f"{address}?{urlencode({'recognition': found.recognition})}")


@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, number: str) -> HttpResponse:
    """Ask to move an entry of one's own to another venue's register."""
    actor, now = require_org(request), clock.now()
    line = book.entry_by_number(number, local_day(now))
    make = move_form([(row.venue, row.title_zh) for row in queries.takers(line.register, now)])
    form = make(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cmd = services.AskMove(line.number, form.cleaned_data["venue"])
        try:
            row = services.ask_move(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("web:case", row.case.number)
    page = {
        "form": form, "title": Text("迁往其他场所", "Move to another venue"), "submit": Text("申请迁出", "Ask to move"),
        "lead": Text(
            "准予迁出后，本登记簿的条目即终止；对方登簿后在对方有效，对方拒收则恢复。",
            "Once let go, the line here ends; it is valid there once entered, or stands again if refused there.",
        ),
        "crumb": Link(line.title, reverse("registry:entry", args=[line.number])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_GET
def entry_side(request: HttpRequest, entry: int) -> HttpResponse:
    """On an entry's page, for its holder: where it may move to."""
    actor, now = getattr(request, "actor", None), clock.now()
    line = book.entry(entry, local_day(now))
    mine = actor is not None and actor.org == line.holder_org and "moved" not in line.facets
    page = {"line": line, "takers": queries.takers(line.register, now) if mine else []}
    return render(request, "federation/entry_side.html", page)
