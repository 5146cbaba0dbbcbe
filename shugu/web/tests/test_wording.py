from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.rules import Force
from shugu.kernel.text import Text
from shugu.web.shapes import ClockFace, Event, Progress, Source
from shugu.web.wording import clock_words, event_place, progress_words, source_dates, source_words

DUE = date(2026, 10, 12)
FACE = ClockFace(DUE, 3, note=Text("含国庆调休", "with make-up days"))


def test_it_says_how_many_working_days_are_left_and_until_when() -> None:
    assert clock_words(FACE) == Text(
        "还剩 3 个工作日，至 2026-10-12（含国庆调休）", "3 working days left, until 2026-10-12 (with make-up days)"
    )


def test_it_says_overdue_in_words() -> None:
    told = clock_words(ClockFace(DUE, -1))
    assert told == Text("已逾期 1 个工作日，应于 2026-10-12 前", "overdue by 1 working day, was due 2026-10-12")


def test_it_calls_the_last_day_today() -> None:
    assert clock_words(ClockFace(DUE, 0)) == Text("今天到期，2026-10-12", "due today, 2026-10-12")


def test_a_provisional_day_says_so() -> None:
    told = clock_words(ClockFace(DUE, 5, provisional=True))
    assert "暂定" in told.zh and "provisional" in told.en


def test_a_stopped_clock_says_why_and_what_remains() -> None:
    told = clock_words(ClockFace(DUE, 4, stopped=Text("异议处理中", "an objection is open")))
    assert told == Text(
        "计时已暂停：异议处理中；恢复后还有 4 个工作日",
        "stopped: an objection is open; 4 working days left once resumed",
    )


def test_a_bar_forbids_until_its_end_and_is_never_overdue() -> None:
    bar = ClockFace(DUE, 9, "cd", "bar")
    assert clock_words(bar).zh == "期满前不得办理，至 2026-10-12"
    assert not replace(bar, left=-1).overdue
    assert "已过" in clock_words(replace(bar, left=-1)).zh


def test_a_done_duty_is_neither_pressing_nor_overdue() -> None:
    done = ClockFace(DUE, -3, met_on=date(2026, 10, 9))
    assert not done.overdue and not done.pressing
    assert clock_words(done) == Text("已于 2026-10-09 办结", "done on 2026-10-09")


def test_the_owners_own_words_stand() -> None:
    assert clock_words(ClockFace(DUE, 1, words=Text("甲", "A"))) == Text("甲", "A")


@given(st.integers(-400, 400), st.sampled_from(["wd", "cd"]), st.booleans())
@settings(max_examples=80)
def test_the_words_alone_tell_overdue_from_not(left: int, unit: str, provisional: bool) -> None:
    face = ClockFace(DUE, left, unit, provisional=provisional)
    told = clock_words(face)
    assert face.overdue == ("逾期" in told.zh) == ("overdue" in told.en)
    assert "2026-10-12" in told.zh and "2026-10-12" in told.en
    assert left == 0 or str(abs(left)) in told.zh


def test_a_source_tells_document_article_and_dates() -> None:
    source = Source(Text("办法", "Measures"), "第十五条", Force.MUST, effective=date(2023, 6, 1))
    assert source_words(source) == Text("办法 第十五条", "Measures 第十五条")
    assert source_dates(source) == Text("自 2023-06-01 起施行", "from 2023-06-01")
    assert source_dates(replace(source, until=date(2025, 5, 31))) == Text(
        "2023-06-01 至 2025-05-31", "2023-06-01 to 2025-05-31"
    )
    assert source_dates(replace(source, effective=None)) is None


def test_an_event_without_a_moment_lies_ahead() -> None:
    assert event_place(Event("x")).en == "To come"
    assert event_place(Event("x", current=True)).en == "Now"


def test_progress_never_exceeds_the_whole_and_says_when_it_is_done() -> None:
    assert Progress("x", 7, 3).percent == 100
    assert Progress("x", 0, 0).percent == 100
    assert progress_words(Progress("x", 3, 3)).en == "done, 3 items"
    assert progress_words(Progress("x", 1_000, 4_000, 50.0, 61)).zh == "1,000 / 4,000，每秒 50 项，约剩 1 分 1 秒"
