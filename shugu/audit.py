"""audit_everything: every promise of the venue checked against the live database and files, from scratch.

The kernel's own checks stand here; each app registers its own (shugu.kernel.audits). Nothing is mended: a violation is
named precisely and the exit code is 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TextIO

from django.db import DataError, connection, transaction

from shugu.formats.canonical import parse_object
from shugu.formats.checks import Outcome
from shugu.formats.credential import verify_credential
from shugu.formats.errors import FormatError, ShuguError
from shugu.formats.keyhistory import KeyPeriods
from shugu.formats.suites import Keyring
from shugu.kernel import clock, runtime, signer, subscriptions, tables
from shugu.kernel.audits import Audit, Violation, audits, cosigners
from shugu.kernel.journal import SALT_BYTES
from shugu.kernel.models import RuleSetCopy
from shugu.kernel.procedure import ProcedureError
from shugu.kernel.rules import RuleSet
from shugu.kernel.workdays import end_of_day

_BATCH: Final = 20_000
Progress = Callable[[str, int], None]


def _quiet(check: str, found: int) -> None:
    """Called after each check with the number of its violations."""


def audit_everything(progress: Progress = _quiet) -> list[Violation]:
    """Runs every check, the kernel's and those that apps registered, in name order; all violations, none mended."""
    found: list[Violation] = []
    for name, audit in sorted({**KERNEL, **audits()}.items()):
        here = run_check(name, audit)
        progress(name, len(here))
        found += here
    return found


def run_check(name: str, audit: Audit) -> list[Violation]:
    """One check's violations. Content of the journal that is no JSON any more stops whoever reads it, not the audit."""
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return list(audit())
    except (DataError, json.JSONDecodeError):
        what = (
            "账本中有内容已无法读取，此项未能查完；kernel.commitments 指明是哪条事实",
            "the journal holds content that cannot be read, so this check did not end; kernel.commitments names the fact",
        )
        return [Violation(name, "journal", what)]


def report(violations: Iterable[Violation], out: TextIO, lang: str = "zh", checks: int | None = None) -> int:
    """Prints one line a violation and a closing line; the exit code: 0 without a violation, else 1."""
    side = 0 if lang == "zh" else 1
    count = 0
    for violation in violations:
        count += 1
        out.write(f"✗ {violation.check}  {violation.subject}  {violation.what[side]}\n")
    ran = len(KERNEL) + len(audits()) if checks is None else checks
    if count:
        out.write(f"审计发现 {count} 处不一致。\n" if side == 0 else f"The audit found {count} violations.\n")
        return 1
    out.write(f"✓ 审计通过：{ran} 项检查，没有不一致。\n" if side == 0 else f"✓ Audit passed: {ran} checks, no violation.\n")
    return 0


def main(out: TextIO, lang: str = "zh") -> int:
    """`shugu audit`."""

    def tell(check: str, found: int) -> None:
        out.write(f"{'✗' if found else '✓'} {check}\n")

    return report(audit_everything(tell), out, lang)


def _pages(sql: str, width: int = _BATCH) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of `sql`, whose first column is the key and which ends in "> %s ORDER BY … LIMIT %s", page by page."""
    after = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [after, width])
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


_FACTS = (
    "SELECT id, name, subject, case_id, person, org, recorded_at, effective_on, payload, salt, digest, digest_sm3 "
    "FROM kernel_fact WHERE id > %s ORDER BY id LIMIT %s"
)


def audit_commitments() -> Iterator[Violation]:
    """Payload and salt of every fact give its commitments, its columns say what its payload says, and what was erased
    was erased by a decision that a fact tells of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::jsonb -> 'data' ->> 'fact' FROM kernel_fact WHERE name = 'fact.erased'")
        erased = {row[0] for row in cursor.fetchall()}
    for rows in _pages(_FACTS):
        for row in rows:
            zh_en = _commitment(row, erased)
            if zh_en is not None:
                yield Violation("kernel.commitments", f"fact:{row[0]} {row[1]}", zh_en)


def _commitment(row: tuple[Any, ...], erased: set[str]) -> tuple[str, str] | None:
    payload, salt, digest, digest_sm3 = row[8:]
    if payload is None and salt is None:
        if str(row[0]) not in erased:
            return ("内容已删，却没有删除的事实", "its content is gone, but no fact tells of an erasure")
        return None  # erased as law demands; the commitment stays
    if payload is None or salt is None:
        return ("内容与盐只删了一半", "only one of payload and salt was erased")
    if len(salt) != SALT_BYTES:
        return ("盐不是 32 字节", "its salt has not 32 bytes")
    committed = bytes(salt) + payload.encode()
    if hashlib.sha256(committed).digest() != bytes(digest):
        return ("内容与 SHA-256 承诺不符", "the payload does not give the SHA-256 commitment")
    if digest_sm3 is not None and hashlib.new("sm3", committed).digest() != bytes(digest_sm3):
        return ("内容与 SM3 承诺不符", "the payload does not give the SM3 commitment")
    told = json.loads(payload)
    actor = told.get("actor", {})
    moment = datetime.fromisoformat(told["recorded_at"])
    columns = (*row[1:6], row[6], row[7].isoformat())
    content = (
        told.get("fact"), told.get("subject"), told.get("case"), actor.get("person"), actor.get("org"), moment,
        told.get("effective_on"),
    )  # fmt: skip
    if columns != content:
        return ("行的栏目与内容不符", "the row's columns are not what its payload says")
    return None


