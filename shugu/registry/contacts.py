"""Contact details of an account, which its holder keeps up to date alone: no case, no change of the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shugu.kernel import journal
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.registry import applications, book
from shugu.registry.applications import LINE_MAX
from shugu.registry.errors import AccountMissing
from shugu.registry.models import Account

name_fact("account.contact_updated", "更新联系信息", "contact details updated")


@dataclass(frozen=True)
class UpdateContact:
    """`contact` by the codes of the register's rule `registry.account_self_service`."""

    register: str
    contact: Mapping[str, str]


@command("registry.update_contact", ("更新登记账户的联系信息", "update an account's contact details"))
def update_contact(cmd: UpdateContact, *, actor: Actor, now: datetime) -> Account:
    """By anybody who acts for the holder; certificates keep their force. Errors: Forbidden, AccountMissing, InputInvalid
    for anything that has to be registered as a change."""
    if actor.org is None:
        raise Forbidden()
    row = (
        Account.objects.select_for_update()
        .filter(register=cmd.register, org_id=actor.org, closed_on__isnull=True)
        .first()
    )
    if row is None:
        raise AccountMissing()
    rule = applications.rules_of(cmd.register).get("registry.account_self_service")
    free = rule.codes if rule is not None else ()
    book.refuse_input(
        {name: ("须办理变更登记", "it is changed by registration only") for name in cmd.contact if name not in free}
        | {name: (f"1–{LINE_MAX} 个字", f"1–{LINE_MAX} characters") for name, said in cmd.contact.items()
           if name in free and not 1 <= len(said.strip()) <= LINE_MAX}
    )  # fmt: skip
    row.info = {**row.info, **{name: said.strip() for name, said in cmd.contact.items()}}
    row.save(update_fields=["info"])
    journal.record(
        "account.contact_updated", subject=f"registry.account:{row.pk}", actor=actor, now=now, effective_on=local_day(now),
        data={"account": row.number, "register": row.register, "fields": sorted(cmd.contact)},
    )  # fmt: skip
    return row
