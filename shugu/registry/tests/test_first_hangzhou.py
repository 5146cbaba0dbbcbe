"""First registration under the Hangzhou table: the way through, the corrections, the refusals, the days that count."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_document
from shugu.kernel import engine, signer
from shugu.kernel.cases import mandate
from shugu.kernel.errors import (
    ConflictOfInterest,
    Forbidden,
    GuardRefused,
    InputInvalid,
    KeyConflict,
    MaterialsMissing,
    NotFound,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooEarly,
    TooLate,
)
from shugu.kernel.models import Case, Fact
from shugu.registry import queries, services
from shugu.registry.errors import RegisterClosed
from shugu.registry.models import Entry, Filing
from shugu.registry.tests.stages import act, application, at, file, issued, noticed, submitted
from tests.world import World

pytestmark = pytest.mark.django_db


def state(row: Filing) -> str:
    return str(Case.objects.get(pk=row.pk).state)


def due(row: Filing, clock: str) -> date:
    case = Case.objects.get(pk=row.pk)
    found = case.clocks.filter(clock=clock).order_by("-pk").first()
    assert found is not None
    return date.fromisoformat(str(found.due_on))


def test_the_whole_way_ends_with_an_entry_and_a_certificate_that_verifies(world: World) -> None:
    """carries: P6-049 P2-374 P3-066 P6-002"""
    row = issued(world)
    assert state(row) == "registered"
    entry = queries.entries_of(world.alice.org or 0, date(2026, 3, 16))[0]
    assert entry.facets == {"valid"} and entry.rights == ("holding", "operation")
    assert queries.tradable(entry.id, date(2026, 3, 16)) == ()
    shown = queries.certificate(entry.certificate_number, date(2026, 3, 16))
    report = verify_document(queries.certificate_bytes(shown.number), signer.keyring(), at(date(2026, 3, 17)))
    assert report.verdict is Verdict.SIGNED
    assert shown.valid_until == date(2029, 3, 16)
    fact = Fact.objects.get(pk=shown.fact)
    assert fact.name == "entry.entered" and shown.digest in (fact.payload or "")


def test_the_certificate_prints_the_same_bytes_twice(world: World) -> None:
    issued(world)
    number = queries.entries_of(world.alice.org or 0)[0].certificate_number
    first = queries.certificate_pdf(number, "zh", now=world.now)
    assert first.startswith(b"%PDF-") and first == queries.certificate_pdf(number, "zh", now=world.now)
    assert queries.certificate_pdf(number, "en", now=world.now) != first


def test_it_tells_every_field_error_at_once(world: World) -> None:
    cmd = application(
        world.alice, title=" ", rights=("ownership",), object_kind="song", form={"industry": "gold", "colour": "red"},
        reviewer_org=world.quinn.org, holders=((world.bob.org, 1),),
    )  # fmt: skip
    with pytest.raises(InputInvalid) as refusal:
        services.submit_filing(cmd, actor=world.alice, now=world.now)
    assert {"title", "rights", "object_kind", "form.colour", "form.industry", "form.summary", "holders"} <= set(
        refusal.value.field_errors
    )
    assert not Filing.objects.exists()


def test_nobody_applies_for_another_organisation(world: World) -> None:
    with pytest.raises(Forbidden):
        services.submit_filing(application(world.alice), actor=world.bob, now=world.now)


def test_a_closed_or_unknown_register_takes_nothing(shenzhen: World) -> None:
    for register, refusal in (("data-ip", RegisterClosed), ("houses", NotFound)):
        with pytest.raises(refusal):
            services.submit_filing(application(shenzhen.alice, register=register), actor=shenzhen.alice, now=shenzhen.now)


def test_the_same_key_gives_the_same_filing_and_other_content_is_a_conflict(world: World) -> None:
    cmd = application(world.alice)
    first = services.submit_filing(cmd, actor=world.alice, now=world.now, key="filing-0001")
    assert services.submit_filing(cmd, actor=world.alice, now=world.now, key="filing-0001").pk == first.pk
    assert Filing.objects.count() == 1
    with pytest.raises(KeyConflict):
        services.submit_filing(application(world.alice, title="别的"), actor=world.alice, now=world.now, key="filing-0001")


def test_missing_materials_are_named_and_nothing_moves(world: World) -> None:
    row = services.submit_filing(application(world.alice), actor=world.alice, now=world.now)
    with pytest.raises(MaterialsMissing) as refusal:
        act(row, "submit", world.alice, world.now)
    assert "数据来源佐证材料" in refusal.value.message("zh") and "承诺书" in refusal.value.message("zh")
    assert "申请表" not in refusal.value.message("zh")
    assert state(row) == "draft"


def test_co_holders_need_their_agreement_and_stand_in_the_book_with_their_shares(world: World) -> None:
    """Parts of what the entry earns. carries: P5-070"""
    holders = ((world.alice.org, 7), (world.carol.org, 3))
    row = services.submit_filing(application(world.alice, holders=holders), actor=world.alice, now=world.now)
    for material in ("source_proof", "identity", "declaration"):
        file(row, material, world.alice, world.now)
    with pytest.raises(MaterialsMissing):
        act(row, "submit", world.alice, world.now)
    file(row, "holders_agreement", world.alice, world.now)
    act(row, "submit", world.alice, world.now)
    act(row, "accept", world.rita, world.now)
    act(row, "pass", world.rong, world.now)
    later = world.now + timedelta(days=14)
    engine.sweep(later)
    act(row, "issue", world.rita, later)
    held = queries.entries_of(world.carol.org or 0)
    assert [(s.org, s.parts) for s in held[0].holders] == list(holders)


def test_the_reviewer_is_another_person_than_the_registrar(world: World) -> None:
    from dataclasses import replace

    both = replace(world.rita, seats=frozenset({"registrar", "reviewer"}))
    row = submitted(world)
    act(row, "accept", both, world.now)
    with pytest.raises(SeparationOfDuties):
        act(row, "pass", both, world.now)
    assert state(row) == "review"


def test_a_registrar_of_the_applicants_own_house_stands_aside(world: World) -> None:
    from dataclasses import replace

    row = submitted(world)
    with pytest.raises(ConflictOfInterest):
        act(row, "accept", replace(world.rita, org=world.alice.org), world.now)


def test_a_stranger_sees_no_filing_and_the_applicant_cannot_accept_it(world: World) -> None:
    row = submitted(world)
    with pytest.raises(NotFound):
        act(row, "accept", world.mallory, world.now)
    with pytest.raises(NotFound):
        queries.filing(row.number, world.mallory)
    with pytest.raises(NotFound):
        services.look_at_filing(services.LookAtFiling(row.number), actor=world.mallory, now=world.now)
    with pytest.raises(NotYourStep):
        act(row, "accept", world.alice, world.now)


def test_every_look_at_a_filing_is_a_fact_with_its_ground(world: World) -> None:
    """The trail of who looked. carries: P3-009"""
    row = submitted(world)
    for actor in (world.alice, world.rita, world.tara, world.sven):
        services.look_at_filing(services.LookAtFiling(row.number), actor=actor, now=world.now)
    facts = Fact.objects.filter(name="filing.looked_at").order_by("pk")
    assert [f.payload.split('"ground":"')[1].split('"')[0] for f in facts if f.payload] == [
        "own", "duty", "access_review", "judicial",
    ]  # fmt: skip


def test_it_declines_and_refuses_only_on_coded_grounds(world: World) -> None:
    row = submitted(world)
    with pytest.raises(InputInvalid) as refusal:
        act(row, "decline", world.rita, world.now, refusal_ground="mood", reason="不")
    assert "refusal_ground" in refusal.value.field_errors
    act(row, "accept", world.rita, world.now)
    act(row, "refuse", world.rong, world.now, refusal_ground="unlawful_source", reason="来源未获授权")
    assert state(row) == "refused" and not Entry.objects.exists()
    with pytest.raises(NotInProcedure):
        act(row, "issue", world.rita, world.now)


def test_correction_lists_every_defect_and_is_asked_for_once(world: World) -> None:
    row = submitted(world)
    with pytest.raises(InputInvalid):
        act(row, "ask_correction", world.rita, world.now, defects=" \n ")
    act(row, "ask_correction", world.rita, world.now, defects="来源佐证缺授权书\n承诺书未盖章")
    assert queries.filing(row.number, world.alice).defects == ("来源佐证缺授权书", "承诺书未盖章")
    file(row, "declaration", world.alice, world.now)
    act(row, "correct", world.alice, world.now)
    assert state(row) == "submitted"
    with pytest.raises(GuardRefused):
        act(row, "ask_correction", world.rita, world.now, defects="还缺一项")


def test_the_application_can_be_revised_while_it_is_corrected_and_not_after(world: World) -> None:
    row = submitted(world)
    form = {**row.form, "region": "纽约州"}
    cmd = services.ReviseFiling(row.pk, row.title, tuple(row.rights), form)
    with pytest.raises(Forbidden):
        services.revise_filing(cmd, actor=world.alice, now=world.now)
    act(row, "ask_correction", world.rita, world.now, defects="地区不准确")
    services.revise_filing(cmd, actor=world.alice, now=world.now)
    assert Filing.objects.get(pk=row.pk).form["region"] == "纽约州"
    with pytest.raises(TooLate):
        services.revise_filing(cmd, actor=world.alice, now=world.now + timedelta(days=30))


# 2026: National Day is off from 1 to 7 October; 20 September and 10 October (both at a weekend) are worked.
GOLDEN_WEEK = date(2026, 9, 28)


@pytest.mark.parametrize("passes", [True, False], ids=["last minute", "one minute late"])
def test_correction_over_national_day_counts_the_make_up_day(world: World, passes: bool) -> None:
    """Ten working days after 28 September: 29 and 30 September, 8, 9, 10 (make-up), 12 to 16 October."""
    row = submitted(world, at(GOLDEN_WEEK))
    act(row, "ask_correction", world.rita, at(GOLDEN_WEEK), defects="缺一页")
    last = due(row, "correction_period")
    assert last == date(2026, 10, 16)
    moment = at(last, 23, 59) if passes else at(last + timedelta(days=1), 0, 0)
    if passes:
        act(row, "correct", world.alice, moment)
        assert state(row) == "submitted"
    else:
        with pytest.raises(TooLate):
            act(row, "correct", world.alice, moment)
        engine.sweep(moment)
        assert state(row) == "lapsed"


def test_public_notice_over_national_day_bars_the_issue_to_its_last_minute(world: World) -> None:
    """Five working days after 28 September: 29, 30 September, 8, 9 and 10 October (a worked Saturday)."""
    row = noticed(world, at(GOLDEN_WEEK))
    assert due(row, "notice_period") == date(2026, 10, 10)
    with pytest.raises(TooEarly):
        act(row, "issue", world.rita, at(date(2026, 10, 10), 23, 59))
    act(row, "issue", world.rita, at(date(2026, 10, 11), 0, 0))
    assert state(row) == "registered"


def test_a_notice_that_ends_by_the_clock_starts_the_time_to_issue(world: World) -> None:
    row = noticed(world, at(GOLDEN_WEEK))
    engine.sweep(at(date(2026, 10, 11), 0, 0))
    assert state(row) == "cleared"
    assert due(row, "issue_period") == date(2026, 10, 14)
    engine.sweep(at(date(2026, 10, 15), 0, 0))
    assert Fact.objects.filter(case_id=row.pk, name="clock.overdue").count() == 1
    act(row, "issue", world.rita, at(date(2026, 10, 15)))
    assert state(row) == "registered"


@pytest.mark.parametrize("clock", ["acceptance_period", "review_period"])
def test_a_duty_not_done_by_its_last_day_is_recorded_as_overdue(world: World, clock: str, now: datetime) -> None:
    row = submitted(world)
    if clock == "review_period":
        act(row, "accept", world.rita, now)
    last = due(row, clock)
    engine.sweep(at(last, 23, 59))
    assert not Fact.objects.filter(name="clock.overdue").exists()
    engine.sweep(at(last + timedelta(days=1), 0, 0))
    assert Fact.objects.get(name="clock.overdue").case_id == row.pk


def test_a_trade_is_recorded_once_and_only_by_mandate(world: World) -> None:
    issued(world)
    entry = queries.entries_of(world.alice.org or 0)[0]
    cmd = services.RecordTrade(entry.id, "trade:CTR-1", {"contract": "CTR-1"})
    with pytest.raises(Forbidden):
        services.record_trade(cmd, actor=world.alice, now=world.now)
    trade = mandate("trade", "contract:1")
    first = services.record_trade(cmd, actor=trade, now=world.now)
    assert services.record_trade(cmd, actor=trade, now=world.now).pk == first.pk
    assert Fact.objects.filter(name="entry.traded").count() == 1


def test_what_the_book_said_cannot_be_rewritten(world: World) -> None:
    from django.db import DatabaseError, transaction

    from shugu.registry.models import EntryVersion

    issued(world)
    with pytest.raises(DatabaseError), transaction.atomic():
        EntryVersion.objects.update(title="别的")


def test_a_hold_suspends_and_its_lifting_restores(world: World) -> None:
    issued(world)
    day = date(2026, 3, 20)
    entry = queries.entries_of(world.alice.org or 0)[0]
    cmd = services.PlaceHold(entry.id, "suspended", "监管要求", "第二十五条")
    with pytest.raises(Forbidden):
        services.place_hold(cmd, actor=world.alice, now=world.now)
    mark = services.place_hold(cmd, actor=world.rita, now=world.now)
    assert [(r.code, r.article) for r in queries.tradable(entry.id, day)] == [("suspended", "第二十五条")]
    assert "valid" not in queries.certificate(entry.certificate_number, day).facets
    services.lift_hold(services.LiftHold(mark.pk), actor=world.rita, now=world.now)
    assert queries.tradable(entry.id, day) == ()


def test_the_certificate_expires_the_day_after_its_last_day(world: World) -> None:
    issued(world)
    number = queries.entries_of(world.alice.org or 0)[0].certificate_number
    assert queries.certificate(number, date(2029, 3, 16)).facets == {"valid"}
    assert queries.certificate(number, date(2029, 3, 17)).facets == {"expired"}
