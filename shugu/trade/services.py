"""The door of trade: contracts from draft to voucher. The only writer of this app's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.kernel import documents, engine, runtime, signer, status, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.market import queries as market
from shugu.market.queries import Terms
from shugu.party import services as party
from shugu.registry import queries as registry
from shugu.trade import drafting, queries, standing
from shugu.trade.domain import BUYER, PROVIDER
from shugu.trade.errors import TermsChanged, TradeBarred
from shugu.trade.models import Contract, Signature
from shugu.trade.performance import (
    BeginPerformance,
    ConfirmDelivery,
    ConfirmFunding,
    ConfirmSettlement,
    FailDelivery,
    begin_performance,
    check_ground,
    confirm_delivery,
    confirm_funding,
    confirm_settlement,
    fail_delivery,
    input_error,
    termination,
)
from shugu.trade.through import Through, brought_by
from shugu.trade.withdrawing import Withdrawal, WithdrawVoucher, checked, need_officer, withdraw_voucher

name_fact("contract.not_drafted", "合同未能起草", "contract not drafted")


@dataclass(frozen=True)
class DraftContract:
    negotiation_id: int


@dataclass(frozen=True)
class SignContract:
    """`terms_digest`: SHA-256 (hex) of the terms the signer read."""

    contract: str
    terms_digest: str
    undertaking: str = ""


@dataclass(frozen=True)
class ReviseContract:
    """After a return: what may change. Price and quantity were agreed and stay. Empty = unchanged."""

    contract: str
    purpose: str = ""
    term_days: int | None = None
    delivery_form: str = ""
    note: str = ""


@dataclass(frozen=True)
class CancelContract:
    contract: str
    reason: str


@dataclass(frozen=True)
class ReviewContract:
    """decision: approve | return_for_change | refuse. `ground`: code of trade.refusal_grounds (refuse);
    `defects`: what to change (return_for_change)."""

    contract: str
    decision: str
    ground: str = ""
    defects: str = ""
    opinion: str = ""
    undertaking: str = ""


@dataclass(frozen=True)
class TerminateContract:
    """By the compliance officer on a coded ground, or by both sides (ground "mutual", one voice each)."""

    contract: str
    ground: str
    reason: str = ""


@context("trade.contract")
def contract_context(case: int, now: datetime) -> Mapping[str, Any]:
    row = Contract.objects.filter(case_id=case).first()
    if row is None:  # the case is just being opened
        return {}
    on = local_day(now)
    return {
        "provider_accredited": market.admitted(row.provider_id, PROVIDER, on),
        "buyer_accredited": market.admitted(row.buyer_id, BUYER, on),
        "blocks": [
            {"zh": r.text.zh, "en": r.text.en, "article": r.article}
            for r in registry.tradable(row.entry_id, on, row.buyer_id)
        ],
        "gates": drafting.gate_facts(row.terms, row.version_id, row.entry_id, on),
        "gates_article": runtime.rules().value("catalogue.circulation_gates").article,
        "affiliated": row.affiliated,
        "revision": row.revision,
    }


def _barred(agreed: market.AcceptedTerms, entry_id: int, now: datetime) -> None:
    """Errors: TradeBarred for what the rules do not let be contracted at all."""
    on = local_day(now)
    if agreed.provider_org == agreed.buyer_org:
        raise TradeBarred(why=("双方为同一单位", "both sides are the same organisation"))
    for org, side, zh, en in (
        (agreed.provider_org, PROVIDER, "提供方没有有效资格", "the provider is not accredited"),
        (agreed.buyer_org, BUYER, "需求方没有有效资格", "the buyer is not accredited"),
    ):
        if not market.admitted(org, side, on):
            raise TradeBarred(why=(zh, en))
    blocks = registry.tradable(entry_id, on, agreed.buyer_org)
    if blocks:
        zh, en = "、".join(b.text.zh for b in blocks), ", ".join(b.text.en for b in blocks)
        raise TradeBarred(why=(f"登记权利{zh}", f"the registered right is {en}"), article=blocks[0].article)


@command("trade.draft_contract", ("起草合同", "draft a contract"))
def draft_contract(cmd: DraftContract, *, actor: Actor, now: datetime) -> Contract:
    """The contract of an agreed negotiation; the one there is when it was drafted already.
    Errors: NotFound, Forbidden, TradeBarred."""
    found = Contract.objects.filter(negotiation_id=cmd.negotiation_id).first()
    agreed = market.accepted_terms(cmd.negotiation_id)
    if actor.kind is ActorKind.PERSON and actor.org not in (agreed.provider_org, agreed.buyer_org):
        raise NotFound(what=("磋商", "negotiation"))
    if found is not None:
        return found
    entry_id = market.version(agreed.product_version_id).entry_id
    _barred(agreed, entry_id, now)
    on = local_day(now)
    number = store.next_number("contract", on.year)
    agreed = market.accepted_terms(cmd.negotiation_id, uid=market.urn(number))
    draft = drafting.draft(number, agreed, revision=1, drafted_on=on)
    case = engine.open_case(
        "trade.contract", actor=actor, now=now, title=draft.terms["product"]["title"],
        parties=[PartyView(PROVIDER, None, agreed.provider_org), PartyView(BUYER, None, agreed.buyer_org)],
        data={"contract": number},
        subjects=[f"registry.entry:{entry_id}", f"party.org:{agreed.provider_org}", f"party.org:{agreed.buyer_org}"],
        fact_data={"contract": number, "negotiation": agreed.number, "price_fen": agreed.price_fen},
        digests={"terms": draft.digest},
    )  # fmt: skip
    return Contract.objects.create(
        case_id=case, number=number, negotiation_id=cmd.negotiation_id, provider_id=agreed.provider_org,
        buyer_id=agreed.buyer_org, version_id=agreed.product_version_id, entry_id=entry_id, price_fen=agreed.price_fen,
        terms=draft.terms, terms_digest=draft.digest, affiliated=draft.affiliated, drafted_at=now,
    )  # fmt: skip


def _own(number: str, actor: Actor) -> tuple[Contract, str]:
    """The contract, locked, and the actor's side. Errors: NotFound: a stranger learns nothing; Forbidden for staff."""
    row = Contract.objects.select_for_update().filter(number=number).first()
    if row is None or actor.org not in (row.provider_id, row.buyer_id) or actor.kind is not ActorKind.PERSON:
        if row is not None and actor.seats & queries.WATCHING:
            raise Forbidden()
        raise NotFound(what=(f"合同 {number}", f"contract {number}"))
    return row, PROVIDER if actor.org == row.provider_id else BUYER


