"""Listings of other venues and shared ones as the components take them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from shugu.catalogue import queries as catalogue
from shugu.edges.federation.queries_zone import FeedLine, OrderLine, SharedLine, ZoneView
from shugu.kernel.text import Text
from shugu.web.shapes import Chip, Tone
from shugu.web.tables import Column, Kind

# What the listing pins by digest, by member.
DIGESTS = (
    (Text("数据", "data"), "data"), (Text("产品版本", "product version"), "content"),
    (Text("数据字典", "data dictionary"), "dictionary"), (Text("样例", "sample"), "sample"),
    (Text("许可策略", "licence policy"), "policy"),
)  # fmt: skip


def title(row: ZoneView, lang: str) -> str:
    d = row.listing
    return str(d["title_en"] or d["title"]) if lang == "en" else str(d["title"])


def provider(row: ZoneView, lang: str) -> str:
    d: Any = row.listing["provider"]
    return str(d["name_en"] or d["name"]) if lang == "en" else str(d["name"])


def unit(code: str) -> Text:
    return catalogue.unit_title(code)


def quality(row: ZoneView) -> str:
    """As a percentage; "" where none was reported."""
    found: Any = row.listing["quality"]
    return f"{found['score'] // 100}.{found['score'] % 100:02d}%" if found is not None else ""


def fresh_chip(row: ZoneView) -> Chip:
    if row.same_as is not None:
        return Chip(Text("同一标的", "same object"), Tone.WARNING)
    if row.stale:
        return Chip(Text("未及时确认，暂停下单", "not confirmed in time, no orders"), Tone.WARNING)
    return Chip(Text("已确认在售", "confirmed as listed"), Tone.GOOD)


def _answer(row: SharedLine) -> Chip:
    if row.withdrawn_at is not None:
        return Chip(Text("已撤回", "withdrawn"), Tone.STOPPED)
    if row.answer == "same_object":
        return Chip(Text(f"同一标的：{row.answer_code}", f"same object: {row.answer_code}"), Tone.WARNING)
    if row.answer == "refused":
        return Chip(Text(f"未展示：{row.answer_code}", f"not shown: {row.answer_code}"), Tone.BAD)
    return Chip(Text("已共享", "shared"), Tone.GOOD)


def _feed(row: FeedLine) -> Chip:
    if row.gap:
        return Chip(Text("缺消息，正在核对", "a message is missing, comparing"), Tone.WARNING)
    if row.trouble:
        return Chip(Text("核对不成", "cannot be compared"), Tone.BAD)
    return Chip(Text("一致", "in step"), Tone.GOOD)


SHARED = (
    Column("product", Text("产品", "Product"), kind=Kind.CODE),
    Column("venue", Text("场所", "Venue")),
    Column("version", Text("版本", "Version"), kind=Kind.CODE),
    Column("told", Text("告知时间", "Told"), "told_at", Kind.MOMENT),
    Column("state", Text("状态", "State"), _answer, Kind.CHIP),
)
FEEDS = (
    Column("title", Text("场所", "Venue")),
    Column("sent", Text("已告知", "Told"), kind=Kind.NUMBER),
    Column("heard", Text("已收到", "Heard"), kind=Kind.NUMBER),
    Column("shown", Text("展示", "Shown"), kind=Kind.NUMBER),
    Column("same", Text("同一标的", "Same object"), kind=Kind.NUMBER),
    Column("refused", Text("未展示", "Not shown"), kind=Kind.NUMBER),
    Column("confirmed", Text("最近一致", "Last in step"), "confirmed_at", Kind.MOMENT),
    Column("state", Text("状态", "State"), _feed, Kind.CHIP),
)
_ORDER_TONES = {
    "placed": Tone.WAITING, "admitted": Tone.PROGRESS, "contracted": Tone.PROGRESS, "completed": Tone.GOOD, "refused": Tone.BAD,
    "withdrawn": Tone.STOPPED, "ended": Tone.STOPPED,
}  # fmt: skip


def order_chip(row: OrderLine) -> Chip:
    reason = f" · {row.reason}" if row.reason else ""
    return Chip(Text(row.state_title.zh + reason, row.state_title.en + reason), _ORDER_TONES[row.state])


SIDES = {"listing": Text("挂牌", "lists"), "selling": Text("成交", "sells")}
ORDERS = (
    Column(
        "number", Text("订单", "Order"), kind=Kind.CODE, href=lambda r: reverse("federation:order", args=[r.side, r.number]),
    ),
    Column("venue", Text("对方场所", "Other venue")),
    Column("side", Text("本场所", "This venue"), lambda r: SIDES[r.side]),
    Column("title", Text("产品", "Product")),
    Column("state", Text("状态", "State"), order_chip, Kind.CHIP),
    Column("contract", Text("合同", "Contract"), kind=Kind.CODE),
    Column("listing", Text("挂牌费（元）", "Listing (CNY)"), "listing_fen", Kind.MONEY),
    Column("selling", Text("成交费（元）", "Selling (CNY)"), "selling_fen", Kind.MONEY),
    Column("placed", Text("下单", "Placed"), "placed_at", Kind.DAY),
)
