"""Floods and guesses: a key, a session and a source each have their rate; a source that guesses passwords is locked."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory

from shugu.kernel import clock, runtime
from shugu.kernel.home import HomeConfig
from shugu.party import services as party
from shugu.party.errors import SignInFailed, SignInLocked
from shugu.web.rates import BUCKETS, Buckets, source_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture()
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets that do not fill meanwhile, however slow the machine is."""
    monkeypatch.setattr(clock, "monotonic", lambda: 1_000.0)


ELSEWHERE = "203.0.113.9"


def rate(name: str) -> int:
    return runtime.rules().value(name).number


def until_refused(client: Client, path: str, most: int, **given: object) -> tuple[int, Any]:
    """How many requests passed before the first 429, and that answer: on a slow machine the next may pass again."""
    for passed in range(2 * most):
        answer = client.get(path, **given)  # type: ignore[arg-type]
        if answer.status_code == 429:
            return passed, answer
    raise AssertionError("no limit was met")


def test_a_source_that_floods_pages_is_told_when_to_come_back(db: None) -> None:
    client, most = Client(), rate("web.request_rate")
    passed, answer = until_refused(client, "/sign-in/", most)
    assert most <= passed < 2 * most
    assert int(answer["Retry-After"]) >= 1
    assert "too-many-requests" in answer.content.decode()
    assert Client(REMOTE_ADDR=ELSEWHERE).get("/sign-in/").status_code == 200


def test_a_key_that_floods_gets_the_one_error_shape_and_leaves_others_alone(world: World, stopped: None) -> None:
    order = party.IssueApiKey("flood", org=world.alice.org)
    token = party.issue_api_key(order, actor=world.alice, now=clock.now()).token
    other = party.issue_api_key(party.IssueApiKey("calm", org=world.bob.org), actor=world.bob, now=clock.now()).token
    client, most = Client(), rate("web.api_request_rate")
    mine = {"Authorization": f"Bearer {token}"}
    for _ in range(most - 3):
        assert BUCKETS.take("key:" + hashlib.sha256(mine["Authorization"].encode()).hexdigest(), most, clock.monotonic()) == 0
    passed, answer = until_refused(client, "/api/me", most, headers=mine)
    assert passed == 3
    assert int(answer["Retry-After"]) >= 1
    assert set(answer.json()["error"]) == {"code", "message", "remedy", "article", "field_errors"}
    assert client.get("/api/me", headers={"Authorization": f"Bearer {other}"}).status_code == 200


def test_made_up_keys_draw_on_the_rate_of_their_source(db: None) -> None:
    client, most = Client(), rate("web.api_request_rate")
    for n in range(2 * most):
        if client.get("/api/me", headers={"Authorization": f"Bearer sk_none_{n}"}).status_code == 429:
            break
    else:
        raise AssertionError("no limit was met")
    assert n >= most


def test_a_bucket_fills_again_at_its_rate() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 2, 0.0) for _ in range(3)] == [0, 0, 30]
    assert buckets.take("b", 2, 0.0) == 0
    assert buckets.take("a", 2, 30.0) == 0 and buckets.take("a", 2, 30.0) == 30
    assert [buckets.take("a", 2, 1000.0) for _ in range(3)] == [0, 0, 30]


def request_from(hops: str) -> WSGIRequest:
    return RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=hops)


def test_only_a_venue_behind_its_proxy_believes_the_last_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_of(request_from("1.2.3.4")) == "127.0.0.1"
    home = type(runtime.home())
    monkeypatch.setattr(home, "config", property(lambda _: HomeConfig(https=True)))
    assert source_of(request_from("6.6.6.6, 1.2.3.4")) == "1.2.3.4"
    assert source_of(request_from("")) == "127.0.0.1"


def guess(login: str, source: str, world: World, after: timedelta = timedelta()) -> None:
    party.sign_in(login, "not-the-password", now=world.now + after, source=source)


def test_a_source_that_guesses_over_many_names_is_locked_and_others_are_not(world: World) -> None:
    most = rate("party.sign_in_source_attempts")
    for n in range(most):
        with pytest.raises(SignInFailed):
            guess(f"nobody{n}", ELSEWHERE, world)
    with pytest.raises(SignInLocked):
        guess("somebody-else", ELSEWHERE, world)
    with pytest.raises(SignInFailed):
        guess("somebody-else", "198.51.100.7", world)
    late = timedelta(minutes=rate("party.sign_in_lockout") + 1)
    with pytest.raises(SignInFailed):
        guess("somebody-new", ELSEWHERE, world, late)


def test_a_right_password_in_between_does_not_wash_a_source_clean(now: object, db: None) -> None:
    world = World.begin(clock.now() - timedelta(days=1), accredit=False, password="a-long-password-2026")
    most = rate("party.sign_in_source_attempts")
    for n in range(most):
        with pytest.raises(SignInFailed):
            guess(f"nobody{n}", ELSEWHERE, world)
        if n == most // 2:
            assert party.sign_in("mallory", "a-long-password-2026", now=world.now, source=ELSEWHERE)[1]
    with pytest.raises(SignInLocked):
        party.sign_in("mallory", "a-long-password-2026", now=world.now, source=ELSEWHERE)


def test_every_answer_carries_its_headers(db: None) -> None:
    page = Client().get("/sign-in/")
    policy = page["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    for name in ("Permissions-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options",
                 "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"):  # fmt: skip
        assert page[name], name
    assert Client().get("/api/registers")["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script>" not in Client().get("/").content.decode()


def test_the_answers_of_a_signed_in_caller_are_kept_by_no_cache(world: World) -> None:
    token = party.issue_api_key(party.IssueApiKey("c", org=world.alice.org), actor=world.alice, now=clock.now()).token
    assert Client().get("/api/me", headers={"Authorization": f"Bearer {token}"})["Cache-Control"] == "no-store"
