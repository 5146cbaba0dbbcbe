"""What a delivery is judged by: receipts against grants, usage against limits, the guards of the table. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shugu.formats.delivery import Grant, GrantedFile, Limits, NoticeAction
from shugu.formats.errors import FormatError
from shugu.formats.policy import Operand, Policy
from shugu.formats.times import read_time
from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard, predicate

FIRST_RETRY_S: Final = 2
LONGEST_RETRY_S: Final = 300
CLOCK_SKEW: Final = timedelta(minutes=2)  # between two machines' clocks
ROWS: Final = "?rows"
STATE_AFTER: Final = {
    NoticeAction.SUSPEND: "suspended", NoticeAction.RESUME: "active", NoticeAction.REVOKE: "revoked",
}  # fmt: skip
_TEXTS: Final = (
    "receipt", "connector", "contract", "contract_sha256", "grant", "buyer", "product", "product_version", "file",
    "file_sha256", "started_at", "completed_at",
)  # fmt: skip
_COUNTS: Final = ("delivery", "size", "billable_bytes", "sent_bytes", "resent_bytes")
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class ReceiptData:
    """A receipt's subject, read strictly. Bytes; `ranges` are [start, end) in order, apart from each other."""

    receipt: str
    connector: str
    contract: str
    contract_sha256: str
    grant: str
    buyer: str
    product: str
    product_version: str
    delivery: int
    file: str
    file_sha256: str
    size: int
    ranges: tuple[tuple[int, int], ...]
    billable_bytes: int
    sent_bytes: int
    resent_bytes: int
    started_at: datetime
    completed_at: datetime
    meter_head: str
    meter_records: int


@dataclass(frozen=True)
class Usage:
    """What a grant has given so far by its receipts, and what its limits leave; None = the contract sets none."""

    deliveries: int
    billable: int
    sent: int
    files: Mapping[str, tuple[tuple[int, int], ...]]
    count_left: int | None
    bytes_left: int | None
    limits: Limits
    until: datetime


Fault = tuple[str, str]


def read_receipt(subject: Mapping[str, Any]) -> ReceiptData | Fault:
    """The receipt, or what is wrong with its members."""
    if set(subject) != {*_TEXTS, *_COUNTS, "ranges", "meter"}:
        return ("成员缺少或多出", "members are missing or unknown")
    texts = {name: subject[name] for name in _TEXTS}
    counts = {name: subject[name] for name in _COUNTS}
    meter = subject["meter"]
    if not all(isinstance(v, str) and v and len(v) <= 500 for v in texts.values()):
        return ("成员应为文本", "a member is not a text")
    if not all(_whole(v) for v in counts.values()):
        return ("数量应为非负整数", "a count is not a whole number")
    if not isinstance(meter, Mapping) or set(meter) != {"head", "records"} or not _whole(meter["records"]):
        return ("计量链信息有误", "the meter's head is malformed")
    if not all(_is_digest(d) for d in (meter["head"], texts["file_sha256"])):
        return ("摘要有误", "a digest is malformed")
    ranges = _ranges(subject["ranges"])
    if ranges is None:
        return ("字节范围有误", "the byte ranges are malformed")
    try:
        started, completed = read_time(texts.pop("started_at")), read_time(texts.pop("completed_at"))
    except FormatError:
        return ("时间写法有误", "a time is malformed")
    return ReceiptData(
        **texts, **counts, ranges=ranges, started_at=started, completed_at=completed, meter_head=meter["head"],
        meter_records=meter["records"],
    )  # fmt: skip


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= _HEX


def _ranges(value: object) -> tuple[tuple[int, int], ...] | None:
    if not isinstance(value, list) or not all(isinstance(p, list) and len(p) == 2 and all(map(_whole, p)) for p in value):
        return None
    pairs = tuple((p[0], p[1]) for p in value)
    apart = all(left[1] < right[0] for left, right in itertools.pairwise(pairs))
    return pairs if apart and all(start < end for start, end in pairs) else None


