"""What the venue signs about money, as kinds of credentials (shugu.kernel.credentials)."""

from __future__ import annotations

from datetime import date

from shugu.kernel import credentials
from shugu.kernel.credentials import Kind, Standing, lines, one_type
from shugu.kernel.models import Fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.settlement.models import Run

ORDER = Text("付款指令文件", "payment instructions")


def find_order(number: str, on: date) -> Standing | None:
    """Told only to who shows the document: the bank and the venue."""
    row = Run.objects.filter(number=number).exclude(digest="").first()
    if row is None or row.issued_at is None or local_day(row.issued_at) > on:
        return None
    issued = (
        Fact.objects.filter(case_id=row.case_id, name="run.issued").order_by("id").values_list("pk", flat=True).first()
    )
    return Standing(
        number=row.number, title=ORDER, digest=row.digest, issued_at=row.issued_at, valid_until=None,
        lines=lines((), on=on, valid_until=None, article=""), fact=issued or 0, seat=None, public=False,
        rows=((Text("文件序号", "File number"), row.sequence),),
    )  # fmt: skip


def register() -> None:
    credentials.register_kind(
        Kind(
            name="settlement.order", prefix="RUN-", app="settlement", types=one_type("PaymentInstructions", ORDER.zh, ORDER.en),
            subject=("sequence", "currency", "count", "total_fen", "payments"), where=("/operations/settlement/{number}.json",),
            find=find_order,
            lasting=Text(
                "发出即由银行执行一次（文件序号不重复），执行与退汇由银行对账单说明，不能收回。",
                "The bank executes it once (its file number never comes twice); what was paid or came back, the bank's statement "
                "says, and it cannot be called back.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="settlement.statement", app="settlement",
            types=one_type("AccountStatement", "资金对账单", "statement of account"),
            subject=("organisation", "period", "first", "last", "opening_fen", "closing_fen", "credits_fen",
                     "debits_fen", "lines", "held"),
            where=("/money/statements/{period}.json", "/money/statements/{period}.pdf"),
            lasting=Text(
                "它陈述所载期间的账目，打印时签名、不入日志；账目只增不改，以后的变动见以后的对账单。",
                "It states the books of its period, signed when printed and not logged; the books only grow, and what comes "
                "later stands in a later statement.",
            ),
        )
    )  # fmt: skip
