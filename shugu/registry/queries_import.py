"""What pages and the API tell of bulk imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Min, QuerySet

from shugu.kernel.cases import Actor
from shugu.kernel.decide import allowed
from shugu.kernel.store import read_case
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.registry import applications, queries
from shugu.registry.import_checks import Importing
from shugu.registry.models_import import Import, ImportLine
from shugu.registry.operations import Writes, operations

STATES: Final[Mapping[str, Text]] = {
    "waiting": Text("等待处理", "waiting"),
    "checking": Text("逐行检查中", "checking the rows"),
    "checked": Text("检查通过，未导入", "checked, not imported"),
    "refused": Text("有错误，未导入", "refused, nothing imported"),
    "importing": Text("导入中", "importing"),
    "imported": Text("已导入", "imported"),
    "moving": Text("批量办理中", "a step for all under way"),
}
SHOWN: Final = 200


@dataclass(frozen=True)
class Standing:
    """How many of an import's cases stand in a state."""

    state: Text
    count: int


@dataclass(frozen=True)
class BatchStep:
    """A step the actor may take for all cases of one state; only steps that need no input of their own."""

    do: str
    title: Text
    count: int


def importable() -> list[dict[str, Any]]:
    """Registers that take applications from a file."""
    return [r for r in queries.registers() if r["open"] and entering(r["id"]) in r["operations"]]


def entering(register: str) -> str:
    """The operation that enters new lines in this register; empty when there is none."""
    found = operations(applications.rules_of(register))
    return next((code for code, op in found.items() if op.writes is Writes.ENTER), "")


def imports_of(actor: Actor) -> QuerySet[Import]:
    """A holder's own, newest first; every one for the venue's staff."""
    rows = Import.objects.order_by("-pk")
    return rows.filter(org=actor.org) if actor.org is not None else rows


def _by_state(row: Import) -> list[tuple[str, int, str, int, int]]:
    """(procedure, version, state, how many, the first case) of its cases."""
    lines = ImportLine.objects.filter(source=row)
    names = ("filing__case__procedure", "filing__case__version", "filing__case__state")
    found = lines.values_list(*names).annotate(count=Count("pk"), first=Min("filing_id")).order_by(*names)
    return [tuple(one) for one in found]


def counts(row: Import) -> list[Standing]:
    return [Standing(table(p, v).state[state].title, count) for p, v, state, count, _ in _by_state(row)]


def steps(row: Import, actor: Actor) -> list[BatchStep]:
    """What this actor may do for all of them now; decided case by case when it is done."""
    about = Importing(row.register, row.operation, actor, row.org, str(row.mandate.get("digest", "")))
    out: dict[str, BatchStep] = {}
    for procedure, version, _, count, first in _by_state(row):
        tab, view = table(procedure, version), read_case(first)
        mine = [*allowed(tab, view, actor)]
        if row.org is None and actor.person == row.person:
            mine += [s for org in view.orgs("applicant") for s in allowed(tab, view, about.actor_for(org)) if s not in mine]
        for step in mine:
            if not step.input:
                before = out.get(step.do)
                out[step.do] = BatchStep(step.do, step.title, count + (before.count if before else 0))
    return list(out.values())
