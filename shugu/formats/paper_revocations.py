"""Which certificates on paper a venue has withdrawn, and what that means for a paper that one of them signed
(docs/formats.md, "Printed documents"). No PDF is read here, and no certificate.

A signing certificate, or the authority above it, that fell into other hands counts up to a day: a stamp before it shows that
the paper is older. A time-stamping certificate counts for nothing any more: whoever holds its key stamps any time
(RFC 3161, section 4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shugu.formats.checks import Check, CheckId, Outcome, failed, passed
from shugu.formats.errors import BadCredential, Pair, ShuguError, VerificationError
from shugu.formats.pins import Pins
from shugu.formats.sealed import read_sealed
from shugu.formats.times import read_time, write_time
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import PaperLists, Verifier

TYPE: Final = "PaperRevocations"
STAMPS: Final = "tsa"
_ROLES: Final = ("ca", "signer", STAMPS)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

class StaleRevocations(VerificationError):
    code = "paper-revocations-stale"
    sentence = (
        "撤销清单（{at}）已过时，不能说明签章证书现在是否被撤销。",
        "The list of revocations ({at}) is too old to say whether the certificates are revoked now.",
    )
    remedy = (
        "请重新下载 /.well-known/venue-paper-revocations.json。",
        "Fetch /.well-known/venue-paper-revocations.json again.",
    )


class PaperRevoked(VerificationError):
    code = "paper-certificate-revoked"
    sentence = (
        "签章证书自 {since} 起撤销，此文件的时间戳为 {stamped}。",
        "The certificate is revoked since {since}; this paper's stamp says {stamped}.",
    )
    remedy = ("请按文件上的编号向场所重新下载。", "Download it from the venue again, by its number.")


class StampsRevoked(VerificationError):
    code = "paper-stamps-revoked"
    sentence = (
        "时间戳证书于 {since} 撤销，它所示的时间都不再可信。",
        "The time-stamping certificate was revoked on {since}; no time it names can be relied on.",
    )
    remedy = ("请按文件上的编号向场所重新下载。", "Download it from the venue again, by its number.")


@dataclass(frozen=True)
class Revoked:
    """One certificate, by SHA-256 of its DER (hex): not counting since then."""

    role: str
    sha256: str
    since: datetime


def read_revocations(subject: Mapping[str, Any]) -> tuple[Revoked, ...]:
    """From the subject of a PaperRevocations credential: `revoked` is a list of exactly {"role", "sha256", "since"}, no
    certificate twice. Raises BadCredential."""
    listed = subject.get("revoked")
    if not isinstance(listed, list):
        raise BadCredential(reason=("没有撤销清单", "there is no list of revocations"))
    found: dict[str, Revoked] = {}
    for one in listed:
        if not isinstance(one, dict) or one.keys() != {"role", "sha256", "since"} or one["role"] not in _ROLES:
            raise BadCredential(reason=("撤销清单成员有误", "a wrong member in the list of revocations"))
        digest = str(one["sha256"])
        if not _SHA256.fullmatch(digest) or digest in found:
            raise BadCredential(reason=("撤销清单的证书摘要有误", "a wrong digest in the list of revocations"))
        found[digest] = Revoked(str(one["role"]), digest, read_time(str(one["since"])))
    return tuple(found.values())


def open_list(data: bytes, issuer: str, pins: Pins, now: datetime) -> tuple[tuple[Revoked, ...], datetime]:
    """A list of that issuer under the pinned keys, and the time it was made. One made after `now` counts too: what is
    learnt later was so before. Raises StaleRevocations, VerificationError, FormatError."""
    document = read_sealed(data)
    credential = document.credential
    made = read_time(str(credential.get("validFrom")))
    report = Verifier(pins, max(now, made)).core(document)
    if report.verdict is Verdict.EXPIRED:
        raise StaleRevocations(at=write_time(made))
    if report.verdict not in (Verdict.SEALED, Verdict.SIGNED):
        first = next(c for c in report.checks if c.outcome is Outcome.FAILED)
        raise VerificationError(reason=(f"撤销清单：{first.title[0]}", f"the list of revocations: {first.title[1]}"))
    if credential.get("type") != ["VerifiableCredential", TYPE] or credential.get("issuer") != issuer:
        raise VerificationError(reason=("不是该场所的撤销清单", "it is not this venue's list of revocations"))
    subject = credential["credentialSubject"]
    assert isinstance(subject, dict)
    return read_revocations(subject), made


def revoked_check(
    given: PaperLists, issuer: str, signers: Sequence[str], stamper: str, stamped: datetime, verifier: Verifier
) -> Check | None:
    """Check 25 of a paper: `signers` are the digests of the certificates above its signature, `stamper` that of the stamp's.
    None where no list is at hand. A list that cannot be had or relied on leaves the paper's status unknown."""
    try:
        data = given(issuer)
        if data is None:
            return None
        revoked, made = open_list(data, issuer, verifier.pins, verifier.now)
    except ShuguError as error:
        return failed(CheckId.PDF_REVOKED, error, Verdict.UNKNOWN)
    by_digest = {one.sha256: one for one in revoked}
    stamps = by_digest.get(stamper)
    if stamps is not None:
        return failed(CheckId.PDF_REVOKED, StampsRevoked(since=write_time(stamps.since)), Verdict.UNPROVEN)
    ended = [by_digest[one].since for one in signers if one in by_digest]
    if ended and stamped >= min(ended):
        return failed(CheckId.PDF_REVOKED, PaperRevoked(since=write_time(min(ended)), stamped=write_time(stamped)))
    return passed(CheckId.PDF_REVOKED, *_told(made, min(ended) if ended else None))


def _told(made: datetime, since: datetime | None) -> Pair:
    if since is None:
        return (f"撤销清单 {write_time(made)}", f"list of {write_time(made)}")
    told = write_time(since)
    return (f"证书自 {told} 起撤销，签署在此之前", f"revoked since {told}, signed before that")
