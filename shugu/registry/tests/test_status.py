"""Whatever is written beside an entry, the status lists say of its certificates what the register says."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest
from django.db import DatabaseError

from shugu.formats.status_list import StatusList, facets
from shugu.kernel import credentials, documents, signer, status_audit
from shugu.kernel.models_status import StatusBits
from shugu.kernel.workdays import local_day
from shugu.registry import queries, services
from shugu.registry import status as bits
from shugu.registry.models import Certificate, Entry, Mark
from shugu.registry.services import LiftHold, PlaceHold
from shugu.registry.tests.regime_stages import acquired, entered, finish
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.stages import at, issued
from tests import lists
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def published(now: datetime) -> dict[str, StatusList]:
    bits.follow(now)
    return lists.published(now)


def told(now: datetime) -> dict[str, frozenset[str]]:
    """{certificate: facets by the lists}, each compared with what the register says of it today."""
    known, out = published(now), {}
    for row in Certificate.objects.filter(seat__isnull=False).order_by("pk"):
        found = facets(json.loads(documents.get(row.digest)), known, now).facets
        assert found == queries.certificate(row.number, local_day(now)).facets, row.kind
        out[row.number] = found
    assert not list(status_audit.audit_status())
    return out


def hold(world: World, facet: str, now: datetime, until: date | None = None) -> Mark:
    entry = Entry.objects.get()
    return services.place_hold(PlaceHold(entry.pk, facet, "依文书", until=until), actor=world.rita, now=now)


def test_marks_come_and_go_and_the_lists_with_them(world: World) -> None:
    issued(world)
    now = at(date(2026, 3, 20))
    (number,) = told(now)
    for facet in ("objected", "suspended", "encumbered", "revoked_in_part"):
        mark = hold(world, facet, now)
        assert facet in told(now)[number]
        services.lift_hold(LiftHold(mark.pk), actor=world.rita, now=now)
        assert told(now)[number] == {"valid"}


@pytest.mark.parametrize("facet", ["revoked", "cancelled", "moved"])
def test_an_end_is_final_for_the_certificate_even_if_the_entry_is_restored(world: World, facet: str) -> None:
    issued(world)
    now = at(date(2026, 3, 20))
    mark = hold(world, facet, now)
    (number,) = told(now)
    assert told(now)[number] == {facet}
    services.lift_hold(LiftHold(mark.pk), actor=world.rita, now=now + DAY)
    assert queries.entry(Entry.objects.get().pk, date(2026, 3, 22)).facets == {"valid"}
    assert told(now + 2 * DAY)[number] == {facet}  # another certificate must be issued


def test_two_marks_at_once_are_both_said(world: World) -> None:
    issued(world)
    now = at(date(2026, 3, 20))
    hold(world, "encumbered", now)
    hold(world, "objected", now)
    assert set(told(now).values()) == {frozenset({"valid", "encumbered", "objected"})}


def test_a_mark_that_ends_with_its_day_leaves_the_lists_by_itself(world: World) -> None:
    issued(world)
    now = at(date(2026, 3, 20))
    hold(world, "encumbered", now, until=date(2026, 3, 25))
    assert set(told(at(date(2026, 3, 25))).values()) == {frozenset({"valid", "encumbered"})}
    assert set(told(at(date(2026, 3, 26))).values()) == {frozenset({"valid"})}
    assert bits.follow(at(date(2026, 3, 26), 12)) == 0  # a day is followed once


def test_a_day_not_yet_followed_is_no_fault_but_a_wrong_bit_is(world: World) -> None:
    issued(world)
    hold(world, "encumbered", at(date(2026, 3, 20)), until=date(2026, 3, 25))
    published(at(date(2026, 3, 25)))
    seat = Certificate.objects.get().seat
    assert seat is not None
    StatusBits.objects.filter(seat=seat).update(flags=8)
    assert [v.subject for v in status_audit.audit_status() if v.subject.startswith("seat")]


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "shenzhen")


def test_a_licence_is_encumbered_from_the_first(r: Regime) -> None:
    entry = entered(r)
    (first,) = told(r.now)
    finish(r, acquired(r, "licence", entry))
    licence = (set(told(r.now)) - {first}).pop()
    assert told(r.now) == {first: {"valid", "encumbered"}, licence: {"valid", "encumbered"}}


def test_a_transfer_ends_the_certificate_before(r: Regime) -> None:
    entry = entered(r)
    (first,) = told(r.now)
    finish(r, acquired(r, "transfer", entry))
    (new,) = set(told(r.now)) - {first}
    assert [sorted(told(r.now)[number]) for number in (first, new)] == [["superseded"], ["valid"]]


def test_old_certificates_have_no_place_and_still_say_how_they_stand(world: World) -> None:
    issued(world)
    row = Certificate.objects.get()
    body = json.loads(documents.get(row.digest))
    told = body["credentialSubject"] | {"number": "OLD-1"}
    old = signer.sign_document("RegisterReport", number="OLD-1", subject=told, now=row.issued_at)
    Certificate.objects.create(
        number="OLD-1", kind="old", version=row.version, holder=row.holder, digest=documents.put(signer.document_bytes(old)),
        issued_at=row.issued_at, valid_until=row.valid_until, fact=row.fact,
    )  # fmt: skip
    hold(world, "revoked", at(date(2026, 3, 20)))
    found = credentials.standing("OLD-1", date(2026, 3, 21))
    assert found is not None and found.seat is None and found.facets == {"revoked"}


def test_the_standing_of_any_day_is_told_and_of_a_day_before_there_is_none(world: World) -> None:
    issued(world)
    row = Certificate.objects.get()
    day = local_day(row.issued_at)
    hold(world, "suspended", at(date(2026, 3, 20)))
    before, after = (credentials.standing(row.number, on) for on in (date(2026, 3, 19), date(2026, 3, 20)))
    assert before is not None and before.facets == {"valid"}
    assert after is not None and after.facets == {"suspended"} and after.lines[0].reason == "依文书"
    assert credentials.standing(row.number, day - DAY) is None


def test_a_final_bit_cannot_be_written_back(world: World) -> None:
    issued(world)
    hold(world, "revoked", at(date(2026, 3, 20)))
    with pytest.raises(DatabaseError):
        StatusBits.objects.update(flags=0)
