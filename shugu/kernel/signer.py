"""The venue's signing keys, kept under the home, encrypted with the home's secret, and what they sign."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from shugu.formats.canonical import canonical
from shugu.formats.credential import CONTEXT, issuer_of, sign_credential
from shugu.formats.suites import Keyring, SigningKey, keyring_of, new_keys
from shugu.formats.times import write_time
from shugu.kernel import runtime


def origin() -> str:
    """The venue's key name and the origin line of its log."""
    return str(runtime.rules().profile.origin)


@lru_cache(maxsize=1)
def keys() -> tuple[SigningKey, ...]:
    """The venue's keys, made on first use: Ed25519 always, SM2 beside it under suite `sm`."""
    folder = runtime.home().folder("keys")
    password = runtime.home().secret("keys").encode()
    wanted = ["intl", "sm"] if runtime.suite() == "sm" else ["intl"]
    if not all((folder / f"{name}.pem").exists() for name in wanted):
        for key in new_keys(runtime.suite(), origin()):
            _write_once(folder / f"{key.suite.name}.pem", key.to_pem(password))
    return tuple(
        SigningKey.from_pem(origin(), name, (folder / f"{name}.pem").read_bytes(), password) for name in wanted
    )


def _write_once(path: Any, pem: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return  # another process was first; its key is the key
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(pem)
        handle.flush()
        os.fsync(handle.fileno())


def keyring() -> Keyring:
    return keyring_of(list(keys()))


def sign_document(
    kind: str,
    *,
    number: str,
    subject: Mapping[str, Any],
    now: datetime,
    valid_until: datetime | None = None,
) -> dict[str, Any]:
    """A signed credential (W3C VC Data Model 2.0) of type `kind` about `subject`; its digest belongs in the fact
    of the move that issues it. A demonstration home marks it."""
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
    if runtime.demo():
        body["credentialSubject"]["demo"] = True
    return sign_credential(body, list(keys()), now)


def document_bytes(credential: Mapping[str, Any]) -> bytes:
    """The one spelling under which a credential is stored and digested."""
    return canonical(dict(credential))


def forget() -> None:
    keys.cache_clear()
