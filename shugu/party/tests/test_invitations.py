from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import CommandKey, Fact
from shugu.kernel.workdays import local_day
from shugu.party import queries, services
from shugu.party.errors import InvitationGone, RightMissing, StaffMayNotTrade
from shugu.party.models import Invitation, Membership, Person
from tests import snapshot
from tests.world import SETUP, World, token

PASSWORD = "correct horse battery"


@pytest.fixture()
def today(db: None) -> World:
    return snapshot.world(snapshot.this_moment())


def _newcomer(world: World, login: str = "zoe") -> Actor:
    person = services.register_person(services.RegisterPerson(login, "佐伊"), actor=SETUP, now=world.now)
    return queries.actor_for(person.pk)


def _invited(world: World, login: str = "", key: str | None = None) -> services.Invited:
    cmd = services.InviteMember(world.alice.org or 0, ("act", "sign"), login, "139 0000 0000")
    return services.invite_member(cmd, actor=world.alice, now=world.now, key=key)


def test_whoever_is_invited_joins_once_with_the_rights_named(world: World) -> None:
    made, zoe = _invited(world, "zoe"), _newcomer(world)
    row = services.accept_invitation(services.accepting(made.token), actor=zoe, now=world.now)
    assert (row.org_id, row.rights) == (world.alice.org, ["sign", "act"])
    assert zoe.person in queries.members_with_right(world.alice.org or 0, "sign")
    with pytest.raises(InvitationGone):
        services.accept_invitation(services.accepting(made.token), actor=_newcomer(world, "yan"), now=world.now)
    names = Fact.objects.filter(subject=f"party.org:{world.alice.org}").order_by("-pk").values_list("name", flat=True)
    assert list(names[:3]) == ["member.added", "invitation.accepted", "member.invited"]


def test_an_invitation_by_name_is_good_for_that_name_only(world: World) -> None:
    made, other = _invited(world, "zoe"), _newcomer(world, "yan")
    with pytest.raises(InvitationGone):
        services.accept_invitation(services.accepting(made.token), actor=other, now=world.now)
    assert Invitation.objects.get().accepted_at is None


def test_an_invitation_ends_with_the_day_of_the_rules(world: World) -> None:
    made, zoe = _invited(world), _newcomer(world)
    last = world.now + timedelta(days=7)
    assert made.invitation.expires_on == local_day(last)
    with pytest.raises(InvitationGone):
        services.accept_invitation(services.accepting(made.token), actor=zoe, now=last + timedelta(days=1))
    assert services.accept_invitation(services.accepting(made.token), actor=zoe, now=last).person_id == zoe.person


@pytest.mark.parametrize("wrong", ["", "inv_", "inv_guess", "sk_x_y"])
def test_a_guessed_token_opens_nothing(world: World, wrong: str) -> None:
    _invited(world)
    with pytest.raises(InvitationGone):
        services.accept_invitation(services.accepting(wrong), actor=_newcomer(world), now=world.now)


def test_a_withdrawn_invitation_and_one_of_an_administrator_who_left_are_gone(world: World) -> None:
    withdrawn, orphan, zoe = _invited(world), _invited(world), _newcomer(world)
    cmd = services.WithdrawInvitation(world.alice.org or 0, withdrawn.invitation.pk)
    services.withdraw_invitation(cmd, actor=world.alice, now=world.now)
    with pytest.raises(NotFound):
        services.withdraw_invitation(cmd, actor=world.alice, now=world.now)
    Membership.objects.filter(person_id=world.alice.person or 0).update(rights=["act"])
    for made in (withdrawn, orphan):
        with pytest.raises(InvitationGone):
            services.accept_invitation(services.accepting(made.token), actor=zoe, now=world.now)


def test_only_an_administrator_invites_and_withdraws(world: World) -> None:
    made = _invited(world)
    zoe = _newcomer(world)
    services.accept_invitation(services.accepting(made.token), actor=zoe, now=world.now)
    member = queries.actor_for(zoe.person or 0, world.alice.org)
    cmd = services.InviteMember(world.alice.org or 0, ("admin",), "yan")
    with pytest.raises(RightMissing):
        services.invite_member(cmd, actor=member, now=world.now)
    for stranger in (world.bob, world.rita, world.otto):
        with pytest.raises(Forbidden):
            services.invite_member(cmd, actor=stranger, now=world.now)
    open_one = _invited(world)
    with pytest.raises(NotFound):
        services.withdraw_invitation(
            services.WithdrawInvitation(world.bob.org or 0, open_one.invitation.pk), actor=world.bob, now=world.now
        )


def test_a_person_of_the_venues_staff_cannot_join_by_invitation(world: World) -> None:
    made = _invited(world)
    with pytest.raises(StaffMayNotTrade):
        services.accept_invitation(services.accepting(made.token), actor=world.rita, now=world.now)
    assert Invitation.objects.get().accepted_at is None


def test_a_member_who_follows_the_link_keeps_his_rights_and_uses_nothing_up(world: World) -> None:
    made = _invited(world)
    services.accept_invitation(services.accepting(made.token), actor=world.alice, now=world.now)
    assert "admin" in Membership.objects.get(person_id=world.alice.person or 0).rights
    services.accept_invitation(services.accepting(made.token), actor=_newcomer(world), now=world.now)


