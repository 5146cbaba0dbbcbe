from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.formats.identifiers import make_uscc
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.models import Fact
from shugu.party import queries, services
from shugu.party.models import Person
from tests import snapshot
from tests.world import PAPER, SETUP, World, token

PASSWORD = "correct horse battery"


@pytest.fixture()
def today(db: None) -> World:
    return snapshot.world(snapshot.this_moment())


def _token(actor: Any, scopes: tuple[str, ...] = ("read", "act")) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(actor, clock.now(), scopes)}"}


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


def _own_key(actor: Actor) -> str:
    order = services.IssueApiKey("own", ("read", "act"))
    return services.issue_api_key(order, actor=actor, now=clock.now() - timedelta(minutes=2)).token


def _asked(token: str) -> tuple[int, str]:
    answer = Client().get("/api/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("error", {}).get("code", "")


def test_a_key_made_by_a_password_alone_opens_no_seat_before_nor_after_enrolling(today: World) -> None:
    old = _own_key(today.otto)
    assert _asked(old) == (403, "totp-required")
    Person.objects.filter(pk=today.person_of("otto")).update(totp_confirmed_at=clock.now() - timedelta(minutes=1))
    assert _asked(old) == (403, "key-before-totp")
    fresh = services.issue_api_key(services.IssueApiKey("own"), actor=today.otto, now=clock.now()).token
    assert _asked(fresh) == (200, "")


def test_resetting_the_one_time_password_stops_the_keys_made_under_the_lost_one(today: World) -> None:
    made = token(today.tara, clock.now() - timedelta(minutes=5))
    assert _asked(made) == (200, "")
    services.reset_totp(services.ResetTotp(today.person_of("tara")), actor=today.otto, now=clock.now())
    assert _asked(made) == (403, "totp-required")
    Person.objects.filter(pk=today.person_of("tara")).update(totp_confirmed_at=clock.now())
    assert _asked(made) == (403, "key-before-totp")


def test_a_seat_ends_the_keys_its_holder_made_before(today: World) -> None:
    person = services.register_person(services.RegisterPerson("zoe", "佐伊"), actor=SETUP, now=clock.now())
    zoe = queries.actor_for(person.pk)
    first, other = _own_key(zoe), _own_key(zoe)
    assert _asked(first) == (200, "")
    Person.objects.filter(pk=person.pk).update(totp_confirmed_at=clock.now() - timedelta(hours=1))
    services.grant_seat(services.GrantSeat(person.pk, "operator"), actor=today.otto, now=clock.now())
    assert _asked(first)[0] == 401 and _asked(other)[0] == 401
    ended = Fact.objects.filter(name="api_key.revoked", subject=f"party.person:{person.pk}")
    assert ended.count() == 2
    assert _asked(token(queries.actor_for(person.pk), clock.now())) == (200, "")


def test_a_members_key_for_an_organisation_needs_no_one_time_password(today: World) -> None:
    assert _asked(token(today.alice, clock.now())) == (200, "")


def test_a_body_that_is_no_json_is_told_what_is_wanted(today: World) -> None:
    answer = Client().post("/api/keys", "{", content_type="application/json", headers={"accept-language": "en"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "body-unreadable") and "JSON object" in error["remedy"]
