"""One trade's money, driven to its end again and again by a process that dies at a chosen instant.

`run` looks at where the money stands and does what is next; it dies at the n-th thing it asks of database or disk.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

_FILE_EVENTS = ("os.rename", "os.link", "os.mkdir", "os.remove")
MORNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


def stage() -> dict[str, Any]:
    """A contract approved by everybody, its payment request open, everybody's account named."""
    import django

    django.setup()
    from shugu.settlement.tests import stages
    from tests.world import World

    world = World.begin(MORNING)
    contract = stages.approved(world)
    stages.accounts(world)
    stages.second_officer(world)
    return {"contract": contract.number, "requested": stages.escrow_of(contract).requested}


def _die_at(number: int) -> None:
    """SIGKILL to this very process at the number-th statement or renaming from now; never for 0."""
    from django.db import connection

    left = number

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        count()
        return execute(sql, params, many, context)

    connection.execute_wrappers.append(statement)
    sys.addaudithook(lambda event, _: count() if event in _FILE_EVENTS else None)


def _bank_books() -> dict[str, Any]:
    from shugu.kernel import runtime

    file = runtime.home().path / "bank" / "simulator" / "books.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {"next": 1, "balance": 0}


def run(die_at: int) -> dict[str, Any]:
    """Buyer pays, venue delivers, officers propose and approve, bank pays, voucher: whatever of it is not done yet."""
    import django

    django.setup()
    from shugu.edges.bank import services as bank
    from shugu.edges.bank import simulator
    from shugu.evidence import services as evidence
    from shugu.kernel import subscriptions
    from shugu.party import queries as parties
    from shugu.party.models import Person
    from shugu.settlement import runs, services
    from shugu.settlement.models import Escrow, Run
    from shugu.settlement.tests import stages
    from shugu.trade import queries as trades
    from shugu.trade import services as trading

    people = {login: parties.actor_for(Person.objects.get(login=login).pk) for login in ("mona", "milo")}
    _die_at(die_at)

    def rest() -> None:
        bank.work(LATER)
        for _ in range(40):
            evidence.sequence_once(LATER)
            if not subscriptions.deliver(LATER):
                break
        assert subscriptions.stuck() == []

    rest()
    escrow = Escrow.objects.select_related("case").get()
    contract = trades.contract_by_id(escrow.contract_id)
    if escrow.case.state == "requested":
        if _bank_books()["next"] == 1:
            simulator.pay(escrow.number, escrow.requested, payer="远航", account="6222020000001111", now=LATER)
        simulator.write_statement(LATER)
        rest()
        contract = trades.contract_by_id(escrow.contract_id)
    if contract.state == "effective":
        trading.begin_performance(trading.BeginPerformance(contract.id, "DLV-1"), actor=stages.DELIVERY, now=LATER)
        contract = trades.contract_by_id(contract.id)
    if contract.state == "performing":
        confirm = trading.ConfirmDelivery(contract.id, "DLV-1", {"data": "a" * 64})
        trading.confirm_delivery(confirm, actor=stages.DELIVERY, now=LATER)
        rest()
    if not Run.objects.exists() and runs.payable()[0]:
        services.propose_run(services.ProposeRun(), actor=people["mona"], now=LATER, key="campaign-run-1")
    for proposed in Run.objects.filter(case__state="proposed"):
        services.act_on_run(services.ActOnRun(proposed.case_id, "approve"), actor=people["milo"], now=LATER)
    rest()
    simulator.execute_orders(LATER)
    simulator.write_statement(LATER)
    rest()
    return {"state": trades.contract_by_id(escrow.contract_id).state}


def conserved() -> dict[str, Any]:
    """What the trade's money comes to: all of it placed once, the bank's books and the venue's the same."""
    import django

    django.setup()
    from shugu.settlement import desk
    from shugu.settlement.models import BankStatement, Break, Escrow, Instruction, Run, StatementLine
    from shugu.trade import queries as trades
    from shugu.trade.models import Voucher

    escrow = Escrow.objects.get()
    last = BankStatement.objects.order_by("-sequence").first()
    paid = list(Instruction.objects.values_list("number", "amount", "state").order_by("id"))
    lines = list(StatementLine.objects.values_list("direction", "reference", "amount").order_by("id"))
    return {
        "state_of_contract": trades.contract_by_id(escrow.contract_id).state,
        "requested": escrow.requested, "paid": sum(amount for _, amount, _ in paid), "states": sorted({s for *_, s in paid}),
        "instructions": len(paid), "out_lines": sum(1 for d, *_ in lines if d == "out"),
        "in_lines": [amount for d, _, amount in lines if d == "in"],
        "bank_balance": _bank_books()["balance"], "book_balance": last.closing if last else None,
        "runs": Run.objects.count(), "vouchers": Voucher.objects.count(), "breaks": Break.objects.count(),
        "reconciliation": str(desk.reconcile()),
    }  # fmt: skip
