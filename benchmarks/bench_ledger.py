"""The ledger on PostgreSQL with fsync on: postings a second one by one and in batches, each with its fact, from two
threads on separate connections that share one hot account. One JSON object a line.

    python benchmarks/bench_ledger.py [--seconds 5] [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
THREADS = 2
BATCH = 500


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shugu-bench-", dir="/tmp") as folder:
        os.environ["SHUGU_HOME"] = os.environ.get("SHUGU_BENCH_HOME", folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shugu.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
        measure(options.seconds, options.runs)
    return 0


def measure(seconds: float, runs: int) -> None:
    from django.db import connection

    from shugu.kernel import clock, runtime
    from shugu.party.models import Organisation
    from shugu.settlement import ledger
    from shugu.settlement.audit import audit
    from shugu.settlement.models import Posting

    now, mark = clock.now(), time.time_ns()
    runtime.rules()
    bank = ledger.account("bank", None, now)
    clients = []
    for place in range(20):
        org = Organisation.objects.create(
            number=f"BENCH-{mark}-{place}", uscc=f"{(mark + place) % 10**18:018d}", name="单位", kind="enterprise",
            registered_at=now,
        )  # fmt: skip
        clients.append(ledger.account("client", org.pk, now))
    for name, size, goal in (("ledger.single", 1, 1_000), ("ledger.batched", BATCH, 10_000)):
        figures = [_rate(bank, clients, size, seconds, f"{mark}-{name}-{turn}") for turn in range(runs)]
        found = {
            "name": name, "median": round(statistics.median(figures)), "unit": "postings/s", "goal": goal,
            "higher_is_better": True, "runs": [round(f) for f in figures], "peer": None,
        }  # fmt: skip
        print(json.dumps(found, ensure_ascii=False), flush=True)
    assert Posting.objects.exists() and audit() == []
    connection.close()


def _rate(bank: int, clients: list[int], size: int, seconds: float, label: str) -> float:
    from django.db import connection

    from shugu.kernel import clock
    from shugu.kernel.cases import mandate
    from shugu.kernel.workdays import local_day
    from shugu.settlement import ledger
    from shugu.settlement.domain import Arrow

    actor, now = mandate("settlement", "bench"), clock.now()
    link = ledger.Link(local_day(now))
    done = [0] * THREADS
    start = threading.Barrier(THREADS)

    def work(me: int) -> None:
        turn = 0
        start.wait()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            first = f"{label}-{me}-{turn}"
            arrows = [Arrow(f"{first}-{n}", bank, clients[(turn + n) % len(clients)], 1 + n) for n in range(size)]
            ledger.draw(first, arrows, link=link, actor=actor, now=now)
            turn += 1
            done[me] += size
        connection.close()

    threads = [threading.Thread(target=work, args=(me,)) for me in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


if __name__ == "__main__":
    raise SystemExit(main())
