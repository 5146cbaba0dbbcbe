"""贵州省数据要素登记服务管理办法（试行） 第二十八条至第三十二条、第三十七条: trades, trusts and changes."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.cases import mandate
from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotFound, NotYourStep
from shugu.registry import queries, queries_notices, services
from shugu.registry.models import Filing, TradeRecord
from shugu.registry.tests.guizhou import entry_number, issued, kinds, noticed, registered, submitted
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guizhou")


# Trades (第二十八条)


def test_a_trade_signed_on_the_exchange_registers_itself_once(r: Regime) -> None:
    """第二十八条: no application; told twice it is registered once; both certificates are issued.

    carries: P6-310
    """
    number = entry_number(r)
    line = queries.entry_by_number(number, r.now.date())
    told = services.RecordTrade(line.id, "voucher:V-1", {"voucher": "V-1", "contract": "CTR-1"}, r.world.bob.org)
    for _ in range(2):
        services.record_trade(told, actor=mandate("trade", "voucher:V-1"), now=r.now)
    assert TradeRecord.objects.filter(entry_id=line.id).count() == 1
    [row] = Filing.objects.filter(operation="trade")
    assert r.state(row) == "registered" and row.counterparty_id == r.world.bob.org
    assert kinds(r, row) == ["transaction_certificate", "usufruct_certificate"]
    said = r.certificates(row)[0].credential["credentialSubject"]
    assert said["holders"][0]["name"] and said["counterparty"]["name"] and said["counterparty"] != said["holders"][0]
    assert r.facets(number) == {"valid"}


def test_only_the_exchange_registers_without_review(r: Regime) -> None:
    """第二十八条: the parties themselves go through the procedure."""
    row = r.file("trade_by_holder", entry=entry_number(r), counterparty=r.world.bob.org)
    with pytest.raises(NotYourStep):
        r.act(row, "issue", by=r.world.alice)


def test_the_holder_registers_a_trade_after_the_buyer_agrees(r: Regime) -> None:
    """第二十八条: either side applies once the other agrees; no third-party review is asked of a trade.

    carries: P6-309
    """
    row = r.file("trade_by_holder", entry=entry_number(r), counterparty=r.world.bob.org)
    submitted(r, row)
    assert r.state(row) == "offered"
    with pytest.raises(NotFound):
        r.act(row, "agree", by=r.world.mallory)
    with pytest.raises(GuardRefused):
        r.act(row, "consent", by=r.world.alice)
    r.act(row, "agree", by=r.world.bob)
    issued(r, noticed(r, row))
    assert kinds(r, row) == ["transaction_certificate", "usufruct_certificate"]
    assert "filing.confirmed" not in r.facts(row)


def test_the_buyer_registers_a_trade_after_the_holder_agrees(r: Regime) -> None:
    """第二十八条.

    carries: P6-309
    """
    number = entry_number(r)
    row = r.file("trade_by_buyer", entry=number, applicant=r.world.bob)
    r.upload_all(row, "submit", by=r.world.bob)
    r.act(row, "submit", by=r.world.bob)
    with pytest.raises(GuardRefused):
        r.act(row, "agree", by=r.world.bob)
    r.act(row, "consent", by=r.world.alice)
    issued(r, noticed(r, row))
    assert "transaction_certificate" in kinds(r, row) and r.facets(number) == {"valid"}


def test_a_trade_names_both_parties_object_and_amount(r: Regime) -> None:
    """第二十八条: an application without the amount or the other side is not taken.

    carries: P6-309
    """
    number = entry_number(r)
    with pytest.raises(InputInvalid):
        r.file("trade_by_holder", entry=number, counterparty=r.world.bob.org, answers={"amount": ""})
    with pytest.raises(InputInvalid):
        r.file("trade_by_holder", entry=number)


def test_the_registration_of_a_traded_object_is_checked(r: Regime) -> None:
    """第三十七条: nothing is traded on an expired registration, nor registered as a trade.

    carries: P6-316
    """
    number = entry_number(r)
    line = queries.entry_by_number(number, r.now.date())
    assert queries.tradable(line.id, date(2028, 4, 15)) == ()
    assert [reason.code for reason in queries.tradable(line.id, date(2028, 4, 16))] == ["expired"]
    row = r.file("trade_by_holder", entry=number, counterparty=r.world.bob.org)
    r.upload_all(row, "submit")
    r.at(date(2028, 4, 16))
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


@pytest.mark.parametrize(("asked", "shown"), [("yes", 0), ("no", 1)])
def test_the_public_notice_names_nobody_when_that_was_asked_for(r: Regime, asked: str, shown: int) -> None:
    """第二十八条、第二十九条: anonymised notice keeps trade secrets; the amount is never published.

    carries: P6-309 P6-311
    """
    row = r.file("trade_by_holder", entry=entry_number(r), counterparty=r.world.bob.org, answers={"anonymous": asked})
    submitted(r, row)
    r.act(row, "agree", by=r.world.bob)
    noticed(r, row)
    told = queries_notices.notice(row.number, r.now)
    assert len(told.holders) == shown and bool(told.applicant) == bool(shown)
    assert "amount" not in told.form and "traded_content" in told.form


# Trusts (第二十九条、第三十条)


def trusted(r: Regime, number: str) -> Filing:
    row = r.file("trust", entry=number, counterparty=r.world.bob.org, reviewer=r.world.quinn.org)
    submitted(r, row)
    r.act(row, "agree", by=r.world.bob)
    return issued(r, noticed(r, row))


def test_a_trust_is_reviewed_published_and_stands_beside_the_entry(r: Regime) -> None:
    """第二十九条、第三十条.

    carries: P6-311
    """
    number = entry_number(r)
    row = trusted(r, number)
    assert kinds(r, row) == ["trust_certificate", "usufruct_certificate"]
    assert r.facets(number) == {"valid", "encumbered"}
    assert "filing.confirmed" in r.facts(row)


@pytest.mark.parametrize("absent", ["trust_object_certificate", "trust_agreement"])
def test_a_trust_needs_the_object_s_certificate_and_the_agreement(r: Regime, absent: str) -> None:
    """第三十条（一）（二）.

    carries: P6-311
    """
    row = r.file("trust", entry=entry_number(r), counterparty=r.world.bob.org, reviewer=r.world.quinn.org)
    r.upload_all(row, "submit", but=(absent,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


def test_the_trustee_applies_with_the_settlor_s_consent_and_the_third_party_s_review(r: Regime) -> None:
    """第二十九条、第三十条（三）.

    carries: P6-311
    """
    bob = r.world.bob
    row = r.file("trust_by_trustee", entry=entry_number(r), applicant=bob, reviewer=r.world.quinn.org)
    r.upload_all(row, "submit", by=bob)
    r.act(row, "submit", by=bob)
    r.act(row, "consent", by=r.world.alice)
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    with pytest.raises(MaterialsMissing):
        r.act(row, "confirm", by=r.world.quinn, conclusion="真实、合规")


# Changes (第三十一条、第三十二条)


def test_a_change_of_content_is_reviewed_and_renews_both_certificates(r: Regime) -> None:
    """第三十一条、第三十二条: the old certificates are superseded.

    carries: P6-312
    """
    first = registered(r)
    number = r.entry(first).number
    row = r.file("change", entry=number, title="城市客流统计数据（2026 版）", reviewer=r.world.quinn.org)
    r.upload_all(row, "submit", but=("change_proof",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    issued(r, noticed(r, submitted(r, row)))
    assert kinds(r, row) == ["data_element_certificate", "usufruct_certificate"]
    assert all("superseded" in c.facets for c in r.certificates(first))
    assert r.entry(row).title == "城市客流统计数据（2026 版）"


@pytest.mark.parametrize("cause", ["gift", "inheritance", "dissolution", "trade", "merger", "division", "bankruptcy", "ruling"])
def test_the_new_holder_registers_a_change_of_the_right_holder(r: Regime, cause: str) -> None:
    """第三十一条、第三十三条; 条例（草案）第二十四条: by each of its causes; the old term goes on.

    carries: P6-235 P6-312 P6-313
    """
    number, bob = entry_number(r), r.world.bob
    row = r.file("transfer", entry=number, applicant=bob, reviewer=r.world.quinn.org, answers={"transfer_cause": cause})
    r.upload_all(row, "submit", by=bob)
    r.act(row, "submit", by=bob)
    issued(r, noticed(r, row))
    found = r.entry(row)
    assert found.holder_org == bob.org and found.valid_until == date(2028, 4, 15)
    assert kinds(r, row) == ["data_element_certificate", "usufruct_certificate"]


@pytest.mark.parametrize("absent", ["parties_identity", "former_certificate", "transfer_proof"])
def test_a_change_of_the_right_holder_needs_each_paper(r: Regime, absent: str) -> None:
    """第三十二条（一）（二）（三）.

    carries: P6-312
    """
    row = r.file("transfer", entry=entry_number(r), applicant=r.world.bob, reviewer=r.world.quinn.org)
    r.upload_all(row, "submit", by=r.world.bob, but=(absent,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.bob)
