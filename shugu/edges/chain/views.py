"""The operator's page of anchors, and the line about anchors under a fact's proof."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shugu.edges.chain import queries
from shugu.edges.chain.domain import in_units
from shugu.edges.chain.queries import AnchorView, ChainView
from shugu.edges.chain.services import rule_on
from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.web.shapes import Chip, Tone
from shugu.web.tables import Column, Kind, make_table

_STATUS = {
    "prepared": Chip(Text("已签署", "signed"), Tone.PROGRESS),
    "sent": Chip(Text("已发送", "sent"), Tone.WAITING),
    "mined": Chip(Text("已入块", "in a block"), Tone.WAITING),
    "confirmed": Chip(Text("已确认", "confirmed"), Tone.GOOD),
    "undone": Chip(Text("因链重组失效", "undone by the chain"), Tone.BAD),
    "replaced": Chip(Text("已被更大的锚定取代", "a larger one came first"), Tone.NEUTRAL),
    "failed": Chip(Text("失败", "failed"), Tone.BAD),
}


@require_safe
def operations(request: HttpRequest) -> HttpResponseBase:
    """Chains, alarms, costs and every anchor, for the operator."""
    require(request, "operator")
    table = make_table(
        request, id="anchors", caption=Text("锚定", "Anchors"), rows=queries.anchors(),
        columns=[
            Column("chain", Text("链", "Chain")),
            Column("size", Text("日志大小", "Log size"), kind=Kind.NUMBER),
            Column("facts", Text("新增事实", "Facts added"), kind=Kind.NUMBER),
            Column("status", Text("状态", "Status"), value=lambda a: _STATUS[a.status], kind=Kind.CHIP),
            Column("prepared_at", Text("签署时间", "Signed"), kind=Kind.MOMENT),
            Column("tx", Text("交易", "Transaction"), value=_tx, kind=Kind.CODE),
            Column("block", Text("区块", "Block"), value=lambda a: a.block if a.block is not None else "—", kind=Kind.NUMBER),
            Column("gas", Text("燃料", "Gas"), value=lambda a: a.gas if a.gas is not None else "—", kind=Kind.NUMBER),
            Column("attempts", Text("发送次数", "Attempts"), kind=Kind.NUMBER),
            Column("why", Text("说明", "Note"), value=_note),
        ],
    )  # fmt: skip
    if table.wants_csv:
        return table.csv_response()
    try:
        chains, broken = [_shown(c) for c in queries.overview()], None
    except ShuguError as error:
        chains, broken = [], Text(error.message("zh"), error.message("en"))
    shown = {"chains": chains, "broken": broken, "table": table, **_rule()}
    return render(request, "chain/operations.html", shown)


def _rule() -> dict[str, int]:
    rule = rule_on()
    minutes, hours = rule.interval // timedelta(minutes=1), rule.longest // timedelta(hours=1)
    return {"growth": rule.growth, "minutes": minutes, "hours": hours, "confirmations": rule.confirmations}


def _tx(anchor: AnchorView) -> str:
    return "0x" + anchor.tx_hash.hex()[:12] + "…" if anchor.tx_hash else "—"


def _note(anchor: AnchorView) -> Text | str:
    parts = []
    if anchor.vanished:
        parts.append((f"随区块消失 {anchor.vanished} 次", f"vanished {anchor.vanished} times"))
    if anchor.relayed:
        parts.append(("他人代发", "sent by somebody else"))
    if anchor.why:
        parts.append((anchor.why, anchor.why))
    return Text("；".join(p[0] for p in parts), "; ".join(p[1] for p in parts)) if parts else ""


def _shown(view: ChainView) -> dict[str, object]:
    state = view.state
    silent = state is not None and (state.reached_at is None or clock.now() - state.reached_at > timedelta(minutes=1))
    cost = None
    if view.wei_per_thousand is not None and view.gas_per_thousand is not None:
        cost = (f"{in_units(view.wei_per_thousand)} {view.chain.unit}", f"{view.gas_per_thousand:,.0f}")
    return {
        "view": view, "state": state, "silent": silent, "cost": cost,
        "alarm": Text(state.alarm_zh, state.alarm_en) if state is not None and state.alarm else None,
        "open": _STATUS[view.open.status] if view.open else None,
    }  # fmt: skip


@require_safe
def operations_card(request: HttpRequest, place: str) -> HttpResponse:
    """The card on the operator's first page (slot "party.operations.cards")."""
    require(request, "operator")
    try:
        alarms = sum(1 for c in queries.overview() if c.state is not None and c.state.alarm)
    except ShuguError:
        alarms = 1
    return render(request, "chain/card.html", {"alarms": alarms})


@require_safe
def fact_anchor(request: HttpRequest, fact_id: int) -> HttpResponse:
    """Which anchors cover a fact (slot "evidence.fact.anchors"); as open to everybody as its place in the log."""
    rows = [(a, "0x" + (a.tx_hash or b"").hex()) for a in queries.covering(fact_id)]
    return render(request, "chain/fact.html", {"rows": rows, "used": bool(queries.configured())})
