"""What settlement refuses, and how it says so."""

from __future__ import annotations

from shugu.formats.errors import FormatError, ShuguError
from shugu.kernel.errors import Refused


class InsufficientFunds(Refused):
    code = "insufficient-funds"
    sentence = ("账户可用余额不足。", "The account's free balance does not suffice.")
    remedy = ("等待款项到账，或核对金额。", "Wait for the money to arrive, or check the amount.")


class ReferenceConflict(ShuguError):
    code = "reference-conflict"
    status = 409
    sentence = ("凭证号 {reference} 已用于内容不同的记账。", "The reference {reference} was used with other content.")
    remedy = ("核对原记账；新的记账换用新的凭证号。", "Check the first entry; a new one takes a new reference.")


class ReservationClosed(Refused):
    code = "reservation-closed"
    sentence = ("该笔预留已{state}，不能再动用。", "This reservation is already closed ({state}).")
    remedy = ("刷新后核对账户明细。", "Reload and check the account's history.")


class TooMuch(Refused):
    code = "more-than-reserved"
    sentence = ("转出金额超过预留金额。", "More would move than was reserved.")
    remedy = ("核对分配金额。", "Check the amounts of the split.")


class NothingDue(Refused):
    code = "nothing-due"
    sentence = ("没有可以付出的款项。", "Nothing is due that could be paid.")
    remedy = ("收款方登记收款账户、交付验收后再结算。", "Wait for acceptance and for payees to name their bank accounts.")


class StatementRefused(FormatError):
    code = "statement-refused"
    sentence = ("对账单不予接收：{reason}。", "The bank statement is not taken: {reason}.")
    remedy = ("请银行重发正确的对账单。", "Ask the bank to send a correct one.")


class NotEnoughMatched(Refused):
    code = "not-enough-matched"
    sentence = ("所选款项合计 {have} 元，不足应缴 {need} 元。", "The money chosen is ¥{have}, less than the ¥{need} requested.")
    remedy = ("待其余款项到账后一并认领，或退回。", "Match it with the rest when that has arrived, or send it back.")


class DemoOnly(Refused):
    code = "demo-only"
    status = 403
    sentence = ("模拟银行只存在于演示场所。", "The simulated bank exists in demonstration venues only.")
    remedy = ("真实场所请接入存管银行。", "A real venue connects its custody bank.")
