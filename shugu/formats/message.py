"""What one venue tells another: a message, its receipt, and documents that two venues sign (docs/formats.md "Between venues").

A message is a credential of type `FederationMessage` by the sender's keys, in canonical form. Messages from one venue to
another are numbered 1, 2, 3 …; the receiver answers each with a signed `FederationReceipt`, so that nobody in between can
pretend that it arrived. Pure: no network, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from shugu.formats.canonical import parse_object, sha256
from shugu.formats.checks import Outcome
from shugu.formats.credential import (
    CRYPTOSUITES,
    Document,
    issuer_of,
    make_proof,
    require_credential,
    split_proofs,
    verify_dates,
)
from shugu.formats.errors import BadMessage, MissingSignature, VerificationError
from shugu.formats.suites import Keyring, Signer

MESSAGE: Final = "FederationMessage"
RECEIPT: Final = "FederationReceipt"
MAX_BYTES: Final = 262_144
TAKEN, REFUSED = "taken", "refused"
_KIND = re.compile(r"[a-z][a-z_]{1,30}\.[a-z][a-z_]{1,30}")
_COMMON: Final = frozenset({"number", "venue", "to"})


@dataclass(frozen=True)
class Message:
    """A message that was read and whose signatures hold. `digest`: SHA-256 (hex) of its bytes."""

    sender: str
    venue: str
    to: str
    kind: str
    sequence: int
    body: Mapping[str, object]
    demo: bool
    sent_at: str
    digest: str


@dataclass(frozen=True)
class Receipt:
    """`outcome`: "taken", or "refused" with the receiver's error code; either way the message has been recorded."""

    sender: str
    to: str
    message: str
    sequence: int
    outcome: str
    code: str


def _refuse(zh: str, en: str) -> BadMessage:
    return BadMessage(reason=(zh, en))


def sender_of(data: bytes) -> str:
    """Whose message it claims to be: the key name in `issuer`, unverified. Errors: FormatError."""
    if len(data) > MAX_BYTES:
        raise _refuse(f"超过 {MAX_BYTES} 字节", f"it has more than {MAX_BYTES} bytes")
    issuer = parse_object(data).get("issuer")
    if not isinstance(issuer, str) or not issuer.startswith("https://"):
        raise _refuse("没有签发方", "it has no issuer")
    return issuer.removeprefix("https://")


def check_kind(kind: str) -> str:
    """`<thing>.<what happened>` in small letters. Errors: BadMessage."""
    if not _KIND.fullmatch(kind):
        raise _refuse(f"种类 {kind} 写法有误", f"the kind {kind} is misspelt")
    return kind


def _subject(data: bytes, kind: str, members: frozenset[str], keys: Keyring, now: datetime) -> tuple[Document, Document]:
    """(body of the credential, its subject): canonical, of the type, signed by the pinned keys, dated by `now`."""
    sender_of(data)
    credential = parse_object(data)
    body = require_credential(credential, keys)
    if body["type"] != ["VerifiableCredential", kind]:
        raise _refuse(f"类型不是 {kind}", f"its type is not {kind}")
    dated = verify_dates(credential, now)
    if dated.outcome is Outcome.FAILED:
        raise VerificationError(reason=dated.detail)
    subject = cast(Document, body["credentialSubject"])
    if set(subject) - {"demo"} != _COMMON | members or not all(isinstance(subject[name], str) for name in _COMMON):
        raise _refuse("主体成员不符", "wrong members of the subject")
    sequence = subject["sequence"]
    if type(sequence) is not int or sequence < 1:
        raise _refuse("序号应为正整数", "the sequence is a positive integer")
    return body, subject


def read_message(data: bytes, keys: Keyring, to: str, now: datetime) -> Message:
    """Errors: FormatError, VerificationError; BadMessage also for one to somebody else than `to`."""
    body, subject = _subject(data, MESSAGE, frozenset({"kind", "sequence", "body"}), keys, now)
    kind, content = subject["kind"], subject["body"]
    if not isinstance(kind, str) or not isinstance(content, dict):
        raise _refuse("种类或内容类型不符", "kind or body has the wrong type")
    if subject["to"] != to:
        raise _refuse(f"收件方是 {subject['to']}", f"it is to {subject['to']}")
    return Message(
        sender=str(body["issuer"]).removeprefix("https://"), venue=str(subject["venue"]), to=to, kind=check_kind(kind),
        sequence=cast(int, subject["sequence"]), body=content, demo=subject.get("demo") is True,
        sent_at=str(body["validFrom"]), digest=sha256(data).hex(),
    )  # fmt: skip


def read_receipt(data: bytes, keys: Keyring, to: str, now: datetime) -> Receipt:
    """Errors: FormatError, VerificationError."""
    body, subject = _subject(data, RECEIPT, frozenset({"message", "sequence", "outcome", "code"}), keys, now)
    message, outcome, code = subject["message"], subject["outcome"], subject["code"]
    if not (isinstance(message, str) and isinstance(code, str)) or outcome not in (TAKEN, REFUSED):
        raise _refuse("回执成员类型不符", "a member of the receipt has the wrong type")
    if subject["to"] != to:
        raise _refuse(f"收件方是 {subject['to']}", f"it is to {subject['to']}")
    sender = str(body["issuer"]).removeprefix("https://")
    return Receipt(sender, to, message, cast(int, subject["sequence"]), str(outcome), code)


def sign_beside(credential: Document, keys: Sequence[Signer], created: datetime) -> Document:
    """The credential with further proofs over the same body, after those it has. Errors: BadCredential."""
    body, proofs = split_proofs(credential)
    return {**body, "proof": [*proofs, *(make_proof(body, key, created) for key in keys)]}


def require_both(credential: Document, keys: Keyring, names: tuple[str, ...]) -> Document:
    """The body of a credential that every one of `names` has signed, in each suite in which it has a pinned key.
    Errors: FormatError, VerificationError, MissingSignature."""
    body = require_credential(credential, keys)
    signed = {str(proof["verificationMethod"]) for proof in split_proofs(credential)[1]}
    for name in names:
        for suite in CRYPTOSUITES:
            own = [key for key in keys.keys if key.name == name and key.suite.name == suite]
            if (own or suite == "intl") and not any(key.method in signed for key in own):
                raise MissingSignature(name=f"{issuer_of(name)} ({suite})")
    return body
