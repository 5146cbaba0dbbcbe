"""Base58 with the Bitcoin alphabet, behind the multibase prefix `z`."""

from __future__ import annotations

from typing import Final

from shugu.formats.errors import FormatError

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {char: value for value, char in enumerate(_ALPHABET)}
_MAX: Final = 512


def multibase(data: bytes) -> str:
    """`z` and the base58btc digits; each leading zero byte is a `1`."""
    value = int.from_bytes(data, "big")
    digits = ""
    while value:
        value, rest = divmod(value, 58)
        digits = _ALPHABET[rest] + digits
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "z" + "1" * zeros + digits


def from_multibase(text: str) -> bytes:
    """Inverse of `multibase`. Raises FormatError."""
    body = text[1:]
    if not text.startswith("z") or len(text) > _MAX or not _VALUES.keys() >= set(body):
        raise FormatError(reason=("不是 base58btc 多基编码", "not multibase base58btc"))
    value = 0
    for char in body:
        value = value * 58 + _VALUES[char]
    zeros = len(body) - len(body.lstrip("1"))
    return b"\0" * zeros + value.to_bytes((value.bit_length() + 7) // 8, "big")
