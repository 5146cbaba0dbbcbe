"""Founding a home's database, checking that home and database belong together, and the demonstration clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from shugu.kernel import clock, runtime
from shugu.kernel.home import HomeError
from shugu.kernel.models import HomeMark


def found(lag: timedelta = timedelta()) -> None:
    """Mark an empty database as this home's, or check that it is. A demonstration database never serves a real
    home, nor the other way round. `lag`: how far in the past a new demonstration home begins. Errors: HomeError."""
    config = runtime.home().config
    shift = -int(lag.total_seconds()) if config.mode == "demo" else 0
    mark, _ = HomeMark.objects.get_or_create(
        id=1, defaults={"mode": config.mode, "venue": config.venue, "clock_shift": shift}
    )
    if (mark.mode, mark.venue) != (config.mode, config.venue):
        raise HomeError(
            path=str(runtime.home().path),
            why=(
                f"数据库属于{mark.venue}的{mark.mode}环境，配置为{config.venue}的{config.mode}环境",
                f"its database is a {mark.mode} one of {mark.venue}, its configuration a {config.mode} one of {config.venue}",
            ),
        )


def advance_clock(by: timedelta) -> datetime:
    """Move the demonstration clock forward, at most to the present, so that notice periods pass; the new time.
    Errors: HomeError in a real home, or past the present (the database refuses both too)."""
    if not runtime.demo():
        raise HomeError(
            path=str(runtime.home().path), why=("真实场所的时钟不能拨动", "the clock of a real venue cannot be moved")
        )
    with transaction.atomic():
        mark = HomeMark.objects.select_for_update().get(id=1)
        mark.clock_shift += int(by.total_seconds())
        if mark.clock_shift > 0:
            raise HomeError(
                path=str(runtime.home().path), why=("演示时钟不能超过当前时间", "the demonstration clock cannot pass the present")
            )
        mark.save(update_fields=["clock_shift"])
    clock.forget()
    return clock.now()
