"""The venue's delivery receipt: issued on acceptance, verified offline and on paper, withdrawn for good."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from shugu.delivery import kinds, proof_paper, queries, services
from shugu.delivery.models import Proof
from shugu.delivery.proving import STATUS, WithdrawProof
from shugu.delivery.tests import stages
from shugu.delivery.tests.stages import Stage
from shugu.formats.pdf import verify_pdf
from shugu.formats.verdicts import Verdict
from shugu.kernel import clock, credentials, documents, engine, own_documents, status_audit
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.kernel.workdays import local_day
from shugu.trade import queries as trade
from tests.lists import facets_of
from tests.seated import signed_in

pytestmark = pytest.mark.django_db


def accepted(stage: Stage, folder: Path) -> Proof:
    number = stages.granted(stage).number
    stages.pulled(stage, folder / "got.parquet")
    services.accept_delivery(services.AcceptDelivery(number), actor=stage.world.bob, now=stage.now)
    return Proof.objects.get(delivery__number=number)


def test_acceptance_issues_the_receipt_and_the_voucher_will_name_it(stage: Stage, tmp_path: Path) -> None:
    row = accepted(stage, tmp_path)
    subject = queries.proof(row.number).credential["credentialSubject"]
    receipt = stage.grant().receipts[0]
    assert row.number.startswith("RCT-") and subject["delivery"]["accepted_by"] == "buyer"
    assert subject["metered"] == {"receipts": 1, "billable": stage.plane.size, "sent": receipt.sent}
    assert [r["digest"] for r in subject["receipts"]] == [receipt.digest]
    assert subject["data"] == {"sha256": stage.delivery().data_digest, "file": stages.FILE, "size": stage.plane.size}
    assert trade.contract_by_id(stage.contract.id).delivery["digests"]["venue_receipt"] == row.digest
    fact = Fact.objects.get(pk=row.fact)
    assert fact.name == "delivery.proved" and row.digest in (fact.payload or "")
    assert facets_of(row.digest, stage.now) == {"valid"}


def test_a_delivery_accepted_by_silence_says_so(stage: Stage, tmp_path: Path) -> None:
    number = stages.granted(stage).number
    stages.pulled(stage, tmp_path / "got.parquet")
    engine.sweep(stage.now + timedelta(days=30))
    assert queries.proof(number).credential["credentialSubject"]["delivery"]["accepted_by"] == "silence"


def test_a_rejected_delivery_has_no_receipt(stage: Stage, tmp_path: Path) -> None:
    number = stages.granted(stage).number
    stages.pulled(stage, tmp_path / "got.parquet")
    services.reject_delivery(services.RejectDelivery(number, "unreadable"), actor=stage.world.bob, now=stage.now)
    with pytest.raises(NotFound):
        queries.proof(number)


def test_the_paper_is_signed_carries_the_credential_and_verifies(stage: Stage, tmp_path: Path) -> None:
    row = accepted(stage, tmp_path)
    found = queries.proof(row.number)
    for lang in ("zh", "en"):
        pdf = proof_paper.proof_pdf(found.credential, found.digest, lang, now=stage.now, actor=stage.world.bob)
        report = verify_pdf(pdf, own_documents.verifier(clock.wall()))
        assert report.verdict is not Verdict.FAILED, [c.detail for c in report.checks]
        assert report.credential == json.loads(documents.get(row.digest))


def test_the_officer_withdraws_it_on_a_ground_and_it_is_said_everywhere(stage: Stage, tmp_path: Path) -> None:
    row, world = accepted(stage, tmp_path), stage.world
    order = WithdrawProof(row.number, "judgment", "交付被判决认定为不成立", "（2026）浙0192民初2号")
    with pytest.raises(Forbidden):
        services.withdraw_proof(order, actor=world.alice, now=stage.now)
    with pytest.raises(InputInvalid) as told:
        services.withdraw_proof(WithdrawProof(row.number, "judgment", ""), actor=world.cora, now=stage.now)
    assert set(told.value.field_errors) == {"document", "reason"}
    services.withdraw_proof(order, actor=world.cora, now=stage.now)
    assert facets_of(row.digest, stage.now) == {"revoked"}
    assert list(kinds.by_the_books(local_day(stage.now))) == [(row.seat, STATUS)]
    assert not list(status_audit.audit_status())
    standing = credentials.standing(row.number, local_day(stage.now))
    assert standing is not None and standing.lines[0].words.zh == "已撤销：生效裁判或仲裁裁决"
    with pytest.raises(NotFound):
        services.withdraw_proof(order, actor=world.cora, now=stage.now)


def test_anybody_reaches_its_page_by_the_short_link_and_sees_neither_sides_nor_meter(stage: Stage, tmp_path: Path) -> None:
    row, client = accepted(stage, tmp_path), Client()
    assert client.get(f"/v/{row.number}").headers["Location"] == f"/receipts/{row.number}/"
    shown = client.get(f"/receipts/{row.number}/?lang=en").content.decode()
    assert "Data delivery receipt" in shown and row.digest in shown
    provider = queries.proof(row.number).credential["credentialSubject"]["provider"]["name"]
    assert provider not in shown and stages.FILE not in shown
    assert client.get(f"/receipts/{row.number}.json").status_code in (302, 404)
    told = client.get(f"/api/delivery-receipts/{row.number}").json()
    assert told["valid"] and "credential" not in told
    assert "Data delivery receipt" in client.get("/verify/", {"number": row.number, "lang": "en"}).content.decode()


def test_the_parties_have_it_as_pdf_and_json_and_the_officer_withdraws_on_the_page(stage: Stage, tmp_path: Path) -> None:
    row = accepted(stage, tmp_path)
    bob, cora = signed_in(stage.world.bob), signed_in(stage.world.cora)
    assert row.number in bob.get(f"/deliveries/{stage.delivery().number}/").content.decode()
    assert bob.get(f"/receipts/{row.number}.json").content == documents.get(row.digest)
    assert bob.get(f"/receipts/{row.number}.pdf").content.startswith(b"%PDF-1.7")
    assert bob.get(f"/receipts/{row.number}/withdraw/").status_code == 403
    path = f"/receipts/{row.number}/withdraw/?lang=en"
    form = {"ground": "judgment", "document": "", "reason": "签错", "key": str(uuid4())}
    refused = cora.post(path, form)
    assert refused.status_code == 422 and "number of the document" in refused.content.decode()
    assert cora.post(path, {**form, "ground": "error"}).status_code == 302
    assert "withdrawn" in cora.get(f"/receipts/{row.number}/?lang=en").content.decode()
    assert Client().get(f"/api/delivery-receipts/{row.number}").json()["valid"] is False
