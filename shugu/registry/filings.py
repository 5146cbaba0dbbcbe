"""Commands about applications once they are open: revise, file materials, act, look at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any

from shugu.kernel import engine, journal
from shugu.kernel import queries as cases
from shugu.kernel.assigning import seats_of
from shugu.kernel.cases import Actor, ActorKind, CaseView, Command
from shugu.kernel.commands import command
from shugu.kernel.decide import allowed
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Case, Fact, Material
from shugu.kernel.queries import name_fact
from shugu.kernel.tables import table
from shugu.kernel.vocabulary import bulk_context, context
from shugu.kernel.workdays import local_day
from shugu.registry import (
    accounts,
    applications,
    book,
    judicial,
    lineage,
    queries,
    queries_book,
    recognitions,
    submitting,
    vouchers,
)
from shugu.registry.models import Filing
from shugu.registry.submitting import Upload

CONCLUSIONS = ("passed", "failed")

name_fact("filing.revised", "修改申请内容", "application revised")
name_fact("filing.looked_at", "查询非公开登记材料", "registration materials looked at")


@dataclass(frozen=True)
class ReviseFiling:
    """New answers while the application is being prepared or corrected."""

    case: int
    title: str
    rights: tuple[str, ...]
    form: Mapping[str, str]


@dataclass(frozen=True)
class AddMaterial:
    case: int
    upload: Upload
    signers: int = 1


@dataclass(frozen=True)
class ActOnFiling:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@dataclass(frozen=True)
class LookAtFiling:
    number: str


class Told(Mapping[str, Any]):
    """What guards may ask about a filing, each looked up only when asked."""

    def __init__(self, asked: Mapping[str, Callable[[], Any]]) -> None:
        self._asked = asked

    def __getitem__(self, name: str) -> Any:
        return self._asked[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._asked)

    def __len__(self) -> int:
        return len(self._asked)


@context("registry.filing")
def filing_context(case: int, now: datetime) -> Mapping[str, Any]:
    return filing_contexts([case], now)[case]


@bulk_context("registry.filing")
def filing_contexts(many: Sequence[int], now: datetime) -> dict[int, Mapping[str, Any]]:
    """The rows of all are read together, when the first of them is asked for."""
    rows = cache(lambda: Filing.objects.select_related("entry", "recognition").in_bulk(many))
    return {case: _told(case, partial(_row_of, rows, case), now) for case in many}


def _row_of(rows: Callable[[], Mapping[int, Filing]], case: int) -> Filing:
    return rows()[case]


def _told(case: int, row: Callable[[], Filing], now: datetime) -> Told:
    today = local_day(now)
    return Told(
        {
            "corrections": lambda: Fact.objects.filter(case_id=case, name="filing.correction_asked").count(),
            "today": lambda: today,
            "facets": lambda: queries_book.facets_of(row().entry_id, today),
            "account": lambda: accounts.usable(row()),
            "renewal": lambda: queries_book.renewal_window(row().entry_id),
            "traded": lambda: queries_book.traded_to(row()),
            "ended_parents": lambda: lineage.ended_parents(row().entry_id or 0) or queries_book.ended_named(row().lineage),
            "registered_kinds": lambda: vouchers.registered_kinds(row().register, row().applicant_id, today),
            "twins": lambda: vouchers.twins(row(), today),
            "can_hold": lambda: applications.can_hold(row().register, row().object_kind, row().rights),
            "recognised": lambda: recognitions.recognised(row(), now),
            "unproven_vouchers": lambda: recognitions.unproven_vouchers(cases.view_of(case)[1].materials, now),
        }
    )


def _filing(case: int, actor: Actor) -> Filing:
    """The filing when this actor may know of it. Errors: NotFound."""
    row = Filing.objects.select_related("case").filter(pk=case).first()
    if row is None or (actor.kind is ActorKind.PERSON and queries.ground_to_look(row, actor) is None):
        raise NotFound(what=("登记申请", "filing"))
    return row


@command("registry.revise_filing", ("修改登记申请", "revise a filing"))
def revise_filing(cmd: ReviseFiling, *, actor: Actor, now: datetime) -> Filing:
    """While the applicant may submit or correct; the form's materials are filed anew. Errors: NotFound, Forbidden,
    InputInvalid, NotInProcedure, TooLate."""
    row = _filing(cmd.case, actor)
    _may_revise(row.pk, actor, now)
    book.refuse_input(
        applications.application_errors(
            row.register, title=cmd.title, object_kind=row.object_kind, rights=tuple(cmd.rights), form=cmd.form,
            operation=row.operation,
        )
    )  # fmt: skip
    submitting.write_anew(row, cmd.title, tuple(cmd.rights), cmd.form, actor, now)
    journal.record(
        "filing.revised", subject=f"registry.filing:{row.pk}", actor=actor, now=now, case=row.pk,
        data={"filing": row.number, "rights": row.rights},
    )  # fmt: skip
    return row


def _may_revise(case: int, actor: Actor, now: datetime) -> None:
    """While one of the actor's next steps hands the application in. Errors: Forbidden, TooLate."""
    _may_file(case, submitting.FORM_MATERIALS, actor, now)


