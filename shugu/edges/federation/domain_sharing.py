"""What venues tell each other of listings. Pure: no Django, no clock, no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shugu.edges.federation.bodies import day
from shugu.formats.canonical import canonical, digest_hex, parse_object
from shugu.formats.checks import Outcome
from shugu.formats.credential import require_credential, verify_dates
from shugu.formats.errors import BadCredential, BadMessage, VerificationError
from shugu.formats.suites import Keyring
from shugu.formats.times import read_time

CATALOGUE: Final = "FederationCatalogue"
SHOWN, SAME, REFUSED, WITHDRAWN = "shown", "same_object", "refused", "withdrawn"
# The two sides of an order: where the buyer is at home, and where the product is listed.
SELLING, LISTING = "selling", "listing"
MOST_ITEMS: Final = 50_000
_HEX64 = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,79}")
_HEAD = {"number", "venue", "to", "serial", "root", "count"}
# name: longest text; a list holds codes or words of at most 40 characters
_TEXTS: Mapping[str, int] = {
    "origin": 200, "venue": 40, "product": 40, "version": 40, "title": 120, "title_en": 200, "summary": 4_000,
    "industry": 40, "form": 40, "data_class": 40, "price_unit": 20, "price_includes": 300, "listed_on": 10,
}  # fmt: skip
_LISTS = ("keywords", "delivery_forms")
_DIGESTS = ("policy", "dictionary", "sample", "data", "content")
_MEMBERS = {*_TEXTS, *_LISTS, *_DIGESTS, "licence", "provider", "registration", "quality", "price_fen", "term_days"}


@dataclass(frozen=True)
class Shown:
    """One listing as its venue shares it (docs/formats.md "Between venues"). `digest`: SHA-256 of its canonical form;
    `quality` in basis points or None; `registration`: number, certificate, digest of the certificate."""

    document: Mapping[str, Any]
    digest: str

    @property
    def product(self) -> str:
        return str(self.document["product"])

    @property
    def data(self) -> str:
        return str(self.document["data"])

    @property
    def certificate(self) -> str:
        return str(self.document["registration"]["digest"])


def _bad(zh: str, en: str) -> BadMessage:
    return BadMessage(reason=(zh, en))


def _closed(value: Any, members: set[str], where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != members:
        raise _bad(f"{where}的成员应为 {sorted(members)}", f"the members of {where} are {sorted(members)}")
    return value


def _digest(value: Any, where: str) -> None:
    if not isinstance(value, str) or not _HEX64.fullmatch(value):
        raise _bad(f"{where} 不是摘要", f"{where} is no digest")


def _whole(value: Any, low: int, high: int, where: str) -> None:
    if type(value) is not int or not low <= value <= high:
        raise _bad(f"{where} 应在 {low} 与 {high} 之间", f"{where} is from {low} to {high}")


def _text(value: Any, most: int, where: str, least: int = 0) -> None:
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise _bad(f"{where} 应为至多 {most} 字的文本", f"{where} is a text of at most {most} characters")


def read_listing(value: Any) -> Shown:
    """A shared listing from its JSON. Errors: BadMessage; nothing is guessed and no member is ignored."""
    row = _closed(value, _MEMBERS, "listing")
    for name, most in _TEXTS.items():
        _text(row[name], most, name, 0 if name in ("title_en", "price_includes", "data_class") else 1)
    day(row["listed_on"], "listed_on")
    for name in ("product", "version"):
        if not _CODE.fullmatch(row[name]):
            raise _bad(f"{name} 写法有误", f"{name} is misspelt")
    for name in _LISTS:
        if not isinstance(row[name], list) or len(row[name]) > 60:
            raise _bad(f"{name} 应为至多 60 项的列表", f"{name} is a list of at most 60")
        for item in row[name]:
            _text(item, 40, name, 1)
    if not isinstance(row["licence"], list) or len(row["licence"]) > 40:
        raise _bad("licence 应为至多 40 行", "licence has at most 40 lines")
    for line in row["licence"]:
        for pair in _closed(line, {"label", "text"}, "licence").values():
            if not isinstance(pair, list) or len(pair) != 2:
                raise _bad("许可条件须有中英文", "a line of the licence is in both languages")
            for words in pair:
                _text(words, 1_000, "licence", 1)
    for name in _DIGESTS:
        _digest(row[name], name)
    _whole(row["price_fen"], 0, 10**15, "price_fen")
    _whole(row["term_days"], 1, 36_600, "term_days")
    provider = _closed(row["provider"], {"name", "name_en", "uscc"}, "provider")
    for name, most in (("name", 100), ("name_en", 200), ("uscc", 18)):
        _text(provider[name], most, name, 0 if name == "name_en" else 1)
    registration = _closed(row["registration"], {"number", "certificate", "digest"}, "registration")
    for name in ("number", "certificate"):
        _text(registration[name], 60, name, 1)
    _digest(registration["digest"], "registration.digest")
    if row["quality"] is not None:
        quality = _closed(row["quality"], {"report", "score", "digest"}, "quality")
        _text(quality["report"], 60, "report", 1)
        _whole(quality["score"], 0, 10_000, "score")
        _digest(quality["digest"], "quality.digest")
    return Shown(row, digest_hex(row))


def items_bytes(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The index of a catalogue, (product, digest of the listing) pairs in order of the product: what the root is the
    SHA-256 of."""
    return canonical({"items": [[product, digest] for product, digest in sorted(pairs)]})


