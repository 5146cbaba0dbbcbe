"""What settlements and nettings between venues have in common: a row with its case, and how either side acts on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shugu.edges.federation.errors import NoPayee
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import Feed
from shugu.formats.errors import BadMessage
from shugu.kernel import engine
from shugu.kernel.cases import Actor, Command
from shugu.kernel.vocabulary import context
from shugu.party import queries as parties

PROCEDURE, SUBJECT = "federation.settlement", "federation.settlement"
CLAIMANT, DEBTOR = "claimant", "debtor"
_ACCOUNT = {"holder": 200, "bank": 200, "number": 40}


@context(SUBJECT)
def settlement_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


def venue_org(peer: Peer) -> int:
    """The peer's own organisation here. Errors: NoPayee."""
    payee = Feed.objects.filter(peer=peer).values_list("payee", flat=True).first()
    if not payee:
        raise NoPayee(origin=peer.origin)
    return parties.organisation_by_number(payee).id


def open_one(
    peer: Peer, number: str, side: str, org: int, *, amount: int, account: Mapping[str, str], actor: Actor, now: datetime,
    orders: Sequence[Mapping[str, Any]] = (), period: str = "", nets: Sequence[Mapping[str, Any]] = (),
) -> VenueSettlement:  # fmt: skip
    """A settlement with its case: of orders, or (`nets`) of settlements whose balance `amount` is."""
    data = {"settlement": number, "side": side, "with": peer.origin, "amount_fen": amount, "orders": len(orders)}
    data |= {"period": period, "settlements": len(nets)} if nets else {}
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{number} · {peer.title[0]}"[:200], subjects=[f"federation.peer:{peer.origin}"],
        data={"settlement": number, "side": side}, fact_data=data,
        digests={f"voucher_{place}": row["voucher"] for place, row in enumerate(orders, 1)},
    )  # fmt: skip
    return VenueSettlement.objects.create(
        case_id=case, peer=peer, number=number, side=side, org_id=org, amount=amount, orders=list(orders), account=dict(account),
        claimed_at=now, period=period, nets=list(nets),
    )  # fmt: skip


def act(row: VenueSettlement, do: str, actor: Actor, now: datetime, given: Mapping[str, Any] | None = None, **data: Any) -> None:
    facts = {"settlement": row.number, "side": row.side, "with": row.peer.origin, "amount_fen": row.amount, **data}
    engine.act(row.pk, Command(do, dict(given or {})), actor=actor, now=now, fact_data=facts)


def need_spelling(number: str, account: Mapping[str, str]) -> None:
    """Errors: BadMessage."""
    if not 1 <= len(number) <= 40 or any(not 1 <= len(account[k]) <= most for k, most in _ACCOUNT.items()):
        raise BadMessage(reason=("清算编号或账户写法有误", "settlement or account is misspelt"))
