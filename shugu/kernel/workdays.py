"""Due dates in working days, calendar days, months and years, forwards and backwards.

Counting starts on the following day unless the rule says the first day counts
(Civil Code art. 201); a month or year ends on the corresponding day, or the last
day of a shorter month (art. 202); a day ends at 24:00 in Asia/Shanghai.
Pure: `now` comes in.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

from shugu.kernel.calendars import ONE_DAY, Calendar, DayKind, NamedDay
from shugu.kernel.rule_errors import LengthError

# Fixed, because China has kept no summer time since 1991: no time-zone database is needed.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
MONTHS_A_YEAR = 12

__all__ = [
    "Calendar",
    "DayKind",
    "Direction",
    "Due",
    "Explanation",
    "Length",
    "NamedDay",
    "Resume",
    "Roll",
    "Unit",
    "add_pause",
    "consumed",
    "due",
    "end_of_day",
    "explain",
    "local_day",
    "remaining",
    "resume_due",
]


class Unit(StrEnum):
    WORKING_DAY = "wd"
    CALENDAR_DAY = "cd"
    MONTH = "month"
    YEAR = "year"


class Direction(StrEnum):
    FORWARD = "forward"
    BACKWARD = "backward"


class Roll(StrEnum):
    """What a deadline in calendar units does when it falls on a day off."""

    NONE = "none"
    NEXT = "next_working_day"
    PREVIOUS = "previous_working_day"


class Resume(StrEnum):
    CONTINUE = "continue"
    RESTART = "restart"


@dataclass(frozen=True)
class Length:
    """A period: at least one unit. Raises LengthError otherwise."""

    value: int
    unit: Unit

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 1:
            raise LengthError(length=f"{self.value} {self.unit}")
        if self.unit not in tuple(Unit):
            raise LengthError(length=f"{self.value} {self.unit}")
        object.__setattr__(self, "unit", Unit(self.unit))


@dataclass(frozen=True)
class Due:
    """The last (backward: the latest permitted) day; ends at 24:00 local.

    `counted` lists holidays passed over and make-up days counted, for explanation.
    `provisional` is True when a year without a published holiday notice mattered.
    """

    on: date
    provisional: bool
    counted: tuple[NamedDay, ...] = ()

    @property
    def ends_at(self) -> datetime:
        return end_of_day(self.on)


def due(
    start: date,
    length: Length,
    *,
    calendar: Calendar,
    direction: Direction | str = Direction.FORWARD,
    first_day_counts: bool = False,
    roll: Roll | str = Roll.NONE,
) -> Due:
    """The day a period from `start` ends; see the module's counting rules."""
    way = Direction(direction)
    sign = 1 if way is Direction.FORWARD else -1
    if length.unit is Unit.WORKING_DAY:
        return _count_working(start, length.value, sign, first_day_counts, calendar)
    if length.unit is Unit.CALENDAR_DAY:
        on = start + sign * (length.value - first_day_counts) * ONE_DAY
    else:
        months = length.value * (MONTHS_A_YEAR if length.unit is Unit.YEAR else 1)
        on = _shift_months(start, sign * months)
        # A clamped forward end is already the last day: there is no corresponding day to step back from.
        if first_day_counts and not (sign > 0 and on.day < start.day):
            on -= sign * ONE_DAY
    return _rolled(on, Roll(roll), calendar)


def _count_working(start: date, value: int, sign: int, first_day_counts: bool, calendar: Calendar) -> Due:
    day = start if first_day_counts else start + sign * ONE_DAY
    left, provisional, counted = value, False, []
    while True:
        named = calendar.named(day)
        if named is not None:
            counted.append(named)
        provisional = provisional or not calendar.is_published(day)
        if calendar.is_working(day):
            left -= 1
            if left == 0:
                return Due(day, provisional, tuple(counted))
        day += sign * ONE_DAY


def _shift_months(start: date, months: int) -> date:
    index = start.year * MONTHS_A_YEAR + start.month - 1 + months
    year, month = divmod(index, MONTHS_A_YEAR)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _rolled(on: date, roll: Roll, calendar: Calendar) -> Due:
    if roll is Roll.NONE:
        return Due(on, False)
    step = ONE_DAY if roll is Roll.NEXT else -ONE_DAY
    provisional, counted = False, []
    while True:
        named = calendar.named(on)
        if named is not None:
            counted.append(named)
        provisional = provisional or not calendar.is_published(on)
        if calendar.is_working(on):
            return Due(on, provisional, tuple(counted))
        on += step


