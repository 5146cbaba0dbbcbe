from __future__ import annotations

import hashlib

import pytest

from shugu.formats.suites import generate
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.party import queries, services
from shugu.party.errors import RightMissing
from shugu.party.models import OrgKey
from tests.world import World

DIGEST = hashlib.sha256(b"a contract").hexdigest()


def test_an_organisation_signs_a_digest_and_anybody_can_check_it(world: World) -> None:
    assert world.alice.org is not None
    signed = services.sign(world.alice.org, DIGEST, actor=world.alice, now=world.now)
    assert set(signed) == {"org", "signed_at", "vkey", "signature"}
    assert signed["vkey"] == queries.verify_key(world.alice.org)
    assert queries.signature_holds(signed, DIGEST)


@pytest.mark.parametrize("change", ["digest", "signed_at", "org", "vkey", "signature"])
def test_a_signature_with_any_part_changed_does_not_hold(world: World, change: str) -> None:
    assert world.alice.org is not None and world.bob.org is not None
    signed = services.sign(world.alice.org, DIGEST, actor=world.alice, now=world.now)
    other = services.sign(world.bob.org, DIGEST, actor=world.bob, now=world.now)
    digest = DIGEST
    if change == "digest":
        digest = hashlib.sha256(b"another").hexdigest()
    elif change == "signed_at":
        signed["signed_at"] = "2026-03-02T02:00:01Z"
    else:
        signed[change] = other[change]
    assert not queries.signature_holds(signed, digest)


def test_only_a_member_with_the_right_signs(world: World) -> None:
    assert world.alice.org is not None
    services.add_member(
        services.AddMember(world.alice.org, world.person_of("mallory"), ("act",)), actor=world.alice, now=world.now
    )
    clerk = queries.actor_for(world.person_of("mallory"), world.alice.org)
    with pytest.raises(RightMissing):
        services.sign(world.alice.org, DIGEST, actor=clerk, now=world.now)
    for actor in (world.bob, world.rita):
        with pytest.raises(Forbidden):
            services.sign(world.alice.org, DIGEST, actor=actor, now=world.now)


def test_it_signs_nothing_that_is_no_digest(world: World) -> None:
    assert world.alice.org is not None
    with pytest.raises(InputInvalid):
        services.sign(world.alice.org, "abc", actor=world.alice, now=world.now)


def test_private_keys_are_sealed_under_the_home(world: World) -> None:
    row = OrgKey.objects.filter(purpose="sign", org_id=world.alice.org).get()
    assert row.sealed is not None and len(bytes(row.sealed)) > 32 + 12


def test_a_connector_key_is_found_replaced_and_never_taken_over(world: World) -> None:
    assert world.alice.org is not None and world.bob.org is not None
    first, second = (generate("intl", "alice-connector").verify_key.vkey() for _ in range(2))
    key = services.RegisterConnectorKey
    services.register_connector_key(key(world.alice.org, "alice-1", first), actor=world.alice, now=world.now)
    assert queries.connector_pinned("alice-1") == (world.alice.org, (first,))
    with pytest.raises(InputInvalid):
        services.register_connector_key(key(world.bob.org, "alice-1", second), actor=world.bob, now=world.now)
    services.register_connector_key(key(world.alice.org, "alice-1", second), actor=world.alice, now=world.now)
    assert queries.connector_pinned("alice-1") == (world.alice.org, (second,))
    with pytest.raises(InputInvalid):
        services.register_connector_key(key(world.bob.org, "bob-1", first), actor=world.bob, now=world.now)
    with pytest.raises(NotFound):
        queries.connector_pinned("bob-1")


def test_it_refuses_a_malformed_connector_key(world: World) -> None:
    assert world.alice.org is not None
    with pytest.raises(InputInvalid) as refused:
        services.register_connector_key(
            services.RegisterConnectorKey(world.alice.org, "A!", "not+a+key"), actor=world.alice, now=world.now
        )
    assert set(refused.value.field_errors) == {"connector_id", "vkey"}
