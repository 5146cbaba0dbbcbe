"""The operator changes keys in the browser: confirmed with password and one-time password, counted, and a fact each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from django.test import Client

from shugu.evidence import rotation
from shugu.formats.suites import generate
from shugu.kernel import clock, key_standing, keystore, paper_keys, signer
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.models import Fact
from shugu.kernel.models_papers import PaperRevocation
from shugu.party import services as party
from tests.world import World

PASSWORD = "correct horse battery"
KEY = "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f%02d"
Visit = Callable[[Actor | None], Client]


class Operator:
    """Otto in his browser, with his authenticator; the moment is the world's."""

    def __init__(self, world: World, visit: Visit) -> None:
        otto = world.otto
        assert otto.person is not None
        self.actor, self.client = otto, visit(otto)
        party.set_password(
            party.SetPassword(otto.person, party.Secret(PASSWORD)), actor=mandate("venue", "set-up"), now=world.now
        )
        self.totp = pyotp.TOTP(party.enrol_totp(otto.person, actor=otto, now=world.now).secret)
        earlier = world.now - timedelta(seconds=60)
        party.confirm_totp(party.Secret(self.totp.at(earlier)), actor=otto, now=earlier)
        self.asked = 0

    def post(self, path: str, code: str, password: str = PASSWORD, **given: str) -> tuple[int, str]:
        self.asked += 1
        form = {"key": KEY % self.asked, "password": password, "code": code, **given}
        answer = self.client.post(f"/operations/keys/{path}?lang=en", form)
        return answer.status_code, answer.content.decode()

    def page(self) -> str:
        return self.client.get("/operations/keys/?lang=en").content.decode()


@pytest.fixture()
def operator(world: World, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setattr(keystore, "folder", lambda: folder)
    monkeypatch.setattr(clock, "now", lambda: world.now)
    monkeypatch.setattr(clock, "on_the_wall", lambda now: now)
    signer.forget()
    yield Operator(world, visit)
    signer.forget()


def said() -> list[str]:
    return list(Fact.objects.filter(name__startswith="venue_key.").order_by("id").values_list("name", flat=True))


def test_a_key_begins_and_its_predecessor_retires_when_due(world: World, operator: Operator) -> None:
    (old,) = signer.keyring().keys
    assert old.key_id in operator.page() and "Retire</a>" not in operator.page()
    status, page = operator.post("new/", operator.totp.at(world.now), "wrong", suite="intl")
    assert status == 422 and said() == []
    assert operator.post("new/", "000000", suite="intl")[0] == 422 and said() == []
    assert operator.post("new/", operator.totp.at(world.now), suite="intl") == (302, "")
    assert said() == ["venue_key.founded", "venue_key.announced"]
    assert operator.post("new/", operator.totp.at(world.now), suite="intl")[0] == 422, "a code counts once"
    assert "May retire from" in operator.page() and "Retire</a>" not in operator.page()
    world.now += timedelta(days=80)
    assert "ends on 2026-" in operator.client.get("/operations/health/?lang=en").content.decode()
    status, page = operator.post(f"{old.key_id}/retire/", operator.totp.at(world.now))
    assert status == 422 and "the overlap lasts until 2026-" in page
    world.now += timedelta(days=11)
    assert "Retire</a>" in operator.page() and "is over: retire it" in operator.page()
    assert operator.post(f"{old.key_id}/retire/", operator.totp.at(world.now)) == (302, "")
    assert said()[-1] == "venue_key.retired" and old not in signer.keyring().keys
    assert [told.en for told in key_standing.reminders(world.now)] == [
        "the passphrase of the key files lies in the same home as they"
    ]


def test_a_lost_key_ends_at_once(world: World, operator: Operator) -> None:
    (old,) = signer.keyring().keys
    assert operator.post(f"{old.key_id}/lost/", operator.totp.at(world.now)) == (302, "")
    assert said() == ["venue_key.founded", "venue_key.announced", "venue_key.compromised"]
    assert "declared lost" in operator.page().lower()
    assert operator.client.get("/operations/keys/00000000/lost/").status_code == 404


def test_with_a_recovery_key_the_page_sends_to_the_command_line(world: World, operator: Operator) -> None:
    offline = generate("intl", f"{signer.origin()}/recovery")
    rotation.name_recovery(offline, actor=operator.actor, now=world.now)
    page = operator.page()
    assert offline.key_id in page and "keys/new/" not in page and "/lost/" not in page
    assert operator.post("new/", operator.totp.at(world.now), suite="intl")[0] == 422
    assert said() == ["venue_key.founded", "venue_key.recovery"]


def test_others_see_or_do_nothing(world: World, visit: Visit) -> None:
    assert visit(world.alice).get("/operations/keys/").status_code == 403
    assert visit(world.rita).get("/operations/keys/new/").status_code == 403
    assert visit(None).get("/operations/keys/").status_code in (302, 401)


def test_certificates_on_paper_are_renewed_and_revoked_by_the_operator_alone(
    world: World, operator: Operator, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "paper"
    place.mkdir()
    monkeypatch.setattr(paper_keys, "folder", lambda: place)
    first = paper_keys.current(world.now)
    digest = paper_keys.digest_of(first.signer.leaf)
    assert "/operations/keys/papers/" in operator.page()
    shown = operator.client.get("/operations/keys/papers/?lang=en").content.decode()
    assert shown.lower().count("in use") == 3 and digest in shown and paper_keys.crl_url(first.trust()[0][1]) in shown
    assert operator.post("papers/renew/", "000000", what="signer")[0] == 422
    assert operator.post("papers/renew/", operator.totp.at(world.now), what="signer") == (302, "")
    assert paper_keys.current(world.now).signer.leaf != first.signer.leaf
    world.now += timedelta(minutes=2)
    assert operator.post(f"papers/{digest}/revoke/", operator.totp.at(world.now), since="2036-01-01T00:00")[0] == 422
    assert not PaperRevocation.objects.exists()
    world.now += timedelta(minutes=2)
    assert operator.post(f"papers/{digest}/revoke/", operator.totp.at(world.now)) == (302, "")
    assert "Revoked since" in operator.client.get("/operations/keys/papers/?lang=en").content.decode()
    assert visit(world.rita).post(f"/operations/keys/papers/{digest}/revoke/").status_code == 403
