"""Commands through the engine: concurrent one-move commands with durability on, and set-wise moves.

The table is the engine's own test table, so the figure is the kernel's: read, decide, compare-and-swap with fact, clocks
and party row, commit. Prints one JSON line a figure.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.scratch import scratch_home

CASES = 1200
BULK = 10_000
PROCESSES, THREADS = 2, 6
RUNS = 3


def install_tables() -> None:
    from shugu.kernel import tables
    from shugu.kernel.tests import bench_table
    from shugu.kernel.vocabulary import VOCABULARY

    words = bench_table.words()
    for shelf in ("guards", "predicates", "effects", "contexts", "openers"):
        getattr(VOCABULARY, shelf).update(getattr(words, shelf))
    found = tables.all_tables()
    for table in (bench_table.table(), bench_table.objection()):
        found[table.id] = {1: table}


def open_cases(count: int) -> list[int]:
    from datetime import UTC, datetime

    from django.db import transaction

    from shugu.kernel import engine
    from shugu.kernel.cases import Actor, ActorKind, PartyView
    from shugu.kernel.models import Material

    now = datetime(2026, 3, 2, 2, tzinfo=UTC)
    alice = Actor(ActorKind.PERSON, person=1, org=10)
    applicant = PartyView("applicant", None, 10)
    paper = {"material": "source", "filename": "a", "media_type": "application/pdf", "size": 1, "digest": "0" * 64}
    with transaction.atomic():
        cases = [
            engine.open_case("kernel_test.filing", actor=alice, now=now, title="bench", parties=[applicant])
            for _ in range(count)
        ]
        Material.objects.bulk_create(Material(case_id=c, filed_at=now, **paper) for c in cases)
    return cases


def accept_all(cases: list[int], ready: object, go: object) -> None:
    """One process: its threads accept their share of the cases, one command each."""
    import django

    django.setup()
    install_tables()
    from datetime import UTC, datetime

    from django.db import connections

    from shugu.kernel import engine, runtime
    from shugu.kernel.cases import Actor, ActorKind, Command

    now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    rita = Actor(ActorKind.PERSON, person=3, org=90, seats=frozenset({"registrar"}))

    def work(mine: list[int]) -> None:
        for case in mine:
            engine.act(case, Command("accept"), actor=rita, now=now)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(cases[i::THREADS],)) for i in range(THREADS)]
    runtime.rules()
    ready.release()  # type: ignore[attr-defined]
    go.wait()  # type: ignore[attr-defined]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def move_all(cases: list[int], ready: object, go: object) -> None:
    """One process: its share of the cases in one set-wise move."""
    import django

    django.setup()
    install_tables()
    from datetime import UTC, datetime

    from shugu.kernel import runtime
    from shugu.kernel.bulk import move_many
    from shugu.kernel.cases import Actor, ActorKind, Command

    now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    rita = Actor(ActorKind.PERSON, person=3, org=90, seats=frozenset({"registrar"}))
    runtime.rules()
    ready.release()  # type: ignore[attr-defined]
    go.wait()  # type: ignore[attr-defined]
    assert len(move_many(cases, Command("accept"), actor=rita, now=now).moved) == len(cases)


def rates(share: Callable[..., None], count: int) -> list[float]:
    """`count` cases a run, shared by two processes (one a core) that start together."""
    spawn = multiprocessing.get_context("spawn")
    found = []
    for _ in range(RUNS):
        cases = open_cases(count)
        ready, go = spawn.Semaphore(0), spawn.Event()
        workers = [spawn.Process(target=share, args=(cases[i::PROCESSES], ready, go)) for i in range(PROCESSES)]
        for worker in workers:
            worker.start()
        for _ in workers:
            ready.acquire()
        started = time.perf_counter()
        go.set()
        for worker in workers:
            worker.join()
        found.append(count / (time.perf_counter() - started))
        assert all(w.exitcode == 0 for w in workers)
    return found


def main() -> None:
    with scratch_home():
        install_tables()
        for name, unit, goal, runs in (
            ("concurrent one-move commands", "commands/s", 300, rates(accept_all, CASES)),
            ("moves by move_many, two callers", "moves/s", 5000, rates(move_all, BULK)),
        ):
            print(
                json.dumps(
                    {
                        "name": name, "median": round(statistics.median(runs), 1), "unit": unit, "goal": goal,
                        "higher_is_better": True, "runs": [round(r, 1) for r in runs], "peer": None,
                    }
                ),
                flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
