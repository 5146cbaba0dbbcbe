"""The evidence log: facts sequenced a second from written journal rows, and offline verification of one document.

The first figure writes its journal beforehand (transactions of 20 facts, as moves write them), then times positions,
reading, hashing, tiles, fsync, signature and checkpoint, until every fact is under a published checkpoint, and says what
each cost. It runs in a database and home of its own. Beside it, where `go` is there, Tessera's POSIX driver takes as
many entries of the same size on the same disk (peers/tessera). The second seals a credential in the log so made and
verifies it with keys alone. Prints one JSON line a figure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.peers import tessera

GOAL_FACTS = 50_000
GOAL_MS = 50
RUNS = 3
PER_TRANSACTION = 20
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)


def write_journal(facts: int) -> None:
    """Rows as `journal.record` writes them, in transactions of their own, loaded by COPY."""
    from django.db import connection

    from shugu.kernel import journal
    from shugu.kernel.cases import Actor, ActorKind

    actor = Actor(ActorKind.PERSON, person=1, org=1)
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    with raw.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for first in range(0, facts, PER_TRANSACTION):
            cursor.execute("BEGIN")
            with cursor.copy(f"COPY kernel_fact ({journal.COLUMNS}) FROM STDIN") as copy:
                for n in range(first, min(first + PER_TRANSACTION, facts)):
                    fact = journal.build(
                        "entry.registered", subject=f"registry.entry:{n}", actor=actor, now=NOW,
                        data={"entry": n, "number": f"HZ-{n:08d}", "fen": n * 100},
                    )  # fmt: skip
                    copy.write_row(journal.values(fact))
            cursor.execute("COMMIT")
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("VACUUM ANALYZE kernel_fact")


def start_over() -> None:
    from django.db import connection

    from shugu.evidence import tile_files

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE evidence_logstate, evidence_checkpoint, evidence_published, kernel_position, kernel_sequencerstate"
        )
        cursor.execute("CHECKPOINT")
    shutil.rmtree(tile_files.root())


# What ends at each step that the sequencer tells of; steps not named here belong to the next one that is.
PARTS = {
    "term begun": "term", "positions assigned": "positions", "commitments read": "reading", "files synced": "files and fsync",
    "folders synced": "naming", "checkpoint signed": "signing", "state committed": "state", "checkpoint out": "publishing",
    "pruned": "pruning",
}  # fmt: skip


class Watch:
    """Seconds by part, told by the sequencer's own steps; hashing is what lies between reading and the first file."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self.last = time.perf_counter()

    def reached(self, step: str) -> None:
        part = "hashing" if step.startswith("written ") and self.reading else PARTS.get(step)
        self.reading = step == "commitments read"
        if part is None:
            return
        now = time.perf_counter()
        self.parts[part] = self.parts.get(part, 0.0) + now - self.last
        self.last = now

    reading = False


def sequence(facts: int, watch: Watch) -> float:
    """Seconds until all are under a published checkpoint."""
    from shugu.evidence import services

    began = watch.last = time.perf_counter()
    size = 0
    while size < facts:
        size = services.sequence_once(NOW, reached=watch.reached).size
    return time.perf_counter() - began


def verify(runs: int) -> list[float]:
    """Milliseconds of each offline verification of a document sealed in the log of the last run."""
    from django.db import transaction

    from shugu.evidence import queries, services
    from shugu.formats.verdicts import Verdict
    from shugu.formats.verify import verify_document
    from shugu.kernel import documents, journal, signer, status
    from shugu.kernel.cases import Actor, ActorKind
    from shugu.trade.standing import VOUCHER

    credential = signer.sign_document(
        "DataTransactionVoucher", number="V-1", subject={"fen": 4_200, "contract": "C-1"}, now=NOW,
        status=status.allot(VOUCHER),
    )  # fmt: skip
    content = signer.document_bytes(credential)
    digest = documents.put(content)
    with transaction.atomic():
        journal.record(
            "voucher.issued", subject="trade.voucher:1", actor=Actor(ActorKind.PERSON, person=1), now=NOW,
            data={"number": "V-1"}, digests={"voucher": digest},
        )  # fmt: skip
    services.sequence_once(NOW)
    sealed, keys = queries.sealed(digest), signer.keyring().text()
    out = []
    for _ in range(runs):
        began = time.perf_counter()
        report = verify_document(sealed, keys, NOW)
        out.append((time.perf_counter() - began) * 1000)
        assert report.verdict is Verdict.SEALED, report.text("en")
    assert hashlib.sha256(content).hexdigest() == digest
    return out


def figure(
    name: str, runs: list[float], unit: str, goal: float, higher: bool, peer: dict[str, object] | None = None
) -> str:
    line = {
        "name": name, "median": round(statistics.median(runs), 3), "unit": unit, "goal": goal,
        "higher_is_better": higher, "runs": [round(run, 3) for run in runs], "peer": peer,
    }  # fmt: skip
    return json.dumps(line)


def tell(parts: dict[str, float], facts: int) -> None:
    """What a fact cost in the median run, in microseconds."""
    print("µs a fact: " + ", ".join(f"{part} {seconds / facts * 1e6:.2f}" for part, seconds in parts.items()))
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=200_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shugu-bench-") as home:
        os.environ["SHUGU_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shugu.settings")
        prepare()
        write_journal(given.facts)
        rates, watches = [], []
        for _ in range(RUNS):
            start_over()
            watches.append(Watch())
            rates.append(given.facts / sequence(given.facts, watches[-1]))
        from shugu.evidence.log_audit import audit_log

        broken = list(audit_log())
        assert not broken, broken[:3]
        tell(watches[rates.index(statistics.median(rates))].parts, given.facts)
        beside = tessera.run(given.facts, Path(home))
        peer = {"name": tessera.NAME, "median": round(beside["entries_per_second"])} if beside else None
        print(figure("evidence.sequence", rates, "facts/s", GOAL_FACTS, higher=True, peer=peer))
        verify(3)
        print(figure("evidence.verify_offline", verify(21), "ms", GOAL_MS, higher=False))
        sys.stdout.flush()
        from django.db import connection

        connection.close()


if __name__ == "__main__":
    main()
