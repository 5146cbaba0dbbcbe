"""Periods of netting, and where two venues' statements of one period differ. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

RULES: Final = ("day", "month")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """One settlement in a netting: `claimant` (origin) asked for `amount_fen`."""

    settlement: str
    claimant: str
    amount_fen: int

    def as_dict(self) -> dict[str, Any]:
        return {"settlement": self.settlement, "claimant": self.claimant, "amount_fen": self.amount_fen}


def period_of(rule: str, day: date) -> str:
    """`2026-11` under "month", `2026-11-30` under "day"."""
    return day.isoformat()[:7] if rule == "month" else day.isoformat()


def period_ends(period: str) -> date:
    """Its last day; one that is misspelt never ends."""
    try:
        if len(period) == 7:
            year, month = date.fromisoformat(f"{period}-01").timetuple()[:2]
            return date(year, month, calendar.monthrange(year, month)[1])
        return date.fromisoformat(period)
    except ValueError:
        return date.max


def differences(told: Sequence[Row], ours: Sequence[Row], us: str, balance: int) -> list[Pair]:
    """What is wrong with the statement of the other venue (to which `balance` fen are said to be due) by our own books, nothing
    where both agree. Every claim of ours has to be in it; one of its own it may leave for later."""
    known = {(row.claimant, row.settlement): row.amount_fen for row in ours}
    said = {(row.claimant, row.settlement): row.amount_fen for row in told}
    out: list[Pair] = []
    if len(said) != len(told):
        out.append(("有清算单重复", "a settlement is named twice"))
    for key, fen in said.items():
        if key not in known:
            out.append((f"本所账上没有待轧差的 {key[1]}", f"{key[1]} does not wait to be netted here"))
        elif known[key] != fen:
            out.append((f"{key[1]} 本所为 {known[key]} 分，对方为 {fen} 分", f"{key[1]}: {known[key]} fen here, {fen} there"))
    missing = [key[1] for key in known if key[0] == us and key not in said]
    out += [(f"漏列 {number}", f"{number} is left out") for number in missing]
    due = sum(-row.amount_fen if row.claimant == us else row.amount_fen for row in told)
    if due != balance or balance < 0:
        out.append((f"差额应为 {due} 分，写作 {balance} 分", f"the balance is {due} fen, it says {balance}"))
    return out
