"""The audit of the status lists: every bit recomputed from the books of its owner, and the chain of every list."""

from __future__ import annotations

from collections.abc import Iterator

from shugu.formats.status import Flag
from shugu.kernel import clock, credentials, status, status_lists
from shugu.kernel.audits import Violation
from shugu.kernel.workdays import local_day

CHECK = "kernel.status"


def audit_status() -> Iterator[Violation]:
    """Each seat says what its owner's books say today, no seat says what no book does, and the published lists follow
    one another and say what is set."""
    today, said = local_day(clock.now()), dict(status.all_flags())
    for kind in credentials.kinds():
        known = dict(kind.by_the_books(today))
        # What the calendar itself changes is said once the worker has followed it to today.
        followed = status.day_of(kind.app)
        then = dict(kind.by_the_books(followed)) if followed is not None and followed < today else known
        for seat, expected in known.items():
            found = said.pop(seat, Flag(0))
            if found not in (expected, then.get(seat, Flag(0))):
                yield Violation(CHECK, f"seat:{seat} {kind.name}", _differs(found, expected))
    for seat, found in said.items():
        yield Violation(CHECK, f"seat:{seat}", _differs(found, Flag(0)))
    for where, what in status_lists.chain_faults():
        yield Violation(CHECK, f"list:{where}", what)


def _differs(found: Flag, expected: Flag) -> tuple[str, str]:
    said, due = (", ".join(credentials.may_happen(f)) or "-" for f in (found, expected))
    return (f"状态位为 {said}，账簿为 {due}", f"its bits say {said}, the books say {due}")
