"""The chain libraries, imported without what they do to the interpreter besides."""

from __future__ import annotations

import importlib
import sys
from functools import cache

from shugu.edges.chain.errors import ChainSoftwareMissing


@cache
def ready() -> None:
    """Import them once, before anything of theirs is used. Errors: ChainSoftwareMissing.

    Their first import raises the recursion limit of the whole process a hundredfold; then deeply nested JSON from anybody
    would end in a crash of the process instead of a RecursionError. The limit is put back."""
    before = sys.getrecursionlimit()
    try:
        for name in ("eth_account", "web3"):
            importlib.import_module(name)
    except ImportError as error:
        raise ChainSoftwareMissing(name=name) from error
    finally:
        sys.setrecursionlimit(before)
