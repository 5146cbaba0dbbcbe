"""The venue's credential over a body's compliance report, on paper: who assessed what, with which conclusion, until when.

The report itself is the body's and stays as the body signed it; its digest stands here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shugu.appraisal.queries import AssignmentView, conclusion_table
from shugu.formats.times import read_time
from shugu.kernel import documents, seals
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.web import short_links
from shugu.web.paper import Document, Kind, Row, Seal, Section, date_words
from shugu.web.printing import printed, venue_title

TITLE = Text("合规评估报告凭证", "Certificate of a Compliance Report")


def credential_of(view: AssignmentView) -> tuple[bytes, str]:
    """The credential as signed, and its digest. Errors: NotFound while the report is not delivered."""
    report = view.report
    if report is None or not report.credential_digest:
        raise NotFound(what=("合规评估报告凭证", "certificate of the compliance report"))
    return documents.get(report.credential_digest), report.credential_digest


def _day(day: date) -> Text:
    return Text(date_words(day, "zh"), date_words(day, "en"))


def _conclusion(code: str) -> Text:
    row = next((r for r in conclusion_table() if r["code"] == code), None)
    return Text(str(row["zh"]), str(row["en"])) if row is not None else Text(code, code)


def document(view: AssignmentView, credential: Mapping[str, Any], digest: str) -> Document:
    """What the credential names by number is spelt out as it stood on the day of issue."""
    s, report = credential["credentialSubject"], view.report
    assert report is not None
    issued = local_day(read_time(credential["validFrom"]))
    entry, body = registry.entry(view.entry_id, issued), parties.organisation(view.body, issued)
    assessed = (
        Row(Text("评估对象", "Assessed"), entry.title), Row(Text("登记编号", "Registration"), s["entry"], mono=True),
        Row(Text("评估机构", "Third-party body"), body.name), Row(Text("机构编号", "Its number here"), s["body"], mono=True),
        Row(Text("委托编号", "Assignment"), s["assignment"], mono=True),
        Row(Text("评估结论", "Conclusion"), _conclusion(s["conclusion"])),
        Row(Text("签字人", "Signed by"), "、".join(report.signers)),
        Row(Text("有效期至", "Valid until"), _day(local_day(read_time(credential["validUntil"])))),
    )  # fmt: skip
    proofs = (
        Row(Text("报告文件摘要", "The body's report"), f"sha256:{s['report_sha256']}", mono=True),
        Row(Text("凭证摘要", "This certificate"), f"sha256:{digest}", mono=True),
    )
    return Document(
        kind=Kind.VOUCHER, title=TITLE, number=s["number"], issuer=venue_title(), issued_on=issued,
        statement=Text(
            "下列合规评估报告由在本场所入驻的第三方机构出具并交存本场所，特发此凭证。评估意见由出具机构负责。",
            "The compliance report below was given by a third-party body accredited here and lies with this venue; this "
            "certificate is issued for it. The opinion is the body's own.",
        ),
        sections=(
            Section(Text("评估", "Assessment"), rows=assessed),
            *((Section(Text("结论摘要", "Summary"), paragraphs=(report.summary,)),) if report.summary else ()),
            Section(Text("存证", "Evidence"), rows=proofs),
        ),
        seal=Seal(venue_title(), seals.PURPOSES["compliance"], use="compliance"),
        qr_url=short_links.address(s["number"]), demo=bool(s.get("demo")),
    )  # fmt: skip


def certificate_pdf(view: AssignmentView, lang: str, *, now: datetime, actor: Actor | None = None) -> bytes:
    """Signed (shugu.web.printing). Errors: NotFound."""
    content, digest = credential_of(view)
    return printed(document(view, json.loads(content), digest), content, lang=lang, now=now, actor=actor)
