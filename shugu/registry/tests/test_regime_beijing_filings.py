"""北京市企业数据知识产权工作指引（试行） 第十三条至第十六条、第二十五条: change, filing, renewal, cancellation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shugu.kernel.errors import (
    GuardRefused,
    HeldBack,
    InputInvalid,
    MaterialsMissing,
)
from shugu.registry import queries
from shugu.registry.tests.beijing import FILINGS, GOLDEN_WEEK, answers, filed, registered, through
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "beijing")


# --- after the first registration ---------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", FILINGS)
def test_a_filing_is_in_time_on_the_tenth_working_day_and_late_after_it(r: Regime, operation: str) -> None:
    """第十六条: from 28 September 2026, over National Day and two made-up days, to 16 October.

    carries: P2-138
    """
    number = registered(r)
    r.at(GOLDEN_WEEK)
    rows = [filed(r, operation, number, GOLDEN_WEEK) for _ in range(2)]
    for row, day, status in ((rows[0], date(2026, 10, 16), "met"), (rows[1], date(2026, 10, 17), "late")):
        assert r.clock(row, "filing_period").due_on == date(2026, 10, 16)
        r.at(day, 23, 59)
        r.upload_all(row, "submit")
        r.act(row, "submit")
        assert r.clock(row, "filing_period").status == status


@pytest.mark.parametrize("operation", FILINGS)
def test_the_contract_is_signed_by_both_sides_and_names_the_other(r: Regime, operation: str) -> None:
    """第十六条.

    carries: P2-138
    """
    number = registered(r)
    with pytest.raises(InputInvalid) as refusal:
        r.file(operation, entry=number, answers=answers(operation, r.now.date()))
    assert "counterparty_org" in refusal.value.field_errors
    row = filed(r, operation, number)
    r.upload(row, FILINGS[operation], signers=1)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    r.upload(row, FILINGS[operation], signers=2)
    r.act(row, "submit")
    assert r.state(row) == "submitted"


def test_a_trade_makes_the_buyer_the_holder(r: Regime) -> None:
    """第十六条: a trade is a change (our reading), and changes are examined.

    carries: P2-138
    """
    number = registered(r)
    row = through(r, filed(r, "trade_change", number))
    assert "filing.passed" in r.facts(row)
    assert queries.entry_by_number(number, r.now.date()).holder_org == r.world.bob.org
    assert [c.kind for c in r.certificates(row)] == ["data_ip_certificate"]


@pytest.mark.parametrize("operation", ["pledge_filing", "licence_filing"])
def test_a_pledge_or_licence_is_filed_beside_the_entry_and_discharged(r: Regime, operation: str) -> None:
    """第十六条: a filing (our reading), seen on the entry until discharged.

    carries: P2-138 P5-267
    """
    number = registered(r)
    row = through(r, filed(r, operation, number))
    assert "filing.passed" not in r.facts(row) and r.facets(number) == {"valid", "encumbered"}
    assert [c.kind for c in r.certificates(row)] == ["filing_receipt"]
    if operation == "pledge_filing":
        with pytest.raises(HeldBack):
            through(r, filed(r, "trade_change", number))
    through(r, r.file("discharge", entry=number))
    assert r.facets(number) == {"valid"}


def test_a_change_makes_a_new_version_and_a_cancellation_ends_it(r: Regime) -> None:
    """第十三条、第十四条.

    carries: P2-133 P2-134
    """
    number = registered(r)
    row = through(r, r.file("change", entry=number, title="更名后的数据集合"))
    assert queries.entry_by_number(number, r.now.date()).title == "更名后的数据集合"
    assert r.certificates(row)[0].kind == "data_ip_certificate"
    through(r, r.file("cancellation", entry=number))
    assert "cancelled" in r.facets(number)


def test_renewal_is_sought_before_the_registration_expires(r: Regime) -> None:
    """第二十五条: the time before expiry is the venue's own sixty days.

    carries: P2-147
    """
    number = registered(r)
    last = queries.entry_by_number(number, r.now.date()).valid_until
    early = r.file("renewal", entry=number)
    r.upload_all(early, "submit")
    with pytest.raises(GuardRefused):
        r.act(early, "submit")
    r.at(last - timedelta(days=60))
    r.act(early, "submit")
    r.act(early, "issue", r.world.rita)
    assert queries.entry_by_number(number, r.now.date()).valid_until > last
    r.at(last + timedelta(days=1))
    assert "expired" not in r.facets(number)


def test_renewal_after_expiry_comes_too_late(r: Regime) -> None:
    """第二十五条: before the registration expires.

    carries: P2-147
    """
    number = registered(r)
    last = queries.entry_by_number(number, r.now.date()).valid_until
    r.at(last + timedelta(days=1))
    assert "expired" in r.facets(number)
    late = r.file("renewal", entry=number)
    r.upload_all(late, "submit")
    with pytest.raises(GuardRefused):
        r.act(late, "submit")
