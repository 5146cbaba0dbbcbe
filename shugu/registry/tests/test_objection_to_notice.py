"""Objections to a public notice: who, when, how often, and what becomes of the application."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shugu.kernel import engine
from shugu.kernel.errors import (
    ConflictOfInterest,
    GuardRefused,
    InputInvalid,
    NotFound,
    NotInProcedure,
    NotYourStep,
    TooLate,
)
from shugu.kernel.models import Case, Fact
from shugu.registry import queries, queries_notices, services
from shugu.registry.errors import NotAnOutsider, ObjectedBefore
from shugu.registry.models import Filing, Objection
from shugu.registry.tests.stages import act, answer, at, noticed, objected, submitted
from tests.world import World

pytestmark = pytest.mark.django_db
NOTICED = date(2026, 9, 28)
LAST = date(2026, 10, 10)


def state(row: Filing | Objection) -> str:
    return str(Case.objects.get(pk=row.pk).state)


def test_anybody_signed_in_may_object_during_the_notice_to_its_last_minute(world: World) -> None:
    row = noticed(world, at(NOTICED))
    objection = objected(world, row, world.mallory, at(LAST, 23, 59))
    assert state(objection) == "filed"
    assert Fact.objects.get(name="filing.objected").case_id == row.pk


def test_an_objection_one_minute_late_is_refused_before_and_after_the_sweep(world: World) -> None:
    row = noticed(world, at(NOTICED))
    late = at(LAST + timedelta(days=1), 0, 0)
    with pytest.raises(TooLate):
        objected(world, row, world.mallory, late)
    engine.sweep(late)
    with pytest.raises(NotInProcedure):
        objected(world, row, world.mallory, late)
    assert not Objection.objects.exists()


def test_a_filing_not_under_notice_is_not_known_to_strangers(world: World) -> None:
    row = submitted(world)
    with pytest.raises(NotFound):
        objected(world, row, world.mallory, world.now)


def test_the_applicant_cannot_object_to_itself(world: World) -> None:
    with pytest.raises(NotAnOutsider):
        objected(world, noticed(world), world.alice, world.now)


def test_a_second_objection_on_the_same_ground_is_refused_with_its_rule(world: World) -> None:
    row = noticed(world)
    first = objected(world, row, world.mallory, world.now)
    with pytest.raises(ObjectedBefore) as refusal:
        objected(world, row, world.mallory, world.now)
    assert refusal.value.article and first.number in refusal.value.message("zh")
    answer(first, "dismiss", world.rong, world.now, reason="无证据")
    with pytest.raises(ObjectedBefore):
        objected(world, row, world.mallory, world.now)
    objected(world, row, world.mallory, world.now, ground="secrecy")
    objected(world, row, world.bob, world.now)
    assert Objection.objects.count() == 3


def test_a_ground_outside_the_table_and_an_empty_statement_are_both_told(world: World) -> None:
    row = noticed(world)
    with pytest.raises(InputInvalid) as refusal:
        services.file_objection(services.FileObjection("envy", " ", row.number), actor=world.mallory, now=world.now)
    assert set(refusal.value.field_errors) == {"ground", "statement"}


def test_an_open_objection_holds_back_the_certificate_until_it_is_dismissed(world: World) -> None:
    row = noticed(world, at(NOTICED))
    objection = objected(world, row, world.mallory, at(NOTICED))
    after = at(LAST + timedelta(days=1))
    with pytest.raises(GuardRefused):
        act(row, "issue", world.rita, after)
    engine.sweep(after)
    assert state(row) == "objected"
    answer(objection, "answer", world.alice, after, answer="系公开来源加工所得")
    answer(objection, "dismiss", world.rong, after, reason="异议人未能证明")
    assert state(row) == "cleared"
    act(row, "issue", world.rita, after)
    assert state(row) == "registered"


def test_one_of_two_objections_dismissed_leaves_the_other_in_the_way(world: World) -> None:
    row = noticed(world, at(NOTICED))
    one = objected(world, row, world.mallory, at(NOTICED))
    two = objected(world, row, world.bob, at(NOTICED))
    after = at(LAST + timedelta(days=1))
    engine.sweep(after)
    answer(one, "dismiss", world.rong, after, reason="不成立")
    assert state(row) == "objected"
    answer(two, "withdraw", world.bob, after)
    assert state(row) == "cleared"


def test_an_objection_upheld_ends_the_application_and_every_other_objection(world: World) -> None:
    row = noticed(world)
    one = objected(world, row, world.mallory, world.now)
    two = objected(world, row, world.bob, world.now)
    answer(one, "uphold", world.rong, world.now, reason="权属确有争议")
    assert (state(row), state(one), state(two)) == ("refused", "upheld", "moot")
    assert Fact.objects.filter(case_id=row.pk, name="filing.stopped").count() == 1


def test_an_objection_withdrawn_during_the_notice_lets_it_run_on(world: World) -> None:
    row = noticed(world, at(NOTICED))
    answer(objected(world, row, world.mallory, at(NOTICED)), "withdraw", world.mallory, at(NOTICED))
    assert state(row) == "notice"
    engine.sweep(at(LAST + timedelta(days=1), 0, 0))
    assert state(row) == "cleared"


def test_withdrawing_the_application_ends_its_objections(world: World) -> None:
    row = noticed(world)
    objection = objected(world, row, world.mallory, world.now)
    act(row, "withdraw", world.alice, world.now)
    assert (state(row), state(objection)) == ("withdrawn", "moot")


def test_only_an_unrelated_reviewer_decides_and_a_stranger_sees_nothing(world: World) -> None:
    from dataclasses import replace

    objection = objected(world, noticed(world), world.mallory, world.now)
    with pytest.raises(NotYourStep):
        answer(objection, "dismiss", world.rita, world.now, reason="x")
    with pytest.raises(ConflictOfInterest):
        answer(objection, "dismiss", replace(world.rong, org=world.mallory.org), world.now, reason="x")
    with pytest.raises(NotFound):
        answer(objection, "withdraw", world.carol, world.now)
    with pytest.raises(NotFound):
        queries.objection(objection.number, world.carol)
    assert queries.objection(objection.number, world.alice).ground == "ownership"


def test_the_notice_tells_its_days_and_the_objections_open(world: World) -> None:
    row = noticed(world, at(NOTICED))
    objected(world, row, world.mallory, at(NOTICED))
    shown = queries_notices.notices(at(NOTICED))[0]
    assert (shown.number, shown.until, shown.open, shown.objections) == (row.number, LAST, True, 1)
    assert not queries_notices.notice(row.number, at(LAST + timedelta(days=1))).open
