"""Moving an open case to the law in force today: an act of its own, with its own fact."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from shugu.kernel import journal, rulebook, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound, Refused
from shugu.kernel.models import Case


def adopt_rules(case: int, *, actor: Actor, now: datetime, ground: str) -> int:
    """Let an open case go on under today's rule set; its running clocks keep the lengths they began with. The fact's id.
    Errors: NotFound; Refused when the case has ended or is under that rule set already, or no ground is given."""
    if not ground.strip():
        raise Refused(why=("须写明依据", "state the ground"))
    rules = rulebook.keep(runtime.rules())
    with transaction.atomic():
        row = Case.objects.select_for_update().filter(pk=case).first()
        if row is None:
            raise NotFound(what=("办件", "case"))
        if row.closed_at is not None or row.rule_set == rules.id:
            raise Refused(why=("办件已办结或已适用现行规则", "the case has ended or is under today's rules already"))
        before, row.rule_set = row.rule_set, rules.id
        row.save(update_fields=["rule_set"])
        return journal.record(
            "case.rules_adopted", subject=f"{row.subject}:{case}", actor=actor, now=now, ground=ground, case=case,
            data={"case": row.number, "before": before, "after": rules.id},
        )  # fmt: skip
