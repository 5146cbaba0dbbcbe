"""Reports to authorities (`registry.reports`): prepared by themselves on the day after their period, then sent in time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from shugu.kernel import documents, engine, runtime, signer, store
from shugu.kernel.cases import Actor, Command, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.registry import applications, figures
from shugu.registry.figures import Span
from shugu.registry.models import RegisterReport

PROCEDURE = "registry.report"
READERS = frozenset({"registrar", "reviewer", "operator", "regulator", "auditor"})


@dataclass(frozen=True)
class SendReport:
    """That the report went to the authority; `note` says how."""

    number: str
    note: str


@dataclass(frozen=True)
class Owed:
    """A report of a register about a period that has ended."""

    register: str
    row: Mapping[str, Any]
    first: date
    last: date

    @property
    def title(self) -> Text:
        return Text(str(self.row["zh"]), str(self.row["en"]))


@context("registry.report")
def report_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


def last_period(every: str, today: date) -> tuple[date, date]:
    """First and last day of the year or quarter that ended last before `today`."""
    if every == "year":
        return date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)
    first_month = 3 * ((today.month - 1) // 3) + 1
    last = date(today.year, first_month, 1) - timedelta(days=1)
    return date(last.year, last.month - 2, 1), last


def owed(today: date) -> Iterator[Owed]:
    """What every register of the venue owes about its last ended period."""
    for register in runtime.rules().profile.registers:
        rule = applications.rules_of(register.id).get("registry.reports")
        for row in rule.rows if rule is not None and register.open else ():
            first, last = last_period(str(row["every"]), today)
            yield Owed(register.id, row, first, last)


def prepare_due(now: datetime) -> int:
    """Prepare what is owed and not yet there; how many. A period that ended before the venue's first day is not reported on."""
    made = 0
    founded = runtime.rules().profile.since
    for one in owed(local_day(now)):
        if one.last < founded or RegisterReport.objects.filter(
            register=one.register, report=str(one.row["id"]), last_day=one.last
        ).exists():
            continue
        with transaction.atomic():
            _prepare(one, now)
        made += 1
    return made


def _prepare(one: Owed, now: datetime) -> RegisterReport:
    found = figures.computed(Span(one.register, one.first, one.last))
    number = store.next_number("report", local_day(now).year)
    subject = {
        "register": one.register, "report": {"id": str(one.row["id"]), "zh": one.title.zh, "en": one.title.en},
        "to": {"zh": str(one.row.get("to_zh", "")), "en": str(one.row.get("to_en", ""))},
        "first_day": one.first.isoformat(), "last_day": one.last.isoformat(), "figures": found,
        "article": str(one.row.get("article", "")),
    }  # fmt: skip
    content = signer.document_bytes(signer.sign_document("RegisterReport", number=number, subject=subject, now=now))
    documents.put(content)
    digest = hashlib.sha256(content).hexdigest()
    actor = mandate("registry", f"report:{one.register}:{one.row['id']}:{one.last.isoformat()}")
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{one.title.zh} {one.first.isoformat()} – {one.last.isoformat()}",
        data={"register": one.register, "period_end": one.last.isoformat(), "every": str(one.row["every"])},
        fact_data={"report": number, "register": one.register, "last_day": one.last.isoformat()},
        digests={"register_report": digest},
    )  # fmt: skip
    return RegisterReport.objects.create(
        case_id=case, number=number, register=one.register, report=str(one.row["id"]), first_day=one.first, last_day=one.last,
        figures=found, digest=digest, prepared_at=now,
    )  # fmt: skip


@command("registry.send_report", ("登记报告已报送", "record that a report was sent"))
def send_report(cmd: SendReport, *, actor: Actor, now: datetime) -> RegisterReport:
    """Errors: NotFound, every refusal of the engine."""
    row = report(cmd.number, actor)
    engine.act(row.pk, Command("send", {"note": cmd.note}), actor=actor, now=now, fact_data={"report": row.number})
    return row


def report(number: str, actor: Actor) -> RegisterReport:
    """For the venue's staff and supervisors. Errors: NotFound."""
    row = RegisterReport.objects.select_related("case").filter(number=number).first()
    if row is None or not actor.seats & READERS:
        raise NotFound(what=(f"报告 {number}", f"report {number}"))
    return row


def reports(register: str = "") -> list[RegisterReport]:
    rows = RegisterReport.objects.select_related("case").order_by("-last_day", "register", "report")
    return list(rows.filter(register=register) if register else rows)


def is_open(row: RegisterReport) -> bool:
    return not Case.objects.filter(pk=row.pk, closed_at__isnull=False).exists()
