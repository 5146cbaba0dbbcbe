"""How an anchor gets to its chain: relayers in their order, then a transaction of our own, raised until it is mined."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import httpx

from shugu.edges.chain.contract import Contract
from shugu.edges.chain.domain import Rule
from shugu.edges.chain.errors import FeeCeiling, NoWayToSend, RelayerWithholds
from shugu.edges.chain.installed import payer as account
from shugu.edges.chain.keys import ChainKey
from shugu.edges.chain.models import Anchor, Sending
from shugu.edges.chain.spending import ANCHOR_GAS, PROOF_GAS, Fee, Signed, fee_now, raised, sign_call
from shugu.edges.chain.statement import Statement
from shugu.evidence import queries as evidence
from shugu.formats.errors import ShuguError
from shugu.kernel import signer

log = logging.getLogger(__name__)
Reached = Callable[[str], None]
_TIMEOUT = 10.0


def push(
    there: Contract, anchor: Anchor, size: int, rule: Rule, now: datetime, reached: Reached
) -> tuple[int, ShuguError | None]:
    """One step towards the contract, whose present size is `size`; steps taken and the alarm that stands.
    Errors: ContractRefused when the contract would not take it, NodeRefused, ChainUnreachable, NoWayToSend."""
    last = anchor.sendings.filter(outcome="").order_by("-pk").first()
    if last is not None and last.relayer:
        if now - last.stored_at < rule.patience:
            return 0, standing(anchor)
        _outcome(last, "withheld")
        last = None
    if last is None:
        relayer = _next_relayer(there, anchor)
        if relayer:
            return _ask(there, anchor, relayer, size, now, reached), standing(anchor)
    if not there.chain.payer:
        raise NoWayToSend(name=there.chain.name)
    return _send(there, anchor, last, size, rule, now, reached)


def standing(anchor: Anchor) -> ShuguError | None:
    """A relayer that withheld this anchor is told for as long as the anchor is the present one."""
    found = anchor.sendings.filter(outcome="withheld").order_by("-pk").first()
    return RelayerWithholds(relayer=found.relayer, name=anchor.chain) if found else None


def _next_relayer(there: Contract, anchor: Anchor) -> str:
    if anchor.sendings.filter(relayer="").exists():
        return ""
    tried = set(anchor.sendings.values_list("relayer", flat=True))
    return next((url for url in there.chain.relayers if url not in tried), "")


def _ask(there: Contract, anchor: Anchor, relayer: str, size: int, now: datetime, reached: Reached) -> int:
    """Give the signed anchor to a relayer. What it answers is not believed: the contract is looked at."""
    row = Sending.objects.create(anchor=anchor, relayer=relayer, previous=size, stored_at=now)
    _sent(anchor)
    reached("relayer stored")
    proof = evidence.consistency(size, anchor.size).hashes if size else ()
    body = {
        "chain_id": there.chain.chain_id, "contract": there.address, "origin": signer.origin(), "size": anchor.size,
        "root": bytes(anchor.root).hex(), "previous": size, "proof": [h.hex() for h in proof],
        "signature": bytes(anchor.signature).hex(),
    }  # fmt: skip
    try:
        httpx.post(relayer, json=body, timeout=_TIMEOUT).raise_for_status()
    except httpx.HTTPError as error:
        log.error("relayer %s of chain %s: %s", relayer, there.chain.name, error)
        _outcome(row, "withheld")
        return 1
    row.sent_at = now
    row.save()
    return 1


def _send(
    there: Contract, anchor: Anchor, last: Sending | None, size: int, rule: Rule, now: datetime, reached: Reached
) -> tuple[int, ShuguError | None]:
    payer, alarm = account(there.chain), standing(anchor)
    count = there.nonce(payer.address)
    if last is None or last.nonce != count:
        # Its nonce was used by another transaction, or the chain lost one before it: this one can no longer be mined.
        if last is not None:
            _outcome(last, _fate(there, last))
        _broadcast(there, _sign(there, anchor, payer, size, count, fee_now(there), now, reached), now, reached)
        return 1, alarm
    # One that the node never took waits no longer than one that it has: the price or the form may be what it refuses.
    late = now - (last.sent_at or last.stored_at) >= rule.patience
    if not late and last.previous == size:
        if last.sent_at is None:
            _broadcast(there, last, now, reached)
            return 1, alarm
        there.send(bytes(last.raw or b""))  # a node that was restarted has forgotten it
        return 0, alarm
    assert last.max_fee is not None
    ceiling, present = there.chain.ceiling_wei, fee_now(there)
    fee = raised(Fee(last.max_fee, last.tip), rule.raise_percent, present, ceiling)
    if fee is None:
        there.send(bytes(last.raw or b""))
        if not last.max_fee and not present.most:
            return 0, alarm  # where gas costs nothing, paying more moves nothing
        return 0, FeeCeiling(name=there.chain.name, wei=ceiling)
    row = _sign(there, anchor, payer, size, count, fee, now, reached)
    _outcome(last, "replaced")
    _broadcast(there, row, now, reached)
    return 1, alarm


def _sign(
    there: Contract, anchor: Anchor, payer: ChainKey, size: int, nonce: int, fee: Fee, now: datetime, reached: Reached
) -> Sending:
    """The transaction, tried out and stored: from here on it is known by its hash whatever happens."""
    proof = evidence.consistency(size, anchor.size).hashes if size else ()
    statement = Statement(signer.origin(), anchor.size, bytes(anchor.root))
    data = there.anchor_data(statement, bytes(anchor.signature), proof)
    there.try_out(data, payer.address)
    gas = ANCHOR_GAS + PROOF_GAS * len(proof)
    signed: Signed = sign_call(there, payer, data=data, nonce=nonce, gas=gas, fee=fee)
    row, _ = Sending.objects.get_or_create(
        tx_hash=signed.tx_hash,
        defaults={
            "anchor": anchor, "nonce": nonce, "raw": signed.raw, "previous": size, "max_fee": fee.most, "tip": fee.tip,
            "stored_at": now,
        },
    )  # fmt: skip
    if row.outcome:
        _outcome(row, "")
    _sent(anchor)
    reached("transaction stored")
    return row


def _broadcast(there: Contract, row: Sending, now: datetime, reached: Reached) -> None:
    there.send(bytes(row.raw or b""))
    reached("transaction sent")
    row.sent_at = now
    row.save()


def _fate(there: Contract, row: Sending) -> str:
    receipt = there.receipt(bytes(row.tx_hash or b""))
    return "reverted" if receipt is not None and not receipt.succeeded else "replaced"


def _sent(anchor: Anchor) -> None:
    if anchor.status == "prepared":
        anchor.status = "sent"
        anchor.save()


def _outcome(row: Sending, outcome: str) -> None:
    row.outcome = outcome
    row.save()


def arrived(anchor: Anchor, tx_hash: bytes) -> None:
    """The anchor is in a block by this transaction, ours or another's."""
    for row in anchor.sendings.exclude(outcome="withheld"):
        _outcome(row, "mined" if row.tx_hash is not None and bytes(row.tx_hash) == tx_hash else "replaced")


def take_up(anchor: Anchor) -> None:
    """The block vanished: the newest transaction of ours is under way again, as nodes put it back."""
    last = anchor.sendings.filter(relayer="").order_by("-pk").first()
    if last is not None:
        _outcome(last, "")


def give_up(anchor: Anchor) -> None:
    for row in anchor.sendings.filter(outcome=""):
        _outcome(row, "replaced")
