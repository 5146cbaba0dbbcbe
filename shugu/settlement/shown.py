"""Money as the components take it: chips, tables' columns, sources."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from shugu.kernel.rule_files import Force
from shugu.kernel.text import Text
from shugu.settlement.books import AccountLine, Statement, basis_words
from shugu.settlement.desk import DueLine
from shugu.settlement.domain import DUE_TITLES, DueKind
from shugu.settlement.trades import Basis
from shugu.web.from_kernel import document_title
from shugu.web.shapes import Chip, Source, Tone
from shugu.web.tables import Column, Kind

TONES = {
    "requested": Tone.WAITING, "funded": Tone.PROGRESS, "released": Tone.GOOD, "refunded": Tone.STOPPED,
    "expired": Tone.BAD, "cancelled": Tone.STOPPED, "proposed": Tone.WAITING, "issued": Tone.PROGRESS,
    "completed": Tone.GOOD, "rejected": Tone.BAD, "withdrawn": Tone.STOPPED, "found": Tone.WARNING,
    "matched": Tone.GOOD, "returned": Tone.GOOD, "explained": Tone.GOOD,
}  # fmt: skip


def chip(row: Any) -> Chip:
    return Chip(row.state_title, TONES.get(row.state, Tone.NEUTRAL))


def case_href(row: Any) -> str:
    return reverse("web:case", args=[row.case_number])


def source_of(basis: Basis) -> Source:
    title, number = document_title(basis.document)
    return Source(title, basis.article, Force(basis.force), number=number, note=basis_words(basis))


REQUESTS = (
    Column("number", Text("缴款编号（附言）", "Payment reference"), kind=Kind.CODE, order="number"),
    Column("contract_number", Text("合同", "Contract"), kind=Kind.CODE, order="contract_number"),
    Column("state", Text("状态", "State"), chip, Kind.CHIP),
    Column("requested", Text("应缴（元）", "Requested (CNY)"), kind=Kind.MONEY, order="requested"),
    Column("due_on", Text("缴款期限", "Pay by"), kind=Kind.DAY, order="due_on"),
    Column("case_number", Text("办件", "Case"), kind=Kind.CODE, href=case_href),
)


def _basis(line: AccountLine) -> Text | None:
    return basis_words(line.basis) if line.basis else None


LINES = (
    Column("effective_on", Text("日期", "Date"), kind=Kind.DAY, order="effective_on"),
    Column("title", Text("事项", "What"), order="title"),
    Column("basis", Text("依据", "Basis"), _basis),
    Column("contract_number", Text("合同", "Contract"), kind=Kind.CODE, order="contract_number"),
    Column("counterparty", Text("对方", "Counterparty"), order="counterparty"),
    Column("credit", Text("贷方（元）", "Credit (CNY)"), kind=Kind.MONEY, order="credit"),
    Column("debit", Text("借方（元）", "Debit (CNY)"), kind=Kind.MONEY, order="debit"),
    Column("balance", Text("余额（元）", "Balance (CNY)"), kind=Kind.MONEY),
)
READY = Chip(Text("已登记", "named"), Tone.GOOD)
NOT_NAMED = Chip(Text("未登记", "not named"), Tone.WAITING)
NOT_CLAIMED = Chip(Text("待场所间清算", "for the settlement between venues"), Tone.WAITING)


def _account(row: DueLine) -> Chip:
    if row.ready:
        return READY
    return NOT_CLAIMED if row.kind == DueKind.SELLING_VENUE else NOT_NAMED


DUES = (
    Column("owner", Text("收款方", "Payee"), order="owner"),
    Column("kind", Text("事项", "What"), lambda r: DUE_TITLES[r.kind]),
    Column("contract_number", Text("合同", "Contract"), kind=Kind.CODE, order="contract_number"),
    Column("amount", Text("金额（元）", "Amount (CNY)"), kind=Kind.MONEY, order="amount"),
    Column("since", Text("自", "Since"), kind=Kind.MOMENT, order="since"),
    Column("ready", Text("收款账户", "Bank account"), _account, Kind.CHIP),
)
RUNS = (
    Column("number", Text("结算单", "Run"), kind=Kind.CODE, order="number", href=case_href),
    Column("state", Text("状态", "State"), chip, Kind.CHIP),
    Column("payments", Text("笔数", "Payments"), lambda r: len(r.instructions), Kind.NUMBER),
    Column("total", Text("金额（元）", "Amount (CNY)"), kind=Kind.MONEY, order="total"),
    Column("proposed_at", Text("制单", "Proposed"), kind=Kind.MOMENT, order="proposed_at"),
    Column(
        "file", Text("指令文件", "Order file"), lambda r: f"{r.sequence:06d}" if r.sequence else "", Kind.CODE,
        href=lambda r: reverse("settlement:instruction_file", args=[r.number]) if r.sequence else "",
    ),
)  # fmt: skip
INSTRUCTION_STATES = {
    "proposed": Text("待复核", "to be checked"), "issued": Text("已发银行", "with the bank"),
    "confirmed": Text("银行已确认", "confirmed by the bank"), "dropped": Text("未发出", "not sent"),
}  # fmt: skip
INSTRUCTIONS = (
    Column("number", Text("指令", "Order"), kind=Kind.CODE),
    Column("payee", Text("收款人", "Payee")),
    Column("bank", Text("开户行", "Bank")),
    Column("account", Text("账号", "Account"), kind=Kind.CODE),
    Column("amount", Text("金额（元）", "Amount (CNY)"), kind=Kind.MONEY),
    Column("state", Text("状态", "State"), lambda i: INSTRUCTION_STATES[i.state]),
)  # fmt: skip
BREAKS = (
    Column("case_number", Text("差异", "Break"), kind=Kind.CODE, order="case_number", href=case_href),
    Column("title", Text("类别", "Kind"), order="title"),
    Column("state", Text("状态", "State"), chip, Kind.CHIP),
    Column("amount", Text("金额（元）", "Amount (CNY)"), kind=Kind.MONEY, order="amount"),
    Column("reference", Text("附言", "Reference"), kind=Kind.CODE),
    Column("counterparty", Text("对方", "Counterparty")),
    Column("booked_at", Text("银行记账", "Booked"), kind=Kind.MOMENT, order="booked_at"),
    Column("due_on", Text("处理期限", "Due"), kind=Kind.DAY, order="due_on"),
)


def statement_values(view: Statement) -> dict[str, Any]:
    """The statement as JSON: days ISO, money fen."""
    return {
        "organisation": {"number": view.org_number, "name": view.org_name},
        "period": view.period, "first": view.first.isoformat(), "last": view.last.isoformat(),
        "opening_fen": view.opening, "closing_fen": view.closing, "credits_fen": view.credits, "debits_fen": view.debits,
        "lines": [line_values(line) for line in view.lines],
        "held": [
            {
                "reference": h.escrow, "contract": h.contract_number, "amount_fen": h.amount,
                "holder": {"zh": h.holder.zh, "en": h.holder.en},
            }
            for h in view.held
        ],
    }  # fmt: skip


def line_values(line: AccountLine) -> dict[str, Any]:
    return {
        "at": line.at.isoformat(), "effective_on": line.effective_on.isoformat(), "kind": line.kind,
        "reference": line.reference, "contract": line.contract_number, "counterparty": line.counterparty.zh,
        "credit_fen": line.credit, "debit_fen": line.debit, "balance_fen": line.balance,
        "basis": vars(line.basis) if line.basis else None,
    }  # fmt: skip
