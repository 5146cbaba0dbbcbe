"""Verifies a printed document (docs/formats.md, "Printed documents"): one PAdES signature over every byte of the file,
by a certificate that the venue's pinned keys answer for, and the credential attached to it.

Checks 17 to 25 are of the paper (25 where a list of revoked certificates is at hand); 1 to 16 are those of the attached
credential. Needs the extra `pdf`; no network.
"""

from __future__ import annotations

import binascii
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from shugu.formats.canonical import sha256, unb64
from shugu.formats.checks import Check, CheckId, Outcome, failed, passed, skipped
from shugu.formats.cms import der
from shugu.formats.errors import (
    BadCredential,
    BadPdf,
    CommitmentMismatch,
    Pair,
    ShuguError,
    UnknownSigner,
    VerificationError,
)
from shugu.formats.paper_revocations import revoked_check
from shugu.formats.pdf_signature import (
    DOCUMENT_SIGNING,
    TIME_STAMPING,
    Located,
    Signed,
    Stamp,
    check_chain,
    check_purpose,
    check_signature,
    locate,
    read_container,
    read_stamp,
)
from shugu.formats.sealed import read_sealed
from shugu.formats.suites import Keyring, keyring
from shugu.formats.times import read_time, write_time
from shugu.formats.verdicts import VERDICTS, Verdict
from shugu.formats.verify import PaperLists, Report, Verifier, filled

MAGIC: Final = b"%PDF-"
CREDENTIAL: Final = "credential.json"
AUTHORITY: Final = "paper-authority.json"
AUTHORITY_TYPE: Final = "PaperAuthority"
ROLES: Final = ("ca", "signer", "tsa")
# Two sections of cross-references: the typesetter's, and the signature's.
REVISIONS: Final = 2


def is_pdf(data: bytes) -> bool:
    return data.startswith(MAGIC)


@dataclass
class _Paper:
    """What the checks have found so far, in their order."""

    data: bytes
    verifier: Verifier
    located: Located | None = None
    signed: Signed | None = None
    stamp: Stamp | None = None
    attached: dict[str, bytes] = field(default_factory=dict)
    number: str = ""
    trust: dict[str, list[bytes]] = field(default_factory=dict)
    authority: Report | None = None
    document: Report | None = None


def verify_pdf(data: bytes, verifier: Verifier) -> Report:
    """Every check of a printed document; whatever the file holds ends in the report, whose document is the attached
    credential. The verifier's further demands are put to that credential. After a check of the paper that fails, the
    later ones, and those of the credential, are not reached."""
    paper = _Paper(data, verifier)
    steps: dict[CheckId, Callable[[_Paper], Pair]] = {
        CheckId.PDF_WHOLE: _whole,
        CheckId.PDF_SPELLING: _spelling,
        CheckId.PDF_SIGNATURE: _signature,
        CheckId.PDF_FILES: _files,
        CheckId.PDF_AUTHORITY: _authority,
        CheckId.PDF_SIGNER: _signer,
        CheckId.PDF_STAMP: _time_stamp,
        CheckId.PDF_NUMBER: _number,
    }
    checks: list[Check] = []
    for check, step in steps.items():
        if checks and checks[-1].outcome is not Outcome.OK:
            checks.append(skipped(check, "前项未通过，未检查", "not reached: an earlier check failed"))
            continue
        try:
            checks.append(passed(check, *step(paper)))
        except ShuguError as error:
            checks.append(failed(check, error))
    if checks[-1].outcome is Outcome.OK and verifier.papers is not None:
        checks += _revoked(paper, verifier.papers)
    inner = paper.document
    if inner is None:
        return Report(filled(checks), verifier.now)
    return Report(filled([*inner.checks, *checks]), verifier.now, inner.document)


def attachments(data: bytes, verifier: Verifier) -> dict[str, bytes]:
    """The files in a paper that some key has signed whole: checks 17 to 20 hold. Whose key it is, and what the files say, is
    not asked here. Raises BadPdf, VerificationError."""
    paper = _Paper(data, verifier)
    for step in (_whole, _spelling, _signature, _files):
        step(paper)
    return paper.attached


