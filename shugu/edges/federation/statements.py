"""How a certificate stands, asked of its issuer and answered with the issuer's signature (docs/formats.md "Between venues").

`nonce` is the asker's: an answer given to somebody else, or earlier, is none. What the venue signs here and what its log
says must agree; a venue that lies is held by its own two signatures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shugu.edges.federation.kinds import STATEMENT
from shugu.formats.canonical import parse_object
from shugu.formats.checks import Outcome
from shugu.formats.credential import require_credential, verify_dates
from shugu.formats.errors import BadCredential, VerificationError
from shugu.formats.suites import Keyring
from shugu.formats.times import read_time
from shugu.kernel import signer
from shugu.kernel.errors import NotFound
from shugu.kernel.workdays import local_day
from shugu.registry import queries as registry
from shugu.trade import queries as trade

_HEX32 = re.compile(r"[0-9a-f]{32}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_MEMBERS = {"number", "venue", "digest", "document", "facets", "nonce"}
_HOLDS = timedelta(minutes=10)


@dataclass(frozen=True)
class Standing:
    """`at`: when the issuer said it."""

    facets: frozenset[str]
    at: datetime

    @property
    def stopped_by(self) -> tuple[str, ...]:
        found = sorted(self.facets & registry.STOPPING)
        return tuple(found) if found or "valid" in self.facets else ("not valid",)


def state(digest: str, nonce: str, now: datetime) -> bytes:
    """What this venue says of one of its own documents, by credential digest. Errors: NotFound."""
    if not _HEX64.fullmatch(digest) or not _HEX32.fullmatch(nonce):
        raise NotFound(what=("该摘要的证书", "certificate with this digest"))
    number, facets = _known(digest, now)
    credential = signer.sign_document(
        STATEMENT, number=f"status:{digest[:16]}:{nonce[:16]}", now=now, valid_until=now + _HOLDS,
        subject={"digest": digest, "document": number, "facets": sorted(facets), "nonce": nonce},
    )  # fmt: skip
    return signer.document_bytes(credential)


def _known(digest: str, now: datetime) -> tuple[str, frozenset[str]]:
    try:
        found = registry.certificate(registry.certificate_numbered_by(digest), local_day(now))
    except NotFound:
        # A voucher tells of something that has happened: it never loses its force.
        return trade.voucher_numbered_by(digest), frozenset({"valid"})
    return found.number, found.facets


def read_statement(content: bytes, keys: Keyring, digest: str, nonce: str, now: datetime) -> Standing:
    """Errors: FormatError, VerificationError: not signed by the issuer, about another document, or not for this question."""
    credential = parse_object(content)
    body = require_credential(credential, keys)
    subject: Any = body["credentialSubject"]
    if body["type"] != ["VerifiableCredential", STATEMENT] or set(subject) - {"demo"} != _MEMBERS:
        raise BadCredential(reason=("不是状态答复", "it is no statement of status"))
    if (subject["digest"], subject["nonce"]) != (digest, nonce):
        raise VerificationError(reason=("答复针对其他证书或其他询问", "the answer is about another document or question"))
    dated = verify_dates(credential, now)
    if dated.outcome is Outcome.FAILED:
        raise VerificationError(reason=dated.detail)
    if not isinstance(subject["facets"], list) or not all(isinstance(f, str) for f in subject["facets"]):
        raise BadCredential(reason=("状态不是列表", "the facets are no list"))
    return Standing(frozenset(subject["facets"]), read_time(str(body["validFrom"])))


__all__ = ["Standing", "read_statement", "state"]
