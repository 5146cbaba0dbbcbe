"""The door of settlement for those who read. A stranger finds nothing; an organisation sees its own money."""

from __future__ import annotations

from shugu.settlement.audit import audit
from shugu.settlement.books import (
    AccountLine,
    Balances,
    Held,
    Statement,
    balances,
    history,
    statement,
    statement_document,
    statement_pdf,
    statement_periods,
)
from shugu.settlement.desk import (
    BreakView,
    InstructionView,
    Reconciliation,
    RunView,
    breaks,
    due_lines,
    instruction_files,
    reconciliation,
    run_case,
    runs,
)
from shugu.settlement.trades import ContractMoney, EscrowView, MoneyLine, contract_money, requests
from shugu.settlement.venues import Between, accrued, between, our_account, shared

__all__ = [
    "AccountLine", "Balances", "Between", "BreakView", "ContractMoney", "EscrowView", "Held", "InstructionView", "MoneyLine",
    "Reconciliation", "RunView", "Statement", "accrued", "audit", "balances", "between", "breaks", "contract_money",
    "due_lines", "history", "instruction_files", "our_account", "reconciliation", "requests", "run_case", "runs", "shared",
    "statement", "statement_document", "statement_pdf", "statement_periods",
]  # fmt: skip
