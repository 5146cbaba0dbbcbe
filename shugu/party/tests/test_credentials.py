from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
import pytest

from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.party import queries, services
from shugu.party.errors import SignInFailed, SignInLocked, TotpRefused
from shugu.party.models import ApiKey, Person
from shugu.party.services import Secret
from tests.world import SETUP, World

PASSWORD = "correct horse battery"


def _with_password(world: World, login: str = "alice") -> Person:
    cmd = services.SetPassword(world.person_of(login), Secret(PASSWORD))
    person: Person = services.set_password(cmd, actor=SETUP, now=world.now)
    return person


def _enrolled(world: World, login: str = "alice") -> pyotp.TOTP:
    actor = queries.actor_for(world.person_of(login))
    totp = pyotp.TOTP(services.enrol_totp(world.person_of(login), actor=actor, now=world.now).secret)
    services.confirm_totp(Secret(totp.at(world.now)), actor=actor, now=world.now)
    return totp


def test_it_signs_in_with_the_right_password_only(world: World) -> None:
    person = _with_password(world)
    assert services.sign_in("alice", PASSWORD, now=world.now) == (person, True)
    with pytest.raises(SignInFailed):
        services.sign_in("alice", PASSWORD + "!", now=world.now)


def test_it_tells_an_unknown_name_nothing_more_than_a_wrong_password(world: World) -> None:
    _with_password(world)
    told = []
    for login in ("alice", "nobody"):
        with pytest.raises(SignInFailed) as refused:
            services.sign_in(login, "wrong password", now=world.now)
        told.append(refused.value.as_dict("zh"))
    assert told[0] == told[1]


@pytest.mark.parametrize("login", ["alice", "nobody"])
def test_it_locks_a_name_known_or_not_after_the_failures_of_the_rules(world: World, login: str) -> None:
    _with_password(world)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            services.sign_in(login, "wrong password", now=world.now)
    with pytest.raises(SignInLocked):
        services.sign_in(login, PASSWORD, now=world.now + timedelta(minutes=14))
    if login == "alice":
        assert services.sign_in(login, PASSWORD, now=world.now + timedelta(minutes=15))[1]


def test_a_success_forgets_the_failures_before_it(world: World) -> None:
    _with_password(world)
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(SignInFailed):
                services.sign_in("alice", "wrong password", now=world.now)
        assert services.sign_in("alice", PASSWORD, now=world.now)[1]


@pytest.mark.parametrize("weak", ["short", "aaaaaaaaaaaaaaaa", "alice-is-my-name", "x" * 300])
def test_it_refuses_a_weak_password(world: World, weak: str) -> None:
    with pytest.raises(InputInvalid):
        services.set_password(services.SetPassword(world.person_of("alice"), Secret(weak)), actor=SETUP, now=world.now)


def test_it_wants_the_old_password_from_the_person_and_lets_no_stranger_set_one(world: World) -> None:
    alice = world.person_of("alice")
    _with_password(world)
    with pytest.raises(Forbidden):
        services.set_password(services.SetPassword(alice, Secret(PASSWORD * 2)), actor=world.mallory, now=world.now)
    with pytest.raises(InputInvalid):
        services.set_password(services.SetPassword(alice, Secret(PASSWORD * 2)), actor=world.alice, now=world.now)
    cmd = services.SetPassword(alice, Secret(PASSWORD * 2), Secret(PASSWORD))
    assert services.set_password(cmd, actor=world.alice, now=world.now).stamp == 2


def test_it_stores_an_argon2_hash_and_no_password(world: World) -> None:
    person = _with_password(world)
    assert person.password.startswith("argon2")
    assert PASSWORD not in str(list(Fact.objects.values_list("payload", flat=True)))


def test_a_one_time_password_is_used_once(world: World) -> None:
    _with_password(world)
    totp = _enrolled(world)
    later = world.now + timedelta(seconds=60)
    assert services.sign_in("alice", PASSWORD, now=later) == (Person.objects.get(login="alice"), False)
    assert services.sign_in("alice", PASSWORD, now=later, code=totp.at(later))[1]
    with pytest.raises(SignInFailed):
        services.sign_in("alice", PASSWORD, now=later, code=totp.at(later))


def test_the_code_that_confirmed_the_enrolment_is_used_up(world: World) -> None:
    _with_password(world)
    totp = _enrolled(world)
    with pytest.raises(SignInFailed):
        services.sign_in("alice", PASSWORD, now=world.now, code=totp.at(world.now))


