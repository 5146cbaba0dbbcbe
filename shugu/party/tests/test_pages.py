from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pyotp
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.formats.identifiers import make_uscc
from shugu.kernel import clock
from shugu.kernel.models import Case
from shugu.party import queries, services
from shugu.party.models import Accreditation, Person
from shugu.party.services import Secret
from tests import snapshot
from tests.world import PAPER, SETUP, World

PASSWORD = "correct horse battery"


def _key() -> str:
    """What the hidden field of a form just shown would hold."""
    return str(uuid4())


@pytest.fixture()
def today(db: None) -> World:
    """The cast on the real day: pages read the clock."""
    return snapshot.world(snapshot.this_moment())


def _signed_in(world: World, login: str) -> Client:
    services.set_password(
        services.SetPassword(world.person_of(login), Secret(PASSWORD)), actor=SETUP, now=clock.now()
    )
    client = Client()
    answer = client.post("/sign-in/", {"login": login, "password": PASSWORD, "key": _key()})
    assert answer.status_code == 302, answer.content.decode()
    return client


def _staff(world: World, login: str) -> Client:
    """A staff member with a confirmed one-time password, signed in with both steps."""
    actor, now = queries.actor_for(world.person_of(login)), clock.now()
    totp = pyotp.TOTP(services.enrol_totp(world.person_of(login), actor=actor, now=now).secret)
    before = now - timedelta(seconds=30)
    services.confirm_totp(Secret(totp.at(before)), actor=actor, now=before)
    client = _signed_in(world, login)
    answer = client.post("/sign-in/code/", {"code": totp.at(clock.now()), "key": _key()})
    assert answer.status_code == 302, answer.content.decode()
    return client


def test_a_newcomer_joins_and_brings_his_application_to_the_registrars_desk(today: World) -> None:
    client = Client()
    assert client.get("/join/").status_code == 200
    joined = client.post(
        "/join/",
        {"name": "新人", "phone": "", "login": "newby", "password": PASSWORD, "again": PASSWORD, "org_name": "新人数据公司",
         "org_name_en": "", "uscc": make_uscc("91330100MA2NNNNN9"), "kind": "enterprise", "key": _key()},
    )  # fmt: skip
    assert joined.status_code == 302 and joined["Location"] == "/accreditations/new/"
    applied = client.post("/accreditations/new/", {"kind": "provider", "merchant_type": "", "key": _key()})
    assert applied.status_code == 302, applied.content.decode()
    page = applied["Location"]
    shown = client.get(page).content.decode()
    assert "营业执照" in shown and "材料不齐" in shown
    for material in ("licence", "commitment"):
        sent = SimpleUploadedFile(f"{material}.pdf", PAPER, "application/pdf")
        assert client.post(f"{page}materials/{material}/", {"file": sent}).status_code == 302
    assert client.post(f"{page}submit/", {"key": _key()}).status_code == 302
    number = page.split("/")[2]
    assert number in _staff(today, "rita").get("/desk/").content.decode()
    assert Case.objects.get(number=number).state == "submitted"


def test_joining_shows_every_mistake_and_keeps_what_was_typed(today: World) -> None:
    answer = Client().post(
        "/join/",
        {"name": "新人", "login": "newby", "password": PASSWORD, "again": PASSWORD, "org_name": "新人数据公司",
         "uscc": "91330100MA2NNNNN90"[:18], "kind": "enterprise", "key": _key()},
    )  # fmt: skip
    text = answer.content.decode()
    assert answer.status_code == 422 and "校验位不符" in text and "新人数据公司" in text
    assert not Person.objects.filter(login="newby").exists()


def test_staff_and_applicant_take_an_application_through_on_the_case_page(today: World) -> None:
    row = services.apply_accreditation(
        services.ApplyAccreditation(today.mallory.org or 0, "buyer"), actor=today.mallory, now=today.now
    )
    for material in ("licence", "commitment"):
        today.file(row.case_id, material, today.mallory)
    page = f"/cases/{row.case.number}/"
    assert _signed_in(today, "mallory").post(f"{page}submit/", {"key": _key()}).status_code == 302
    rita = _staff(today, "rita")
    form = rita.get(f"{page}ask_correction/")
    assert form.status_code == 200 and 'name="defects"' in form.content.decode()
    assert rita.post(f"{page}ask_correction/", {"key": _key()}).status_code == 422
    assert rita.post(f"{page}accept/", {"key": _key(), "opinion": "材料齐全"}).status_code == 302
    assert "材料齐全" in rita.get(page).content.decode()
    assert _staff(today, "rong").post(f"{page}approve/", {"key": _key()}).status_code == 302
    assert Accreditation.objects.get(pk=row.pk).granted_on is not None


