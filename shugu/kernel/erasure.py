"""Erasing what a fact says where law demands it: payload and salt go together, the commitment and every proof stay.

The journal's own act of erasing is a fact; the log is not touched, since it never held more than commitments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shugu.kernel import journal
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound, Refused
from shugu.kernel.models import Cursor, Fact, Position
from shugu.kernel.queries import name_fact

name_fact("fact.erased", "依法删除事实内容", "content of a fact erased as law demands")

SEAT: Final = "compliance_officer"
_LONGEST_GROUND: Final = 500


@dataclass(frozen=True)
class EraseFact:
    """Erase what this fact says. `ground`: the article or the decision that demands it; `request`: the number of the
    demand or order it answers, kept as the venue's own file number."""

    fact: int
    ground: str
    request: str


@command("kernel.erase_fact", ("依法删除事实内容", "erase the content of a fact"))
def erase_fact(cmd: EraseFact, *, actor: Actor, now: datetime) -> dict[str, int]:
    """Payload and salt are gone from the database afterwards (from backups: as these expire). Name, subject, case, day
    and commitment of the fact stay, and so does every proof. Answers the erased fact and the fact of the erasure.

    Errors: Forbidden without the seat of compliance; InputInvalid without ground or request; NotFound; Refused when
    it is erased already, is an erasure itself, or has not been read by every subscriber."""
    if actor.kind is not ActorKind.PERSON or SEAT not in actor.seats:
        raise Forbidden()
    _check(cmd)
    row = Fact.objects.select_for_update().filter(pk=cmd.fact).first()
    if row is None:
        raise NotFound(what=("事实", "fact"))
    if row.name == "fact.erased":
        raise Refused(why=("删除的记录本身不可删除", "the record of an erasure is not erased"))
    if row.payload is None:
        raise Refused(why=("内容此前已删除", "its content is erased already"))
    place = Position.objects.filter(fact_id=row.pk).values_list("position", flat=True).first()
    if place is None or Cursor.objects.filter(position__lte=place).exists():
        why = ("后续环节尚未读完该事实，稍后再试", "what follows from it has not been done yet; try again in a moment")
        raise Refused(why=why)
    Fact.objects.filter(pk=row.pk).update(payload=None, salt=None)
    fact = journal.record(
        "fact.erased", subject=row.subject, actor=actor, now=now, ground=cmd.ground.strip(), case=row.case_id,
        data={"fact": row.pk, "position": place, "name": row.name, "request": cmd.request.strip()},
    )  # fmt: skip
    return {"erased": row.pk, "fact": fact}


def _check(cmd: EraseFact) -> None:
    problems: dict[str, tuple[str, str]] = {}
    if not 1 <= len(cmd.ground.strip()) <= _LONGEST_GROUND:
        problems["ground"] = ("写明所依据的条款或决定", "state the article or the decision")
    if not 1 <= len(cmd.request.strip()) <= 60:
        problems["request"] = ("写明请求或决定的编号", "give the number of the demand or order")
    if problems:
        fields = (", ".join(problems), ", ".join(problems))
        raise InputInvalid(fields=fields, field_errors=problems)
