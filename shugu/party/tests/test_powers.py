from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.kernel import clock, documents
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.kernel.workdays import local_day
from shugu.party import queries, services
from shugu.party.errors import RightMissing
from shugu.party.models import Membership, Person, Power
from tests import snapshot
from tests.world import PAPER, SETUP, World, token


@pytest.fixture()
def today(db: None) -> World:
    return snapshot.world(snapshot.this_moment())


def _granted(world: World, *, days: int = 30, **changes: Any) -> Power:
    asked: dict[str, Any] = {
        "principal": world.alice.org, "agent": world.quinn.org, "scopes": ("registration",),
        "until": local_day(world.now) + timedelta(days=days), **changes,
    }  # fmt: skip
    return services.grant_power(services.GrantPower(**asked), actor=world.alice, now=world.now)


def _has(world: World, *, after: int = 0, scope: str = "registration") -> bool:
    assert world.alice.org and world.quinn.org
    return queries.has_power(world.quinn.org, world.alice.org, scope, local_day(world.now) + timedelta(days=after))


def test_an_agent_holds_the_power_from_the_day_it_is_granted_to_its_last_day(world: World) -> None:
    assert not _has(world)
    _granted(world, days=30)
    assert _has(world) and _has(world, after=30)
    assert not _has(world, after=31) and not _has(world, after=-1)
    assert not _has(world, scope="settlement")


def test_a_power_works_one_way_and_for_its_agent_only(world: World) -> None:
    _granted(world)
    assert world.alice.org and world.quinn.org and world.bob.org
    day = local_day(world.now)
    assert not queries.has_power(world.alice.org, world.quinn.org, "registration", day)
    assert not queries.has_power(world.bob.org, world.alice.org, "registration", day)
    assert queries.principals_of(world.quinn.org, "registration", day) == [world.alice.org]


@pytest.mark.parametrize(("who", "side"), [("alice", "principal"), ("quinn", "agent")])
def test_either_side_ends_a_power_and_it_stops_that_day_but_not_before(world: World, who: str, side: str) -> None:
    row, actor = _granted(world), getattr(world, who)
    later = world.now + timedelta(days=3)
    services.revoke_power(services.RevokePower(row.pk, actor.org), actor=actor, now=later)
    assert _has(world, after=2) and not _has(world, after=3)
    assert world.alice.org is not None
    assert [p.ended_by for p in queries.powers_of(world.alice.org)] == [side]
    assert Fact.objects.filter(name="power.revoked", subject=f"party.org:{world.alice.org}").count() == 1


def test_ending_a_power_twice_changes_nothing(world: World) -> None:
    row = _granted(world)
    for days in (1, 2):
        services.revoke_power(
            services.RevokePower(row.pk, world.alice.org or 0), actor=world.alice, now=world.now + timedelta(days=days)
        )
    row.refresh_from_db()
    assert row.ended_on == local_day(world.now) + timedelta(days=1)
    assert Fact.objects.filter(name="power.revoked").count() == 1


def test_a_third_organisation_ends_no_power_and_is_not_told_that_it_exists(world: World) -> None:
    row = _granted(world)
    with pytest.raises(NotFound):
        services.revoke_power(services.RevokePower(row.pk, world.bob.org or 0), actor=world.bob, now=world.now)
    with pytest.raises(Forbidden):
        services.revoke_power(services.RevokePower(row.pk, world.alice.org or 0), actor=world.bob, now=world.now)
    assert _has(world)


def test_only_a_member_who_may_sign_grants_and_ends(world: World) -> None:
    person = services.register_person(services.RegisterPerson("zoe", "佐伊"), actor=SETUP, now=world.now)
    services.add_member(services.AddMember(world.alice.org or 0, person.pk, ("act",)), actor=world.alice, now=world.now)
    zoe = queries.actor_for(person.pk, world.alice.org)
    row = _granted(world)
    cmd = services.GrantPower(world.alice.org or 0, world.bob.org or 0, ("registration",), local_day(world.now))
    with pytest.raises(RightMissing):
        services.grant_power(cmd, actor=zoe, now=world.now)
    with pytest.raises(RightMissing):
        services.revoke_power(services.RevokePower(row.pk, world.alice.org or 0), actor=zoe, now=world.now)
    with pytest.raises(Forbidden):
        services.grant_power(cmd, actor=world.rita, now=world.now)
    assert Power.objects.count() == 1


def test_it_names_every_wrong_field_of_a_power_at_once(world: World) -> None:
    with pytest.raises(InputInvalid) as refused:
        _granted(world, agent=world.alice.org, scopes=("everything",), days=-1)
    assert set(refused.value.field_errors) == {"agent", "scopes", "until"}
    with pytest.raises(InputInvalid):
        _granted(world, agent=10**9)
    with pytest.raises(InputInvalid):
        _granted(world, scopes=())
    assert not Power.objects.exists()


