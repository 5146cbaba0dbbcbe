"""What this process runs for: venue, rule set, calendar, suite, demonstration or real. Read once, then kept."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from shugu.kernel.calendars import Calendar
    from shugu.kernel.home import Home
    from shugu.kernel.rules import RuleSet


def home() -> Home:
    found: Home = settings.HOME
    return found


@lru_cache(maxsize=1)
def venue_id() -> str:
    return home().config.venue


@lru_cache(maxsize=1)
def demo() -> bool:
    return home().demo


@lru_cache(maxsize=1)
def log_store() -> str:
    return home().config.log_store


def rules_on(day: date) -> RuleSet:
    return _profile(venue_id(), day)


@lru_cache(maxsize=32)
def _profile(venue: str, day: date) -> RuleSet:
    """Read once a process: rule files come with the software and change with it."""
    from shugu.kernel.rules import load_profile

    return load_profile(venue, day)


def rules() -> RuleSet:
    """The rule set in force today at this venue."""
    from shugu.kernel import clock
    from shugu.kernel.workdays import local_day

    return rules_on(local_day(clock.now()))


@lru_cache(maxsize=64)
def rules_by_id(rule_set: str) -> RuleSet:
    """The rule set a case began under, from the copy kept when it was first used. Errors: NotFound."""
    from shugu.kernel.rulebook import recall

    return recall(rule_set)


@lru_cache(maxsize=1)
def calendar() -> Calendar:
    from shugu.kernel.calendars import Calendar

    return Calendar.load()


@lru_cache(maxsize=1)
def suite() -> str:
    return str(rules().profile.suite)


def forget() -> None:
    """Read the home anew (tests, and after `shugu init`)."""
    for cached in (venue_id, demo, log_store, rules_by_id, calendar, suite):
        cached.cache_clear()
