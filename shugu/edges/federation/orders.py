"""Orders over two venues: a buyer accredited here orders what is listed there (or the other way round).

The selling venue sends a signed order with its accreditation of the buyer; the listing venue admits the buyer as a guest, and
contract, money, delivery and voucher run there under its own tables. The part of its fee that the agreement gives to the
selling venue is a line of the contract. The selling venue acknowledges the voucher in its own log, and says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.edges.federation import messages, peers, settlement_rows, settling, sharing, zone
from shugu.edges.federation.bodies import THROUGH, body_of, members
from shugu.edges.federation.domain import WHOLE
from shugu.edges.federation.domain_sharing import SELLING
from shugu.edges.federation.errors import OrderMismatch
from shugu.edges.federation.kinds import ACKNOWLEDGEMENT
from shugu.edges.federation.messages import actor_for, on_message, on_receipt
from shugu.edges.federation.models import Outgoing, Peer
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.formats.canonical import parse_object, sha256
from shugu.formats.credential import Document, credential_digest, require_credential
from shugu.formats.errors import BadMessage
from shugu.formats.message import TAKEN, Message, Receipt
from shugu.kernel import documents, engine, signer, store
from shugu.kernel.cases import Actor, Command, PartyView, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.party import services as party

PROCEDURE, SUBJECT = "federation.order", "federation.order"
OPEN = ("admitted", "contracted")  # states in which a contract may come of it

for _name, _zh, _en in (
    ("order.placed", "跨场所下单", "order over two venues placed"),
    ("order.admitted", "跨场所订单准入", "buyer of another venue admitted"),
    ("order.refused", "跨场所订单未受理", "order over two venues refused"),
    ("order.withdrawn", "跨场所订单撤单", "order over two venues withdrawn"),
    ("order.contracted", "跨场所订单起草合同", "contract of an order over two venues drafted"),
    ("order.completed", "跨场所订单完成", "order over two venues completed"),
    ("order.ended", "跨场所订单终止", "order over two venues ended"),
    ("order.acknowledged", "成交场所确认凭证", "voucher acknowledged by the selling venue"),
    ("peer.payee_named", "指定其他场所的收款单位", "organisation named to which another venue's fees go"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class PlaceOrder:
    """`venue`: code of the listing venue; `code`: SHA-256 (hex) of the code by which the buyer enters there."""

    venue: str
    product: str
    code: str


@dataclass(frozen=True)
class AskWithdrawal:
    number: str


@context(SUBJECT)
def order_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


def order(
    venue: str, product: str, actor: Actor, now: datetime, key: str | None, fetch: zone.Fetch = zone.fetch
) -> tuple[CrossOrder, str]:
    """Ask the listing venue whether it still lists this, then order; the code is shown this once.
    Errors: those of `place_order`, PeerUnreachable and the others of `zone.confirm`."""
    peer = Peer.objects.filter(venue=venue, paused=False).first()
    if peer is None:
        raise NotFound(what=(f"挂牌 {product}", f"listing {product}"))
    zone.confirm(peer, now, fetch)
    code = secrets.token_urlsafe(24)
    row = place_order(PlaceOrder(venue, product, sha256(code.encode()).hex()), actor=actor, now=now, key=key)
    return row, code


@command("federation.place_order", ("跨场所下单", "order from another venue"))
def place_order(cmd: PlaceOrder, *, actor: Actor, now: datetime) -> CrossOrder:
    """By an accredited buyer with the right to act. Errors: NotFound, ListingStale, Forbidden, RightMissing, NoPayee
    while the listing venue has no organisation here that could owe us our part."""
    peer = Peer.objects.filter(venue=cmd.venue, paused=False).first()
    if peer is None or actor.org is None:
        raise NotFound(what=(f"挂牌 {cmd.product}", f"listing {cmd.product}"))
    party.need_right(actor, actor.org, "act")
    row = zone.orderable(peer, cmd.product, now)
    settlement_rows.venue_org(peer)
    agreed = sharing.agreed(peer, peer.origin, signer.origin(), now)
    assert agreed is not None, "what is orderable is covered"
    credential = _accreditation(actor.org, local_day(now))
    org = parties.organisation(actor.org)
    number = store.next_number("cross_order", local_day(now).year)
    made = open_order(peer, number, SELLING, actor.org, row.product, row.digest, row.listing["title"], agreed[0].reference,
                 agreed[1].fees["selling"], actor, now)  # fmt: skip
    body = {
        "order": number, "product": row.product, "listing": row.digest, "code": cmd.code, "agreement": made.agreement,
        "buyer": {"name": org.name, "name_en": org.name_en, "uscc": org.uscc}, "accreditation": credential,
    }  # fmt: skip
    messages.queue(peer, "order.placed", body, reference=f"order:{number}", actor=actor, now=now, case=made.pk)
    return made


def _accreditation(org: int, on: date) -> Document:
    """This venue's credential that the organisation is a buyer, in force. Errors: Forbidden."""
    for row in parties.accreditations_of(org):
        live = row.withdrawn_on is None and row.granted_on is not None and row.granted_on <= on
        if row.kind == "buyer" and live and row.digest and row.valid_until is not None and on <= row.valid_until:
            return parse_object(documents.get(row.digest))
    raise Forbidden()


