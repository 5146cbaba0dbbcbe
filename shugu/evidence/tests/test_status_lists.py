"""The published status lists as anybody fetches them: as signed, sealed, of the past; and a venue that lies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from shugu.evidence import queries, services
from shugu.formats.canonical import parse_object
from shugu.formats.credential import sign_credential
from shugu.formats.errors import StaleStatusList, StatusListForked
from shugu.formats.status import Flag
from shugu.formats.status_check import check_list
from shugu.formats.status_list import facets, read_list
from shugu.formats.suites import keyring
from shugu.formats.times import write_time
from shugu.kernel import documents, journal, signer, status, status_audit, status_lists
from shugu.kernel.cases import THE_CLOCK, Actor
from shugu.kernel.models_status import StatusVersion

pytestmark = pytest.mark.django_db
Visit = Callable[[Actor | None], Client]
SECOND = timedelta(seconds=1)


def published(now: datetime, flags: Flag = Flag.REVOKED) -> tuple[dict[str, object], str]:
    """A credential, and the name of its revocation list, which says `flags` in its second version."""
    seat = status.allot(Flag(0xFF))
    credential = signer.sign_document("DataTransactionVoucher", number="T-1", subject={}, now=now, status=seat)
    status_lists.publish_due(now)
    status.mark({seat.number: flags})
    status_lists.publish_due(now + SECOND)
    services.sequence_once(now + SECOND)
    return credential, str(seat.entries[0]["statusListCredential"]).rpartition("/")[2].removesuffix(".json")


def test_anybody_reads_the_newest_list_and_every_earlier_one(visit: Visit, now: datetime) -> None:
    _, name = published(now)
    client = visit(None)
    answer = client.get(f"/status/{name}.json")
    assert (answer["Content-Type"], answer["Access-Control-Allow-Origin"]) == ("application/vc", "*")
    assert "max-age=5" in answer["Cache-Control"]
    assert client.get(f"/status/{name}.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    newest = read_list(parse_object(answer.content))
    assert (newest.version, newest.id) == (2, f"http://127.0.0.1:8000/status/{name}.json")

    first = client.get(f"/status/{name}/1.json")
    assert "immutable" in first["Cache-Control"]
    assert newest.previous == read_list(parse_object(first.content)).digest
    assert client.get(f"/status/{name}.json", {"at": write_time(now)}).content == first.content
    assert client.get(f"/status/{name}.json", {"at": write_time(now - SECOND)}).status_code == 404
    assert client.get(f"/status/{name}.json", {"at": "yesterday"}).status_code == 422
    for path in (f"/status/{name}/3.json", "/status/7-revocation.json", "/status/0-secret.json"):
        assert client.get(path).status_code == 404


def test_a_stranger_verifies_sealed_versions_one_after_the_other(visit: Visit, now: datetime) -> None:
    credential, name = published(now)
    client, later, age = visit(None), now + 2 * SECOND, timedelta(days=1)
    keys = keyring(client.get("/log/keys").content.decode())
    first = check_list(client.get(f"/status/{name}/1.sealed.json").content, keys, later, age)
    second = check_list(client.get(f"/status/{name}.sealed.json").content, keys, later, age, first)
    assert second.version == 2
    others = [str(e["statusListCredential"]).rpartition("/")[2] for e in credential["credentialStatus"]]  # type: ignore[attr-defined]
    lists = [read_list(parse_object(client.get(f"/status/{other}").content)) for other in sorted(set(others))]
    assert facets(credential, {one.id: one for one in lists}, later).facets == {"revoked"}
    with pytest.raises(StaleStatusList):
        check_list(client.get(f"/status/{name}/1.sealed.json").content, keys, later, age, second)


def test_a_list_waits_a_moment_for_its_seal(visit: Visit, now: datetime) -> None:
    seat = status.allot(Flag.REVOKED)
    status_lists.publish_due(now)
    name = str(seat.entries[0]["statusListCredential"]).rpartition("/")[2].removesuffix(".json")
    assert visit(None).get(f"/status/{name}.json").status_code == 200
    waiting = visit(None).get(f"/status/{name}.sealed.json")
    assert waiting.status_code == 409 and "seal" in waiting.content.decode().lower()


def test_a_venue_that_shows_two_lists_is_caught_by_either(now: datetime) -> None:
    """Its operator forks the list: the same database, another second version without the revocation, sealed as well."""
    _, name = published(now)
    true = status_lists.credential_bytes(status_lists.version(name))
    body = {k: v for k, v in parse_object(true).items() if k != "proof"}
    subject = body["credentialSubject"]
    assert isinstance(subject, dict)
    clean = parse_object(status_lists.credential_bytes(status_lists.version(name, 1)))["credentialSubject"]
    assert isinstance(clean, dict)
    lie = sign_credential(
        body | {"credentialSubject": subject | {"encodedList": clean["encodedList"]}}, list(signer.keys()), now + SECOND
    )
    digest = documents.put(signer.document_bytes(lie))
    journal.record("status.published", subject="kernel.status:x", actor=THE_CLOCK, now=now, digests={"status_list": digest})
    services.sequence_once(now + 2 * SECOND)
    later, age, keys = now + 3 * SECOND, timedelta(days=1), signer.keyring()
    shown_to_one = check_list(queries.sealed(status_lists.version(name).digest), keys, later, age)
    shown_to_other = check_list(queries.sealed(digest), keys, later, age)
    for mine, theirs in ((shown_to_one, digest), (shown_to_other, status_lists.version(name).digest)):
        with pytest.raises(StatusListForked, match="two contents"):
            check_list(queries.sealed(theirs), keys, later, age, mine)


def test_the_audit_finds_a_bit_that_no_book_explains(now: datetime) -> None:
    published(now)
    found = [v.what[1] for v in status_audit.audit_status()]
    assert found == ["its bits say revoked, the books say -"]  # no app issued it
    assert StatusVersion.objects.count() == 5
