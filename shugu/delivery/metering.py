"""What a connector has metered by now, asked while data flow. A receipt counts; this only shows how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.delivery import queries, wire
from shugu.delivery.errors import ConnectorUnreachable, NotOpen
from shugu.delivery.models import Grant
from shugu.kernel.cases import Actor

_TIMEOUT_S = 4.0  # a reader waits for the answer


@dataclass(frozen=True)
class Metered:
    """`sent` counts every byte that left, `billable` each byte of a delivery once; `complete` of `deliveries` are done."""

    grant: str
    at: datetime
    deliveries: int
    complete: int
    sent: int
    billable: int


def live_meter(number: str, actor: Actor, now: datetime) -> Metered:
    """The connector's own count of a delivery's grant, now. The signed grant is shown to it again, which changes nothing
    there and proves who asks. Errors: NotFound, NotOpen (no grant lies at the connector), and those of the wire."""
    found = queries.delivery(number, actor)
    row = Grant.objects.select_related("connector").filter(number=found.grant.number).first() if found.grant else None
    if row is None or row.taken_at is None or row.state == "revoked" or row.valid_until <= now:
        raise NotOpen(why=("没有在连接器上生效的授权", "no grant is in force at the connector"))
    told = wire.post(row.connector.url, ("grants",), row.document, _TIMEOUT_S).get("metered")
    counts = {name: _count(told, name) for name in ("deliveries", "complete", "sent", "billable")}
    if None in counts.values():
        raise ConnectorUnreachable(url=row.connector.url, why=("没有给出计量", "it told no count"))
    return Metered(row.number, now, **{name: count or 0 for name, count in counts.items()})


def _count(told: Any, name: str) -> int | None:
    value = told.get(name) if isinstance(told, dict) else None
    return value if type(value) is int and value >= 0 else None
