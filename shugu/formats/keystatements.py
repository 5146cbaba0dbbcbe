"""The lines of a venue's key history: their members, their signed bytes, how they are written and read.

`shugu.formats.keyhistory` says what they mean together; docs/formats.md section 2 specifies both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from shugu.formats.canonical import b64, canonical, digest_hex, parse_object, unb64
from shugu.formats.errors import FormatError
from shugu.formats.merkle import HASH_SIZE
from shugu.formats.suites import Signer, VerifyKey, parse_vkey
from shugu.formats.times import read_time, write_time

FORMAT: Final = "shugu-key-history/v1"
DOMAIN: Final = b"shugu-key-history/v1\n"
MAX_STATEMENTS: Final = 1000
_LARGEST: Final = 2**53 - 1


class BadKeyHistory(FormatError):
    code = "bad-key-history"
    sentence = ("密钥沿革有误：{reason}。", "The key history is wrong: {reason}.")
    remedy = ("请从交易场所的 /.well-known/venue-keys.json 重新下载。", "Fetch /.well-known/venue-keys.json from the venue.")


class Kind(StrEnum):
    FOUNDED = "founded"  # the first keys
    ANNOUNCED = "announced"  # one more key is in force
    RETIRED = "retired"  # a key has ended as planned
    COMPROMISED = "compromised"  # a key has ended because somebody else may hold it
    RECOVERY = "recovery"  # an offline key: from now on every new key and every loss needs its signature


class Reason(StrEnum):
    ROTATED = "rotated"
    ADOPTED = "adopted"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Statement:
    """One line of the history. `keys`: vkeys, one except at founding. `size`: the log's size when it was said; `root`:
    its root (32 bytes), for a key's end only. `previous`: hex SHA-256 of the line before with its signatures."""

    n: int
    name: str
    kind: Kind
    keys: tuple[VerifyKey, ...]
    at: datetime
    size: int
    previous: str = ""
    reason: str = ""
    root: bytes = b""

    def as_dict(self) -> dict[str, object]:
        return {
            "at": write_time(self.at), "keys": [k.vkey() for k in self.keys], "kind": self.kind.value, "n": self.n,
            "name": self.name, "previous": self.previous, "reason": self.reason, "root": b64(self.root) if self.root else "",
            "size": self.size,
        }  # fmt: skip

    def signed_bytes(self) -> bytes:
        return DOMAIN + canonical(self.as_dict())


@dataclass(frozen=True)
class Line:
    """A statement and its signatures, each by (vkey, signature), sorted by vkey."""

    statement: Statement
    signatures: tuple[tuple[VerifyKey, bytes], ...]

    def as_dict(self) -> dict[str, object]:
        return {
            "signatures": [{"signature": b64(s), "vkey": k.vkey()} for k, s in self.signatures],
            "statement": self.statement.as_dict(),
        }

    @property
    def digest(self) -> str:
        return digest_hex(self.as_dict())


def sign_line(statement: Statement, keys: Sequence[Signer]) -> Line:
    message = statement.signed_bytes()
    made = [(key.verify_key, key.sign(message)) for key in keys]
    return Line(statement, tuple(sorted(made, key=lambda pair: pair[0].vkey())))


def write_history(name: str, lines: Sequence[Line]) -> bytes:
    """The document: canonical JSON, the oldest line first."""
    return canonical({"format": FORMAT, "lines": [line.as_dict() for line in lines], "name": name})


def _members(value: object, names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names.split()):
        raise BadKeyHistory(reason=("成员不符", "wrong members"))
    return value


def _need(condition: bool, zh: str, en: str) -> None:
    if not condition:
        raise BadKeyHistory(reason=(zh, en))


def _line(value: object) -> Line:
    found = _members(value, "signatures statement")
    said = _members(found["statement"], "at keys kind n name previous reason root size")
    texts = all(isinstance(said[m], str) for m in ("at", "kind", "name", "previous", "reason", "root"))
    counts = all(type(said[m]) is int and 0 <= said[m] <= _LARGEST for m in ("n", "size"))
    _need(texts and counts and isinstance(said["keys"], list), "成员类型不符", "a member has the wrong type")
    _need(said["kind"] in list(Kind), "未知的种类", "unknown kind")
    _need(isinstance(found["signatures"], list) and 1 <= len(found["signatures"]) <= 16, "签名数不符", "1 to 16 signatures")
    root = unb64(said["root"])
    _need(len(root) in (0, HASH_SIZE), "根哈希应为 32 字节", "a root has 32 bytes")
    statement = Statement(
        said["n"], said["name"], Kind(said["kind"]), tuple(parse_vkey(str(k)) for k in said["keys"]), read_time(said["at"]),
        said["size"], said["previous"], said["reason"], root,
    )  # fmt: skip
    signatures = []
    for item in found["signatures"]:
        entry = _members(item, "signature vkey")
        _need(all(isinstance(v, str) for v in entry.values()), "成员类型不符", "a member has the wrong type")
        signatures.append((parse_vkey(entry["vkey"]), unb64(entry["signature"])))
    return Line(statement, tuple(signatures))


def read_line(data: bytes) -> Line:
    """One line by itself, unverified. Raises FormatError."""
    line = _line(parse_object(data))
    _need(canonical(line.as_dict()) == data, "写法不唯一", "not the single spelling")
    return line


def read_history(data: bytes) -> tuple[Line, ...]:
    """The lines, unverified. Raises FormatError; only the one spelling is read."""
    found = _members(parse_object(data), "format lines name")
    _need(found["format"] == FORMAT and isinstance(found["name"], str), "格式标识不符", "another format")
    _need(isinstance(found["lines"], list) and 1 <= len(found["lines"]) <= MAX_STATEMENTS, "行数不符", "wrong number of lines")
    lines = tuple(_line(value) for value in found["lines"])
    _need(all(line.statement.name == found["name"] for line in lines), "名称不一致", "a line is of another name")
    _need(write_history(found["name"], lines) == data, "写法不唯一", "not the single spelling")
    return lines