_CASES = "SELECT id, number, procedure, version, state, revision FROM kernel_case WHERE id > %s ORDER BY id LIMIT %s"
_MOVES = (
    "SELECT case_id, id, payload IS NULL, payload::jsonb -> 'move' FROM kernel_fact "
    "WHERE case_id BETWEEN %s AND %s AND (payload IS NULL OR payload::jsonb ? 'move') ORDER BY case_id, id"
)


@dataclass
class _Replay:
    """A case as its facts tell it. After an erased fact the state is unknown until the next move says where from."""

    state: str | None = None
    moves: int = 0
    erased: int = 0
    opened: bool = False
    break_at: int | None = None

    def take(self, fact: int, erased: bool, move: Mapping[str, Any] | None) -> None:
        if erased or move is None:
            self.erased += 1
            self.state = None
            return
        if move.get("do") == "open" and "from" not in move:
            if self.opened:
                self.break_at = self.break_at or fact
            self.opened, self.state = True, move.get("to")
            return
        self.moves += 1
        if self.state not in (None, move.get("from")) or not (self.opened or self.erased):
            self.break_at = self.break_at or fact
        self.state = move.get("to", move.get("from"))


def audit_cases() -> Iterator[Violation]:
    """Every case stands where its facts lead, through an unbroken chain, one fact for each move and voice."""
    for rows in _pages(_CASES, 2_000):
        told: dict[int, _Replay] = {row[0]: _Replay() for row in rows}
        with connection.cursor() as cursor:
            cursor.execute(_MOVES, [rows[0][0], rows[-1][0]])
            for case, fact, erased, move in cursor.fetchall():
                if case in told:
                    told[case].take(fact, erased, json.loads(move) if isinstance(move, str) else move)
        for case, number, procedure, version, state, revision in rows:
            for what in _case_faults(told[case], procedure, version, state, revision):
                yield Violation("kernel.cases", f"case:{number}", what)


def _case_faults(seen: _Replay, procedure: str, version: int, state: str, revision: int) -> Iterator[tuple[str, str]]:
    try:
        tab = tables.table(procedure, version)
    except (ProcedureError, LookupError):
        yield (f"没有流程表 {procedure}.v{version}", f"there is no table {procedure}.v{version}")
        return
    if not seen.opened and not seen.erased:
        yield ("没有立案事实", "no fact opened it")
    if seen.break_at is not None:
        yield (f"事实 {seen.break_at} 接不上前一状态", f"fact {seen.break_at} does not start where the one before ended")
    if seen.state not in (None, state):
        yield (f"状态为 {state}，事实推出 {seen.state}", f"its state is {state}, its facts lead to {seen.state}")
    if state not in tab.state:
        yield (f"状态 {state} 不在流程表中", f"state {state} is not in its table")
    if not seen.moves <= revision <= seen.moves + seen.erased:
        yield (
            f"办理 {revision} 次，事实 {seen.moves} 条",
            f"{revision} moves and voices, but {seen.moves} facts of them",
        )


_DIGESTS = (
    "SELECT f.id, f.name, f.payload::jsonb -> 'digests', p.position FROM kernel_fact f "
    "LEFT JOIN kernel_position p ON p.fact_id = f.id "
    "WHERE f.payload LIKE '%%\"digests\":{%%' AND f.id > %s ORDER BY f.id LIMIT %s"
)


def audit_documents() -> Iterator[Violation]:
    """Every document kept here that a fact names is whole, and every credential of this venue among them verifies with
    the keys that were in force at the fact's place in the log; every filed material is still here."""
    periods, seen = signer.periods(), set[str]()
    for rows in _pages(_DIGESTS, 5_000):
        for fact, name, digests, place in rows:
            for kind, digest in (json.loads(digests) if isinstance(digests, str) else digests).items():
                if digest not in seen:
                    seen.add(digest)
                    for what in _document_faults(str(digest), periods, place):
                        yield Violation("kernel.documents", f"fact:{fact} {name} {kind}:{digest}", what)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT digest FROM kernel_material ORDER BY digest")
        filed = [row[0] for row in cursor.fetchall()]
    for digest in filed:
        if _content(digest) is None:
            yield Violation("kernel.documents", f"material:{digest}", ("已提交的材料缺失", "a filed material is gone"))


