"""Pages for the operator, and the door through which other venues' messages come."""

from __future__ import annotations

import json
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.edges.federation import client, queries, queries_settling, services, shown
from shugu.edges.federation.errors import MessageOutOfOrder, MessageTooLarge
from shugu.edges.federation.forms import KeyForm, OfferForm, PeerForm
from shugu.formats.errors import ShuguError
from shugu.formats.message import MAX_BYTES
from shugu.kernel import clock, runtime, signer
from shugu.kernel import queries as cases
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party.access import require
from shugu.web import refusals
from shugu.web.forms import add_refusal
from shugu.web.from_kernel import acts_of
from shugu.web.shapes import Empty, Link, Record
from shugu.web.tables import make_table

WATCHING = tuple(sorted(queries.SEATS))


@csrf_exempt  # no cookie counts here: whoever signed the bytes is the sender
@require_POST
def take_message(request: HttpRequest) -> HttpResponse:
    """One signed message in, its signed receipt out (docs/formats.md "Between venues")."""
    try:
        if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
            raise MessageTooLarge(most=MAX_BYTES)
        return HttpResponse(services.receive(request.body, clock.now()), content_type="application/json")
    except ShuguError as refusal:
        body = json.dumps(refusals.as_json(refusal, "en"), ensure_ascii=False)
        answer = HttpResponse(body, content_type="application/json", status=refusal.status)
        if isinstance(refusal, MessageOutOfOrder):
            answer[client.EXPECTED] = str(refusal.expected)
        return answer


@require_GET
def home(request: HttpRequest) -> HttpResponseBase:
    """Other venues and the agreements with them."""
    actor = require(request, WATCHING)
    peers = make_table(
        request, id="peers", caption=Text("其他场所", "Other venues"), columns=shown.PEERS, rows=queries.peers(actor),
        empty=Empty(Text("还没有登记其他场所。", "No other venue has been added yet.")),
    )  # fmt: skip
    agreements = make_table(
        request, id="agreements", caption=Text("互认协议", "Recognition agreements"), columns=shown.AGREEMENTS,
        rows=queries.agreements(actor), empty=Empty(Text("还没有互认协议。", "No recognition agreement yet.")),
    )  # fmt: skip
    page = {
        "peers": peers, "agreements": agreements, "may_add": "operator" in actor.seats, "origin": signer.origin(),
        "keys": signer.keyring().keys,
    }  # fmt: skip
    return render(request, "federation/home.html", page)