def receipt_fault(found: ReceiptData, grant: Grant, now: datetime) -> Fault | None:
    """Why this receipt cannot be one of this grant; None when it can."""
    for name in ("connector", "contract", "contract_sha256", "grant", "buyer", "product", "product_version"):
        if getattr(found, name) != getattr(grant, name):
            return (f"{name} 与授权不一致", f"its {name} is not the grant's")
    if found.receipt != f"{grant.grant}.{found.delivery}" or found.delivery < 1:
        return ("编号不是该授权的", "its number is not one of the grant's")
    if not _file_granted(found, grant.files):
        return ("文件不在授权之内", "its file was not granted")
    covered = sum(end - start for start, end in found.ranges)
    if covered != found.size or (found.ranges and found.ranges[-1][1] > found.size):
        return ("没有送达全部字节", "not every byte was delivered")
    if found.billable_bytes != covered or found.sent_bytes - found.resent_bytes != found.billable_bytes:
        return ("字节数之间不相符", "its byte counts do not agree")
    if not grant.valid_from <= found.started_at <= found.completed_at:
        return ("时间早于授权或前后颠倒", "its times are before the grant or out of order")
    if found.completed_at > now + CLOCK_SKEW:
        return ("完成时间在将来", "it was completed in the future")
    if found.started_at >= grant.valid_until:
        return ("在授权期满之后开始", "it began after the grant had ended")
    return None


def _file_granted(found: ReceiptData, files: Iterable[GrantedFile]) -> bool:
    for file in files:
        if (found.file, found.file_sha256, found.size) == (file.name, file.sha256, file.size):
            return True
        # An answer to a query of rows: its bytes are the connector's own, its file is one that was granted.
        if found.file == f"{file.name}{ROWS}":
            return True
    return False


def limits_of(policy: Policy, default_rate: int) -> Limits:
    """The smallest limit the policy's permissions name; without a rate the rule's."""
    found: dict[Operand, int] = {}
    for permission in policy.permissions:
        for constraint in permission.constraints:
            if isinstance(constraint.value, int):
                found[constraint.operand] = min(found.get(constraint.operand, constraint.value), constraint.value)
    return Limits(found.get(Operand.COUNT), found.get(Operand.BYTES), found.get(Operand.RATE, default_rate))


def purposes_of(policy: Policy) -> tuple[str, ...]:
    """The purposes the buyer may declare to the connector."""
    values = [c.value for p in policy.permissions for c in p.constraints if c.operand is Operand.PURPOSE]
    return tuple(dict.fromkeys(v for value in values if isinstance(value, tuple) for v in value))


def usage_of(
    grant: Grant, receipts: Sequence[tuple[str, Sequence[Sequence[int]], int, int]],
) -> Usage:  # fmt: skip
    """`receipts`: (file, ranges, billable, sent) of each."""
    billable = sum(r[2] for r in receipts)
    limits = grant.limits
    files: dict[str, tuple[tuple[int, int], ...]] = {}
    for file, ranges, _, _ in receipts:
        if not file.endswith(ROWS):
            files[file] = _union((*files.get(file, ()), *((int(p[0]), int(p[1])) for p in ranges)))
    return Usage(
        deliveries=len(receipts), billable=billable, sent=sum(r[3] for r in receipts), files=files,
        count_left=None if limits.count is None else max(0, limits.count - len(receipts)),
        bytes_left=None if limits.bytes is None else max(0, limits.bytes - billable),
        limits=limits, until=grant.valid_until,
    )  # fmt: skip


def _union(parts: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def wait_seconds(attempts: int) -> int:
    """How long to wait after that many failures: doubling, at most LONGEST_RETRY_S."""
    return min(LONGEST_RETRY_S, FIRST_RETRY_S << min(max(attempts - 1, 0), 10))


@predicate("delivery.round_left")
def round_left(view: CaseView) -> bool:
    return bool(view.facts["round"] <= view.rules.value("delivery.redelivery_rounds").number)


@guard("delivery.silence_accepts")
def silence_accepts(view: CaseView) -> Verdict:
    """The venue's own choice (rule delivery.silence_accepts): without it the end of the window decides nothing."""
    rule = view.rules.value("delivery.silence_accepts")
    if rule.value is True:
        return OK
    return No(Text("本场所规则未规定逾期视为验收合格", "this venue's rules let silence decide nothing"), rule.article)


__all__ = [
    "ROWS", "STATE_AFTER", "ReceiptData", "Usage", "limits_of", "purposes_of",
    "read_receipt", "receipt_fault", "usage_of", "wait_seconds",
]  # fmt: skip
