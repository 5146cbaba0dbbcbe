"""The desk of the venue's staff: who has a case in hand, what ends soon, one act for many cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from shugu.kernel import assigning, clock
from shugu.kernel.assigning import AssignCase, assign_case
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.models import Case, Fact
from shugu.registry.models import Filing
from shugu.registry.tests.stages import act, submitted
from shugu.registry.tests.test_pages import page, signed_in
from shugu.registry.tests.test_pages_operations import staff
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def now() -> datetime:
    """Pages read the clock themselves."""
    return clock.now() - timedelta(minutes=1)


def test_a_case_is_given_to_a_holder_of_its_seats_and_taken_back(world: World) -> None:
    row = submitted(world)
    assert world.rita.person in assigning.candidates(row.pk) and world.alice.person not in assigning.candidates(row.pk)
    assign_case(AssignCase(row.pk, world.rita.person), actor=world.otto, now=world.now)
    assign_case(AssignCase(row.pk, world.rita.person), actor=world.otto, now=world.now)
    assert assigning.assignee(row.pk) == world.rita.person
    with pytest.raises(InputInvalid):
        assign_case(AssignCase(row.pk, world.alice.person), actor=world.rita, now=world.now)
    with pytest.raises(Forbidden):
        assign_case(AssignCase(row.pk, world.rong.person), actor=world.alice, now=world.now)
    assign_case(AssignCase(row.pk, None), actor=world.rong, now=world.now)
    assert assigning.assignee(row.pk) is None
    assert Fact.objects.filter(case_id=row.pk, name="case.assigned").count() == 2


def test_the_desk_shows_and_filters_what_is_given_to_me(world: World) -> None:
    mine, free = submitted(world), submitted(world, title="未分派的申请")
    rita = staff(world.rita)
    address = f"/cases/{mine.case.number}/assign/"
    assert rita.post(address, {"key": uuid4(), "person": world.rita.person}).status_code == 302
    assert "任丽塔" in page(rita, "/desk/")
    told = page(rita, "/desk/?whose=mine")
    assert mine.case.number in told and free.case.number not in told
    told = page(rita, "/desk/?whose=free")
    assert free.case.number in told and mine.case.number not in told
    assert signed_in(world.alice).post(address, {"key": uuid4(), "person": world.rita.person}).status_code == 403


def test_a_batch_is_noticed_with_one_click_and_the_refused_are_told(world: World) -> None:
    rows = [submitted(world, title=f"第 {n} 件") for n in range(3)]
    for row in rows:
        act(row, "accept", world.rita, world.now)
    rong = staff(world.rong)
    assert "/desk/together/hangzhou.first/pass/" in page(rong, "/desk/")
    address = "/desk/together/hangzhou.first/pass/"
    assert page(rong, address).count('name="case"') == 3
    done = rong.post(address, {"key": uuid4(), "case": [r.pk for r in rows[:2]]})
    assert "已办理 2 件" in done.content.decode()
    assert [Case.objects.get(pk=r.pk).state for r in rows] == ["notice", "notice", "review"]
    assert Fact.objects.filter(name="filing.noticed").count() == 2


def test_a_case_of_the_actors_own_organisation_is_no_part_of_a_batch(world: World) -> None:
    row = submitted(world)
    rita = staff(world.rita)
    page(rita, "/desk/together/hangzhou.first/no_such_act/", 404)
    page(signed_in(world.mallory), "/desk/together/hangzhou.first/accept/", 404)
    assert Filing.objects.filter(pk=row.pk, case__state="submitted").exists()


def test_what_ends_soon_is_told_at_the_top(world: World) -> None:
    submitted(world, world.now - timedelta(days=6))
    told = page(staff(world.rita), "/desk/")
    assert "日内到期" in told or "已逾期" in told
