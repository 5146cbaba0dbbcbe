"""This venue as a witness: the protocol over HTTP (C2SP tlog-witness), and the operator's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from shugu.evidence import queries, services, witnessed
from shugu.evidence.forms import WitnessLogForm
from shugu.formats.errors import ShuguError
from shugu.formats.witnessing import MAX_BODY
from shugu.kernel import clock
from shugu.kernel.errors import NotFound
from shugu.party.access import require
from shugu.web.forms import add_refusal

TEXT = "text/plain; charset=utf-8"
SEES = ("operator", "regulator", "auditor")


@csrf_exempt  # no cookie counts here: whoever signed the checkpoint is the sender
@require_POST
def add_checkpoint(request: HttpRequest) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > MAX_BODY:
        return HttpResponse("at most 65536 bytes\n", status=413, content_type=TEXT)
    # A statement to outsiders about when something was seen: by the wall's clock, in a demonstration too.
    given = witnessed.answer(request.body, clock.wall())
    response = HttpResponse(given.body, status=given.status, content_type=given.media_type)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def latest(request: HttpRequest, log_id: str) -> HttpResponse:
    """The latest checkpoint cosigned for the log with that SHA-256 of its origin."""
    note = queries.witnessed_note(log_id)
    if note is None:
        raise NotFound(what=("见证的日志", "witnessed log"))
    response = HttpResponse(note, content_type=TEXT)
    response["Cache-Control"] = "public, max-age=1"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def vkey(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{witnessed.witness_key().verify_key.vkey()}\n", content_type=TEXT)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Both sides: who cosigns our checkpoints, whose log we witness, and what contradicted itself."""
    actor = require(request, SEES)
    shown = {
        "ours": queries.witnesses(),
        "witnessed": queries.witnessed(),
        "alarms": queries.witness_alarms(),
        "vkey": witnessed.witness_key().verify_key.vkey(),
        "url": request.build_absolute_uri("/witness"),
        "may_change": "operator" in actor.seats,
    }
    return render(request, "evidence/witness.html", shown)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    actor = require(request, "operator")
    form = WitnessLogForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cmd = services.WitnessLog(form.cleaned_data["vkeys"], form.cleaned_data["site"])
            services.witness_log(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as error:
            add_refusal(form, error)
        else:
            return redirect("evidence:witness")
    return render(request, "evidence/witness_add.html", {"form": form})


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    actor = require(request, "operator")
    services.unwitness_log(services.UnwitnessLog(request.POST.get("origin", "")), actor=actor, now=clock.now())
    return redirect("evidence:witness")


@require_GET
def alarm_note(request: HttpRequest, alarm: int, which: str) -> HttpResponse:
    """One of the two signed checkpoints of an alarm: evidence that anybody can verify."""
    require(request, SEES)
    found = next((a for a in queries.witness_alarms(10_000) if a.id == alarm), None)
    if found is None or which not in ("first", "second"):
        raise NotFound(what=("报警", "alarm"))
    response = HttpResponse(found.first if which == "first" else found.second, content_type=TEXT)
    response["Content-Disposition"] = f'attachment; filename="{which}"'
    return response
