"""A registration told by JSON alone: apply, materials, acts, notice, objection, certificate."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from shugu.kernel import clock, engine
from shugu.kernel.cases import Actor
from shugu.registry import queries
from shugu.registry.models import Filing
from shugu.registry.tests.stages import act, noticed, submitted
from tests.world import FORM, PAPER, World, token

pytestmark = pytest.mark.django_db
BODY: dict[str, Any] = {"register": "data-property", "title": "纽约航班", "rights": ["holding"], "form": dict(FORM)}


@pytest.fixture()
def now() -> datetime:
    return clock.now() - timedelta(minutes=1)


class Caller:
    """One API key's view of the venue."""

    def __init__(self, actor: Actor, now: datetime) -> None:
        self.headers = {"Authorization": f"Bearer {token(actor, now)}"}
        self.client = Client()

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.client.get(f"/api{path}", headers=self.headers)
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any, key: str = "") -> tuple[int, Any]:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        answer = self.client.post(f"/api{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()


def test_a_filing_goes_from_draft_to_notice_over_json(world: World) -> None:
    alice, rita, rong = (Caller(a, world.now) for a in (world.alice, world.rita, world.rong))
    status, made = alice.post("/filings", BODY, "json-0001")
    assert status == 200 and made["state"] == "draft"
    assert alice.post("/filings", BODY, "json-0001")[1]["number"] == made["number"]
    path = f"/filings/{made['number']}"
    for material in ("source_proof", "identity", "declaration"):
        sent = {"material": material, "filename": "a.pdf", "media_type": "application/pdf",
                "content": base64.b64encode(PAPER).decode()}  # fmt: skip
        assert alice.post(f"{path}/materials", sent)[0] == 200
    assert alice.post(f"{path}/submit", {})[1]["state"] == "submitted"
    assert rita.post(f"{path}/accept", {})[1]["state"] == "review"
    assert rong.post(f"{path}/pass", {})[1]["state"] == "notice"
    assert Caller(world.mallory, world.now).get("/notices")[1][0]["number"] == made["number"]


def test_unknown_fields_and_bad_answers_come_back_by_name(world: World) -> None:
    alice = Caller(world.alice, world.now)
    status, refused = alice.post("/filings", {**BODY, "colour": "red"})
    assert status == 422 and "colour" in refused["error"]["field_errors"]
    status, refused = alice.post("/filings", {**BODY, "rights": [], "form": {}})
    assert status == 422 and {"rights", "form.summary", "form.source"} <= set(refused["error"]["field_errors"])


def test_a_stranger_is_told_that_there_is_no_such_filing(world: World) -> None:
    row = submitted(world)
    mallory = Caller(world.mallory, world.now)
    assert mallory.get(f"/filings/{row.number}")[0] == 404
    assert mallory.post(f"/filings/{row.number}/withdraw", {})[0] == 404
    assert Client().get(f"/api/filings/{row.number}").status_code == 401


def test_a_file_that_is_not_what_it_claims_is_refused(world: World) -> None:
    alice = Caller(world.alice, world.now)
    number = alice.post("/filings", BODY)[1]["number"]
    sent = {"material": "identity", "filename": "a.pdf", "media_type": "application/pdf",
            "content": base64.b64encode(b"MZ not a pdf").decode()}  # fmt: skip
    assert alice.post(f"/filings/{number}/materials", sent)[0] == 422
    assert alice.post(f"/filings/{number}/materials", {**sent, "content": "***"})[0] == 422


def test_an_objection_by_json_and_its_repetition(world: World) -> None:
    row = noticed(world)
    mallory = Caller(world.mallory, world.now)
    body = {"ground": "ownership", "statement": "该数据由我方采集"}
    assert mallory.post(f"/notices/{row.number}/objections", body)[0] == 200
    status, refused = mallory.post(f"/notices/{row.number}/objections", body)
    assert status == 409 and refused["error"]["code"] == "objected-before" and refused["error"]["article"]


def test_entries_certificates_and_registers_are_public_to_every_key(world: World) -> None:
    """One number leads everybody to the entry. carries: P3-009"""
    start = world.now - timedelta(days=30)
    row = noticed(world, start)
    engine.sweep(start + timedelta(days=15))
    act(row, "issue", world.rita, start + timedelta(days=15))
    entry = queries.entries_of(world.alice.org or 0)[0]
    mallory = Caller(world.mallory, world.now)
    told = mallory.get(f"/entries/{entry.number}")[1]
    assert told["facets"][0]["facet"] == "valid" and told["certificate"] == entry.certificate_number
    shown = mallory.get(f"/certificates/{entry.certificate_number}")[1]
    assert shown["credential"]["credentialSubject"]["entry"]["number"] == entry.number
    assert {r["id"]: r["open"] for r in mallory.get("/registers")[1]} == {"data-property": True, "data-ip": True}
    assert mallory.get("/entries/NOPE")[0] == 404
    assert Filing.objects.count() == 1
