"""Reading the body of a message: every member is there, of its type, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shugu.formats.errors import BadMessage

_LONGEST = 4_000


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


def day(text: str, name: str) -> date:
    """Errors: BadMessage."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadMessage(reason=(f"{name} 不是日期", f"{name} is no date")) from error
