"""Founding a home's database, checking that home and database belong together, and the demonstration clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from shugu.kernel import clock, runtime
from shugu.kernel.home import HomeError
from shugu.kernel.models import HomeMark


def found() -> None:
    """Mark an empty database as this home's, or check that it is. A demonstration database never serves a real
    home, nor the other way round. Errors: HomeError."""
    config = runtime.home().config
    mark, _ = HomeMark.objects.get_or_create(id=1, defaults={"mode": config.mode, "venue": config.venue})
    if (mark.mode, mark.venue) != (config.mode, config.venue):
        raise HomeError(
            path=str(runtime.home().path),
            why=(
                f"数据库属于{mark.venue}的{mark.mode}环境，配置为{config.venue}的{config.mode}环境",
                f"its database is a {mark.mode} one of {mark.venue}, its configuration a {config.mode} one of {config.venue}",
            ),
        )


def advance_clock(by: timedelta) -> datetime:
    """Move the demonstration clock forward, so that notice periods pass; the new time.
    Errors: HomeError in a real home (the database refuses it too)."""
    if not runtime.demo():
        raise HomeError(
            path=str(runtime.home().path), why=("真实场所的时钟不能拨动", "the clock of a real venue cannot be moved")
        )
    with transaction.atomic():
        mark = HomeMark.objects.select_for_update().get(id=1)
        mark.clock_shift += int(by.total_seconds())
        mark.save(update_fields=["clock_shift"])
    clock.forget()
    return clock.now()
