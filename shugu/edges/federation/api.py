"""Other venues and agreements over the API, for seats that watch them; only the operator changes anything."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import File, Router
from ninja.files import UploadedFile

from shugu.edges.federation import queries, services
from shugu.edges.federation.api_trade import router as trade_router
from shugu.edges.federation.queries import AgreementView, PeerView, PresentationView, SightView
from shugu.formats.canonical import parse_object
from shugu.kernel import clock
from shugu.web.api import Strict, actor_of, key_of

router = Router()
router.add_router("", trade_router)


class PeerIn(Strict):
    venue: str
    title_zh: str
    title_en: str
    base_url: str
    vkeys: str


class KeyIn(Strict):
    vkey: str


class OfferIn(Strict):
    """`terms`: docs/formats.md "Between venues", without `parties`."""

    origin: str
    terms: dict[str, Any]


class AgreementActIn(Strict):
    input: dict[str, str] = {}
    undertaking: str = ""


def _peer(row: PeerView) -> dict[str, Any]:
    return {
        "venue": row.venue, "title": {"zh": row.title.zh, "en": row.title.en}, "origin": row.origin,
        "base_url": row.base_url, "paused": row.paused, "sent": row.sent, "received": row.received, "waiting": row.waiting,
        "trouble": row.trouble,
        "keys": [{"vkey": k.vkey, "method": k.method, "retired": k.retired_at is not None} for k in row.keys],
    }  # fmt: skip


def _agreement(row: AgreementView) -> dict[str, Any]:
    return {
        "reference": row.reference, "with": row.origin, "ours": row.ours, "state": row.state, "case": row.case_number,
        "notice_ends": row.notice_ends, "terms": dict(row.terms), "signed": row.signed,
    }  # fmt: skip


def _sight(found: SightView) -> dict[str, Any]:
    return {
        "log": {"size": found.size, "seen_at": found.seen_at.isoformat() if found.seen_at else None},
        "lists": [{"list": name, "version": version, "at": at.isoformat()} for name, version, at in found.lists],
        "history": [
            {"vkey": one.key.vkey(), "from": one.since, "until": one.until, "ended": one.ended, "pinned": one.known}
            for one in found.history
        ],
        "recovery": [key.vkey() for key in found.recovery], "not_believed": found.trouble,
    }  # fmt: skip


def _presentation(row: PresentationView) -> dict[str, Any]:
    return {
        "number": row.number, "state": row.state, "presented_at": row.presented_at.isoformat(),
        "checked_at": row.checked_at.isoformat() if row.checked_at else None, "venue": row.venue, "certificate": row.certificate,
        "recognition": row.recognition, "live": row.live, "agreement": row.agreement, "waives": list(row.waives),
        "checks": list(row.checks), "answers": dict(row.answers),
    }  # fmt: skip


@router.get("/federation/peers", operation_id="federation_peers")
def peers(request: HttpRequest) -> list[dict[str, Any]]:
    """Every venue known here."""
    return [_peer(row) for row in queries.peers(actor_of(request))]


@router.post("/federation/peers", operation_id="federation_add_peer")
def add_peer(request: HttpRequest, payload: PeerIn) -> dict[str, Any]:
    """Add a venue with the keys the operator has compared."""
    actor = actor_of(request)
    row = services.add_peer(services.AddPeer(**payload.dict()), actor=actor, now=clock.now(), key=key_of(request))
    return _peer(queries.peer(row.venue, actor))


@router.post("/federation/peers/{venue}/keys", operation_id="federation_pin_key")
def pin_key(request: HttpRequest, venue: str, payload: KeyIn) -> dict[str, Any]:
    """Pin a further key of a venue, after a rotation."""
    actor = actor_of(request)
    cmd = services.PinKey(queries.peer(venue, actor).origin, payload.vkey)
    services.pin_key(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _peer(queries.peer(venue, actor))


@router.get("/federation/peers/{venue}", operation_id="federation_peer")
def peer(request: HttpRequest, venue: str) -> dict[str, Any]:
    """A venue: its keys by its history, what was last seen of its log and lists, what it signed that contradicts itself."""
    actor = actor_of(request)
    against = [
        {
            "why": {"zh": c.why.zh, "en": c.why.en},
            "found_at": c.found_at.isoformat(),
            "first": c.first,
            "second": c.second,
        }
        for c in queries.contradictions(venue, actor)
    ]
    return {**_peer(queries.peer(venue, actor)), **_sight(queries.sight(venue, actor)), "contradictions": against}


@router.post("/federation/presentations", operation_id="federation_present")
def present(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """Multipart, one field `file`: a certificate or voucher of another venue, sealed (JSON) or printed (PDF). It is checked at
    once; `waiting` while its venue cannot be asked."""
    actor, now = actor_of(request), clock.now()
    row = services.present(services.Present(file.read()), actor=actor, now=now, key=key_of(request))
    if row.state == "waiting":
        services.check(row, now)
    return _presentation(queries.presentation(row.number, actor))


@router.get("/federation/presentations", operation_id="federation_presentations")
def presentations(request: HttpRequest) -> list[dict[str, Any]]:
    """An organisation's own, or all for the seats that watch; newest first."""
    return [_presentation(row) for row in queries.presentations(actor_of(request))]


@router.get("/federation/presentations/{number}", operation_id="federation_presentation")
def presentation(request: HttpRequest, number: str) -> dict[str, Any]:
    """Every check with its number and outcome; `answers`: digests of what the issuer showed."""
    return _presentation(queries.presentation(number, actor_of(request)))


@router.get("/federation/agreements", operation_id="federation_agreements")
def agreements(request: HttpRequest) -> list[dict[str, Any]]:
    return [_agreement(row) for row in queries.agreements(actor_of(request))]


@router.post("/federation/agreements", operation_id="federation_offer")
def offer(request: HttpRequest, payload: OfferIn) -> dict[str, Any]:
    """Sign the terms and offer them to another venue."""
    actor = actor_of(request)
    cmd = services.OfferAgreement(payload.origin, payload.terms)
    row = services.offer_agreement(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _agreement(queries.agreement(row.reference, actor))


@router.post("/federation/agreements/{reference}/{do}", operation_id="federation_act")
def act(request: HttpRequest, reference: str, do: str, payload: AgreementActIn) -> dict[str, Any]:
    """countersign, decline, withdraw, suspend, resume or give_notice."""
    actor = actor_of(request)
    cmd = services.ActOnAgreement(queries.agreement(reference, actor).case, do, payload.input, payload.undertaking)
    services.act_on_agreement(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _agreement(queries.agreement(reference, actor))


@router.get("/federation/agreements/{reference}", operation_id="federation_agreement")
def agreement(request: HttpRequest, reference: str) -> dict[str, Any]:
    """How it stands, with the credential both venues signed."""
    actor = actor_of(request)
    found = queries.agreement(reference, actor)
    return {**_agreement(found), "credential": parse_object(queries.agreement_bytes(reference, actor))}
