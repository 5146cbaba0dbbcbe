"""Carrying a venue's anchors from one chain to another: what makes the two recognise one log. No Django.

Anybody may do it: an Anchored event holds the venue's own signature and the proof of growth. Where the other contract stands
at a size that the first chain never anchored, the proof is made anew from the tiles of the venue's log, which anybody
can read too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shugu.edges.chain import deploying
from shugu.edges.chain.contract import AnchorThere, Contract
from shugu.edges.chain.errors import CannotRelay, VenueFrozenOnChain, VenueUnregistered
from shugu.edges.chain.keys import ChainKey
from shugu.edges.chain.proving import signed_by
from shugu.edges.chain.spending import ANCHOR_GAS, PROOF_GAS
from shugu.edges.chain.statement import Statement
from shugu.formats.merkle import consistency_proof, verify_consistency
from shugu.formats.tiles import TileReader, hash_reader


@dataclass(frozen=True)
class Relayed:
    """One anchor that was carried over."""

    size: int
    root: bytes
    tx_hash: bytes
    gas: int


@dataclass(frozen=True)
class Step:
    """What has to be sent to go from one size to the next."""

    event: AnchorThere
    proof: tuple[bytes, ...]


def plan(a: Contract, b: Contract, origin: str, *, read: TileReader | None = None, newest: bool = False) -> list[Step]:
    """Which anchors of `origin` on chain `a` go to `b`, in order; none when `b` has them all.

    `read` gives tiles of the venue's log (`tile/…` paths): needed where `b` stands at a size that is none of `a`'s, and for
    `newest`, which carries the last anchor alone.
    Errors: VenueUnregistered, VenueFrozenOnChain, CannotRelay, ProofInvalid for tiles that contradict the chains."""
    venue = b.venue(origin)
    if venue is None or a.venue(origin) is None:
        raise VenueUnregistered(name=(b if venue is None else a).chain.name, origin=origin)
    if venue.frozen:
        raise VenueFrozenOnChain(name=b.chain.name, origin=origin)
    there = a.anchors(origin)
    _agree(a, b, origin, there, venue.size)
    ahead = [e for e in there if e.size > venue.size]
    if newest:
        ahead = ahead[-1:]
    # A key that was replaced on b signs no more there: what only it signed waits until the venue signs a later one.
    ahead = [e for e in ahead if signed_by(origin, e, venue.signer)]
    steps, size, root = [], venue.size, b.root(origin, venue.size) or b""
    for event in ahead:
        steps.append(Step(event, _proof(a, b, event, size, root, read)))
        size, root = event.size, event.root
    return steps


def _agree(a: Contract, b: Contract, origin: str, there: Sequence[AnchorThere], size: int) -> None:
    """Where both chains anchored the same size they anchored the same root. Errors: CannotRelay: that is a fork."""
    for event in there:
        held = b.root(origin, event.size) if event.size <= size else None
        if held is not None and held != event.root:
            raise CannotRelay(
                a=a.chain.name, b=b.chain.name,
                reason=(f"两链在大小 {event.size} 处的根不同，请提交分叉证据", f"another root at size {event.size}: report it"),
            )  # fmt: skip


def _proof(a: Contract, b: Contract, event: AnchorThere, size: int, root: bytes, read: TileReader | None) -> tuple[bytes, ...]:
    if size == 0:
        return ()
    if event.previous == size:
        return event.proof
    if read is None:
        raise CannotRelay(
            a=a.chain.name, b=b.chain.name,
            reason=(f"对方停在大小 {size}，须由日志另作证明", f"the other stands at size {size}: a proof must come from the log"),
        )  # fmt: skip
    proof = consistency_proof(size, event.size, hash_reader(read, event.size))
    verify_consistency(size, event.size, proof, root, event.root)
    return proof


def carry(b: Contract, origin: str, step: Step, key: ChainKey) -> Relayed:
    """Send one step to `b`, paid by `key`. Errors: ContractRefused, NodeRefused, ChainUnreachable."""
    event = step.event
    data = b.anchor_data(Statement(origin, event.size, event.root), event.signature, step.proof)
    gas = ANCHOR_GAS + PROOF_GAS * len(step.proof)
    receipt = deploying.act(b, key, data, gas=gas)
    return Relayed(event.size, event.root, receipt.tx_hash, receipt.gas)

