from __future__ import annotations

from dataclasses import replace

import pytest

from shugu.formats.identifiers import make_uscc
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Forbidden, InputInvalid, KeyConflict, NotFound
from shugu.kernel.models import Fact
from shugu.party import queries, services
from shugu.party.errors import RightMissing, StaffMayNotTrade
from shugu.party.models import Organisation, Person
from tests.world import SETUP, World

GOOD = make_uscc("91330100MA2XXXXX9")


def _zoe(world: World) -> int:
    person = services.register_person(services.RegisterPerson("zoe", "佐伊"), actor=SETUP, now=world.now)
    return int(person.pk)


def test_it_registers_an_organisation_with_its_founder_as_administrator(world: World) -> None:
    zoe = queries.actor_for(_zoe(world))
    org = services.register_organisation(services.RegisterOrganisation("新源公司", GOOD), actor=zoe, now=world.now)
    assert org.number.startswith("ORG-HANGZHOU-2026-")
    assert queries.members_with_right(org.pk, "sign") == [zoe.person]
    assert queries.organisation_by_uscc(GOOD).id == org.pk
    assert Fact.objects.filter(subject=f"party.org:{org.pk}", name="organisation.registered").count() == 1


@pytest.mark.parametrize("uscc", [GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"), "123", "I" * 18, GOOD.lower()])
def test_it_refuses_a_social_credit_code_that_is_not_right(world: World, uscc: str) -> None:
    zoe = queries.actor_for(_zoe(world))
    before = Organisation.objects.count()
    with pytest.raises(InputInvalid) as refused:
        services.register_organisation(services.RegisterOrganisation("新源公司", uscc), actor=zoe, now=world.now)
    assert "uscc" in refused.value.field_errors
    assert Organisation.objects.count() == before


def test_it_names_every_wrong_field_at_once(world: World) -> None:
    zoe = queries.actor_for(_zoe(world))
    with pytest.raises(InputInvalid) as refused:
        services.register_organisation(services.RegisterOrganisation("", "1", kind="club"), actor=zoe, now=world.now)
    assert set(refused.value.field_errors) == {"name", "uscc", "kind"}


def test_it_refuses_an_organisation_that_is_registered_already(world: World) -> None:
    assert world.alice.org is not None
    uscc = queries.organisation(world.alice.org).uscc
    with pytest.raises(InputInvalid):
        services.register_organisation(services.RegisterOrganisation("又一家", uscc), actor=world.mallory, now=world.now)


def test_it_lets_no_seat_found_a_trading_organisation(world: World) -> None:
    with pytest.raises(Forbidden):
        services.register_organisation(services.RegisterOrganisation("店", GOOD), actor=world.rita, now=world.now)


def test_it_lets_a_newcomer_register_nothing_but_himself(world: World) -> None:
    with pytest.raises(Forbidden):
        services.register_organisation(services.RegisterOrganisation("新店", GOOD), actor=services.NEWCOMER, now=world.now)
    with pytest.raises(InputInvalid) as refused:
        services.register_person(services.RegisterPerson("newby", "新人"), actor=services.NEWCOMER, now=world.now)
    assert "password" in refused.value.field_errors
    with pytest.raises(Forbidden):
        services.grant_seat(
            services.GrantSeat(world.person_of("mallory"), "operator"), actor=services.NEWCOMER, now=world.now
        )


def test_it_gives_the_same_answer_for_the_same_key_and_refuses_other_content(world: World) -> None:
    cmd = services.RegisterOrganisation("新源公司", GOOD)
    first = services.register_organisation(cmd, actor=world.mallory, now=world.now, key="key-0001")
    again = services.register_organisation(cmd, actor=world.mallory, now=world.now, key="key-0001")
    assert first.pk == again.pk
    with pytest.raises(KeyConflict):
        services.register_organisation(replace(cmd, name="别名"), actor=world.mallory, now=world.now, key="key-0001")


def test_it_keeps_passwords_out_of_idempotency_records_but_not_out_of_their_comparison(world: World) -> None:
    from shugu.kernel.models import CommandKey

    cmd = services.RegisterPerson("nina", "妮娜", password=services.Secret("a long enough one"))
    services.register_person(cmd, actor=SETUP, now=world.now, key="key-0002")
    other = replace(cmd, password=services.Secret("another long one"))
    with pytest.raises(KeyConflict):
        services.register_person(other, actor=SETUP, now=world.now, key="key-0002")
    assert "long enough" not in str(CommandKey.objects.values_list("answer", "input_hash"))
    assert "long enough" not in repr(cmd)


def test_it_lets_only_an_administrator_add_members(world: World) -> None:
    assert world.alice.org is not None
    zoe = _zoe(world)
    with pytest.raises(Forbidden):
        services.add_member(services.AddMember(world.alice.org, zoe), actor=world.mallory, now=world.now)
    services.add_member(services.AddMember(world.alice.org, zoe, ("act",)), actor=world.alice, now=world.now)
    zoe_acting = queries.actor_for(zoe, world.alice.org)
    with pytest.raises(RightMissing):
        services.add_member(services.AddMember(world.alice.org, zoe, ("sign",)), actor=zoe_acting, now=world.now)
    assert queries.members_with_right(world.alice.org, "sign") == [world.alice.person]


def test_it_keeps_the_last_administrator(world: World) -> None:
    assert world.alice.org is not None and world.alice.person is not None
    with pytest.raises(InputInvalid):
        services.end_membership(
            services.EndMembership(world.alice.org, world.alice.person), actor=world.alice, now=world.now
        )


def test_it_ends_a_membership_and_with_it_the_power_to_act(world: World) -> None:
    assert world.alice.org is not None
    zoe = _zoe(world)
    services.add_member(services.AddMember(world.alice.org, zoe), actor=world.alice, now=world.now)
    services.end_membership(services.EndMembership(world.alice.org, zoe), actor=world.alice, now=world.now)
    with pytest.raises(Forbidden):
        queries.actor_for(zoe, world.alice.org)
    with pytest.raises(NotFound):
        services.end_membership(services.EndMembership(world.alice.org, zoe), actor=world.alice, now=world.now)


def test_it_keeps_seats_and_trading_organisations_apart(world: World) -> None:
    """The staff of the venue trade through no organisation. carries: P1-036 P6-017"""
    assert world.alice.org is not None
    with pytest.raises(StaffMayNotTrade):
        services.add_member(
            services.AddMember(world.alice.org, world.person_of("rita")), actor=world.alice, now=world.now
        )
    with pytest.raises(StaffMayNotTrade):
        services.grant_seat(services.GrantSeat(world.person_of("alice"), "reviewer"), actor=world.otto, now=world.now)


def test_it_lets_only_the_operator_grant_and_end_seats(world: World) -> None:
    zoe = _zoe(world)
    for actor in (world.rita, world.alice, world.sven):
        with pytest.raises(Forbidden):
            services.grant_seat(services.GrantSeat(zoe, "reviewer"), actor=actor, now=world.now)
    services.grant_seat(services.GrantSeat(zoe, "reviewer"), actor=world.otto, now=world.now)
    assert queries.actor_for(zoe).seats == {"reviewer"}
    services.end_seat(services.EndSeat(zoe, "reviewer"), actor=world.otto, now=world.now)
    assert queries.actor_for(zoe).seats == frozenset()


def test_it_writes_no_name_and_no_telephone_into_facts(world: World) -> None:
    cmd = services.RegisterPerson("yan", "颜如玉", phone="+86 571 8888 0000")
    person = services.register_person(cmd, actor=SETUP, now=world.now)
    payload = Fact.objects.get(subject=f"party.person:{person.pk}", name="person.registered").payload or ""
    assert "颜如玉" not in payload and "8888" not in payload and "yan" not in payload.replace("hangzhou", "")


def test_it_refuses_a_taken_sign_in_name(world: World) -> None:
    with pytest.raises(InputInvalid) as refused:
        services.register_person(services.RegisterPerson("alice", "另一位"), actor=SETUP, now=world.now)
    assert "login" in refused.value.field_errors
    assert Person.objects.filter(login="alice").count() == 1


def test_it_places_and_lifts_holds_on_a_party_by_those_who_may(world: World) -> None:
    assert world.mallory.org is not None
    hold = services.PlaceHold(world.mallory.org, ("submit",), "信用核查中")
    with pytest.raises(Forbidden):
        services.place_hold(hold, actor=world.alice, now=world.now)
    placed = services.place_hold(hold, actor=world.cora, now=world.now)
    with pytest.raises(Forbidden):
        services.lift_hold(services.LiftHold(placed.pk), actor=world.mallory, now=world.now)
    lifted = services.lift_hold(services.LiftHold(placed.pk), actor=mandate("supervision", "end-1"), now=world.now)
    assert lifted.lifted_at == world.now
