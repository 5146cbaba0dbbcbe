"""The sequencer killed or frozen at chosen steps of its batches, thousands of times, in processes made by fork.

One process with Django loaded writes facts; each batch is tried by a child that counts the steps it is told of and at a
chosen one kills itself (SIGKILL) or stops itself (SIGSTOP). When a child stopped, a second one ends its session and
goes on; then the first is thawed and must change nothing. `python -m tests.campaign.parts faults <seed> <runs>`.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
_STEPS = 26  # the farthest step that is drawn; a batch that ends before it is one without a fault
_AUDIT_EVERY = 100
_PATIENCE = 20.0


def faults(seed: int, runs: int) -> dict[str, Any]:
    """What happened, by kind, and every problem found. The same seed draws the same faults."""
    import django

    django.setup()
    from django.db import connection

    dice, seen, problems, public = random.Random(seed), Counter[str](), list[str](), b""
    for run in range(runs):
        _write(dice.choice((1, 3, 30, 300)))
        connection.close()  # a session is no child's to inherit
        kind, step = dice.choice((signal.SIGKILL, signal.SIGSTOP)), dice.randrange(_STEPS)
        seen[_one(kind, step)] += 1
        public = _look(public, f"seed {seed}, run {run}, {kind.name} at step {step}", problems)
        if run % _AUDIT_EVERY == _AUDIT_EVERY - 1 or run == runs - 1:
            problems += _audit(f"seed {seed}, after run {run}")
        if problems:
            break
    return {"seed": seed, "runs": runs, "seen": dict(seen), "problems": problems}


def _write(count: int) -> None:
    from django.db import transaction

    from shugu.kernel import journal
    from shugu.kernel.cases import mandate

    with transaction.atomic():
        for n in range(count):
            journal.record("thing.done", subject=f"thing:{n}", actor=mandate("venue", "init"), now=NOW, data={"n": n})


def _one(kind: signal.Signals, step: int) -> str:
    """One batch and its fault: what became of it."""
    child = _fork(kind, step)
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSIGNALED(status):
        return "killed"
    if not os.WIFSTOPPED(status):
        return "finished before the fault" if os.WEXITSTATUS(status) == 0 else "ended by an error"
    successor = _fork(None, -1)
    _, ended = os.waitpid(successor, 0)
    os.kill(child, signal.SIGCONT)
    _, status = os.waitpid(child, 0)
    if ended != 0:
        return "a successor that failed"
    return "thawed, refused" if os.WEXITSTATUS(status) == 3 else f"thawed, ended with {os.WEXITSTATUS(status)}"


def _fork(kind: signal.Signals | None, step: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = _batch(kind, step)
    finally:
        if code == 1:
            traceback.print_exc()
        os._exit(code)  # never back into the parent's stack


def _batch(kind: signal.Signals | None, step: int) -> int:
    """In the child: 0 when all facts are in the log, 3 when another writer took over."""
    from django.db import DatabaseError

    from shugu.evidence import fencing, services, tile_files
    from shugu.evidence.errors import WriterSuperseded
    from shugu.evidence.models import LogState
    from shugu.kernel.models import Fact

    left = step

    def reached(_: str) -> None:
        nonlocal left
        if left == 0 and kind is not None:
            os.kill(os.getpid(), kind)
        left -= 1

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            done = services.sequence_once(NOW, reached=reached)
        except (DatabaseError, WriterSuperseded):
            return 3
        if kind is None:
            fencing.unseat(0)
        current = LogState.objects.get(pk=1)
        if done.size == Fact.objects.count() and tile_files.published() == bytes(current.checkpoint):
            return 0
    return 2


def _look(before: bytes, where: str, problems: list[str]) -> bytes:
    """The public checkpoint never goes back, and is one that the database has on record."""
    from shugu.evidence import tile_files
    from shugu.evidence.models import Checkpoint
    from shugu.formats import checkpoint
    from shugu.kernel import signer

    out = tile_files.published()
    if out is None:
        return before
    head = checkpoint.verify_strict(out, signer.keyring())
    if before and head.size < checkpoint.parse(before).size:
        problems.append(f"{where}: the public checkpoint went back to {head.size}")
    if head.size and not Checkpoint.objects.filter(size=head.size, note=out).exists():
        problems.append(f"{where}: the public checkpoint of {head.size} is not on record")
    return out


def _audit(where: str) -> list[str]:
    """Everything sequenced, then the whole log read again from the journal."""
    from shugu.evidence import services
    from shugu.evidence.log_audit import audit_log
    from shugu.kernel.models import Fact

    size = services.sequence_once(NOW).size
    lost = [] if size == Fact.objects.count() else [f"{where}: {size} in the log, {Fact.objects.count()} facts"]
    return lost + [f"{where}: {v.check} {v.subject}: {v.what[1]}" for v in audit_log()]
