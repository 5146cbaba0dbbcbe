"""Trades told to the register: noted beside the entry, or registered by themselves where the regime says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.kernel import engine, journal
from shugu.kernel.cases import Actor, ActorKind, Command
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.queries import name_fact
from shugu.registry import applications
from shugu.registry.errors import ReferenceUsed
from shugu.registry.models import Entry, EntryVersion, TradeRecord
from shugu.registry.submitting import SubmitFiling, submit_filing

TRADE = "trade"

name_fact("entry.traded", "登记交易记录", "trade recorded in the book")


@dataclass(frozen=True)
class RecordTrade:
    """`data`: identifiers, codes and amounts only; `buyer_org` who gained by it. The same reference with the same content
    changes nothing."""

    entry_id: int
    reference: str
    data: Mapping[str, Any] = field(default_factory=dict)
    buyer_org: int | None = None


@command("registry.record_trade", ("登记交易记录", "record a trade in the book"))
def record_trade(cmd: RecordTrade, *, actor: Actor, now: datetime) -> TradeRecord:
    """By the app that traded (a mandate). Errors: Forbidden, NotFound, ReferenceUsed."""
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()
    line = Entry.objects.select_for_update().filter(pk=cmd.entry_id).first()
    if line is None:
        raise NotFound(what=("登记条目", "entry"))
    known = TradeRecord.objects.filter(reference=cmd.reference).first()
    if known is not None:
        if (known.entry_id, known.data) != (line.pk, dict(cmd.data)):
            raise ReferenceUsed(reference=cmd.reference)
        return known
    how = "note" if not _allowed(line) else applications.rules_of(line.register).value("registry.trade_registration").value
    fact = journal.record(
        "entry.traded", subject=f"registry.entry:{line.pk}", actor=actor, now=now,
        data={"entry": line.number, "reference": cmd.reference, **cmd.data},
    )  # fmt: skip
    row = TradeRecord.objects.create(
        entry=line, reference=cmd.reference, buyer_id=cmd.buyer_org, data=dict(cmd.data), recorded_at=now, fact=fact
    )
    if how == "automatic":
        _register(line, row, actor, now)
    return row


def _allowed(line: Entry) -> bool:
    """Whether the holder let trades complete the registration by themselves: the answer that
    `registry.trade_consent_field` names is yes; without that rule nobody is asked."""
    rule = applications.rules_of(line.register).get("registry.trade_consent_field")
    if rule is None:
        return True
    last = EntryVersion.objects.filter(entry=line).order_by("-version")[0]
    return bool(last.form.get(str(rule.value)) == "yes")


def _register(line: Entry, row: TradeRecord, actor: Actor, now: datetime) -> None:
    """Trade registration without an application: the venue's own trade completes it."""
    asked = applications.form_fields(line.register, line.object_kind, TRADE)
    cmd = SubmitFiling(
        line.register, line.holder_id, "", line.object_kind, (), {f.id: str(row.data[f.id]) for f in asked if f.id in row.data},
        operation=TRADE, entry_number=line.number, counterparty_org=row.buyer_id,
    )  # fmt: skip
    filing = submit_filing(cmd, actor=actor, now=now)
    engine.act(filing.pk, Command("issue"), actor=actor, now=now, fact_data={"filing": filing.number, "reference": row.reference})
