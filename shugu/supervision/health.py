"""How the machinery of this venue does: the operator's health page. Reads the kernel's, the log's and the jobs' tables."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from shugu.evidence import queries as evidence
from shugu.kernel import key_standing, runtime
from shugu.kernel.models import Clock, Cursor, SequencerState
from shugu.kernel.text import Text


@dataclass(frozen=True)
class Health:
    """`unsequenced`: facts without a place in the log; `due_clocks`: past their moment and not handled yet;
    sizes in bytes; `checkpoint_age` None before the first checkpoint; `missing`: witnesses not on the public checkpoint;
    `forks`: contradictions seen in the logs of others that this venue witnesses; `keys`: what to see to of the signing keys."""

    unsequenced: int
    placed: int
    subscribers: tuple[tuple[str, int, int, str], ...]
    due_clocks: int
    queued: int
    failed: int
    checkpoint_age: timedelta | None
    database_bytes: int
    disk_free: int
    disk_total: int
    missing: tuple[str, ...] = ()
    unpublished: int | None = None
    forks: int = 0
    keys: tuple[Text, ...] = ()


def health(now: datetime) -> Health:
    state = SequencerState.objects.filter(pk=1).first()
    placed = state.next_position if state else 0
    with connection.cursor() as cursor:
        # Only what the sequencer has not passed yet: the whole journal would take seconds.
        cursor.execute(
            "SELECT count(*) FROM kernel_fact f WHERE f.xid >= %s::xid8 "
            "AND NOT EXISTS (SELECT 1 FROM kernel_position p WHERE p.fact_id = f.id)",
            [str(state.horizon) if state else "0"],
        )
        waiting = int(cursor.fetchone()[0])
        cursor.execute("SELECT pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
        cursor.execute("SELECT status, count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'failed') GROUP BY status")
        jobs = dict(cursor.fetchall())
    head, ours = evidence.head(), evidence.witnesses()
    disk = shutil.disk_usage(runtime.home().path)
    return Health(
        waiting, placed,
        tuple(
            (c.subscriber, c.position, max(0, placed - c.position), c.last_error)
            for c in Cursor.objects.order_by("subscriber")
        ),
        Clock.objects.filter(status="running", due_at__lte=now).count(), int(jobs.get("todo", 0)), int(jobs.get("failed", 0)),
        timedelta(seconds=int((now - head.signed_at).total_seconds())) if head else None, size, disk.free, disk.total,
        tuple(w.name for w in ours.lines if not w.on_public) if ours else (), ours.waiting if ours else None,
        sum(log.forks for log in evidence.witnessed()), key_standing.reminders(now),
    )  # fmt: skip
