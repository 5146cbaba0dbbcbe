"""Assignments: a holder orders a compliance evaluation, the body accepts, files its signed report and delivers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.appraisal import standing
from shugu.appraisal.domain import COMPLIANCE, MATERIAL, body_kind
from shugu.appraisal.errors import BodyNotAccredited, NotHolder
from shugu.appraisal.models import Assignment, ComplianceReport
from shugu.kernel import documents, engine, runtime, signer, status, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import due, end_of_day, local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry

PROCEDURE = "appraisal.assignment"
LONGEST_TEXT = 4000


@dataclass(frozen=True)
class OrderCompliance:
    """A holder (the actor's organisation) orders `body_org` to evaluate the entry; `scope` says on what question."""

    entry_id: int
    body_org: int
    scope: str = ""
    kind: str = COMPLIANCE


@dataclass(frozen=True)
class ActOnAssignment:
    """`do`: accept, decline {reason}, cancel, deliver, give_back {reason}; a report is filed by FileComplianceReport."""

    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@dataclass(frozen=True)
class FileComplianceReport:
    """`conclusion`: a code of rule appraisal.compliance_conclusions; `signers`: who signed the PDF."""

    case: int
    conclusion: str
    summary: str
    signers: tuple[str, ...]
    filename: str
    content: bytes

@context("appraisal.assignment")
def assignment_facts(case: int, now: datetime) -> Mapping[str, Any]:
    row = Assignment.objects.filter(pk=case).first()
    if row is None:  # the case is just being opened
        return {}
    today = local_day(now)
    entry = registry.entry(row.entry_id, today)
    holders = {share.org for share in entry.holders} | {row.holder_id, entry.holder_org}
    draft = ComplianceReport.objects.filter(assignment=row, delivered_at__isnull=True).order_by("-id").first()
    return {
        "accredited": parties.is_accredited(row.body_id, body_kind(row.kind), today),
        "related": related(row.body_id, holders),
        "draft_conclusion": draft.conclusion if draft else None,
        "signers": len(draft.signers) if draft else 0,
    }


def related(body: int, holders: set[int]) -> bool:
    """Whether the body is a holder itself or shares a member with one."""
    if body in holders:
        return True
    people = {person for person, *_ in parties.people_of(body)}
    return any(people & {person for person, *_ in parties.people_of(holder)} for holder in holders)


@command("appraisal.order_compliance", ("委托合规评估", "order a compliance evaluation"))
def order_compliance(cmd: OrderCompliance, *, actor: Actor, now: datetime) -> Assignment:
    """Errors: NotHolder, BodyNotAccredited, InputInvalid, NotFound (entry or body)."""
    today = local_day(now)
    entry = registry.entry(cmd.entry_id, today)
    holders = {share.org for share in entry.holders} | {entry.holder_org}
    if actor.kind is not ActorKind.PERSON or actor.org not in holders:
        raise NotHolder(entry=entry.number)
    if len(cmd.scope) > LONGEST_TEXT:
        raise _field("scope", f"不超过 {LONGEST_TEXT} 字", f"at most {LONGEST_TEXT} characters")
    body = parties.organisation(cmd.body_org, today)
    if not parties.is_accredited(body.id, body_kind(cmd.kind), today):
        raise BodyNotAccredited(body=body.name, kind=cmd.kind)
    if related(body.id, holders):
        zh, en = "评估机构与权利人存在利害关系，须另选一家", "the body is related to a holder; choose another"
        raise _field("body_org", zh, en)
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"合规评估 · {entry.title}"[:300],
        parties=[PartyView("holder", None, actor.org), PartyView("body", None, body.id)],
        data={"kind": cmd.kind, "entry": entry.number, "register": entry.register, "body_accredited": True},
        subjects=[f"registry.entry:{entry.id}", f"party.org:{body.id}"],
        fact_data={"entry": entry.number, "kind": cmd.kind, "body": body.number},
    )  # fmt: skip
    return Assignment.objects.create(
        case_id=case, number=store.read_case(case).number, kind=cmd.kind, entry_id=entry.id, holder_id=actor.org,
        body_id=body.id, scope=cmd.scope.strip(), ordered_at=now,
    )  # fmt: skip


@command("appraisal.act_on_assignment", ("办理评估委托", "act on an assignment"))
def act_on_assignment(cmd: ActOnAssignment, *, actor: Actor, now: datetime) -> Assignment:
    """Errors: NotFound, every Refused of the engine; `file` comes with its report by file_compliance_report."""
    row = _assignment(cmd.case)
    if cmd.do == "file":
        raise _field("do", "请用“提交报告”并附报告文件", "file the report with its document")
    if cmd.do == "deliver":
        return _deliver(row, cmd, actor, now)
    engine.act(row.pk, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now)
    return row


