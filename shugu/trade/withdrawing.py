"""A voucher that should not have been issued is withdrawn; it stays on record, and the status lists say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shugu.formats.status import Flag
from shugu.kernel import documents, journal, status
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.trade.models import Voucher

SEATS = frozenset({"compliance_officer"})

name_fact("voucher.withdrawn", "撤销交易凭证", "voucher withdrawn")


@dataclass(frozen=True)
class WithdrawVoucher:
    """`ground`: the judgment, award or decision that demands it, or the article; `reason` in words."""

    number: str
    ground: str
    reason: str


@command("trade.withdraw_voucher", ("撤销交易凭证", "withdraw a voucher"))
def withdraw_voucher(cmd: WithdrawVoucher, *, actor: Actor, now: datetime) -> Voucher:
    """By the compliance officer, for good. The fact keeps the reason by digest; the trade in the register stays as it was
    told. Errors: Forbidden, NotFound, InputInvalid."""
    if not actor.seats & SEATS:
        raise Forbidden()
    required = ("必填，不超过 200 字", "required, at most 200 characters")
    errors = {name: required for name in ("ground", "reason") if not 0 < len(getattr(cmd, name).strip()) <= 200}
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    row = Voucher.objects.select_for_update().filter(number=cmd.number, withdrawn_at__isnull=True).first()
    if row is None:
        raise NotFound(what=(f"有效的交易凭证 {cmd.number}", f"voucher {cmd.number} in force"))
    row.withdrawn_at, row.withdrawn_ground = now, cmd.ground.strip()
    row.save(update_fields=["withdrawn_at", "withdrawn_ground"])
    if row.seat is not None:
        status.mark({row.seat: Flag.REVOKED})
    journal.record(
        "voucher.withdrawn", subject=f"trade.voucher:{row.pk}", actor=actor, now=now, ground=row.withdrawn_ground,
        data={"voucher": row.number}, digests={"reason": documents.put(cmd.reason.strip().encode())},
    )  # fmt: skip
    return row
