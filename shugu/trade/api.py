"""Trade over JSON. Contracts are for both sides and the venue; a voucher's genuineness is for anybody."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.market import queries as market
from shugu.trade import pages, queries, services
from shugu.trade.queries import ContractView
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class DraftIn(Strict):
    """`negotiation`: the number of an agreed one."""

    negotiation: str


class ActIn(Strict):
    """`input`: what the act asks, e.g. {"terms_digest": "…"} to sign; `undertaking`: the exact text confirmed."""

    input: dict[str, str | int] = {}
    undertaking: str = ""


def _contract(c: ContractView) -> dict[str, Any]:
    return {
        "id": c.id, "number": c.number, "case": c.case_number, "state": c.state, "provider_org": c.provider_org,
        "buyer_org": c.buyer_org, "product": c.terms["product"], "registration": c.terms["registration"],
        "price_fen": c.price_fen, "buyer_pays_fen": c.buyer_pays_fen, "fees": [f.as_dict() for f in c.fees],
        "revenue": [s.as_dict() for s in c.shares], "term_days": c.term_days, "purpose": c.purpose,
        "delivery_form": c.delivery_form, "quantity": c.quantity, "policy": queries.policy_of(c.id), "affiliated": c.affiliated,
        "revision": c.revision, "terms_digest": c.digest, "document_digest": c.document_digest,
        "signatures": queries.signature_rows(c), "drafted_at": c.drafted_at.isoformat(),
        "effective_at": c.effective_at.isoformat() if c.effective_at else None,
        "effective_until": c.effective_until.isoformat() if c.effective_until else None, "voucher": c.voucher_number,
    }  # fmt: skip


@router.post("/contracts", response={201: dict[str, Any]})
def draft_contract(request: HttpRequest, payload: DraftIn) -> Status[dict[str, Any]]:
    """Draft the contract of an agreed negotiation, or find the one there is."""
    actor = actor_of(request)
    talk = market.negotiation(payload.negotiation, actor)
    row = services.draft_contract(services.DraftContract(talk.id), actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, _contract(queries.contract(row.number, actor)))


@router.get("/contracts", response=list[dict[str, Any]])
def contracts(request: HttpRequest, state: str = "", limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    return [_contract(c) for c in queries.contracts(actor_of(request), state=state, limit=limit, offset=offset)]


@router.get("/contracts/{number}", response=dict[str, Any])
def contract(request: HttpRequest, number: str) -> dict[str, Any]:
    """The contract with the acts that are the caller's now."""
    actor = actor_of(request)
    found = queries.contract(number, actor)
    choices = cases.acts(found.case, actor, clock.now())
    acts = [{"do": c.do, "allowed": c.allowed, "input": list(c.input), "optional": list(c.optional)} for c in choices]
    return {**_contract(found), "acts": acts}


@router.get("/contracts/{number}/document", response=dict[str, Any])
def document(request: HttpRequest, number: str) -> dict[str, Any]:
    """The credential DataContract once approved; before, the terms with the signatures there are."""
    return queries.document(queries.contract(number, actor_of(request)))


@router.post("/contracts/{number}/{do}", response=dict[str, Any])
def act(request: HttpRequest, number: str, do: str, payload: ActIn) -> dict[str, Any]:
    """sign, revise, cancel, approve, return_for_change, refuse, terminate, agree_termination."""
    actor = actor_of(request)
    pages.act(number, do, dict(payload.input), payload.undertaking, actor=actor, now=clock.now(), key=key_of(request))
    return _contract(queries.contract(number, actor))


@router.get("/vouchers", response=list[dict[str, Any]])
def vouchers(request: HttpRequest, limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    return [v.public for v in queries.vouchers(actor_of(request), limit=limit, offset=offset)]


@router.get("/vouchers/{number}", response=dict[str, Any])
def voucher(request: HttpRequest, number: str) -> dict[str, Any]:
    """For anybody: that it is genuine. For its sides and the venue also `credential`, exactly as signed."""
    found = queries.voucher(number)
    if queries.may_read_voucher(found, getattr(request, "actor", None)):
        return {**found.public, "credential": dict(found.credential)}
    return found.public


class WithdrawIn(Strict):
    ground: str
    reason: str
    document: str = ""


@router.post("/vouchers/{number}/withdraw", response=dict[str, Any])
def withdraw_voucher(request: HttpRequest, number: str, body: WithdrawIn) -> dict[str, Any]:
    """By the compliance officer, for good, on a ground of trade.withdrawal_grounds."""
    order = services.WithdrawVoucher(number, body.ground, body.reason, body.document)
    services.withdraw_voucher(order, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return queries.voucher(number).public
