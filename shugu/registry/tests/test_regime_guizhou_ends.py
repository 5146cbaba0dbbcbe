"""贵州省数据要素登记服务管理办法（试行） 第三十三条至第三十五条: deregistration, revocation, renewal."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel import duties, journal
from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotYourStep
from shugu.kernel.models import Case, Fact
from shugu.kernel.tables import table
from shugu.registry.errors import EntryEnded
from shugu.registry.models import Entry, Filing
from shugu.registry.tests.guizhou import entry_number, examined, issued, noticed, registered, submitted
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guizhou")


# Deregistration and revocation (第三十三条、第三十四条)


def test_the_registrant_deregisters(r: Regime) -> None:
    """第三十三条: the certificates are void.

    carries: P6-313
    """
    first = registered(r)
    number = r.entry(first).number
    row = submitted(r, r.file("cancellation", entry=number))
    assert r.clock(row, "acceptance_period").due_on == date(2026, 4, 20)
    examined(r, row)
    r.act(row, "issue", by=r.world.rita)
    assert r.facets(number) == {"cancelled"}
    assert all("valid" not in c.facets for c in r.certificates(first))


def test_a_stranger_cannot_deregister_but_a_new_holder_with_a_ruling_can(r: Regime) -> None:
    """第三十三条: the ruling is filed.

    carries: P6-313
    """
    number, bob = entry_number(r), r.world.bob
    with pytest.raises(InputInvalid):
        r.file("cancellation", entry=number, applicant=bob)
    row = r.file("cancellation_by_ruling", entry=number, applicant=bob)
    r.upload(row, "new_holder_identity", by=bob)
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=bob)
    r.upload(row, "ruling", by=bob)
    r.act(row, "submit", by=bob)
    examined(r, row)
    r.act(row, "issue", by=r.world.rita)
    assert r.facets(number) == {"cancelled"}


def test_the_registry_deregisters_where_nobody_succeeds(r: Regime) -> None:
    """第三十三条: on the registry's own motion, decided by a second person.

    carries: P6-313
    """
    number = entry_number(r)
    row = r.file("cancellation_by_registry", entry=number, by=r.world.rita)
    r.upload_all(row, "submit", by=r.world.rita)
    r.act(row, "submit", by=r.world.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "pass", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    r.act(row, "issue", by=r.world.rita)
    assert r.facets(number) == {"cancelled"}


@pytest.mark.parametrize("ground", ["fraud", "security_incident", "authority"])
@pytest.mark.parametrize(("extent", "facets"), [("whole", {"revoked"}), ("part", {"valid", "revoked_in_part"})])
def test_the_registry_revokes_the_whole_or_a_part_on_each_ground(
    r: Regime, ground: str, extent: str, facets: set[str]
) -> None:
    """第三十四条: with the evidence of its ground, and after the registrant could speak.

    carries: P6-314
    """
    number = entry_number(r)
    row = r.file("revocation", entry=number, by=r.world.rita, answers={"revocation_ground": ground, "extent": extent})
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.rita)
    r.upload_all(row, "submit", by=r.world.rita)
    r.act(row, "submit", by=r.world.rita)
    r.act(row, "explain", by=r.world.alice, answer="陈述意见")
    r.act(row, "pass", by=r.world.rong)
    r.act(row, "issue", by=r.world.rita)
    assert r.facets(number) == facets


# Renewal (第三十五条)


@pytest.mark.parametrize(
    ("day", "open_"),
    [(date(2028, 3, 14), False), (date(2028, 3, 15), True), (date(2028, 4, 15), True), (date(2028, 4, 16), False)],
)
def test_renewal_is_sought_in_the_month_before_expiry(r: Regime, day: date, open_: bool) -> None:
    """第三十五条: the last month, its first and last day included.

    carries: P6-315
    """
    number = entry_number(r)
    r.at(day)
    row = r.file("renewal", entry=number)
    r.upload_all(row, "submit")
    if open_:
        assert r.state(r.act(row, "submit")) == "submitted"
    else:
        with pytest.raises(GuardRefused):
            r.act(row, "submit")


def renewed(r: Regime, number: str, day: date) -> Filing:
    r.at(day)
    row = submitted(r, r.file("renewal", entry=number))
    return issued(r, examined(r, row))


def test_a_renewed_term_runs_two_years_from_the_previous_expiry(r: Regime) -> None:
    """第三十五条: whenever in the month it is granted.

    carries: P6-315
    """
    row = renewed(r, entry_number(r), date(2028, 3, 20))
    assert {c.valid_until for c in r.certificates(row)} == {date(2030, 4, 15)}


def test_a_renewal_with_changes_is_filed_as_a_change(r: Regime) -> None:
    """第三十五条: substantive review and public notice, the term still from the previous expiry.

    carries: P6-315
    """
    number = entry_number(r)
    r.at(date(2028, 3, 20))
    with pytest.raises(InputInvalid):
        r.file("renewal", entry=number, answers={"unchanged": "changed"})
    row = r.file("renewal_with_changes", entry=number, reviewer=r.world.quinn.org)
    issued(r, noticed(r, submitted(r, row)))
    assert {"filing.confirmed", "filing.noticed"} <= set(r.facts(row))
    assert {c.valid_until for c in r.certificates(row)} == {date(2030, 4, 15)}


def watched(r: Regime) -> None:
    """The facts so far reach the duty table, which opens the watch over every term."""
    journal.assign_positions()
    for fact in journal.read(0, 1000):
        if fact.name == "filing.issued":
            duties.open_duty(table("guizhou.expiry"), fact, r.now)


def watch_states(number: str) -> list[str]:
    line = Entry.objects.get(number=number)
    rows = Case.objects.filter(procedure="guizhou.expiry", data__entry=line.pk).order_by("pk")
    return list(rows.values_list("state", flat=True))


def test_without_renewal_the_registry_deregisters_after_the_last_day(r: Regime) -> None:
    """第三十五条: still there on the last day; struck out and announced after it.

    carries: P6-315
    """
    number = entry_number(r)
    watched(r)
    r.at(date(2028, 4, 16), 20)
    r.sweep()
    assert r.facets(number) == {"expired"} and watch_states(number) == ["running"]
    r.at(date(2028, 4, 17))
    r.sweep()
    assert "cancelled" in r.facets(number) and watch_states(number) == ["deregistered"]
    assert Fact.objects.filter(name="entry.cancelled", payload__contains="term_over").count() == 1


def test_a_renewed_entry_is_not_deregistered(r: Regime) -> None:
    """第三十五条: the new term has a watch of its own.

    carries: P6-315
    """
    number = entry_number(r)
    watched(r)
    renewed(r, number, date(2028, 4, 10))
    watched(r)
    r.at(date(2028, 4, 17))
    r.sweep()
    assert r.facets(number) == {"valid"} and watch_states(number) == ["renewed", "running"]


def test_a_renewal_handed_in_before_expiry_is_waited_for(r: Regime) -> None:
    """第三十五条: who did apply is not struck out while the registry decides; refused, the entry ends.

    carries: P6-315
    """
    number = entry_number(r)
    watched(r)
    r.at(date(2028, 4, 14))
    row = submitted(r, r.file("renewal", entry=number))
    r.at(date(2028, 4, 17))
    r.sweep()
    assert watch_states(number) == ["waiting"] and "cancelled" not in r.facets(number)
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "reject", by=r.world.rong, refusal_ground="no_consent", reason="授权已终止")
    r.act(row, "refuse", by=r.world.rita)
    r.at(date(2028, 5, 8))
    r.sweep()
    assert watch_states(number) == ["deregistered"] and "cancelled" in r.facets(number)


@pytest.mark.parametrize("operation", ["change", "transfer", "trust", "trade_by_holder", "renewal", "cancellation"])
def test_nothing_is_done_to_a_deregistered_entry(r: Regime, operation: str) -> None:
    """第三十三条: it is out of the book; the archive stays."""
    number = entry_number(r)
    row = submitted(r, r.file("cancellation", entry=number))
    examined(r, row)
    r.act(row, "issue", by=r.world.rita)
    if operation == "trade_by_holder":
        late = r.file(operation, entry=number, counterparty=r.world.bob.org)
        r.upload_all(late, "submit")
        with pytest.raises(GuardRefused):
            r.act(late, "submit")
    else:
        with pytest.raises(EntryEnded):
            r.file(operation, entry=number, reviewer=r.world.quinn.org, counterparty=r.world.bob.org)