def consumed(start: date, until: date, unit: Unit | str, *, calendar: Calendar) -> int:
    """Units in the days after `start` up to and including `until` (negative if `until` is earlier).

    Months and years are measured in calendar days.
    """
    if until < start:
        return -consumed(until, start, unit, calendar=calendar)
    if Unit(unit) is not Unit.WORKING_DAY:
        return (until - start).days
    days = (start + step * ONE_DAY for step in range(1, (until - start).days + 1))
    return sum(1 for day in days if calendar.is_working(day))


def remaining(now: datetime, due: Due, unit: Unit | str, *, calendar: Calendar) -> int:
    """Units left after today: 0 on the due day itself, negative when overdue."""
    return consumed(local_day(now), due.on, unit, calendar=calendar)


def add_pause(due: Due, paused_days: int, unit: Unit | str, *, calendar: Calendar) -> Due:
    """Push a due date out by the days a pause lasted (working days for `wd`, else calendar days)."""
    if paused_days < 0:
        raise LengthError(length=f"{paused_days} {unit}")
    if paused_days == 0:
        return due
    if Unit(unit) is not Unit.WORKING_DAY:
        return Due(due.on + paused_days * ONE_DAY, due.provisional, due.counted)
    later = _count_working(due.on, paused_days, 1, False, calendar)
    return Due(later.on, due.provisional or later.provisional, due.counted + later.counted)


def resume_due(
    length: Length,
    consumed_units: int,
    resumed_on: date,
    *,
    resume: Resume | str,
    calendar: Calendar,
) -> Due:
    """The new due date of a paused clock, counted from the day after `resumed_on`.

    `continue` counts what was left, `restart` the whole length. A clock paused on its
    last day keeps that day: it is due on `resumed_on`. Months and years cannot be
    continued from a count of units (LengthError): use `add_pause`.
    """
    if Resume(resume) is Resume.RESTART:
        return due(resumed_on, length, calendar=calendar)
    if length.unit not in (Unit.WORKING_DAY, Unit.CALENDAR_DAY) or consumed_units < 0:
        raise LengthError(length=f"{length.value} {length.unit}, {consumed_units} consumed")
    left = length.value - consumed_units
    if left <= 0:
        return Due(resumed_on, not calendar.is_published(resumed_on))
    return due(resumed_on, Length(left, length.unit), calendar=calendar)


def end_of_day(day: date) -> datetime:
    """The instant a local day ends (24:00 Asia/Shanghai), in UTC: late is `now >= end_of_day(due.on)`."""
    return datetime.combine(day + ONE_DAY, time(), SHANGHAI).astimezone(UTC)


def local_day(moment: datetime) -> date:
    """The Asia/Shanghai day of an aware moment; raises LengthError for a naive one."""
    if moment.tzinfo is None:
        raise LengthError(length=moment.isoformat())
    return moment.astimezone(SHANGHAI).date()


@dataclass(frozen=True)
class Explanation:
    """Pieces of one sentence about a clock, so a page can set them apart."""

    left: str
    until: str
    because: str
    provisional: str

    @property
    def text(self) -> str:
        return self.left + self.until + self.because + self.provisional


def explain(due: Due, lang: str, *, left: int, unit: Unit | str = Unit.WORKING_DAY) -> Explanation:
    """`还剩 3 个工作日，至 2026-10-12（含国庆节调休）`; `left` comes from `remaining`."""
    zh = lang.startswith("zh")
    working = Unit(unit) is Unit.WORKING_DAY
    if zh:
        noun = "个工作日" if working else "天"
        head = "今天到期" if left == 0 else f"{'还剩' if left > 0 else '已逾期'} {abs(left)} {noun}"
        mark = "（暂定，放假通知发布后重算）" if due.provisional else ""
        return Explanation(head, f"，至 {due.on}", _because_zh(due), mark)
    noun = ("working day" if working else "day") + ("" if abs(left) == 1 else "s")
    head = "due today" if left == 0 else f"{abs(left)} {noun} {'left' if left > 0 else 'overdue'}"
    mark = " (provisional until the holiday notice is published)" if due.provisional else ""
    return Explanation(head, f", until {due.on}", _because_en(due), mark)


def _holidays(due: Due) -> dict[tuple[str, str], bool]:
    """Holiday names in order, each with whether one of its make-up days was counted."""
    names: dict[tuple[str, str], bool] = {}
    for day in due.counted:
        name = (day.zh, day.en)
        names[name] = names.get(name, False) or day.kind is DayKind.MAKE_UP
    return names


def _because_zh(due: Due) -> str:
    pieces = [zh + ("调休" if made_up else "假期") for (zh, _), made_up in _holidays(due).items()]
    return f"（含{'、'.join(pieces)}）" if pieces else ""


def _because_en(due: Due) -> str:
    pieces = [en + (" with make-up days" if made_up else "") for (_, en), made_up in _holidays(due).items()]
    return f" (over {', '.join(pieces)})" if pieces else ""
