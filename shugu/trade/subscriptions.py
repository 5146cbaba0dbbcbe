"""trade starts from `negotiation.agreed`: the contract is drafted for both sides; an ended one is marked as such."""

from __future__ import annotations

from datetime import datetime

from shugu.kernel import journal
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Refused
from shugu.kernel.journal import FactView
from shugu.kernel.subscriptions import subscribe
from shugu.trade import standing
from shugu.trade.services import DraftContract, draft_contract


def draft_agreed(fact: FactView, now: datetime) -> None:
    """A refusal is told as a fact and does not stop the facts behind it; a side may draft later by hand."""
    number, negotiation = str(fact.data["negotiation"]), int(str(fact.data["negotiation_id"]))
    actor = mandate("trade", f"negotiation:{number}")
    try:
        draft_contract(DraftContract(negotiation), actor=actor, now=now)
    except Refused as refusal:
        journal.record(
            "contract.not_drafted", subject=f"market.negotiation:{fact.case}", actor=actor, now=now, case=fact.case,
            data={"negotiation": number, "reason": refusal.code},
        )  # fmt: skip


def contract_ended(fact: FactView, now: datetime) -> None:
    """An approved contract that ended before its time, by whomever or by a clock: its status list says so."""
    standing.mark_ended(fact)


subscribe("trade", {"negotiation.agreed": draft_agreed})
subscribe(standing.SUBSCRIBER, dict.fromkeys(standing.ENDS, contract_ended))
