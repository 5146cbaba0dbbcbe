"""Obligations that arise when a registration ends: a declaration owed the same day, a filing within so many days.

A register's rule `registry.duties` lists them, rows { id, procedure, after = [operations], who, zh, en }: after which
operations which duty table opens a case, and for whom. The table names the fact that opens it (`opened_by_fact`,
a fact of the book such as `entry.transferred`) and one party, the role of whoever owes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from shugu.kernel import engine
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.journal import FactView
from shugu.kernel.models import Case
from shugu.kernel.procedure import ProcedureError
from shugu.kernel.tables import all_tables, table
from shugu.kernel.vocabulary import VOCABULARY, Opening, context
from shugu.registry import applications
from shugu.registry.models import EntryVersion, Filing, Share
from shugu.web import case_acts

SUBJECT = "registry.duty"


class Who(StrEnum):
    """Whose duty it is: who held the entry before, who holds it now, the other side of the operation."""

    FORMER_HOLDER = "former_holder"
    HOLDER = "holder"
    COUNTERPARTY = "counterparty"


@dataclass(frozen=True)
class ActOnDuty:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)


@context(SUBJECT)
def duty_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


def register() -> None:
    """Who acts on duties, and an opener for every duty table about a registration (once, when all apps are loaded)."""
    case_acts.register(SUBJECT, _act)
    try:
        tables = all_tables()
    except ProcedureError:
        return  # the system check tells it, with the file and the row
    for procedure, versions in tables.items():
        newest = versions[max(versions)]
        if newest.duty and newest.subject == SUBJECT and procedure not in VOCABULARY.openers:
            VOCABULARY.openers[procedure] = partial(_opening, procedure)


def _act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return act_on_duty(ActOnDuty(case, do, input), actor=actor, now=now, key=key)


def _opening(procedure: str, fact: FactView) -> Opening | None:
    """Whom the duty binds after `fact`; None when the register of its filing asks for none."""
    row = Filing.objects.select_related("entry").filter(pk=fact.case).first()
    owed = _row_of(row, procedure) if row is not None else None
    if row is None or owed is None:
        return None
    role = table(procedure).parties[0].role
    who = sorted(_who(row, Who(str(owed["who"])), fact.data.get("version")))
    if not who:
        return None
    return Opening(
        title=f"{owed['zh']}：{row.title or (row.entry.title if row.entry else row.number)}",
        parties=tuple(PartyView(role, None, org) for org in who),
        data={"register": row.register, "filing": row.number, "operation": row.operation},
        subjects=(f"registry.filing:{row.pk}",),
    )


def _row_of(row: Filing, procedure: str) -> Mapping[str, Any] | None:
    rule = applications.rules_of(row.register).get("registry.duties")
    rows = rule.rows if rule is not None else ()
    return next((r for r in rows if r["procedure"] == procedure and row.operation in _codes(r["after"])), None)


def _codes(listed: Any) -> tuple[str, ...]:
    return tuple(str(code) for code in listed)


def _who(row: Filing, who: Who, version: Any) -> set[int]:
    """Organisations. `version` is the one the fact made, so that a later change does not move the duty."""
    if who is Who.COUNTERPARTY:
        return {row.counterparty_id} if row.counterparty_id else set()
    made = EntryVersion.objects.filter(filing=row).values_list("entry_id", flat=True).first()
    versions = EntryVersion.objects.filter(entry=row.entry_id or made).order_by("-version")
    known = list((versions.filter(version__lte=int(version)) if version else versions)[:2])
    held = [set(Share.objects.filter(version=v).values_list("org_id", flat=True)) for v in known]
    if who is Who.HOLDER:
        return held[0] if held else set()
    return held[1] - held[0] if len(held) > 1 else set()


@command("registry.act_on_duty", ("履行登记后的义务", "act on a duty that a registration left"))
def act_on_duty(cmd: ActOnDuty, *, actor: Actor, now: datetime) -> int:
    """Any step of the duty's table. Errors: NotFound for strangers, every refusal of the engine."""
    known = Case.objects.filter(pk=cmd.case, subject=SUBJECT).exists()
    if not known or not (cases.is_party(cmd.case, actor) or actor.seats & {"registrar", "reviewer", "regulator"}):
        raise NotFound(what=("登记义务", "duty"))
    engine.act(cmd.case, Command(cmd.do, dict(cmd.input)), actor=actor, now=now)
    return cmd.case
