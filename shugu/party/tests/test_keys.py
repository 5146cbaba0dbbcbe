from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from shugu.formats.canonical import b64
from shugu.formats.suites import SigningKey, generate, parse_vkey, suite
from shugu.formats.times import write_time
from shugu.kernel import runtime
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.party import queries, services
from shugu.party.domain import statement
from shugu.party.errors import RightMissing
from shugu.party.models import OrgKey
from shugu.party.tests.test_powers import _browser, _headers
from shugu.party.vault import unseal
from tests import snapshot
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


def test_replaced_keys_go_on_proving_what_they_signed_and_sign_nothing_more(world: World) -> None:
    assert world.alice.org is not None
    before = services.sign(world.alice.org, DIGEST, actor=world.alice, now=world.now)
    row = OrgKey.objects.get(purpose="sign", org_id=world.alice.org, suite="intl")
    later = world.now + timedelta(days=1)
    cmd = services.ReplaceSigningKeys(world.alice.org, "经办人离职")
    for stranger in (world.bob, world.rita):
        with pytest.raises(Forbidden):
            services.replace_signing_keys(cmd, actor=stranger, now=later)
    fresh = services.replace_signing_keys(cmd, actor=world.alice, now=later)
    assert queries.verify_keys(world.alice.org) == (*fresh, row.vkey)
    after = services.sign(world.alice.org, DIGEST, actor=world.alice, now=later)
    assert after["vkey"] in fresh
    assert queries.signature_holds(before, DIGEST) and queries.signature_holds(after, DIGEST)
    told = Fact.objects.filter(name__in=("org_key.retired", "org_key.registered"), recorded_at=later).order_by("id")
    assert [fact.name for fact in told] == ["org_key.retired", "org_key.registered"]
    # Whoever stole the old key can still sign, but nothing dated after its end.
    assert row.sealed is not None
    stolen = SigningKey(parse_vkey(row.vkey).name, suite("intl"), unseal("org-key", bytes(row.sealed)))
    for seconds, holds in ((0, True), (1, False)):
        signed_at = write_time(later + timedelta(seconds=seconds))
        message = statement(runtime.venue_id(), before["org"], DIGEST, signed_at)
        forged = {**before, "signed_at": signed_at, "signature": b64(stolen.sign(message))}
        assert queries.signature_holds(forged, DIGEST) is holds


def test_keys_are_not_replaced_without_a_reason(world: World) -> None:
    assert world.alice.org is not None
    with pytest.raises(InputInvalid):
        services.replace_signing_keys(services.ReplaceSigningKeys(world.alice.org, " "), actor=world.alice, now=world.now)
    assert OrgKey.objects.filter(purpose="sign", org_id=world.alice.org, retired_at__isnull=False).count() == 0


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


def test_signing_keys_are_replaced_on_the_organisations_page_and_through_the_api(db: None) -> None:
    today = snapshot.world(snapshot.this_moment())
    assert today.alice.org is not None
    home = f"/organisations/{queries.organisation(today.alice.org).number}/"
    alice, path = _browser(today.alice), f"{home}signing-keys/new/"
    old = queries.verify_key(today.alice.org)
    assert path in alice.get(home).content.decode()
    empty = alice.post(path, {"reason": "", "key": str(uuid4())})
    assert empty.status_code == 422 and queries.verify_key(today.alice.org) == old
    assert _browser(today.bob).post(path, {"reason": "想换", "key": str(uuid4())}).status_code == 404
    assert alice.post(path, {"reason": "经办人离职", "key": str(uuid4())}).status_code == 302
    second = queries.verify_key(today.alice.org)
    shown = alice.get(f"{home}?lang=en").content.decode()
    assert second != old and old in shown and second in shown and "retired" in shown
    answer = Client().post(
        "/api/signing-keys", {"reason": "yearly"}, content_type="application/json", headers=_headers(today.alice)
    )
    assert answer.status_code == 201
    assert answer.json()["in_force"] == [queries.verify_key(today.alice.org)]
    assert set(answer.json()["all"]) == {*answer.json()["in_force"], old, second}
