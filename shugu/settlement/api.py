"""JSON API of settlement: an organisation's money and statements; runs for the settlement officers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from shugu.kernel import clock
from shugu.settlement import books, desk, services, shown, trades
from shugu.web.api import Strict, actor_of, key_of

router = Router()
PAGE_MOST = 200


class BankAccountIn(Strict):
    holder: str
    bank: str
    number: str


class RunIn(Strict):
    contracts: list[str] = []


class ActIn(Strict):
    input: dict[str, str] = {}
    undertaking: str = ""


class BreakIn(Strict):
    """`also`: ids of further break cases whose money belongs to the same request."""

    reason: str
    escrow: str = ""
    also: list[int] = []


@router.get("money", summary="Balances, payment requests and history")
def money(request: HttpRequest, limit: int = 50, offset: int = 0, kind: str = "") -> dict[str, Any]:
    actor = actor_of(request)
    held = books.balances(actor)
    size, start = min(max(limit, 0), PAGE_MOST), max(offset, 0)
    lines = books.history(actor, kind=kind)
    return {
        "balances": {"posted_fen": held.posted, "reserved_fen": held.reserved, "free_fen": held.free, "due_fen": held.due},
        "requests": [request_values(r) for r in trades.requests(actor)],
        "total": len(lines),
        "lines": [shown.line_values(line) for line in lines[start : start + size]],
    }


def request_values(view: trades.EscrowView) -> dict[str, Any]:
    return {
        "reference": view.number, "case": view.case_number, "contract": view.contract_number, "state": view.state,
        "price_fen": view.price, "requested_fen": view.requested, "due_on": view.due_on.isoformat() if view.due_on else None,
    }  # fmt: skip


@router.get("money/statements/{period}", summary="The statement of a month, as JSON")
def statement(request: HttpRequest, period: str) -> dict[str, Any]:
    return shown.statement_values(books.statement(period, actor_of(request)))


@router.post("money/bank-account", summary="Name the account to be paid to")
def bank_account(request: HttpRequest, payload: BankAccountIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.SetBankAccount(actor.org, payload.holder, payload.bank, payload.number)
    row = services.set_bank_account(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return {"holder": row.holder, "bank": row.bank, "number": row.number}


@router.get("settlement", summary="Dues, runs, breaks, reconciliation")
def overview(request: HttpRequest) -> dict[str, Any]:
    actor = actor_of(request)
    found = desk.reconciliation(actor)
    return {
        "reconciliation": {
            "ledger_fen": found.ledger, "bank_fen": found.bank, "difference_fen": found.difference, "holds": found.holds,
        },
        "dues": [
            {"reference": d.reference, "kind": d.kind, "amount_fen": d.amount, "ready": d.ready}
            for d in desk.due_lines(actor)
        ],
        "runs": [run_values(r) for r in desk.runs(actor)],
        "breaks": [
            {
                "case": b.case, "number": b.case_number, "kind": b.kind, "state": b.state, "amount_fen": b.amount,
                "reference": b.reference,
            }
            for b in desk.breaks(actor)
        ],
    }  # fmt: skip


def run_values(view: desk.RunView) -> dict[str, Any]:
    return {
        "case": view.case, "case_number": view.case_number, "number": view.number, "state": view.state,
        "sequence": view.sequence, "sha256": view.digest, "total_fen": view.total,
        "instructions": [{"number": i.number, "amount_fen": i.amount, "state": i.state} for i in view.instructions],
    }  # fmt: skip


@router.post("settlement/runs", summary="Propose a settlement run")
def propose(request: HttpRequest, payload: RunIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.ProposeRun(tuple(payload.contracts))
    run = services.propose_run(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return run_values(desk.run_case(run.number, actor))


@router.post("settlement/runs/{number}/{do}", summary="approve, reject or withdraw a run")
def act_on_run(request: HttpRequest, number: str, do: str, payload: ActIn) -> dict[str, Any]:
    actor = actor_of(request)
    view = desk.run_case(number, actor)
    cmd = services.ActOnRun(view.case, do, dict(payload.input), payload.undertaking)
    services.act_on_run(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return run_values(desk.run_case(number, actor))


@router.post("settlement/breaks/{case}/{do}", summary="match, send_back or explain a break")
def act_on_break(request: HttpRequest, case: int, do: str, payload: BreakIn) -> dict[str, Any]:
    cmd = services.ActOnBreak(case, do, payload.reason, payload.escrow, tuple(payload.also))
    found = services.act_on_break(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    found.case.refresh_from_db()
    return {"case": found.case_id, "number": found.case.number, "state": found.case.state}
