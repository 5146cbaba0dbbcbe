"""Orders that another venue brings: its buyer is admitted, and what comes of it is told (the other half: orders.py).

The trade itself runs under this venue's own tables. Who brought the buyer stands in the terms of the contract, with the
part of our fee that is the other venue's, and on the voucher.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from shugu.edges.federation import messages, peers, sharing
from shugu.edges.federation.bodies import BUYER, body_of, members
from shugu.edges.federation.domain_sharing import LISTING
from shugu.edges.federation.errors import NoPayee, OrderMismatch
from shugu.edges.federation.kinds import ACKNOWLEDGEMENT
from shugu.edges.federation.messages import actor_for, on_message
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_sharing import CrossOrder, Feed, Shared
from shugu.edges.federation.orders import OPEN, act, named, open_order
from shugu.formats.canonical import parse_object
from shugu.formats.checks import Outcome
from shugu.formats.credential import Document, credential_digest, require_credential, verify_dates
from shugu.formats.errors import BadMessage
from shugu.formats.message import Message
from shugu.kernel import documents, journal, runtime, signer
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid
from shugu.kernel.journal import FactView
from shugu.kernel.workdays import due, local_day
from shugu.party import queries as parties
from shugu.party import services as party
from shugu.trade import queries as trade
from shugu.trade.services import Through, brought_by


@dataclass(frozen=True)
class NamePayee:
    """`organisation`: number of the peer's own organisation (kind venue) here; without one, `name` and `uscc` of a new one."""

    origin: str
    organisation: str = ""
    name: str = ""
    name_en: str = ""
    uscc: str = ""


@on_message("order.placed")
def take_order(peer: Peer, message: Message, now: datetime) -> None:
    """Admit the buyer. Errors: BadMessage, OrderMismatch, AgreementMissing, NoPayee, KnownHere, VerificationError."""
    body = body_of(message)
    buyer = members(body["buyer"], **BUYER)
    agreed = sharing.agreed(peer, signer.origin(), peer.origin, now)
    listed = Shared.objects.filter(peer=peer, product=body["product"], withdrawn_at__isnull=True).first()
    if agreed is None or listed is None or listed.digest != body["listing"] or agreed[0].reference != body["agreement"]:
        raise OrderMismatch(what=("挂牌已变更或撤回，或协议不同", "the listing or the agreement has changed"))
    if not 1 <= len(body["order"]) <= 40 or len(body["code"]) != 64:
        raise BadMessage(reason=("订单编号或口令摘要写法有误", "order or code is misspelt"))
    payee = Feed.objects.filter(peer=peer).values_list("payee", flat=True).first()
    if not payee:
        raise NoPayee(origin=peer.origin)
    digest = _check_accreditation(peer, body["accreditation"], buyer["uscc"], now)
    actor = actor_for(peer, message)
    until = due(local_day(now), runtime.rules().value("federation.order_period").length, calendar=runtime.calendar()).on
    guest = party.admit_guest(
        party.AdmitGuest(buyer["name"], buyer["uscc"], "buyer", peer.origin, digest, body["code"], until, buyer["name_en"]),
        actor=actor, now=now,
    )  # fmt: skip
    told: Any = parse_object(documents.get(listed.digest))
    row = open_order(peer, body["order"], LISTING, guest.org_id, body["product"], listed.digest, told["title"], body["agreement"],
                agreed[1].fees["selling"], actor, now)  # fmt: skip
    row.guest, row.until = guest.pk, until
    row.save(update_fields=["guest", "until"])
    act(row, "admit", actor, now, {"accreditation": digest}, until=until.isoformat())


