"""How far the contract of an order is, told to the selling venue so that its buyer sees where the order stands and what to do."""

from __future__ import annotations

from datetime import datetime

from shugu.edges.federation import messages
from shugu.edges.federation.bodies import body_of
from shugu.edges.federation.domain_sharing import LISTING, SELLING
from shugu.edges.federation.messages import actor_for, on_message
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.edges.federation.orders import named
from shugu.formats.errors import BadMessage
from shugu.formats.message import Message
from shugu.kernel import journal
from shugu.kernel.cases import mandate
from shugu.kernel.journal import FactView
from shugu.kernel.queries import name_fact
from shugu.trade import queries as trade

name_fact("order.progressed", "跨场所订单进展", "progress of an order over two venues")

# The facts of a contract that are told, in the order in which they happen.
STAGES = {"contract.approved": "approved", "contract.funded": "funded", "contract.delivered": "delivered"}


def contract_moved(fact: FactView, now: datetime) -> None:
    assert fact.case is not None
    found = trade.contract_of_case(fact.case)
    rows = CrossOrder.objects.select_for_update(of=("self",)).select_related("peer", "case")
    row = rows.filter(side=LISTING, contract=found.number, case__state="contracted").first()
    if row is None:
        return
    row.stage = STAGES[fact.name]
    row.save(update_fields=["stage"])
    actor = mandate("federation", f"fact:{fact.id}")
    body, reference = {"order": row.number, "stage": row.stage}, f"order:{row.number}:{row.stage}"
    messages.queue(row.peer, "order.progressed", body, reference=reference, actor=actor, now=now, case=row.pk)


@on_message("order.progressed")
def take_progress(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage, NotFound."""
    body = body_of(message)
    row = named(peer, SELLING, body["order"])
    if body["stage"] not in STAGES.values() or row.case.state != "contracted":
        raise BadMessage(reason=("订单没有这样的进展", "this is no progress of that order"))
    row.stage = body["stage"]
    row.save(update_fields=["stage"])
    journal.record(
        "order.progressed", subject=f"federation.peer:{peer.origin}", actor=actor_for(peer, message), now=now, case=row.pk,
        data={"order": row.number, "stage": row.stage},
    )  # fmt: skip