def open_order(
    peer: Peer, number: str, side: str, org: int, product: str, listing: str, title: str, agreement: str, parts: int,
    actor: Actor, now: datetime,
) -> CrossOrder:  # fmt: skip
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=title[:200], parties=[PartyView("buyer", None, org)],
        subjects=[f"federation.peer:{peer.origin}", f"party.org:{org}"], data={"order": number, "side": side},
        fact_data={"order": number, "side": side, "with": peer.origin, "product": product, "agreement": agreement},
        digests={"listing": listing},
    )  # fmt: skip
    return CrossOrder.objects.create(
        case_id=case, peer=peer, number=number, side=side, org_id=org, product=product, title=title[:200], listing=listing,
        agreement=agreement, parts=parts, placed_at=now,
    )  # fmt: skip


def act(row: CrossOrder, do: str, actor: Actor, now: datetime, digests: dict[str, str] | None = None, **data: Any) -> None:
    engine.act(
        row.pk, Command(do), actor=actor, now=now, digests=digests,
        fact_data={"order": row.number, "side": row.side, "with": row.peer.origin, **data},
    )  # fmt: skip


@on_receipt("order.placed")
def order_answered(sent: Outgoing, receipt: Receipt, now: datetime) -> None:
    row, actor = _told(sent)
    if row.case.state != "placed":
        return
    if receipt.outcome == TAKEN:
        act(row, "admit", actor, now)
        return
    row.reason = receipt.code[:120]
    row.save(update_fields=["reason"])
    act(row, "refuse", actor, now, code=row.reason)


def _told(sent: Outgoing) -> tuple[CrossOrder, Actor]:
    body: Any = parse_object(documents.get(sent.digest))["credentialSubject"]
    row = CrossOrder.objects.select_related("case", "peer").get(peer=sent.peer, side=SELLING, number=body["body"]["order"])
    return row, mandate("federation", f"receipt:{sent.peer.venue}:{sent.sequence}")


@command("federation.ask_withdrawal", ("申请撤单", "ask to withdraw an order"))
def ask_withdrawal(cmd: AskWithdrawal, *, actor: Actor, now: datetime) -> CrossOrder:
    """By the buyer, at the selling venue; it is withdrawn once the listing venue has taken that, which it does not after a
    contract was drafted. Errors: NotFound, RightMissing, InputInvalid."""
    row = CrossOrder.objects.select_related("case", "peer").filter(side=SELLING, number=cmd.number, org_id=actor.org).first()
    if row is None or actor.org is None:
        raise NotFound(what=(f"订单 {cmd.number}", f"order {cmd.number}"))
    party.need_right(actor, actor.org, "act")
    if row.case.state != "admitted":
        problem = ("只有已准入、尚未起草合同的订单可以撤单", "only an order that was admitted and has no contract")
        raise InputInvalid(fields="number", field_errors={"number": problem})
    reference = f"order:{row.number}:withdraw"
    messages.queue(row.peer, "order.withdrawn", {"order": row.number}, reference=reference, actor=actor, now=now, case=row.pk)
    return row


