"""Duty cases: obligations that arise from a fact after the case it ended (a declaration, a change filing, a report)."""

from __future__ import annotations

from datetime import datetime

from shugu.kernel import engine
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.journal import FactView
from shugu.kernel.models import Case
from shugu.kernel.procedure import Table
from shugu.kernel.subscriptions import Handler, subscribe
from shugu.kernel.tables import all_tables
from shugu.kernel.vocabulary import VOCABULARY


def register() -> None:
    """Subscribe every duty table to the fact that opens it (once, when all apps are loaded)."""
    handlers: dict[str, Handler] = {}
    for versions in all_tables().values():
        newest = versions[max(versions)]
        if newest.duty and newest.opened_by_fact:
            handlers[newest.opened_by_fact] = _chain(handlers.get(newest.opened_by_fact), newest)
    subscribe("kernel.duties", handlers)


def _chain(before: Handler | None, table: Table) -> Handler:
    def handle(fact: FactView, now: datetime) -> None:
        if before is not None:
            before(fact, now)
        open_duty(table, fact, now)

    return handle


def open_duty(table: Table, fact: FactView, now: datetime) -> int | None:
    """The duty case that `fact` calls for, once per fact; None when nothing is owed."""
    opening = VOCABULARY.openers[table.id](fact)
    if opening is None or Case.objects.filter(procedure=table.id, data__arises_from=fact.id).exists():
        return None
    actor = Actor(ActorKind.MANDATE, name=table.app, reference=f"fact:{fact.id}:{table.id}")
    return engine.open_case(
        table.id, actor=actor, now=now, title=opening.title, parties=opening.parties, subjects=opening.subjects,
        data={**opening.data, "arises_from": fact.id}, effective_on=fact.effective_on,
    )  # fmt: skip
