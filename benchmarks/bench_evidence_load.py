"""Facts a second from concurrent business transactions, and how soon each is provable under that load.

Two processes write, each with threads that have sessions of their own, as a venue's web server does. Each transaction is
a whole command with an idempotency key: a person registered (row, fact, key in one commit, fsync on); every tenth is
asked twice and must give the same row. The sequencer runs in a third process, as in the worker. Every twentieth fact is
watched from its commit until the published checkpoint proves it (queries.proof). At the end the audit reads the whole log
and the facts are counted against the commands. The peer is Tessera's POSIX driver at the rate of the goal: from Add until
a published checkpoint covers the entry.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.peers import tessera
from benchmarks.scratch import scratch_home

GOAL_FACTS = 400
GOAL_P99_MS = 1000
PROCESSES = 2
WRITERS = 6
RUNS = 3
WATCHED = 20
TWICE = 10


class Load:
    """One process of the load: its writers, and a watcher of what they left."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stop = threading.Event()
        self.written = [0] * WRITERS
        self.waiting: list[tuple[int, float]] = []
        self.provable: list[float] = []
        self.errors: list[str] = []

    def write(self, number: int) -> None:
        from shugu.kernel import clock
        from shugu.kernel.cases import mandate
        from shugu.kernel.models import Fact
        from shugu.party import services

        actor, n = mandate("venue", "init"), 0
        while not self.stop.is_set():
            login = f"{self.name}w{number}x{n}"
            command = services.RegisterPerson(login, f"人员{login}")
            person = services.register_person(command, actor=actor, now=clock.now(), key=f"bench-{login}")
            committed = time.perf_counter()
            self.written[number] += 1
            if n % TWICE == 0:
                again = services.register_person(command, actor=actor, now=clock.now(), key=f"bench-{login}")
                assert again.pk == person.pk, "the same key gave another row"
            if n % WATCHED == 0:
                fact = Fact.objects.filter(subject=f"party.person:{person.pk}").values_list("id", flat=True).get()
                self.waiting.append((fact, committed))
            n += 1

    def watch(self) -> None:
        from shugu.evidence import queries

        while not self.stop.is_set() or self.waiting:
            for item in list(self.waiting):
                if queries.proof(item[0]) is not None:
                    self.provable.append((time.perf_counter() - item[1]) * 1000)
                    self.waiting.remove(item)
            time.sleep(0.01)

    def thread(self, part: Callable[..., None], *given: int) -> threading.Thread:
        def guarded() -> None:
            from django.db import Error, connection

            try:
                part(*given)
            except (Error, AssertionError, OSError) as error:
                self.errors.append(repr(error))
                self.stop.set()
                self.waiting.clear()
            finally:
                connection.close()

        started = threading.Thread(target=guarded)
        started.start()
        return started

    def go(self, seconds: float) -> dict[str, Any]:
        began = time.perf_counter()
        writers = [self.thread(self.write, n) for n in range(WRITERS)]
        watcher = self.thread(self.watch)
        self.stop.wait(seconds)
        self.stop.set()
        for thread in writers:
            thread.join()
        took = time.perf_counter() - began
        watcher.join()
        assert not self.errors, self.errors
        return {"commands": sum(self.written), "seconds": took, "provable": self.provable}


def load_alone(name: str, seconds: float) -> None:
    """What a process of the load runs: prints its figures."""
    import django

    django.setup()
    print(json.dumps(Load(name).go(seconds)))


def load(run: int, seconds: float) -> list[dict[str, Any]]:
    """The processes' figures, the sequencer beside them until all they watched is proved."""
    from django.db import connection

    from shugu.evidence import services

    rest = threading.Event()

    def sequence() -> None:
        services.run(rest)
        connection.close()

    sequencer = threading.Thread(target=sequence)
    sequencer.start()
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, "--name", f"r{run}p{n}", "--seconds", str(seconds)],
            stdout=subprocess.PIPE, text=True,
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    told = [child.communicate()[0] for child in children]
    rest.set()
    sequencer.join()
    assert all(child.returncode == 0 for child in children), "a process of the load failed"
    return [json.loads(out.splitlines()[-1]) for out in told]


def examine(commands: int, before: int) -> None:
    """Nothing doubled, nothing lost, and the log holds it all."""
    from shugu.evidence import services
    from shugu.evidence.log_audit import audit_log
    from shugu.evidence.models import LogState
    from shugu.kernel import clock
    from shugu.kernel.models import CommandKey, Fact

    while services.sequence_once(clock.now()).size < Fact.objects.count():
        pass
    assert CommandKey.objects.filter(key__startswith="bench-").count() == commands
    assert Fact.objects.count() - before == commands
    assert LogState.objects.get(pk=1).size == Fact.objects.count()
    broken = list(audit_log())
    assert not broken, broken[:3]


def figure(name: str, runs: list[float], unit: str, goal: float, higher: bool, peer: dict[str, object] | None) -> None:
    line = {
        "name": name, "median": round(statistics.median(runs), 1), "unit": unit, "goal": goal, "higher_is_better": higher,
        "runs": [round(run, 1) for run in runs], "peer": peer,
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--name", default="", help="of a process of the load")
    given = parser.parse_args()
    if given.name:
        load_alone(given.name, given.seconds)
        return
    with scratch_home() as home:
        from django.db import connection

        from shugu.kernel.models import Fact

        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
            assert cursor.fetchone() == ("on", "on")
        before, rates, slow, commands = Fact.objects.count(), [], [], 0
        for run in range(RUNS):
            found = load(run, given.seconds)
            rates.append(sum(part["commands"] / part["seconds"] for part in found))
            commands += sum(part["commands"] for part in found)
            waits = sorted(wait for part in found for wait in part["provable"])
            slow.append(waits[int(0.99 * (len(waits) - 1))])
            print(f"{rates[-1]:.0f} facts/s; provable after {statistics.median(waits):.0f} ms (median of {len(waits)})")
        examine(commands, before)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        beside = tessera.run(1_000, home, rate=GOAL_FACTS)
        latency = {"name": tessera.NAME, "median": round(beside["integrated_p99_ms"])} if beside else None
        figure("evidence.business_facts", rates, "facts/s", GOAL_FACTS, True, None)
        figure("evidence.provable_p99", slow, "ms", GOAL_P99_MS, False, latency)


if __name__ == "__main__":
    main()
