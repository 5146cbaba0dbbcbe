"""Seats, bits and published lists, without any app that issues credentials."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import DatabaseError, transaction

from shugu.formats.credential import require_credential
from shugu.formats.status import ENTRIES, LISTS, Flag
from shugu.formats.status_list import StatusList, facets, read_list
from shugu.kernel import documents, signer, status, status_lists
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Fact
from shugu.kernel.models_status import StatusBits

pytestmark = pytest.mark.django_db
ALL = Flag(0xFF)


def newest() -> dict[str, StatusList]:
    found = {}
    for which in LISTS:
        for block in {seat // ENTRIES for seat in StatusBits.objects.values_list("seat", flat=True)} or {0}:
            view = status_lists.version(f"{block}-{which}")
            credential = json.loads(status_lists.credential_bytes(view))
            require_credential(credential, signer.keyring())
            read = read_list(credential)
            found[read.id] = read
    return found


def issued(now: datetime, flags: Flag = ALL) -> tuple[int, dict[str, object]]:
    seat = status.allot(flags)
    return seat.number, signer.sign_document("DataTransactionVoucher", number="T-1", subject={}, now=now, status=seat)


@pytest.mark.parametrize("key", [b"a" * 32, b"b" * 32])
def test_the_permutation_reaches_every_place_once(key: bytes) -> None:
    tables = status.rounds(key)
    places = [status.permute(n, tables) for n in range(ENTRIES)]
    assert sorted(places) == list(range(ENTRIES))
    near = sum(abs(a - b) == 1 for a, b in pairwise(places))
    assert near < 20  # neighbours by issue are no neighbours in the list


def test_many_seats_are_those_of_one_statement(django_assert_max_num_queries: object, now: datetime) -> None:
    status.allot(ALL)
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        seats = status.allot_many(ALL, 1000)
    assert len({s.number for s in seats}) == 1000
    assert len({str(s.entries[0]) for s in seats}) == 1000


def test_what_is_marked_is_published_and_read_by_whoever_holds_the_credential(now: datetime) -> None:
    seat, credential = issued(now)
    other, beside = issued(now)
    assert status_lists.publish_due(now) == 3
    assert facets(credential, newest(), now).facets == {"valid"}

    with transaction.atomic():
        assert status.mark({seat: Flag.SUSPENDED | Flag.ENCUMBERED}) == 1
        assert status.mark({seat: Flag.SUSPENDED | Flag.ENCUMBERED, other: Flag(0)}) == 0  # nothing new
    later = now + timedelta(seconds=1)
    assert status_lists.publish_due(later) == 2  # revocation says nothing new
    assert facets(credential, newest(), later).facets == {"suspended", "encumbered"}
    assert facets(beside, newest(), later).facets == {"valid"}
    assert status_lists.publish_due(later) == 0

    with transaction.atomic():
        status.mark({seat: Flag(0)})
    assert status_lists.publish_due(later + timedelta(seconds=1)) == 2
    assert facets(credential, newest(), later + timedelta(seconds=1)).facets == {"valid"}
    assert not list(status_lists.chain_faults())


def test_the_end_of_a_credential_is_not_taken_back(now: datetime) -> None:
    seat, credential = issued(now)
    status.mark({seat: Flag.REVOKED | Flag.OBJECTED})
    status.mark({seat: Flag(0)})
    status_lists.publish_due(now)
    assert facets(credential, newest(), now).facets == {"revoked"}
    for broken in ({"flags": 0}, {"seat": seat + 1}):
        with pytest.raises(DatabaseError), transaction.atomic():
            StatusBits.objects.filter(seat=seat).update(**broken)
    with pytest.raises(DatabaseError), transaction.atomic():
        StatusBits.objects.filter(seat=seat).delete()


def test_versions_follow_each_other_and_the_log_will_hold_each(now: datetime) -> None:
    seat, _ = issued(now)
    status_lists.publish_due(now)
    name = next(iter(newest())).rpartition("/")[2].removesuffix(".json")
    first = status_lists.version(name)
    half = now + status_lists.max_age() / 2
    assert status_lists.publish_due(half - timedelta(seconds=1)) == 0
    assert status_lists.publish_due(half) == 3  # none is ever older than the rule lets it be
    second = status_lists.version(name)
    assert (second.version, status_lists.version(name, at=half - timedelta(seconds=1))) == (2, first)
    assert json.loads(status_lists.credential_bytes(second))["credentialSubject"]["previous"] == first.digest
    fact = Fact.objects.get(pk=second.fact)
    assert json.loads(str(fact.payload))["digests"] == {"status_list": second.digest}
    assert {v.version for v in status_lists.versions_of(seat, half)} == {2}
    for missing in ({"number": 3}, {"at": now - timedelta(seconds=1)}):
        with pytest.raises(NotFound):
            status_lists.version(name, **missing)


def test_the_audit_names_a_list_that_does_not_say_what_is_set(now: datetime) -> None:
    seat, _ = issued(now)
    status_lists.publish_due(now)
    StatusBits.objects.create(seat=seat, flags=int(Flag.REVOKED), dirty=False)  # behind the back of `mark`
    assert {where.partition("-")[2] for where, _ in status_lists.chain_faults()} == {"revocation/1", "facets/1"}


def test_a_list_whose_credential_is_another_is_named(now: datetime) -> None:
    now += timedelta(hours=7)  # a document of this test alone: another may be reading those of its world just now
    issued(now)
    status_lists.publish_due(now)
    name = next(iter(newest())).rpartition("/")[2].removesuffix(".json")
    path = documents.path_of(status_lists.version(name).digest)
    kept = path.read_bytes()
    try:
        path.write_bytes(kept.replace(b'"version":1', b'"version":2'))
        assert {where for where, _ in status_lists.chain_faults()} == {f"{name}/1"}
    finally:
        path.write_bytes(kept)
