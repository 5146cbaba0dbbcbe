"""Accounts of holders in a register: opened on their own where the regime says so, else with the first entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.kernel import journal, store
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.queries import name_fact
from shugu.registry import applications, status
from shugu.registry.domain import ENDED
from shugu.registry.errors import AccountMissing, AccountOpen
from shugu.registry.models import Account, Entry, Filing, Mark
from shugu.registry.operations import Writes, operations

name_fact("account.opened", "开立登记账户", "register account opened")
name_fact("account.changed", "变更登记账户", "register account changed")
name_fact("account.closed", "注销登记账户", "register account closed")
name_fact("account.looked_at", "查询登记账户", "register account looked at")
_SEATS = frozenset({"registrar", "reviewer", "regulator", "auditor"})


@dataclass(frozen=True)
class LookAtAccount:
    number: str


@command("registry.look_at_account", ("查询账户簿", "look at an account book"))
def look_at_account(cmd: LookAtAccount, *, actor: Actor, now: datetime) -> Account:
    """By the holder or the venue's staff; the look is a fact. Errors: NotFound, for strangers too."""
    row = Account.objects.filter(number=cmd.number).first()
    if row is None or not (actor.org == row.org_id or actor.seats & _SEATS):
        raise NotFound(what=(f"登记账户 {cmd.number}", f"account {cmd.number}"))
    ground = "own" if actor.org == row.org_id else "duty"
    journal.record(
        "account.looked_at", subject=f"registry.account:{row.pk}", actor=actor, now=now,
        data={"account": row.number, "ground": ground},
    )  # fmt: skip
    return row


def _record(name: str, row: Account, actor: Actor, now: datetime, day: date, case: int | None) -> int:
    return journal.record(
        name, subject=f"registry.account:{row.pk}", actor=actor, now=now, effective_on=day, case=case,
        data={"account": row.number, "register": row.register},
    )  # fmt: skip


def live(register: str, org: int) -> Account | None:
    return Account.objects.filter(register=register, org_id=org, closed_on__isnull=True).first()


def usable(row: Filing) -> Account | None:
    """The applicant's account; none while its closing is applied for, where `registry.account_frozen_while_closing`."""
    rules = applications.rules_of(row.register)
    frozen = rules.get("registry.account_frozen_while_closing")
    if frozen is not None and frozen.value:
        closing = [code for code, op in operations(rules).items() if op.writes is Writes.CLOSE_ACCOUNT]
        asked = Filing.objects.filter(register=row.register, applicant_id=row.applicant_id, operation__in=closing)
        if asked.filter(case__closed_at__isnull=True).exclude(case__state="draft").exists():
            return None
    return live(row.register, row.applicant_id)


def _open(
    register: str, org: int, info: dict[str, Any], actor: Actor, now: datetime, day: date, case: int | None
) -> Account:
    row = Account.objects.create(
        register=register, org_id=org, number=store.next_number("account", day.year), info=info, opened_on=day, fact=0
    )
    row.fact = _record("account.opened", row, actor, now, day, case)
    row.save(update_fields=["fact"])
    return row


def ensure(register: str, org: int, actor: Actor, now: datetime, day: date) -> None:
    """The holder's account, opened with the first entry where none was asked for before."""
    if live(register, org) is None:
        _open(register, org, {}, actor, now, day, None)


def open_for(row: Filing, actor: Actor, now: datetime, day: date) -> None:
    """Errors: AccountOpen."""
    if live(row.register, row.applicant_id) is not None:
        raise AccountOpen()
    _open(row.register, row.applicant_id, dict(row.form), actor, now, day, row.pk)


def _locked(row: Filing) -> Account:
    found = (
        Account.objects.select_for_update()
        .filter(register=row.register, org_id=row.applicant_id, closed_on__isnull=True)
        .first()
    )
    if found is None:
        raise AccountMissing()
    return found


def change(row: Filing, actor: Actor, now: datetime, day: date) -> None:
    """Errors: AccountMissing. Certificates issued before are void where `registry.account_change_voids` says so."""
    found = _locked(row)
    found.info, found.changed_on = {**found.info, **row.form}, day
    found.save(update_fields=["info", "changed_on"])
    status.refresh_holder(found.register, found.org_id, now)
    _record("account.changed", found, actor, now, day, row.pk)


def close(row: Filing, actor: Actor, now: datetime, day: date) -> None:
    """Errors: AccountMissing; AccountOpen while the account still holds entries that are in force."""
    found = _locked(row)
    ended = Mark.objects.filter(facet__in=[f.value for f in ENDED], lifted_at__isnull=True).values("entry_id")
    if Entry.objects.filter(register=row.register, holder_id=row.applicant_id).exclude(pk__in=ended).exists():
        raise AccountOpen(why=("账户内仍有有效的登记条目", "the account still holds live entries"))
    found.closed_on = day
    found.save(update_fields=["closed_on"])
    _record("account.closed", found, actor, now, day, row.pk)