def read_items(data: bytes) -> dict[str, str]:
    """Errors: BadMessage, NotCanonical; for a product that stands there twice too."""
    rows: Any = _closed(parse_object(data), {"items"}, "catalogue")["items"]
    if not isinstance(rows, list) or len(rows) > MOST_ITEMS:
        raise _bad(f"目录至多 {MOST_ITEMS} 项", f"a catalogue has at most {MOST_ITEMS} items")
    for row in rows:
        if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], str) or not _CODE.fullmatch(row[0]):
            raise _bad("目录项写法有误", "an item is misspelt")
        _digest(row[1], "items")
    found: dict[str, str] = dict(rows)
    if len(found) != len(rows) or items_bytes(found.items()) != data:
        raise _bad("目录项重复或次序不符", "items occur twice or are out of order")
    return found


@dataclass(frozen=True)
class Head:
    """What a venue says its shared catalogue is: how many messages of it there were, its root, when it said so."""

    serial: int
    root: str
    count: int
    at: datetime


def read_head(data: bytes, keys: Keyring, origin: str, to: str, demo: bool, now: datetime) -> Head:
    """Errors: FormatError, VerificationError: not signed by `origin`, for somebody else, or dated in the future."""
    credential = parse_object(data)
    body = require_credential(credential, keys)
    subject: Any = body["credentialSubject"]
    if body["type"] != ["VerifiableCredential", CATALOGUE] or body["issuer"] != f"https://{origin}":
        raise BadCredential(reason=("不是对方的目录声明", "it is no catalogue head of that venue"))
    if set(subject) - {"demo"} != _HEAD or subject["to"] != to or (subject.get("demo") is True) != demo:
        raise VerificationError(reason=("目录声明不是给本场所的", "the head is not for this venue"))
    dated = verify_dates(credential, now)
    if dated.outcome is Outcome.FAILED:
        raise VerificationError(reason=dated.detail)
    _whole(subject["serial"], 0, 2**53 - 1, "serial")
    _whole(subject["count"], 0, MOST_ITEMS, "count")
    _digest(subject["root"], "root")
    return Head(subject["serial"], subject["root"], subject["count"], read_time(str(body["validFrom"])))


def limit(agreed: int, own_minutes: int) -> timedelta:
    """How long a listing counts without being confirmed: the shorter of what was agreed and the venue's own rule."""
    return min(timedelta(seconds=agreed), timedelta(minutes=own_minutes))


def stale(confirmed_at: datetime, now: datetime, after: timedelta) -> bool:
    return now - confirmed_at > after


@dataclass(frozen=True)
class Candidate:
    """A live listing in the zone: its key, its venue, and by what it is known to be the same as another."""

    key: int
    venue: str
    name: str
    data: str
    certificate: str


def same_objects(rows: Iterable[Candidate], own: Mapping[str, str]) -> dict[int, str]:
    """{key: what it is the same as, or ""} of listings in the order in which they came. The venue's own product with the
    same data (`own`: digest to name) goes before all; else the first to come with that data or that certificate stays, and
    a later one of another venue is the same object. Two listings of one venue are that venue's own affair."""
    out: dict[int, str] = {}
    first: dict[tuple[str, str], Candidate] = {}
    for row in rows:
        marks = (("data", row.data), ("certificate", row.certificate))
        before = next((first[m] for m in marks if m in first and first[m].venue != row.venue), None)
        out[row.key] = own.get(row.data) or (before.name if before is not None else "")
        if not out[row.key]:
            for mark in marks:
                first.setdefault(mark, row)
    return out
