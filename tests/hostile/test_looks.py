"""A seat without a part in a case leaves a fact when it opens what is not public; those of the case leave none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shugu.kernel import queries
from shugu.kernel.models import Case, Fact, Material
from tests.hostile.conftest import SECRET_TITLE, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture()
def case(venue: Venue) -> Case:
    return Case.objects.get(title__contains=SECRET_TITLE)


def looks(case: Case) -> list[dict[str, Any]]:
    import json

    rows = Fact.objects.filter(name="case.looked_at", subject=f"kernel.case:{case.pk}").order_by("pk")
    return [{"person": r.person, **json.loads(r.payload or "{}")["data"]} for r in rows]


def by_page(venue: Venue, who: str, case: Case) -> int:
    return venue.browser(who).get(f"/cases/{case.number}/").status_code


def by_api(venue: Venue, who: str, case: Case) -> int:
    return Client().get(f"/api/cases/{case.number}", headers=venue.headers(who)).status_code


def by_download(venue: Venue, who: str, case: Case) -> int:
    material = Material.objects.filter(case=case).order_by("pk").first()
    assert material is not None
    return venue.browser(who).get(f"/cases/{case.number}/materials/{material.pk}/").status_code


DOORS = (by_page, by_api, by_download)
Door = Callable[[Venue, str, Case], int]


@pytest.mark.parametrize("door", DOORS)
def test_a_supervisor_who_opens_a_case_is_recorded_with_the_ground(venue: Venue, case: Case, door: Door) -> None:
    assert door(venue, "sven", case) == 200
    assert looks(case) == [{"person": venue.world.sven.person, "case": case.number, "ground": "supervision"}]


def test_a_day_of_looking_is_one_fact_a_person(venue: Venue, case: Case) -> None:
    for door in DOORS:
        door(venue, "sven", case)
        by_page(venue, "otto", case)
    assert [x["ground"] for x in looks(case)] == ["supervision", "operation"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("who", ["alice", "rita"])
def test_a_party_and_a_seat_with_a_part_in_it_leave_no_fact(venue: Venue, case: Case, door: Door, who: str) -> None:
    assert door(venue, who, case) == 200
    assert looks(case) == []


@pytest.mark.parametrize("door", DOORS)
def test_a_stranger_finds_nothing_and_leaves_nothing(venue: Venue, case: Case, door: Door) -> None:
    assert door(venue, "mallory", case) == 404
    assert looks(case) == []


def test_a_staff_seat_with_neither_part_nor_ground_finds_nothing(venue: Venue, case: Case) -> None:
    assert by_page(venue, "mona", case) == 404
    assert looks(case) == []


def test_the_look_has_a_title_and_stays_out_of_the_timeline_of_the_parties(venue: Venue, case: Case) -> None:
    by_page(venue, "sven", case)
    assert "case.looked_at" not in {e.name for e in queries.timeline(case.pk)}
    assert queries.fact_titles()["case.looked_at"].zh == "查看办件"
