"""What `shugu audit` asks of the dealings with other venues: every fee divided once, posted once, settled once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shugu.edges.federation import netting, peers
from shugu.edges.federation.domain_sharing import LISTING, SELLING
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.formats.suites import VerifyKey
from shugu.kernel import signer
from shugu.kernel.audits import Violation, register_audit, register_cosigners
from shugu.settlement import queries as money


def register() -> None:
    register_audit("federation.fees", audit_fees)
    register_audit("federation.settlements", audit_settlements)
    register_cosigners("RecognitionAgreement", _every_peers_keys)


def _every_peers_keys() -> Iterable[VerifyKey]:
    return [key for peer in Peer.objects.order_by("pk") for key in peers.document_keys(peer).keys]


def audit_fees() -> Iterator[Violation]:
    """A completed order's part stands in the ledger exactly once, with exactly the voucher's sum; one not completed has
    none where the buyer is at home."""
    for row in CrossOrder.objects.select_related("case").order_by("pk"):
        completed = row.case.state == "completed"
        if row.side == SELLING:
            wanted, posted = (row.selling_fen or 0) if completed else 0, money.accrued(row.number)
        elif completed:
            wanted, posted = row.selling_fen or 0, money.shared(row.contract)
        else:
            continue
        if posted != wanted:
            what = (f"分成应记 {wanted}，实记 {posted}", f"a part of {wanted} is to be posted, {posted} is")
            yield Violation("federation.fees", f"federation.order:{row.side}:{row.number}", what)


def audit_settlements() -> Iterator[Violation]:
    """The orders a settlement names are those it holds, with their sum, and none is in two."""
    seen: set[tuple[int, str, str]] = set()
    for row in VenueSettlement.objects.select_related("case", "peer").exclude(case__state="declined").order_by("pk"):
        if row.nets:
            yield from _audit_netting(row)
            continue
        side = SELLING if row.side == "claimant" else LISTING
        held = {o.number: o for o in CrossOrder.objects.filter(settlement=row, side=side)}
        told = {o["order"]: (o["voucher"], o["selling_fen"]) for o in row.orders}
        kept = {number: (o.voucher, o.selling_fen) for number, o in held.items()}
        again = {(row.peer_id, row.side, number) for number in told} & seen
        seen |= {(row.peer_id, row.side, number) for number in told}
        if told != kept or sum(fen for _, fen in told.values()) != row.amount or again:
            what = ("清算单与所含订单不符", "the settlement and the orders it names differ")
            yield Violation("federation.settlements", f"federation.settlement:{row.side}:{row.number}", what)


def _audit_netting(row: VenueSettlement) -> Iterator[Violation]:
    """A netting has exactly the settlements it names, each once, and their balance."""
    names = {"claimant": signer.origin(), "debtor": row.peer.origin}
    held = {(names[r.side], r.number): r.amount for r in VenueSettlement.objects.filter(netting=row)}
    said = {(n["claimant"], n["settlement"]): n["amount_fen"] for n in row.nets}
    due = netting.told(row.nets) * (1 if row.side == "claimant" else -1)
    if held != said or due != row.amount:
        what = ("轧差单与所含清算单不符", "the netting and the settlements it names differ")
        yield Violation("federation.settlements", f"federation.settlement:{row.side}:{row.number}", what)
