"""Evidence packages and deposits as kinds of credentials (shugu.kernel.credentials)."""

from __future__ import annotations

from datetime import date

from shugu.evidence.depositing import CERTIFICATE, REPORT
from shugu.evidence.models import Deposit, Package
from shugu.formats.package import TYPE as PACKAGE
from shugu.formats.package_report import TYPE as PACKAGE_REPORT
from shugu.kernel import credentials
from shugu.kernel.credentials import Kind, Standing, lines, one_type
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day

PACKAGE_TITLE = Text("证据包", "evidence package")
REPORT_TITLE = Text("存证报告书", "evidence report")
CERTIFICATE_TITLE = Text("数据资产存证证书", "certificate of evidence")


def find_package(number: str, on: date) -> Standing | None:
    row = Package.objects.filter(number=number).first()
    if row is None or local_day(row.extracted_at) > on:
        return None
    return Standing(
        number=row.number, title=PACKAGE_TITLE, digest=row.credential, issued_at=row.extracted_at, valid_until=None,
        lines=lines((), on=on, valid_until=None, article=""), fact=row.fact, seat=None, public=False,
        rows=((Text("事实数", "Facts"), row.facts),),
    )  # fmt: skip


def _deposited(row: Deposit | None, number: str, title: Text, digest: str, on: date) -> Standing | None:
    """Told only to who shows the paper: nobody learns of deposits whose papers he does not have (T/TJIFA003 7.3.3)."""
    if row is None or local_day(row.deposited_at) > on:
        return None
    return Standing(
        number=number, title=title, digest=digest, issued_at=row.deposited_at, valid_until=None,
        lines=lines((), on=on, valid_until=None, article=""), fact=row.fact, seat=None, public=False,
    )  # fmt: skip


def find_report(number: str, on: date) -> Standing | None:
    row = Deposit.objects.filter(number=number).first()
    return _deposited(row, number, REPORT_TITLE, row.report if row else "", on)


def find_certificate(number: str, on: date) -> Standing | None:
    row = Deposit.objects.filter(certificate_number=number).first()
    return _deposited(row, number, CERTIFICATE_TITLE, row.certificate if row else "", on)


_PAST = Text(
    "它只证明某份资料在某时已经存在且此后未被改动，这一点不会失效；资料所述真实与否、权利归谁，不由存证决定。",
    "It proves only that a document existed at a time and was not changed since, which cannot lose force; whether what it says "
    "is true and whose the rights are, a deposit does not decide.",
)


def register() -> None:
    credentials.register_kind(
        Kind(
            name="evidence.package", prefix="PKG-", app="evidence", types=one_type(PACKAGE, PACKAGE_TITLE.zh, PACKAGE_TITLE.en),
            subject=("ground", "document", "cases", "facts", "originals", "manifest", "extracted_by", "conclusion"),
            where=("/evidence/packages/{number}/package.zip",), find=find_package,
            lasting=Text(
                "它证明提取之时日志里已有的记录；日志只增不改，以后发生的事不影响已经提取的内容。",
                "It proves what stood in the log when it was extracted; the log only grows, and what happens later does not "
                "touch what was extracted.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="evidence.package_report", app="evidence",
            types=one_type(PACKAGE_REPORT, "证据报告", "report of an evidence package"),
            subject=("ground", "cases", "facts", "originals", "checks", "conclusion"),
            where=("/evidence/packages/{number}/package.zip",),
            lasting=Text(
                "它是证据包内供阅读的报告，不单独入日志；其摘要载入已封存的清单，由证据包凭证一并证明。",
                "It is the readable report in an evidence package and in no log by itself: the sealed manifest names its digest, "
                "and the package's credential proves both.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="evidence.report", prefix="EVD-", app="evidence", types=one_type(REPORT, REPORT_TITLE.zh, REPORT_TITLE.en),
            subject=("title", "description", "holder", "items", "deposited_at", "evidence_body", "basis", "verification"),
            where=("/evidence/deposits/{number}/report.json", "/evidence/deposits/{number}/report.pdf"), find=find_report,
            lasting=_PAST,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="evidence.certificate", app="evidence",
            types=one_type(CERTIFICATE, CERTIFICATE_TITLE.zh, CERTIFICATE_TITLE.en),
            subject=("evidence_number", "evidence_date", "asset_name", "holder", "report", "evidence_body", "basis",
                     "verification"),
            where=("/evidence/deposits/{number}/certificate.json", "/evidence/deposits/{number}/certificate.pdf"),
            find=find_certificate, lasting=_PAST,
        )
    )  # fmt: skip
