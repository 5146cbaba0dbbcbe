"""A case on paper: the days it gives are those that hands and calendar give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.calendars import Calendar
from shugu.kernel.procedure import Table, parse_table
from shugu.kernel.rules import Force, RuleValue, Status
from shugu.kernel.simulation import Question, Simulation, simulate
from shugu.kernel.table_questions import asked_codes, barring, good_end

CALENDAR = Calendar.load()


def title(words: str) -> dict[str, str]:
    return {"zh": words, "en": words}


def step(from_: str | list[str], do: str, by: str, to: Any, **more: Any) -> dict[str, Any]:
    goes = {"outcomes": to} if isinstance(to, list) else {"to": to}
    return {"from": from_, "do": do, "title": title(do), "by": [by], "fact": f"filing.{do}_done", **goes, **more}


def clock(id_: str, kind: str, on: str, spans: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": title(id_), "kind": kind, "length": f"town.{id_}", "starts": {"on": on}, "spans": [spans], **more}


def table(*, submit_to: Any = "submitted", guards: tuple[str, ...] = (), quorum: int | None = None) -> Table:
    voices = {"quorum": quorum, "consent_fact": "filing.voted"} if quorum else {}
    raw = {
        "id": "town.first", "version": 1, "title": title("town"), "source": "第一条", "subject": "town.filing",
        "opened": "filing.drafted", "opener": ["applicant"],
        "party": [
            {"role": "applicant", "title": title("applicant")},
            {"role": "registrar", "title": title("registrar"), "seat": "registrar"},
        ],
        "state": [
            *({"id": s, "title": title(s)} for s in ("draft", "submitted", "notice", "cleared")),
            *({"id": s, "title": title(s), "final": True} for s in ("registered", "refused")),
        ],
        "step": [
            step("draft", "submit", "applicant", submit_to, **{"if": list(guards)}),
            step("submitted", "accept", "registrar", "notice", **voices),
            step("submitted", "refuse", "registrar", "refused", input=["reason"]),
            step("notice", "end_notice", "clock", "cleared"),
            step(["notice", "cleared"], "issue", "registrar", "registered"),
        ],
        "clock": [
            clock("acceptance", "duty", "filing.submit_done", "submitted"),
            clock("bar", "bar", "filing.accept_done", "notice", act=["issue"], length="town.notice"),
            clock("end", "fire", "filing.accept_done", "notice", act=["end_notice"], length="town.notice"),
            clock("issue", "duty", "filing.end_notice_done", "cleared"),
        ],
    }  # fmt: skip
    return parse_table(raw, "town", "made table")


@dataclass(frozen=True)
class Rules:
    id: str = "town"

    def value(self, key: str) -> RuleValue:
        length = {"town.acceptance": 5, "town.notice": 5, "town.issue": 3}[key]
        since, note = (date(2020, 1, 1), None), ("期", "time")
        return RuleValue(key, length, "wd", "town/measures/2020-01-01", "第二条", Force.MUST, Status.IN_FORCE, since, note)


def tried(made: Table, on: date, **data: Any) -> Simulation:
    return simulate(Question(made, Rules(), on, data), CALENDAR)


def days(found: Simulation) -> dict[str, tuple[str, str]]:
    return {s.step.do: (s.earliest.on.isoformat(), s.latest.on.isoformat()) for s in found.steps}


def test_it_counts_over_mid_autumn_golden_week_and_its_make_up_saturday() -> None:
    """Counted by hand: 25 to 27 September and 1 to 7 October 2026 are off, Saturday 10 October is worked."""
    assert days(tried(table(), date(2026, 9, 21))) == {
        "submit": ("2026-09-21", "2026-09-21"),
        "accept": ("2026-09-21", "2026-09-29"),
        "end_notice": ("2026-09-30", "2026-10-13"),
        "issue": ("2026-09-30", "2026-10-16"),
    }


def test_a_step_without_a_clock_is_told_as_free_of_limits() -> None:
    free = {s.step.do: s.free for s in tried(table(), date(2026, 3, 2)).steps}
    assert free == {"submit": True, "accept": False, "end_notice": False, "issue": False}


def test_clocks_say_from_when_they_run_and_which_do_not_start() -> None:
    found = tried(table(), date(2026, 9, 21))
    bar = next(c for c in found.clocks if c.row.id == "bar")
    assert (bar.earliest[0], bar.earliest[1].on) == (date(2026, 9, 21), date(2026, 9, 29))
    assert (bar.latest[0], bar.latest[1].on) == (date(2026, 9, 29), date(2026, 10, 12))
    assert found.idle == ()


def test_what_follows_from_a_year_without_a_holiday_notice_is_provisional() -> None:
    unpublished = max(CALENDAR.tables) + 1
    found = tried(table(), date(unpublished - 1, 12, 24))
    assert not found.steps[0].earliest.provisional
    assert found.steps[-1].latest.provisional
    assert found.steps[-1].latest.on.year == unpublished


def test_an_answer_chooses_the_route() -> None:
    routes = [{"to": "cleared", "if": "registry.answer:simple=yes"}, {"to": "submitted"}]
    simple = tried(table(submit_to=routes), date(2026, 3, 2), simple="yes")
    assert [s.step.do for s in simple.steps] == ["submit", "issue"]
    assert [s.step.do for s in tried(table(submit_to=routes), date(2026, 3, 2), simple="no").steps][1] == "accept"
    assert asked_codes(table(submit_to=routes)) == {"simple": ("yes",)}


def test_an_answer_that_bars_ends_the_case_and_is_told() -> None:
    routes = [{"to": "refused", "if": "registry.answer:secret=yes"}, {"to": "submitted"}]
    found = tried(table(submit_to=routes), date(2026, 3, 2), secret="yes")
    assert (found.end, found.stuck) == ("refused", "refused")
    assert barring(table(submit_to=routes)) == {("secret", "yes")}


def test_what_only_the_real_case_knows_is_assumed_and_told() -> None:
    found = tried(table(guards=("registry.account_open", "registry.no_open_objection")), date(2026, 3, 2))
    assert found.steps[0].conditions == ("registry.account_open", "registry.no_open_objection")
    assert found.steps[0].assumed == ("registry.account_open",)
    assert found.end == good_end(table()) == "registered"


def test_a_step_with_a_quorum_counts_as_one() -> None:
    assert [s.step.do for s in tried(table(quorum=3), date(2026, 3, 2)).steps] == ["submit", "accept", "end_notice", "issue"]


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2019, 1, 1), date(2034, 12, 31)))
def test_no_step_is_later_than_its_latest_day_nor_before_the_step_before(on: date) -> None:
    steps = tried(table(), on).steps
    assert all(s.earliest.on <= s.latest.on for s in steps)
    for before, after in pairwise(steps):
        assert before.earliest.on <= after.earliest.on and before.latest.on <= after.latest.on
    assert steps[-1].latest.on - on < timedelta(days=60)


@pytest.mark.parametrize("on", [date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 10)])
def test_a_case_may_begin_on_any_day(on: date) -> None:
    assert tried(table(), on).steps[0].earliest.on == on
