"""Check 8 of an evidence package: its readable reports are signed papers (docs/formats.md, "Printed documents") of the venue
that sealed the package. Needs the extra `pdf`; without it the check is skipped, the manifest naming the files' digests anyway.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shugu.formats.checks import Outcome
from shugu.formats.errors import CommitmentMismatch, Pair, VerificationError
from shugu.formats.pins import Pins
from shugu.formats.sealed import Sealed
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Verifier

TYPE: Final = "EvidencePackageReport"
REPORTS: Final[tuple[str, ...]] = ("report.pdf", "report.en.pdf")
TITLE: Final[Pair] = ("证据报告由场所签章，编号与清单一致", "The reports are signed by the venue and have the manifest's number")
NO_READER: Final[Pair] = ("验证 PDF 需安装附加组件：pip install 'shugu[pdf]'", "PDFs need an extra: pip install 'shugu[pdf]'")


def check_reports(files: Mapping[str, bytes], number: str, seal: Sealed | None, verifier: Verifier) -> Pair | None:
    """What was found, or None where no reader of PDF files is installed. The reports' own credentials are in no log: the seal
    of the package places them in time, so the keys that count for it count for them. Raises what the first check that fails
    raises, CommitmentMismatch, VerificationError."""
    try:
        reader: Any = importlib.import_module("shugu.formats.pdf")
    except ImportError:
        return None
    pins = verifier.pins
    if seal is not None and seal.proof is not None:
        issuer = str(seal.credential.get("issuer")).removeprefix("https://")
        pins = Pins(pins.entry(issuer, seal.proof.index))
    for name in REPORTS:
        if name not in files:
            raise CommitmentMismatch(reason=(f"缺少 {name}", f"{name} is missing"))
        report = reader.verify_pdf(files[name], Verifier(pins, verifier.now))
        if report.verdict not in (Verdict.SEALED, Verdict.SIGNED):
            first = next(c for c in report.checks if c.outcome is Outcome.FAILED)
            zh, en = first.title
            raise VerificationError(reason=(f"{name}：{zh} {first.detail[0]}", f"{name}: {en} {first.detail[1]}"))
        _ours(name, report.credential, number, seal)
    return (number, number)


def _ours(name: str, credential: Mapping[str, Any] | None, number: str, seal: Sealed | None) -> None:
    assert credential is not None
    types: Sequence[str] = credential["type"]
    subject = credential["credentialSubject"]
    if list(types) != ["VerifiableCredential", TYPE] or subject.get("number") != number:
        raise CommitmentMismatch(reason=(f"{name} 不是本证据包的报告", f"{name} is not this package's report"))
    if seal is not None and credential["issuer"] != seal.credential.get("issuer"):
        raise CommitmentMismatch(reason=(f"{name} 出自另一签发方", f"{name} is of another issuer"))