def _content(digest: str) -> bytes | None:
    path = runtime.home().path / "documents" / digest[:2] / digest
    return path.read_bytes() if len(digest) == 64 and path.is_file() else None


def _document_faults(digest: str, periods: KeyPeriods, place: int | None) -> Iterator[tuple[str, str]]:
    content = _content(digest)
    if content is None:
        return  # the digest of something kept elsewhere: a data file, a connector's receipt
    if hashlib.sha256(content).hexdigest() != digest:
        yield ("文件内容已改变", "the document's bytes have changed")
        return
    try:
        value = parse_object(content)
    except FormatError:
        return  # not a credential
    if value.get("issuer") != f"https://{signer.origin()}":
        return
    kinds = value.get("type")
    others = cosigners(kinds) if isinstance(kinds, list) else ()
    keys = Keyring(tuple(dict.fromkeys((*periods.for_entry(place).keys, *others))))
    for check in verify_credential(value, keys):
        if check.outcome is Outcome.FAILED:
            yield check.detail


def audit_rule_sets() -> Iterator[Violation]:
    """Every case's rule set has its copy, and the content of every copy has the hash in its id."""
    for copy in RuleSetCopy.objects.order_by("id"):
        try:
            if RuleSet.from_document(copy.content).id != copy.id:
                yield Violation("kernel.rule_sets", copy.id, ("副本属于另一规则集", "the copy is of another rule set"))
        except ShuguError as error:
            yield Violation("kernel.rule_sets", copy.id, (error.message("zh"), error.message("en")))
        except (KeyError, TypeError, ValueError) as error:
            yield Violation("kernel.rule_sets", copy.id, (f"副本无法读取：{error}", f"the copy cannot be read: {error}"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT rule_set FROM kernel_case c "
            "WHERE NOT EXISTS (SELECT 1 FROM kernel_rulesetcopy r WHERE r.id = c.rule_set)"
        )
        for (missing,) in cursor.fetchall():
            yield Violation("kernel.rule_sets", missing, ("办件所依规则集没有副本", "cases run under it, but no copy is kept"))


def audit_subscribers() -> Iterator[Violation]:
    """No subscriber has stopped at a fact."""
    for cursor in subscriptions.stuck():
        what = (f"停在位置 {cursor.position}：{cursor.last_error}", f"stopped at {cursor.position}: {cursor.last_error}")
        yield Violation("kernel.subscribers", cursor.subscriber, what)


_CLOCKS = (
    "SELECT k.id, c.number, c.procedure, c.version, c.closed_at IS NOT NULL, k.clock, k.kind, k.status, k.due_on, k.due_at, "
    "k.paused_on FROM kernel_clock k JOIN kernel_case c ON c.id = k.case_id WHERE k.id > %s ORDER BY k.id LIMIT %s"
)
_STATUSES = frozenset({"running", "paused", "overdue", "met", "late", "stopped", "fired"})


def audit_clocks() -> Iterator[Violation]:
    """Clocks are those of their tables, end with their day, stop with their case, pause on a day, and no fact is from
    the future."""
    for rows in _pages(_CLOCKS):
        for row in rows:
            for what in _clock_faults(row[2:]):
                yield Violation("kernel.clocks", f"case:{row[1]} {row[5]}#{row[0]}", what)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name FROM kernel_fact WHERE recorded_at > %s + interval '1 minute' ORDER BY id LIMIT 100",
            [max(clock.now(), clock.wall())],
        )
        for fact, name in cursor.fetchall():
            yield Violation("kernel.clocks", f"fact:{fact} {name}", ("记录时间在将来", "it was recorded in the future"))


def _clock_faults(row: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    procedure, version, closed, name, kind, status, due_on, due_at, paused_on = row
    try:
        known = {c.id: c for c in tables.table(procedure, version).clocks}
    except (ProcedureError, LookupError):
        return  # the case check names it
    if name not in known or known[name].kind != kind:
        yield ("流程表中没有这个时限", "its table has no such clock")
    if status not in _STATUSES:
        yield (f"未知状态 {status}", f"unknown status {status}")
    if closed and status in ("running", "paused"):
        yield ("办件已结，时限仍在走", "its case is closed, yet it runs")
    if (status == "paused") != (paused_on is not None):
        yield ("暂停状态与暂停日不符", "status and day of pause disagree")
    if due_at != end_of_day(due_on):
        yield ("届满时刻不是届满日之末", "it does not end with its last day")


KERNEL: Final[Mapping[str, Audit]] = {
    "kernel.cases": audit_cases,
    "kernel.clocks": audit_clocks,
    "kernel.commitments": audit_commitments,
    "kernel.documents": audit_documents,
    "kernel.rule_sets": audit_rule_sets,
    "kernel.subscribers": audit_subscribers,
}

__all__ = ["KERNEL", "audit_everything", "main", "report"]
