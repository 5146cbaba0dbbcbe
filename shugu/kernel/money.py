"""Money as integer fen: strict parsing, printing, exact splitting, basis points.

`Fen` is an int so sums stay exact; nothing here accepts or makes a float.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import NewType, TypeVar

from shugu.kernel.rule_errors import MoneyError

Fen = NewType("Fen", int)
Key = TypeVar("Key", bound=Hashable)

FEN_A_YUAN = 100
BASIS_POINTS = 10_000
# RFC 8785 numbers are IEEE doubles: a larger integer would lose its last fen.
LARGEST = Fen(2**53 - 1)

_YUAN = re.compile(r"(-?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?")


class Rounding(StrEnum):
    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"


def parse_fen(text: str, *, signed: bool = False) -> Fen:
    """Yuan as a person writes them, in fen. `1,234.56` is 123456.

    Raises MoneyError for a fraction of a fen, misplaced separators, other characters,
    superfluous leading zeros, a sign that is not `signed`, or more than LARGEST.
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise MoneyError(text=text, zh="不是用元表示的数", en="it is not a number of yuan")
    sign, whole, decimals = match[1], match[2].replace(",", ""), match[3] or ""
    if len(decimals) > 2:
        raise MoneyError(text=text, zh="小于一分", en="it has a fraction of a fen")
    if len(whole) > 1 and whole.startswith("0"):
        raise MoneyError(text=text, zh="前面有多余的零", en="it has leading zeros")
    if sign and not signed:
        raise MoneyError(text=text, zh="不能为负", en="it may not be negative")
    if len(whole) > len(str(LARGEST)):
        raise MoneyError(text=text, zh="数额过大", en="it is too large")
    amount = int(whole) * FEN_A_YUAN + int(decimals.ljust(2, "0"))
    if amount > LARGEST:
        raise MoneyError(text=text, zh="数额过大", en="it is too large")
    return Fen(-amount if sign else amount)


def format_fen(amount: int, *, symbol: bool = False) -> str:
    """`-1,234.56`, with `¥` after the sign if asked."""
    whole, rest = divmod(abs(amount), FEN_A_YUAN)
    return f"{'-' if amount < 0 else ''}{'¥' if symbol else ''}{whole:,}.{rest:02d}"


def split(total: int, shares: Sequence[tuple[Key, Fraction | int]]) -> dict[Key, Fen]:
    """Divide `total` fen by weight; the parts sum to `total` exactly.

    Each part is rounded down, then the fen left over go to the largest remainders, ties
    to the one named first. A larger weight never gets less than a smaller one. A
    negative total is divided as its opposite, so a refund mirrors the payment.
    Raises MoneyError for no shares, a key twice, a negative weight, or all weights zero.
    """
    weights = [Fraction(weight) for _, weight in shares]
    keys = [key for key, _ in shares]
    whole = sum(weights, Fraction(0))
    if not shares or len(set(keys)) != len(keys) or min(weights) < 0 or whole == 0:
        raise MoneyError(text=str(total), zh="分配份额无效", en="its shares are not valid")
    amount = abs(total)
    exact = [amount * weight / whole for weight in weights]
    parts = [part.numerator // part.denominator for part in exact]
    left = amount - sum(parts)
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[:left]:
        parts[place] += 1
    sign = -1 if total < 0 else 1
    return {key: Fen(sign * part) for key, part in zip(keys, parts, strict=True)}


def percent(rate: int) -> str:
    """A rate in basis points as people read it: 250 -> "2.50%"."""
    return f"{rate // 100}.{rate % 100:02d}%"


def bps(amount: int, rate: int, rounding: Rounding | str = Rounding.HALF_UP) -> Fen:
    """`rate` basis points (1/10,000) of a non-negative amount, rounded to a fen.

    Raises MoneyError for a negative amount or rate.
    """
    if amount < 0 or rate < 0:
        raise MoneyError(text=f"{amount} × {rate}", zh="不能为负", en="it may not be negative")
    whole, rest = divmod(amount * rate, BASIS_POINTS)
    way = Rounding(rounding)
    if (way is Rounding.UP and rest) or (way is Rounding.HALF_UP and rest * 2 >= BASIS_POINTS):
        whole += 1
    return Fen(whole)
