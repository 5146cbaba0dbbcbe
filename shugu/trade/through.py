"""Trades that somebody brought to this venue, with a part of the venue's fee for whoever did. Door: services.

A later app that knows of such buyers registers a function; what it answers stands in the terms both sides sign, as a fee
line of its own, and on the voucher. Nothing else of a trade changes by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Through:
    """`venue`, `origin`: who brought the buyer, by its order number `order`, under `agreement`; `payee`: the number of its
    organisation here; `parts` of ten thousand of this venue's fee are its own, rounded down."""

    venue: str
    origin: str
    order: str
    agreement: str
    payee: str
    parts: int

    def as_dict(self, listing_fen: int, selling_fen: int) -> dict[str, Any]:
        return {
            "venue": self.venue, "origin": self.origin, "order": self.order, "agreement": self.agreement, "payee": self.payee,
            "parts": self.parts, "listing_fen": listing_fen, "selling_fen": selling_fen,
        }  # fmt: skip


Brought = Callable[[int, str, str], Through | None]
_ASKED: list[Brought] = []


def brought_by(function: Brought) -> None:
    """Register f(buyer's organisation, product's number, contract's number) -> who brought the buyer, or None."""
    if function not in _ASKED:
        _ASKED.append(function)


def through_of(buyer: int, product: str, contract: str) -> Through | None:
    return next((found for f in _ASKED if (found := f(buyer, product, contract)) is not None), None)
