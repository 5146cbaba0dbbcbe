"""Objections: to a filing under public notice (a child case), and to an entry (where the register has a procedure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from shugu.formats.errors import Pair
from shugu.kernel import documents, engine, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView, mandate
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Case, Clock
from shugu.kernel.vocabulary import context, effect
from shugu.kernel.workdays import local_day
from shugu.registry import applications, book, objection_papers, queries, submitting
from shugu.registry.book import DISPOSALS, PlaceHold
from shugu.registry.domain import Facet
from shugu.registry.errors import NotAnOutsider, ObjectedBefore
from shugu.registry.models import Entry, EntryVersion, Filing, Mark, Objection, Share

NOTICE_OBJECTION = "registry.objection"
STATEMENT_MAX = 4000
# An objection that ended so was never judged nor lapsed: it may be raised again.
_FORGOTTEN = ("withdrawn", "declined", "moot")
_SEATS = frozenset({"registrar", "reviewer", "regulator", "auditor"})


@dataclass(frozen=True)
class FileObjection:
    """Against a filing under notice (`filing_number`) or an entry (`entry_number`): one of the two."""

    ground: str
    statement: str
    filing_number: str = ""
    entry_number: str = ""
    materials: tuple[submitting.Upload, ...] = ()


@dataclass(frozen=True)
class ActOnObjection:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@context("registry.objection")
def objection_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


@command("registry.file_objection", ("提出异议", "file an objection"))
def file_objection(cmd: FileObjection, *, actor: Actor, now: datetime) -> Objection:
    """Anybody signed in, but not the applicant or a holder. Errors: InputInvalid, NotFound, NotAnOutsider,
    ObjectedBefore (with its article), TooLate and NotInProcedure outside the notice, RegisterClosed."""
    if actor.kind is not ActorKind.PERSON or actor.person is None:
        raise Forbidden()
    if bool(cmd.filing_number) == bool(cmd.entry_number):
        raise NotFound(what=("异议对象", "object of the objection"))
    return _to_filing(cmd, actor, now) if cmd.filing_number else _to_entry(cmd, actor, now)


def _check(cmd: FileObjection, register: str) -> None:
    errors: dict[str, Pair] = {}
    if cmd.ground not in applications.code_table(applications.rules_of(register), "registry.objection_grounds"):
        errors["ground"] = ("从列明的理由中选择", "choose one of the grounds listed")
    if not 1 <= len(cmd.statement.strip()) <= STATEMENT_MAX:
        errors["statement"] = (f"说明为 1–{STATEMENT_MAX} 个字", f"the statement has 1–{STATEMENT_MAX} characters")
    book.refuse_input(errors)


def _same_party(actor: Actor) -> Q:
    return Q(org=actor.org) if actor.org is not None else Q(org__isnull=True, person=actor.person)


def _refuse_repeat(register: str, ground: str, about: Q, actor: Actor) -> None:
    """Errors: ObjectedBefore with the article of the rule that bars a second one."""
    rule = applications.rules_of(register).value("registry.repeat_objection_barred")
    before = Objection.objects.filter(about, _same_party(actor), ground=ground).exclude(case__state__in=_FORGOTTEN).first()
    if rule.value and before is not None:
        raise ObjectedBefore(number=before.number, article=applications.article_of(rule))


def _objector(actor: Actor) -> PartyView:
    return PartyView("objector", None if actor.org is not None else actor.person, actor.org)


def _to_filing(cmd: FileObjection, actor: Actor, now: datetime) -> Objection:
    # The lock makes two equal objections at the same moment one and a refusal.
    row = Filing.objects.select_for_update(of=("self",)).filter(number=cmd.filing_number).first()
    if row is None or not Clock.objects.filter(case_id=row.pk, clock="objection_window").exists():
        raise NotFound(what=(f"公示 {cmd.filing_number}", f"notice {cmd.filing_number}"))
    _check(cmd, row.register)
    if actor.org is not None and actor.org in {row.applicant_id, *(h["org"] for h in row.holders)}:
        raise NotAnOutsider()
    _refuse_repeat(row.register, cmd.ground, Q(filing=row), actor)
    number = store.next_number("objection", local_day(now).year)
    engine.act(
        row.pk, Command("object"), actor=mandate("registry", f"objection:{number}"), now=now,
        fact_data={"filing": row.number, "objection": number, "ground": cmd.ground},
    )  # fmt: skip
    procedure = applications.register_named(row.register).procedures.get("notice_objection", NOTICE_OBJECTION)
    case = engine.open_case(
        procedure, actor=actor, now=now, title=f"异议：{row.title}", parent=row.pk,
        parties=[_objector(actor), PartyView("applicant", None, row.applicant_id)],
        data={"register": row.register, "ground": cmd.ground}, fact_data={"objection": number, "ground": cmd.ground},
    )  # fmt: skip
    return _write(cmd, case, number, actor, now, filing=row)


def _to_entry(cmd: FileObjection, actor: Actor, now: datetime) -> Objection:
    line = Entry.objects.select_for_update(of=("self",)).filter(number=cmd.entry_number).first()
    if line is None:
        raise NotFound(what=(f"登记条目 {cmd.entry_number}", f"entry {cmd.entry_number}"))
    _, procedure = submitting.open_register(line.register, "objection")
    _check(cmd, line.register)
    last = EntryVersion.objects.filter(entry=line).order_by("-version").first()
    held_by = set(Share.objects.filter(version=last).values_list("org_id", flat=True))
    if actor.org is not None and actor.org in {line.holder_id, *held_by}:
        raise NotAnOutsider()
    _refuse_repeat(line.register, cmd.ground, Q(entry=line), actor)
    number = store.next_number("objection", local_day(now).year)
    case = engine.open_case(
        procedure, actor=actor, now=now, title=f"异议登记：{line.title}",
        parties=[_objector(actor), PartyView("holder", None, line.holder_id)],
        data={"register": line.register, "ground": cmd.ground},
        fact_data={"objection": number, "entry": line.number, "ground": cmd.ground},
    )  # fmt: skip
    return _write(cmd, case, number, actor, now, entry=line)


def _write(cmd: FileObjection, case: int, number: str, actor: Actor, now: datetime, **about: Any) -> Objection:
    assert actor.person is not None, "file_objection lets only people in"
    row = Objection.objects.create(
        case_id=case, number=number, person=actor.person, org=actor.org, ground=cmd.ground, statement=cmd.statement.strip(),
        filed_at=now, **about,
    )  # fmt: skip
    for upload in cmd.materials:
        documents.file_material(
            case, upload.material, filename=upload.filename, media_type=upload.media_type, content=upload.content,
            actor=actor, now=now,
        )  # fmt: skip
    return row


@command("registry.act_on_objection", ("办理异议", "act on an objection"))
def act_on_objection(cmd: ActOnObjection, *, actor: Actor, now: datetime) -> Objection:
    """Any step of the objection's table. Errors: NotFound for strangers, every refusal of the engine."""
    row = Objection.objects.select_related("case").filter(pk=cmd.case).first()
    stranger = actor.kind is ActorKind.PERSON and not (actor.seats & _SEATS) and not cases.is_party(cmd.case, actor)
    if row is None or stranger:
        raise NotFound(what=("异议", "objection"))
    engine.act(
        row.pk, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now, fact_data={"objection": row.number}
    )
    row.refresh_from_db()
    return row


