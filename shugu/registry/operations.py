"""What a register does: its operations as its rules list them (`registry.operations`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shugu.kernel.cases import Rules
from shugu.kernel.errors import NotFound
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text


class Writes(StrEnum):
    """What an operation writes in the book when it ends well."""

    ENTER = "enter"
    AMEND = "amend"
    TRANSFER = "transfer"
    ENCUMBER = "encumber"
    DISCHARGE = "discharge"
    RENEW = "renew"
    CANCEL = "cancel"
    REVOKE = "revoke"
    SUSPEND = "suspend"
    RESUME = "resume"
    OPEN_ACCOUNT = "open_account"
    CHANGE_ACCOUNT = "change_account"
    CLOSE_ACCOUNT = "close_account"
    REISSUE = "reissue"
    NOTE = "note"
    NOTHING = "nothing"


class On(StrEnum):
    NOTHING = "nothing"
    ENTRY = "entry"
    ACCOUNT = "account"


class By(StrEnum):
    """Who applies: the holder, the other side (licensee, transferee), both, the registrar, or anybody."""

    HOLDER = "holder"
    COUNTERPARTY = "counterparty"
    JOINT = "joint"
    REGISTRAR = "registrar"
    ANYONE = "anyone"


# What a hold may forbid, by what is written; an encumbrance is forbidden by its own name too.
DISPOSES: Mapping[Writes, tuple[str, ...]] = {
    Writes.TRANSFER: ("dispose", "transfer"),
    Writes.ENCUMBER: ("dispose",),
    Writes.CANCEL: ("dispose", "cancel"),
}


@dataclass(frozen=True)
class Operation:
    """`certificates`: kinds issued at the end; None = the kind of the object."""

    code: str
    title: Text
    on: On
    by: By
    writes: Writes
    certificates: tuple[str, ...] | None
    encumbrance: str
    counterparty: str
    source: RuleValue

    @property
    def acts(self) -> tuple[str, ...]:
        """The disposals this operation is, for holds to forbid."""
        own = (self.encumbrance,) if self.encumbrance else ()
        return (*DISPOSES.get(self.writes, ()), *own)


def _operation(row: Mapping[str, Any], source: RuleValue) -> Operation:
    kinds = row.get("certificates")
    return Operation(
        code=str(row["code"]), title=Text(str(row["zh"]), str(row["en"])), on=On(str(row.get("on", "nothing"))),
        by=By(str(row.get("by", "holder"))), writes=Writes(str(row.get("writes", "nothing"))),
        certificates=tuple(str(k) for k in kinds) if kinds is not None else None,
        encumbrance=str(row.get("encumbrance", "")), counterparty=str(row.get("counterparty", "")), source=source,
    )  # fmt: skip


# Moves between venues are no row of a regime: every register has them where a recognition agreement has.
MOVES: Mapping[str, Text] = {
    "move_out": Text("迁出至其他场所", "move to another venue"),
    "move_in": Text("由其他场所迁入", "move from another venue"),
}

# A rule set's id holds the hash of its content: what was read of it once stays true.
_read: dict[tuple[str, str | None], dict[str, Operation]] = {}


def operations(rules: Rules) -> dict[str, Operation]:
    """By code, in the order of the rule."""
    key = (rules.id, getattr(rules, "register", None))
    if key not in _read:
        source: RuleValue = rules.value("registry.operations")
        _read[key] = {found.code: found for found in (_operation(row, source) for row in source.rows)}
    return _read[key]


def operation(rules: Rules, code: str) -> Operation:
    """Errors: NotFound."""
    found = operations(rules).get(code)
    if found is None:
        raise NotFound(what=(f"登记事项 {code}", f"operation {code}"))
    return found
