from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from shugu.kernel import clock, holds
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Fact
from shugu.kernel.workdays import local_day
from shugu.party import queries, seat, services
from shugu.party.models import Accreditation, Person
from tests import snapshot
from tests.world import World

PAGES = ("/operations/", "/operations/people/", "/operations/people/new/", "/operations/organisations/")


@pytest.fixture()
def venue(db: None) -> World:
    """The cast on the real day: pages read the clock."""
    return snapshot.world(snapshot.this_moment())


@pytest.fixture()
def seated(monkeypatch: pytest.MonkeyPatch) -> dict[str, Actor | None]:
    """Who sits at the browser, past the sign-in that test_pages covers."""
    held: dict[str, Actor | None] = {"actor": None}

    def by_session(request: object) -> None:
        if held["actor"] is not None:
            seat._seat(request, held["actor"])  # type: ignore[arg-type]

    monkeypatch.setattr(seat, "_by_session", by_session)
    return held


def test_an_empty_venue_is_founded_with_one_operator_and_only_once(db: None) -> None:
    person = services.found_venue_staff("first", "correct horse battery", now=clock.now())
    assert queries.actor_for(person.pk).seats == {"operator"}
    assert services.sign_in("first", "correct horse battery", now=clock.now())
    with pytest.raises(Forbidden):
        services.found_venue_staff("second", "correct horse battery", now=clock.now())
    assert not Person.objects.filter(login="second").exists()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", (*PAGES, "/accreditations/"))
def test_the_operator_sees_each_page_in_both_languages(
    venue: World, seated: dict[str, Actor | None], path: str, lang: str
) -> None:
    seated["actor"] = venue.otto
    assert Client().get(path, {"lang": lang}).status_code == 200


@pytest.mark.parametrize("who", ["rita", "sven", "alice", "mallory", ""])
@pytest.mark.parametrize("path", PAGES)
def test_it_refuses_other_seats_members_and_strangers(
    venue: World, seated: dict[str, Actor | None], path: str, who: str
) -> None:
    seated["actor"] = getattr(venue, who) if who else None
    assert Client().get(path).status_code in (302, 401, 403)


def test_the_operator_makes_an_account_and_ends_its_seat(venue: World, seated: dict[str, Actor | None]) -> None:
    seated["actor"], client = venue.otto, Client()
    given = {"login": "nina", "name": "倪娜", "name_en": "", "password": "correct horse battery", "seat": "registrar"}
    assert client.post("/operations/people/new/", {**given, "key": str(uuid4())}).status_code == 302
    nina = Person.objects.get(login="nina")
    assert queries.seats_of(nina.pk) == {"registrar"}
    assert client.post("/operations/people/new/", {**given, "key": str(uuid4())}).status_code == 422
    assert client.post(f"/operations/people/{nina.pk}/seat/", {"seat": "reviewer", "key": str(uuid4())}).status_code == 302
    assert client.post(f"/operations/people/{nina.pk}/seat/registrar/end/").status_code == 302
    assert queries.seats_of(nina.pk) == {"reviewer"}


def test_an_account_whose_seat_is_refused_is_not_made(venue: World, seated: dict[str, Actor | None]) -> None:
    seated["actor"] = venue.otto
    given = {"login": "nina", "name": "倪娜", "password": "correct horse battery", "seat": "emperor", "key": str(uuid4())}
    assert Client().post("/operations/people/new/", given).status_code == 422
    assert not Person.objects.filter(login="nina").exists()


def test_a_hold_is_placed_and_lifted_with_reason_and_article(venue: World, seated: dict[str, Actor | None]) -> None:
    seated["actor"], client = venue.otto, Client()
    org = queries.organisation(venue.mallory.org or 0)
    page = f"/operations/organisations/{org.number}/"
    assert client.post(page, {"forbids": ["apply"], "reason": "核查", "article": "", "key": str(uuid4())}).status_code == 422
    given = {"forbids": ["apply"], "reason": "核查", "article": "第五条", "key": str(uuid4())}
    assert client.post(page, given).status_code == 302
    (hold,) = holds.live(f"party.org:{org.id}")
    assert (hold.forbids, hold.article) == (["apply"], "第五条")
    lifting = {"reason": "已核实", "article": "第五条", "key": str(uuid4())}
    assert client.post(f"/operations/holds/{hold.pk}/lift/", lifting).status_code == 302
    assert holds.live(f"party.org:{org.id}") == []


def test_a_withdrawn_accreditation_ends_at_once_and_leaves_the_public_list(
    venue: World, seated: dict[str, Actor | None]
) -> None:
    row = Accreditation.objects.get(org_id=venue.bob.org, kind="buyer")
    assert row.number in Client().get("/accreditations/").content.decode()
    seated["actor"] = venue.otto
    given = {"reason": "不再符合条件", "article": "第五条", "key": str(uuid4())}
    assert Client().post(f"/accreditations/{row.number}/withdraw/", given).status_code == 302
    assert not queries.is_accredited(venue.bob.org or 0, "buyer", local_day(clock.now()))
    payload = Fact.objects.filter(name="accreditation.revoked").latest("id").payload or ""
    assert row.number in payload and "不再符合" not in payload
    seated["actor"] = None
    assert row.number not in Client().get("/accreditations/").content.decode()


def test_it_refuses_a_withdrawal_by_others_and_a_second_one(world: World) -> None:
    row = Accreditation.objects.get(org_id=world.bob.org, kind="buyer")
    cmd = services.WithdrawAccreditation(row.number, "不再符合条件")
    for actor in (world.rita, world.bob, world.sven):
        with pytest.raises(Forbidden):
            services.withdraw_accreditation(cmd, actor=actor, now=world.now)
    services.withdraw_accreditation(cmd, actor=world.cora, now=world.now)
    with pytest.raises(NotFound):
        services.withdraw_accreditation(cmd, actor=world.cora, now=world.now)
