"""The money follows the contract: asked for at approval, released at delivery, given back at termination; and what
happened to it is confirmed to the contract. Each step is a fact first, so that a crash repeats it and loses nothing."""

from __future__ import annotations

from datetime import datetime

from shugu.kernel.cases import mandate
from shugu.kernel.errors import Refused
from shugu.kernel.journal import FactView
from shugu.kernel.subscriptions import subscribe
from shugu.settlement import services
from shugu.settlement.models import Escrow
from shugu.trade import queries as trade
from shugu.trade import services as trades


def _contract(fact: FactView) -> int:
    """The contract's id: told in the fact, or found by the fact's own case."""
    told = fact.data.get("contract_id")
    if isinstance(told, int):
        return told
    assert fact.case is not None
    return trade.contract_of_case(fact.case).id


def request_payment(fact: FactView, now: datetime) -> None:
    actor = mandate("settlement", f"fact:{fact.id}:request")
    services.open_escrow(services.OpenEscrow(_contract(fact)), actor=actor, now=now)


def release(fact: FactView, now: datetime) -> None:
    """trade tells `contract.delivered` when delivery has told it `delivery.accepted`."""
    actor = mandate("settlement", f"fact:{fact.id}:release")
    services.release_escrow(services.ReleaseEscrow(_contract(fact), f"fact:{fact.id}"), actor=actor, now=now)


def refund(fact: FactView, now: datetime) -> None:
    """Also for contracts that ended before any money was asked for: then there is nothing to do."""
    contract = _contract(fact)
    if Escrow.objects.filter(contract_id=contract).exists():
        actor = mandate("settlement", f"fact:{fact.id}:refund")
        services.refund_escrow(services.RefundEscrow(contract, f"fact:{fact.id}"), actor=actor, now=now)


def tell_funded(fact: FactView, now: datetime) -> None:
    """A contract that ended while the money was on its way takes it no more: the money goes back."""
    contract, escrow = _contract(fact), str(fact.data["escrow"])
    actor = mandate("settlement", f"{escrow}:funded")
    try:
        trades.confirm_funding(trades.ConfirmFunding(contract, escrow), actor=actor, now=now)
    except Refused:
        back = mandate("settlement", f"{escrow}:contract-ended")
        services.refund_escrow(services.RefundEscrow(contract, f"fact:{fact.id}"), actor=back, now=now)


def tell_settled(fact: FactView, now: datetime) -> None:
    escrow = str(fact.data["escrow"])
    actor = mandate("settlement", f"{escrow}:settled")
    trades.confirm_settlement(trades.ConfirmSettlement(_contract(fact), escrow), actor=actor, now=now)


HANDLERS = {
    "contract.approved": request_payment,
    "contract.delivered": release,
    "contract.terminated": refund,
    "contract.cancelled": refund,
    "contract.lapsed": refund,
    "escrow.funded": tell_funded,
    "escrow.settled": tell_settled,
}
subscribe("settlement", HANDLERS)
