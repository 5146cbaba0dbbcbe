"""Receipts from connectors, and what the buyer says of a delivery: the digest received, accepted, rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.delivery.connectors import note_contact, signed_by
from shugu.delivery.domain import ROWS, ReceiptData, read_receipt, receipt_fault
from shugu.delivery.errors import DigestDiffers, ReceiptConflict, ReceiptRefused
from shugu.delivery.granting import issue_grant, keep_time, may_see, paper_of
from shugu.delivery.models import Connector, Delivery, Grant, Receipt
from shugu.delivery.proving import prove
from shugu.formats import delivery as papers
from shugu.formats.canonical import canonical
from shugu.formats.delivery import BadDocument, Kind, NoticeAction
from shugu.kernel import documents, engine, journal, runtime
from shugu.kernel.cases import Actor, ActorKind, Command, mandate
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import effect
from shugu.party import services as party
from shugu.trade import queries as trade
from shugu.trade import services as trade_services

name_fact("delivery.digest_confirmed", "需求方确认文件摘要", "buyer confirmed the digest received")
name_fact("delivery.digest_disputed", "需求方所收摘要不符", "buyer received another digest")
name_fact("receipt.taken", "收到交付回执", "delivery receipt taken")


@dataclass(frozen=True)
class TakeReceipt:
    """`document`: the receipt exactly as the connector signed it (ShuguDeliveryReceipt)."""

    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ConfirmDigest:
    """`sha256` (hex) of the file as the buyer has it."""

    delivery: str
    sha256: str


@dataclass(frozen=True)
class AcceptDelivery:
    delivery: str
    sha256: str = ""


@dataclass(frozen=True)
class RejectDelivery:
    """`rejection`: code of delivery.rejection_reasons."""

    delivery: str
    rejection: str
    reason: str = ""


@dataclass(frozen=True)
class Redeliver:
    delivery: str
    note: str = ""


@dataclass(frozen=True)
class DeclareFailed:
    delivery: str
    reason: str


@command("delivery.take_receipt", ("接收交付回执", "take a delivery receipt"))
def take_receipt(cmd: TakeReceipt, *, actor: Actor, now: datetime) -> Receipt:
    """Anybody may bring a receipt: its signature is what counts. The same receipt again answers with the first.
    Errors: ReceiptRefused, ReceiptConflict."""
    connector, found = _opened(cmd.document)
    grant = Grant.objects.select_related("delivery__case").filter(number=found.grant).first()
    if grant is None or grant.connector_id != connector.pk:
        raise _refused("授权不是发给该连接器的", "the grant is not one of this connector's")
    # The delivery's row orders receipts of one delivery that arrive together.
    delivery = Delivery.objects.select_for_update(of=("self",)).select_related("case").get(pk=grant.delivery_id)
    body = papers.body_digest(dict(cmd.document))
    known = Receipt.objects.filter(number=found.receipt).first()
    if known is not None:
        if known.body_digest != body:
            raise ReceiptConflict(number=found.receipt)
        return known
    fault = receipt_fault(found, paper_of(grant), now)
    if fault is not None:
        raise _refused(*fault)
    _check_chain(connector, found)
    return _keep(delivery, grant, connector, found, cmd.document, body, now)


def _refused(zh: str, en: str) -> ReceiptRefused:
    return ReceiptRefused(why=(zh, en))


def _opened(document: Mapping[str, Any]) -> tuple[Connector, ReceiptData]:
    subject = document.get("credentialSubject")
    name = str(subject.get("connector", "")) if isinstance(subject, Mapping) else ""
    connector = Connector.objects.filter(connector_id=name).first()
    if connector is None:
        raise _refused(f"连接器 {name[:80] or '（未写明）'} 未登记", f"connector {name[:80] or '(unnamed)'} is not registered")
    try:
        told = signed_by(connector, document, Kind.RECEIPT)
    except BadDocument as error:
        raise _refused(error.message("zh").rstrip("。"), error.message("en").rstrip(".")) from error
    found = read_receipt(told)
    if not isinstance(found, ReceiptData):
        raise _refused(*found)
    return connector, found


def _check_chain(connector: Connector, found: ReceiptData) -> None:
    """One chain has one record at each place: two receipts that name different ones tell of a rewritten meter."""
    other = Receipt.objects.filter(grant__connector=connector, meter_records=found.meter_records).first()
    if other is not None and other.meter_head != found.meter_head:
        raise _refused("计量链与先前回执矛盾", "the meter's chain contradicts an earlier receipt")


def _keep(
    delivery: Delivery, grant: Grant, connector: Connector, found: ReceiptData, document: Mapping[str, Any], body: str,
    now: datetime,
) -> Receipt:  # fmt: skip
    digest = documents.put(canonical(dict(document)))
    actor = mandate("connector", f"{connector.connector_id}:{found.receipt}")
    data = {
        "delivery": delivery.number, "grant": grant.number, "receipt": found.receipt, "billable": found.billable_bytes,
        "sent": found.sent_bytes, "meter_head": found.meter_head, "meter_records": found.meter_records,
    }  # fmt: skip
    digests = {"delivery_receipt": digest, "data": found.file_sha256}
    if grant.round == delivery.round and delivery.case.state in ("granted", "delivering"):
        applied = engine.act(
            delivery.pk, Command("receive"), actor=actor, now=now, fact_data=data, digests=digests
        )
        fact = applied.fact_id
        if grant.state == "suspended":  # what was drawn before the suspension is told after it
            delivery.case.refresh_from_db()
            keep_time(delivery, NoticeAction.SUSPEND, now)
    else:
        fact = journal.record(
            "receipt.taken", subject=f"delivery.delivery:{delivery.pk}", actor=actor, now=now, case=delivery.pk,
            data=data, digests=digests,
        )  # fmt: skip
    note_contact(connector, now, None)
    return Receipt.objects.create(
        number=found.receipt, grant=grant, document_digest=digest, body_digest=body, delivery_number=found.delivery,
        file=found.file, file_sha256=found.file_sha256, size=found.size, ranges=[list(r) for r in found.ranges],
        billable=found.billable_bytes, sent=found.sent_bytes, meter_head=found.meter_head,
        meter_records=found.meter_records, started_at=found.started_at, completed_at=found.completed_at, taken_at=now,
        fact=fact,
    )  # fmt: skip


def own(number: str, actor: Actor, side: str) -> Delivery:
    """The delivery, its row locked, for a member of this side with right `act`.
    Errors: NotFound, Forbidden, RightMissing."""
    row = Delivery.objects.select_for_update(of=("self",)).select_related("case").filter(number=number).first()
    if row is None or not may_see(row, actor):
        raise NotFound(what=(f"交付 {number}", f"delivery {number}"))
    org = row.buyer_id if side == "buyer" else row.provider_id
    if actor.org != org or actor.kind is not ActorKind.PERSON:
        raise Forbidden()
    party.need_right(actor, org, "act")
    return row


@command("delivery.confirm_digest", ("确认所收文件摘要", "confirm the digest received"))
def confirm_digest(cmd: ConfirmDigest, *, actor: Actor, now: datetime) -> Delivery:
    """Compares what the buyer received with the contract's data digest; both outcomes are facts.
    Errors: NotFound, Forbidden, RightMissing, InputInvalid."""
    row = own(cmd.delivery, actor, "buyer")
    sha256 = cmd.sha256.strip().lower()
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise InputInvalid(fields="sha256", field_errors={"sha256": ("应为 64 位十六进制", "64 hexadecimal digits")})
    same = sha256 == row.data_digest
    row.confirmed_digest = sha256
    row.save(update_fields=["confirmed_digest"])
    journal.record(
        "delivery.digest_confirmed" if same else "delivery.digest_disputed", subject=f"delivery.delivery:{row.pk}",
        actor=actor, now=now, case=row.pk, data={"delivery": row.number}, digests={"data": row.data_digest, "received": sha256},
    )  # fmt: skip
    return row


@command("delivery.accept_delivery", ("验收合格", "accept a delivery"))
def accept_delivery(cmd: AcceptDelivery, *, actor: Actor, now: datetime) -> Delivery:
    """With `sha256` the digest received is compared first. Tells trade.
    Errors: NotFound, Forbidden, RightMissing, DigestDiffers, Refused."""
    row = own(cmd.delivery, actor, "buyer")
    told = cmd.sha256.strip().lower()
    if told and told != row.data_digest:
        raise DigestDiffers(field_errors={"sha256": ("与合同约定的摘要不同", "it is not the digest the contract names")})
    if told:
        row.confirmed_digest = told
        row.save(update_fields=["confirmed_digest"])
    receipt = last_receipt(row)
    digests = {"delivery_receipt": receipt.document_digest} if receipt else {}
    engine.act(
        row.pk, Command("accept", {"sha256": told} if told else {}), actor=actor, now=now,
        fact_data=closing(row), digests={"data": row.data_digest, **digests},
    )  # fmt: skip
    row.case.refresh_from_db()
    return row


@command("delivery.reject_delivery", ("拒收", "reject a delivery"))
def reject_delivery(cmd: RejectDelivery, *, actor: Actor, now: datetime) -> Delivery:
    """Leads to another round while the rules leave one, else to the end of the contract with a refund.
    Errors: NotFound, Forbidden, RightMissing, InputInvalid, TooLate, Refused."""
    row = own(cmd.delivery, actor, "buyer")
    if cmd.rejection not in runtime.rules().value("delivery.rejection_reasons").codes:
        raise InputInvalid(
            fields="rejection", field_errors={"rejection": ("请从拒收情形中选择", "choose from the grounds of rejection")}
        )
    note = {"reason": cmd.reason} if cmd.reason else {}
    engine.act(
        row.pk, Command("reject", {"rejection": cmd.rejection, **note}), actor=actor, now=now,
        fact_data={**closing(row), "round": row.round},
    )  # fmt: skip
    row.case.refresh_from_db()
    return row


@command("delivery.redeliver", ("重新交付", "deliver again"))
def redeliver(cmd: Redeliver, *, actor: Actor, now: datetime) -> Delivery:
    """The provider begins the next round: a new grant with fresh counts. Errors: NotFound, Forbidden, Refused."""
    row = own(cmd.delivery, actor, "provider")
    engine.act(
        row.pk, Command("redeliver", {"note": cmd.note} if cmd.note else {}), actor=actor, now=now,
        fact_data={"delivery": row.number, "round": row.round + 1},
    )  # fmt: skip
    row.refresh_from_db()
    return row


@command("delivery.declare_failed", ("认定交付不成", "declare a delivery failed"))
def declare_failed(cmd: DeclareFailed, *, actor: Actor, now: datetime) -> Delivery:
    """By the provider or the operator: the contract ends and the money goes back.
    Errors: NotFound, Forbidden, RightMissing, InputInvalid, Refused."""
    if "operator" in actor.seats:
        row = Delivery.objects.select_for_update(of=("self",)).select_related("case").filter(number=cmd.delivery).first()
        if row is None:
            raise NotFound(what=(f"交付 {cmd.delivery}", f"delivery {cmd.delivery}"))
    else:
        row = own(cmd.delivery, actor, "provider")
    engine.act(row.pk, Command("fail", {"reason": cmd.reason.strip()}), actor=actor, now=now, fact_data=closing(row))
    row.case.refresh_from_db()
    return row


def closing(row: Delivery) -> dict[str, Any]:
    return {"delivery": row.number, "contract": trade.contract_by_id(row.contract_id).number, "contract_id": row.contract_id}


def last_receipt(row: Delivery) -> Receipt | None:
    return Receipt.objects.filter(grant__delivery=row, grant__round=row.round).order_by("-delivery_number").first()


def _of(applied: Applied) -> Delivery:
    return Delivery.objects.get(pk=applied.case)


@effect("delivery.performance_begins")
def performance_begins(applied: Applied) -> None:
    row = _of(applied)
    if trade.contract_by_id(row.contract_id).state == "effective":
        trade_services.begin_performance(
            trade_services.BeginPerformance(row.contract_id, row.number), actor=mandate("delivery", f"begin:{row.number}"),
            now=applied.now,
        )  # fmt: skip


@effect("delivery.tell_trade_accepted")
def tell_trade_accepted(applied: Applied) -> None:
    row = _of(applied)
    receipt, proof = last_receipt(row), prove(row, applied.actor, applied.now)
    digests = {"data": row.data_digest, "venue_receipt": proof.digest}
    if receipt is not None:
        digests["delivery_receipt"] = receipt.document_digest
    trade_services.confirm_delivery(
        trade_services.ConfirmDelivery(row.contract_id, row.number, digests),
        actor=mandate("delivery", f"accepted:{row.number}"), now=applied.now,
    )  # fmt: skip


@effect("delivery.tell_trade_failed")
def tell_trade_failed(applied: Applied) -> None:
    end_contract(_of(applied), "delivery_failed", applied.now)


@effect("delivery.after_rejection")
def after_rejection(applied: Applied) -> None:
    if applied.state == "failed":
        end_contract(_of(applied), "rejected", applied.now)


def end_contract(row: Delivery, ground: str, now: datetime) -> None:
    """Ends the contract with a refund, unless it has ended already."""
    if trade.contract_by_id(row.contract_id).state in ("effective", "performing"):
        trade_services.fail_delivery(
            trade_services.FailDelivery(row.contract_id, row.number, ground),
            actor=mandate("delivery", f"failed:{row.number}"), now=now,
        )  # fmt: skip


@effect("delivery.next_round")
def next_round(applied: Applied) -> None:
    """The old grant is revoked before the new one is signed: only one serves at a time."""
    from shugu.delivery.granting import give_notice
    from shugu.formats.delivery import NoticeAction

    row = Delivery.objects.select_for_update().get(pk=applied.case)
    for grant in row.grants.exclude(state="revoked"):
        give_notice(grant, NoticeAction.REVOKE, f"round {row.round + 1}", applied.actor, applied.now)
    row.round += 1
    row.confirmed_digest = ""
    row.save(update_fields=["round", "confirmed_digest"])
    issue_grant(row, applied.actor, applied.now)


__all__ = [
    "ROWS", "AcceptDelivery", "ConfirmDigest", "DeclareFailed", "Redeliver", "RejectDelivery", "TakeReceipt",
    "accept_delivery", "confirm_digest", "declare_failed", "redeliver", "reject_delivery", "take_receipt",
]  # fmt: skip
