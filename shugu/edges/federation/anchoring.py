"""The chain's word for a checkpoint of another venue, through the chain edge where it is installed."""

from __future__ import annotations

from collections.abc import Callable

from django.apps import apps

from shugu.edges.federation.domain import Anchor
from shugu.edges.federation.errors import ChainMissing
from shugu.edges.federation.models import Peer
from shugu.formats.errors import Pair
from shugu.formats.sealed import Sealed
from shugu.formats.suites import Keyring


def prove(anchor: Anchor, document: Sealed, peer: Peer, keys: Keyring, fetch: Callable[[Peer, str], bytes]) -> Pair:
    """Whether the chain that the agreement names vouches for the document's fact; where the document's own checkpoint was not
    anchored, the peer's tiles join it to a later one that was. Errors: ChainMissing without the chain edge or a configured
    chain of that id and contract; those of the chain edge; PeerUnreachable."""
    if not apps.is_installed("shugu.edges.chain"):
        raise ChainMissing(chain=anchor.chain)
    from shugu.edges.chain import installed, proving

    known = (c for c in installed.chains() if (c.chain_id, c.contract.lower()) == (anchor.chain, anchor.contract))
    chain = next(known, None)
    if chain is None:
        raise ChainMissing(chain=anchor.chain)
    found = proving.prove_document(chain, document, keys, read=lambda path: fetch(peer, f"/log/{path}"))
    told = f"chain {anchor.chain}, block {found.anchor.block}, size {found.anchor.size}"
    return (told, told)
