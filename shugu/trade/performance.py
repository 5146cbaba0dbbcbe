"""What other apps confirm about a contract (mandates): money held, performance, delivery, settlement; the voucher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.kernel import documents, engine, runtime, signer, status, store
from shugu.kernel.cases import Actor, ActorKind, Command, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.registry.services import RecordTrade, record_trade
from shugu.trade import queries, standing
from shugu.trade.errors import ReferenceUsed
from shugu.trade.models import Contract, Voucher


@dataclass(frozen=True)
class ConfirmFunding:
    """By settlement: the whole price is held. `reference`: the escrow's number."""

    contract_id: int
    reference: str


@dataclass(frozen=True)
class BeginPerformance:
    """By delivery: access is open. `reference`: the delivery's number."""

    contract_id: int
    reference: str


@dataclass(frozen=True)
class ConfirmDelivery:
    """By delivery: accepted by the buyer or by silence. `digests`: documents by name, SHA-256 hex (receipt, data …)."""

    contract_id: int
    reference: str
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ConfirmSettlement:
    """By settlement: everybody is paid. `reference`: the settlement's number. Issues the voucher."""

    contract_id: int
    reference: str


@dataclass(frozen=True)
class FailDelivery:
    """By delivery: it cannot be performed. `ground`: code of trade.termination_grounds. Leads to a refund."""

    contract_id: int
    reference: str
    ground: str = "delivery_failed"


def input_error(name: str, zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields=name, field_errors={name: (zh, en)})


def _for_mandate(contract_id: int, actor: Actor) -> Contract:
    """Errors: Forbidden for anybody but another app of the venue, NotFound."""
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()
    row = Contract.objects.select_for_update().select_related("case").filter(pk=contract_id).first()
    if row is None:
        raise NotFound(what=("合同", "contract"))
    return row


def _done_before(row: Contract, step: str, reference: str) -> bool:
    """Whether this very confirmation was given already. Errors: ReferenceUsed when another reference was."""
    known = row.delivery.get(f"{step}_reference")
    if known is None:
        return False
    if known != reference:
        raise ReferenceUsed(reference=reference)
    return True


def _confirm(row: Contract, step: str, reference: str, actor: Actor, now: datetime, digests: Mapping[str, str]) -> int:
    applied = engine.act(
        row.case_id, Command(step, {"reference": reference}), actor=actor, now=now,
        fact_data={"contract": row.number, "contract_id": row.pk, "price_fen": row.price_fen}, digests=digests,
    )  # fmt: skip
    row.delivery = {**row.delivery, f"{step}_reference": reference}
    return applied.fact_id


@command("trade.confirm_funding", ("确认款项到位", "confirm that the money is held"))
def confirm_funding(cmd: ConfirmFunding, *, actor: Actor, now: datetime) -> Contract:
    """The contract comes into force; its term counts from now. The same reference again changes nothing.
    Errors: Forbidden, NotFound, ReferenceUsed, Refused."""
    row = _for_mandate(cmd.contract_id, actor)
    if _done_before(row, "fund", cmd.reference):
        return row
    _confirm(row, "fund", cmd.reference, actor, now, {"terms": row.terms_digest, "data_contract": row.document_digest})
    # Papers state whole seconds; the term begins at the second they state, or it would begin after them.
    row.effective_at = now.replace(microsecond=0)
    row.save(update_fields=["delivery", "effective_at"])
    return row


@command("trade.begin_performance", ("开始履行", "begin performance"))
def begin_performance(cmd: BeginPerformance, *, actor: Actor, now: datetime) -> Contract:
    """Errors: Forbidden, NotFound, ReferenceUsed, Refused."""
    row = _for_mandate(cmd.contract_id, actor)
    if _done_before(row, "begin", cmd.reference):
        return row
    _confirm(row, "begin", cmd.reference, actor, now, {})
    row.save(update_fields=["delivery"])
    return row


