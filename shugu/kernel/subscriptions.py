"""Durable subscriptions: each subscriber reads the journal in position order behind its own cursor.

At least once: the handler and the cursor's step are one transaction, so a crash repeats at most the fact in hand
and a failure stays in its own queue, shown and retried, never swallowed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from shugu.formats.errors import ShuguError
from shugu.kernel import journal
from shugu.kernel.journal import FactView
from shugu.kernel.models import Cursor

Handler = Callable[[FactView, datetime], None]
SUBSCRIBERS: dict[str, Mapping[str, Handler]] = {}
_LONGEST_WAIT = timedelta(minutes=5)
log = logging.getLogger(__name__)


def subscribe(subscriber: str, handlers: Mapping[str, Handler]) -> None:
    """`handlers` maps fact names to functions (fact, now); called once from the app's subscriptions.py."""
    if subscriber in SUBSCRIBERS and SUBSCRIBERS[subscriber] is not handlers:
        raise ValueError(f"subscriber {subscriber!r} is registered twice")
    SUBSCRIBERS[subscriber] = handlers


def deliver(now: datetime, batch: int = 500) -> int:
    """Hand every subscriber what is new to it; the number of facts handled by a handler."""
    return sum(_deliver_to(name, handlers, now, batch) for name, handlers in sorted(SUBSCRIBERS.items()))


def _deliver_to(name: str, handlers: Mapping[str, Handler], now: datetime, batch: int) -> int:
    cursor, _ = Cursor.objects.get_or_create(subscriber=name)
    if cursor.retry_at is not None and cursor.retry_at > now:
        return 0
    handled, last = 0, cursor.position
    for fact in journal.read(cursor.position, batch):
        handler = handlers.get(fact.name)
        if handler is None:
            last = fact.position + 1
            continue
        try:
            _step(name, fact, handler, now)
        except (ShuguError, DatabaseError, AssertionError, LookupError, TypeError, ValueError, OSError) as error:
            _note_failure(name, cursor, fact, error, now)
            return handled
        handled, last = handled + 1, fact.position + 1
    if last != cursor.position:
        Cursor.objects.filter(subscriber=name, position__lt=last).update(
            position=last, attempts=0, retry_at=None, last_error=""
        )
    return handled


def _step(name: str, fact: FactView, handler: Handler, now: datetime) -> None:
    with transaction.atomic():
        locked = Cursor.objects.select_for_update().get(subscriber=name)
        if locked.position > fact.position:
            return  # another worker handled it
        handler(fact, now)
        locked.position, locked.attempts, locked.retry_at, locked.last_error = fact.position + 1, 0, None, ""
        locked.save()


def _note_failure(name: str, cursor: Cursor, fact: FactView, error: Exception, now: datetime) -> None:
    attempts = cursor.attempts + 1
    wait = min(timedelta(seconds=2 ** min(attempts, 12)), _LONGEST_WAIT)
    log.error("subscriber %s stopped at fact %s (%s): %r", name, fact.id, fact.name, error, exc_info=error)
    Cursor.objects.filter(subscriber=name).update(
        attempts=attempts, retry_at=now + wait, last_error=f"fact {fact.id} {fact.name}: {error!r}"[:2000]
    )


def stuck() -> list[Cursor]:
    """Subscribers that stopped at a fact, for the operations page and the audit."""
    return list(Cursor.objects.exclude(last_error="").order_by("subscriber"))