@on_receipt("order.withdrawn")
def withdrawal_answered(sent: Outgoing, receipt: Receipt, now: datetime) -> None:
    """Refused, the order stands: its contract, or its end, is on the way."""
    row, actor = _told(sent)
    if receipt.outcome == TAKEN and row.case.state == "admitted":
        act(row, "withdraw", actor, now)


def named(peer: Peer, side: str, number: str) -> CrossOrder:
    row = CrossOrder.objects.select_for_update(of=("self",)).select_related("case", "peer")
    found = row.filter(peer=peer, side=side, number=number).first()
    if found is None:
        raise NotFound(what=(f"订单 {number}", f"order {number}"))
    return found


@on_message("order.contracted")
def take_contract(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound, NotInProcedure."""
    body = body_of(message)
    row = named(peer, SELLING, body["order"])
    if not 1 <= len(body["contract"]) <= 40 or len(body["terms_digest"]) != 64:
        raise BadMessage(reason=("合同编号或摘要写法有误", "contract or digest is misspelt"))
    row.contract = body["contract"]
    row.save(update_fields=["contract"])
    act(row, "contract", actor_for(peer, message), now, {"terms": body["terms_digest"]}, contract=row.contract,
         price_fen=body["price_fen"])  # fmt: skip


@on_message("order.ended")
def take_end(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound, NotInProcedure."""
    body = body_of(message)
    row = named(peer, SELLING, body["order"])
    row.reason = body["reason"][:120]
    row.save(update_fields=["reason"])
    act(row, "end", actor_for(peer, message), now, reason=row.reason)


@on_message("order.completed")
def take_voucher(peer: Peer, message: Message, now: datetime) -> None:
    """Check the voucher against the order and acknowledge it: the fact names its digest in our log too.
    Errors: BadMessage, NotFound, VerificationError, OrderMismatch, NotInProcedure."""
    body = body_of(message)
    row, voucher = named(peer, SELLING, body["order"]), body["voucher"]
    content = require_credential(voucher, peers.document_keys(peer))
    subject: Any = content["credentialSubject"]
    if content["type"] != ["VerifiableCredential", "DataTransactionVoucher"] or content["issuer"] != f"https://{peer.origin}":
        raise BadMessage(reason=("不是对方签发的交易凭证", "it is no voucher of the sender"))
    through = members(subject.get("through", {}), **THROUGH)
    fee = through["listing_fen"] + through["selling_fen"]
    expected = (signer.origin(), row.number, row.agreement, row.parts, row.contract, parties.organisation(row.org_id).uscc)
    said = (through["origin"], through["order"], through["agreement"], through["parts"], subject["contract"]["number"],
             subject["buyer"]["uscc"])  # fmt: skip
    if said != expected or through["selling_fen"] != fee * row.parts // WHOLE or through["listing_fen"] < 0:
        raise OrderMismatch(what=("凭证所载订单、合同、单位或分成", "order, contract, buyer or split in the voucher"))
    row.voucher, row.listing_fen, row.selling_fen = credential_digest(voucher), through["listing_fen"], through["selling_fen"]
    documents.put(signer.document_bytes(voucher))
    settling.accrue(row, actor_for(peer, message), now)
    acknowledgement = signer.sign_document(
        ACKNOWLEDGEMENT, number=f"acknowledgement:{row.number}", now=now,
        subject={"to": peer.origin, "order": row.number, "voucher": row.voucher, "selling_fen": row.selling_fen},
    )  # fmt: skip
    row.acknowledgement = documents.put(signer.document_bytes(acknowledgement))
    row.save(update_fields=["voucher", "listing_fen", "selling_fen", "acknowledgement"])
    actor = actor_for(peer, message)
    act(row, "complete", actor, now, {"data_transaction_voucher": row.voucher, "voucher_acknowledgement": row.acknowledgement},
         listing_fen=row.listing_fen, selling_fen=row.selling_fen)  # fmt: skip
    told = {"order": row.number, "acknowledgement": acknowledgement}
    messages.queue(peer, "order.acknowledged", told, reference=f"order:{row.number}:ack", actor=actor, now=now, case=row.pk)


