"""Moving an entry between two venues' registers, told in messages (decision 0016).

Everything that must not be lost is in the registers: a transfer-out that ended a line there, the one answer that was signed
here. Messages follow from them, each under a reference of its own, so that whoever dies and wherever, the next round of
`send_due` says again what has not been received.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from shugu.edges.federation import agreements, messages, peers
from shugu.edges.federation.bodies import members
from shugu.edges.federation.errors import AgreementMissing
from shugu.edges.federation.messages import actor_for, on_message, on_receipt
from shugu.edges.federation.models import Outgoing, Peer
from shugu.evidence import queries as evidence
from shugu.evidence.errors import NotSealedYet
from shugu.formats.canonical import canonical, parse_object
from shugu.formats.checks import Outcome
from shugu.formats.credential import credential_digest
from shugu.formats.errors import BadMessage, VerificationError
from shugu.formats.message import TAKEN, Message, Receipt
from shugu.formats.sealed import read_sealed
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Verifier
from shugu.kernel import documents, runtime, signer
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.journal import FactView
from shugu.kernel.subscriptions import subscribe
from shugu.kernel.workdays import local_day
from shugu.registry import queries as book
from shugu.registry import services as registry
from shugu.registry.services import MoveView

Reached = Callable[[str], None]
SENT, ANSWERED, RECALLED = "move.sent", "move.answered", "move.recalled"


def nothing(step: str) -> None:
    """What is done at each step of a round: tests end the process there."""


@dataclass(frozen=True)
class AskMove:
    """Move an entry of one's own to the register of another venue that the agreement names."""

    entry: str
    venue: str


@command("federation.ask_move", ("申请迁出至其他场所", "ask to move an entry to another venue"))
def ask_move(cmd: AskMove, *, actor: Actor, now: datetime) -> Any:
    """By the holder; the registrar then lets it go or not. Errors: NotFound, Forbidden, AgreementMissing, EntryEnded,
    InputInvalid."""
    line = book.entry_by_number(cmd.entry, local_day(now))
    peer = peers.peer_named(cmd.venue)
    target = _target(peer, signer.origin(), peer.origin, line.register, now)
    return registry.ask_move(registry.AskMove(line.number, peer.venue, peer.origin, target), actor=actor, now=now)


def _target(peer: Peer, source: str, target: str, register: str, now: datetime) -> str:
    """The register into which entries move under an agreement in force. Errors: AgreementMissing."""
    for _, terms in agreements.in_force(peer, now):
        found = terms.moves_to(source, target, register)
        if found is not None:
            return found
    raise AgreementMissing(origin=peer.origin, what=(f"迁移 {register}", f"moves from {register}"))


def send_due(now: datetime, reached: Reached = nothing) -> int:
    """Queue what the registers decided and the other venue was not told yet, once it is sealed; how many messages."""
    done = 0
    for move in registry.moves(outward=True, state="gone"):
        done += _queue(move, SENT, {}, f"{move.document}:sent", now, reached)
    for state in ("entered", "refused"):
        for move in registry.moves(outward=False, state=state):
            body = {"document": move.document}
            done += _queue(move, ANSWERED, body, f"{move.document}:answered", now, reached, move.answer)
    return done


def _queue(
    move: MoveView, kind: str, body: dict[str, Any], reference: str, now: datetime, reached: Reached, document: str = ""
) -> int:
    peer = Peer.objects.filter(origin=move.origin).first()
    if peer is None or Outgoing.objects.filter(peer=peer, reference=reference).exists():
        return 0
    try:
        sealed = parse_object(evidence.sealed(document or move.document))
    except NotSealedYet:
        return 0
    reached(f"{kind} about to be queued")
    with transaction.atomic():
        actor = mandate("federation", reference)
        messages.queue(peer, kind, {**body, "sealed": sealed}, reference=reference, actor=actor, now=now, case=move.case)
    reached(f"{kind} queued")
    return 1


def _verified(peer: Peer, sealed: dict[str, Any], kinds: tuple[str, ...], now: datetime) -> tuple[str, str, dict[str, Any]]:
    """(type, digest, subject) of a sealed document of the peer to us. Errors: BadMessage, FormatError, VerificationError."""
    document = read_sealed(canonical(sealed))
    report = Verifier(agreements.trusted(peer, now), now + messages.skew()).sealed(document)
    for check in report.checks:
        if check.outcome is Outcome.FAILED:
            raise VerificationError(reason=check.detail)
    credential = document.credential
    subject: Any = credential["credentialSubject"]
    types: Any = credential["type"]
    if report.verdict is not Verdict.SEALED or len(types) != 2 or types[1] not in kinds or subject.get("to") != signer.origin():
        raise BadMessage(reason=("不是给本场所的迁移文书", "it is no document about a move to this venue"))
    if credential["issuer"] != f"https://{peer.origin}" or (subject.get("demo") is True) != runtime.demo():
        raise BadMessage(reason=("签发方不符", "another issuer"))
    return types[1], credential_digest(credential), subject


