"""What may still happen to a delivered valuation report: its holder discloses the value, the body or the venue withdraws it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shugu.appraisal import standing_valuation as standing
from shugu.appraisal.models_valuation import ValuationReport
from shugu.formats.errors import Pair
from shugu.kernel import documents, journal
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact

SEATS: Final = frozenset({"compliance_officer"})
LONGEST: Final = 200

name_fact("valuation_report.disclosed", "公开价值评估结论", "value disclosed")
name_fact("valuation_report.withdrawn", "撤销价值评估报告", "valuation report withdrawn")


@dataclass(frozen=True)
class DiscloseValuation:
    """From now on everybody may read the value by the report's number."""

    number: str


@dataclass(frozen=True)
class WithdrawValuation:
    """`ground`: code of appraisal.valuation_withdrawal_grounds that is the actor's to use; `document`: number of the judgment or
    decision where the ground demands one; `reason` in words."""

    number: str
    ground: str
    reason: str
    document: str = ""


def withdraws_as(row: ValuationReport, actor: Actor | None) -> str:
    """"body", "venue", or "" for who may not."""
    if actor is None or actor.kind is not ActorKind.PERSON:
        return ""
    if actor.seats & SEATS:
        return "venue"
    return "body" if actor.org is not None and actor.org == row.body_id else ""


@command("appraisal.disclose_valuation", ("公开价值评估结论", "disclose a value"))
def disclose_valuation(cmd: DiscloseValuation, *, actor: Actor, now: datetime) -> ValuationReport:
    """By the organisation that ordered it, for good: what was read cannot be taken back. Errors: NotFound, Forbidden."""
    row = _delivered(cmd.number)
    if actor.kind is not ActorKind.PERSON or actor.org != row.valuation.holder_id:
        raise Forbidden()
    if row.disclosed_at is not None:
        return row
    row.disclosed_at = now
    row.save(update_fields=["disclosed_at"])
    journal.record(
        "valuation_report.disclosed", subject=f"appraisal.valuation:{row.valuation_id}", case=row.valuation_id, actor=actor,
        now=now, data={"report": row.number},
    )  # fmt: skip
    return row


@command("appraisal.withdraw_valuation", ("撤销价值评估报告", "withdraw a valuation report"))
def withdraw_valuation(cmd: WithdrawValuation, *, actor: Actor, now: datetime) -> ValuationReport:
    """By the body or by the compliance officer, each on grounds of its own, for good; an older report does not come back.
    The fact keeps the reason by digest. Errors: NotFound, Forbidden, InputInvalid."""
    row = _delivered(cmd.number)
    role = withdraws_as(row, actor)
    if not role:
        raise Forbidden()
    if row.withdrawn_at is not None:
        raise NotFound(what=(f"未撤销的价值评估报告 {cmd.number}", f"valuation report {cmd.number} that stands"))
    errors = _errors(cmd, role)
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    row.withdrawn_at, row.withdrawn_ground, row.withdrawn_document = now, cmd.ground, cmd.document.strip()
    row.save(update_fields=["withdrawn_at", "withdrawn_ground", "withdrawn_document"])
    standing.refresh(row.valuation)
    journal.record(
        "valuation_report.withdrawn", subject=f"appraisal.valuation:{row.valuation_id}", case=row.valuation_id, actor=actor,
        now=now, ground=cmd.ground, data={"report": row.number, "by": role, "document": cmd.document.strip()},
        digests={"reason": documents.put(cmd.reason.strip().encode())},
    )  # fmt: skip
    return row


def _errors(cmd: WithdrawValuation, role: str) -> dict[str, Pair]:
    errors: dict[str, Pair] = {}
    ground = next((one for one in standing.grounds() if one["code"] == cmd.ground and one["by"] == role), None)
    if ground is None:
        errors["ground"] = ("请从撤销情形中选择", "choose from the grounds of withdrawal")
    elif ground["document"] and not cmd.document.strip():
        errors["document"] = ("该情形须写明文书编号", "this ground asks for the number of the document")
    if len(cmd.document) > LONGEST:
        errors["document"] = (f"不超过 {LONGEST} 字", f"at most {LONGEST} characters")
    if not 0 < len(cmd.reason.strip()) <= LONGEST:
        errors["reason"] = (f"必填，不超过 {LONGEST} 字", f"required, at most {LONGEST} characters")
    return errors


def _delivered(number: str) -> ValuationReport:
    row = (
        ValuationReport.objects.select_for_update(of=("self",)).select_related("valuation")
        .filter(number=number, delivered_at__isnull=False).first()
    )  # fmt: skip
    if row is None:
        raise NotFound(what=(f"价值评估报告 {number}", f"valuation report {number}"))
    return row
