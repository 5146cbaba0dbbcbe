"""Reading the body of a message: every member is there, of its type, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shugu.formats.errors import BadMessage
from shugu.formats.message import Message

_LONGEST = 4_000
Shape = Mapping[str, type]
# The body of each kind of message about listings, orders and settlements (docs/formats.md "Between venues").
SHAPES: Mapping[str, Shape] = {
    "listing.listed": {"serial": int, "listing": dict},
    "listing.changed": {"serial": int, "listing": dict},
    "listing.withdrawn": {"serial": int, "product": str},
    "listing.answered": {"product": str, "digest": str, "state": str, "code": str},
    "order.placed": {
        "order": str, "product": str, "listing": str, "code": str, "agreement": str, "buyer": dict, "accreditation": dict,
    },
    "order.withdrawn": {"order": str},
    "order.contracted": {"order": str, "contract": str, "terms_digest": str, "price_fen": int},
    "order.progressed": {"order": str, "stage": str},
    "order.completed": {"order": str, "voucher": dict},
    "order.ended": {"order": str, "reason": str},
    "order.acknowledged": {"order": str, "acknowledgement": dict},
    "settlement.claimed": {"settlement": str, "orders": list, "amount_fen": int, "account": dict},
    "settlement.netted": {
        "settlement": str, "period": str, "currency": str, "rows": list, "amount_fen": int, "account": dict,
    },
    "settlement.agreed": {"settlement": str},
    "settlement.declined": {"settlement": str, "reason": str},
    "settlement.paid": {"settlement": str, "instruction": str, "paid_on": str},
    "settlement.received": {"settlement": str, "amount_fen": int, "received_on": str},
}  # fmt: skip
# Members that a body may have besides.
OPTIONAL: Mapping[str, Shape] = {"settlement.claimed": {"netting": str}}
BUYER: Shape = {"name": str, "name_en": str, "uscc": str}
ACCOUNT: Shape = {"holder": str, "bank": str, "number": str}
CLAIMED: Shape = {"order": str, "voucher": str, "selling_fen": int}
NETTED: Shape = {"settlement": str, "claimant": str, "amount_fen": int}
THROUGH: Shape = {
    "venue": str, "origin": str, "order": str, "agreement": str, "payee": str, "parts": int, "listing_fen": int,
    "selling_fen": int,
}  # fmt: skip


def members(body: Mapping[str, Any], **types: type) -> dict[str, Any]:
    """The body, once it has exactly these members of these types; texts have at most 4,000 characters.
    Errors: BadMessage."""
    if set(body) != set(types):
        raise BadMessage(reason=(f"内容成员应为 {sorted(types)}", f"the members of the body are {sorted(types)}"))
    for name, wanted in types.items():
        value = body[name]
        if type(value) is not wanted or (isinstance(value, str) and len(value) > _LONGEST):
            raise BadMessage(reason=(f"{name} 类型或长度不符", f"{name} has the wrong type or length"))
    return dict(body)


def body_of(message: Message) -> dict[str, Any]:
    """The body of a message whose kind has a shape above. Errors: BadMessage."""
    more = {name: kind for name, kind in OPTIONAL.get(message.kind, {}).items() if name in message.body}
    return members(message.body, **SHAPES[message.kind], **more)


def day(text: str, name: str) -> date:
    """Errors: BadMessage."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadMessage(reason=(f"{name} 不是日期", f"{name} is no date")) from error