def verify_paper(data: bytes, keys: Keyring | str, now: datetime) -> Report:
    """As `verify_pdf`, against pinned keys (a Keyring or the text of a `.vkey` file) at time `now`. Raises BadKey."""
    return verify_pdf(data, Verifier(keyring(keys) if isinstance(keys, str) else keys, now))


def stamped_at(report: Report) -> datetime | None:
    """When a paper was time-stamped, if its stamp was valid."""
    found = next((c for c in report.checks if c.id is CheckId.PDF_STAMP and c.outcome is Outcome.OK), None)
    return read_time(found.detail[1]) if found else None


def read_authority(subject: Mapping[str, Any]) -> dict[str, list[bytes]]:
    """Role -> DER certificates, from the subject of a PaperAuthority credential. Raises BadCredential.

    `trust` is a list of {"role", "certificate" (base64 DER), "sha256" (hex)}. Exactly one of: one "ca", which issues
    the signing certificates; or one or more "signer", the signing certificate and its chain. And one or more "tsa"."""
    found: dict[str, list[bytes]] = {role: [] for role in ROLES}
    listed = subject.get("trust")
    if not isinstance(listed, list) or not listed:
        raise BadCredential(reason=("没有证书清单", "there is no list of certificates"))
    for one in listed:
        if not isinstance(one, dict) or one.keys() != {"role", "certificate", "sha256"} or one["role"] not in ROLES:
            raise BadCredential(reason=("证书清单成员有误", "a wrong member in the list of certificates"))
        certificate = unb64(str(one["certificate"]))
        if sha256(certificate).hex() != one["sha256"]:
            raise BadCredential(reason=("证书摘要不符", "a certificate is not its digest's"))
        found[one["role"]].append(certificate)
    if len(found["ca"]) + (1 if found["signer"] else 0) != 1 or not found["tsa"]:
        raise BadCredential(reason=("证书清单不完整", "the list of certificates is not complete"))
    return found


def _whole(paper: _Paper) -> Pair:
    if not is_pdf(paper.data):
        raise BadPdf(reason=("不是 PDF 文件", "not a PDF file"))
    paper.located = locate(paper.data)
    return (f"{len(paper.data):,} 字节", f"{len(paper.data):,} bytes")


def _spelling(paper: _Paper) -> Pair:
    assert paper.located is not None
    paper.signed = read_container(paper.located.container)
    return ("", "")


def _signature(paper: _Paper) -> Pair:
    assert paper.located is not None and paper.signed is not None
    check_signature(paper.signed, paper.located.covered)
    name = paper.signed.signer.subject.rfc4514_string()
    return (name, name)


@contextmanager
def _reading() -> Iterator[None]:
    """A PDF reader meets whatever a stranger wrote: each way in which it fails is a refusal."""
    try:
        yield
    except (
        PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, NotImplementedError,
        RecursionError, OverflowError, zlib.error, binascii.Error, OSError,
    ) as error:  # fmt: skip
        raise BadPdf(reason=("文件结构无法读取", "its structure cannot be read")) from error


def _files(paper: _Paper) -> Pair:
    """Reads the file by its structure: the signature there is the one checked, and no other; files are exactly two.
    Comes after the signature: a reader of PDF files is shown only what some key has signed whole."""
    assert paper.located is not None
    with _reading():
        reader = PdfFileReader(io.BytesIO(paper.data), strict=True)
        signatures = reader.embedded_signatures
        span = list(signatures[0].byte_range) if len(signatures) == 1 else []
        revisions = reader.xrefs.total_revisions
        names, associated = reader.root["/Names"]["/EmbeddedFiles"]["/Names"], reader.root["/AF"]
        pairs = [(str(names[at]), names[at + 1]) for at in range(0, len(names), 2)]
        listed = [str(associated[at]["/F"]) for at in range(len(associated))]
        paper.attached = {name: bytes(spec["/EF"]["/F"].data) for name, spec in pairs}
        paper.number = str(reader.trailer_view["/Info"]["/Keywords"])
    start, rest = paper.located.hole
    if span != [0, start, rest, len(paper.data) - rest] or revisions != REVISIONS:
        raise BadPdf(reason=("签名不唯一或有追加", "there is another signature or an addition"))
    if [name for name, _ in pairs] != [CREDENTIAL, AUTHORITY] or sorted(listed) != [CREDENTIAL, AUTHORITY]:
        raise BadPdf(reason=("附件清单有误", "the attachments are not those expected"))
    shown = f"{CREDENTIAL}, {AUTHORITY}"
    return (shown, shown)