def test_the_instrument_is_signed_with_the_principals_key_and_named_in_the_fact(world: World) -> None:
    row = _granted(world, paper=services.PowerPaper("委托书.pdf", "application/pdf", PAPER))
    assert queries.signature_holds(row.signature, row.digest)
    written = json.loads(documents.get(row.digest))
    assert written["principal"] == queries.organisation(world.alice.org or 0).number
    assert written["agent"] == queries.organisation(world.quinn.org or 0).number
    assert (written["scopes"], written["document"]) == (["registration"], row.document)
    fact = json.loads(Fact.objects.get(name="power.granted").payload or "")
    assert fact["digests"] == {"power_of_attorney": row.digest, "paper": row.document}
    assert documents.get(row.document) == PAPER


def test_a_paper_that_is_not_what_it_claims_is_refused(world: World) -> None:
    with pytest.raises(InputInvalid):
        _granted(world, paper=services.PowerPaper("委托书.pdf", "application/pdf", b"MZ not a pdf"))
    assert not Power.objects.exists()


def _browser(actor: Actor) -> Client:
    client, now = Client(), clock.now().isoformat()
    session = client.session
    stamp = Person.objects.get(pk=actor.person or 0).stamp
    session["seat"] = {"person": actor.person, "org": actor.org, "stamp": stamp, "since": now, "seen_at": now}
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    return client


def test_granting_reading_and_revoking_on_the_organisations_pages(today: World) -> None:
    alice, quinn = _browser(today.alice), _browser(today.quinn)
    home = f"/organisations/{queries.organisation(today.alice.org or 0).number}/"
    assert f"{home}powers/" in alice.get(home).content.decode()
    agent = queries.organisation(today.quinn.org or 0)
    until = (local_day(clock.now()) + timedelta(days=10)).isoformat()
    sent = {"agent": agent.uscc, "scopes": ["registration"], "until": until, "key": str(uuid4())}
    with_paper = {**sent, "paper": SimpleUploadedFile("委托书.pdf", PAPER, "application/pdf")}
    answer = alice.post(f"{home}powers/new/", with_paper)
    assert answer.status_code == 302, answer.content.decode()
    row = Power.objects.get()
    assert agent.name in alice.get(f"{home}powers/").content.decode()
    theirs = quinn.get(f"/organisations/{agent.number}/powers/").content.decode()
    assert "数源数据科技有限公司" in theirs and "辞去" in theirs
    assert quinn.get(f"/powers/{row.pk}/paper/").content == PAPER
    for stranger in (_browser(today.bob), _browser(today.mallory)):
        assert stranger.get(f"/powers/{row.pk}/paper/").status_code == 404
        assert stranger.get(f"{home}powers/").status_code == 404
        assert stranger.post(f"{home}powers/{row.pk}/revoke/").status_code == 404
    assert alice.post(f"{home}powers/{row.pk}/revoke/").status_code == 302
    assert "已撤销" in alice.get(f"{home}powers/?lang=zh").content.decode()
    assert "Revoked" in alice.get(f"{home}powers/?lang=en").content.decode()


def test_the_page_shows_what_is_wrong_beside_the_field(today: World) -> None:
    home = f"/organisations/{queries.organisation(today.alice.org or 0).number}/"
    sent = {"agent": "ORG-NOBODY", "scopes": ["registration"], "until": "2099-01-01", "key": str(uuid4())}
    answer = _browser(today.alice).post(f"{home}powers/new/", sent)
    assert answer.status_code == 422 and "没有这个单位" in answer.content.decode()
    agent = queries.organisation(today.quinn.org or 0).number
    fake = SimpleUploadedFile("委托书.pdf", b"MZ", "application/pdf")
    answer = _browser(today.alice).post(f"{home}powers/new/", {**sent, "agent": agent, "paper": fake})
    assert answer.status_code == 422 and "application/pdf" in answer.content.decode()


def _headers(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(actor, clock.now())}"}


def test_granting_and_ending_through_the_api(today: World) -> None:
    alice, agent = _headers(today.alice), queries.organisation(today.quinn.org or 0).number
    body = {"agent": agent, "scopes": ["registration"], "until": "2099-12-31"}
    made = Client().post("/api/powers", body, content_type="application/json", headers=alice)
    assert made.status_code == 201 and made.json()["in_force"] is True, made.content
    held = Client().get("/api/powers", headers=_headers(today.quinn)).json()
    assert [p["power"] for p in held] == [made.json()["power"]]
    assert Client().get("/api/powers", headers=_headers(today.bob)).json() == []
    path = f"/api/powers/{made.json()['power']}/revoke"
    assert Client().post(path, headers=_headers(today.bob)).status_code == 404
    ended = Client().post(path, headers=alice).json()
    assert (ended["in_force"], ended["ended_by"]) == (False, "principal")


@pytest.mark.parametrize(
    "wrong", [{"until": "tomorrow"}, {"agent": "nobody"}, {"paper": {"filename": "a", "media_type": "b", "content": "%"}}]
)
def test_the_api_refuses_a_malformed_power(today: World, wrong: dict[str, Any]) -> None:
    agent = queries.organisation(today.quinn.org or 0).number
    body = {"agent": agent, "scopes": ["registration"], "until": "2099-12-31", **wrong}
    answer = Client().post("/api/powers", body, content_type="application/json", headers=_headers(today.alice))
    assert answer.status_code == 422
    assert not Membership.objects.filter(org__number="nobody").exists() and not Power.objects.exists()
