"""Netting between venues: only the balance is paid, both ledgers set off, and statements that differ net nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from shugu.edges.federation import queries_settling, services, settlement_rows, views_settling
from shugu.edges.federation.domain import read_terms
from shugu.edges.federation.domain_netting import Row, differences, period_ends, period_of
from shugu.edges.federation.errors import BalanceIsTheirs, NothingToNet, PeriodRuns, TermsInvalid
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.tests.kit import ORIGIN, Other, terms
from shugu.edges.federation.tests.kit_sharing import agreed, tell
from shugu.edges.federation.tests.test_settling import (
    claim_of,
    completed_here,
    completed_there,
    line,
    seat,
    statement,
    told,
)
from shugu.formats.suites import keyring_of
from shugu.kernel import clock, signer
from shugu.kernel.audits import audits
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.models import Fact
from shugu.kernel.workdays import local_day
from shugu.settlement import queries as money
from shugu.settlement import services as settlement
from shugu.settlement.models import Account, Due, Instruction, Posting, VenueClaim
from tests.world import World

Pair = tuple[Other, Peer]


@pytest.fixture()
def there(world: World) -> Pair:
    """A venue with which only balances are paid, day by day."""
    other = Other.make()
    cmd = services.AddPeer("faraway", "远方数据交易所", "Faraway", "http://127.0.0.1:9", keyring_of(other.keys).text())
    peer = services.add_peer(cmd, actor=world.otto, now=world.now)
    agreed(other, peer, world, netting="day")
    return other, peer


class Debts:
    """Both ways: theirs for a trade here (`owed`), ours for an order there (`claimed`); both agreed, of one day."""

    def __init__(self, world: World, there: Pair, ours: int) -> None:
        self.world, self.there = world, there
        self.order, _ = completed_there(world, there)
        self.owed, self.claimed = self.order.selling_fen or 0, ours
        completed_here(world, there, ours)
        self.mona, self.nina = seat(world, "moxi"), seat(world, "nixi")
        account = settlement.SetBankAccount(None, "本场所", "示范银行", "6228489999999999")
        settlement.set_bank_account(account, actor=self.mona, now=world.now)
        self.mine = services.claim_shares(services.ClaimShares("faraway"), actor=self.mona, now=world.now)
        self.org = settlement_rows.venue_org(there[1])
        self.period = local_day(world.now).isoformat()
        assert told(there[1], "settlement.claimed")[-1]["netting"] == self.period
        assert self.tell("settlement.agreed", {"settlement": self.mine.number}) == ""
        assert self.tell("settlement.claimed", claim_of(self.order)) == "order-mismatch", "the period is part of the claim"
        assert self.tell("settlement.claimed", claim_of(self.order, netting=self.period)) == ""
        self.theirs = VenueSettlement.objects.get(side="debtor")
        services.act_on_settlement(services.ActOnSettlement(self.theirs.pk, "agree"), actor=self.mona, now=world.now)

    def tell(self, kind: str, body: dict[str, Any]) -> str:
        return tell(self.there[0], kind, body, self.world.now)

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"settlement": "XST-1", "claimant": self.there[0].origin, "amount_fen": self.owed},
            {"settlement": self.mine.number, "claimant": signer.origin(), "amount_fen": self.claimed},
        ]

    def statement(self, **changes: Any) -> dict[str, Any]:
        """The netting as the other venue draws it up, the balance being due to it."""
        return {
            "settlement": "XST-9", "period": self.period, "currency": "CNY", "rows": self.rows(),
            "amount_fen": self.owed - self.claimed,
            "account": {"holder": "远方数据交易所有限公司", "bank": "远方银行", "number": "6222000000000001"}, **changes,
        }  # fmt: skip

    def whole(self) -> None:
        """Every promise about money and settlements holds."""
        assert sum(Account.objects.values_list("balance", flat=True)) == 0 and money.audit() == []
        assert list(audits()["federation.settlements"]()) == [] == list(audits()["federation.fees"]())


def pages(debts: Debts, view: Any, *args: str) -> list[str]:
    """The page in Chinese and in English."""
    request = RequestFactory().get("/")
    request.actor, request.htmx = debts.mona, False  # type: ignore[attr-defined]
    out = []
    for lang in ("zh-hans", "en"):
        with translation.override(lang):
            out.append(str(view(request, *args).content.decode()))
    return out


def test_the_balance_due_to_us_is_all_that_comes(world: World, there: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.now)
    debts = Debts(world, there, 90_000)
    due = debts.claimed - debts.owed
    assert due > 0 and money.between(debts.org) == money.Between(debts.owed, debts.claimed, 0)
    assert Due.objects.get(kind="selling_venue").payee == {}, "agreed, and in no run: it waits for its balance"
    with pytest.raises(PeriodRuns):
        services.net_shares(services.NetShares("faraway", debts.period), actor=debts.mona, now=world.now)
    world.now += timedelta(days=1)
    with pytest.raises(Forbidden):
        services.net_shares(services.NetShares("faraway", debts.period), actor=world.otto, now=world.now)
    with pytest.raises(NothingToNet):
        services.net_shares(services.NetShares("faraway", "2026-03"), actor=debts.mona, now=world.now)
    [period] = queries_settling.standing("faraway", debts.mona).periods
    assert (period.to_us, period.by_us, period.ours) == (debts.claimed, debts.owed, True)
    listed = pages(debts, views_settling.settlements)
    assert all(f"/federation/settlements/net/faraway/{debts.period}/" in page for page in listed)
    first = services.net_shares(services.NetShares("faraway", debts.period), actor=debts.mona, now=world.now)
    assert debts.tell("settlement.declined", {"settlement": first.number, "reason": "漏列 XST-4"}) == ""
    assert queries_settling.settlement(first.number, debts.mona).reason == "漏列 XST-4"
    assert VenueClaim.objects.filter(ended_at__isnull=True).count() == 1, "what was claimed stays claimed"
    with CaptureQueriesContext(connection) as asked:
        made = services.net_shares(services.NetShares("faraway", debts.period), actor=debts.mona, now=world.now)
    locking = [q["sql"] for q in asked if "FOR UPDATE" in q["sql"] and VenueSettlement._meta.db_table in q["sql"]]
    assert locking, "two officers at once would net the same settlements"
    body = told(there[1], "settlement.netted")[-1]
    for page in pages(debts, views_settling.settlement, "claimant", made.number):
        assert debts.mine.number in page and "XST-1" in page
    assert all(made.number in page for page in pages(debts, views_settling.settlement, "claimant", debts.mine.number))
    assert (made.amount, body["amount_fen"], body["rows"]) == (due, due, sorted(debts.rows(), key=lambda r: r["claimant"]))
    with pytest.raises(NothingToNet):
        services.net_shares(services.NetShares("faraway", debts.period), actor=debts.mona, now=world.now)
    assert money.between(debts.org) == money.Between(debts.owed, debts.claimed, 0), "nothing moves until they agree"
    assert debts.tell("settlement.agreed", {"settlement": made.number}) == ""
    assert money.between(debts.org) == money.Between(0, due, 0)
    assert Posting.objects.get(kind="netted").amount == debts.owed
    assert [c.number for c in VenueClaim.objects.filter(ended_at__isnull=True)] == [made.number]
    assert Fact.objects.filter(name="venue_settlement.netted").count() == 2
    debts.whole()
    statement(world, line(world, "L-9", "in", due, made.number), sequence=2, opening=_held())
    assert queries_settling.settlement(made.number, debts.mona).state == "received"
    assert money.between(debts.org) == money.Between(0, 0, 0)
    earned = sum(Posting.objects.filter(kind="venue_earned").values_list("amount", flat=True))
    assert earned == debts.claimed, "what was set off and what came are our whole part"
    debts.whole()


def _held() -> int:
    return -Account.objects.get(kind="bank").balance


@pytest.mark.campaign
def test_equal_debts_end_without_a_transfer(world: World, there: Pair) -> None:
    debts = Debts(world, there, 9_600)
    world.now += timedelta(days=1)
    made = services.net_shares(services.NetShares("faraway", debts.period), actor=debts.mona, now=world.now)
    assert (made.amount, debts.tell("settlement.agreed", {"settlement": made.number})) == (0, "")
    assert queries_settling.settlement(made.number, debts.mona).state == "received"
    assert money.between(debts.org) == money.Between(0, 0, 0) and not Due.objects.filter(reference__endswith="/balance").exists()
    debts.whole()


def test_statements_that_differ_are_named_and_the_balance_due_to_them_is_all_that_is_paid(world: World, there: Pair) -> None:
    debts = Debts(world, there, 300)
    world.now += timedelta(days=1)
    first, second = debts.rows()
    wrong: dict[str, dict[str, Any]] = {
        "漏列": {"rows": [first], "amount_fen": debts.owed},
        "不待轧差": {"rows": [first, second, {**first, "settlement": "XST-7"}], "amount_fen": 2 * debts.owed - 300},
        "分，对方为": {"rows": [first, {**second, "amount_fen": 299}], "amount_fen": debts.owed - 299},
        "差额应为": {"amount_fen": debts.owed},
        "币种": {"currency": "USD"},
        "重复": {"rows": [first, first, second]},
    }
    for place, (says, change) in enumerate(wrong.items()):
        number = f"XST-8{place}"
        assert debts.tell("settlement.netted", debts.statement(settlement=number, **change)) == ""
        found = queries_settling.settlement(number, debts.mona)
        assert found.state == "declined" and (says in found.reason or "没有待轧差" in found.reason), (says, found.reason)
        assert told(there[1], "settlement.declined")[-1] == {"settlement": number, "reason": found.reason}
    assert not Posting.objects.filter(kind="netted").exists()
    assert money.between(debts.org) == money.Between(debts.owed, 300, 0)
    bad: list[dict[str, Any]] = [{"rows": [{"settlement": "x"}]}, {"account": {}}, {"period": 3}]
    for broken in bad:
        assert debts.tell("settlement.netted", debts.statement(settlement="XST-90", **broken)) == "bad-message"
    debts.whole()
    assert debts.tell("settlement.netted", debts.statement(settlement="XST-88")) == "", "and the right one is taken afterwards"
    row = VenueSettlement.objects.get(number="XST-88")
    with pytest.raises(InputInvalid), transaction.atomic():  # a ledger that says otherwise sets nothing off
        Due.objects.filter(kind="selling_venue").update(amount=1)
        services.act_on_settlement(services.ActOnSettlement(row.pk, "agree"), actor=debts.mona, now=world.now)
    decline = services.ActOnSettlement(row.pk, "decline", {"reason": "先核对"})
    services.act_on_settlement(decline, actor=debts.mona, now=world.now)
    assert VenueSettlement.objects.filter(netting__isnull=False).count() == 0
    with pytest.raises(BalanceIsTheirs):
        services.net_shares(services.NetShares("faraway", debts.period), actor=debts.mona, now=world.now)
    assert debts.tell("settlement.netted", debts.statement()) == ""
    row = VenueSettlement.objects.get(number="XST-9")
    services.act_on_settlement(services.ActOnSettlement(row.pk, "agree"), actor=debts.mona, now=world.now)
    due = debts.owed - debts.claimed
    assert money.between(debts.org) == money.Between(due, 0, 0)
    debts.whole()
    run = settlement.propose_run(settlement.ProposeRun(), actor=debts.mona, now=world.now)
    settlement.act_on_run(settlement.ActOnRun(run.case_id, "approve"), actor=debts.nina, now=world.now)
    paid = Instruction.objects.get(payee__reference="XST-9")
    assert (paid.amount, paid.payee["number"]) == (due, "6222000000000001")
    held = _held()
    statement(world, line(world, "OUT-1", "out", due, paid.number), sequence=2, opening=held)
    assert told(there[1], "settlement.paid")[-1]["settlement"] == "XST-9"
    late = {"settlement": "XST-9", "amount_fen": due, "received_on": "2026-03-04"}
    assert debts.tell("settlement.received", late) == ""
    assert queries_settling.settlement("XST-9", debts.mona).state == "received"
    assert Due.objects.filter(kind="venue_fee", reference="XST-9/netted-due").get().amount == debts.claimed
    debts.whole()


def test_the_clause_is_read_strictly_and_periods_end(db: None) -> None:
    both = [{"venue": "a", "origin": ORIGIN}, {"venue": "b", "origin": signer.origin()}]
    plain, monthly = read_terms(terms(parties=both)), read_terms(terms(parties=both, netting="month"))
    assert (plain.netting, monthly.netting) == ("", "month")
    assert "netting" not in plain.as_dict() and monthly.as_dict()["netting"] == "month"
    for wrong in ("", "year", 1, None):
        with pytest.raises(TermsInvalid):
            read_terms(terms(parties=both, netting=wrong))
    day = date(2026, 2, 11)
    assert (period_of("month", day), period_of("day", day)) == ("2026-02", "2026-02-11")
    assert (period_ends("2026-02"), period_ends("2026-02-11")) == (date(2026, 2, 28), day)
    assert period_ends("nonsense") == period_ends("2026-13") == date.max


def test_only_its_own_claims_may_a_venue_leave_for_later() -> None:
    ours, theirs = Row("A", "us", 10), Row("B", "them", 30)
    assert differences([theirs, ours], [ours, theirs], "us", 20) == []
    assert differences([ours], [ours, theirs], "us", -10) != []
    assert differences([theirs], [ours, theirs], "us", 30) == [("漏列 A", "A is left out")]
    assert differences([], [theirs], "us", 0) == []