@effect("registry.note_objection")
def note_objection(applied: Applied) -> None:
    """The objection is noted beside the entry; disposals go on only with the written undertaking (a soft hold)."""
    row = Objection.objects.select_related("entry").get(pk=applied.case)
    assert row.entry is not None
    rule = applied.view.rules.value("registry.objection_undertaking")
    place = PlaceHold(
        entry_id=row.entry.pk, facet=Facet.OBJECTED.value, reason=f"异议登记 {row.number}", article=applications.article_of(rule),
        forbids=DISPOSALS, undertaking=queries.UNDERTAKING if rule.value else "",
    )  # fmt: skip
    mark = book.mark_entry(place, applied.actor, applied.now, case=applied.case)
    if row.org is not None and "objection_certificate" in applications.kind_titles(row.entry.register, applied.view.rules):
        objection_papers.certify(row, mark, applied)


@effect("registry.lift_objection")
def lift_objection(applied: Applied) -> None:
    for mark in Mark.objects.filter(case_id=applied.case, lifted_at__isnull=True):
        book.lift_mark(mark, applied.actor, applied.now, ground=f"case:{applied.number}:{applied.state}")


@effect("registry.suspend_entry")
def suspend_entry(applied: Applied) -> None:
    """An objection upheld by a legal document: disposals are blocked until the book is put right."""
    lift_objection(applied)
    row = Objection.objects.select_related("entry").get(pk=applied.case)
    assert row.entry is not None
    rule = applied.view.rules.value("registry.objection_undertaking")
    place = PlaceHold(
        entry_id=row.entry.pk, facet=Facet.SUSPENDED.value, reason=f"异议成立 {row.number}", article=applications.article_of(rule)
    )
    book.mark_entry(place, applied.actor, applied.now, case=applied.case)


@effect("registry.end_objections")
def end_objections(applied: Applied) -> None:
    """Objections to a notice end with the application they were raised against."""
    open_ones = Case.objects.filter(parent_id=applied.case, closed_at__isnull=True).order_by("pk")
    for child in open_ones.values_list("pk", flat=True):
        engine.act(child, Command("end"), actor=mandate("registry", f"end:{applied.number}:{child}"), now=applied.now)