def _by_seat(number: str, actor: Actor) -> Contract:
    """Errors: NotFound, also for whoever may not read it."""
    row = Contract.objects.select_for_update().filter(number=number).first()
    if row is None or not (actor.seats & queries.WATCHING or actor.org in (row.provider_id, row.buyer_id)):
        raise NotFound(what=(f"合同 {number}", f"contract {number}"))
    return row


@command("trade.sign_contract", ("签署合同", "sign a contract"))
def sign_contract(cmd: SignContract, *, actor: Actor, now: datetime) -> Contract:
    """One side's electronic signature over the terms digest; the second one moves the contract to review.
    Errors: NotFound, RightMissing, TermsChanged, AlreadyGiven, TooLate, UndertakingNeeded, Refused."""
    row, side = _own(cmd.contract, actor)
    if cmd.terms_digest != row.terms_digest:
        raise TermsChanged()
    assert actor.org is not None
    signed = party.sign(actor.org, row.terms_digest, actor=actor, now=now)
    engine.act(
        row.case_id, Command("sign", {"terms_digest": cmd.terms_digest}, cmd.undertaking), actor=actor, now=now,
        fact_data={"contract": row.number, "revision": row.revision, "side": side, "vkey": signed["vkey"],
                   "signature": signed["signature"]},
        digests={"terms": row.terms_digest},
    )  # fmt: skip
    Signature.objects.create(
        contract=row, revision=row.revision, role=side, person=actor.person, signed=signed, signed_at=now
    )
    return row


@command("trade.revise_contract", ("修改合同", "change a contract"))
def revise_contract(cmd: ReviseContract, *, actor: Actor, now: datetime) -> Contract:
    """New terms after the venue's return; both sides sign anew. Errors: NotFound, RightMissing, InputInvalid, Refused."""
    row, _ = _own(cmd.contract, actor)
    assert actor.org is not None
    party.need_right(actor, actor.org, "act")
    before = row.terms
    asked = {"purpose": cmd.purpose, "term_days": cmd.term_days, "delivery_form": cmd.delivery_form}
    changes = {k: v for k, v in asked.items() if v}
    merged = {k: changes.get(k, before[k]) for k in asked}
    terms = Terms(merged["term_days"], merged["purpose"], merged["delivery_form"], before["quantity"], before.get("rate"))
    errors = market.offer_errors(row.price_fen, terms, market.bounds(row.version_id, now))
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    agreed = market.accepted_terms(row.negotiation_id, uid=market.urn(row.number), changes=merged)
    draft = drafting.draft(row.number, agreed, revision=row.revision + 1, drafted_on=local_day(now))
    engine.act(
        row.case_id, Command("revise", {**changes, **({"note": cmd.note} if cmd.note else {})}), actor=actor, now=now,
        fact_data={"contract": row.number, "revision": row.revision + 1}, digests={"terms": draft.digest},
    )  # fmt: skip
    row.terms, row.terms_digest, row.revision, row.affiliated = draft.terms, draft.digest, row.revision + 1, draft.affiliated
    row.save(update_fields=["terms", "terms_digest", "revision", "affiliated"])
    return row


