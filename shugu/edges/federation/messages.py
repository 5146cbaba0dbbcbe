"""Messages between venues: a durable outbox and inbox, at least once, in order, taken once (docs/formats.md "Between venues").

Sending: `queue` in the transaction of the act that the message tells of; `deliver` posts what waits and keeps the signed
receipt. Receiving: `receive` verifies, hands the body to the handler of its kind, and answers with the signed receipt, all in
one transaction. A handler that refuses (any ShuguError) leaves nothing but the record and the refusing receipt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from shugu.edges.federation import client, histories
from shugu.edges.federation.errors import (
    DemonstrationMismatch,
    MessageConflict,
    MessageOutOfOrder,
    MessageTooLarge,
    PeerPaused,
    PeerUnreachable,
    UnknownMessageKind,
)
from shugu.edges.federation.models import Incoming, Outgoing, Peer
from shugu.edges.federation.peers import live_keys, peer_of
from shugu.formats.errors import ShuguError, VerificationError
from shugu.formats.message import (
    MAX_BYTES,
    MESSAGE,
    RECEIPT,
    REFUSED,
    TAKEN,
    Message,
    Receipt,
    check_kind,
    read_message,
    read_receipt,
    sender_of,
)
from shugu.kernel import documents, journal, runtime, signer
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.queries import name_fact

name_fact("message.queued", "向其他场所发出消息", "message to another venue")
name_fact("message.delivered", "其他场所已签收消息", "message received by the other venue")
name_fact("message.received", "收到其他场所消息", "message of another venue")

Handler = Callable[[Peer, Message, datetime], None]
Answered = Callable[[Outgoing, Receipt, datetime], None]
Post = Callable[[Peer, bytes], bytes]
HANDLERS: dict[str, Handler] = {}
ANSWERED: dict[str, Answered] = {}
Reached = Callable[[str], None]
# Told each step of taking a message; tests and the federation story end the process there.
HOOKS: list[Reached] = []
AT_ONCE = 50
_LONGEST_WAIT = timedelta(minutes=5)


def reached(step: str) -> None:
    for hook in HOOKS:
        hook(step)


def nothing(step: str) -> None:
    """What happens at each step of sending, unless somebody wants to know."""


def on_message(kind: str) -> Callable[[Handler], Handler]:
    """Register what is done with messages of a kind: f(peer, message, now), in the receiving transaction. It raises a
    ShuguError to refuse; it never asks the network."""

    def take(function: Handler) -> Handler:
        if HANDLERS.setdefault(check_kind(kind), function) is not function:
            raise ValueError(f"messages of kind {kind!r} have two handlers")
        return function

    return take


def on_receipt(kind: str) -> Callable[[Answered], Answered]:
    """Register what follows when the receipt for our message of a kind has come: f(outgoing, receipt, now), once."""

    def take(function: Answered) -> Answered:
        if ANSWERED.setdefault(check_kind(kind), function) is not function:
            raise ValueError(f"receipts of kind {kind!r} have two handlers")
        return function

    return take


def actor_for(peer: Peer, message: Message) -> Actor:
    """A peer acting here through its message."""
    return mandate("federation", f"{peer.venue}:{message.sequence}")


def queue(
    peer: Peer, kind: str, body: Mapping[str, Any], *, reference: str, actor: Actor, now: datetime, case: int | None = None
) -> Outgoing:
    """Sign the next message to a peer and put it into the outbox, in the caller's transaction. The same `reference` again
    gives the message of then. Errors: BadMessage, MessageTooLarge, NotCanonical."""
    row = Peer.objects.select_for_update().get(pk=peer.pk)
    known = Outgoing.objects.filter(peer=row, reference=reference).first()
    if known is not None:
        return known
    sequence = row.sent + 1
    credential = signer.sign_document(
        MESSAGE, number=f"message:{row.venue}:{sequence}", now=now,
        subject={"to": row.origin, "kind": check_kind(kind), "sequence": sequence, "body": dict(body)},
    )  # fmt: skip
    content = signer.document_bytes(credential)
    if len(content) > MAX_BYTES:
        raise MessageTooLarge(most=MAX_BYTES)
    digest = documents.put(content)
    fact = journal.record(
        "message.queued", subject=f"federation.peer:{row.origin}", actor=actor, now=now, case=case,
        data={"to": row.origin, "kind": kind, "sequence": sequence}, digests={"message": digest},
    )  # fmt: skip
    row.sent = sequence
    row.save(update_fields=["sent"])
    return Outgoing.objects.create(
        peer=row, sequence=sequence, reference=reference, kind=kind, digest=digest, queued_at=now, retry_at=now, fact=fact
    )


def skew() -> timedelta:
    return timedelta(minutes=runtime.rules().value("federation.clock_skew").number)


def deliver(now: datetime, post: Post = client.post_message, *, reached: Reached = nothing) -> int:
    """Send what waits, to each peer in order, until one does not get through; how many were received."""
    done = 0
    for peer in Peer.objects.filter(paused=False).order_by("pk"):
        waiting = Outgoing.objects.filter(peer=peer, delivered_at__isnull=True).order_by("sequence")
        for row in waiting[:AT_ONCE]:
            if row.retry_at > now:
                break
            try:
                reached(f"{row.kind} about to be posted")
                _send(peer, row, now, post, reached)
                reached(f"{row.kind} delivered")
            except ShuguError as error:
                _again_later(row, error, now)
                break
            done += 1
    return done


def _again_later(row: Outgoing, error: ShuguError, now: datetime) -> None:
    wait = min(timedelta(seconds=2 ** min(row.attempts + 1, 12)), _LONGEST_WAIT)
    Outgoing.objects.filter(pk=row.pk, delivered_at__isnull=True).update(
        attempts=row.attempts + 1, retry_at=now + wait, last_error=f"{error.code}: {error.message('en')}"[:1000]
    )


def _send(peer: Peer, row: Outgoing, now: datetime, post: Post, reached: Reached) -> None:
    """Errors: PeerUnreachable, VerificationError and FormatError for a receipt that is none, MessageOutOfOrder."""
    try:
        answer = post(peer, documents.get(row.digest))
    except MessageOutOfOrder as behind:
        # The peer lost what it had received (an old backup): it is told again, from where it stands.
        earlier = Outgoing.objects.filter(peer=peer, sequence__gte=behind.expected, sequence__lt=row.sequence)
        for old in earlier.order_by("sequence"):
            post(peer, documents.get(old.digest))
        answer = post(peer, documents.get(row.digest))
    try:
        receipt = read_receipt(answer, live_keys(peer), signer.origin(), now + skew())
    except VerificationError:
        histories.ask_soon(peer, now)
        raise
    if (receipt.sender, receipt.message, receipt.sequence) != (peer.origin, row.digest, row.sequence):
        raise PeerUnreachable(origin=peer.origin, why=("回执所指不是该消息", "the receipt is for another message"))
    reached(f"{row.kind} answered")
    _keep_receipt(row, receipt, documents.put(answer), now)


def _keep_receipt(row: Outgoing, receipt: Receipt, digest: str, now: datetime) -> None:
    with transaction.atomic():
        locked = Outgoing.objects.select_for_update().select_related("peer").get(pk=row.pk)
        if locked.delivered_at is not None:
            return  # another worker was faster
        locked.delivered_at, locked.receipt, locked.last_error = now, digest, ""
        locked.outcome = TAKEN if receipt.outcome == TAKEN else receipt.code
        locked.save(update_fields=["delivered_at", "receipt", "outcome", "last_error"])
        journal.record(
            "message.delivered", subject=f"federation.peer:{locked.peer.origin}",
            actor=mandate("federation", f"receipt:{locked.peer.venue}:{locked.sequence}"), now=now,
            data={"to": locked.peer.origin, "kind": locked.kind, "sequence": locked.sequence, "outcome": locked.outcome},
            digests={"message": locked.digest, "receipt": digest},
        )  # fmt: skip
        answered = ANSWERED.get(locked.kind)
        if answered is not None:
            answered(locked, receipt, now)


def receive(content: bytes, now: datetime) -> bytes:
    """Take one message as it came over the wire; the signed receipt. The same bytes again give the same receipt.
    Errors: FormatError, VerificationError, UnknownPeer, PeerPaused, DemonstrationMismatch, MessageTooLarge,
    MessageConflict, MessageOutOfOrder; then nothing has been taken."""
    if len(content) > MAX_BYTES:
        raise MessageTooLarge(most=MAX_BYTES)
    peer = peer_of(sender_of(content))
    if peer.paused:
        raise PeerPaused(origin=peer.origin)
    seen = Incoming.objects.filter(peer=peer, digest=hashlib.sha256(content).hexdigest()).first()
    if seen is not None:
        return documents.get(seen.receipt)
    try:
        message = read_message(content, live_keys(peer), signer.origin(), now + skew())
    except VerificationError:
        histories.ask_soon(peer, now)  # perhaps it signs with a new key: sent again, it is taken
        raise
    if message.demo != runtime.demo():
        raise DemonstrationMismatch()
    with transaction.atomic():
        row = Peer.objects.select_for_update().get(pk=peer.pk)
        seen = Incoming.objects.filter(peer=row, sequence=message.sequence).first()
        if seen is not None and seen.digest == message.digest:
            return documents.get(seen.receipt)
        if seen is not None:
            raise MessageConflict(sequence=message.sequence)
        if message.sequence != row.received + 1:
            raise MessageOutOfOrder(row.received + 1)
        receipt = _take(row, message, content, now)
        reached(f"{message.kind} taken")
    reached(f"{message.kind} committed")
    return receipt


def _take(peer: Peer, message: Message, content: bytes, now: datetime) -> bytes:
    """The message handled, recorded and answered."""
    outcome = _handled(peer, message, now)
    credential = signer.sign_document(
        RECEIPT, number=f"receipt:{peer.venue}:{message.sequence}", now=now,
        subject={
            "to": peer.origin, "message": message.digest, "sequence": message.sequence,
            "outcome": REFUSED if outcome else TAKEN, "code": outcome,
        },
    )  # fmt: skip
    receipt = signer.document_bytes(credential)
    digests = {"message": documents.put(content), "receipt": documents.put(receipt)}
    fact = journal.record(
        "message.received", subject=f"federation.peer:{peer.origin}", actor=actor_for(peer, message), now=now,
        data={"from": peer.origin, "kind": message.kind, "sequence": message.sequence, "outcome": outcome or TAKEN},
        digests=digests,
    )  # fmt: skip
    peer.received = message.sequence
    peer.save(update_fields=["received"])
    Incoming.objects.create(
        peer=peer, sequence=message.sequence, kind=message.kind, digest=message.digest, receipt=digests["receipt"],
        outcome=outcome or TAKEN, received_at=now, fact=fact,
    )  # fmt: skip
    return receipt


def _handled(peer: Peer, message: Message, now: datetime) -> str:
    """"" when the handler took it, else the code of its refusal; what it began is then undone."""
    handler = HANDLERS.get(message.kind)
    try:
        if handler is None:
            raise UnknownMessageKind(kind=message.kind)
        with transaction.atomic():
            handler(peer, message, now)
    except ShuguError as refusal:
        if refusal.status >= 500:
            raise  # our own trouble: nothing is taken, the sender tries again
        return refusal.code
    return ""
