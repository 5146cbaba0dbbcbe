"""Custody of papers: the clock begins when an entry or account ends, and nothing is deleted by it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from shugu.kernel.workdays import local_day
from shugu.registry import queries, retention
from shugu.registry.models import Account
from shugu.registry.shown import retention_line
from shugu.registry.tests.dali import account, measured, registered
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    found = Regime(atlas, "dali")
    account(found, "open_account", own_name="yes")
    return found


def test_what_was_revoked_is_kept_fifteen_years_from_that_day(r: Regime) -> None:
    """大理州办法第三十三条

    carries: P6-115
    """
    number = r.entry(registered(r)).number
    assert retention.of_entry(queries.entry_by_number(number, local_day(r.now)), local_day(r.now)).until is None
    row = measured(r, "revocation", number)
    r.at(r.clock(row, "hearing_period").due_on + timedelta(days=1))
    r.act(row, "issue", by=r.world.rong)
    ended = local_day(r.now)
    kept = retention.of_entry(queries.entry_by_number(number, ended), ended)
    assert (kept.ended_on, kept.until) == (ended, ended.replace(year=ended.year + 15))
    words = retention_line(kept).words
    assert "不删除" in words.zh and "15 years" in words.en
    assert "不删除" in Client().get(f"/register/{number}/").content.decode()


def test_an_account_counts_from_its_closing_and_an_expired_entry_from_its_last_day(r: Regime) -> None:
    """大理州办法第三十三条; that an expired entry counts from its last day is the venue's own reading."""
    row = Account.objects.get(register="dali", org_id=r.world.alice.org)
    assert retention.of_account(row).until is None
    row.closed_on = date(2028, 2, 29)
    assert retention.of_account(row).until == date(2043, 2, 28)
    shown = r.entry(registered(r))
    last = shown.valid_until
    assert retention.of_entry(shown, last).until is None
    later = retention.of_entry(shown, last + timedelta(days=1))
    assert (later.ended_on, later.until) == (last, last.replace(year=last.year + 15))
