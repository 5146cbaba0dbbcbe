"""When a checkpoint is due for a chain, and what anchoring costs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

WEI = 10**18


@dataclass(frozen=True)
class Rule:
    """The venue's rule: not oftener than `interval`, from `growth` facts on; anything at all after `longest`; a block is
    final after `confirmations`; a way that did not deliver within `patience` is given up; `raise_percent` on the fee then."""

    interval: timedelta
    growth: int
    longest: timedelta
    confirmations: int
    patience: timedelta
    raise_percent: int


@dataclass(frozen=True)
class Cost:
    """What one anchor of ours took: facts it added, gas, wei for one gas."""

    facts: int
    gas: int
    gas_price: int

    @property
    def wei(self) -> int:
        return self.gas * self.gas_price


def due(rule: Rule, *, grown: int, others: bool, last: datetime | None, now: datetime) -> bool:
    """`grown`: facts since the last anchor; `others`: whether any of them is not anchoring's own. `last`: the last one's
    moment, None before the first. Anchors alone never cause the next, or an idle venue would pay for ever."""
    if grown <= 0 or not others:
        return False
    if last is None:
        return True
    return now - last >= (rule.interval if grown >= rule.growth else max(rule.interval, rule.longest))


def wei_per_thousand(costs: Iterable[Cost]) -> Decimal | None:
    """Wei for a thousand facts over these anchors; None without facts."""
    rows = list(costs)
    facts = sum(c.facts for c in rows)
    return Decimal(1000 * sum(c.wei for c in rows)) / facts if facts else None


def gas_per_thousand(costs: Iterable[Cost]) -> Decimal | None:
    rows = list(costs)
    facts = sum(c.facts for c in rows)
    return Decimal(1000 * sum(c.gas for c in rows)) / facts if facts else None


def in_units(wei: Decimal | int, places: int = 9) -> str:
    """Wei as a number of the chain's unit (10^18 wei), rounded, without trailing zeros."""
    text = f"{Decimal(wei) / WEI:.{places}f}".rstrip("0").rstrip(".")
    return text or "0"
