"""A contract's money from the request to the voucher, and the ways it goes wrong."""

from __future__ import annotations

import json

import pytest

from shugu.kernel import engine
from shugu.kernel.errors import (
    Forbidden,
    GuardRefused,
    InputInvalid,
    KeyConflict,
    NotFound,
    Refused,
    SeparationOfDuties,
)
from shugu.kernel.models import Fact
from shugu.settlement import queries, services
from shugu.settlement.audit import audit
from shugu.settlement.errors import NotEnoughMatched, NothingDue, StatementRefused
from shugu.settlement.models import Account, Break, Due, Escrow, Instruction, Reservation
from shugu.settlement.services import ActOnBreak, ActOnRun, ProposeRun, SetBankAccount, TakeStatement
from shugu.settlement.tests import stages
from shugu.trade import queries as trade
from shugu.trade import services as trades
from tests.world import World


def _balance(kind: str, org: int | None) -> tuple[int, int]:
    row = Account.objects.filter(kind=kind, org_id=org).first()
    return (row.balance, row.reserved) if row else (0, 0)


def _facts(name: str) -> list[dict[str, object]]:
    return [json.loads(f.payload or "{}") for f in Fact.objects.filter(name=name).order_by("id")]


def test_an_approved_contract_asks_the_buyer_to_pay_what_the_contract_says(world: World) -> None:
    contract = stages.approved(world)
    escrow = stages.escrow_of(contract)
    assert (escrow.requested, escrow.buyer_id, escrow.case.state) == (contract.buyer_pays_fen, world.bob.org, "requested")
    asked = queries.requests(world.bob)
    assert [(r.number, r.due_on is not None) for r in asked] == [(escrow.number, True)]
    assert audit() == []


def test_a_payment_with_reference_and_amount_is_reserved_and_brings_the_contract_into_force(world: World) -> None:
    contract = stages.funded(world)
    assert contract.state == "effective" and trade.is_funded(contract.id)
    assert _balance("client", world.bob.org) == (contract.buyer_pays_fen, contract.buyer_pays_fen)
    money = queries.contract_money(contract.id, world.bob)
    assert money.escrow.state == "funded" and "已预留" in money.holder.zh
    assert audit() == []


def test_the_whole_trade_is_paid_out_and_ends_in_a_voucher(world: World) -> None:
    run = stages.confirmed(world)
    escrow = Escrow.objects.get()
    run.case.refresh_from_db()
    assert run.case.state == "completed" and trade.contract_by_id(escrow.contract_id).state == "completed"
    assert trade.voucher(trade.contract_by_id(escrow.contract_id).number).number
    assert all(_balance(a.kind, a.org_id) == (0, 0) for a in Account.objects.all())
    assert sum(d.amount for d in Due.objects.all()) == escrow.requested
    assert queries.contract_money(escrow.contract_id, world.alice).holder.zh.startswith("收款各方")
    found = queries.reconciliation(world.mona)
    assert found.holds and found.bank == 0
    assert [f["data"]["contract"] for f in _facts("escrow.settled")] == [escrow.contract_number]  # type: ignore[index]
    assert audit() == []


def test_fees_shares_and_relief_are_those_of_the_contract(world: World) -> None:
    contract = stages.delivered(world)
    lines = queries.contract_money(contract.id, world.alice).lines
    by_kind = {line.title.en: line for line in lines}
    fee = next(f for f in contract.fees if f.kind == "venue")
    assert by_kind["the venue's fee"].amount == fee.amount_fen
    basis = by_kind["the venue's fee"].basis
    assert basis is not None and (basis.rate_bps, basis.force) == (fee.rule.rate_bps, fee.rule.force)
    relief = by_kind["relief from the venue's fee"]
    assert relief.amount == fee.amount_fen * 2_000 // 10_000
    assert relief.basis is not None and (relief.basis.article, relief.basis.force) == ("五（十二）", "may")
    assert _balance("client", world.bob.org) == (0, 0)
    assert _balance("venue_fee", None) == (fee.amount_fen - relief.amount, 0)
    assert _balance("service_fee", world.quinn.org)[0] == sum(f.amount_fen for f in contract.fees if f.kind != "venue")
    assert audit() == []


def test_a_terminated_contract_gives_the_money_back(world: World) -> None:
    contract = stages.funded(world)
    trades.fail_delivery(trades.FailDelivery(contract.id, "DLV-9"), actor=stages.DELIVERY, now=world.now)
    stages.drain(world.now)
    assert stages.escrow_of(contract).case.state == "refunded"
    assert _balance("client", world.bob.org) == (contract.buyer_pays_fen, 0)
    assert [(d.kind, d.amount) for d in Due.objects.all()] == [("refund", contract.buyer_pays_fen)]
    assert audit() == []