@pytest.mark.parametrize(("seconds", "taken"), [(-30, True), (30, True), (-61, False), (61, False)])
def test_a_one_time_password_drifts_by_one_step_and_no_more(world: World, seconds: int, taken: bool) -> None:
    actor = queries.actor_for(world.person_of("alice"))
    totp = pyotp.TOTP(services.enrol_totp(world.person_of("alice"), actor=actor, now=world.now).secret)
    code = Secret(totp.at(world.now + timedelta(seconds=seconds)))
    if taken:
        assert services.confirm_totp(code, actor=actor, now=world.now).totp_confirmed_at == world.now
        return
    with pytest.raises(TotpRefused):
        services.confirm_totp(code, actor=actor, now=world.now)


def test_guessing_one_time_passwords_locks_too(world: World) -> None:
    _with_password(world)
    _enrolled(world)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            services.sign_in("alice", PASSWORD, now=world.now, code="000000")
    with pytest.raises(SignInLocked):
        services.sign_in("alice", PASSWORD, now=world.now)


def test_it_keeps_the_totp_secret_sealed_and_enrols_nobody_else(world: World) -> None:
    totp = _enrolled(world)
    row = Person.objects.get(login="alice")
    assert row.totp_sealed is not None and totp.secret.encode() not in bytes(row.totp_sealed)
    with pytest.raises(Forbidden):
        services.enrol_totp(row.pk, actor=world.mallory, now=world.now)
    with pytest.raises(Forbidden):
        services.enrol_totp(row.pk, actor=world.alice, now=world.now)


def test_only_the_operator_resets_a_lost_authenticator(world: World) -> None:
    _enrolled(world)
    reset = services.ResetTotp(world.person_of("alice"))
    with pytest.raises(Forbidden):
        services.reset_totp(reset, actor=world.alice, now=world.now)
    assert services.reset_totp(reset, actor=world.otto, now=world.now).totp_confirmed_at is None


def _issue(world: World, now: datetime, **more: str) -> services.IssuedKey:
    return services.issue_api_key(
        services.IssueApiKey("订单同步", ("read", "act"), world.alice.org), actor=world.alice, now=now, **more
    )


def test_an_api_key_opens_until_it_is_revoked_and_only_its_digest_is_kept(world: World) -> None:
    issued = _issue(world, world.now)
    secret = issued.token.split("_", 2)[2]
    found = services.key_behind(issued.token, world.now)
    assert found is not None and found.pk == issued.key.pk
    assert ApiKey.objects.get(pk=found.pk).last_used_at == world.now
    assert secret not in str(ApiKey.objects.values()) and secret not in str(list(Fact.objects.values("payload")))
    services.revoke_api_key(services.RevokeApiKey(issued.key.prefix), actor=world.alice, now=world.now)
    assert services.key_behind(issued.token, world.now) is None


def test_an_api_key_ends_with_its_term(world: World) -> None:
    issued = _issue(world, world.now)
    assert services.key_behind(issued.token, world.now + timedelta(days=364)) is not None
    assert services.key_behind(issued.token, world.now + timedelta(days=367)) is None


@pytest.mark.parametrize("forged", ["sk_", "sk_x_y", "ghp_abc_def", "", "sk_{prefix}_wrong"])
def test_it_takes_no_forged_key(world: World, forged: str) -> None:
    issued = _issue(world, world.now)
    assert services.key_behind(forged.replace("{prefix}", issued.key.prefix), world.now) is None


def test_a_repeated_request_gives_the_same_key_and_strangers_cannot_revoke_it(world: World) -> None:
    first, again = _issue(world, world.now, key="issue-01"), _issue(world, world.now, key="issue-01")
    assert first.token == again.token and ApiKey.objects.filter(title="订单同步").count() == 1
    with pytest.raises(NotFound):
        services.revoke_api_key(services.RevokeApiKey(first.key.prefix), actor=world.mallory, now=world.now)


def test_it_issues_no_key_for_an_organisation_the_person_does_not_act_for(world: World) -> None:
    with pytest.raises(Forbidden):
        services.issue_api_key(
            services.IssueApiKey("x", ("read",), world.bob.org), actor=world.alice, now=world.now
        )
    with pytest.raises(InputInvalid):
        services.issue_api_key(
            services.IssueApiKey("", ("root",), world.alice.org), actor=world.alice, now=world.now
        )
