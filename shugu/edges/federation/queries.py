"""What pages, the API and the command line read of other venues, agreements and messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.edges.federation.agreements import in_force
from shugu.edges.federation.domain import read_terms
from shugu.edges.federation.histories import held, key_of
from shugu.edges.federation.models import Agreement, Incoming, Outgoing, Peer, Presentation
from shugu.edges.federation.models_seen import Seen
from shugu.formats.suites import VerifyKey
from shugu.kernel import documents, signer
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.registry import services as registry

SEATS = frozenset({"operator", "compliance_officer", "regulator", "auditor"})


@dataclass(frozen=True)
class KeyLine:
    """A key pinned here."""

    vkey: str
    method: str
    suite: str
    pinned_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True)
class HistoryLine:
    """A key by the venue's own history: for which entries of its log it counts, from and until. `known`: pinned here too."""

    key: VerifyKey
    since: int
    since_at: datetime
    until: int | None
    until_at: datetime | None
    ended: str
    known: bool


@dataclass(frozen=True)
class SightView:
    """What was last seen of a venue: `size` entries of its log at `seen_at`; its lists (name, version, of when); its keys by
    its history, which was taken at `history_at`; `trouble`: why nothing new is taken of it."""

    size: int
    seen_at: datetime | None
    lists: tuple[tuple[str, int, datetime], ...]
    history: tuple[HistoryLine, ...]
    recovery: tuple[VerifyKey, ...]
    history_at: datetime | None
    trouble: str


@dataclass(frozen=True)
class ContradictionView:
    """Two things it signed that cannot both be true; `first` and `second`: digests of their bytes."""

    number: int
    why: Text
    first: str
    second: str
    found_at: datetime


@dataclass(frozen=True)
class PeerView:
    """`waiting`: messages that it has not received yet; `trouble`: why the oldest of them did not get through."""

    venue: str
    title: Text
    origin: str
    base_url: str
    paused: bool
    sent: int
    received: int
    waiting: int
    trouble: str
    keys: tuple[KeyLine, ...]


@dataclass(frozen=True)
class AgreementView:
    case: int
    case_number: str
    reference: str
    venue: str
    peer: Text
    origin: str
    ours: bool
    state: str
    state_title: Text
    valid_from: Any
    valid_until: Any
    notice_ends: str
    terms: Mapping[str, Any]
    offered: str
    signed: str


@dataclass(frozen=True)
class MessageLine:
    """`sent`: from us to the peer; `outcome`: empty while it waits, "taken" or the code of the refusal."""

    sent: bool
    venue: str
    sequence: int
    kind: str
    at: datetime
    outcome: str
    digest: str
    receipt: str
    error: str


def _may_read(actor: Actor) -> None:
    if not actor.seats & SEATS:
        raise Forbidden()


def peers(actor: Actor) -> list[PeerView]:
    """Errors: Forbidden."""
    _may_read(actor)
    return [_peer(row) for row in Peer.objects.prefetch_related("keys").order_by("venue")]


def peer(venue: str, actor: Actor) -> PeerView:
    """Errors: Forbidden, NotFound."""
    _may_read(actor)
    row = Peer.objects.prefetch_related("keys").filter(venue=venue).first()
    if row is None:
        raise NotFound(what=(f"场所 {venue}", f"venue {venue}"))
    return _peer(row)


def _peer(row: Peer) -> PeerView:
    waiting = row.outgoing.filter(delivered_at__isnull=True).order_by("sequence")
    first = waiting.first()
    keys = tuple(
        KeyLine(k.vkey, key_of(k.vkey).method, key_of(k.vkey).suite.name, k.pinned_at, k.retired_at)
        for k in sorted(row.keys.all(), key=lambda k: k.pk)
    )
    return PeerView(
        row.venue, Text(row.title_zh, row.title_en), row.origin, row.base_url, row.paused, row.sent, row.received,
        waiting.count(), first.last_error if first is not None else "", keys,
    )  # fmt: skip


def _peer_row(venue: str, actor: Actor) -> Peer:
    _may_read(actor)
    row = Peer.objects.filter(venue=venue).first()
    if row is None:
        raise NotFound(what=(f"场所 {venue}", f"venue {venue}"))
    return row


def sight(venue: str, actor: Actor) -> SightView:
    """What this venue has seen of another. Errors: Forbidden, NotFound."""
    row = _peer_row(venue, actor)
    seen, history = Seen.objects.filter(peer=row).first(), held(row)
    pins = set(row.keys.values_list("vkey", flat=True))
    lists = tuple((one.url.rpartition("/")[2], one.version, one.valid_from) for one in row.lists.order_by("url"))
    lines = tuple(
        HistoryLine(
            p.key, p.since, p.since_at, p.until, p.until_at, p.ended.value if p.ended else "", p.key.vkey() in pins
        )
        for p in (history.periods.periods if history else ())
    )
    return SightView(
        seen.size if seen else 0, seen.seen_at if seen else None, lists, lines, history.periods.recovery if history else (),
        history.taken_at if history else None, seen.trouble if seen else "",
    )  # fmt: skip


def contradictions(venue: str, actor: Actor) -> list[ContradictionView]:
    """Newest first. Errors: Forbidden, NotFound."""
    rows = _peer_row(venue, actor).contradictions.order_by("-pk")
    return [ContradictionView(r.pk, Text(*r.why), r.first, r.second, r.found_at) for r in rows]


