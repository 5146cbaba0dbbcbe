"""What a venue publishes against what it answers: its status lists and its log, stale, rolled back, forked, or denied."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from shugu.edges.federation import presenting
from shugu.edges.federation.models import Peer, Presentation
from shugu.edges.federation.models_seen import Contradiction, Seen, SeenList
from shugu.edges.federation.tests.kit_log import BASE
from shugu.edges.federation.tests.test_presenting import Issuer, agreed, failed, presented
from shugu.formats.canonical import canonical, digest_hex, parse_object
from shugu.formats.credential import sign_credential
from shugu.formats.errors import StatusListForked
from shugu.formats.merkle import leaf_hash
from shugu.formats.sealed import read_sealed
from shugu.formats.status import FINAL, NONE, Flag, entries
from shugu.formats.status_check import follows
from shugu.formats.status_list import read_list
from shugu.kernel import documents
from shugu.kernel.models import Fact
from shugu.registry import services as registry
from shugu.registry.recognitions import usable
from tests.world import World

PLACE = 77
EVERY = FINAL | Flag.SUSPENDED | Flag.OBJECTED | Flag.ENCUMBERED
HOUR = timedelta(hours=1)


def listed(issuer: Issuer, **changes: Any) -> bytes:
    """A certificate of Alice's with a place in the status lists, sealed."""
    assert issuer.world.alice.org is not None
    found = issuer.certificate(issuer.world.alice.org)
    body = {name: value for name, value in found.items() if name != "proof"}
    body["credentialStatus"] = [entry.as_dict() for entry in entries(BASE, 0, PLACE, EVERY)]
    credential = sign_credential({**body, **changes}, issuer.other.log.signers(), issuer.world.now)
    return issuer.other.log.sealed(credential)


def says(issuer: Issuer, flags: Flag = NONE, at: datetime | None = None, **changes: Any) -> None:
    """The lists as published: of Alice's certificate these flags are set."""
    issuer.other.log.publish({PLACE: flags}, at or issuer.world.now, **changes)


def detail(row: Presentation, check: str, lang: int = 1) -> str:
    return next(str(c["detail"][lang]) for c in row.checks if c["id"] == check)


def outcome(row: Presentation, check: str) -> str:
    return next(str(c["outcome"]) for c in row.checks if c["id"] == check)


@pytest.fixture()
def issuer(world: World) -> Issuer:
    found = agreed(world, evidence={"status_max_age": 3600, "witnesses": 0, "anchors": {}, "published_max_age": 7200})
    says(found)
    return found


def test_its_lists_and_its_log_are_read_and_remembered(issuer: Issuer) -> None:
    row = presented(issuer, listed(issuer))
    assert row.state == "recognised", row.checks
    assert {outcome(row, name) for name in ("log", "list", "fresh", "agrees", "status", "key-history")} == {"ok"}
    assert "0-revocation.json v1" in detail(row, "list")
    assert (Seen.objects.get().size, SeenList.objects.count()) == (len(issuer.other.log.leaves), 3)
    assert set(row.answers) == {
        "statement", "checkpoint", "status_list:0-facets", "status_list:0-revocation", "status_list:0-suspension"
    }  # fmt: skip
    fact = Fact.objects.get(name="presentation.checked")
    assert fact.payload is not None
    said: Any = parse_object(fact.payload if isinstance(fact.payload, bytes) else str(fact.payload).encode())
    assert said["digests"].items() >= row.answers.items()
    assert Fact.objects.filter(name="peer.seen").count() == 1


def test_a_revocation_is_named_with_the_list_that_says_it(issuer: Issuer) -> None:
    content = listed(issuer)
    says(issuer, Flag.REVOKED)
    issuer.facets = ("revoked",)
    row = presented(issuer, content)
    assert failed(row) == "status" and outcome(row, "agrees") == "ok"
    assert "0-revocation.json v2" in detail(row, "status") and "revoked" in detail(row, "status")


def test_a_venue_that_answers_valid_while_its_list_says_revoked_is_caught(issuer: Issuer, client: Client) -> None:
    content = listed(issuer)
    good = presented(issuer, content)
    says(issuer, Flag.REVOKED)
    row = presented(issuer, content)
    assert failed(row) == "agrees" and "says valid" in detail(row, "agrees") and "version 2" in detail(row, "agrees")
    held = Contradiction.objects.get()
    answer, sealed = documents.get(held.first), read_sealed(documents.get(held.second))
    assert b"CertificateStatement" in answer and sealed.credential["id"] == f"{BASE}/status/0-revocation.json"
    assert Fact.objects.filter(name="peer.contradicted").count() == 1
    ended = {r.number: (r.state, r.failed) for r in registry.recognitions_of(row.org)}
    assert ended[good.recognition] == ("ended", "agrees")


