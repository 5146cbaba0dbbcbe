"""Venues, agreements and messages as the components take them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from shugu.edges.federation.queries import AgreementView, MessageLine, PeerView, PresentationView
from shugu.kernel.text import Text
from shugu.web.shapes import Chip, Record, Tone
from shugu.web.tables import Column, Kind

TONES = {
    "offered": Tone.WAITING, "signed": Tone.PROGRESS, "in_force": Tone.GOOD, "suspended": Tone.WARNING,
    "noticed": Tone.WARNING, "ended": Tone.STOPPED, "declined": Tone.BAD, "withdrawn": Tone.STOPPED,
}  # fmt: skip


def peer_chip(row: PeerView) -> Chip:
    if row.paused:
        return Chip(Text("已暂停", "paused"), Tone.STOPPED)
    if row.trouble:
        return Chip(Text("连接不上", "not reached"), Tone.BAD)
    return Chip(Text("正常", "in order"), Tone.GOOD)


def agreement_chip(row: AgreementView) -> Chip:
    return Chip(row.state_title, TONES.get(row.state, Tone.NEUTRAL))


def outcome_chip(row: MessageLine) -> Chip:
    if not row.outcome:
        return Chip(Text("待送达", "waiting"), Tone.BAD if row.error else Tone.WAITING)
    if row.outcome == "taken":
        return Chip(Text("已签收", "received"), Tone.GOOD)
    return Chip(Text(f"被拒：{row.outcome}", f"refused: {row.outcome}"), Tone.BAD)


def _peer_href(row: Any) -> str:
    return reverse("federation:peer", args=[row.venue])


PEERS = (
    Column("venue", Text("场所", "Venue"), "title", href=_peer_href),
    Column("origin", Text("来源", "Origin"), kind=Kind.CODE),
    Column("state", Text("状态", "State"), peer_chip, Kind.CHIP),
    Column("sent", Text("已发", "Sent"), kind=Kind.NUMBER),
    Column("waiting", Text("待送达", "Waiting"), kind=Kind.NUMBER),
    Column("received", Text("已收", "Received"), kind=Kind.NUMBER),
)
AGREEMENTS = (
    Column(
        "reference", Text("协议编号", "Agreement"), kind=Kind.CODE,
        href=lambda r: reverse("federation:agreement", args=[r.reference]),
    ),
    Column("peer", Text("对方", "With")),
    Column("state", Text("状态", "State"), agreement_chip, Kind.CHIP),
    Column("from", Text("自", "From"), "valid_from", Kind.DAY),
    Column("until", Text("至", "Until"), "valid_until", Kind.DAY),
)  # fmt: skip
MESSAGES = (
    Column("way", Text("方向", "Way"), lambda m: Text("发出", "sent") if m.sent else Text("收到", "received")),
    Column("sequence", Text("序号", "No."), kind=Kind.NUMBER),
    Column("kind", Text("种类", "Kind"), kind=Kind.CODE),
    Column("at", Text("时间", "Time"), kind=Kind.MOMENT),
    Column("outcome", Text("结果", "Outcome"), outcome_chip, Kind.CHIP),
)


def recognition_lines(terms: dict[str, Any], names: dict[str, Text]) -> list[dict[str, Any]]:
    """Who recognises what of whom, and which materials that waives, for the agreement's page."""
    return [
        {
            "by": names.get(row["by"], Text(row["by"], row["by"])), "of": names.get(row["of"], Text(row["of"], row["of"])),
            "kinds": ", ".join(row["kinds"]), "regimes": ", ".join(row["regimes"]),
            "waives": [f"{w['register']} / {w['operation']}: {', '.join(w['materials'])}" for w in row["waives"]],
        }
        for row in terms["recognises"]
    ]  # fmt: skip


STATES = {
    "waiting": Chip(Text("待核验", "to be checked"), Tone.WAITING),
    "recognised": Chip(Text("已承认", "recognised"), Tone.GOOD),
    "refused": Chip(Text("不予承认", "not recognised"), Tone.BAD),
}
OUTCOMES = {
    "ok": Chip(Text("通过", "passed"), Tone.GOOD),
    "failed": Chip(Text("不通过", "failed"), Tone.BAD),
    "skipped": Chip(Text("未检查", "skipped"), Tone.NEUTRAL),
}
PRESENTATIONS = (
    Column(
        "number", Text("编号", "Number"), kind=Kind.CODE, href=lambda r: reverse("federation:presentation", args=[r.number])
    ),
    Column("certificate", Text("证书", "Certificate"), kind=Kind.CODE),
    Column("venue", Text("签发场所", "Issued by")),
    Column("state", Text("结果", "Result"), lambda r: presentation_chip(r), Kind.CHIP),
    Column("at", Text("时间", "Time"), "presented_at", Kind.MOMENT),
)


def presentation_chip(row: PresentationView) -> Chip:
    if row.state == "recognised" and not row.live:
        return Chip(Text("承认已失效", "recognition ended"), Tone.STOPPED)
    return STATES[row.state]


def presentation_record(row: PresentationView) -> Record:
    return Record(
        row.title or Text("其他场所文件", "Document of another venue"), number=row.number,
        kind=Text("出示的证书", "presented certificate"), state=presentation_chip(row),
        dates=((Text("出示", "presented"), row.presented_at), (Text("核验", "checked"), row.checked_at)),
    )  # fmt: skip


def check_lines(row: PresentationView) -> list[tuple[int, Text, Chip, Text]]:
    """(number, what is checked, outcome, detail)."""
    return [(c["n"], Text(*c["title"]), OUTCOMES[c["outcome"]], Text(*c["detail"])) for c in row.checks]


def waiver_lines(row: PresentationView, *, may_apply: bool) -> list[dict[str, Any]]:
    """For each register and operation the materials the agreement waives, and where to apply."""
    return [
        {
            "register": w["register"], "operation": w["operation"], "materials": ", ".join(w["materials"]),
            "href": reverse("federation:apply", args=[row.number, w["register"], w["operation"]]) if may_apply else "",
        }
        for w in row.waives
    ]  # fmt: skip
