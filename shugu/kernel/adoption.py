"""Moving an open case to the law in force today: an act of its own, with its own fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shugu.kernel import assigning, journal, rulebook, runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, NotFound, Refused
from shugu.kernel.models import Case
from shugu.kernel.rules import Change, diff
from shugu.kernel.tables import table


@dataclass(frozen=True)
class AdoptRules:
    """Let the case go on under today's rule set, on a ground that is told (an article, the parties' consent)."""

    case: int
    ground: str


def may_adopt(case: Case, actor: Actor) -> bool:
    """Whether this actor may move the case to today's law: staff of its table or the operator, while it is open and
    under another law."""
    seats = assigning.seats_of(table(case.procedure, case.version)) | {"operator"}
    staff = actor.kind is ActorKind.PERSON and bool(actor.seats & seats)
    return staff and case.closed_at is None and case.rule_set != runtime.rules().id


def changes(case: Case) -> tuple[Change, ...]:
    """What would be different: every value that today's rule set adds, drops or changes. Errors: NotFound."""
    return diff(rulebook.recall(case.rule_set), runtime.rules())


@command("kernel.adopt_rules", ("改按现行规则办理", "move a case to today's rules"))
def adopt_rules(cmd: AdoptRules, *, actor: Actor, now: datetime) -> dict[str, int]:
    """Running clocks keep the lengths they began with. Answers the case and its fact.
    Errors: NotFound; Forbidden; Refused when the case has ended or is under that rule set already, or no ground is given."""
    if not cmd.ground.strip():
        raise Refused(why=("须写明依据", "state the ground"))
    row = Case.objects.select_for_update().filter(pk=cmd.case).first()
    if row is None:
        raise NotFound(what=("办件", "case"))
    rules = runtime.rules()
    if row.closed_at is not None or row.rule_set == rules.id:
        raise Refused(why=("办件已办结或已适用现行规则", "the case has ended or is under today's rules already"))
    if not may_adopt(row, actor):
        raise Forbidden()
    before, row.rule_set = row.rule_set, rulebook.keep(rules).id
    row.save(update_fields=["rule_set"])
    fact = journal.record(
        "case.rules_adopted", subject=f"{row.subject}:{row.pk}", actor=actor, now=now, ground=cmd.ground.strip(), case=row.pk,
        data={"case": row.number, "before": before, "after": rules.id},
    )  # fmt: skip
    return {"case": row.pk, "fact": fact}