@command("trade.confirm_delivery", ("确认交付", "confirm the delivery"))
def confirm_delivery(cmd: ConfirmDelivery, *, actor: Actor, now: datetime) -> Contract:
    """Errors: Forbidden, NotFound, ReferenceUsed, InputInvalid (digests), Refused."""
    row = _for_mandate(cmd.contract_id, actor)
    if any(len(d) != 64 or set(d) - set("0123456789abcdef") for d in cmd.digests.values()):
        raise input_error("digests", "摘要为 64 位十六进制", "a digest has 64 hexadecimal digits")
    if _done_before(row, "deliver", cmd.reference):
        return row
    _confirm(row, "deliver", cmd.reference, actor, now, dict(cmd.digests))
    row.delivery = {**row.delivery, "digests": dict(cmd.digests), "delivered_on": local_day(now).isoformat()}
    row.save(update_fields=["delivery"])
    return row


@command("trade.confirm_settlement", ("确认结算并出具凭证", "confirm settlement, issue the voucher"))
def confirm_settlement(cmd: ConfirmSettlement, *, actor: Actor, now: datetime) -> Voucher:
    """Completes the contract, issues the voucher (credential DataTransactionVoucher), records the trade in the register.
    Errors: Forbidden, NotFound, ReferenceUsed, Refused."""
    row = _for_mandate(cmd.contract_id, actor)
    if _done_before(row, "complete", cmd.reference):
        return Voucher.objects.get(contract=row)
    on = local_day(now)
    number = store.next_number("voucher", on.year)
    subject = voucher_subject(row, cmd.reference, on.isoformat())
    seat = status.allot(standing.VOUCHER)
    credential = signer.sign_document("DataTransactionVoucher", number=number, subject=subject, now=now, status=seat)
    digest = documents.put(signer.document_bytes(credential))
    fact = _confirm(
        row, "complete", cmd.reference, actor, now, {"data_transaction_voucher": digest, "data_contract": row.document_digest}
    )
    row.save(update_fields=["delivery"])
    voucher = Voucher.objects.create(
        contract=row, number=number, digest=digest, amount_class=str(subject["amount"]["class"]), issued_at=now,
        completed_on=on, fact=fact, seat=seat.number,
    )  # fmt: skip
    record_trade(
        RecordTrade(
            row.entry_id, f"voucher:{number}",
            {"voucher": number, "contract": row.number, "amount_class": voucher.amount_class, "completed_on": on.isoformat()},
            row.buyer_id,
        ),
        actor=mandate("trade", f"voucher:{number}"), now=now,
    )  # fmt: skip
    return voucher


def voucher_subject(row: Contract, settlement: str, completed_on: str) -> dict[str, Any]:
    terms = row.terms
    return {
        "contract": {"number": row.number, "digest": row.document_digest, "terms_digest": row.terms_digest},
        "provider": terms["provider"], "buyer": terms["buyer"], "product": terms["product"],
        "registration": terms["registration"], "delivery_form": terms["delivery_form"],
        "delivery": {"number": row.delivery.get("deliver_reference", ""), "delivered_on": row.delivery.get("delivered_on", ""),
                     "digests": row.delivery.get("digests", {})},
        "amount": {"fen": row.price_fen, "currency": "CNY", "class": str(queries.class_of(row.price_fen)["code"])},
        "settlement": settlement, "affiliated": row.affiliated, "completed_on": completed_on,
        **({"through": terms["through"]} if "through" in terms else {}),
    }  # fmt: skip


@command("trade.fail_delivery", ("交付不成终止合同", "end a contract whose delivery failed"))
def fail_delivery(cmd: FailDelivery, *, actor: Actor, now: datetime) -> Contract:
    """The contract ends and the money goes back (settlement listens to contract.terminated).
    Errors: Forbidden, NotFound, InputInvalid, ReferenceUsed, Refused."""
    row = _for_mandate(cmd.contract_id, actor)
    check_ground(cmd.ground)
    if _done_before(row, "terminate", cmd.reference):
        return row
    engine.act(
        row.case_id, Command("terminate", {"contract_ground": cmd.ground, "reference": cmd.reference}), actor=actor, now=now,
        fact_data=termination(row, cmd.ground),
    )  # fmt: skip
    row.delivery = {**row.delivery, "terminate_reference": cmd.reference}
    row.save(update_fields=["delivery"])
    return row


def termination(row: Contract, ground: str) -> dict[str, Any]:
    return {"contract": row.number, "contract_id": row.pk, "ground": ground, "price_fen": row.price_fen}


def check_ground(ground: str) -> None:
    if ground not in runtime.rules().value("trade.termination_grounds").codes:
        raise input_error("contract_ground", "请从终止的情形中选择", "choose from the grounds of termination")