@require_http_methods(["GET", "POST"])
def add_peer(request: HttpRequest) -> HttpResponse:
    actor, now = require(request, "operator"), clock.now()
    form = PeerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.add_peer(services.AddPeer(**form.cleaned_data), actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("federation:peer", row.venue)
    page = {
        "form": form, "title": Text("登记其他场所", "Add another venue"), "submit": Text("登记", "Add"),
        "crumb": Link(Text("场所互认", "Federation"), reverse("federation:home")),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_GET
def peer(request: HttpRequest, venue: str) -> HttpResponseBase:
    """One venue: its keys pinned and by its history, what was seen of it, agreements with it, messages both ways."""
    actor = require(request, WATCHING)
    found = queries.peer(venue, actor)
    sent = make_table(
        request, id="messages", caption=Text("往来消息", "Messages"), columns=shown.MESSAGES,
        rows=queries.messages(actor, venue), empty=Empty(Text("还没有消息。", "No message yet.")),
    )  # fmt: skip
    if sent.wants_csv:
        return sent.csv_response()
    agreements = make_table(
        request, id="agreements", caption=Text("互认协议", "Recognition agreements"), columns=shown.AGREEMENTS,
        rows=queries.agreements(actor, venue), empty=Empty(Text("还没有互认协议。", "No recognition agreement yet.")),
    )  # fmt: skip
    record = Record(found.title, number=found.origin, kind=Text("其他场所", "another venue"), state=shown.peer_chip(found))
    page = {
        "peer": found, "record": record, "messages_table": sent, "agreements": agreements,
        "may_act": "operator" in actor.seats, "sight": queries.sight(venue, actor),
        "contradictions": queries.contradictions(venue, actor), "standing": queries_settling.standing(venue, actor),
    }  # fmt: skip
    return render(request, "federation/peer.html", page)


@require_GET
def contradiction(request: HttpRequest, venue: str, number: int, which: str) -> HttpResponse:
    """One of two things that a venue signed and that cannot both be true, as it signed it."""
    content = queries.contradiction_bytes(venue, number, which, require(request, WATCHING))
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{venue}-{number}-{which}"'
    return answer


@require_POST
def pause_peer(request: HttpRequest, venue: str) -> HttpResponse:
    """Pause dealings with a venue, or take them up again."""
    actor = require(request, "operator")
    found = queries.peer(venue, actor)
    services.change_peer(services.ChangePeer(found.origin, paused=not found.paused), actor=actor, now=clock.now())
    return redirect("federation:peer", venue)


@require_http_methods(["GET", "POST"])
def pin_key(request: HttpRequest, venue: str) -> HttpResponse:
    actor, now = require(request, "operator"), clock.now()
    found = queries.peer(venue, actor)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cmd = services.PinKey(found.origin, form.cleaned_data["vkey"])
        try:
            services.pin_key(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("公钥已核准。", "The key is pinned.")))
            return redirect("federation:peer", venue)
    page = {
        "form": form, "title": Text("核准新公钥", "Pin a new key"), "submit": Text("核准", "Pin"),
        "lead": Text("须先经网络以外的途径与对方核对。", "Compare it with the other venue first, not over the network."),
        "crumb": Link(found.title, reverse("federation:peer", args=[venue])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_POST
def retire_key(request: HttpRequest, venue: str) -> HttpResponse:
    actor = require(request, "operator")
    found = queries.peer(venue, actor)
    services.retire_key(services.RetireKey(found.origin, request.POST.get("vkey", "")), actor=actor, now=clock.now())
    return redirect("federation:peer", venue)


@require_http_methods(["GET", "POST"])
def offer(request: HttpRequest, venue: str) -> HttpResponse:
    """Offer a recognition agreement; the form begins with a complete example to be changed."""
    actor, now = require(request, "operator"), clock.now()
    found = queries.peer(venue, actor)
    form = OfferForm(request.POST or None, initial={"terms": _example(found)})
    if request.method == "POST" and form.is_valid():
        cmd = services.OfferAgreement(found.origin, form.cleaned_data["terms"])
        try:
            row = services.offer_agreement(cmd, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("federation:agreement", row.reference)
    page = {
        "form": form, "title": Text("提出互认协议", "Offer a recognition agreement"),
        "submit": Text("签名并提出", "Sign and offer"),
        "crumb": Link(found.title, reverse("federation:peer", args=[venue])),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


def _example(found: queries.PeerView) -> str:
    registers = [r for r in runtime.rules().profile.registers if r.open]
    today = local_day(clock.now())
    first = registers[0]
    terms = {
        "recognises": [
            {"by": signer.origin(), "of": found.origin, "kinds": ["data_property_certificate"], "regimes": ["hangzhou"],
             "waives": [{"register": first.id, "operation": "first", "materials": ["source_proof"]}]},
        ],
        "moves": [{"from": found.origin, "to": signer.origin(), "registers": {"data-property": first.id}}],
        "evidence": {"status_max_age": 3600, "witnesses": 0, "anchors": {}, "published_max_age": 86_400},
        "fees": {"listing": 7000, "selling": 3000}, "notice_days": 30, "valid_from": today.isoformat(),
        "valid_until": (today + timedelta(days=365)).isoformat(),
    }  # fmt: skip
    return json.dumps(terms, ensure_ascii=False, indent=2)


@require_GET
def agreement(request: HttpRequest, reference: str) -> HttpResponse:
    """One agreement: who recognises what, what that waives, the evidence asked for, how it stands."""
    actor, now = require(request, WATCHING), clock.now()
    found = queries.agreement(reference, actor)
    us = Text(*runtime.rules().profile.title)
    names = {found.origin: found.peer, signer.origin(): us}
    record = Record(
        found.peer, number=found.reference, kind=Text("互认协议", "recognition agreement"), state=shown.agreement_chip(found),
        dates=((Text("自", "from"), found.valid_from), (Text("至", "until"), found.valid_until)),
        acts=acts_of(
            cases.acts(found.case, actor, now), lambda do: reverse("web:case_act", args=[found.case_number, do]),
            danger=("decline", "withdraw", "suspend", "give_notice"),
        ),
    )  # fmt: skip
    page = {
        "agreement": found, "record": record, "lines": shown.recognition_lines(dict(found.terms), names),
        "moves": [
            (names[m["from"]], names[m["to"]], sorted(m["registers"].items())) for m in found.terms["moves"]
        ],
        "evidence": found.terms["evidence"], "fees": found.terms["fees"], "netting": found.terms.get("netting", ""),
        "anchors": [(names[origin], a) for origin, a in found.terms["evidence"]["anchors"].items()],
    }  # fmt: skip
    return render(request, "federation/agreement.html", page)


@require_GET
def agreement_file(request: HttpRequest, reference: str) -> HttpResponse:
    """The credential as signed."""
    content = queries.agreement_bytes(reference, require(request, WATCHING))
    answer = HttpResponse(content, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{reference}.json"'
    return answer
