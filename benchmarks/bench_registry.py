"""The register: a bulk import walked to its certificates, and search and verification with a million entries.

    bench_registry.py [--only bulk|book] [--rows 10000] [--entries 1000000]

Bulk: a CSV file of `--rows` applications for 200 holders, brought in by a registrar under a mandate, submitted, accepted,
passed, its notices ended and its certificates issued, all through the ordinary commands, jobs and tables with durability on.
Fewer than 100,000 rows are extrapolated in proportion, and the figure's name says so.
Book: one registration is made through the services; its rows are then multiplied by COPY and SQL under every trigger and
constraint. Certificates asked for have their signed documents on disk. Pages and API are asked through Django's test client.
Prints one JSON line a figure.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_pages import titles
from benchmarks.scratch import scratch_home

FULL, GOAL_MINUTES, HOLDERS = 100_000, 20, 200
VERIFY_MS, SEARCH_MS = 50, 150
REQUESTS, GROUPS, WARM_UP, ASKED = 200, 5, 10, 1_000
SEARCHES = (
    "航班", "数据", "杭州 气象", "企业信用", "医保结算 预测", "港口流量", "碳排放指数", "充电桩 实时", "浙江粮食价格",
    "flight", "指数 报告", "不存在的词", "", "集", "长三角空气质量",
)  # fmt: skip


def figure(name: str, value: float, unit: str, goal: float, runs: list[float], **more: Any) -> None:
    line = {
        "name": name, "median": round(value, 2), "unit": unit, "goal": goal, "higher_is_better": False,
        "runs": [round(r, 2) for r in runs], "peer": None, **more,
    }  # fmt: skip
    print(json.dumps(line, ensure_ascii=False), flush=True)


def add_holders(world: Any) -> list[str]:
    """Organisations that hold what is imported; their numbers."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO party_organisation (number, uscc, name, name_en, kind, registered_at) "
            "SELECT 'ORG-bench-' || n, lpad(n::text, 18, 'B'), '第' || n || '数据服务有限公司', '', 'enterprise', %s "
            "FROM generate_series(1, %s) n RETURNING number",
            [world.now, HOLDERS],
        )
        return [row[0] for row in cursor.fetchall()]


def table_of(rows: int, holders: list[str]) -> bytes:
    from tests.world import FORM

    buffer, names = io.StringIO(), titles()
    writer = csv.writer(buffer)
    writer.writerow(("title", "object_kind", "rights", "holders", *FORM))
    for n in range(rows):
        writer.writerow((f"{next(names)}{n}", "data_product", "holding,operation", f"{holders[n % HOLDERS]} 1", *FORM.values()))
    return buffer.getvalue().encode()


def bulk(rows: int) -> None:
    from shugu.kernel import clock, sweeping
    from shugu.registry import import_jobs, importing
    from shugu.registry.importing import BeginImport, MoveImport
    from shugu.registry.models import Certificate
    from shugu.registry.submitting import Upload
    from tests.world import PAPER, World

    world = World.begin(clock.now())
    now = world.now
    content = table_of(rows, add_holders(world))
    stages: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun, busy = time.perf_counter(), time.process_time()
        result = work()
        stages[name] = time.perf_counter() - begun
        print(f"{name}: {stages[name]:.1f} s, {time.process_time() - busy:.1f} s of it in Python", flush=True)
        return result

    def step(do: str, actor: Any, at: Any) -> None:
        importing.move_import(MoveImport(row.pk, do), actor=actor, now=at)
        done = import_jobs.run_move(row.pk, at)
        if (done.work["moved"], done.work["refused"]) != (rows, 0):
            raise SystemExit(f"{do}: {done.work}")

    def notices() -> None:
        while sweeping.sweep(later):
            pass

    cmd = BeginImport("data-property", "batch.csv", content, Upload("mandate", "m.pdf", "application/pdf", PAPER))
    row = importing.begin_import(cmd, actor=world.rita, now=now)
    done = timed("check and open", lambda: import_jobs.run_import(row.pk, now))
    if done.state != "imported":
        raise SystemExit(f"{done.state}: {done.problems[:3]}")
    timed("submit", lambda: step("submit", world.rita, now))
    timed("accept", lambda: step("accept", world.rita, now))
    timed("pass and give notice", lambda: step("pass", world.rong, now))
    later = now + timedelta(days=30)
    timed("end of notice", notices)
    timed("issue", lambda: step("issue", world.rita, later))
    if Certificate.objects.count() != rows:
        raise SystemExit("not every registration has its certificate")
    spent = sum(stages.values()) * FULL / rows / 60
    told = "" if rows == FULL else f" (extrapolated from {rows:,})"
    figure(
        f"{FULL:,} registrations imported and issued{told}", spent, "min", GOAL_MINUTES, [spent], rows=rows,
        stages={name: round(seconds, 1) for name, seconds in stages.items()},
    )  # fmt: skip


