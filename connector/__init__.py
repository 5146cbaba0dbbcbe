"""The data plane of a provider: holds the data, serves them under contract, meters every byte. See README.md."""

from __future__ import annotations

from pathlib import Path

from .home import load
from .meter import audit


def verify_meter(home: Path) -> list[str]:
    """Derives the meter chain, the deliveries and the receipts of a home again; [] when everything holds."""
    opened = load(home)
    try:
        return audit(opened.store)
    finally:
        opened.store.close()