def test_the_lie_ends_what_was_recognised_before(issuer: Issuer) -> None:
    row = presented(issuer, listed(issuer))
    issuer.world.now += HOUR
    says(issuer, Flag.SUPERSEDED)
    assert presenting.recheck(issuer.world.now, issuer.fetch) == 1
    found = registry.recognitions_of(row.org)[0]
    assert (found.state, found.failed) == ("ended", "peer-status-disagrees")
    assert Contradiction.objects.count() == 1


def test_what_may_come_and_go_is_no_lie_and_the_stricter_counts(issuer: Issuer) -> None:
    """An objection was lifted after the list was published; an end was entered after it."""
    content = listed(issuer)
    says(issuer, Flag.OBJECTED)
    issuer.world.now += timedelta(seconds=5)
    row = presented(issuer, content)
    assert failed(row) == "status" and outcome(row, "agrees") == "ok"
    says(issuer)
    issuer.facets = ("revoked",)
    row = presented(issuer, content)
    assert failed(row) == "status" and "does not say yet: revoked" in detail(row, "agrees")
    assert not Contradiction.objects.exists()


def test_an_old_list_is_refused_with_its_age(issuer: Issuer) -> None:
    content = listed(issuer)
    issuer.world.now += 3 * HOUR
    row = presented(issuer, content)
    assert failed(row) == "list" and "3 h ago; 2 h are agreed" in detail(row, "list")
    assert "已过 3 小时，超过约定的 2 小时" in detail(row, "list", 0)
    says(issuer)
    assert presented(issuer, content).state == "recognised"


def test_a_list_past_its_own_end_is_refused_where_no_age_is_agreed(world: World) -> None:
    issuer = agreed(world)
    says(issuer, lasts=HOUR)
    content = listed(issuer)
    assert presented(issuer, content).state == "recognised"
    world.now += 2 * HOUR
    assert failed(presented(issuer, content)) == "list"


def test_an_old_list_leaves_a_recognition_to_run_out_by_itself(issuer: Issuer) -> None:
    row = presented(issuer, listed(issuer))
    issuer.world.now += 3 * HOUR
    assert presenting.recheck(issuer.world.now, issuer.fetch) == 0
    found = registry.recognitions_of(row.org)[0]
    assert found.state == "live" and not usable(found, issuer.world.now)
    assert "3 h ago" in Seen.objects.get().trouble


def test_a_list_rolled_back_is_refused(issuer: Issuer) -> None:
    content = listed(issuer)
    says(issuer, Flag.ENCUMBERED)
    issuer.facets = ("valid", "encumbered")
    assert presented(issuer, content).state == "recognised"
    issuer.other.log.lists = {name: made[:1] for name, made in issuer.other.log.lists.items()}
    row = presented(issuer, content)
    assert failed(row) == "list" and "version 2 was seen here" in detail(row, "list")


def test_the_versions_in_between_are_walked(issuer: Issuer) -> None:
    content = listed(issuer)
    presented(issuer, content)
    for flags in (NONE, Flag.ENCUMBERED, NONE):
        says(issuer, flags)
    issuer.other.log.gone = {"/status/0-facets/3.sealed.json"}
    assert presented(issuer, content).state == "waiting"
    issuer.other.log.gone = set()
    asked = len(issuer.asked)
    assert presented(issuer, content).state == "recognised"
    assert "/status/0-facets/2.sealed.json" in issuer.asked[asked:]


def test_a_revocation_taken_back_in_a_list_is_proof_against_the_venue(issuer: Issuer) -> None:
    content = listed(issuer)
    says(issuer, Flag.REVOKED)
    issuer.facets = ("revoked",)
    presented(issuer, content)
    says(issuer)
    issuer.facets = ("valid",)
    row = presented(issuer, content)
    assert failed(row) == "list" and "taken back" in detail(row, "list")
    held = Contradiction.objects.get()
    old, new = (read_list(read_sealed(documents.get(one)).credential) for one in (held.first, held.second))
    with pytest.raises(StatusListForked):
        follows(new, old)
    assert SeenList.objects.get(url=new.id).version == 2


