"""What the story's venues do to settle with one another: claim, agree, pay, receive; and how their ledgers stand."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from shugu.federated.ground import actor, moment


def venue_account() -> str:
    """Where this venue itself is paid."""
    from shugu.settlement import services as settling

    number = f"6228489{os.environ['SHUGU_PORT']:0>12}"
    cmd = settling.SetBankAccount(None, "示范交易场所", "示范银行", number)
    settling.set_bank_account(cmd, actor=actor("mona"), now=moment())
    return number


def claim(venue: str) -> dict[str, Any]:
    from shugu.edges.federation import services

    row = services.claim_shares(services.ClaimShares(venue), actor=actor("mona"), now=moment())
    return {"settlement": row.number, "amount_fen": row.amount}


def net(venue: str) -> dict[str, Any]:
    """The balance of what waits to be netted with a venue, drawn up."""
    from shugu.edges.federation import queries_settling, services

    mona = actor("mona")
    [period] = queries_settling.standing(venue, mona).periods
    row = services.net_shares(services.NetShares(venue, period.period), actor=mona, now=moment())
    return {"settlement": row.number, "amount_fen": row.amount}


def agree(settlement: str) -> str:
    """A settlement officer of the venue that owes agrees to what was claimed."""
    from shugu.edges.federation import queries_settling, services

    nina = actor("nina")
    found = queries_settling.settlement(settlement, nina)
    services.act_on_settlement(services.ActOnSettlement(found.case, "agree"), actor=nina, now=moment())
    return queries_settling.settlement(settlement, nina).state


def settlements() -> dict[str, dict[str, Any]]:
    from shugu.edges.federation import queries_settling

    return {
        r.number: {"state": r.state, "side": r.side, "amount_fen": r.amount, "orders": [o["order"] for o in r.orders],
                   "instruction": r.instruction}
        for r in queries_settling.settlements(actor("mona"))
    }  # fmt: skip


def arrive(reference: str, amount_fen: int, payer: str) -> None:
    """The other venue's transfer reaches this venue's bank: what a payment network would carry."""
    from shugu.edges.bank import simulator

    simulator.pay(reference, amount_fen, payer=payer, account="6228480000000000018", now=moment())
    simulator.write_statement(moment())


def between(venue: str) -> dict[str, int]:
    """Fen owed to and by the other venue, by this venue's ledger, and what it has earned by it."""
    from shugu.edges.federation import peers, settlement_rows
    from shugu.settlement import queries as money
    from shugu.settlement.models import Posting

    found = money.between(settlement_rows.venue_org(peers.peer_named(venue)))
    earned = sum(Posting.objects.filter(kind="venue_earned").values_list("amount", flat=True))
    shared = list(Posting.objects.filter(kind="selling_venue").values_list("amount", flat=True))
    return {"payable": found.payable, "receivable": found.receivable, "earned": earned, "shared": sum(shared),
            "postings": len(shared)}  # fmt: skip


ACTS: Mapping[str, Callable[..., Any]] = {
    "venue_account": venue_account, "claim": claim, "net": net, "agree": agree, "settlements": settlements, "arrive": arrive,
    "between": between,
}  # fmt: skip
