"""Who of the venue's staff has a case in hand: given and taken back with a fact, shown on the desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shugu.kernel import journal
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Assignment, Case
from shugu.kernel.procedure import Table
from shugu.kernel.queries import name_fact
from shugu.kernel.tables import table

name_fact("case.assigned", "分派办件", "case assigned")

# party tells which people hold a seat: {person: name}.
Holders = Callable[[frozenset[str]], dict[int, str]]
_holders: list[Holders] = []


@dataclass(frozen=True)
class AssignCase:
    """To `person`; None takes the case back."""

    case: int
    person: int | None


def seats_from(holders: Holders) -> None:
    """party registers itself when the process starts."""
    _holders[:] = [holders]


def seats_of(tab: Table) -> frozenset[str]:
    return frozenset(p.seat for p in tab.parties if p.seat)


def candidates(case: int) -> dict[int, str]:
    """Who may be given the case: the holders of a seat its table gives a part to."""
    row = Case.objects.only("procedure", "version").get(pk=case)
    return _holders[0](seats_of(table(row.procedure, row.version))) if _holders else {}


def assignee(case: int) -> int | None:
    return Assignment.objects.filter(case_id=case).values_list("person", flat=True).first()


@command("kernel.assign_case", ("分派办件", "assign a case"))
def assign_case(cmd: AssignCase, *, actor: Actor, now: datetime) -> dict[str, int | None]:
    """By anybody in a seat of the case's table, or the operator. Errors: NotFound, Forbidden, InputInvalid."""
    row = Case.objects.select_for_update().filter(pk=cmd.case, closed_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("办件", "case"))
    tab = table(row.procedure, row.version)
    if actor.kind is not ActorKind.PERSON or not actor.seats & (seats_of(tab) | {"operator"}):
        raise Forbidden()
    if cmd.person is not None and cmd.person not in candidates(row.pk):
        problem = ("该人员不在本办件的岗位上", "this person holds no seat of the case")
        raise InputInvalid(fields="person", field_errors={"person": problem})
    before = assignee(row.pk)
    if before == cmd.person:
        return {"case": row.pk, "person": cmd.person}
    if cmd.person is None:
        Assignment.objects.filter(case=row).delete()
    else:
        Assignment.objects.update_or_create(case=row, defaults={"person": cmd.person, "assigned_at": now})
    journal.record(
        "case.assigned", subject=f"{row.subject}:{row.pk}", actor=actor, now=now, case=row.pk,
        data={"case": row.number, "person": cmd.person, "before": before},
    )  # fmt: skip
    return {"case": row.pk, "person": cmd.person}