@on_message(SENT)
def take_sent(peer: Peer, message: Message, now: datetime) -> None:
    """A transfer-out for a register of ours: one case, once. Errors: BadMessage, VerificationError, AgreementMissing, and
    those of the register."""
    body = members(message.body, sealed=dict)
    _, digest, subject = _verified(peer, body["sealed"], ("TransferOut",), now)
    entry = subject.get("entry")
    register = _target(peer, peer.origin, signer.origin(), str(entry.get("register")) if isinstance(entry, dict) else "", now)
    if subject.get("target") != register:
        raise BadMessage(reason=("目标登记簿与协议不符", "the register is not the agreement's"))
    cmd = registry.ReceiveMove(digest, peer.venue, peer.origin, register, subject)
    registry.receive_move(cmd, actor=actor_for(peer, message), now=now)


@on_receipt(SENT)
def sent_received(row: Outgoing, receipt: Receipt, now: datetime) -> None:
    """A refused transfer-out was entered nowhere; only a signed refusal lets the line stand again, so it is asked for."""
    if receipt.outcome == TAKEN:
        return
    said: Any = parse_object(documents.get(row.digest))["credentialSubject"]
    document = credential_digest(said["body"]["sealed"]["credential"])
    _recall(row.peer, document, f"{receipt.code}", mandate("federation", f"recall:{document}"), now)


def _recall(peer: Peer, document: str, reason: str, actor: Actor, now: datetime) -> None:
    body = {"document": document, "reason": reason[:400]}
    reference = f"{document}:recalled:{peer.outgoing.filter(reference__startswith=f'{document}:recalled').count()}"
    messages.queue(peer, RECALLED, body, reference=reference, actor=actor, now=now)


def tell_recall(fact: FactView, now: datetime) -> None:
    """The registrar asks the other venue to give an entry back."""
    move = next((m for m in registry.moves(outward=True, state="gone") if m.case == fact.case), None)
    peer = Peer.objects.filter(origin=move.origin).first() if move is not None else None
    if move is None or peer is None:
        return
    given = fact.data.get("input")
    reason = str(given.get("reason", "")) if isinstance(given, dict) else ""
    _recall(peer, move.document, reason, mandate("federation", f"fact:{fact.id}"), now)


HANDLERS = {"move.recall_asked": tell_recall}
subscribe("federation.moves", HANDLERS)


@on_message(RECALLED)
def take_recall(peer: Peer, message: Message, now: datetime) -> None:
    """Refused for ever unless it has been entered; what was signed about it is told again either way. Errors: BadMessage,
    NotFound."""
    body = members(message.body, document=str, reason=str)
    if len(body["document"]) != 64:
        raise BadMessage(reason=("文书摘要有误", "the digest is wrong"))
    cmd = registry.RecallMove(body["document"], peer.origin, body["reason"])
    registry.recall_move(cmd, actor=actor_for(peer, message), now=now)


def answer_recalls(now: datetime) -> int:
    """Answers to transfer-outs for which no case was opened here: signed refusals, once they are sealed; how many."""
    done = 0
    for document, answer, origin in registry.refusals():
        peer = Peer.objects.filter(origin=origin).first()
        reference = f"{document}:answered"
        if peer is None or Outgoing.objects.filter(peer=peer, reference=reference).exists():
            continue
        try:
            sealed = parse_object(evidence.sealed(answer))
        except NotSealedYet:
            continue
        with transaction.atomic():
            body = {"document": document, "sealed": sealed}
            messages.queue(peer, ANSWERED, body, reference=reference, actor=mandate("federation", reference), now=now)
        done += 1
    return done


@on_message(ANSWERED)
def take_answer(peer: Peer, message: Message, now: datetime) -> None:
    """Entered there, or refused for ever. Errors: BadMessage, VerificationError, NotFound, Refused."""
    body = members(message.body, document=str, sealed=dict)
    kind, digest, subject = _verified(peer, body["sealed"], ("TransferIn", "TransferRefused"), now)
    entry = subject.get("entry")
    if subject.get("transfer_out") != body["document"] or not isinstance(entry, dict):
        raise BadMessage(reason=("答复所指不是该迁出文书", "the answer is about another transfer-out"))
    move = registry.move_of(body["document"])
    if move is None or not move.outward or move.origin != peer.origin:
        raise BadMessage(reason=("本场所没有该迁出", "there is no such move here"))
    number = str(entry.get("number", "")) if kind == "TransferIn" else ""
    documents.put(signer.document_bytes(body["sealed"]["credential"]))
    cmd = registry.AnswerMove(body["document"], digest, number[:60])
    registry.answer_move(cmd, actor=actor_for(peer, message), now=now)