def test_it_names_every_wrong_field_of_an_invitation_at_once(world: World) -> None:
    for cmd, fields in (
        (services.InviteMember(world.alice.org or 0, ()), {"rights", "login"}),
        (services.InviteMember(world.alice.org or 0, ("act",), "alice"), {"login"}),
        (services.InviteMember(world.alice.org or 0, ("root",), "Zoë", "x" * 121), {"rights", "login", "contact"}),
    ):
        with pytest.raises(InputInvalid) as refused:
            services.invite_member(cmd, actor=world.alice, now=world.now)
        assert set(refused.value.field_errors) == fields
    assert not Invitation.objects.exists()


def test_the_token_is_kept_nowhere_and_a_repeated_request_gives_it_again(world: World) -> None:
    first, again = _invited(world, key="invite-01"), _invited(world, key="invite-01")
    assert first.token == again.token and Invitation.objects.count() == 1
    kept = str(list(CommandKey.objects.values())) + str(list(Fact.objects.values("payload"))) + str(Invitation.objects.values())
    assert first.token not in kept and "139 0000" not in str(list(Fact.objects.values("payload")))


def _browser(actor: Actor) -> Client:
    client, now = Client(), clock.now().isoformat()
    session = client.session
    stamp = Person.objects.get(pk=actor.person or 0).stamp
    session["seat"] = {"person": actor.person, "org": actor.org, "stamp": stamp, "since": now, "seen_at": now}
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    return client


def _code(today: World, **given: str) -> str:
    """The code behind # of the link that the page shows once."""
    home = f"/organisations/{queries.organisation(today.alice.org or 0).number}/"
    alice = _browser(today.alice)
    assert f"{home}members/invite/" in alice.get(home).content.decode()
    answer = alice.post(f"{home}members/invite/", {"rights": ["act"], "key": str(uuid4()), **given})
    assert answer.status_code == 200, answer.content.decode()
    link = answer.content.decode().split("<pre>")[1].split("</pre>")[0]
    assert link not in alice.get(f"{home}members/invite/").content.decode()
    place, _, code = link.partition("#")
    assert place.endswith("/invitations/")
    return code


def _told(client: Client, code: str) -> int:
    return client.post("/invitations/", {"token": code, "key": str(uuid4())}).status_code


def test_a_newcomer_gives_the_code_registers_and_is_a_member(today: World) -> None:
    code, client = _code(today, login="newby"), Client()
    assert "data-from-hash" in client.get("/invitations/").content.decode()
    assert _told(client, code) == 302
    page = client.get("/invitations/").content.decode()
    assert "数源数据科技有限公司" in page and "newby" in page and code not in page
    assert code not in str(dict(client.session))
    given = {"name": "新人", "phone": "", "login": "newby", "password": PASSWORD, "again": PASSWORD, "key": str(uuid4())}
    wrong = client.post("/invitations/", {**given, "login": "someone"})
    assert wrong.status_code == 422 and not Person.objects.filter(login="someone").exists()
    joined = client.post("/invitations/", {**given, "key": str(uuid4())})
    assert joined.status_code == 302 and joined["Location"].startswith("/organisations/")
    assert "艾丽" in client.get(joined["Location"]).content.decode()
    assert _told(Client(), code) == 422


def test_somebody_with_an_account_accepts_with_one_click(today: World) -> None:
    code, carol = _code(today, contact="carol@example.com"), _browser(today.carol)
    assert _told(carol, "inv_wrong") == 422
    assert _told(carol, code) == 302
    assert "Accept" in carol.get("/invitations/?lang=en").content.decode()
    assert carol.post("/invitations/").status_code == 302
    assert today.carol.person in queries.members_with_right(today.alice.org or 0, "act")


def test_an_invitation_survives_signing_in_on_the_way(today: World) -> None:
    cmd = services.SetPassword(today.person_of("carol"), services.Secret(PASSWORD))
    services.set_password(cmd, actor=SETUP, now=clock.now())
    code, client = _code(today, contact="carol@example.com"), Client()
    assert _told(client, code) == 302
    signed_in = client.post(
        "/sign-in/?next=/invitations/", {"login": "carol", "password": PASSWORD, "key": str(uuid4())}
    )
    assert signed_in["Location"] == "/invitations/"
    assert client.post("/invitations/").status_code == 302
    assert today.carol.person in queries.members_with_right(today.alice.org or 0, "act")


def test_inviting_and_accepting_through_the_api(today: World) -> None:
    alice = {"Authorization": f"Bearer {token(today.alice, clock.now())}"}
    carol = {"Authorization": f"Bearer {token(today.carol, clock.now())}"}
    body = {"rights": ["act"], "login": "carol"}
    made = Client().post("/api/invitations", body, content_type="application/json", headers=alice)
    assert made.status_code == 201, made.content
    listed = Client().get("/api/invitations", headers=alice).json()
    assert [i["state"] for i in listed] == ["open"] and made.json()["token"] not in str(listed)
    sent = {"token": made.json()["token"]}
    bob = {"Authorization": f"Bearer {token(today.bob, clock.now())}"}
    assert Client().post("/api/invitations/accept", sent, content_type="application/json", headers=bob).status_code == 404
    done = Client().post("/api/invitations/accept", sent, content_type="application/json", headers=carol)
    assert done.json()["rights"] == ["act"]
    path = f"/api/invitations/{made.json()['invitation']}/withdraw"
    assert Client().post(path, headers=alice).status_code == 404
