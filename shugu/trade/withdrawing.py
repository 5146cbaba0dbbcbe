"""A voucher that should not have been issued is withdrawn; it stays on record, and the status lists say so.

No text among the sources orders this: who may and on which grounds is the venue's own choice (trade.withdrawal_grounds).
What the check of an order answers serves later apps, too, which withdraw papers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shugu.formats.status import Flag
from shugu.kernel import documents, journal, runtime, status
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text
from shugu.trade.models import Voucher

SEATS: Final = frozenset({"compliance_officer"})
LONGEST: Final = 200

name_fact("voucher.withdrawn", "撤销交易凭证", "voucher withdrawn")


@dataclass(frozen=True)
class WithdrawVoucher:
    """`ground`: code of trade.withdrawal_grounds; `document`: number of the judgment, award or decision where the ground
    demands one; `reason` in words."""

    number: str
    ground: str
    reason: str
    document: str = ""


@dataclass(frozen=True)
class Withdrawal:
    """A checked order: what its row and its fact say."""

    ground: str
    document: str
    reason: bytes


def grounds() -> tuple[dict[str, Any], ...]:
    return tuple(dict(row) for row in runtime.rules().value("trade.withdrawal_grounds").rows)


def ground_title(code: str) -> Text:
    """The words of a ground; a code that the rules no longer have stands for itself."""
    return next((Text(str(row["zh"]), str(row["en"])) for row in grounds() if row["code"] == code), Text(code, code))


def need_officer(actor: Actor) -> None:
    """Errors: Forbidden."""
    if not actor.seats & SEATS:
        raise Forbidden()


def checked(ground: str, document: str, reason: str) -> Withdrawal:
    """Errors: InputInvalid with every field at fault."""
    errors: dict[str, tuple[str, str]] = {}
    row = next((one for one in grounds() if one["code"] == ground), None)
    if row is None:
        errors["ground"] = ("请从撤销情形中选择", "choose from the grounds of withdrawal")
    elif row["document"] and not document.strip():
        errors["document"] = ("该情形须写明文书编号", "this ground asks for the number of the document")
    if len(document) > LONGEST:
        errors["document"] = (f"不超过 {LONGEST} 字", f"at most {LONGEST} characters")
    if not 0 < len(reason.strip()) <= LONGEST:
        errors["reason"] = (f"必填，不超过 {LONGEST} 字", f"required, at most {LONGEST} characters")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    return Withdrawal(ground, document.strip(), reason.strip().encode())


@command("trade.withdraw_voucher", ("撤销交易凭证", "withdraw a voucher"))
def withdraw_voucher(cmd: WithdrawVoucher, *, actor: Actor, now: datetime) -> Voucher:
    """By the compliance officer, for good. The fact keeps the reason by digest; the trade in the register stays as it was
    told. Errors: Forbidden, NotFound, InputInvalid."""
    need_officer(actor)
    asked = checked(cmd.ground, cmd.document, cmd.reason)
    row = Voucher.objects.select_for_update().filter(number=cmd.number, withdrawn_at__isnull=True).first()
    if row is None:
        raise NotFound(what=(f"有效的交易凭证 {cmd.number}", f"voucher {cmd.number} in force"))
    row.withdrawn_at, row.withdrawn_ground, row.withdrawn_document = now, asked.ground, asked.document
    row.save(update_fields=["withdrawn_at", "withdrawn_ground", "withdrawn_document"])
    if row.seat is not None:
        status.mark({row.seat: Flag.REVOKED})
    journal.record(
        "voucher.withdrawn", subject=f"trade.voucher:{row.pk}", actor=actor, now=now, ground=asked.ground,
        data={"voucher": row.number, "document": asked.document}, digests={"reason": documents.put(asked.reason)},
    )  # fmt: skip
    return row
