"""Holds: what may not be done to an entry or a party until lifted. Placed through the owner's service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from shugu.kernel import journal
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Hold


def place(
    target: str,
    *,
    forbids: Sequence[str],
    reason: str,
    actor: Actor,
    now: datetime,
    undertaking: str = "",
    article: str = "",
    until: date | None = None,
) -> Hold:
    """Forbid acts on `target` ("registry.entry:5"). With an `undertaking` it is soft: confirming that text passes."""
    with transaction.atomic():
        hold = Hold.objects.create(
            target=target, forbids=list(forbids), reason=reason, undertaking=undertaking, article=article,
            placed_at=now, until=until,
        )  # fmt: skip
        journal.record(
            "hold.placed", subject=target, actor=actor, now=now,
            data={"hold": hold.pk, "forbids": list(forbids), "soft": bool(undertaking)},
        )  # fmt: skip
    return hold


def lift(hold: int, *, actor: Actor, now: datetime, ground: str = "") -> None:
    """Errors: NotFound when it does not exist or is lifted already."""
    with transaction.atomic():
        row = Hold.objects.select_for_update().filter(pk=hold, lifted_at__isnull=True).first()
        if row is None:
            raise NotFound(what=("限制", "hold"))
        row.lifted_at = now
        row.save(update_fields=["lifted_at"])
        journal.record("hold.lifted", subject=row.target, actor=actor, now=now, ground=ground, data={"hold": hold})


def live(target: str) -> list[Hold]:
    return list(Hold.objects.filter(target=target, lifted_at__isnull=True).order_by("id"))


def lapse(now: datetime) -> int:
    """Lift holds whose last day has passed (called by the sweep); how many."""
    from shugu.kernel.cases import THE_CLOCK
    from shugu.kernel.workdays import local_day

    due = Hold.objects.filter(lifted_at__isnull=True, until__lt=local_day(now)).values_list("pk", flat=True)
    for pk in list(due):
        lift(pk, actor=THE_CLOCK, now=now, ground="until")
    return len(due)