def seed_book(entries: int) -> list[str]:
    """A book of so many entries; the numbers of certificates whose documents are on disk."""
    from django.db import connection

    from shugu.kernel import clock
    from shugu.registry.models import Certificate
    from tests.world import World

    world = World.begin(clock.now() - timedelta(days=20))
    add_holders(world)
    model = world.registered_entry()
    certificate = Certificate.objects.get(version_id=model.version_id)
    credential = json.loads(_document(certificate.digest))
    sample, begun = _sample(credential, entries), time.perf_counter()
    with connection.cursor() as cursor:
        _copy(cursor, entries, sample)
        for name, statement in _MULTIPLY:
            cursor.execute(statement, {"version": model.version_id, "entry": model.id})
            print(f"{name}: {cursor.rowcount:,} rows after {time.perf_counter() - begun:.0f} s", flush=True)
        cursor.execute("VACUUM ANALYZE")
    return [number for number, _ in sample.values()]


def _document(digest: str) -> bytes:
    from shugu.kernel import documents

    return documents.get(digest)


def _sample(credential: dict[str, Any], entries: int) -> dict[int, tuple[str, str]]:
    """{n: (certificate number, digest)} of certificates spread over the book, each signed and stored."""
    from datetime import UTC, datetime

    from shugu.formats.identifiers import make_number
    from shugu.kernel import runtime, setwise, signer, status
    from shugu.registry.status import CERTIFICATE

    now = datetime.fromisoformat(credential["validFrom"]).astimezone(UTC)
    places = sorted(random.Random(3).sample(range(1, entries + 1), min(ASKED, entries)))
    numbers = [make_number("certificate", runtime.venue_id(), 2025, n) for n in places]
    subject, kind = credential["credentialSubject"], credential["type"][1]
    papers = [
        signer.document_bytes(
            signer.sign_document(kind, number=number, now=now, subject={**subject, "number": number}, status=seat)
        )
        for number, seat in zip(numbers, status.allot_many(CERTIFICATE, len(numbers)), strict=True)
    ]
    digests = setwise.put_many(papers)
    return {n: (number, digest) for n, number, digest in zip(places, numbers, digests, strict=True)}


def _copy(cursor: Any, entries: int, sample: dict[int, tuple[str, str]]) -> None:
    from hashlib import sha256

    from shugu.formats.identifiers import make_number
    from shugu.kernel import runtime
    from shugu.registry.domain import title_key

    venue, names = runtime.venue_id(), titles()
    cursor.execute(
        "CREATE TEMP TABLE fresh (n int PRIMARY KEY, entry text, certificate text, title text, key text, digest text)"
    )
    with cursor.copy("COPY fresh FROM STDIN") as copy:
        for n in range(1, entries + 1):
            title = next(names)
            certificate, digest = sample.get(n) or (make_number("certificate", venue, 2025, n), sha256(b"%d" % n).hexdigest())
            copy.write_row((n, make_number("entry", venue, 2025, n), certificate, title, title_key(title), digest))
    cursor.execute("ANALYZE fresh")


