"""Contracts and vouchers that lose force, as the status lists and the register of credentials tell it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.kernel import credentials, documents, engine, journal, status_audit, subscriptions
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.market.tests.staged import Stage
from shugu.trade import services, standing
from shugu.trade.services import FailDelivery, WithdrawVoucher
from shugu.trade.tests import stages
from tests.lists import facets_of
from tests.seated import signed_in

pytestmark = pytest.mark.django_db


def deliver(stage: Stage) -> None:
    journal.assign_positions()
    subscriptions.deliver(stage.world.now)


def test_a_terminated_contract_is_said_to_be_so_once_its_fact_is_read(stage: Stage) -> None:
    row = stages.funded(stage)
    row.refresh_from_db()
    assert facets_of(row.document_digest, stage.world.now) == {"valid"}
    services.fail_delivery(FailDelivery(row.pk, "DLV-1", "rejected"), actor=stages.DELIVERY, now=stage.world.now)
    assert not list(status_audit.audit_status())  # not read yet is no fault
    deliver(stage)
    assert facets_of(row.document_digest, stage.world.now) == {"revoked"}
    assert not list(status_audit.audit_status())

    found = credentials.standing(row.number, local_day(stage.world.now))
    assert found is not None and not found.public and [line.words.en for line in found.lines] == ["terminated"]
    assert credentials.standing(row.number, local_day(stage.world.now) - timedelta(days=1)) is None


def test_an_approved_contract_that_nobody_pays_lapses_by_its_clock_and_is_cancelled(stage: Stage) -> None:
    row = stages.approved(stage)
    row.refresh_from_db()
    later = stage.world.now + timedelta(days=60)
    engine.sweep(later)
    deliver(stage)
    assert stages.seen(row).state == "lapsed"
    assert facets_of(row.document_digest, later) == {"cancelled"}
    assert {kind.name for kind in credentials.kinds()} >= {"trade.contract", "trade.voucher"}


def test_a_contract_never_approved_has_no_credential(stage: Stage) -> None:
    row = stages.drafted(stage)
    assert row.seat is None and credentials.standing(row.number, local_day(stage.world.now)) is None


def test_a_voucher_is_withdrawn_by_the_officer_on_a_ground_and_for_good(stage: Stage) -> None:
    voucher, world = stages.completed(stage), stage.world
    order = WithdrawVoucher(voucher.number, "judgment", "交易被判决撤销", "（2026）浙0192民初1号")
    with pytest.raises(Forbidden):
        services.withdraw_voucher(order, actor=world.alice, now=world.now)
    for ground, wrong in (("", {"ground", "reason"}), ("judgment", {"document", "reason"}), ("error", {"reason"})):
        with pytest.raises(InputInvalid) as told:
            services.withdraw_voucher(WithdrawVoucher(voucher.number, ground, " "), actor=world.cora, now=world.now)
        assert set(told.value.field_errors) == wrong
    before = credentials.standing(voucher.number, local_day(world.now))
    assert before is not None and before.facets == {"valid"} and facets_of(voucher.digest, world.now) == {"valid"}

    later = world.now + timedelta(days=1)
    services.withdraw_voucher(order, actor=world.cora, now=later)
    assert facets_of(voucher.digest, later) == {"revoked"}
    now, then = (credentials.standing(voucher.number, local_day(at)) for at in (later, world.now))
    assert now is not None and now.facets == {"revoked"} and now.lines[0].reason == order.document
    assert now.lines[0].words.en == "withdrawn: a judgment or award in force"
    assert then is not None and then.facets == {"valid"}
    with pytest.raises(NotFound):
        services.withdraw_voucher(order, actor=world.cora, now=later)
    assert list(standing.by_the_books_vouchers(local_day(later))) == [(voucher.seat, standing.VOUCHER)]


def test_a_contract_is_told_to_whoever_holds_it_and_to_nobody_by_its_number(stage: Stage) -> None:
    row, client = stages.funded(stage), Client()
    row.refresh_from_db()
    assert "No document can be looked up" in client.get("/verify/", {"number": row.number, "lang": "en"}).content.decode()
    assert client.get(f"/api/credentials/{row.number}").status_code == 404
    assert client.get(f"/api/credentials/{row.number}", {"digest": row.document_digest}).json()["valid"]
    file = SimpleUploadedFile("contract.json", documents.get(row.document_digest), "application/json")
    shown = client.post("/verify/?lang=en", {"file": file, "key": str(uuid4())}).content.decode()
    assert "Data contract" in shown and "How it stands" in shown


def test_a_voucher_is_told_by_number_on_any_day_without_amount_and_sides(stage: Stage) -> None:
    voucher, client = stages.completed(stage), Client()
    day = local_day(stage.world.now).isoformat()
    shown = client.get("/verify/", {"number": voucher.number, "on": day, "lang": "en"}).content.decode()
    assert "Data transaction voucher" in shown and "How it stands" in shown
    assert str(voucher.contract.price_fen) not in shown and voucher.contract.provider.name not in shown


def test_the_officer_withdraws_a_voucher_on_its_page_and_by_the_api_and_nobody_else(stage: Stage) -> None:
    voucher, world = stages.completed(stage), stage.world
    path, form = f"/vouchers/{voucher.number}/withdraw/?lang=en", {"ground": "error", "reason": "签错", "key": str(uuid4())}
    alice, cora = signed_in(world.alice), signed_in(world.cora)
    assert alice.get(path).status_code == 403 and alice.post(path, form).status_code == 403
    assert "Withdraw this voucher" in cora.get(f"/vouchers/{voucher.number}/?lang=en").content.decode()
    assert "Withdraw this voucher" not in alice.get(f"/vouchers/{voucher.number}/?lang=en").content.decode()
    assert "loses force for good" in cora.get(path).content.decode()
    missing = cora.post(path, {**form, "ground": "decision"})
    assert missing.status_code == 422 and "签错" in missing.content.decode()
    api = f"/api/vouchers/{voucher.number}"
    assert Client().get(api).json()["valid"] is True
    asked = {"ground": "error", "reason": "x"}
    assert Client().post(f"{api}/withdraw", asked, content_type="application/json").status_code in (401, 403)
    assert cora.post(path, form).status_code == 302
    shown = Client().get(f"/vouchers/{voucher.number}/?lang=en").content.decode()
    assert "has no force any more" in shown and "issued in error" in shown
    told = Client().get(api).json()
    assert told["valid"] is False and told["withdrawn"]["ground"] == "error"
