"""The venue's own delivery receipt: what was delivered under which contract and accepted, as a credential.

Connectors sign what they sent (`receiving`); this paper is the venue's word that the receipts of a delivery were checked
against grant, file and meter, and that the buyer accepted. It is issued in the transaction of the acceptance, its digest
goes into the voucher, and it can be withdrawn like one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Sum

from shugu.delivery.models import Delivery, Proof, Receipt
from shugu.formats.status import Flag
from shugu.formats.times import write_time
from shugu.kernel import documents, journal, signer, status, store
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.trade import queries as trade
from shugu.trade import services as trades

TYPE: Final = "DataDeliveryReceipt"
TITLE: Final = Text("数据交付凭证", "Data delivery receipt")
STATUS: Final = Flag.REVOKED
# The newest receipts stand in it whole; the sums count all of them, and each is a fact of its own.
LISTED: Final = 20

name_fact("delivery.proved", "签发数据交付凭证", "delivery receipt issued")
name_fact("delivery.proof_withdrawn", "撤销数据交付凭证", "delivery receipt withdrawn")


def prove(row: Delivery, actor: Actor, now: datetime) -> Proof:
    """In the transaction that accepts the delivery, by whoever or whatever accepted."""
    number = store.next_number("receipt", local_day(now).year)
    seat = status.allot(STATUS)
    credential = signer.sign_document(TYPE, number=number, subject=_subject(row, actor, now), now=now, status=seat)
    digest = documents.put(signer.document_bytes(credential))
    fact = journal.record(
        "delivery.proved", subject=f"delivery.delivery:{row.pk}", actor=actor, now=now, case=row.pk,
        data={"delivery": row.number, "receipt": number}, digests={"data_delivery_receipt": digest, "data": row.data_digest},
    )  # fmt: skip
    return Proof.objects.create(delivery=row, number=number, digest=digest, issued_at=now, fact=fact, seat=seat.number)


def _subject(row: Delivery, actor: Actor, now: datetime) -> dict[str, Any]:
    contract = trade.contract_by_id(row.contract_id)
    terms = contract.terms
    grants = list(row.grants.select_related("connector", "binding").filter(round=row.round).order_by("-id"))
    receipts = Receipt.objects.filter(grant__in=grants).order_by("-completed_at", "-pk")
    told = receipts.aggregate(billable=Sum("billable"), sent=Sum("sent"))
    binding = grants[0].binding if grants else None
    return {
        "delivery": {
            "number": row.number, "round": row.round, "opened_at": write_time(row.opened_at), "accepted_at": write_time(now),
            "accepted_by": "silence" if actor.kind is ActorKind.CLOCK else "buyer",
            "digest_confirmed": bool(row.confirmed_digest),
        },
        "contract": {"number": contract.number, "digest": contract.document_digest},
        "provider": terms["provider"], "buyer": terms["buyer"], "product": terms["product"],
        "registration": terms["registration"],
        "data": {"sha256": row.data_digest, "file": binding.file if binding else "", "size": binding.size if binding else 0},
        "grants": [{"number": g.number, "digest": g.digest, "connector": g.connector.connector_id} for g in grants],
        "metered": {"receipts": receipts.count(), "billable": int(told["billable"] or 0), "sent": int(told["sent"] or 0)},
        "receipts": [
            {"number": r.number, "digest": r.document_digest, "billable": r.billable, "sent": r.sent,
             "completed_at": write_time(r.completed_at), "meter_records": r.meter_records, "meter_head": r.meter_head}
            for r in receipts[:LISTED]
        ],
    }  # fmt: skip


@dataclass(frozen=True)
class WithdrawProof:
    """As trade's WithdrawVoucher: `ground` a code of trade.withdrawal_grounds, `document` its number where one is asked."""

    number: str
    ground: str
    reason: str
    document: str = ""


@command("delivery.withdraw_proof", ("撤销数据交付凭证", "withdraw a delivery receipt"))
def withdraw_proof(cmd: WithdrawProof, *, actor: Actor, now: datetime) -> Proof:
    """By the compliance officer, for good; neither the delivery's case nor the voucher changes by it.
    Errors: Forbidden, NotFound, InputInvalid."""
    trades.need_officer(actor)
    asked = trades.checked(cmd.ground, cmd.document, cmd.reason)
    row = Proof.objects.select_for_update(of=("self",)).filter(number=cmd.number, withdrawn_at__isnull=True).first()
    if row is None:
        raise NotFound(what=(f"有效的交付凭证 {cmd.number}", f"delivery receipt {cmd.number} in force"))
    row.withdrawn_at, row.withdrawn_ground, row.withdrawn_document = now, asked.ground, asked.document
    row.save(update_fields=["withdrawn_at", "withdrawn_ground", "withdrawn_document"])
    status.mark({row.seat: STATUS})
    journal.record(
        "delivery.proof_withdrawn", subject=f"delivery.delivery:{row.delivery_id}", actor=actor, now=now, ground=asked.ground,
        case=row.delivery_id, data={"receipt": row.number, "document": asked.document},
        digests={"reason": documents.put(asked.reason)},
    )  # fmt: skip
    return row


@dataclass(frozen=True)
class ProofView:
    """A delivery receipt of the venue. What a stranger may know is in `public`; the credential is for parties and venue."""

    number: str
    delivery_number: str
    contract_number: str
    provider_org: int
    buyer_org: int
    digest: str
    issued_at: datetime
    fact: int
    withdrawn_at: datetime | None
    withdrawn_ground: str
    withdrawn_document: str
    credential: Mapping[str, Any]

    @property
    def public(self) -> dict[str, Any]:
        subject = self.credential["credentialSubject"]
        return {
            "number": self.number, "type": TYPE, "venue": subject["venue"], "issuer": self.credential["issuer"],
            "product": {"number": subject["product"]["number"], "title": subject["product"]["title"]},
            "registration": subject["registration"]["number"], "accepted_at": subject["delivery"]["accepted_at"],
            "digest": self.digest, **({"demo": True} if subject.get("demo") else {}), "valid": self.withdrawn_at is None,
            **({"withdrawn": {"at": self.withdrawn_at.isoformat(), "ground": self.withdrawn_ground,
                              "document": self.withdrawn_document}} if self.withdrawn_at else {}),
        }  # fmt: skip


def proof(number: str) -> ProofView:
    """By its number or its delivery's. Who reads it decides what to show. Errors: NotFound."""
    rows = Proof.objects.select_related("delivery")
    row = rows.filter(number=number).first() or rows.filter(delivery__number=number).first()
    if row is None:
        raise NotFound(what=(f"交付凭证 {number}", f"delivery receipt {number}"))
    delivery = row.delivery
    return ProofView(
        row.number, delivery.number, trade.contract_by_id(delivery.contract_id).number, delivery.provider_id, delivery.buyer_id,
        row.digest, row.issued_at, row.fact, row.withdrawn_at, row.withdrawn_ground, row.withdrawn_document,
        json.loads(documents.get(row.digest)),
    )  # fmt: skip


def proof_of(delivery: int) -> str:
    """The number of a delivery's receipt, by its case; empty while there is none."""
    return Proof.objects.filter(delivery_id=delivery).values_list("number", flat=True).first() or ""


def may_read_proof(found: ProofView, actor: Actor | None) -> bool:
    if actor is None:
        return False
    return bool(actor.seats & trade.WATCHING) or actor.org in (found.provider_org, found.buyer_org)
