"""What this installation has: the chains of its home and the keys it uses in them."""

from __future__ import annotations

from pathlib import Path

from shugu.edges.chain import config
from shugu.edges.chain.config import Chain
from shugu.edges.chain.keys import ChainKey, open_key
from shugu.kernel import runtime


def home() -> Path:
    return runtime.home().path


def chains() -> tuple[Chain, ...]:
    """Errors: ChainConfigInvalid."""
    return config.chains(home())


def chain(name: str) -> Chain:
    """Errors: ChainUnknown, ChainConfigInvalid."""
    return config.chain(home(), name)


def venue_key(found: Chain) -> ChainKey:
    """The key that signs this venue's checkpoints for chains. Errors: BadKey."""
    return open_key(home() / found.key, home() / found.passphrase)


def payer(found: Chain) -> ChainKey:
    """The account that pays for gas. Errors: BadKey."""
    return open_key(home() / found.payer, home() / found.payer_passphrase)
