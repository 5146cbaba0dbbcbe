"""What the venue signs, and with which of its keys: the newest of each suite for documents, all in force for checkpoints.

The keys themselves stay in their store (`shugu.kernel.keystore`); which of them is in force is read from the key history
every time, so that web and worker processes follow a rotation without being started anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from shugu.formats.canonical import canonical
from shugu.formats.credential import CONTEXT, issuer_of, sign_credential
from shugu.formats.keyhistory import KeyPeriods
from shugu.formats.suites import Keyring, Signer, VerifyKey
from shugu.formats.times import write_time
from shugu.kernel import credentials, hsm, key_lines, keystore, runtime
from shugu.kernel.status import Seat


def origin() -> str:
    """The venue's key name and the origin line of its log."""
    return str(runtime.rules().profile.origin)


@lru_cache(maxsize=32)
def _opened(key: VerifyKey) -> Signer:
    return keystore.open_key(key)


def opened(keys: Iterable[VerifyKey]) -> tuple[Signer, ...]:
    """The signing side of some of the venue's keys. Errors: KeyUnavailable."""
    return tuple(_opened(key) for key in keys)


def periods() -> KeyPeriods:
    """Every key the venue has had, and for which part of its log each counts."""
    return key_lines.periods()


def keys() -> tuple[Signer, ...]:
    """What documents are signed with: Ed25519 always, SM2 beside it where the venue has one. In a transaction no key
    begins or ends before it is over. Errors: KeyUnavailable."""
    key_lines.stay()
    newest = {key.suite.name: key for key in periods().in_force()}
    return opened(newest.values())


def checkpoint_keys() -> tuple[Signer, ...]:
    """What checkpoints are signed with: every key in force, so that in an overlap clients of the old one go on. The
    caller is the log's one writer, who alone lets keys begin and end. Errors: KeyUnavailable."""
    return opened(periods().in_force())


def keyring() -> Keyring:
    """The keys in force: what a newcomer pins."""
    return Keyring(periods().in_force())


def sign_document(
    kind: str,
    *,
    number: str,
    subject: Mapping[str, Any],
    now: datetime,
    valid_until: datetime | None = None,
    status: Seat | None = None,
    by: Sequence[Signer] = (),
) -> dict[str, Any]:
    """A signed credential (W3C VC Data Model 2.0) of type `kind` about `subject`; its digest belongs in the fact
    of the move that issues it. One that can lose force has a seat (`status.allot`). A demonstration home marks it.
    `by`: what `keys()` gave within this transaction, for whoever signs thousands.
    Errors: ValueError for a type that no app declares, or a seat that does not go with its kind."""
    credentials.need_kind(kind, status is not None, runtime.rules())
    body: dict[str, Any] = {
        "@context": [CONTEXT],
        "id": f"urn:shugu:{runtime.venue_id()}:{number}",
        "type": ["VerifiableCredential", kind],
        "issuer": issuer_of(origin()),
        "validFrom": write_time(now),
        "credentialSubject": {"number": number, "venue": runtime.venue_id(), **subject},
    }
    if valid_until is not None:
        body["validUntil"] = write_time(valid_until)
    if status is not None:
        body["credentialStatus"] = list(status.entries)
    if runtime.demo():
        body["credentialSubject"]["demo"] = True
    return sign_credential(body, tuple(by) or keys(), now)


def document_bytes(credential: Mapping[str, Any]) -> bytes:
    """The one spelling under which a credential is stored and digested."""
    return canonical(dict(credential))


def forget() -> None:
    """Close every key (tests, another home)."""
    _opened.cache_clear()
    hsm.forget()
