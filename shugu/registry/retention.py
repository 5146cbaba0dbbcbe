"""How long papers and records of a registration are kept: the clock that counts down after an entry or account ended.

`registry.retention` gives the period, `registry.retention_from` the beginning. Texts that name none leave it open; then
the venue counts from the end, the longest reading. Nothing is ever deleted by this clock: it says when the law's demand
is over, and what was struck out of the live book stays in the archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shugu.kernel import runtime
from shugu.kernel.rules import RuleValue
from shugu.kernel.workdays import due, local_day
from shugu.registry import applications
from shugu.registry.domain import ENDED
from shugu.registry.models import Account, Mark
from shugu.registry.queries import EntryView


@dataclass(frozen=True)
class Retention:
    """`ended_on` and `until` are None while what is kept is still alive: the period has not begun. `until` is the last
    day, included."""

    rule: RuleValue
    ended_on: date | None = None
    until: date | None = None


def _counted(register: str, ended_on: date | None) -> Retention:
    rule = applications.rules_of(register).value("registry.retention")
    if ended_on is None:
        return Retention(rule)
    return Retention(rule, ended_on, due(ended_on, rule.length, calendar=runtime.calendar()).on)


def of_entry(entry: EntryView, on: date) -> Retention:
    """An entry ends by cancellation or revocation, or when its term ran out before `on`."""
    marks = Mark.objects.filter(entry_id=entry.id, facet__in=[f.value for f in ENDED], lifted_at__isnull=True)
    first = marks.order_by("placed_at").values_list("placed_at", flat=True).first()
    if first is not None:
        return _counted(entry.register, local_day(first))
    return _counted(entry.register, entry.valid_until if entry.valid_until < on else None)


def of_account(account: Account) -> Retention:
    return _counted(account.register, account.closed_on)
