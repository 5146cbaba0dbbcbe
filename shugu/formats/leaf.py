"""Fact envelopes: what the log shows of a fact, and the fact that opens it.

The log holds only salted commitments; whoever has payload and salt proves the fact.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from shugu.formats.canonical import b64, canonical, from_hex, parse_object, sha256, sm3, unb64
from shugu.formats.errors import BadBase64, BadEntry, CommitmentMismatch, NotCanonical
from shugu.formats.merkle import leaf_hash

VERSION: Final = 1
SALT_SIZE: Final = 32


@dataclass(frozen=True)
class Entry:
    """The commitments of one log entry, 32 bytes each; `sm3` only under suite `sm`."""

    sha256: bytes
    sm3: bytes | None = None


def new_salt() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(SALT_SIZE)


def _check_salt(salt: bytes) -> None:
    if len(salt) != SALT_SIZE:
        raise BadEntry(reason=("盐应为 32 字节", "the salt has 32 bytes"))


def commit(payload: bytes, salt: bytes) -> bytes:
    """SHA-256(salt || payload), 32 bytes; payload is canonical JSON."""
    _check_salt(salt)
    return sha256(salt + payload)


def commit_sm3(payload: bytes, salt: bytes) -> bytes:
    """SM3(salt || payload), 32 bytes."""
    _check_salt(salt)
    return sm3(salt + payload)


def entry(commitment: bytes, sm3_commitment: bytes | None = None) -> bytes:
    """The log entry: {"sha256":"<hex>","v":1}, with "sm3" between under suite `sm`."""
    values = (commitment,) if sm3_commitment is None else (commitment, sm3_commitment)
    if any(len(value) != 32 for value in values):
        raise BadEntry(reason=("承诺应为 32 字节", "a commitment has 32 bytes"))
    second = "" if sm3_commitment is None else f'"sm3":"{sm3_commitment.hex()}",'
    return f'{{"sha256":"{commitment.hex()}",{second}"v":{VERSION}}}'.encode()


def entry_for(payload: bytes, salt: bytes, suite: str) -> bytes:
    """The entry of a fact under a venue's suite."""
    return entry(commit(payload, salt), commit_sm3(payload, salt) if suite == "sm" else None)


def parse_entry(data: bytes) -> Entry:
    """Raises BadEntry for any other member, version or spelling."""
    try:
        value = parse_object(data)
        if value.keys() - {"sm3"} != {"sha256", "v"} or value["v"] != VERSION:
            raise BadEntry(reason=("成员或版本不符", "wrong members or version"))
        first = from_hex(str(value["sha256"]), 32)
        second = from_hex(str(value["sm3"]), 32) if "sm3" in value else None
    except NotCanonical as error:
        raise BadEntry(reason=("不是规范写法", "not in canonical form")) from error
    if entry(first, second) != data:
        raise BadEntry(reason=("写法不唯一", "not the single spelling"))
    return Entry(first, second)


def verify_entry(data: bytes, payload: bytes, salt: bytes) -> Entry:
    """Raises CommitmentMismatch unless the entry commits to payload and salt; BadEntry."""
    found = parse_entry(data)
    if found.sha256 != commit(payload, salt):
        raise CommitmentMismatch(reason=("SHA-256 承诺不符", "the SHA-256 commitment differs"))
    if found.sm3 is not None and found.sm3 != commit_sm3(payload, salt):
        raise CommitmentMismatch(reason=("SM3 承诺不符", "the SM3 commitment differs"))
    return found


@dataclass(frozen=True)
class Fact:
    """An opened fact: its payload object and its salt (`X.fact.json`)."""

    payload: dict[str, object]
    salt: bytes

    def as_dict(self) -> dict[str, object]:
        return {"payload": self.payload, "salt": b64(self.salt)}

    def encode(self) -> bytes:
        """Canonical {"payload": …, "salt": "<base64>"}."""
        return canonical(self.as_dict())

    def leaf_hashes(self) -> tuple[bytes, bytes]:
        """The leaf hash of the entry without and with the SM3 commitment."""
        payload = canonical(self.payload)
        return (
            leaf_hash(entry_for(payload, self.salt, "intl")),
            leaf_hash(entry_for(payload, self.salt, "sm")),
        )


def fact_from(value: object) -> Fact:
    """The fact of a parsed {"payload", "salt"} object. Raises BadEntry."""
    if not isinstance(value, dict) or value.keys() != {"payload", "salt"}:
        raise BadEntry(reason=("应只有 payload 与 salt", "only payload and salt belong here"))
    payload, salt = value["payload"], value["salt"]
    if not isinstance(payload, dict) or not isinstance(salt, str):
        raise BadEntry(reason=("payload 应为对象，salt 应为文本", "payload is an object, salt a text"))
    try:
        fact = Fact(payload, unb64(salt))
    except BadBase64 as error:
        raise BadEntry(reason=("盐的写法有误", "malformed salt")) from error
    _check_salt(fact.salt)
    return fact


def parse_fact(data: bytes) -> Fact:
    """Reads the bytes of `X.fact.json`. Raises NotCanonical, BadEntry."""
    return fact_from(parse_object(data))
