"""Anchoring: the venue's checkpoint, signed with its chain key, brought into each configured contract and followed until
it is deep enough. Recovery is the normal path run again.

Each round looks at the contract first: what is anchored counts, whoever sent it. A transaction is stored with its nonce
and hash before it leaves, so a crash after sending finds it again; two of them that both arrive anchor once, for the
contract answers the second with nothing. A chain that does not answer keeps nobody waiting: its alarm is shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from shugu.edges.chain import sending
from shugu.edges.chain.config import Chain
from shugu.edges.chain.contract import AnchorThere, Contract, VenueThere, connect, same_address
from shugu.edges.chain.domain import Rule, due
from shugu.edges.chain.errors import (
    AnchorContradicts,
    AnchorLate,
    ContractRefused,
    VenueFrozenOnChain,
    VenueUnregistered,
)
from shugu.edges.chain.installed import chains, venue_key
from shugu.edges.chain.models import OPEN, Anchor, ChainState
from shugu.edges.chain.statement import Statement, sign
from shugu.evidence import queries as evidence
from shugu.formats.errors import ShuguError
from shugu.kernel import journal, runtime, signer
from shugu.kernel.cases import mandate
from shugu.kernel.models import Position
from shugu.kernel.queries import name_fact

log = logging.getLogger(__name__)
EDGE: Final = mandate("chain", "anchoring")
_LOCK: Final = 0x5348_4C43  # one process follows the anchors of a database at a time
_BEHIND: Final = 256  # blocks before the preparation that are searched too: the chain may have been re-organised
Reached = Callable[[str], None]

name_fact("chain.anchored", "检查点已在链上锚定", "checkpoint anchored in a chain")
name_fact("chain.anchor_undone", "链上锚定因深度重组失效", "anchor undone by a deep re-organisation")


def nothing(step: str) -> None:
    """Told each step of a round; tests stop it there."""


def rule_on() -> Rule:
    rules = runtime.rules()
    return Rule(
        timedelta(minutes=rules.value("chain.anchor_interval").number),
        rules.value("chain.anchor_growth").number,
        timedelta(hours=rules.value("chain.anchor_longest").number),
        rules.value("chain.confirmations").number,
        timedelta(minutes=rules.value("chain.patience").number),
        rules.value("chain.fee_raise").number,
    )


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def work(now: datetime, reached: Reached = nothing) -> int:
    """One round over every configured chain; how many steps were taken. What a chain refuses stands as its alarm and
    never stops another chain or the venue. Errors: ChainConfigInvalid."""
    # A chain without a key of ours is there to be read: by it others' anchors are verified.
    found = [chain for chain in chains() if chain.key]
    if not found:
        return 0
    with _alone() as mine:
        return sum(_round(chain, now, reached) for chain in found) if mine else 0


def _round(chain: Chain, now: datetime, reached: Reached) -> int:
    state, _ = ChainState.objects.get_or_create(chain=chain.name, defaults={"looked_at": now})
    state.looked_at = now
    alarm: ShuguError | None = None
    steps = 0
    try:
        there = connect(chain)
        there.require_chain()
        state.height, state.reached_at = there.height(), now
        known = _registered(there)
        state.size = known.size
        steps = _look_back(there, rule_on(), state.height, now)
        more, alarm = _follow(there, known, now, reached)
        steps += more
    except ShuguError as error:
        alarm = error
    _show(state, alarm, now)
    return steps


def _show(state: ChainState, alarm: ShuguError | None, now: datetime) -> None:
    code = alarm.code if alarm else ""
    if code != state.alarm:
        state.alarm_since = now if code else None
        if alarm is not None:
            log.error("chain %s: %s", state.chain, alarm)
    state.alarm = code
    state.alarm_zh, state.alarm_en = (alarm.message("zh")[:400], alarm.message("en")[:400]) if alarm else ("", "")
    state.save()


def _registered(there: Contract) -> VenueThere:
    """Errors: VenueUnregistered, VenueFrozenOnChain."""
    origin, name = signer.origin(), there.chain.name
    found = there.venue(origin)
    if found is None or not same_address(found.signer, venue_key(there.chain).address):
        raise VenueUnregistered(name=name, origin=origin)
    if found.frozen:
        raise VenueFrozenOnChain(name=name, origin=origin)
    return found


def _follow(there: Contract, known: VenueThere, now: datetime, reached: Reached) -> tuple[int, ShuguError | None]:
    """Drive the open anchor one step further, or prepare the next; steps taken and the alarm that stands."""
    rule = rule_on()
    anchor = Anchor.objects.filter(chain=there.chain.name, status__in=OPEN).first()
    if anchor is not None and (anchor.chain_id, anchor.contract) != (there.chain.chain_id, there.address):
        _end(anchor, "replaced", "the configuration names another contract")
        anchor = None
    if anchor is None:
        anchor = _prepare(there, known, rule, now)
        if anchor is None:
            return 0, None
        reached("prepared")
    held = there.root(signer.origin(), anchor.size)
    if held is not None:
        return _arrived(there, anchor, held, rule, now), sending.standing(anchor)
    if anchor.status == "mined":
        log.error("chain %s: the anchor of size %s vanished with its block", there.chain.name, anchor.size)
        _vanish(anchor)
        reached("vanished")
    if known.size > anchor.size:
        _end(anchor, "replaced", "a larger checkpoint was anchored first")
        return 1, None
    try:
        steps, alarm = sending.push(there, anchor, known.size, rule, now, reached)
    except ContractRefused as error:
        _end(anchor, "failed", error.message("en"))
        raise
    if alarm is None and now - anchor.prepared_at >= 2 * rule.patience:
        alarm = AnchorLate(name=there.chain.name, size=anchor.size)
    return steps, alarm


def _prepare(there: Contract, known: VenueThere, rule: Rule, now: datetime) -> Anchor | None:
    """The next checkpoint to anchor, signed and stored. Errors: AnchorContradicts, before anything is signed."""
    chain, log_head, origin = there.chain, evidence.head(), signer.origin()
    if log_head is None or log_head.size == 0:
        return None
    if known.size:
        _agree(there, known.size, log_head.size)
    last = Anchor.objects.filter(chain_id=chain.chain_id, contract=there.address).order_by("-prepared_at").first()
    others = Position.objects.filter(position__gte=known.size).exclude(fact__name__startswith="chain.").exists()
    grown, when = log_head.size - known.size, last.prepared_at if last else None
    if not due(rule, grown=grown, others=others, last=when, now=now):
        return None
    statement = Statement(origin, log_head.size, log_head.root)
    signature = sign(statement, venue_key(chain).secret)
    return Anchor.objects.create(
        chain=chain.name, chain_id=chain.chain_id, contract=there.address, size=statement.size, root=statement.root,
        signature=signature, previous=known.size, from_block=max(0, there.height() - _BEHIND), prepared_at=now,
    )  # fmt: skip


def _look_back(there: Contract, rule: Rule, height: int, now: datetime) -> int:
    """Final anchors that the chain gave up after all, newest first until one stands; how many. A node that has not come
    as far as their blocks says nothing about them. The next checkpoint is anchored as the rule has it."""
    final = Anchor.objects.filter(chain_id=there.chain.chain_id, contract=there.address, status="confirmed")
    undone = 0
    for anchor in final.order_by("-size"):
        assert anchor.block_number is not None
        if there.root(signer.origin(), anchor.size) is not None or height < anchor.block_number + rule.confirmations:
            break
        log.error("chain %s: the final anchor of size %s is gone", there.chain.name, anchor.size)
        with transaction.atomic():
            journal.record(
                "chain.anchor_undone", subject=f"chain.anchor:{anchor.pk}", actor=EDGE, now=now,
                data={"chain_id": anchor.chain_id, "contract": anchor.contract, "size": anchor.size, "height": height},
            )  # fmt: skip
            anchor.status = "undone"
            anchor.save(update_fields=["status"])
        undone += 1
    return undone


def _agree(there: Contract, anchored: int, size: int) -> None:
    """Our log has the anchored root at the anchored size. Errors: AnchorContradicts."""
    contradicts = AnchorContradicts(name=there.chain.name, size=anchored, what=("链上检查点", "the anchored checkpoint"))
    if anchored > size or evidence.consistency(anchored, size).old_root != there.root(signer.origin(), anchored):
        raise contradicts


def _arrived(there: Contract, anchor: Anchor, held: bytes, rule: Rule, now: datetime) -> int:
    """The contract has our size: follow its block until it is deep enough. Errors: AnchorContradicts."""
    if held != bytes(anchor.root):
        _end(anchor, "failed", "another root is anchored for this size")
        raise AnchorContradicts(name=there.chain.name, size=anchor.size, what=("链上检查点", "the anchored checkpoint"))
    found = there.anchors(signer.origin(), size=anchor.size, first=anchor.from_block)
    if not found:
        return 0  # the node knows the state and not yet the log of it
    event, steps = found[-1], 0
    if anchor.status != "mined" or bytes(anchor.block_hash or b"") != event.block_hash:
        _mine(there, anchor, event, now)
        steps = 1
    block = there.block(event.block)
    if block is None or block.hash != event.block_hash or there.height() - event.block + 1 < rule.confirmations:
        return steps
    _confirm(anchor, now)
    return steps + 1


def _mine(there: Contract, anchor: Anchor, event: AnchorThere, now: datetime) -> None:
    receipt = there.receipt(event.tx_hash)
    with transaction.atomic():
        if anchor.status == "mined":
            anchor.vanished += 1
        anchor.status, anchor.mined_at = "mined", now
        anchor.tx_hash, anchor.block_number, anchor.block_hash = event.tx_hash, event.block, event.block_hash
        if receipt is not None:
            anchor.gas, anchor.gas_price, anchor.payer = receipt.gas, receipt.gas_price, receipt.payer
        anchor.save()
        sending.arrived(anchor, event.tx_hash)


def _vanish(anchor: Anchor) -> None:
    with transaction.atomic():
        anchor.status, anchor.vanished = "sent", anchor.vanished + 1
        anchor.tx_hash = anchor.block_number = anchor.block_hash = anchor.mined_at = None
        anchor.save()
        sending.take_up(anchor)


def _confirm(anchor: Anchor, now: datetime) -> None:
    """The anchor is final: with its fact, in one transaction."""
    with transaction.atomic():
        assert anchor.tx_hash is not None and anchor.block_number is not None and anchor.block_hash is not None
        anchor.fact = journal.record(
            "chain.anchored", subject=f"chain.anchor:{anchor.pk}", actor=EDGE, now=now,
            data={
                "chain_id": anchor.chain_id, "contract": anchor.contract, "tx": "0x" + bytes(anchor.tx_hash).hex(),
                "block": anchor.block_number, "block_hash": "0x" + bytes(anchor.block_hash).hex(),
                "origin": signer.origin(), "size": anchor.size, "root": bytes(anchor.root).hex(),
            },
        )  # fmt: skip
        anchor.status, anchor.confirmed_at = "confirmed", now
        anchor.save()


def _end(anchor: Anchor, status: str, why: str) -> None:
    with transaction.atomic():
        anchor.status, anchor.why = status, why[:200]
        anchor.tx_hash = anchor.block_number = anchor.block_hash = anchor.mined_at = None
        anchor.save()
        sending.give_up(anchor)


__all__ = ["EDGE", "nothing", "rule_on", "work"]
