"""How contracts and vouchers stand: kinds of credentials (shugu.kernel.credentials) and their bits in the status lists.

A contract ends by people and by clocks alike, so its bits follow the fact, by a durable subscriber, within a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from django.urls import reverse

from shugu.formats.status import Flag
from shugu.kernel import credentials, runtime, status
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type
from shugu.kernel.journal import FactView
from shugu.kernel.models import Cursor, Fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.trade import queries, withdrawing
from shugu.trade.models import Contract, Voucher

CONTRACT: Final = Flag.REVOKED | Flag.CANCELLED
VOUCHER: Final = Flag.REVOKED
SUBSCRIBER: Final = "trade.status"
# What ends a contract that the venue approved before it was performed.
ENDS: Final[Mapping[str, tuple[Flag, Line]]] = {
    "contract.terminated": (Flag.REVOKED, Line("revoked", title=Text("已终止", "terminated"))),
    "contract.lapsed": (Flag.CANCELLED, Line("cancelled", title=Text("逾期失效", "lapsed"))),
}


def mark_ended(fact: FactView) -> None:
    row = Contract.objects.filter(case_id=fact.case or 0, seat__isnull=False).first()
    if row is not None and row.seat is not None:
        status.mark({row.seat: ENDS[fact.name][0]})


def by_the_books_contracts(on: date) -> Iterator[tuple[int, Flag]]:
    """As far as the subscriber has read: what it has not handled yet is not said yet."""
    read = Cursor.objects.filter(subscriber=SUBSCRIBER).values_list("position", flat=True).first() or 0
    ended = Fact.objects.filter(name__in=list(ENDS), place__position__lt=read).order_by("id").values_list("case_id", "name")
    seats = dict(Contract.objects.filter(seat__isnull=False).values_list("case_id", "seat"))
    for case, name in ended:
        seat = seats.get(case) if case is not None else None
        if seat is not None:
            yield seat, ENDS[name][0]


def by_the_books_vouchers(on: date) -> Iterator[tuple[int, Flag]]:
    rows = Voucher.objects.filter(withdrawn_at__isnull=False, seat__isnull=False).order_by("seat")
    for seat in rows.values_list("seat", flat=True):
        if seat is not None:
            yield seat, Flag.REVOKED


def find_contract(number: str, on: date) -> Standing | None:
    """Told only to who shows the document: what two sides agreed is theirs."""
    row = Contract.objects.filter(number=number).exclude(document_digest="").first()
    approved = Fact.objects.filter(case_id=row.case_id, name="contract.approved").order_by("-id").first() if row else None
    if row is None or approved is None or local_day(approved.recorded_at) > on:
        return None
    ended = Fact.objects.filter(case_id=row.case_id, name__in=list(ENDS)).order_by("id").first()
    found = []
    if ended is not None and local_day(ended.recorded_at) <= on:
        ground = str(json.loads(ended.payload or "{}").get("data", {}).get("ground", ""))
        line = ENDS[ended.name][1]
        found.append(Line(line.facet, runtime.rules_on(on).value("trade.termination_grounds").article or "", ground, line.title))
    return Standing(
        number=row.number, title=Text("数据交易合同", "Data contract"), digest=row.document_digest,
        issued_at=approved.recorded_at, valid_until=None, lines=lines(found, on=on, valid_until=None, article=""),
        fact=approved.pk, seat=row.seat, public=False, href=reverse("trade:contract", args=[row.number]),
    )  # fmt: skip


def find_voucher(number: str, on: date) -> Standing | None:
    row = Voucher.objects.filter(number=number).first()
    if row is None or local_day(row.issued_at) > on:
        return None
    withdrawn = row.withdrawn_at is not None and local_day(row.withdrawn_at) <= on
    ground = withdrawing.ground_title(row.withdrawn_ground)
    why = Text(f"已撤销：{ground.zh}", f"withdrawn: {ground.en}")
    found = [Line("revoked", "", row.withdrawn_document, why)] if withdrawn else []
    public = queries.voucher(number).public
    return Standing(
        number=row.number, title=Text("数据交易凭证", "Data transaction voucher"), digest=row.digest, issued_at=row.issued_at,
        valid_until=None, lines=lines(found, on=on, valid_until=None, article=""), fact=row.fact, seat=row.seat, public=True,
        rows=(
            (Text("产品", "Product"), public["product"]["title"]), (Text("登记条目", "Registration"), public["registration"]),
            (Text("金额档次", "Amount class"), public["amount_class"]), (Text("完成日期", "Completed on"), row.completed_on),
        ),
        href=reverse("trade:voucher", args=[row.number]),
    )  # fmt: skip


def register() -> None:
    credentials.register_kind(
        Kind(
            name="trade.contract", prefix="CTR-", app="trade", types=one_type("DataContract", "数据交易合同", "Data contract"),
            subject=("terms", "terms_digest", "signatures"), flags=CONTRACT, find=find_contract,
            where=("/contracts/{number}.json", "/contracts/{number}.pdf"), by_the_books=by_the_books_contracts,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="trade.voucher", prefix="VCH-", app="trade", flags=VOUCHER,
            types=one_type("DataTransactionVoucher", "数据交易凭证", "Data transaction voucher"),
            subject=("contract", "provider", "buyer", "product", "registration", "delivery_form", "delivery", "amount",
                     "settlement", "affiliated", "completed_on"),
            where=("/vouchers/{number}.json", "/vouchers/{number}.pdf"), find=find_voucher, by_the_books=by_the_books_vouchers,
        )
    )  # fmt: skip
