"""Reconsideration of a refusal, once, in time, by somebody who decided nothing in the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.kernel import engine, runtime, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid, NotFound, SeparationOfDuties, TooLate
from shugu.kernel.models import CaseParty
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import due, end_of_day, local_day
from shugu.registry.errors import AppealedBefore, NothingToAppeal
from shugu.registry.models import Appeal, Filing

PROCEDURE = "registry.appeal"
REFUSED = ("refused", "declined")
STATEMENT_MAX = 4000
_SEATS = frozenset({"registrar", "reviewer", "compliance_officer", "regulator", "auditor"})


@dataclass(frozen=True)
class FileAppeal:
    filing: str
    statement: str


@dataclass(frozen=True)
class ActOnAppeal:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)


@context("registry.appeal")
def appeal_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


@command("registry.file_appeal", ("申请复核", "ask for reconsideration"))
def file_appeal(cmd: FileAppeal, *, actor: Actor, now: datetime) -> Appeal:
    """By the applicant, within `registry.appeal_window` of the refusal.
    Errors: NotFound, NothingToAppeal, AppealedBefore, TooLate, InputInvalid."""
    row = Filing.objects.select_related("case").filter(number=cmd.filing, applicant_id=actor.org or 0).first()
    if row is None:
        raise NotFound(what=(f"登记申请 {cmd.filing}", f"filing {cmd.filing}"))
    if row.case.state not in REFUSED or row.case.closed_at is None:
        raise NothingToAppeal(filing=row.number)
    if Appeal.objects.filter(filing=row).exists():
        raise AppealedBefore(filing=row.number)
    if not 1 <= len(cmd.statement.strip()) <= STATEMENT_MAX:
        problem = (f"理由为 1–{STATEMENT_MAX} 个字", f"the reasons have 1–{STATEMENT_MAX} characters")
        raise InputInvalid(fields="statement", field_errors={"statement": problem})
    _in_time(row, now)
    number = store.next_number("appeal", local_day(now).year)
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"复核：{row.title}", parties=[PartyView("applicant", None, row.applicant_id)],
        data={"register": row.register}, fact_data={"appeal": number, "filing": row.number},
    )  # fmt: skip
    return Appeal.objects.create(case_id=case, number=number, filing=row, statement=cmd.statement.strip(), filed_at=now)


def _in_time(row: Filing, now: datetime) -> None:
    assert row.case.closed_at is not None
    rule = cases.view_of(row.pk)[1].rules.value("registry.appeal_window")
    last = due(local_day(row.case.closed_at), rule.length, calendar=runtime.calendar()).on
    if now >= end_of_day(last):
        clock, do = Text("申请复核的期限", "the time to ask for reconsideration"), Text("申请复核", "ask for reconsideration")
        raise TooLate(clock=clock, until=last.isoformat(), do=do, article=rule.article)


@command("registry.act_on_appeal", ("办理复核", "act on a reconsideration"))
def act_on_appeal(cmd: ActOnAppeal, *, actor: Actor, now: datetime) -> Appeal:
    """Errors: NotFound for strangers, every refusal of the engine."""
    row = Appeal.objects.filter(pk=cmd.case).first()
    stranger = actor.kind is ActorKind.PERSON and not (actor.seats & _SEATS) and not cases.is_party(cmd.case, actor)
    if row is None or stranger:
        raise NotFound(what=("复核", "reconsideration"))
    _refuse_own_decision(row, actor)
    engine.act(row.pk, Command(cmd.do, dict(cmd.input)), actor=actor, now=now, fact_data={"appeal": row.number})
    row.refresh_from_db()
    return row


def _refuse_own_decision(row: Appeal, actor: Actor) -> None:
    """Whoever acted for the registrar in the case does not look at it again. Errors: SeparationOfDuties."""
    if actor.org is None and CaseParty.objects.filter(case_id=row.filing_id, person=actor.person).exists():
        raise SeparationOfDuties(roles=("原决定人、复核人", "who decided and who reconsiders"))


def may_appeal(row: Filing, actor: Actor) -> bool:
    """Whether this applicant may still ask for the refusal to be looked at again."""
    return actor.org == row.applicant_id and row.case.state in REFUSED and not Appeal.objects.filter(filing=row).exists()
