"""What pages, the API and other edges ask of anchors: how each chain does, what it costs, which anchor covers a fact, and
whether a chain vouches for a checkpoint or a fact of any venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shugu.edges.chain.config import Chain
from shugu.edges.chain.contract import same_address
from shugu.edges.chain.domain import Cost, gas_per_thousand, wei_per_thousand
from shugu.edges.chain.errors import ChainUnknown
from shugu.edges.chain.installed import chain as chain_named
from shugu.edges.chain.installed import chains as configured
from shugu.edges.chain.models import OPEN, Anchor, ChainState
from shugu.edges.chain.proving import Anchored, Proven, prove_document, prove_included, verify_anchor
from shugu.evidence import queries as evidence
from shugu.kernel.errors import NotFound


@dataclass(frozen=True)
class AnchorView:
    """`facts`: what it added to the chain's knowledge. `gas_price` in wei; None before a block has it."""

    id: int
    chain: str
    chain_id: int
    contract: str
    size: int
    facts: int
    root: bytes
    status: str
    why: str
    prepared_at: datetime
    confirmed_at: datetime | None
    tx_hash: bytes | None
    block: int | None
    block_hash: bytes | None
    gas: int | None
    gas_price: int | None
    attempts: int
    vanished: int
    relayed: bool
    fact: int | None

    @property
    def wei(self) -> int | None:
        return None if self.gas is None or self.gas_price is None else self.gas * self.gas_price


@dataclass(frozen=True)
class ChainView:
    """`waiting`: facts of the log that no confirmed anchor covers; costs over this venue's own transactions."""

    chain: Chain
    state: ChainState | None
    anchored: int
    waiting: int
    open: AnchorView | None
    gas_per_thousand: Decimal | None
    wei_per_thousand: Decimal | None


def chain_at(chain_id: int, contract: str) -> Chain:
    """The configured chain with that id whose contract stands at that address. Errors: ChainUnknown, ChainConfigInvalid."""
    for found in configured():
        if found.chain_id == chain_id and same_address(found.contract, contract):
            return found
    raise ChainUnknown(name=f"{chain_id} {contract}")


def _view(row: Anchor) -> AnchorView:
    sendings = list(row.sendings.all())
    mined = next((s for s in sendings if s.outcome == "mined"), None)
    arrived = row.block_hash is not None
    return AnchorView(
        row.pk, row.chain, row.chain_id, row.contract, row.size, row.size - row.previous, bytes(row.root), row.status, row.why,
        row.prepared_at, row.confirmed_at, bytes(row.tx_hash) if row.tx_hash is not None else None, row.block_number,
        bytes(row.block_hash) if row.block_hash is not None else None, row.gas, row.gas_price, len(sendings), row.vanished,
        arrived and mined is None, row.fact,
    )  # fmt: skip


def anchors(*, limit: int = 200, confirmed: bool = False) -> list[AnchorView]:
    """The newest anchors first."""
    rows = Anchor.objects.prefetch_related("sendings").order_by("-pk")
    if confirmed:
        rows = rows.filter(status="confirmed")
    return [_view(row) for row in rows[:limit]]


def costs(found: Sequence[AnchorView]) -> list[Cost]:
    """Of those that this venue paid for."""
    return [Cost(a.facts, a.gas, a.gas_price) for a in found if a.gas and a.gas_price is not None and not a.relayed]


def overview() -> list[ChainView]:
    """Every configured chain. Errors: ChainConfigInvalid."""
    head = evidence.head()
    size = head.size if head else 0
    out = []
    for chain in configured():
        rows = Anchor.objects.filter(chain=chain.name).prefetch_related("sendings").order_by("-size")
        confirmed = [_view(r) for r in rows.filter(status="confirmed")[:200]]
        anchored = confirmed[0].size if confirmed else 0
        under_way = rows.filter(status__in=OPEN).first()
        paid = costs(confirmed)
        out.append(
            ChainView(
                chain, ChainState.objects.filter(chain=chain.name).first(), anchored, max(0, size - anchored),
                _view(under_way) if under_way else None, gas_per_thousand(paid), wei_per_thousand(paid),
            )
        )  # fmt: skip
    return out


def covering(fact_id: int) -> list[AnchorView]:
    """Of each chain the first confirmed anchor whose tree holds the fact. Errors: NotFound for an unknown fact."""
    place = evidence.badge(fact_id).index
    if place is None:
        return []
    rows = Anchor.objects.filter(status="confirmed", size__gt=place).prefetch_related("sendings").order_by("size")
    first: dict[str, AnchorView] = {}
    for row in rows[:50]:
        first.setdefault(row.chain, _view(row))
    return list(first.values())


def anchor_by_id(anchor: int) -> AnchorView:
    """Errors: NotFound."""
    row = Anchor.objects.filter(pk=anchor).first()
    if row is None:
        raise NotFound(what=("锚定", "anchor"))
    return _view(row)


__all__ = [
    "AnchorView", "Anchored", "ChainView", "Proven", "anchor_by_id", "anchors", "chain_at", "chain_named", "configured", "costs",
    "covering", "overview", "prove_document", "prove_included", "verify_anchor",
]  # fmt: skip