def test_a_request_not_paid_in_time_expires_and_money_that_comes_later_is_a_break(world: World) -> None:
    contract = stages.approved(world)
    escrow = stages.escrow_of(contract)
    engine.sweep(stages.later(world, 14))
    stages.drain(world.now)
    assert stages.escrow_of(contract).case.state == "expired"
    stages.statement(world, stages.line("L1", escrow.requested, escrow.number, world.now))
    assert [(b.kind, b.state) for b in queries.breaks(world.mona)] == [("late", "found")]
    assert _balance("suspense", None) == (escrow.requested, 0) and audit() == []
    found = Break.objects.get()
    services.act_on_break(ActOnBreak(found.case_id, "send_back", "逾期"), actor=world.mona, now=world.now)
    assert [(d.kind, d.payee["number"]) for d in Due.objects.all()] == [("return", "6222020000001111")]
    assert audit() == []


def test_two_part_payments_are_matched_together_and_the_excess_is_due_back(world: World) -> None:
    contract = stages.approved(world)
    escrow = stages.escrow_of(contract)
    stages.statement(
        world, stages.line("L1", escrow.requested - 500, escrow.number, world.now), stages.line("L2", 700, "货款", world.now)
    )
    kinds = {b.kind: b.case for b in queries.breaks(world.mona)}
    assert set(kinds) == {"wrong_amount", "unknown_reference"}
    alone = ActOnBreak(kinds["wrong_amount"], "match", "部分", escrow.number)
    with pytest.raises(NotEnoughMatched):
        services.act_on_break(alone, actor=world.mona, now=world.now)
    both = ActOnBreak(kinds["wrong_amount"], "match", "两笔合并", escrow.number, (kinds["unknown_reference"],))
    services.act_on_break(both, actor=world.mona, now=world.now)
    stages.drain(world.now)
    assert trade.contract_by_id(contract.id).state == "effective"
    assert [(d.kind, d.amount) for d in Due.objects.all()] == [("refund", 200)]
    assert {b.state for b in queries.breaks(world.mona)} == {"matched"} and audit() == []


def test_a_second_payment_is_a_break_that_words_alone_do_not_clear(world: World) -> None:
    contract = stages.funded(world)
    escrow = stages.escrow_of(contract)
    stages.statement(world, stages.line("L2", escrow.requested, escrow.number, world.now))
    found = Break.objects.get()
    assert found.kind == "duplicate"
    with pytest.raises(GuardRefused):
        services.act_on_break(ActOnBreak(found.case_id, "explain", "已知"), actor=world.mona, now=world.now)
    with pytest.raises(GuardRefused):
        services.act_on_break(ActOnBreak(found.case_id, "match", "再认", escrow.number), actor=world.mona, now=world.now)
    with pytest.raises(Refused):
        services.act_on_break(ActOnBreak(found.case_id, "send_back", "重复"), actor=world.rita, now=world.now)


def test_a_debit_nobody_ordered_opens_a_gap_that_the_reconciliation_shows(world: World) -> None:
    stages.funded(world)
    stages.statement(world, stages.line("X1", 1_000, "手续费", world.now, "out"))
    found = queries.reconciliation(world.mona)
    assert (found.difference, [b.kind for b in queries.breaks(world.mona)]) == (-1_000, ["unexplained_debit"])
    assert audit() == []


def test_a_payment_that_comes_back_is_the_payees_again_and_due_anew(world: World) -> None:
    stages.confirmed(world)
    sent = Instruction.objects.filter(account__org_id=world.alice.org).get()
    stages.statement(world, stages.line("R1", sent.amount, sent.number, world.now))
    found = Break.objects.get()
    services.act_on_break(ActOnBreak(found.case_id, "match", "户名不符"), actor=world.mona, now=world.now)
    assert _balance("client", world.alice.org) == (sent.amount, 0)
    assert Due.objects.filter(settled_at__isnull=True).get().amount == sent.amount and audit() == []


def test_the_maker_of_a_run_does_not_check_it(world: World) -> None:
    stages.delivered(world)
    stages.accounts(world)
    run = services.propose_run(ProposeRun(), actor=world.mona, now=world.now)
    with pytest.raises(SeparationOfDuties):
        services.act_on_run(ActOnRun(run.case_id, "approve"), actor=world.mona, now=world.now)
    assert not Instruction.objects.exclude(state="proposed").exists()
    with pytest.raises(Refused):
        services.act_on_run(ActOnRun(run.case_id, "approve"), actor=world.rita, now=world.now)


