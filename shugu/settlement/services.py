"""The door of settlement for those who act. Reading is in queries.py."""

from __future__ import annotations

from shugu.kernel.queries import name_fact
from shugu.settlement.bank_lines import ActOnBreak, BankLine, TakeStatement, act_on_break, take_statement
from shugu.settlement.escrows import (
    OpenEscrow,
    RefundEscrow,
    ReleaseEscrow,
    SetBankAccount,
    open_escrow,
    refund_escrow,
    release_escrow,
    set_bank_account,
)
from shugu.settlement.ledger import expire as expire_reservations
from shugu.settlement.netting import SetOff, require_set_off, set_off
from shugu.settlement.runs import ActOnRun, ProposeRun, act_on_run, propose_run
from shugu.settlement.venues import (
    AccrueShare,
    EndClaim,
    OpenClaim,
    PayShare,
    accrue_share,
    end_claim,
    open_claim,
    pay_share,
)

for _name, _zh, _en in (
    ("settlement.posted", "记账", "posted"),
    ("reservation.expired", "预留到期解除", "reservation expired"),
    ("instruction.issued", "付款指令发出", "payment instruction issued"),
    ("instruction.confirmed", "银行确认付款", "payment confirmed by the bank"),
    ("statement.taken", "接收银行对账单", "bank statement taken"),
    ("escrow.settled", "交易款项结清", "every payee has been paid"),
    ("bank_account.named", "登记收款账户", "account for payments named"),
    ("venue_claim.opened", "向其他场所请款", "money asked of another venue"),
    ("venue_claim.ended", "请款终止", "claim on another venue ended"),
    ("venue_claim.netted", "请款已轧差", "claim on another venue set off"),
    ("venue_claim.received", "其他场所付款到账", "money of another venue received"),
):
    name_fact(_name, _zh, _en)

__all__ = [
    "AccrueShare", "ActOnBreak", "ActOnRun", "BankLine", "EndClaim", "OpenClaim", "OpenEscrow", "PayShare", "ProposeRun",
    "RefundEscrow", "ReleaseEscrow", "SetBankAccount", "SetOff", "TakeStatement", "accrue_share", "act_on_break", "act_on_run",
    "end_claim", "expire_reservations", "open_claim", "open_escrow", "pay_share", "propose_run", "refund_escrow",
    "release_escrow", "require_set_off", "set_bank_account", "set_off", "take_statement",
]  # fmt: skip
