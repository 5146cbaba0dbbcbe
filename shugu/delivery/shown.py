"""Deliveries and connectors in the shapes of the components: chips, records, acts, usage, the lines a buyer copies."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from django.urls import reverse

from shugu.delivery.queries import ConnectorView, DeliveryView, GrantView
from shugu.kernel import queries as kernel
from shugu.kernel.cases import Actor
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.web import case_shapes, language
from shugu.web.shapes import Act, Chip, Record, Tone, Words

PROCEDURE: Final = "delivery.delivery"
TONES: Final = {
    "opening": Tone.WAITING, "granted": Tone.PROGRESS, "delivering": Tone.PROGRESS, "delivered": Tone.WAITING,
    "suspended": Tone.STOPPED, "redelivery": Tone.WARNING, "accepted": Tone.GOOD, "failed": Tone.BAD, "revoked": Tone.STOPPED,
}  # fmt: skip
SIDES: Final = {"provider": Text("提供方", "provider"), "buyer": Text("需求方", "buyer"), "": Text("交易场所", "venue")}
GRANT_STATES: Final = {
    "active": (Text("授权有效", "grant active"), Tone.GOOD), "suspended": (Text("授权暂停", "grant suspended"), Tone.WARNING),
    "revoked": (Text("授权已撤销", "grant revoked"), Tone.STOPPED),
}  # fmt: skip
# Acts of the page, in order, with who sees them and from which states; the service decides whether it may be done.
LIVE: Final = ("opening", "granted", "delivering", "delivered", "suspended", "redelivery")
SHOWN: Final[tuple[tuple[str, Text, str, tuple[str, ...]], ...]] = (
    ("accept", Text("验收合格", "Accept"), "buyer", ("delivered",)),
    ("reject", Text("拒收", "Reject"), "buyer", ("delivered", "suspended")),
    ("confirm", Text("核对摘要", "Check the digest"), "buyer", ("delivering", "delivered", "suspended", "accepted")),
    ("redeliver", Text("重新交付", "Deliver again"), "provider", ("redelivery",)),
    ("fail", Text("认定交付不成", "Declare it failed"), "provider", LIVE),
)


def state_chip(state: str) -> Chip:
    return Chip(table(PROCEDURE).state[state].title, TONES[state])


def side(side: str) -> Text:
    return SIDES[side]


def grant_chip(grant: GrantView) -> Chip:
    if grant.state == "active" and grant.taken_at is None:
        if grant.problem is not None:
            return Chip(Text("下发失败，将自动重试", "could not be sent; it will be tried again"), Tone.BAD)
        return Chip(Text("正在下发到连接器", "being sent to the connector"), Tone.WAITING)
    title, tone = GRANT_STATES[grant.state]
    return Chip(title, tone)


def digest_chip(found: DeliveryView) -> Chip:
    if not found.confirmed_digest:
        return Chip(Text("需求方尚未核对", "not checked by the buyer yet"), Tone.NEUTRAL)
    if found.confirmed_digest == found.data_digest:
        return Chip(Text("与合同一致", "the same as the contract's"), Tone.GOOD)
    return Chip(Text("与合同不一致", "not the contract's"), Tone.BAD)


def record(found: DeliveryView, actor: Actor, now: datetime) -> Record:
    names = parties.org_names((found.provider_org, found.buyer_org), language.current())
    faces = clocks(found, now)
    return Record(
        name=found.product_title, number=found.number, kind=Text("交付", "Delivery"), state=state_chip(found.state),
        holder=f"{names[found.provider_org]} → {names[found.buyer_org]}",
        dates=((Text("开通", "opened"), found.opened_at),), clock=faces[0] if faces else None,
        acts=(), subject=f"delivery.delivery:{found.case}",
    )  # fmt: skip


def clocks(found: DeliveryView, now: datetime) -> list[Any]:
    from shugu.web.from_kernel import clock_of

    return [clock_of(line) for line in kernel.clocks(found.case, now) if line.kind != "window"]


def events(found: DeliveryView, actor: Actor, now: datetime) -> Any:
    from shugu.kernel.models import Case

    return case_shapes.events_of(Case.objects.get(pk=found.case), actor, now)


def acts(found: DeliveryView, actor: Actor, now: datetime) -> list[Act]:
    mine, operator = found.side_of(actor.org), "operator" in actor.seats
    out = [
        Act(
            do, title, reverse("delivery:act", args=[found.number, do]), "get", primary=do == "accept",
            danger=do in ("reject", "fail"),
        )
        for do, title, who, states in SHOWN
        if found.state in states and (mine == who or (operator and do == "fail"))
    ]
    grant = found.grant
    if grant is not None and grant.state != "revoked" and (mine == "provider" or operator):
        change = ("resume", Text("恢复授权", "Resume the grant"))
        if grant.state == "active":
            change = ("suspend", Text("暂停授权", "Suspend the grant"))
        for do, title in (change, ("revoke", Text("撤销授权", "Revoke the grant"))):
            out.append(Act(do, title, reverse("delivery:act", args=[found.number, do]), "get", danger=do == "revoke"))
    return out


def curl(grant: GrantView, token: str) -> str:
    """One line that resumes where it stopped; the token is the environment's, so that it stays out of the history."""
    purpose = f" -H {shlex.quote(f'Purpose: {quote(grant.purposes[0])}')}" if grant.purposes else ""
    start = f"export SHUGU_TOKEN={shlex.quote(token)}\n" if token else ""
    return (
        f'{start}curl --fail -C - -o {shlex.quote(grant.file)} -H "Authorization: Bearer $SHUGU_TOKEN"{purpose} '
        f"{shlex.quote(grant.url)}\nsha256sum {shlex.quote(grant.file)}"
    )


def python(grant: GrantView, token: str) -> str:
    """Pulls, resumes, checks the digest, acknowledges and returns the receipt."""
    purpose = f", purpose={grant.purposes[0]!r}" if grant.purposes else ""
    shown = repr(token) if token else "os.environ['SHUGU_TOKEN']"
    head = "from pathlib import Path; from connector.client import pull"
    return f"{'' if token else 'import os; '}{head}; pull({grant.url!r}, {shown}, Path({grant.file!r}){purpose})"


def usage_lines(grant: GrantView) -> list[tuple[Words, str]]:
    used = grant.usage
    none = str(Text("合同未设上限", "no limit set"))
    got = sum(end - start for start, end in used.files.get(grant.file, ()))
    lines: list[tuple[Words, str]] = [
        (Text("已送达", "Delivered"), f"{got:,} / {grant.size:,} B"),
        (Text("计费字节", "Billable bytes"), f"{used.billable:,}"),
        (Text("实际发送（含重传）", "Sent, repetitions included"), f"{used.sent:,}"),
        (Text("交付次数", "Deliveries"), f"{used.deliveries:,}"),
        (Text("剩余次数", "Deliveries left"), none if used.count_left is None else f"{used.count_left:,}"),
        (Text("剩余字节", "Bytes left"), none if used.bytes_left is None else f"{used.bytes_left:,}"),
    ]
    if used.limits.requests_per_minute is not None:
        lines.append((Text("每分钟请求上限", "Requests a minute"), f"{used.limits.requests_per_minute:,}"))
    return lines


def health_chip(found: ConnectorView) -> Chip:
    if found.checked_at is None:
        return Chip(Text("尚未检查", "not checked yet"), Tone.NEUTRAL)
    if found.problem is not None:
        return Chip(Text("异常", "in trouble"), Tone.BAD)
    return Chip(Text("正常", "healthy"), Tone.GOOD)
