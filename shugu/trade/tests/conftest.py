from __future__ import annotations

from shugu.market.tests.staged import _listed, stage

__all__ = ["_listed", "stage"]
