"""/verify/ and the API say of every kind of credential how it stands, when, on what article and by which list."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.formats.canonical import canonical
from shugu.kernel import clock, documents, status_lists
from shugu.kernel.workdays import local_day
from shugu.party.models import Accreditation
from shugu.registry import queries, services
from shugu.registry.models import Certificate, Entry
from shugu.registry.services import PlaceHold
from shugu.registry.tests.stages import issued
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture()
def now() -> datetime:
    return clock.now() - timedelta(minutes=1)


def page(number: str, on: str = "") -> str:
    return Client().get("/verify/", {"number": number, "on": on, "lang": "en"}).content.decode()


def upload(content: bytes) -> str:
    file = SimpleUploadedFile("document.json", content, "application/json")
    form = {"file": file, "key": str(uuid4())}
    return Client().post("/verify/?lang=en", form).content.decode()


def held(world: World, facet: str, now: datetime) -> Certificate:
    """Alice's certificate of thirty days ago, whose entry has been under a hold for ten."""
    issued(world, now - 30 * DAY)
    hold = PlaceHold(Entry.objects.get().pk, facet, "依文书", "第二十五条")
    services.place_hold(hold, actor=world.rita, now=now - 10 * DAY)
    return Certificate.objects.get()


def test_the_page_says_the_facet_its_article_and_the_list(world: World, now: datetime) -> None:
    row = held(world, "suspended", now)
    status_lists.publish_due(now)
    shown = page(row.number)
    assert ("suspended" in shown and "第二十五条" in shown and "0-revocation" in shown) or "-revocation" in shown
    assert "version 1" in shown and row.digest in shown


def test_the_page_says_it_of_an_earlier_day_and_refuses_a_day_to_come(world: World, now: datetime) -> None:
    row = held(world, "suspended", now)
    status_lists.publish_due(now)
    before = page(row.number, local_day(now - 11 * DAY).isoformat())
    assert "Suspended" not in before and "No status list had been published by that day" in before
    assert "Issued at" not in page(row.number, local_day(now - 40 * DAY).isoformat())
    assert "a day to come" in page(row.number, local_day(now + 2 * DAY).isoformat())
    assert "a day is written" in page(row.number, "last week")


def test_the_api_says_the_same(world: World, now: datetime) -> None:
    row = held(world, "revoked", now)
    status_lists.publish_due(now)
    client = Client()
    told = client.get(f"/api/credentials/{row.number}").json()
    assert (told["valid"], [f["facet"] for f in told["facets"]]) == (False, ["revoked"])
    assert [v["version"] for v in told["status_lists"]] == [1, 1, 1]
    then = client.get(f"/api/credentials/{row.number}", {"on": local_day(now - 11 * DAY).isoformat()}).json()
    assert then["valid"] and then["status_lists"] == []
    assert client.get("/api/credentials/CER-NONE").status_code == 404
    assert client.get(f"/api/credentials/{row.number}", {"on": "x"}).status_code == 422
    past = client.get(f"/api/certificates/{row.number}", {"on": local_day(now - 11 * DAY).isoformat()}).json()
    assert [f["facet"] for f in past["facets"]] == ["valid"]


def test_an_accreditation_is_told_by_number(world: World) -> None:
    row = Accreditation.objects.exclude(digest="").order_by("pk")[0]
    assert row.org.name in page(row.number)


def test_an_uploaded_certificate_is_checked_and_then_told_as_it_stands(world: World, now: datetime) -> None:
    row = held(world, "revoked", now)
    shown = upload(documents.get(row.digest))
    assert "Revoked" in shown and "How it stands" in shown
    changed = upload(documents.get(row.digest).replace(row.number.encode(), row.number.encode()[:-1] + b"0"))
    assert "How it stands" not in changed


def test_a_credential_of_another_issuer_is_named_as_such(world: World, now: datetime) -> None:
    issued(world, now - 30 * DAY)
    body = json.loads(documents.get(Certificate.objects.get().digest))
    shown = upload(json.dumps(body | {"issuer": "https://elsewhere.example"}).encode())
    assert "A credential of another issuer" not in shown  # it is not even canonical: nothing of it is repeated
    shown = upload(canonical(body | {"issuer": "https://elsewhere.example"}))
    assert "A credential of another issuer" in shown and "elsewhere.example" in shown and "How it stands" not in shown
    assert queries.certificate(body["credentialSubject"]["number"]).number not in page("")