def test_a_rejected_run_frees_its_reservations_and_the_dues_wait_for_the_next(world: World) -> None:
    stages.delivered(world)
    stages.accounts(world)
    run = services.propose_run(ProposeRun(), actor=world.mona, now=world.now)
    with pytest.raises(NothingDue):
        services.propose_run(ProposeRun(), actor=world.mona, now=world.now)
    checker = stages.second_officer(world)
    services.act_on_run(ActOnRun(run.case_id, "reject", {"reason": "账号待核"}), actor=checker, now=world.now)
    assert not Reservation.objects.filter(state="pending").exists()
    assert services.propose_run(ProposeRun(), actor=world.mona, now=world.now).pk != run.pk
    assert audit() == []


def test_only_a_settlement_officer_proposes_a_run_or_takes_a_statement(world: World) -> None:
    with pytest.raises(Forbidden):
        services.propose_run(ProposeRun(), actor=world.alice, now=world.now)
    with pytest.raises(Forbidden):
        services.take_statement(TakeStatement(1, "x", 0, 0, (), "0" * 64), actor=world.bob, now=world.now)
    with pytest.raises(Forbidden):
        queries.breaks(world.bob)
    with pytest.raises(NothingDue):
        services.propose_run(ProposeRun(), actor=world.mona, now=world.now)


def test_a_stranger_sees_nothing_of_a_contracts_money(world: World) -> None:
    contract = stages.funded(world)
    for stranger in (world.mallory, world.carol):
        with pytest.raises(NotFound):
            queries.contract_money(contract.id, stranger)
    with pytest.raises(NotFound):
        queries.balances(world.mallory, world.bob.org)
    assert queries.requests(world.mallory) == []
    assert queries.contract_money(contract.id, world.sven).escrow.contract == contract.id


@pytest.mark.parametrize("wrong", ["sequence", "opening", "closing", "line"])
def test_a_statement_that_does_not_continue_the_chain_is_refused(world: World, wrong: str) -> None:
    stages.statement(world, stages.line("L1", 100, "A", world.now))
    row = stages.line("L1" if wrong == "line" else "L2", 5, "B", world.now)
    cmd = TakeStatement(
        3 if wrong == "sequence" else 2, stages.CUSTODY, 99 if wrong == "opening" else 100, 106 if wrong == "closing" else 105,
        (row,), "f" * 64,
    )  # fmt: skip
    with pytest.raises(StatementRefused):
        services.take_statement(cmd, actor=stages.BANK, now=world.now)


def test_the_same_statement_again_changes_nothing(world: World) -> None:
    first = stages.statement(world, stages.line("L1", 100, "A", world.now))
    cmd = TakeStatement(1, stages.CUSTODY, 0, 100, (stages.line("L1", 100, "A", world.now),), first.digest)
    assert services.take_statement(cmd, actor=stages.BANK, now=world.now) == first
    assert _balance("suspense", None) == (100, 0)


def test_a_key_gives_the_same_answer_once_and_refuses_other_content(world: World) -> None:
    cmd = SetBankAccount(world.alice.org, "户名", "杭州银行", "6228480000001234")
    first = services.set_bank_account(cmd, actor=world.alice, now=world.now, key="key-000001")
    assert services.set_bank_account(cmd, actor=world.alice, now=world.now, key="key-000001") == first
    other = SetBankAccount(world.alice.org, "户名", "杭州银行", "6228480000001235")
    with pytest.raises(KeyConflict):
        services.set_bank_account(other, actor=world.alice, now=world.now, key="key-000001")
    with pytest.raises(Forbidden):
        services.set_bank_account(cmd, actor=world.mallory, now=world.now)
    with pytest.raises(InputInvalid) as told:
        services.set_bank_account(SetBankAccount(world.alice.org, "", "", "12"), actor=world.alice, now=world.now)
    assert set(told.value.field_errors) == {"holder", "bank", "number"}


def test_a_statement_of_account_balances_and_prints_the_same_bytes(world: World) -> None:
    stages.confirmed(world)
    view = queries.statement(f"{world.now:%Y-%m}", world.alice)
    assert view.opening + view.credits - view.debits == view.closing == 0
    assert {line.title.en for line in view.lines} >= {"price of the trade", "the venue's fee", "paid out by the bank"}
    pdf = queries.statement_pdf(view, "zh", now=world.now)
    assert pdf.startswith(b"%PDF-") and pdf == queries.statement_pdf(view, "zh", now=world.now)
    with pytest.raises(InputInvalid):
        queries.statement("2026-13", world.alice)