def accept_assignment(case: int, *, actor: Actor, now: datetime, key: str | None = None) -> Assignment:
    return act_on_assignment(ActOnAssignment(case, "accept"), actor=actor, now=now, key=key)


def decline_assignment(case: int, reason: str, *, actor: Actor, now: datetime, key: str | None = None) -> Assignment:
    return act_on_assignment(ActOnAssignment(case, "decline", {"reason": reason}), actor=actor, now=now, key=key)


def deliver_compliance_report(case: int, *, actor: Actor, now: datetime, key: str | None = None) -> Assignment:
    return act_on_assignment(ActOnAssignment(case, "deliver"), actor=actor, now=now, key=key)


@command("appraisal.file_compliance_report", ("提交合规评估报告", "file a compliance report"))
def file_compliance_report(cmd: FileComplianceReport, *, actor: Actor, now: datetime) -> ComplianceReport:
    """File the signed PDF with its conclusion; filing again before delivery replaces it.
    Errors: InputInvalid (also a file that is no PDF), NotFound, every Refused of the engine."""
    row = _assignment(cmd.case)
    if actor.kind is not ActorKind.PERSON or actor.org != row.body_id:
        raise Forbidden()
    signers = tuple(dict.fromkeys(name.strip() for name in cmd.signers if name.strip()))
    errors: dict[str, tuple[str, str]] = {}
    if cmd.conclusion not in conclusions():
        errors["conclusion"] = ("请从结论代码表中选择", "choose from the table of conclusions")
    if not cmd.summary.strip() or len(cmd.summary) > LONGEST_TEXT:
        errors["summary"] = (f"必填，不超过 {LONGEST_TEXT} 字", f"required, at most {LONGEST_TEXT} characters")
    least = runtime.rules().value("appraisal.report_signers").number
    if len(signers) < least:
        errors["signers"] = (f"至少 {least} 名签字人，各占一行", f"at least {least} signers, one a line")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    material = documents.file_material(
        row.pk, MATERIAL, filename=cmd.filename, media_type="application/pdf", content=cmd.content, actor=actor, now=now,
        signers=len(signers),
    )  # fmt: skip
    report = ComplianceReport.objects.create(
        number=store.next_number("report", local_day(now).year), assignment=row, entry_id=row.entry_id, body_id=row.body_id,
        conclusion=cmd.conclusion, summary=cmd.summary.strip(), signers=list(signers), digest=material.digest, filed_at=now,
    )  # fmt: skip
    engine.act(
        row.pk, Command("file", {"conclusion": cmd.conclusion}), actor=actor, now=now,
        fact_data={"report": report.number}, digests={MATERIAL: material.digest},
    )  # fmt: skip
    return report


def _deliver(row: Assignment, cmd: ActOnAssignment, actor: Actor, now: datetime) -> Assignment:
    report = ComplianceReport.objects.filter(assignment=row, delivered_at__isnull=True).order_by("-id").first()
    if report is None:  # the engine says why: wrong state, wrong role, or the material is missing
        engine.act(row.pk, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now)
        raise NotFound(what=("待出具的报告", "report to deliver"))
    until = due(local_day(now), runtime.rules().length("appraisal.compliance_report_validity"), calendar=runtime.calendar()).on
    entry = registry.entry(row.entry_id, local_day(now))
    seat = status.allot(standing.STATUS)
    credential = signer.sign_document(
        "ComplianceReport", number=report.number, now=now, valid_until=end_of_day(until),
        subject={
            "entry": entry.number, "assignment": row.number, "conclusion": report.conclusion,
            "body": parties.organisation(row.body_id, local_day(now)).number, "report_sha256": report.digest,
        },
        status=seat,
    )  # fmt: skip
    digest = documents.put(signer.document_bytes(credential))
    engine.act(
        row.pk, Command("deliver", dict(cmd.input), cmd.undertaking), actor=actor, now=now,
        fact_data={"report": report.number, "conclusion": report.conclusion, "valid_until": until.isoformat()},
        digests={"compliance_report": report.digest, "compliance_credential": digest},
    )  # fmt: skip
    report.delivered_at, report.valid_until, report.credential_digest, report.seat = now, until, digest, seat.number
    report.save(update_fields=["delivered_at", "valid_until", "credential_digest", "seat"])
    standing.refresh(row.entry_id)
    return row


def conclusions() -> tuple[str, ...]:
    return runtime.rules().value("appraisal.compliance_conclusions").codes


def _assignment(case: int) -> Assignment:
    row = Assignment.objects.filter(pk=case).first()
    if row is None:
        raise NotFound(what=("评估委托", "assignment"))
    return row


def _field(name: str, zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields=name, field_errors={name: (zh, en)})
