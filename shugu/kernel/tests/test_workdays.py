"""Working days: real holiday notices, edges of months, and laws of counting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.rule_errors import LengthError, RuleError
from shugu.kernel.workdays import (
    Calendar,
    DayKind,
    Length,
    Unit,
    add_pause,
    consumed,
    due,
    end_of_day,
    explain,
    local_day,
    remaining,
    resume_due,
)

CALENDAR = Calendar.load()
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
COUNTS = st.integers(1, 60)
UNITS = st.sampled_from(list(Unit))
ONE_DAY = timedelta(days=1)


def wd(value: int) -> Length:
    return Length(value, Unit.WORKING_DAY)


def cd(value: int) -> Length:
    return Length(value, Unit.CALENDAR_DAY)


def ends(start: date, length: Length, **options: object) -> date:
    return due(start, length, calendar=CALENDAR, **options).on  # type: ignore[arg-type]


def test_it_knows_every_make_up_working_day_of_2026() -> None:
    made_up = [day.on for day in CALENDAR.year(2026).days.values() if day.kind is DayKind.MAKE_UP]
    assert sorted(made_up) == [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]
    assert all(day.weekday() >= 5 and CALENDAR.is_working(day) for day in made_up)


def test_a_period_skips_national_day_2026_and_counts_the_saturday_made_up_for_it() -> None:
    # 30 September, 8, 9 and Saturday 10 October
    assert ends(date(2026, 9, 29), wd(4)) == date(2026, 10, 10)
    assert ends(date(2026, 9, 29), wd(5)) == date(2026, 10, 12)


def test_a_period_started_in_the_holiday_starts_counting_after_it() -> None:
    assert ends(date(2026, 10, 3), wd(1)) == date(2026, 10, 8)


def test_a_make_up_sunday_before_the_holiday_counts() -> None:
    assert ends(date(2026, 9, 18), wd(1)) == date(2026, 9, 20)


def test_the_first_day_counts_only_when_the_rule_says_so() -> None:
    monday = date(2026, 11, 2)
    assert ends(monday, wd(5)) == date(2026, 11, 9)
    assert ends(monday, wd(5), first_day_counts=True) == date(2026, 11, 6)
    assert ends(monday, cd(15)) == date(2026, 11, 17)
    assert ends(monday, cd(15), first_day_counts=True) == date(2026, 11, 16)


def test_a_backward_period_ends_before_the_planned_day() -> None:
    assert ends(date(2026, 10, 12), wd(5), direction="backward") == date(2026, 9, 29)
    assert ends(date(2026, 10, 12), cd(5), direction="backward") == date(2026, 10, 7)


@pytest.mark.parametrize(
    ("start", "value", "unit", "expected"),
    [
        (date(2026, 1, 31), 1, Unit.MONTH, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, Unit.MONTH, date(2028, 2, 29)),
        (date(2026, 2, 28), 1, Unit.MONTH, date(2026, 3, 28)),
        (date(2024, 2, 29), 1, Unit.YEAR, date(2025, 2, 28)),
        (date(2024, 2, 29), 4, Unit.YEAR, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, Unit.MONTH, date(2027, 2, 28)),
        (date(2026, 12, 15), 6, Unit.MONTH, date(2027, 6, 15)),
    ],
)
def test_months_and_years_end_on_the_corresponding_or_last_day(
    start: date, value: int, unit: Unit, expected: date
) -> None:
    assert ends(start, Length(value, unit)) == expected


def test_a_month_whose_first_day_counts_ends_the_day_before_the_corresponding_one() -> None:
    month = Length(1, Unit.MONTH)
    assert ends(date(2026, 3, 1), month, first_day_counts=True) == date(2026, 3, 31)
    assert ends(date(2026, 1, 31), month, first_day_counts=True) == date(2026, 2, 28)
    assert ends(date(2026, 3, 31), month, direction="backward", first_day_counts=True) == date(2026, 3, 1)


def test_a_calendar_deadline_on_a_holiday_moves_only_if_the_rule_says_so() -> None:
    start = date(2026, 9, 26)
    assert ends(start, cd(7)) == date(2026, 10, 3)
    assert ends(start, cd(7), roll="next_working_day") == date(2026, 10, 8)
    assert ends(start, cd(7), roll="previous_working_day") == date(2026, 9, 30)


def test_a_year_without_a_notice_gives_a_provisional_date_without_make_up_days() -> None:
    table = CALENDAR.year(2027)
    assert not table.published
    assert date(2027, 1, 1) in table.days
    assert date(2027, 2, 5) in table.days
    assert date(2027, 4, 5) in table.days
    assert all(day.kind is DayKind.HOLIDAY for day in table.days.values())
    assert due(date(2026, 12, 31), wd(1), calendar=CALENDAR).provisional
    assert not due(date(2026, 12, 30), wd(1), calendar=CALENDAR).provisional
    assert not due(date(2026, 12, 31), cd(30), calendar=CALENDAR).provisional


def test_a_notice_file_replaces_the_statutory_year(tmp_path: Path) -> None:
    statutory = Path(__file__).parents[2] / "rules" / "calendars" / "statutory.toml"
    (tmp_path / "statutory.toml").write_bytes(statutory.read_bytes())
    (tmp_path / "cn-2027.toml").write_text(
        'year = 2027\nsource = { document = "notice" }\n'
        'holidays = [{ from = 2027-01-01, to = 2027-01-03, zh = "元旦", en = "New Year" }]\n'
        'make_up_days = [{ on = 2027-01-09, zh = "元旦", en = "New Year" }]\n'
    )
    calendar = Calendar.load(tmp_path)
    found = due(date(2027, 1, 7), wd(2), calendar=calendar)
    assert (found.on, found.provisional) == (date(2027, 1, 9), False)
    (tmp_path / "cn-2027.toml").write_text("year = 2028\n")
    with pytest.raises(RuleError, match=r"cn-2027\.toml"):
        Calendar.load(tmp_path)


@settings(max_examples=100, deadline=None)
@given(DAYS, COUNTS)
def test_a_period_in_working_days_never_ends_on_a_day_off(start: date, count: int) -> None:
    for direction in ("forward", "backward"):
        assert CALENDAR.is_working(ends(start, wd(count), direction=direction))


@settings(max_examples=100, deadline=None)
@given(DAYS, COUNTS)
def test_counting_back_from_a_due_day_returns_to_the_last_working_day_up_to_the_start(start: date, count: int) -> None:
    back = ends(ends(start, wd(count)), wd(count), direction="backward")
    origin = start
    while not CALENDAR.is_working(origin):
        origin -= ONE_DAY
    assert back == origin


@settings(max_examples=100, deadline=None)
@given(DAYS, COUNTS, UNITS)
def test_a_longer_period_and_a_later_start_never_end_earlier(start: date, count: int, unit: Unit) -> None:
    end = ends(start, Length(count, unit))
    assert ends(start, Length(count + 1, unit)) > end > start
    assert ends(start + ONE_DAY, Length(count, unit)) >= end
    assert ends(start, Length(count, unit), direction="backward") < start


@settings(max_examples=100, deadline=None)
@given(DAYS, COUNTS)
def test_a_due_date_is_exactly_its_length_away(start: date, count: int) -> None:
    end = ends(start, wd(count))
    assert consumed(start, end, "wd", calendar=CALENDAR) == count
    assert consumed(start, end - ONE_DAY, "wd", calendar=CALENDAR) == count - 1


@settings(max_examples=100, deadline=None)
@given(DAYS, st.integers(2, 40), st.data())
def test_a_pause_that_lasts_no_time_changes_nothing(start: date, count: int, data: st.DataObject) -> None:
    used = data.draw(st.integers(1, count - 1))
    paused_on = ends(start, wd(used))
    again = resume_due(wd(count), used, paused_on, resume="continue", calendar=CALENDAR)
    assert again.on == ends(start, wd(count))


def test_a_resumed_clock_continues_or_restarts_as_the_rule_says() -> None:
    resumed = date(2026, 11, 2)
    assert resume_due(wd(10), 7, resumed, resume="continue", calendar=CALENDAR).on == date(2026, 11, 5)
    assert resume_due(wd(10), 7, resumed, resume="restart", calendar=CALENDAR).on == date(2026, 11, 16)
    assert resume_due(wd(10), 10, resumed, resume="continue", calendar=CALENDAR).on == resumed


def test_a_month_is_extended_by_the_days_it_was_paused_and_never_continued_from_a_count() -> None:
    month = Length(1, Unit.MONTH)
    first = due(date(2026, 11, 2), month, calendar=CALENDAR)
    assert add_pause(first, 5, "month", calendar=CALENDAR).on == date(2026, 12, 7)
    assert add_pause(first, 0, "month", calendar=CALENDAR) == first
    with pytest.raises(LengthError):
        resume_due(month, 1, date(2026, 11, 9), resume="continue", calendar=CALENDAR)


def test_a_working_day_pause_skips_days_off() -> None:
    first = due(date(2026, 9, 25), wd(2), calendar=CALENDAR)
    assert first.on == date(2026, 9, 29)
    assert add_pause(first, 2, "wd", calendar=CALENDAR).on == date(2026, 10, 8)


def test_a_day_ends_at_midnight_in_shanghai() -> None:
    day = date(2026, 10, 12)
    assert end_of_day(day) == datetime(2026, 10, 12, 16, tzinfo=UTC)
    assert local_day(end_of_day(day) - timedelta(microseconds=1)) == day
    assert local_day(end_of_day(day)) == day + ONE_DAY
    with pytest.raises(LengthError):
        local_day(datetime(2026, 10, 12))


def test_what_remains_is_zero_on_the_due_day_and_negative_after_it() -> None:
    found = due(date(2026, 9, 29), wd(5), calendar=CALENDAR)
    left = [
        remaining(datetime(2026, 10, day, 4, tzinfo=UTC), found, "wd", calendar=CALENDAR)
        for day in (8, 9, 10, 11, 12, 13)
    ]
    assert left == [3, 2, 1, 1, 0, -1]


def test_it_explains_the_date_in_both_languages() -> None:
    found = due(date(2026, 9, 29), wd(5), calendar=CALENDAR)
    assert explain(found, "zh", left=3).text == "还剩 3 个工作日，至 2026-10-12（含国庆节调休）"
    english = "1 working day left, until 2026-10-12 (over National Day with make-up days)"
    assert explain(found, "en", left=1).text == english
    assert explain(found, "zh", left=-2).left == "已逾期 2 个工作日"
    assert explain(found, "zh", left=0).left == "今天到期"
    provisional = due(date(2026, 12, 30), wd(3), calendar=CALENDAR)
    assert "暂定" in explain(provisional, "zh", left=3).text
    assert explain(provisional, "en", left=3).because == " (over New Year's Day)"


@pytest.mark.parametrize(("value", "unit"), [(0, "wd"), (-1, "cd"), (True, "wd"), (3, "week")])
def test_it_refuses_a_length_that_cannot_be_counted(value: int, unit: str) -> None:
    with pytest.raises(LengthError):
        Length(value, unit)  # type: ignore[arg-type]