def _may_file(case: int, materials: Collection[str], actor: Actor, now: datetime) -> None:
    """Only a material that one of the actor's own next steps asks for, and not after that step's window.
    Errors: Forbidden, TooLate."""
    tab, view = cases.view_of(case)
    steps = [s for s in allowed(tab, view, actor) if any(m.id in materials for m in s.materials)]
    if not steps:
        raise Forbidden()
    for choice in cases.acts(case, actor, now):
        if choice.do in {s.do for s in steps}:
            refuse_after_window(tab, view, choice.do, now)


def refuse_after_window(tab: Any, view: CaseView, do: str, now: datetime) -> None:
    """Errors: TooLate when a window of `do` is over."""
    from shugu.kernel.errors import TooLate

    step = tab.step(view.state, do)
    for row in tab.clocks:
        live = next((c for c in reversed(view.clocks) if c.id == row.id), None)
        if row.kind == "window" and do in row.act and live is not None and now >= live.due_at:
            raise TooLate(clock=row.title, until=live.due_on.isoformat(), do=step.title, article=step.article or tab.source)


@command("registry.add_material", ("提交登记材料", "file a material"))
def add_material(cmd: AddMaterial, *, actor: Actor, now: datetime) -> Material:
    """To a filing or an objection, by the party whose next step asks for it.
    Errors: NotFound, Forbidden, TooLate, InputInvalid (shugu.kernel.documents.check_upload)."""
    row = Case.objects.filter(pk=cmd.case, subject__in=("registry.filing", "registry.objection")).first()
    if row is None or not (cases.is_party(row.pk, actor) or actor.seats & seats_of(table(row.procedure, row.version))):
        raise NotFound(what=("办件", "case"))
    _may_file(cmd.case, (cmd.upload.material,), actor, now)
    return submitting.file(cmd.case, cmd.upload, cmd.signers, actor, now)


@command("registry.act_on_filing", ("办理登记申请", "act on a filing"))
def act_on_filing(cmd: ActOnFiling, *, actor: Actor, now: datetime) -> Filing:
    """Any step of the filing's table. Errors: NotFound for strangers, InputInvalid, every refusal of the engine."""
    row = _filing(cmd.case, actor)
    given = dict(cmd.input)
    errors = applications.ground_errors(row.register, given)
    if "defects" in given:
        given["defects"] = applications.defect_lines(given["defects"])
        if not given["defects"]:
            errors["defects"] = ("逐条列明全部缺陷", "list every defect, one a line")
    if "review_conclusion" in given and given["review_conclusion"] not in CONCLUSIONS:
        errors["review_conclusion"] = ("结论为 passed 或 failed", "the conclusion is passed or failed")
    book.refuse_input(errors)
    engine.act(row.pk, Command(cmd.do, given, cmd.undertaking), actor=actor, now=now, fact_data={"filing": row.number})
    row.refresh_from_db()
    return row


@command("registry.look_at_filing", ("查询登记材料", "look at a filing"))
def look_at_filing(cmd: LookAtFiling, *, actor: Actor, now: datetime) -> Filing:
    """The filing for those who may see it, on a coded ground; the look itself is a fact.
    Errors: NotFound; DocumentNeeded where the regime asks for the document first (judicial.py)."""
    found = Filing.objects.filter(number=cmd.number).first() or Filing.objects.filter(case__number=cmd.number).first()
    if found is None:
        raise NotFound(what=(f"登记申请 {cmd.number}", f"filing {cmd.number}"))
    row = _filing(found.pk, actor)
    ground = queries.ground_to_look(row, actor)
    judicial.require_document(row, ground, actor, now)
    journal.record(
        "filing.looked_at", subject=f"registry.filing:{row.pk}", actor=actor, now=now,
        data={"filing": row.number, "ground": ground or ""},
    )  # fmt: skip
    return row
