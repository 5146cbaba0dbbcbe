"""Settlements between venues as the components take them."""

from __future__ import annotations

from django.urls import reverse

from shugu.edges.federation.queries_settling import SettlementView, Standing
from shugu.kernel.text import Text
from shugu.web.shapes import Chip, Tone
from shugu.web.tables import Column, Kind

_TONES = {
    "claimed": Tone.WAITING, "agreed": Tone.PROGRESS, "paid": Tone.PROGRESS, "received": Tone.GOOD, "declined": Tone.BAD,
    "netted": Tone.GOOD,
}  # fmt: skip
SIDES = {"claimant": Text("应收", "owed to us"), "debtor": Text("应付", "owed by us")}


def chip(row: SettlementView) -> Chip:
    reason = f" · {row.reason}" if row.reason else ""
    if row.state == "agreed" and row.period and not row.nets:
        return Chip(Text("已确认，待轧差", "agreed, to be netted"), _TONES[row.state])
    return Chip(Text(row.state_title.zh + reason, row.state_title.en + reason), _TONES[row.state])


def _href(row: SettlementView) -> str:
    return reverse("federation:settlement", args=[row.side, row.number])


def _payee(row: Standing) -> str | Text:
    return row.payee_name or Text("未登记收付单位", "no organisation named")


STANDINGS = (
    Column("title", Text("场所", "Venue")),
    Column("payee", Text("收付单位", "Its organisation"), _payee),
    Column("to_them", Text("应付（元）", "We owe (CNY)"), kind=Kind.MONEY),
    Column("to_us", Text("应收（元）", "Owed to us (CNY)"), kind=Kind.MONEY),
    Column("claimable", Text("可请款（元）", "Not claimed yet (CNY)"), kind=Kind.MONEY),
)
SETTLEMENTS = (
    Column("number", Text("清算单", "Settlement"), kind=Kind.CODE, href=_href),
    Column("venue", Text("对方场所", "Other venue"), "venue_title"),
    Column("side", Text("方向", "Direction"), lambda r: SIDES[r.side]),
    Column("amount", Text("金额（元）", "Amount (CNY)"), kind=Kind.MONEY),
    Column("state", Text("状态", "State"), chip, Kind.CHIP),
    Column("instruction", Text("付款指令", "Instruction"), kind=Kind.CODE),
    Column("claimed", Text("请款", "Claimed"), "claimed_at", Kind.DAY),
)
ORDERS = (
    Column("order", Text("订单", "Order"), kind=Kind.CODE),
    Column("selling_fen", Text("成交场所分成（元）", "Selling venue's part (CNY)"), kind=Kind.MONEY),
    Column("voucher", Text("凭证摘要", "Digest of the voucher"), kind=Kind.CODE),
)
NETS = (
    Column("settlement", Text("清算单", "Settlement"), kind=Kind.CODE),
    Column("claimant", Text("请款场所", "Claimed by"), kind=Kind.CODE),
    Column("amount_fen", Text("金额（元）", "Amount (CNY)"), kind=Kind.MONEY),
)
