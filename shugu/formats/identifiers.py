"""Numbers with check characters: social credit codes and the venue's own numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shugu.formats.errors import BadIdentifier, BadUscc

USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ALNUM: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def uscc_check(prefix17: str) -> str:
    """The 18th character (GB 32100-2015 section 5): weights 3^i mod 31 over the first 17."""
    total = sum(USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(prefix17))
    return USCC_ALPHABET[-total % 31]


def make_uscc(prefix17: str) -> str:
    """Adds the check character. Raises BadUscc for a prefix that is not well formed."""
    if not _USCC.fullmatch(prefix17 + "0"):
        raise BadUscc(value=prefix17, reason=("前 17 位写法有误", "the first 17 characters are malformed"))
    return prefix17 + uscc_check(prefix17)


def parse_uscc(text: str) -> str:
    """The code itself when it is right: upper case, no spaces, check character holds.

    Raises BadUscc.
    """
    if len(text) != 18:
        raise BadUscc(value=text[:40], reason=("应为 18 位", "it has 18 characters"))
    if not _USCC.fullmatch(text):
        reason = ("含有不允许的字符（不用 I、O、S、V、Z）", "a character is not allowed (no I, O, S, V, Z)")
        raise BadUscc(value=text, reason=reason)
    if uscc_check(text[:17]) != text[17]:
        raise BadUscc(value=text, reason=("校验位不符", "the check character does not match"))
    return text


def iso7064_check(text: str) -> str:
    """The ISO 7064 MOD 37,36 check character of upper-case letters and digits."""
    product = 36
    for char in text:
        product = (product + _ALNUM.index(char)) % 36 or 36
        product = product * 2 % 37
    return _ALNUM[(37 - product) % 36]


class NumberKind(StrEnum):
    """What a venue number names; the value is its first part. Written `case` or `CAS` by callers."""

    REGISTRATION = "REG"
    ACCOUNT = "ACC"
    WINDOW = "WIN"
    APPEAL = "APP"
    CERTIFICATE = "CER"
    PRODUCT = "PRD"
    VERSION = "VER"
    LISTING = "LST"
    DEMAND = "DEM"
    NEGOTIATION = "NEG"
    OFFER = "OFR"
    CONTRACT = "CTR"
    ORDER = "ORD"
    CROSS_ORDER = "XOR"
    CROSS_SETTLEMENT = "XST"
    GRANT = "GRT"
    DELIVERY = "DLV"
    RECEIPT = "RCT"
    ESCROW = "ESC"
    INSTRUCTION = "PAY"
    STATEMENT = "STM"
    RUN = "RUN"
    INVOICE = "INV"
    VOUCHER = "VCH"
    REPORT = "RPT"
    CASE = "CAS"
    MERCHANT = "MER"
    ORGANISATION = "ORG"
    ENTRY = "ENT"
    OBJECTION = "OBJ"
    DISPUTE = "DIS"
    POLICY = "POL"
    DOCUMENT = "DOC"
    AGREEMENT = "AGR"
    MESSAGE = "MSG"
    RECOGNITION = "RCG"
    MOVE = "MOV"
    PACKAGE = "PKG"
    DEPOSIT = "EVD"

    @classmethod
    def named(cls, text: str) -> NumberKind:
        """By value (`CAS`) or by name in lower case (`case`). Raises BadIdentifier."""
        for kind in cls:
            if text in (kind.value, kind.name.lower()):
                return kind
        raise BadIdentifier(value=text, reason=("未知的编号类别", "unknown kind of number"))


@dataclass(frozen=True)
class Number:
    """KIND-VENUE-YYYY-NNNNNNNNC: serial of 8 digits followed by the check character C."""

    kind: NumberKind
    venue: str
    year: int
    serial: int

    def __str__(self) -> str:
        body = f"{self.kind.value}{self.venue}{self.year:04d}{self.serial:08d}"
        return f"{self.kind.value}-{self.venue}-{self.year:04d}-{self.serial:08d}{iso7064_check(body)}"


_VENUE = re.compile(r"[A-Z][A-Z0-9]{1,11}")
_NUMBER = re.compile(r"([A-Z]{3})-([A-Z][A-Z0-9]{1,11})-([0-9]{4})-([0-9]{8})([0-9A-Z])")


def make_number(kind: NumberKind | str, venue: str, year: int, serial: int) -> str:
    """A venue number; `venue` is 2 to 12 letters or digits, written in capitals. Raises BadIdentifier."""
    chosen, venue = NumberKind.named(kind), venue.upper()
    if not _VENUE.fullmatch(venue):
        reason = ("场所代码应为 2 至 12 位字母或数字", "a venue code is 2 to 12 letters or digits")
        raise BadIdentifier(value=venue, reason=reason)
    if not 2000 <= year <= 9999 or not 1 <= serial <= 99_999_999:
        raise BadIdentifier(value=f"{year}/{serial}", reason=("年份或序号越界", "year or serial out of range"))
    return str(Number(chosen, venue, year, serial))


def parse_number(text: str, kind: NumberKind | None = None) -> Number:
    """Raises BadIdentifier unless `text` is exactly a number (of `kind`, when given)."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[1] not in {k.value for k in NumberKind}:
        raise BadIdentifier(value=text[:60], reason=("写法有误", "it is malformed"))
    number = Number(NumberKind(match[1]), match[2], int(match[3]), int(match[4]))
    if str(number) != text:
        raise BadIdentifier(value=text, reason=("校验位不符", "the check character does not match"))
    if kind is not None and number.kind is not kind:
        raise BadIdentifier(value=text, reason=("类别不符", "it is a number of another kind"))
    return number