def test_a_log_that_goes_back_is_refused(issuer: Issuer) -> None:
    content = listed(issuer)
    says(issuer)
    presented(issuer, content)
    kept, seen = issuer.other.log.leaves, Seen.objects.get().size
    issuer.other.log.leaves = kept[: seen - 1]
    row = presented(issuer, content)
    assert failed(row) == "log" and f"has {seen - 1} entries; it signed one of {seen}" in detail(row, "log")
    assert Seen.objects.get().size == seen


def test_a_rewritten_log_is_refused_and_both_checkpoints_are_kept(issuer: Issuer) -> None:
    content = listed(issuer)
    presented(issuer, content)
    log = issuer.other.log
    log.leaves = [leaf_hash(b"another"), *log.leaves[1:], leaf_hash(b"more")]
    row = presented(issuer, content)
    assert failed(row) == "log" and "rewritten" in detail(row, "log")
    held = Contradiction.objects.get()
    assert held.code == "peer-log-forked" and documents.get(held.first) != documents.get(held.second)
    assert presented(issuer, content).state == "refused" and Contradiction.objects.count() == 1


def test_a_list_of_another_log_is_none(issuer: Issuer) -> None:
    """Sealed under a tree that the public log does not contain: shown to us alone."""
    content = listed(issuer)
    log = issuer.other.log
    public = list(log.leaves)
    log.leaves[0] = leaf_hash(b"a log for one reader")
    says(issuer)
    log.leaves = [*public, *(leaf_hash(bytes([n])) for n in range(9))]
    assert failed(presented(issuer, content)) == "list"
    assert Contradiction.objects.get().code == "peer-log-forked"


def test_a_presentation_keeps_what_it_was_told(issuer: Issuer) -> None:
    row = presented(issuer, listed(issuer))
    assert digest_hex(parse_object(documents.get(row.answers["statement"]))) == row.answers["statement"]
    assert Peer.objects.get().lists.count() == 3


def test_a_proof_of_another_document_proves_nothing(issuer: Issuer) -> None:
    """Fact and proof of a genuine document, played again beside another one of the same venue."""
    one: Any = parse_object(listed(issuer))
    other: Any = parse_object(listed(issuer, id="urn:shugu:faraway:other"))
    assert failed(presented(issuer, canonical({**one, "proof": other["proof"]}))) == "inclusion"
    assert failed(presented(issuer, canonical({**one, "fact": other["fact"], "proof": other["proof"]}))) == "fact-names-document"


def test_a_relayer_that_withholds_the_lists_stops_no_more_than_the_recognition(issuer: Issuer) -> None:
    """What is withheld is no verdict: nothing is refused for it, nothing counts beyond its time, and it goes on afterwards."""
    content = listed(issuer)
    row = presented(issuer, content)
    issuer.other.log.gone = {"/status/"}
    assert presented(issuer, content).state == "waiting"
    issuer.world.now += 2 * HOUR
    assert presenting.recheck(issuer.world.now, issuer.fetch) == 0
    found = registry.recognitions_of(row.org)[0]
    assert found.state == "live" and not usable(found, issuer.world.now)
    issuer.other.log.gone = {"/log/"}
    assert presented(issuer, content).state == "waiting"
    issuer.other.log.gone = set()
    says(issuer)
    assert presenting.recheck(issuer.world.now, issuer.fetch) == 1
    assert usable(registry.recognitions_of(row.org)[0], issuer.world.now)
    assert presenting.check_waiting(issuer.world.now + timedelta(minutes=1), issuer.fetch) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE federation_seen SET size = size - 1", "DELETE FROM federation_seen",
        "UPDATE federation_seen SET note = repeat('0', 64)", "UPDATE federation_seenlist SET version = 1",
        "DELETE FROM federation_seenlist", "DELETE FROM federation_contradiction", "DELETE FROM federation_peerhistory",
        "UPDATE federation_contradiction SET second = first",
    ],
)  # fmt: skip
def test_the_database_keeps_what_was_seen(issuer: Issuer, sql: str) -> None:
    content = listed(issuer)
    presented(issuer, content)
    says(issuer, Flag.REVOKED)
    presented(issuer, content)
    assert Contradiction.objects.exists()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