def _check_accreditation(peer: Peer, credential: Document, uscc: str, now: datetime) -> str:
    """The digest of the peer's credential that this organisation is a buyer. Errors: VerificationError, OrderMismatch."""
    content = require_credential(credential, peers.document_keys(peer))
    subject: Any = content["credentialSubject"]
    same = (subject.get("uscc"), subject.get("accreditedAs")) == (uscc, "buyer")
    dated = verify_dates(credential, now + messages.skew()).outcome is not Outcome.FAILED
    typed = content["type"] == ["VerifiableCredential", "AccreditationCertificate"] and content["issuer"] == f"https://{peer.origin}"
    if not (same and dated and typed):
        raise OrderMismatch(what=("入驻凭证不是该单位现行的需求方资格", "it is no accreditation of this buyer in force"))
    documents.put(signer.document_bytes(credential))
    return credential_digest(credential)


@on_message("order.withdrawn")
def take_withdrawal(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound, NotInProcedure once a contract was drafted."""
    row, actor = named(peer, LISTING, body_of(message)["order"]), actor_for(peer, message)
    act(row, "withdraw", actor, now)
    assert row.guest is not None
    party.end_guest(party.EndGuest(row.guest), actor=actor, now=now)


@command("federation.name_payee", ("指定其他场所的收款单位", "name another venue's payee"))
def name_payee(cmd: NamePayee, *, actor: Actor, now: datetime) -> Feed:
    """By the operator. Errors: Forbidden, UnknownPeer, NotFound, InputInvalid for an organisation that is no venue, and for
    another one while orders are not settled."""
    peers.need_operator(actor)
    peer = peers.peer_of(cmd.origin)
    if cmd.organisation:
        org = parties.organisation_by_number(cmd.organisation)
    else:
        new = party.RegisterOrganisation(cmd.name, cmd.uscc, cmd.name_en, "venue")
        org = parties.organisation(party.register_organisation(new, actor=actor, now=now).pk)
    named = Feed.objects.filter(peer=peer).values_list("payee", flat=True).first()
    open_ = CrossOrder.objects.filter(peer=peer).exclude(case__state__in=("refused", "withdrawn", "ended"))
    if named and named != org.number and open_.exclude(settlement__received_on__isnull=False).exists():
        problem = ("尚有未清算的订单，不能更换", "orders are not settled yet: it cannot be another now")
        raise InputInvalid(fields="organisation", field_errors={"organisation": problem})
    if org.kind != "venue":
        problem = ("该单位不是交易场所", "this organisation is no venue")
        raise InputInvalid(fields="organisation", field_errors={"organisation": problem})
    feed, _ = Feed.objects.update_or_create(peer=peer, defaults={"payee": org.number})
    journal.record(
        "peer.payee_named", subject=f"federation.peer:{peer.origin}", actor=actor, now=now,
        data={"origin": peer.origin, "organisation": org.number},
    )  # fmt: skip
    return feed


def brought(buyer: int, product: str, contract: str) -> Through | None:
    """Who brought this buyer to this product: the open order whose contract this is, or that has none yet."""
    rows = CrossOrder.objects.select_related("peer").filter(
        side=LISTING, org_id=buyer, product=product, case__state__in=OPEN, contract__in=("", contract)
    )
    row = rows.order_by("-contract", "pk").first()
    payee = Feed.objects.filter(peer=row.peer).values_list("payee", flat=True).first() if row is not None else None
    if row is None or not payee:
        return None
    return Through(row.peer.venue, row.peer.origin, row.number, row.agreement, payee, row.parts)


brought_by(brought)


def _of_contract(fact: FactView) -> tuple[CrossOrder, trade.ContractView] | None:
    assert fact.case is not None
    found = trade.contract_of_case(fact.case)
    through: Any = found.terms.get("through")
    if through is None:
        return None
    row = CrossOrder.objects.select_for_update(of=("self",)).select_related("case", "peer")
    order = row.filter(peer__origin=through["origin"], side=LISTING, number=through["order"]).first()
    return (order, found) if order is not None and order.contract in ("", found.number) else None


def contract_drafted(fact: FactView, now: datetime) -> None:
    pair = _of_contract(fact)
    if pair is None or pair[0].case.state != "admitted":
        return
    row, found = pair
    row.contract = found.number
    row.save(update_fields=["contract"])
    actor = mandate("federation", f"fact:{fact.id}")
    act(row, "contract", actor, now, {"terms": found.digest}, contract=found.number, price_fen=found.price_fen)
    body = {"order": row.number, "contract": found.number, "terms_digest": found.digest, "price_fen": found.price_fen}
    reference = f"order:{row.number}:contract"
    messages.queue(row.peer, "order.contracted", body, reference=reference, actor=actor, now=now, case=row.pk)


def contract_completed(fact: FactView, now: datetime) -> None:
    pair = _of_contract(fact)
    if pair is None or pair[0].case.state != "contracted":
        return
    row, found = pair
    digests: Any = fact.payload["digests"]
    row.voucher = digests["data_transaction_voucher"]
    row.listing_fen, row.selling_fen = found.terms["through"]["listing_fen"], found.terms["through"]["selling_fen"]
    row.save(update_fields=["voucher", "listing_fen", "selling_fen"])
    actor = mandate("federation", f"fact:{fact.id}")
    act(row, "complete", actor, now, {"data_transaction_voucher": row.voucher}, listing_fen=row.listing_fen,
         selling_fen=row.selling_fen)  # fmt: skip
    body = {"order": row.number, "voucher": parse_object(documents.get(row.voucher))}
    messages.queue(row.peer, "order.completed", body, reference=f"order:{row.number}:voucher", actor=actor, now=now, case=row.pk)


def contract_ended(fact: FactView, now: datetime) -> None:
    pair = _of_contract(fact)
    if pair is not None and pair[0].case.state == "contracted":
        _end_here(pair[0], fact.name, mandate("federation", f"fact:{fact.id}"), now)


def expire(now: datetime) -> int:
    """Orders admitted here whose time is over without a contract; how many."""
    rows = CrossOrder.objects.select_related("case", "peer").filter(
        side=LISTING, case__state="admitted", until__lt=local_day(now)
    )
    found = list(rows)
    for row in found:
        _expire(row.pk, now)
    return len(found)


def _expire(pk: int, now: datetime) -> None:
    with transaction.atomic():
        row = CrossOrder.objects.select_for_update(of=("self",)).select_related("case", "peer").get(pk=pk)
        if row.case.state == "admitted":
            _end_here(row, "out of time", mandate("federation", f"order:{pk}:expired"), now)


def _end_here(row: CrossOrder, reason: str, actor: Actor, now: datetime) -> None:
    row.reason = reason
    row.save(update_fields=["reason"])
    act(row, "end", actor, now, reason=reason)
    assert row.guest is not None
    party.end_guest(party.EndGuest(row.guest), actor=actor, now=now)
    body = {"order": row.number, "reason": reason}
    messages.queue(row.peer, "order.ended", body, reference=f"order:{row.number}:end", actor=actor, now=now, case=row.pk)


@on_message("order.acknowledged")
def take_acknowledgement(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound, VerificationError, OrderMismatch."""
    body = body_of(message)
    row = named(peer, LISTING, body["order"])
    content = require_credential(body["acknowledgement"], peers.document_keys(peer))
    subject: Any = content["credentialSubject"]
    said = (content["type"], content["issuer"], subject.get("voucher"), subject.get("order"), subject.get("selling_fen"))
    due_ = (["VerifiableCredential", ACKNOWLEDGEMENT], f"https://{peer.origin}", row.voucher, row.number, row.selling_fen)
    if said != due_ or row.voucher == "":
        raise OrderMismatch(what=("确认与凭证", "acknowledgement and voucher"))
    row.acknowledgement = documents.put(signer.document_bytes(body["acknowledgement"]))
    row.save(update_fields=["acknowledgement"])
    journal.record(
        "order.acknowledged", subject=f"federation.peer:{peer.origin}", actor=actor_for(peer, message), now=now, case=row.pk,
        data={"order": row.number, "by": peer.origin},
        digests={"data_transaction_voucher": row.voucher, "voucher_acknowledgement": row.acknowledgement},
    )  # fmt: skip
