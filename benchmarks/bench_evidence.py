"""The evidence log: facts sequenced a second from written journal rows, and offline verification of one document.

The first figure writes its journal beforehand (transactions of 20 facts, as moves write them), then times positions,
reading, hashing, tiles, fsync, signature and checkpoint, until every fact is under a published checkpoint. It runs in
a database and home of its own. The second seals a credential in the log so made and verifies it with keys alone.
Prints one JSON line a figure.
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

GOAL_FACTS = 20_000
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
        cursor.execute("TRUNCATE evidence_logstate, evidence_checkpoint, kernel_position, kernel_sequencerstate")
        cursor.execute("CHECKPOINT")
    shutil.rmtree(tile_files.root())


def sequence(facts: int) -> float:
    """Seconds until all are under a published checkpoint."""
    from shugu.evidence import services

    began = time.perf_counter()
    done = services.sequence_once(NOW)
    while done.size < facts:
        done = services.sequence_once(NOW)
    return time.perf_counter() - began


def verify(runs: int) -> list[float]:
    """Milliseconds of each offline verification of a document sealed in the log of the last run."""
    from django.db import transaction

    from shugu.evidence import queries, services
    from shugu.formats.verdicts import Verdict
    from shugu.formats.verify import verify_document
    from shugu.kernel import documents, journal, signer
    from shugu.kernel.cases import Actor, ActorKind

    credential = signer.sign_document(
        "DataTransactionVoucher", number="V-1", subject={"fen": 4_200, "contract": "C-1"}, now=NOW
    )
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


def figure(name: str, runs: list[float], unit: str, goal: float, higher: bool) -> str:
    line = {
        "name": name, "median": round(statistics.median(runs), 3), "unit": unit, "goal": goal,
        "higher_is_better": higher, "runs": [round(run, 3) for run in runs], "peer": None,
    }  # fmt: skip
    return json.dumps(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=200_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shugu-bench-") as home:
        os.environ["SHUGU_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shugu.settings")
        prepare()
        write_journal(given.facts)
        rates = []
        for _ in range(RUNS):
            start_over()
            rates.append(given.facts / sequence(given.facts))
        from shugu.evidence.log_audit import audit_log

        broken = list(audit_log())
        assert not broken, broken[:3]
        print(figure("evidence.sequence", rates, "facts/s", GOAL_FACTS, higher=True))
        verify(3)
        print(figure("evidence.verify_offline", verify(21), "ms", GOAL_MS, higher=False))
        sys.stdout.flush()
        from django.db import connection

        connection.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
