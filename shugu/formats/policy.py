"""A small closed profile of ODRL 2.2: what a contract lets a buyer do with a data product.

Evaluation is pure: the caller gives the request and the counters, and gets `Allowed` with
the duties that follow, or `Denied` with a reason. What no permission covers is denied; a
prohibition wins over any permission.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from shugu.formats.errors import BadPolicy, Pair
from shugu.formats.times import read_time


class Action(StrEnum):
    """`use` covers reading, querying, analysing and deriving; the others stand alone."""

    USE = "use"
    READ = "read"
    QUERY = "shugu:query"
    ANALYZE = "shugu:analyze"
    DERIVE = "derive"
    DISTRIBUTE = "distribute"
    REIDENTIFY = "shugu:reidentify"
    SELL = "sell"
    DELETE = "delete"
    ATTRIBUTE = "attribute"
    COMPENSATE = "compensate"
    INFORM = "inform"


_USE: Final = {Action.USE, Action.READ, Action.QUERY, Action.ANALYZE, Action.DERIVE}


class Operand(StrEnum):
    """What a constraint limits; the unit is in the comment."""

    PURPOSE = "purpose"  # one of the purposes declared
    COUNT = "count"  # deliveries, this one included
    BYTES = "shugu:bytes"  # billable bytes, this request included
    RATE = "shugu:requestsPerMinute"  # requests in the last 60 s, this one included
    DATE_TIME = "dateTime"  # RFC 3339 UTC
    SPATIAL = "spatial"  # GB/T 2260 or ISO 3166 code of the place of use
    RECIPIENT = "recipient"  # party number


class Operator(StrEnum):
    LTEQ = "lteq"
    LT = "lt"
    GTEQ = "gteq"
    EQ = "eq"
    IS_ANY_OF = "isAnyOf"


_NUMERIC: Final = {Operand.COUNT, Operand.BYTES, Operand.RATE}
_LISTED: Final = {Operand.PURPOSE, Operand.SPATIAL, Operand.RECIPIENT}


def fits(operand: Operand, operator: Operator, value: object) -> bool:
    """Whether the three belong together in this profile."""
    if operand in _NUMERIC:
        return operator is Operator.LTEQ and type(value) is int and value >= 0
    if operand is Operand.DATE_TIME:
        return operator in (Operator.GTEQ, Operator.LT) and isinstance(value, str)
    texts = isinstance(value, tuple) and len(value) > 0 and all(isinstance(v, str) for v in value)
    return operator is Operator.IS_ANY_OF and texts


@dataclass(frozen=True)
class Constraint:
    """`value`: int for counts, RFC 3339 text for dateTime, a tuple of texts for isAnyOf."""

    operand: Operand
    operator: Operator
    value: int | str | tuple[str, ...]

    def __post_init__(self) -> None:
        if not fits(self.operand, self.operator, self.value):
            raise BadPolicy(reason=(f"约束 {self.operand} 不成立", f"the constraint {self.operand} is ill-formed"))
        if self.operand is Operand.DATE_TIME:
            read_time(str(self.value))


@dataclass(frozen=True)
class Duty:
    """What the assignee must do, by when if a dateTime constraint says so."""

    action: Action
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True)
class Permission:
    action: Action
    constraints: tuple[Constraint, ...] = ()
    duties: tuple[Duty, ...] = ()


@dataclass(frozen=True)
class Policy:
    """An ODRL agreement about one target (a product version) between two parties.

    `uid`, `target`, `assigner` and `assignee` are IRIs or venue numbers as `urn:shugu:…`.
    """

    uid: str
    target: str
    assigner: str
    assignee: str
    permissions: tuple[Permission, ...]
    prohibitions: tuple[Action, ...] = (Action.DISTRIBUTE, Action.REIDENTIFY)
    obligations: tuple[Duty, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """ODRL JSON-LD, fit for `canonical`."""
        # Late, because the JSON-LD form is written in terms of this module.
        from shugu.formats.odrl import write_policy

        return write_policy(self)

    @classmethod
    def from_dict(cls, value: object) -> Policy:
        """Inverse of `as_dict`; anything outside the profile is refused. Raises BadPolicy."""
        from shugu.formats.odrl import read_policy

        return read_policy(value)


@dataclass(frozen=True)
class Request:
    """What somebody asks to do now. `bytes` are those this request would add."""

    action: Action
    at: datetime
    purpose: str | None = None
    recipient: str | None = None
    spatial: str | None = None
    bytes: int = 0


@dataclass(frozen=True)
class Counters:
    """What the grant has used before this request."""

    count: int = 0
    bytes: int = 0
    last_minute: int = 0


class Reason(StrEnum):
    PROHIBITED = "prohibited"
    NOT_PERMITTED = "not-permitted"
    PURPOSE = "wrong-purpose"
    COUNT = "over-count"
    BYTES = "over-bytes"
    RATE = "over-rate"
    TOO_EARLY = "too-early"
    TOO_LATE = "too-late"
    SPATIAL = "wrong-place"
    RECIPIENT = "wrong-recipient"


SENTENCES: Final[dict[Reason, Pair]] = {
    Reason.PROHIBITED: ("合同禁止该行为。", "The contract prohibits this."),
    Reason.NOT_PERMITTED: ("合同没有许可该行为。", "The contract does not permit this."),
    Reason.PURPOSE: ("用途不在许可范围内。", "The purpose is not among those permitted."),
    Reason.COUNT: ("已达许可次数上限。", "The permitted number of deliveries is used up."),
    Reason.BYTES: ("已达许可流量上限。", "The permitted volume is used up."),
    Reason.RATE: ("请求过于频繁。", "Requests come faster than permitted."),
    Reason.TOO_EARLY: ("许可尚未开始。", "The permission has not begun."),
    Reason.TOO_LATE: ("许可已经届满。", "The permission has ended."),
    Reason.SPATIAL: ("使用地点不在许可范围内。", "The place of use is not permitted."),
    Reason.RECIPIENT: ("接收方不在许可范围内。", "The recipient is not permitted."),
}


@dataclass(frozen=True)
class Allowed:
    """The permission that allowed it and the duties that follow from using it."""

    permission: Permission
    duties: tuple[Duty, ...] = field(default=())


@dataclass(frozen=True)
class Denied:
    reason: Reason

    def message(self, lang: str = "zh") -> str:
        return SENTENCES[self.reason][0 if lang == "zh" else 1]


def covers(granted: Action, asked: Action) -> bool:
    return granted is asked or (granted is Action.USE and asked in _USE)


def _member(value: str | None, listed: object, reason: Reason) -> Reason | None:
    return None if isinstance(listed, tuple) and value in listed else reason


def broken(constraint: Constraint, request: Request, counters: Counters) -> Reason | None:
    """The reason a constraint does not hold, or None."""
    value = constraint.value
    if constraint.operand is Operand.DATE_TIME:
        bound = read_time(str(value))
        if constraint.operator is Operator.GTEQ:
            return Reason.TOO_EARLY if request.at < bound else None
        return Reason.TOO_LATE if request.at >= bound else None
    if constraint.operand is Operand.PURPOSE:
        return _member(request.purpose, value, Reason.PURPOSE)
    if constraint.operand is Operand.SPATIAL:
        return _member(request.spatial, value, Reason.SPATIAL)
    if constraint.operand is Operand.RECIPIENT:
        return _member(request.recipient, value, Reason.RECIPIENT)
    used, reason = {
        Operand.COUNT: (counters.count + 1, Reason.COUNT),
        Operand.BYTES: (counters.bytes + request.bytes, Reason.BYTES),
        Operand.RATE: (counters.last_minute + 1, Reason.RATE),
    }[constraint.operand]
    return reason if isinstance(value, int) and used > value else None


def evaluate(policy: Policy, request: Request, counters: Counters) -> Allowed | Denied:
    """Allowed by the first permission whose constraints all hold; else the first reason met."""
    if any(covers(action, request.action) for action in policy.prohibitions):
        return Denied(Reason.PROHIBITED)
    denied: Denied | None = None
    for permission in policy.permissions:
        if not covers(permission.action, request.action):
            continue
        reasons = (broken(c, request, counters) for c in permission.constraints)
        reason = next((r for r in reasons if r is not None), None)
        if reason is None:
            return Allowed(permission, permission.duties + policy.obligations)
        denied = denied or Denied(reason)
    return denied or Denied(Reason.NOT_PERMITTED)
