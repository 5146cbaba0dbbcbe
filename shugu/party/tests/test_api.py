from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.formats.identifiers import make_uscc
from shugu.kernel import clock
from shugu.party import queries, services
from tests import snapshot
from tests.world import PAPER, World

PASSWORD = "correct horse battery"


@pytest.fixture()
def today(db: None) -> World:
    return snapshot.world(snapshot.this_moment())


def _token(actor: Any, scopes: tuple[str, ...] = ("read", "act")) -> dict[str, str]:
    issued = services.issue_api_key(services.IssueApiKey("t", scopes, actor.org), actor=actor, now=clock.now())
    return {"Authorization": f"Bearer {issued.token}"}


def _post(path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    return Client().post(path, body, content_type="application/json", headers=headers)


def test_a_newcomer_is_accredited_through_the_api_alone(today: World) -> None:
    new = {"login": "api-newby", "name": "接口新人", "password": PASSWORD}
    assert _post("/api/persons", new, {}).status_code == 201
    own = _post("/api/keys", {"login": "api-newby", "password": PASSWORD, "title": "first"}, {}).json()["token"]
    founder = {"Authorization": f"Bearer {own}"}
    org = _post("/api/organisations", {"name": "接口公司", "uscc": make_uscc("91330100MA2NNNNN9")}, founder).json()
    asked = {"login": "api-newby", "password": PASSWORD, "title": "org", "organisation": org["organisation"]}
    member = {"Authorization": f"Bearer {_post('/api/keys', asked, {}).json()['token']}"}
    case = _post("/api/accreditations", {"kind": "provider"}, member).json()["case"]
    for material in ("licence", "commitment"):
        sent = {"file": SimpleUploadedFile("a.pdf", PAPER, "application/pdf")}
        filed = Client().post(f"/api/cases/{case}/materials/{material}", sent, headers=member)
        assert filed.status_code == 201, filed.content
    assert _post(f"/api/accreditations/{case}/submit", {}, member).json()["state"] == "submitted"
    desk = Client().get("/api/desk", headers=_token(today.rita)).json()
    assert case in [row["case"] for row in desk["items"]]
    assert _post(f"/api/cases/{case}/accept", {}, _token(today.rita)).json()["state"] == "reviewing"
    done = _post(f"/api/accreditations/{case}/approve", {"input": {"opinion": "ok"}}, _token(today.rong)).json()
    assert done["state"] == "accredited" and done["number"].startswith("MER-")
    me = Client().get("/api/me", headers=member).json()
    assert me["organisation"]["accredited"] == ["provider"]
    seen = Client().get(f"/api/cases/{case}", headers=member).json()
    assert [f["name"] for f in seen["timeline"]][-1] == "accreditation.granted"


def test_the_api_looks_at_no_cookie_and_takes_no_wrong_key(today: World) -> None:
    assert Client().get("/api/me").status_code == 401
    assert Client().get("/api/me", headers={"Authorization": "Bearer sk_aaaa_bbbb"}).status_code == 401


def test_a_read_key_reads_and_does_not_act(today: World) -> None:
    reader = _token(today.mallory, ("read",))
    assert Client().get("/api/me", headers=reader).status_code == 200
    refused = _post("/api/accreditations", {"kind": "buyer"}, reader)
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "scope-missing"


def test_unknown_fields_and_wrong_check_digits_are_answered_by_field(today: World) -> None:
    zoe = _token(today.mallory)
    extra = _post("/api/organisations", {"name": "公司", "uscc": "x", "colour": "red"}, zoe)
    assert extra.status_code == 422 and "colour" in extra.json()["error"]["field_errors"]
    wrong = _post("/api/organisations", {"name": "公司", "uscc": "91330100MA2NNNNN99"[:18]}, zoe)
    assert wrong.status_code == 422 and "uscc" in wrong.json()["error"]["field_errors"]


def test_a_stranger_gets_not_found_for_a_case_and_a_replayed_key_with_other_content_a_conflict(today: World) -> None:
    mallory = {**_token(today.mallory), "Idempotency-Key": "apply-0001"}
    first = _post("/api/accreditations", {"kind": "buyer"}, mallory).json()
    assert _post("/api/accreditations", {"kind": "buyer"}, mallory).json() == first
    assert _post("/api/accreditations", {"kind": "provider"}, mallory).status_code == 409
    for path in (f"/api/cases/{first['case']}", f"/api/organisations/{queries.organisation(today.mallory.org or 0).number}"):
        assert Client().get(path, headers=_token(today.bob)).status_code == 404
    assert _post(f"/api/cases/{first['case']}/withdraw", {}, _token(today.bob)).status_code == 404
    assert _post(f"/api/cases/{first['case']}/withdraw", {}, mallory | {"Idempotency-Key": "apply-0002"}).status_code == 200