_MULTIPLY = (
    ("cases", (
        "INSERT INTO kernel_case (number, procedure, version, subject, title, state, revision, rule_set, opened_at, opened_on, "
        "closed_at, subjects, data) SELECT 'CAS-bench-' || f.n, c.procedure, c.version, c.subject, f.title, c.state, c.revision, "
        "c.rule_set, c.opened_at, c.opened_on, c.closed_at, c.subjects, c.data FROM fresh f, kernel_case c "
        "JOIN registry_entryversion v ON v.filing_id = c.id WHERE v.id = %(version)s ORDER BY f.n"
    )),
    ("filings", (
        "INSERT INTO registry_filing (case_id, number, register, operation, applicant_id, title, object_kind, rights, holders, "
        "lineage, form, filed_at) SELECT c.id, 'REG-bench-' || f.n, m.register, m.operation, m.applicant_id, f.title, "
        "m.object_kind, m.rights, m.holders, m.lineage, m.form, m.filed_at FROM fresh f JOIN kernel_case c "
        "ON c.number = 'CAS-bench-' || f.n, registry_filing m JOIN registry_entryversion v ON v.filing_id = m.case_id "
        "WHERE v.id = %(version)s ORDER BY f.n"
    )),
    ("entries", (
        "INSERT INTO registry_entry (number, register, object_kind, title, holder_id, entered_on, title_key, content_sha256) "
        "SELECT f.entry, e.register, e.object_kind, f.title, o.id, e.entered_on - (1000 * (1 - f.n / (SELECT count(*) FROM "
        "fresh)::float))::int, f.key, '' FROM fresh f JOIN party_organisation o ON o.number = 'ORG-bench-' || (1 + f.n %% 200), "
        "registry_entry e WHERE e.id = %(entry)s ORDER BY f.n"
    )),
    ("versions", (
        "INSERT INTO registry_entryversion (entry_id, version, filing_id, title, rights, form, valid_from, valid_until, fact) "
        "SELECT e.id, 1, g.case_id, f.title, v.rights, v.form, e.entered_on, v.valid_until, v.fact FROM fresh f "
        "JOIN registry_entry e ON e.number = f.entry JOIN registry_filing g ON g.number = 'REG-bench-' || f.n, "
        "registry_entryversion v WHERE v.id = %(version)s ORDER BY f.n"
    )),
    ("shares", (
        "INSERT INTO registry_share (version_id, org_id, parts) SELECT v.id, e.holder_id, 1 FROM fresh f "
        "JOIN registry_entry e ON e.number = f.entry JOIN registry_entryversion v ON v.entry_id = e.id ORDER BY f.n"
    )),
    ("certificates", (
        "INSERT INTO registry_certificate (number, kind, version_id, holder_id, digest, issued_at, valid_until, fact, seat) "
        "SELECT f.certificate, m.kind, v.id, e.holder_id, f.digest, m.issued_at, m.valid_until, m.fact, "
        "nextval('kernel_status_seat') - 1 FROM fresh f "
        "JOIN registry_entry e ON e.number = f.entry JOIN registry_entryversion v ON v.entry_id = e.id, "
        "registry_certificate m WHERE m.version_id = %(version)s ORDER BY f.n"
    )),
)  # fmt: skip


def measure(name: str, goal: float, ask: Callable[[int], Any]) -> None:
    from shugu.web import rates

    spent = []
    for n in range(-WARM_UP, REQUESTS):
        rates.BUCKETS.forget()  # one caller stands for two hundred: the limit per source is not what is measured
        begun = time.perf_counter()
        answer = ask(n % 10_007)
        took = (time.perf_counter() - begun) * 1000
        if answer.status_code != 200:
            raise SystemExit(f"{name}: answered {answer.status_code}")
        if n >= 0:
            spent.append(took)
    size = REQUESTS // GROUPS
    p95 = statistics.quantiles(spent, n=20)[-1]
    runs = [statistics.median(spent[i : i + size]) for i in range(0, REQUESTS, size)]
    figure(
        name, p95, "ms", goal, runs, p95=round(p95, 2), typical=round(statistics.median(spent), 2),
        slowest=round(max(spent), 2),
    )  # fmt: skip


def book(entries: int) -> None:
    from django.conf import settings
    from django.test import Client

    from shugu.kernel import clock, status_lists

    settings.ALLOWED_HOSTS = ["testserver"]
    certificates = seed_book(entries)
    status_lists.publish_due(clock.now())
    visitor, about = Client(), f"p95 with {entries:,} entries"
    registers = ("", "&register=data-property")

    def number(n: int) -> str:
        return certificates[n % len(certificates)]

    pages = [f"/register/?q={q}{r}" for q in SEARCHES for r in registers]
    for name, goal, ask in (
        ("certificate verification page", VERIFY_MS, lambda n: visitor.get(f"/verify/?number={number(n)}")),
        ("certificate verification API", VERIFY_MS, lambda n: visitor.get(f"/api/certificates/{number(n)}")),
        ("register search page in Chinese", SEARCH_MS, lambda n: visitor.get(pages[n % len(pages)])),
        ("register search API in Chinese", SEARCH_MS, lambda n: visitor.get("/api/entries", {"q": SEARCHES[n % len(SEARCHES)]})),
    ):
        measure(f"{name}, {about}", goal, ask)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--only", choices=("bulk", "book"))
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--entries", type=int, default=1_000_000)
    chosen = options.parse_args()
    with scratch_home():
        if chosen.only != "book":
            bulk(chosen.rows)
        if chosen.only != "bulk":
            book(chosen.entries)


if __name__ == "__main__":
    main()
