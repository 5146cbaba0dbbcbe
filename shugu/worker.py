"""The worker: sequences facts, hands them to subscribers, fires clocks, runs jobs. Any number may run; each part is
guarded by the database (advisory lock, cursors, compare-and-swap), so a second one is a standby."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import Error, close_old_connections, connection
from django.db.models import Q
from procrastinate.exceptions import ProcrastinateException

from shugu.edges.bank import services as bank
from shugu.edges.chain import services as chain
from shugu.edges.federation import services as federation
from shugu.evidence import services as evidence
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, duties, holds, status_lists, subscriptions, sweeping
from shugu.registry import services as registry

log = logging.getLogger(__name__)
_SWEEP_EVERY = timedelta(seconds=5)
_PAUSE = 0.1
_CHAINS_EVERY = 5.0
_AFTER_FAILURE = 2.0
_WATCH = 1.0
_SILENT_SECONDS = 30  # three of the queue's own heartbeats: whoever held the job is gone

duties.register()


def run_jobs() -> int:
    """Run the queued jobs that are due now, in this process; how many were left to do."""
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.models import ProcrastinateJob

    take_up_abandoned()
    # A job that waits for its next try is not left to do now.
    in_time = Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=clock.wall())
    due = ProcrastinateJob.objects.filter(in_time, status="todo").count()
    if due:
        with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
            app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)
    return due


def take_up_abandoned() -> int:
    """Put jobs back into the queue whose worker died over them; how many. Every job may run twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(procrastinate_retry_job_v2(j.id, now(), NULL, NULL, NULL)::text) FROM procrastinate_jobs j "
            "LEFT JOIN procrastinate_workers w ON w.id = j.worker_id WHERE j.status = 'doing' "
            "AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %s::float))",
            [_SILENT_SECONDS],
        )
        return int(cursor.fetchone()[0])


def settle(rounds: int = 60) -> int:
    """Run every part until nothing is left to do: for the headless trade and the tests. The number of facts and
    clocks handled. Errors: AssertionError when it never comes to rest."""
    total = 0
    for _ in range(rounds):
        now = clock.now()
        done = _sequence(now) + subscriptions.deliver(now) + sweeping.sweep(now) + holds.lapse(now)
        done += bank.work(now) + federation.work(now) + chain.work(now) + run_jobs() + registry.prepare_due(now)
        done += _status(now) + evidence.follow_due(now, clock.wall())
        total += done
        if not done:
            return total
    raise AssertionError(f"the worker did not come to rest in {rounds} rounds")


def run(stop: threading.Event) -> int:
    """Serve until `stop` is set: one thread a part. 0, or 1 when a part ended by an error that trying again would not
    mend: then everything stops, so that whoever runs the worker starts it anew and sees why."""
    threads = [
        threading.Thread(target=_loop, args=(name, part, pause, stop), name=name, daemon=True)
        for name, part, pause in (
            ("sequencer", lambda: _sequence(clock.now()), _PAUSE),
            ("subscribers", lambda: subscriptions.deliver(clock.now()), _PAUSE),
            ("clocks", _sweep, _SWEEP_EVERY.total_seconds()),
            ("bank", lambda: bank.work(clock.now()), 1.0),
            ("federation", lambda: federation.work(clock.now()), 0.5),
            ("witnessing", lambda: evidence.follow_due(clock.now(), clock.wall()), 1.0),
            ("chain", lambda: chain.work(clock.now()), _CHAINS_EVERY),
            ("status lists", lambda: _status(clock.now()), _PAUSE * 5),
            ("jobs", run_jobs, _PAUSE * 5),
        )
    ]
    for thread in threads:
        thread.start()
    ended = ""
    while not ended and not stop.wait(_WATCH):
        ended = next((t.name for t in threads if not t.is_alive()), "")
    if ended and not stop.is_set():
        log.error("worker part %s ended by itself: the worker stops", ended)
        stop.set()
    else:
        ended = ""
    for thread in threads:
        thread.join(timeout=10)
    return 1 if ended else 0


def _sequence(now: datetime) -> int:
    sequenced = evidence.sequence_once(now)
    return sequenced.size - sequenced.first


def _sweep() -> int:
    now = clock.now()
    return sweeping.sweep(now) + holds.lapse(now) + registry.prepare_due(now)


def _status(now: datetime) -> int:
    """What the day itself changed, then the lists that say it."""
    return registry.follow_calendar(now) + status_lists.publish_due(now)


def _loop(name: str, part: Callable[[], int], pause: float, stop: threading.Event) -> None:
    """A failing part is logged and tried again; it never takes the others down, and its work is durable."""
    while not stop.is_set():
        try:
            close_old_connections()
            busy = part()
        except (Error, ProcrastinateException, ShuguError, AssertionError, OSError) as error:
            log.error("worker part %s failed: %r", name, error, exc_info=error)
            stop.wait(_AFTER_FAILURE)
            continue
        if not busy:
            stop.wait(pause)
