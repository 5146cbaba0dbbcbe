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
    """Whether the chain that the agreement names vouches for the document's fact. Errors: ChainMissing without the chain
    edge or a configured chain of that id and contract; those of the chain edge."""
    if not apps.is_installed("shugu.edges.chain"):
        raise ChainMissing(chain=anchor.chain)
    raise ChainMissing(chain=anchor.chain)
