"""Recognition agreements: each venue has its own case; what one does reaches the other as a message.

The credential is one body with the proofs of both venues, the proposer's first; both logs hold its digest, in the fact
`agreement.countersigned` of either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shugu.edges.federation import kinds, messages, peers
from shugu.edges.federation.bodies import day, members
from shugu.edges.federation.domain import AGREEMENT, IN_FORCE, Terms, read_terms
from shugu.edges.federation.errors import AgreementMissing, TermsInvalid
from shugu.edges.federation.messages import actor_for, on_message, on_receipt
from shugu.edges.federation.models import Agreement, Outgoing, Peer
from shugu.formats.canonical import parse_object
from shugu.formats.credential import require_credential
from shugu.formats.errors import BadMessage
from shugu.formats.message import TAKEN, Message, Receipt, require_both, sign_beside
from shugu.formats.pins import Pins
from shugu.formats.suites import Keyring, parse_witness_vkey
from shugu.kernel import documents, engine, runtime, signer, status, store
from shugu.kernel.cases import Actor, Command, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day

PROCEDURE, SUBJECT = "federation.agreement", "federation.agreement"
# What the operator's act is called when it reaches the other side.
TOLD = {
    "countersign": "agreement.countersigned", "decline": "agreement.declined", "withdraw": "agreement.withdrawn",
    "suspend": "agreement.suspended", "resume": "agreement.resumed", "give_notice": "agreement.noticed",
}  # fmt: skip
TAKEN_AS = {
    "agreement.declined": "take_refusal", "agreement.withdrawn": "take_withdrawal", "agreement.suspended": "take_suspension",
    "agreement.resumed": "take_resumption", "agreement.noticed": "take_notice",
}  # fmt: skip

for _name, _zh, _en in (
    ("agreement.offered", "提出互认协议", "recognition agreement offered"),
    ("agreement.countersigned", "会签互认协议", "recognition agreement countersigned"),
    ("agreement.confirmed", "互认协议会签已送达", "countersignature received"),
    ("agreement.declined", "不予会签互认协议", "recognition agreement declined"),
    ("agreement.withdrawn", "撤回互认协议", "recognition agreement withdrawn"),
    ("agreement.lapsed", "互认协议逾期未会签", "recognition agreement not countersigned in time"),
    ("agreement.suspended", "中止互认协议", "recognition agreement suspended"),
    ("agreement.resumed", "恢复互认协议", "recognition agreement resumed"),
    ("agreement.noticed", "通知终止互认协议", "notice given to end a recognition agreement"),
    ("agreement.ended", "互认协议终止", "recognition agreement ended"),
    ("agreement.expired", "互认协议期满", "recognition agreement expired"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class OfferAgreement:
    """`terms` as in docs/formats.md "Between venues"; `parties` are filled in: this venue first."""

    origin: str
    terms: Mapping[str, Any]


@dataclass(frozen=True)
class ActOnAgreement:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@context(SUBJECT)
def agreement_context(case: int, now: datetime) -> Mapping[str, Any]:
    row = Agreement.objects.filter(pk=case).first()
    return {"suspended_by": row.suspended_by if row is not None else ""}


def keys_of(row: Agreement) -> Keyring:
    """Both venues' keys in the order of the proofs: whoever offered comes first. Ours are those that signed the offer, which
    may have been before our key changed."""
    offer = parse_object(documents.get(row.offered))
    ours = signer.periods().named_by(offer).keys if row.ours else signer.keyring().keys
    theirs = tuple(key for key in peers.document_keys(row.peer).keys if key.name == row.peer.origin)
    return Keyring((*ours, *theirs) if row.ours else (*theirs, *ours))


@command("federation.offer_agreement", ("提出互认协议", "offer a recognition agreement"))
def offer_agreement(cmd: OfferAgreement, *, actor: Actor, now: datetime) -> Agreement:
    """By the operator. Errors: Forbidden, UnknownPeer, TermsInvalid."""
    peers.need_operator(actor)
    peer = peers.peer_of(cmd.origin)
    given = {
        **cmd.terms,
        "parties": [
            {"venue": runtime.venue_id(), "origin": signer.origin()}, {"venue": peer.venue, "origin": peer.origin},
        ],
    }  # fmt: skip
    terms = read_terms(given)
    if terms.valid_until <= local_day(now):
        raise TermsInvalid(reason=("终止日已过", "its last day has passed"))
    reference = store.next_number("agreement", local_day(now).year)
    seat = status.allot(kinds.AGREEMENT_STATUS)
    credential = signer.sign_document(
        AGREEMENT, number=reference, now=now, subject={"to": peer.origin, "terms": terms.as_dict()}, status=seat
    )
    content = signer.document_bytes(credential)
    row = _open(peer, reference, terms, documents.put(content), True, actor, now, seat.number)
    body = {"reference": reference, "credential": credential}
    messages.queue(peer, "agreement.offered", body, reference=f"{reference}:offered", actor=actor, now=now, case=row.pk)
    return row


def _open(
    peer: Peer,
    reference: str,
    terms: Terms,
    digest: str,
    ours: bool,
    actor: Actor,
    now: datetime,
    seat: int | None = None,
) -> Agreement:
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{peer.title_zh} · {peer.title_en}", subjects=(f"federation.peer:{peer.origin}",),
        data={"ours": ours, "peer": peer.origin, "reference": reference, "last_day": terms.valid_until.isoformat()},
        fact_data={"agreement": reference, "with": peer.origin, "ours": ours}, digests={"offer": digest},
    )  # fmt: skip
    return Agreement.objects.create(
        case_id=case, peer=peer, reference=reference, ours=ours, terms=terms.as_dict(), valid_from=terms.valid_from,
        valid_until=terms.valid_until, offered=digest, seat=seat,
    )  # fmt: skip


@command("federation.act_on_agreement", ("办理互认协议", "act on a recognition agreement"))
def act_on_agreement(cmd: ActOnAgreement, *, actor: Actor, now: datetime) -> Agreement:
    """A step of the operator; the other venue is told. Errors: NotFound, every refusal of the engine."""
    row = Agreement.objects.select_related("peer").filter(pk=cmd.case).first()
    if row is None or not actor.seats:
        raise NotFound(what=("互认协议", "recognition agreement"))
    given, body = dict(cmd.input), dict[str, Any]({"reference": row.reference})
    digests: dict[str, str] = {}
    ends = _notice_ends(row, local_day(now)).isoformat() if cmd.do == "give_notice" else ""
    if cmd.do == "countersign":
        signed = sign_beside(parse_object(documents.get(row.offered)), list(signer.keys()), now)
        digests["agreement"] = documents.put(signer.document_bytes(signed))
        body["credential"] = signed
    elif cmd.do in TOLD:
        body |= {"reason": str(given.get("reason", "")), **({"notice_ends": ends} if ends else {})}
    engine.act(
        row.pk, Command(cmd.do, given, cmd.undertaking), actor=actor, now=now, digests=digests or None,
        fact_data=_told(row, ends),
    )  # fmt: skip
    _declare_end(row, ends, now)
    _note(row, cmd.do, "us", digests.get("agreement", ""))
    if cmd.do in TOLD:
        # One message for each act: an agreement may be suspended and resumed more than once.
        reference = f"{row.reference}:{cmd.do}:{row.peer.outgoing.count()}"
        messages.queue(row.peer, TOLD[cmd.do], body, reference=reference, actor=actor, now=now, case=row.pk)
    return row


def _told(row: Agreement, ends: str = "") -> dict[str, str]:
    return {"agreement": row.reference, "with": row.peer.origin, **({"notice_ends": ends} if ends else {})}


def _declare_end(row: Agreement, ends: str, now: datetime) -> None:
    if ends:
        engine.declare(row.pk, {"notice_ends": ends}, now)


def _notice_ends(row: Agreement, today: date) -> date:
    return min(today + timedelta(days=read_terms(row.terms).notice_days), row.valid_until)


def _note(row: Agreement, do: str, who: str, signed: str = "") -> None:
    if do in ("suspend", "take_suspension"):
        row.suspended_by = who
    elif do in ("resume", "take_resumption"):
        row.suspended_by = ""
    row.signed = signed or row.signed
    row.save(update_fields=["suspended_by", "signed"])


@on_message("agreement.offered")
def take_offer(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, TermsInvalid, FormatError, VerificationError."""
    body = members(message.body, reference=str, credential=dict)
    content = require_credential(body["credential"], peers.live_keys(peer))
    subject: Any = content["credentialSubject"]
    terms = read_terms(subject.get("terms"))
    expected = ((peer.venue, peer.origin), (runtime.venue_id(), signer.origin()))
    if content["type"] != ["VerifiableCredential", AGREEMENT] or content["issuer"] != f"https://{peer.origin}":
        raise BadMessage(reason=("不是对方签发的互认协议", "it is no recognition agreement by the sender"))
    if terms.parties != expected or subject.get("number") != body["reference"] or len(body["reference"]) > 60:
        raise TermsInvalid(reason=("双方或编号不符", "parties or number differ"))
    if Agreement.objects.filter(reference=body["reference"]).exists():
        raise TermsInvalid(reason=("编号已用过", "the number has been used"))
    digest = documents.put(signer.document_bytes(body["credential"]))
    _open(peer, body["reference"], terms, digest, False, actor_for(peer, message), now)