def test_a_stranger_finds_neither_case_nor_document_nor_unaccredited_organisation(today: World) -> None:
    row = services.apply_accreditation(
        services.ApplyAccreditation(today.mallory.org or 0, "buyer"), actor=today.mallory, now=today.now
    )
    today.file(row.case_id, "licence", today.mallory)
    stranger = _signed_in(today, "bob")
    paths = [f"/cases/{row.case.number}/", f"/cases/{row.case.number}/withdraw/", f"/organisations/{row.org.number}/"]
    for path in paths:
        assert stranger.get(path).status_code == 404, path
    assert stranger.post(f"/cases/{row.case.number}/withdraw/", {"key": _key()}).status_code == 404
    alice = queries.organisation(today.alice.org or 0)
    public = Client().get(f"/organisations/{alice.number}/").content.decode()
    assert alice.name in public and "艾丽" not in public


def test_a_seat_outside_a_demonstration_must_enrol_before_it_acts(today: World) -> None:
    client = _signed_in(today, "otto")
    led = client.get("/desk/")
    assert (led.status_code, led["Location"]) == (302, "/me/totp/?next=%2Fdesk%2F")
    page = client.get(led["Location"])
    assert page.status_code == 200 and "<svg" in page.content.decode() and "须先启用动态口令" in page.content.decode()
    pending = services.pending_totp(today.person_of("otto"), actor=queries.actor_for(today.person_of("otto")))
    assert pending is not None
    code = pyotp.TOTP(pending.secret).at(clock.now())
    done = client.post(led["Location"], {"code": code, "key": _key()})
    assert (done.status_code, done["Location"]) == (302, "/desk/")
    assert client.get("/desk/").status_code == 200


def test_a_visitor_is_led_to_the_sign_in_page_and_back(today: World) -> None:
    answer = Client().get("/desk/")
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=")
    services.set_password(
        services.SetPassword(today.person_of("alice"), Secret(PASSWORD)), actor=SETUP, now=clock.now()
    )
    back = Client().post("/sign-in/?next=https://evil.example/", {"login": "alice", "password": PASSWORD, "key": _key()})
    assert back["Location"] == "/desk/"


def test_signing_in_changes_the_session_key_and_a_new_password_ends_other_sessions(today: World) -> None:
    client = Client()
    client.get("/sign-in/")
    first = _signed_in(today, "alice")
    second = Client()
    second.post("/sign-in/", {"login": "alice", "password": PASSWORD, "key": _key()})
    assert first.session.session_key != second.session.session_key
    changed = second.post("/me/password/", {"old": PASSWORD, "new": PASSWORD + " 2", "key": _key()})
    assert changed.status_code == 302
    assert second.get("/me/").status_code == 200
    assert first.get("/me/").status_code == 302


def test_an_idle_session_ends(today: World) -> None:
    client = _signed_in(today, "alice")
    session = client.session
    session["seat"] = {**session["seat"], "seen_at": (clock.now() - timedelta(minutes=40)).isoformat()}
    session.save()
    assert client.get("/me/").status_code == 302


def test_an_api_key_is_shown_once_on_the_page_that_issues_it(today: World) -> None:
    client = _signed_in(today, "alice")
    issued = client.post("/me/keys/", {"title": "同步", "scopes": ["read"], "key": _key()}).content.decode()
    token = issued.split("<pre>")[1].split("</pre>")[0]
    assert services.key_behind(token, clock.now()) is not None
    assert token not in client.get("/me/keys/").content.decode()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", ["/desk/", "/me/", "/me/keys/", "/me/password/", "/accreditations/new/", "/organisations/new/"])
def test_every_page_of_the_account_opens_in_both_languages(today: World, path: str, lang: str) -> None:
    assert _signed_in(today, "alice").get(f"{path}?lang={lang}").status_code == 200


def test_a_file_that_is_not_what_it_claims_is_refused_on_the_case_page(today: World) -> None:
    row = services.apply_accreditation(
        services.ApplyAccreditation(today.mallory.org or 0, "buyer"), actor=today.mallory, now=today.now
    )
    client = _signed_in(today, "mallory")
    fake = SimpleUploadedFile("licence.pdf", b"MZ not a pdf", "application/pdf")
    answer = client.post(f"/cases/{row.case.number}/materials/licence/", {"file": fake})
    shown = answer.content.decode()
    assert answer.status_code == 422 and "licence.pdf" in shown
    beside = shown.split('id="file-licence-error">')[1].split("</p>")[0]
    assert beside == "文件内容不是它所称的类型（application/pdf）"
    assert 'id="file-commitment-error"' not in shown
    other = SimpleUploadedFile("x.pdf", PAPER, "application/pdf")
    assert client.post(f"/cases/{row.case.number}/materials/nonsense/", {"file": other}).status_code == 403


def test_the_shell_names_a_person_in_the_readers_language(today: World) -> None:
    client = _signed_in(today, "alice")
    person = Person.objects.get(login="alice")
    Person.objects.filter(pk=person.pk).update(name_en="Alice Ai")
    zh, en = (client.get(f"/me/?lang={lang}").content.decode().split('class="seat-person">')[1][:20] for lang in ("zh", "en"))
    assert zh.startswith(person.name) and en.startswith("Alice Ai")