@command("trade.cancel_contract", ("取消合同", "cancel a contract"))
def cancel_contract(cmd: CancelContract, *, actor: Actor, now: datetime) -> Contract:
    """By either side before both have signed. Errors: NotFound, RightMissing, InputInvalid, Refused."""
    row, _ = _own(cmd.contract, actor)
    assert actor.org is not None
    party.need_right(actor, actor.org, "act")
    engine.act(
        row.case_id, Command("cancel", {"reason": cmd.reason}), actor=actor, now=now, fact_data={"contract": row.number}
    )
    return row


@command("trade.review_contract", ("审核合同", "review a contract"))
def review_contract(cmd: ReviewContract, *, actor: Actor, now: datetime) -> Contract:
    """The venue's review of order and contract. Approval signs the document (credential DataContract).
    Errors: NotFound, NotYourStep, ConflictOfInterest, SeparationOfDuties, UndertakingNeeded, InputInvalid, Refused."""
    row = _by_seat(cmd.contract, actor)
    if cmd.decision == "approve":
        return _approve(row, cmd, actor, now)
    if cmd.decision == "return_for_change":
        order = Command("return_for_change", {"defects": cmd.defects})
    elif cmd.decision == "refuse":
        if cmd.ground not in runtime.rules().value("trade.refusal_grounds").codes:
            raise input_error("contract_ground", "请从不予通过的情形中选择", "choose from the grounds of refusal")
        order = Command("refuse", {"contract_ground": cmd.ground, **({"reason": cmd.opinion} if cmd.opinion else {})})
    else:
        raise input_error("decision", "通过、退回或不通过", "approve, return_for_change or refuse")
    engine.act(row.case_id, order, actor=actor, now=now, fact_data={"contract": row.number})
    return row


def _approve(row: Contract, cmd: ReviewContract, actor: Actor, now: datetime) -> Contract:
    found = queries.contract_by_id(row.pk)
    # The whole terms stand inside, so that whoever holds the document can recompute the digest that both sides signed.
    subject = {"terms": dict(found.terms), "terms_digest": found.digest, "signatures": queries.signature_rows(found)}
    seat = status.allot(standing.CONTRACT)
    credential = signer.sign_document("DataContract", number=row.number, subject=subject, now=now, status=seat)
    content = signer.document_bytes(credential)
    digest = documents.put(content)
    engine.act(
        row.case_id, Command("approve", {"opinion": cmd.opinion} if cmd.opinion else {}, cmd.undertaking), actor=actor,
        now=now, fact_data={"contract": row.number, "contract_id": row.pk, "price_fen": row.price_fen},
        digests={"data_contract": digest, "terms": row.terms_digest},
    )  # fmt: skip
    row.document_digest, row.seat = digest, seat.number
    row.save(update_fields=["document_digest", "seat"])
    return row


@command("trade.terminate_contract", ("终止合同", "terminate a contract"))
def terminate_contract(cmd: TerminateContract, *, actor: Actor, now: datetime) -> Contract:
    """Errors: NotFound, NotYourStep, RightMissing, AlreadyGiven, InputInvalid, Refused."""
    row = _by_seat(cmd.contract, actor)
    check_ground(cmd.ground)
    note = {"reason": cmd.reason} if cmd.reason else {}
    order = Command("terminate", {"contract_ground": cmd.ground, **note})
    if actor.org in (row.provider_id, row.buyer_id) and actor.org is not None:
        if cmd.ground != "mutual":
            raise input_error("contract_ground", "双方只能协商终止", "the sides may end it only by agreement")
        party.need_right(actor, actor.org, "sign")
        order = Command("agree_termination", note)
    engine.act(row.case_id, order, actor=actor, now=now, fact_data=termination(row, cmd.ground))
    return row


__all__ = [
    "BeginPerformance", "CancelContract", "ConfirmDelivery", "ConfirmFunding", "ConfirmSettlement",
    "DraftContract", "FailDelivery", "ReviewContract", "ReviseContract", "SignContract", "TerminateContract", "Through",
    "WithdrawVoucher", "Withdrawal",
    "begin_performance", "brought_by", "cancel_contract", "checked", "confirm_delivery", "confirm_funding", "confirm_settlement",
    "draft_contract", "fail_delivery", "need_officer", "review_contract", "revise_contract", "sign_contract",
    "terminate_contract", "withdraw_voucher",
]  # fmt: skip
