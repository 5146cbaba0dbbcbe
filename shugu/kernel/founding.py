"""Founding a home's database, checking that home and database belong together, and the demonstration clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from shugu.kernel import clock, key_lines, runtime
from shugu.kernel.home import HomeError
from shugu.kernel.models import Clock, HomeMark


def found(lag: timedelta = timedelta()) -> None:
    """Mark an empty database as this home's, or check that it is. A demonstration database never serves a real
    home, nor the other way round. `lag`: how far in the past a new demonstration home begins. Errors: HomeError."""
    config = runtime.home().config
    shift = -int(lag.total_seconds()) if config.mode == "demo" else 0
    mark, _ = HomeMark.objects.get_or_create(
        id=1, defaults={"mode": config.mode, "venue": config.venue, "clock_shift": shift}
    )
    _tell_lag(mark)
    if (mark.mode, mark.venue) != (config.mode, config.venue):
        raise HomeError(
            path=str(runtime.home().path),
            why=(
                f"数据库属于{mark.venue}的{mark.mode}环境，配置为{config.venue}的{config.mode}环境",
                f"its database is a {mark.mode} one of {mark.venue}, its configuration a {config.mode} one of {config.venue}",
            ),
        )
    key_lines.found(clock.now())


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
    _tell_lag(mark)
    clock.forget()
    return clock.now()


def next_deadline(now: datetime) -> datetime | None:
    """The end of the next clock that runs in any case, or None: where a demonstration may jump to."""
    return Clock.objects.filter(status="running", due_at__gt=now).order_by("due_at").values_list("due_at", flat=True).first()


def lag_file() -> Path:
    """Where a demonstration home tells its connector how many seconds it lags behind the machine's clock."""
    return runtime.home().path / "demo-clock"


def _tell_lag(mark: HomeMark) -> None:
    if mark.mode == "demo":
        temporary = lag_file().with_suffix(".new")
        temporary.write_text(str(-mark.clock_shift), "utf-8")
        temporary.replace(lag_file())
