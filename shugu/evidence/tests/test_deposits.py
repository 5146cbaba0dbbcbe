"""Deposits of evidence: digests fixed in the log, a report and a certificate, and the check that anybody may make."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from shugu.evidence import queries, queries_deposit, services
from shugu.evidence.depositing import DepositEvidence, Item, deposit
from shugu.evidence.models import Deposit
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_document
from shugu.kernel import clock, documents, signer
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from tests.world import PAPER, World, token

pytestmark = pytest.mark.django_db
Visit = Callable[[Actor | None], Client]
ELSEWHERE = hashlib.sha256(b"kept elsewhere").hexdigest()
ITEMS = (Item("权属声明.pdf", "application/pdf", PAPER), Item("训练集", sha256=ELSEWHERE))


@pytest.fixture()
def now() -> datetime:
    """Pages read the clock, so their stories are set just before now."""
    return clock.now() - timedelta(minutes=1)


def deposited(world: World, **changes: Any) -> Deposit:
    given: dict[str, Any] = {"title": "航班数据", "description": "2013 年离港航班", "items": ITEMS, "promise": True, **changes}
    return deposit(DepositEvidence(**given), actor=world.alice, now=world.now)


def test_a_deposit_gives_a_report_and_a_certificate_that_verify_offline(world: World) -> None:
    """T/TJIFA003 7.2.2, 7.2.3, 附件五

    carries: P2-226 P2-258 P2-259
    """
    row = deposited(world)
    services.sequence_once(world.now)
    for digest in (row.report, row.certificate):
        sealed = queries.sealed_for(digest, world.alice)
        assert verify_document(sealed, signer.keyring(), clock.now()).verdict is Verdict.SEALED
    report = json.loads(documents.get(row.report))["credentialSubject"]
    assert [i["sha256"] for i in report["items"]] == [hashlib.sha256(PAPER).hexdigest(), ELSEWHERE]
    assert report["items"][0]["sm3"] == hashlib.new("sm3", PAPER).hexdigest() and not report["items"][1]["kept"]
    said = json.loads(documents.get(row.certificate))["credentialSubject"]
    assert {"evidence_number", "evidence_date", "evidence_body", "asset_name", "basis"} <= set(said)
    assert said["holder"]["unit_code"].startswith("91330100MA2AAAAA1") and said["report"] == row.report
    assert documents.get(hashlib.sha256(PAPER).hexdigest()) == PAPER


def test_it_is_one_fact_and_never_changes(world: World) -> None:
    row = deposited(world)
    told = json.loads(Fact.objects.get(pk=row.fact).payload or "")
    assert told["digests"]["item_2"] == ELSEWHERE and told["digests"]["report"] == row.report
    for statement in ("UPDATE evidence_deposit SET title = 'x'", "DELETE FROM evidence_deposit"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_every_defect_is_told_at_once(world: World) -> None:
    bad = (Item("", "application/pdf", PAPER), Item("a", sha256="ABC"), Item("b.pdf", "application/pdf", b"no pdf"))
    with pytest.raises(InputInvalid) as refusal:
        deposited(world, title=" ", description="", items=bad, promise=False)
    assert set(refusal.value.field_errors) == {"title", "description", "item_1", "item_2", "item_3", "promise"}
    with pytest.raises(InputInvalid):
        deposited(world, items=())
    with pytest.raises(Forbidden):
        deposit(DepositEvidence("a", "b", ITEMS, True), actor=world.rita, now=world.now)
    assert not Deposit.objects.exists()


def test_only_the_depositor_and_those_who_oversee_see_it(world: World) -> None:
    row = deposited(world)
    assert queries_deposit.deposit(row.number, world.abel) == row
    for stranger in (world.bob, world.rita):
        with pytest.raises(NotFound):
            queries_deposit.deposit(row.number, stranger)
        assert queries_deposit.deposits(stranger) == []


def test_whoever_holds_document_and_number_may_check_and_learns_nothing_else(world: World) -> None:
    """T/TJIFA003 7.3.3

    carries: P2-229
    """
    row = deposited(world)
    found = queries_deposit.held(row.number, ELSEWHERE)
    assert found is not None and (found.name, found.fact) == ("训练集", row.fact)
    other = hashlib.sha256(b"another").hexdigest()
    assert queries_deposit.held(row.number, other) is None and queries_deposit.held("EVD-X", ELSEWHERE) is None
    anybody = Client()
    for number, digest in ((row.number, other), ("EVD-X", ELSEWHERE)):
        assert anybody.get(f"/api/evidence/deposits/{number}/holds/{digest}").json() == {"held": False}
    assert anybody.get(f"/api/evidence/deposits/{row.number}/holds/{ELSEWHERE}").json()["held"] is True


def two() -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, PAPER, "application/pdf") for name in ("a.pdf", "b.pdf")]


def test_the_pages_deposit_show_and_check(world: World, visit: Visit) -> None:
    alice = visit(world.alice)
    given = {
        "key": "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f16", "title": "航班数据", "description": "说明", "promise": "on",
        "papers": two(),
        "digests": f"{ELSEWHERE}  训练集.parquet\n",
    }  # fmt: skip
    assert alice.post("/evidence/deposits/new/", {**given, "digests": "not a digest"}).status_code == 422
    given["papers"] = two()
    answer = alice.post("/evidence/deposits/new/", given)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    row = Deposit.objects.get()
    assert [i["name"] for i in row.items] == ["a.pdf", "b.pdf", "训练集.parquet"]
    assert ELSEWHERE in alice.get(answer["Location"]).content.decode()
    for what in ("report", "certificate"):
        assert alice.get(f"{answer['Location']}{what}.pdf").content.startswith(b"%PDF-")
        assert alice.get(f"{answer['Location']}{what}.json").json()["credentialSubject"]
    assert alice.get(f"{answer['Location']}other.pdf").status_code == 404
    assert row.number in alice.get("/evidence/deposits/").content.decode()
    stranger = visit(world.mallory)
    assert stranger.get(answer["Location"]).status_code == 404
    anybody = visit(None)
    asked = {"number": row.number, "file": SimpleUploadedFile("x.pdf", PAPER, "application/pdf")}
    assert "在存证之中" in anybody.post("/evidence/check/", asked).content.decode()
    asked = {"number": row.number, "sha256": "0" * 64}
    assert "没有这一存证" in anybody.post("/evidence/check/", asked).content.decode()
    assert anybody.post("/evidence/check/", {"number": row.number}).status_code == 422


def test_the_api_deposits(world: World) -> None:
    header: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token(world.alice, world.now)}"}
    body = {
        "title": "航班数据", "description": "说明", "promise": True,
        "items": [{"name": "a.pdf", "media_type": "application/pdf", "content": base64.b64encode(PAPER).decode()}],
    }  # fmt: skip
    answer = Client().post("/api/evidence/deposits", body, "application/json", **header)
    assert answer.status_code == 200, answer.content
    assert Client().get(f"/api/evidence/deposits/{answer.json()['number']}", **header).json() == answer.json()
    assert Client().get(f"/api/evidence/deposits/{answer.json()['number']}").status_code == 401
    refused = Client().post("/api/evidence/deposits", {**body, "promise": False}, "application/json", **header)
    assert refused.status_code in (400, 422) and "promise" in refused.json()["error"]["field_errors"]
