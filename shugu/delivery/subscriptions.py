"""delivery starts when a contract's money is held and ends what it granted when a contract ends."""

from __future__ import annotations

from datetime import datetime

from shugu.delivery.granting import OpenDelivery, open_delivery, revoke_for_contract
from shugu.kernel.cases import mandate
from shugu.kernel.journal import FactView
from shugu.kernel.subscriptions import subscribe


def open_funded(fact: FactView, now: datetime) -> None:
    contract = int(str(fact.data["contract_id"]))
    open_delivery(OpenDelivery(contract), actor=mandate("delivery", f"funded:{fact.data['contract']}"), now=now)


def revoke_terminated(fact: FactView, now: datetime) -> None:
    contract, number = int(str(fact.data["contract_id"])), str(fact.data["contract"])
    reason = f"contract {number}: {fact.data.get('ground', 'terminated')}"
    revoke_for_contract(contract, reason=reason, actor=mandate("delivery", f"terminated:{number}"), now=now)


subscribe("delivery", {"contract.funded": open_funded, "contract.terminated": revoke_terminated})
