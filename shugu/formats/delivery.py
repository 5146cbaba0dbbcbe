"""The documents that pass between exchange and connector: credentials with one closed subject each.

Grant, notice and order are signed by the venue's pinned keys; receipt and report by the connector's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from shugu.formats.canonical import digest_hex
from shugu.formats.credential import CONTEXT, Document, issuer_of, require_credential, sign_credential
from shugu.formats.errors import FormatError, ShuguError
from shugu.formats.policy import Policy
from shugu.formats.suites import Keyring, Signer
from shugu.formats.times import read_time, write_time


class BadDocument(FormatError):
    code = "connector-bad-document"
    status = 422
    sentence = ("签名文件不被接受：{detail}", "The signed document is not accepted: {detail}")
    remedy = ("请由交易所重新签发。", "Have the exchange issue it again.")


class Kind(StrEnum):
    GRANT = "ShuguGrant"
    NOTICE = "ShuguGrantNotice"
    ORDER = "ShuguQualityOrder"
    RECEIPT = "ShuguDeliveryReceipt"
    REPORT = "ShuguQualityReport"


class NoticeAction(StrEnum):
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"


@dataclass(frozen=True)
class GrantedFile:
    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Limits:
    """Beside the policy's own constraints; None = no limit. `requests_per_minute` fills a token bucket."""

    count: int | None = None
    bytes: int | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True)
class Grant:
    """What a contract lets a buyer take from this connector. `product_version` is what tokens must carry."""

    grant: str
    connector: str
    contract: str
    contract_sha256: str
    buyer: str
    product: str
    product_version: str
    files: tuple[GrantedFile, ...]
    policy: Policy
    limits: Limits
    valid_from: datetime
    valid_until: datetime

    def subject(self) -> Document:
        return {
            "grant": self.grant,
            "connector": self.connector,
            "contract": self.contract,
            "contract_sha256": self.contract_sha256,
            "buyer": self.buyer,
            "product": self.product,
            "product_version": self.product_version,
            "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in self.files],
            "policy": self.policy.as_dict(),
            "limits": {
                "count": self.limits.count,
                "bytes": self.limits.bytes,
                "requests_per_minute": self.limits.requests_per_minute,
            },
        }


