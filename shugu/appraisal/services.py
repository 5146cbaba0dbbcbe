"""What changes in appraisal: quality reports taken from connectors, assignments of third-party bodies and their reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shugu.appraisal import standing
from shugu.appraisal.domain import COMPLIANCE, CONNECTOR_DOCUMENT, basis_points, body_kind, report_problem
from shugu.appraisal.errors import NotHolder, ReportRefused
from shugu.appraisal.models import QualityReport
from shugu.appraisal.services_assignment import (
    ActOnAssignment,
    FileComplianceReport,
    OrderCompliance,
    accept_assignment,
    act_on_assignment,
    decline_assignment,
    deliver_compliance_report,
    file_compliance_report,
    order_compliance,
)
from shugu.appraisal.services_valuation import (
    ActOnValuation,
    FileValuationReport,
    OrderValuation,
    act_on_valuation,
    file_valuation_report,
    last_day,
    order_valuation,
    todays_law,
)
from shugu.appraisal.services_valuation_after import (
    DiscloseValuation,
    WithdrawValuation,
    disclose_valuation,
    withdraw_valuation,
)
from shugu.formats.canonical import canonical, digest_hex
from shugu.formats.credential import require_credential, split_proofs
from shugu.formats.errors import ShuguError
from shugu.formats.suites import Keyring, parse_vkey
from shugu.formats.times import read_time
from shugu.kernel import documents, journal, publishing, runtime, signer, status, store
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import due, end_of_day, local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry

name_fact("quality_report.taken", "接收质量评价报告", "quality report taken")


@dataclass(frozen=True)
class TakeQualityReport:
    """`document`: the connector's signed report (credential of type ShuguQualityReport), exactly as received."""

    entry_id: int
    document: Mapping[str, Any] = field(default_factory=dict)


@command("appraisal.take_quality_report", ("接收质量评价报告", "take a quality report"))
def take_quality_report(cmd: TakeQualityReport, *, actor: Actor, now: datetime) -> QualityReport:
    """Bind a connector's report to an entry and sign it. By a member of a holder, or under a mandate of delivery.

    The connector must be registered for one of the entry's holders and have signed the document. Taking the same
    report again answers with the first. Errors: ReportRefused, NotHolder, NotFound (entry).
    """
    entry = registry.entry(cmd.entry_id, local_day(now))
    holders = {share.org for share in entry.holders} | {entry.holder_org}
    if not (actor.kind is ActorKind.MANDATE or (actor.kind is ActorKind.PERSON and actor.org in holders)):
        raise NotHolder(entry=entry.number)
    connector, org, report = _checked(cmd.document, holders)
    digest = digest_hex(report)
    before = QualityReport.objects.filter(entry_id=entry.id, report_digest=digest).first()
    if before is not None:
        return before
    measured_at = read_time(str(report["measured_at"]))
    valid_until = _valid_until(local_day(measured_at))
    if measured_at > now:
        raise _refused("测评时间晚于现在", "it was measured in the future")
    if valid_until < local_day(now):
        raise _refused(f"报告已于 {valid_until} 过期", f"it could be relied on until {valid_until} only")
    return _keep(cmd, entry, connector, org, report, digest, measured_at, valid_until, actor, now)