def _agreement(peer: Peer, reference: str) -> Agreement:
    found = Agreement.objects.select_for_update(of=("self",)).filter(peer=peer, reference=reference).first()
    if found is None:
        raise NotFound(what=("互认协议", "recognition agreement"))
    return found


@on_message("agreement.countersigned")
def take_countersignature(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: NotFound, BadMessage, VerificationError, NotInProcedure."""
    body = members(message.body, reference=str, credential=dict)
    row = _agreement(peer, body["reference"])
    credential = body["credential"]
    content = require_both(credential, keys_of(row), read_terms(row.terms).origins)
    offered = parse_object(documents.get(row.offered))
    if content != {name: value for name, value in offered.items() if name != "proof"}:
        raise BadMessage(reason=("会签的内容与所提出的不同", "what was countersigned is not what was offered"))
    digest = documents.put(signer.document_bytes(credential))
    _by_peer(row, "take_countersignature", peer, message, now, digests={"agreement": digest})
    _note(row, "take_countersignature", "them", digest)


def _by_peer(
    row: Agreement, do: str, peer: Peer, message: Message, now: datetime, *, ends: str = "",
    digests: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    actor = actor_for(peer, message)
    engine.act(row.pk, Command(do), actor=actor, now=now, digests=digests, fact_data=_told(row, ends))
    _declare_end(row, ends, now)


def _take_told(peer: Peer, message: Message, now: datetime) -> None:
    """Decline, withdrawal, suspension, resumption, notice. Errors: NotFound, BadMessage, NotInProcedure."""
    noticed = message.kind == "agreement.noticed"
    wanted: dict[str, type] = {"reference": str, "reason": str, **({"notice_ends": str} if noticed else {})}
    body = members(message.body, **wanted)
    row, do = _agreement(peer, body["reference"]), TAKEN_AS[message.kind]
    if noticed:
        told, least = day(body["notice_ends"], "notice_ends"), _notice_ends(row, local_day(now) - timedelta(days=2))
        if told < least:
            raise BadMessage(reason=("通知期短于协议", "the notice is shorter than agreed"))
    _by_peer(row, do, peer, message, now, ends=body.get("notice_ends", ""))
    _note(row, do, "them")


for _kind in TAKEN_AS:
    on_message(_kind)(_take_told)


@on_receipt("agreement.countersigned")
def countersignature_received(row: Outgoing, receipt: Receipt, now: datetime) -> None:
    """In force here once the proposer holds our signature; if it refuses, it had withdrawn and its withdrawal is coming."""
    if receipt.outcome != TAKEN:
        return
    body: Any = parse_object(documents.get(row.digest))["credentialSubject"]
    found = _agreement(row.peer, body["body"]["reference"])
    actor = mandate("federation", f"receipt:{row.peer.venue}:{row.sequence}")
    engine.act(found.pk, Command("take_confirmation"), actor=actor, now=now, fact_data={"agreement": found.reference})


def in_force(peer: Peer, now: datetime) -> list[tuple[Agreement, Terms]]:
    """The agreements with a peer that hold on that day, newest first."""
    today = local_day(now)
    rows = Agreement.objects.select_related("case", "peer").filter(
        peer=peer, case__state__in=IN_FORCE, valid_from__lte=today, valid_until__gte=today
    )
    return [(row, read_terms(row.terms)) for row in rows.order_by("-pk") if _notice_runs(row, today)]


def _notice_runs(row: Agreement, today: date) -> bool:
    ends = row.case.data.get("notice_ends")
    return not ends or today <= date.fromisoformat(ends)


def need_agreement(peer: Peer, kind: str, regime: str, now: datetime) -> tuple[Agreement, Terms]:
    """The newest agreement under which this venue recognises that kind of certificate. Errors: AgreementMissing."""
    for row, terms in in_force(peer, now):
        if terms.recognition(signer.origin(), peer.origin, kind, regime) is not None:
            return row, terms
    raise AgreementMissing(origin=peer.origin, what=f"{kind} ({regime})")


def trusted(peer: Peer, now: datetime) -> Pins:
    """What a peer's sealed documents are verified with: its keys, each for its part of its log, and the witnesses' keys, those
    that agreements in force name among them."""
    named = (line for _, terms in in_force(peer, now) for line in terms.evidence.witnessed_by)
    return peers.pins(peer, [parse_witness_vkey(line) for line in dict.fromkeys(named)])