def contradiction_bytes(venue: str, number: int, which: str, actor: Actor) -> bytes:
    """One side of a contradiction, exactly as the venue signed it. Errors: Forbidden, NotFound."""
    found = next((c for c in contradictions(venue, actor) if c.number == number), None)
    if found is None or which not in ("first", "second"):
        raise NotFound(what=("所留证据", "evidence kept"))
    return documents.get(found.first if which == "first" else found.second)


def agreements(actor: Actor, venue: str = "") -> list[AgreementView]:
    """Newest first. Errors: Forbidden."""
    _may_read(actor)
    rows = Agreement.objects.select_related("case", "peer").order_by("-pk")
    return [_agreement(r) for r in (rows.filter(peer__venue=venue) if venue else rows)]


def agreement(reference: str, actor: Actor) -> AgreementView:
    """Errors: Forbidden, NotFound."""
    _may_read(actor)
    row = Agreement.objects.select_related("case", "peer").filter(reference=reference).first()
    if row is None:
        raise NotFound(what=(f"互认协议 {reference}", f"recognition agreement {reference}"))
    return _agreement(row)


def _agreement(row: Agreement) -> AgreementView:
    case = row.case
    return AgreementView(
        case=row.pk, case_number=case.number, reference=row.reference, venue=row.peer.venue,
        peer=Text(row.peer.title_zh, row.peer.title_en), origin=row.peer.origin, ours=row.ours, state=case.state,
        state_title=table(case.procedure, case.version).state[case.state].title, valid_from=row.valid_from,
        valid_until=row.valid_until, notice_ends=str(case.data.get("notice_ends", "")),
        terms=read_terms(row.terms).as_dict(), offered=row.offered, signed=row.signed,
    )  # fmt: skip


def agreement_bytes(reference: str, actor: Actor) -> bytes:
    """The credential with both venues' signatures, or with the proposer's while the other is awaited.
    Errors: Forbidden, NotFound."""
    found = agreement(reference, actor)
    return documents.get(found.signed or found.offered)


def takers(register: str, now: datetime) -> list[Peer]:
    """Venues to which an agreement in force lets entries of this register of ours move."""
    us = signer.origin()
    return [
        row for row in Peer.objects.filter(paused=False).order_by("venue")
        if any(terms.moves_to(us, row.origin, register) for _, terms in in_force(row, now))
    ]  # fmt: skip


@dataclass(frozen=True)
class PresentationView:
    """`checks` in the order of their numbers: n, title, outcome (ok, failed, skipped), detail. `answers`: what the issuer
    showed (statement, checkpoint, status lists), by the digest of its bytes."""

    number: str
    org: int
    state: str
    presented_at: datetime
    checked_at: datetime | None
    checks: tuple[Mapping[str, Any], ...]
    recognition: str
    venue: str
    certificate: str
    title: str
    agreement: str
    waives: tuple[Mapping[str, Any], ...]
    live: bool
    answers: Mapping[str, str]


def presentations(actor: Actor) -> list[PresentationView]:
    """An organisation's own, or all for the seats that watch; newest first. Errors: Forbidden."""
    rows = Presentation.objects.order_by("-pk")
    if actor.org is not None:
        rows = rows.filter(org=actor.org)
    else:
        _may_read(actor)
    return [_presentation(row) for row in rows[:500]]


def presentation(number: str, actor: Actor) -> PresentationView:
    """Errors: NotFound, also for a stranger."""
    row = Presentation.objects.filter(number=number).first()
    if row is None or not (actor.org == row.org or actor.seats & (SEATS | {"registrar", "reviewer"})):
        raise NotFound(what=(f"出示记录 {number}", f"presentation {number}"))
    return _presentation(row)


def _presentation(row: Presentation) -> PresentationView:
    found = next((r for r in registry.recognitions_of(row.org) if r.number == row.recognition), None)
    return PresentationView(
        number=row.number, org=row.org, state=row.state, presented_at=row.presented_at, checked_at=row.checked_at,
        checks=tuple(row.checks), recognition=row.recognition, venue=found.venue if found else "",
        certificate=found.certificate if found else "", title=str(found.content.get("title", "")) if found else "",
        agreement=found.agreement if found else "", waives=tuple(found.waives) if found else (),
        live=found is not None and found.state == "live", answers=dict(row.answers),
    )  # fmt: skip


def answer_bytes(number: str, name: str, actor: Actor) -> bytes:
    """What the issuer showed when a document was checked, exactly as it signed it. Errors: NotFound."""
    digest = presentation(number, actor).answers.get(name)
    if digest is None:
        raise NotFound(what=("所留证据", "evidence kept"))
    return documents.get(digest)


def messages(actor: Actor, venue: str, limit: int = 200) -> list[MessageLine]:
    """Both ways, newest first. Errors: Forbidden."""
    _may_read(actor)
    out = [
        MessageLine(True, venue, m.sequence, m.kind, m.queued_at, m.outcome, m.digest, m.receipt, m.last_error)
        for m in Outgoing.objects.filter(peer__venue=venue).order_by("-sequence")[:limit]
    ]
    out += [
        MessageLine(False, venue, m.sequence, m.kind, m.received_at, m.outcome, m.digest, m.receipt, "")
        for m in Incoming.objects.filter(peer__venue=venue).order_by("-sequence")[:limit]
    ]
    return sorted(out, key=lambda m: m.at, reverse=True)[:limit]
