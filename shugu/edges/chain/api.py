"""Anchors for programs. Open to everybody: a chain is public, and so is what was put there."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from shugu.edges.chain import queries
from shugu.edges.chain.queries import AnchorView
from shugu.formats.canonical import b64

router = Router()


def _shown(anchor: AnchorView) -> dict[str, Any]:
    return {
        "chain_id": anchor.chain_id, "contract": anchor.contract, "size": anchor.size, "root": b64(anchor.root),
        "tx": "0x" + (anchor.tx_hash or b"").hex(), "block": anchor.block, "block_hash": "0x" + (anchor.block_hash or b"").hex(),
        "confirmed_at": anchor.confirmed_at, "gas": anchor.gas, "fact_id": anchor.fact,
    }  # fmt: skip


@router.get("/chain/anchors", operation_id="chain_anchors", summary="Confirmed anchors of this venue's log, newest first")
def anchors(request: HttpRequest, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[dict[str, Any]]:
    return [_shown(a) for a in queries.anchors(limit=limit, confirmed=True)]


@router.get("/chain/facts/{int:fact_id}/anchors", operation_id="chain_fact_anchors", summary="The anchors that cover a fact")
def of_fact(request: HttpRequest, fact_id: int) -> list[dict[str, Any]]:
    return [_shown(a) for a in queries.covering(fact_id)]