def _keep(
    cmd: TakeQualityReport, entry: registry.EntryView, connector: str, org: int, report: dict[str, Any], digest: str,
    measured_at: datetime, valid_until: date, actor: Actor, now: datetime,
) -> QualityReport:  # fmt: skip
    number = store.next_number("report", local_day(now).year)
    data_digest, score = str(report["data"]["revision"]), basis_points(report["overall"]["score"])
    source_digest = documents.put(canonical(dict(cmd.document)))
    seat = status.allot(standing.STATUS)
    credential = signer.sign_document(
        "QualityReport", number=number, now=now, valid_until=end_of_day(valid_until),
        subject={
            "entry": entry.number, "connector": connector, "report_sha256": digest, "data_sha256": data_digest,
            "standard": report["standard"], "measured_at": report["measured_at"],
            "score": report["overall"]["score"], "assessable": report["overall"]["assessable"],
        },
        status=seat,
    )  # fmt: skip
    credential_digest = documents.put(signer.document_bytes(credential))
    fact = journal.record(
        "quality_report.taken", subject=f"registry.entry:{entry.id}", actor=actor, now=now,
        data={"report": number, "entry": entry.number, "connector": connector, "valid_until": valid_until.isoformat()},
        digests={
            "quality_report": credential_digest, "report": digest, "data": data_digest, "connector_document": source_digest,
        },
    )  # fmt: skip
    taken = QualityReport.objects.create(
        number=number, entry_id=entry.id, org_id=org, connector_id=connector, report=report, report_digest=digest,
        data_digest=data_digest, document_digest=source_digest, credential_digest=credential_digest, score=score,
        measured_at=measured_at, taken_at=now, valid_until=valid_until, fact=fact, seat=seat.number,
    )  # fmt: skip
    publishing.publish(number, credential_digest, now)
    standing.refresh(entry.id)
    return taken


def _checked(document: Mapping[str, Any], holders: set[int]) -> tuple[str, int, dict[str, Any]]:
    """(connector, organisation, report) of a document whose signature and figures hold. Errors: ReportRefused."""
    subject = document.get("credentialSubject")
    connector = str(subject.get("connector", "")) if isinstance(subject, Mapping) else ""
    try:
        org, vkeys = parties.connector_pinned(connector)
    except NotFound as error:
        named = connector or "?"
        raise _refused(f"连接器 {named} 未登记", f"connector {named} is not registered") from error
    if org not in holders:
        raise _refused("连接器不属于本登记的权利人", "the connector belongs to nobody who holds the entry")
    try:
        # Every key the connector has must have signed: under suite `sm` neither signature stands for the other.
        body = require_credential(dict(document), Keyring(tuple(parse_vkey(vkey) for vkey in vkeys)))
    except ShuguError as error:
        raise _refused(error.message("zh").rstrip("。"), error.message("en").rstrip(".")) from error
    if len({str(p["verificationMethod"]) for p in split_proofs(dict(document))[1]}) < len(vkeys):
        raise _refused("缺少连接器登记公钥之一的签名", "the signature of one of the connector's keys is missing")
    if body["type"] != ["VerifiableCredential", CONNECTOR_DOCUMENT]:
        raise _refused("不是连接器的质量报告", "it is no quality report of a connector")
    told = body["credentialSubject"]
    assert isinstance(told, dict)
    report = told.get("report")
    problem = report_problem(report)
    if problem is not None:
        raise _refused(*problem)
    assert isinstance(report, dict)
    if told.get("file_sha256", report["data"]["revision"]) != report["data"]["revision"]:
        raise _refused("报告不是就所列文件作出的", "the report is about another file than it names")
    return connector, org, report


def _refused(zh: str, en: str) -> ReportRefused:
    return ReportRefused(why=(zh, en), field_errors={"document": (zh, en)})


def _valid_until(measured_on: date) -> date:
    length = runtime.rules().length("appraisal.quality_report_validity")
    return due(measured_on, length, calendar=runtime.calendar()).on


__all__ = [
    "COMPLIANCE", "ActOnAssignment", "ActOnValuation", "DiscloseValuation", "FileComplianceReport", "FileValuationReport",
    "OrderCompliance", "OrderValuation", "TakeQualityReport", "WithdrawValuation", "accept_assignment", "act_on_assignment",
    "act_on_valuation", "body_kind", "decline_assignment", "deliver_compliance_report", "disclose_valuation",
    "file_compliance_report", "file_valuation_report", "last_day", "order_compliance", "order_valuation",
    "take_quality_report", "todays_law", "withdraw_valuation",
]  # fmt: skip