@dataclass(frozen=True)
class Notice:
    """Suspends, resumes or revokes a grant; `sequence` rises with every notice of the grant, from 1."""

    grant: str
    connector: str
    action: NoticeAction
    sequence: int
    reason: str

    def subject(self) -> Document:
        return {
            "grant": self.grant,
            "connector": self.connector,
            "action": self.action.value,
            "sequence": self.sequence,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class QualityOrder:
    """Asks the connector to measure one file of a product beside the data."""

    order: str
    connector: str
    product: str
    file: str
    sha256: str

    def subject(self) -> Document:
        return {
            "order": self.order,
            "connector": self.connector,
            "product": self.product,
            "file": self.file,
            "sha256": self.sha256,
        }


def sign_document(
    kind: Kind, subject: Document, keys: Sequence[Signer], now: datetime, *,
    valid_from: datetime | None = None, valid_until: datetime | None = None,
) -> Document:  # fmt: skip
    """A credential of the kind, issued by the name of the first key."""
    body: Document = {
        "@context": [CONTEXT],
        "type": ["VerifiableCredential", kind.value],
        "issuer": issuer_of(keys[0].name),
        "validFrom": write_time(valid_from or now),
        "credentialSubject": subject,
    }
    if valid_until is not None:
        body["validUntil"] = write_time(valid_until)
    return sign_credential(body, keys, now)


def sign_grant(grant: Grant, keys: Sequence[Signer], now: datetime) -> Document:
    return sign_document(
        Kind.GRANT, grant.subject(), keys, now, valid_from=grant.valid_from, valid_until=grant.valid_until
    )


def sign_notice(notice: Notice, keys: Sequence[Signer], now: datetime) -> Document:
    return sign_document(Kind.NOTICE, notice.subject(), keys, now)


def sign_order(order: QualityOrder, keys: Sequence[Signer], now: datetime, valid_until: datetime) -> Document:
    return sign_document(Kind.ORDER, order.subject(), keys, now, valid_until=valid_until)


def digest(document: Document) -> str:
    return digest_hex(document)


def body_digest(document: Document) -> str:
    """Digest without the proofs: signing again (SM2 signatures differ each time) is still the same document."""
    return digest_hex({name: value for name, value in document.items() if name != "proof"})


def opened(document: object, kind: Kind, keys: Keyring) -> tuple[Document, Document]:
    """(body, subject) of a document of this kind signed by a pinned key. Raises BadDocument."""
    if not isinstance(document, dict):
        raise BadDocument(detail=("应为对象", "an object is wanted"))
    try:
        body = require_credential(document, keys)
        if body["type"] != ["VerifiableCredential", kind.value]:
            raise BadDocument(detail=(f"不是 {kind}", f"not a {kind}"))
        return body, cast(Document, body["credentialSubject"])
    except BadDocument:
        raise
    except ShuguError as error:
        raise BadDocument(detail=(error.message("zh"), error.message("en"))) from error


def read_grant(document: object, keys: Keyring) -> Grant:
    """Raises BadDocument, BadPolicy."""
    body, subject = opened(document, Kind.GRANT, keys)
    texts = ("grant", "connector", "contract", "contract_sha256", "buyer", "product", "product_version")
    _members(subject, {*texts, "files", "policy", "limits"})
    if "validUntil" not in body:
        raise BadDocument(detail=("授权必须有截止时间", "a grant has an end"))
    files = subject["files"]
    if not isinstance(files, list) or not files:
        raise BadDocument(detail=("授权必须列明文件", "a grant names files"))
    return Grant(
        **{name: _text(subject, name) for name in texts},
        files=tuple(_file(file) for file in files),
        policy=Policy.from_dict(subject["policy"]),
        limits=_limits(subject["limits"]),
        valid_from=read_time(str(body["validFrom"])),
        valid_until=read_time(str(body["validUntil"])),
    )


def read_notice(document: object, keys: Keyring) -> Notice:
    """Raises BadDocument."""
    _, subject = opened(document, Kind.NOTICE, keys)
    _members(subject, {"grant", "connector", "action", "sequence", "reason"})
    sequence = subject["sequence"]
    if type(sequence) is not int or sequence < 1:
        raise BadDocument(detail=("序号应为从 1 起的整数", "the sequence is a whole number from 1"))
    if subject["action"] not in list(NoticeAction):
        raise BadDocument(detail=("未知的动作", "unknown action"))
    return Notice(
        _text(subject, "grant"), _text(subject, "connector"), NoticeAction(str(subject["action"])), sequence,
        _text(subject, "reason"),
    )  # fmt: skip


def read_order(document: object, keys: Keyring, now: datetime) -> QualityOrder:
    """Raises BadDocument, also outside the order's term."""
    body, subject = opened(document, Kind.ORDER, keys)
    names = ("order", "connector", "product", "file", "sha256")
    _members(subject, set(names))
    if "validUntil" not in body:
        raise BadDocument(detail=("指令必须有截止时间", "an order has an end"))
    if not read_time(str(body["validFrom"])) <= now < read_time(str(body["validUntil"])):
        raise BadDocument(detail=("指令不在有效期内", "the order is outside its term"))
    return QualityOrder(**{name: _text(subject, name) for name in names})


def _members(value: Mapping[str, Any], wanted: set[str]) -> None:
    if set(value) != wanted:
        odd = sorted(set(value) ^ wanted)
        raise BadDocument(detail=(f"缺少或多出成员：{', '.join(odd)}", f"missing or unknown members: {', '.join(odd)}"))


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value[name]
    if not isinstance(text, str) or not text or len(text) > 500:
        raise BadDocument(detail=(f"{name} 应为文本", f"{name} is a text"))
    return text


def _file(value: object) -> GrantedFile:
    if not isinstance(value, dict):
        raise BadDocument(detail=("文件应为对象", "a file is an object"))
    _members(value, {"name", "sha256", "size"})
    if type(value["size"]) is not int or value["size"] < 0:
        raise BadDocument(detail=("大小应为整数", "a size is a whole number"))
    return GrantedFile(_text(value, "name"), _text(value, "sha256"), value["size"])


def _limits(value: object) -> Limits:
    if not isinstance(value, dict):
        raise BadDocument(detail=("限额应为对象", "limits are an object"))
    _members(value, {"count", "bytes", "requests_per_minute"})
    for limit in value.values():
        if limit is not None and (type(limit) is not int or limit < 0):
            raise BadDocument(detail=("限额应为整数或空", "a limit is a whole number or null"))
    return Limits(value["count"], value["bytes"], value["requests_per_minute"])