def _authority(paper: _Paper) -> Pair:
    report = paper.verifier.core(read_sealed(paper.attached[AUTHORITY]))
    if report.verdict not in (Verdict.SEALED, Verdict.SIGNED) or report.credential is None:
        raise _told(report)
    if report.credential.get("type") != ["VerifiableCredential", AUTHORITY_TYPE]:
        raise BadCredential(reason=("不是签章授权", "it is no paper authority"))
    subject = report.credential["credentialSubject"]
    assert isinstance(subject, dict)
    paper.trust, paper.authority = read_authority(subject), report
    return VERDICTS[report.verdict]


def _told(report: Report) -> VerificationError:
    """The first check that did not hold, as an error."""
    first = next(c for c in report.checks if c.outcome is Outcome.FAILED)
    zh = f"第 {first.n} 项 {first.title[0]} {first.detail[0]}"
    return VerificationError(reason=(zh, f"check {first.n}, {first.title[1]} {first.detail[1]}"))


def _stamp(paper: _Paper) -> tuple[Stamp, Signed]:
    assert paper.signed is not None
    if paper.signed.token is None:
        raise BadPdf(reason=("没有时间戳", "there is no time stamp"))
    return read_stamp(paper.signed.token, paper.signed.signature)


def _signer(paper: _Paper) -> Pair:
    """At the time the stamp names: that time is proved by the next check."""
    assert paper.signed is not None
    stamp, _ = _stamp(paper)
    issuer = paper.trust["ca"][0] if paper.trust["ca"] else None
    check_chain(paper.signed, paper.trust["signer"], issued_by=issuer, at=stamp.at)
    if issuer is not None:
        check_purpose(paper.signed.signer, DOCUMENT_SIGNING)
    end = f"{paper.signed.signer.not_valid_after_utc:%Y-%m-%d}"
    return (f"有效期至 {end}", f"valid until {end}")


def _time_stamp(paper: _Paper) -> Pair:
    assert paper.authority is not None and paper.authority.credential is not None
    stamp, stamper = _stamp(paper)
    check_chain(stamper, paper.trust["tsa"], issued_by=None, at=stamp.at)
    check_purpose(stamper.signer, TIME_STAMPING)
    bound = read_time(str(paper.authority.credential["validFrom"]))
    if not bound <= stamp.at <= paper.verifier.now:
        raise CommitmentMismatch(reason=("时间戳早于授权或晚于验证时刻", "the stamp is before the authority, or after now"))
    when = write_time(stamp.at)
    return (when, when)


def _revoked(paper: _Paper, lists: PaperLists) -> list[Check]:
    """Check 25, of what the checks before it found."""
    assert paper.signed is not None and paper.authority is not None and paper.authority.credential is not None
    stamp, stamper = _stamp(paper)
    signers = [sha256(one).hex() for one in paper.signed.certificates]
    issuer = str(paper.authority.credential["issuer"])
    found = revoked_check(lists, issuer, signers, sha256(der(stamper.signer)).hex(), stamp.at, paper.verifier)
    return [found] if found is not None else []


def _number(paper: _Paper) -> Pair:
    """The attached credential is the issuer's whose authority signed the paper, and has the paper's number; whether it
    verifies is said by its own checks."""
    assert paper.authority is not None and paper.authority.credential is not None
    report = paper.document = paper.verifier.document(paper.attached[CREDENTIAL])
    if report.credential is None:
        raise _told(report)
    if report.credential.get("issuer") != paper.authority.credential["issuer"]:
        raise UnknownSigner(name=str(report.credential.get("issuer")))
    subject = report.credential.get("credentialSubject")
    number = subject.get("number") if isinstance(subject, dict) else None
    if number != paper.number:
        raise CommitmentMismatch(reason=(f"文件为 {paper.number}，凭证为 {number}", f"file {paper.number}, credential {number}"))
    return (paper.number, paper.number)
