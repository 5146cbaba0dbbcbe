"""From the money held to the delivery accepted, over a real connector process."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from connector.client import pull
from shugu.delivery import queries, services
from shugu.delivery.errors import DigestDiffers, NotOpen
from shugu.delivery.meter_audit import audit_meters
from shugu.delivery.models import Delivery, TokenIssue
from shugu.delivery.tests import stages
from shugu.delivery.tests.stages import Stage, headers
from shugu.formats import token as tokens
from shugu.formats.suites import generate
from shugu.kernel import engine, journal, runtime, signer, subscriptions
from shugu.kernel import queries as cases
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Forbidden, InputInvalid, KeyConflict, NotFound, Refused, TooLate
from shugu.kernel.models import CommandKey, Fact
from shugu.kernel.tables import all_defects
from shugu.trade import queries as trade


def facts(stage: Stage) -> list[str]:
    return list(Fact.objects.filter(case_id=stage.delivery().case).order_by("id").values_list("name", flat=True))


def test_the_table_of_deliveries_has_no_defect(db: None) -> None:
    assert [d for d in all_defects() if d.startswith("delivery.")] == []


def test_a_contract_is_granted_drawn_receipted_and_accepted(stage: Stage, tmp_path: Path) -> None:
    """Each act of a delivery is recorded. carries: P3-152 P5-099 P3-200"""
    found = stages.granted(stage)
    assert found.state == "granted" and trade.contract_by_id(stage.contract.id).state == "performing"
    dest = tmp_path / "got.parquet"
    stages.pulled(stage, dest)
    found = stage.delivery()
    assert found.state == "delivered" and hashlib.sha256(dest.read_bytes()).hexdigest() == found.data_digest
    used = stage.grant().usage
    assert (used.billable, used.deliveries, used.count_left) == (stage.plane.size, 1, 4)
    assert used.files == {stages.FILE: ((0, stage.plane.size),)}
    services.confirm_digest(services.ConfirmDigest(found.number, found.data_digest), actor=stage.world.bob, now=stage.now)
    services.accept_delivery(services.AcceptDelivery(found.number), actor=stage.world.bob, now=stage.now)
    contract = trade.contract_by_id(stage.contract.id)
    assert (stage.delivery().state, contract.state) == ("accepted", "delivered")
    assert contract.delivery["digests"]["delivery_receipt"] == stage.grant().receipts[0].digest
    assert facts(stage) == [
        "delivery.opened", "grant.issued", "delivery.granted", "delivery.begun", "delivery_token.issued",
        "delivery.received", "delivery.digest_confirmed", "delivery.accepted", "delivery.proved",
    ]  # fmt: skip
    assert list(audit_meters()) == []


def drain(stage: Stage) -> None:
    for _ in range(20):
        journal.assign_positions()
        if not subscriptions.deliver(stage.now):
            return


def test_the_facts_of_a_contract_open_the_delivery_and_end_it(stage: Stage) -> None:
    from shugu.trade import services as trades

    stages.bound(stage)
    drain(stage)
    assert stage.delivery().state == "opening" and stage.grant().taken_at is None
    assert services.push_grant(stages.grant_pk(stage), stage.now)
    trades.terminate_contract(trades.TerminateContract(stage.contract.number, "order"), actor=stage.world.cora, now=stage.now)
    drain(stage)
    assert stage.delivery().state == "revoked" and stage.grant().notices_waiting == 1
    assert services.push_notices(stages.grant_pk(stage), stage.now) == 1


def test_opening_again_and_pushing_again_change_nothing(stage: Stage) -> None:
    stages.granted(stage)
    before = facts(stage)
    again = stages.opened(stage)
    assert again.number == stage.delivery().number
    assert services.push_grant(stages.grant_pk(stage), stage.now)
    assert facts(stage) == before


def test_a_delivery_waits_for_the_data_file_and_opens_when_it_is_bound(stage: Stage) -> None:
    stages.opened(stage)
    assert stage.delivery().grant is None and stage.delivery().state == "opening"
    with pytest.raises(NotOpen):
        stages.token(stage)
    stages.bound(stage)
    assert services.push_grant(stages.grant_pk(stage), stage.now)
    assert stage.delivery().state == "granted"


def test_a_connector_that_is_down_is_shown_and_gets_the_grant_when_it_is_up(stage: Stage) -> None:
    stages.bound(stage)
    stages.opened(stage)
    stage.plane.kill()
    assert not services.push_grant(stages.grant_pk(stage), stage.now)
    grant = stage.grant()
    assert grant.problem is not None and grant.problem["code"] == "connector-unreachable"
    assert grant.attempts == 1 and grant.next_try_at is not None and grant.next_try_at > stage.now
    assert stage.delivery().state == "opening"
    stage.plane.start()
    assert services.push_grant(stages.grant_pk(stage), stage.now)
    assert stage.delivery().state == "granted" and stage.grant().problem is None


def test_only_the_buyer_gets_a_token_and_a_stranger_learns_nothing(stage: Stage) -> None:
    number = stages.granted(stage).number
    with pytest.raises(Forbidden):
        services.issue_token(services.IssueToken(number), actor=stage.world.alice, now=stage.now)
    with pytest.raises(NotFound):
        services.issue_token(services.IssueToken(number), actor=stage.world.mallory, now=stage.now)
    with pytest.raises(NotFound):
        queries.delivery(number, stage.world.mallory)
    assert queries.deliveries(stage.world.mallory) == []


def test_a_repeated_request_gives_the_same_token_and_nothing_keeps_its_text(stage: Stage) -> None:
    cmd = services.IssueToken(stages.granted(stage).number)
    one = services.issue_token(cmd, actor=stage.world.bob, now=stage.now, key="token-key-1")
    two = services.issue_token(cmd, actor=stage.world.bob, now=stage.now, key="token-key-1")
    text = services.token_text(one)
    assert one.pk == two.pk and services.token_text(two) == text
    assert TokenIssue.objects.get().sha256 == hashlib.sha256(text.encode()).hexdigest()
    secret = text.split(".")[1]
    assert secret not in "".join(f.payload or "" for f in Fact.objects.filter(name="delivery_token.issued"))
    assert secret not in str(CommandKey.objects.get(key="token-key-1").answer)
    with pytest.raises(KeyConflict):
        services.issue_token(services.IssueToken("DLV-other"), actor=stage.world.bob, now=stage.now, key="token-key-1")


def test_an_expired_token_and_a_forged_one_move_no_byte(stage: Stage) -> None:
    stages.granted(stage)
    text = stages.token(stage)
    url = stage.grant().url
    assert httpx.head(url, headers=headers(text), trust_env=False).status_code == 200
    real = tokens.verify(text, signer.keyring(), stage.now, stage.plane.name)
    from dataclasses import replace

    old = tokens.issue(replace(real, not_before=real.not_before - 90_000, not_after=real.not_before - 10), signer.keys()[0])
    forged = tokens.issue(real, generate("intl", signer.origin()))
    for bad in (old, forged, text[:-2] + ("AA" if text[-2:] != "AA" else "BB")):
        assert httpx.get(url, headers=headers(bad), trust_env=False).status_code == 401
    assert stage.grant().usage.sent == 0


def test_a_grant_revoked_midway_stops_serving_and_ends_the_contract_with_a_refund(stage: Stage) -> None:
    number = stages.granted(stage).number
    text = stages.token(stage)
    url = stage.grant().url
    assert httpx.get(url, headers=headers(text, Range="bytes=0-99"), trust_env=False).status_code == 206
    services.change_grant(services.ChangeGrant(number, "revoke", "违约"), actor=stage.world.alice, now=stage.now)
    services.push_notices(stages.grant_pk(stage), stage.now)
    answer = httpx.get(url, headers=headers(text, Range="bytes=100-199"), trust_env=False)
    assert answer.status_code == 403 and answer.json()["code"] == "grant-not-live"
    assert stage.delivery().state == "revoked" and trade.contract_by_id(stage.contract.id).state == "terminated"
    with pytest.raises(NotOpen):
        stages.token(stage)


def test_a_suspended_grant_serves_nothing_until_it_is_resumed(stage: Stage) -> None:
    number = stages.granted(stage).number
    text, url = stages.token(stage), stage.grant().url
    for action, actor, status in (("suspend", stage.world.otto, 403), ("resume", stage.world.otto, 200)):
        services.change_grant(services.ChangeGrant(number, action, "核查"), actor=actor, now=stage.now)
        assert services.push_notices(stages.grant_pk(stage), stage.now) == 1
        assert httpx.head(url, headers=headers(text), trust_env=False).status_code == status
    assert stage.delivery().state == "delivering"
    with pytest.raises(NotOpen):
        services.change_grant(services.ChangeGrant(number, "resume", "核查"), actor=stage.world.otto, now=stage.now)
    with pytest.raises(Forbidden):
        services.change_grant(services.ChangeGrant(number, "suspend", "核查"), actor=stage.world.bob, now=stage.now)


def test_a_rejected_delivery_gets_one_more_round_and_then_fails_with_a_refund(stage: Stage, tmp_path: Path) -> None:
    number = stages.granted(stage).number
    stages.pulled(stage, tmp_path / "one.parquet")
    first = stage.grant().number
    with pytest.raises(InputInvalid):
        services.reject_delivery(services.RejectDelivery(number, "no-such"), actor=stage.world.bob, now=stage.now)
    services.reject_delivery(services.RejectDelivery(number, "unreadable"), actor=stage.world.bob, now=stage.now)
    assert stage.delivery().state == "redelivery"
    services.redeliver(services.Redeliver(number), actor=stage.world.alice, now=stage.now)
    assert stage.delivery().round == 2 and stage.grant().number != first
    assert services.push_grant(stages.grant_pk(stage), stage.now)
    stages.pulled(stage, tmp_path / "two.parquet")
    services.reject_delivery(services.RejectDelivery(number, "incomplete"), actor=stage.world.bob, now=stage.now)
    assert stage.delivery().state == "failed" and trade.contract_by_id(stage.contract.id).state == "terminated"
    assert list(audit_meters()) == []


def test_silence_to_the_end_of_the_window_accepts_and_a_late_rejection_is_refused(stage: Stage, tmp_path: Path) -> None:
    number = stages.granted(stage).number
    stages.pulled(stage, tmp_path / "got.parquet")
    late = stage.now + timedelta(days=30)
    with pytest.raises(TooLate):
        services.reject_delivery(services.RejectDelivery(number, "unreadable"), actor=stage.world.bob, now=late)
    engine.sweep(late)
    assert stage.delivery().state == "accepted" and trade.contract_by_id(stage.contract.id).state == "delivered"


def test_a_rejected_delivery_that_is_not_repeated_in_time_fails(stage: Stage, tmp_path: Path) -> None:
    number = stages.granted(stage).number
    stages.pulled(stage, tmp_path / "got.parquet")
    services.reject_delivery(services.RejectDelivery(number, "unreadable"), actor=stage.world.bob, now=stage.now)
    engine.sweep(stage.now + timedelta(days=30))
    assert stage.delivery().state == "failed" and trade.contract_by_id(stage.contract.id).state == "terminated"


def test_accepting_with_another_digest_or_before_delivery_or_by_the_seller_is_refused(stage: Stage, tmp_path: Path) -> None:
    number = stages.granted(stage).number
    with pytest.raises(Refused):
        services.accept_delivery(services.AcceptDelivery(number), actor=stage.world.bob, now=stage.now)
    stages.pulled(stage, tmp_path / "got.parquet")
    with pytest.raises(DigestDiffers):
        services.accept_delivery(services.AcceptDelivery(number, "ab" * 32), actor=stage.world.bob, now=stage.now)
    with pytest.raises(Forbidden):
        services.accept_delivery(services.AcceptDelivery(number), actor=stage.world.alice, now=stage.now)
    services.confirm_digest(services.ConfirmDigest(number, "ab" * 32), actor=stage.world.bob, now=stage.now)
    assert "delivery.digest_disputed" in facts(stage) and stage.delivery().state == "delivered"


def test_a_contract_terminated_elsewhere_ends_the_delivery_and_revokes_its_grant(stage: Stage) -> None:
    from shugu.trade import services as trades

    stages.granted(stage)
    cmd = trades.TerminateContract(stage.contract.number, "order")
    trades.terminate_contract(cmd, actor=stage.world.cora, now=stage.now)
    actor = mandate("delivery", f"terminated:{stage.contract.number}")
    services.revoke_for_contract(stage.contract.id, reason="order", actor=actor, now=stage.now)
    assert stage.delivery().state == "revoked" and stage.grant().state == "revoked"
    services.revoke_for_contract(stage.contract.id, reason="order", actor=actor, now=stage.now)
    assert Delivery.objects.get(contract_id=stage.contract.id).grants.get().sequence == 1


def _acceptance(stage: Stage) -> tuple[str, date]:
    clock = next(c for c in cases.clocks(stage.delivery().case, stage.now) if c.id == "acceptance")
    return clock.status, clock.due_on


def _changed(stage: Stage, action: str, now: datetime) -> None:
    order = services.ChangeGrant(stage.delivery().number, action, "核查数据来源")
    services.change_grant(order, actor=stage.world.otto, now=now)


def test_a_suspended_grant_stops_the_time_to_accept_and_a_resumed_one_lets_it_run_on(stage: Stage, tmp_path: Path) -> None:
    stages.granted(stage)
    stages.pulled(stage, tmp_path / "got.parquet")
    status, due = _acceptance(stage)
    assert status == "running"
    _changed(stage, "suspend", stage.now)
    assert stage.delivery().state == "suspended" and _acceptance(stage)[0] == "paused"
    later = stage.now + timedelta(days=60)
    engine.sweep(later)
    assert stage.delivery().state == "suspended"
    with pytest.raises(Refused):
        services.accept_delivery(services.AcceptDelivery(stage.delivery().number), actor=stage.world.bob, now=later)
    _changed(stage, "resume", later)
    assert stage.delivery().state == "delivered"
    status, moved = _acceptance(stage)
    assert status == "running" and moved > due + timedelta(days=50)
    assert facts(stage)[-4:] == ["grant.suspended", "delivery.paused", "grant.resumed", "delivery.continued"]
    services.accept_delivery(services.AcceptDelivery(stage.delivery().number), actor=stage.world.bob, now=later)
    assert stage.delivery().state == "accepted"


def test_a_suspension_does_not_keep_the_buyer_from_refusing(stage: Stage, tmp_path: Path) -> None:
    stages.granted(stage)
    stages.pulled(stage, tmp_path / "got.parquet")
    _changed(stage, "suspend", stage.now)
    reason = next(iter(runtime.rules().value("delivery.rejection_reasons").codes))
    services.reject_delivery(
        services.RejectDelivery(stage.delivery().number, reason), actor=stage.world.bob, now=stage.now + timedelta(days=60)
    )
    assert stage.delivery().state == "redelivery"


def test_a_receipt_that_comes_while_the_grant_is_suspended_starts_no_time(stage: Stage, tmp_path: Path) -> None:
    stages.granted(stage)
    text = stages.token(stage)
    receipt = pull(stage.grant().url, text, tmp_path / "got.parquet", purpose=stages.PURPOSE).receipt
    _changed(stage, "suspend", stage.now)
    assert stage.delivery().state == "delivering"
    services.take_receipt(services.TakeReceipt(receipt), actor=mandate("connector", "test"), now=stage.now)
    assert stage.delivery().state == "suspended" and _acceptance(stage)[0] == "paused"
