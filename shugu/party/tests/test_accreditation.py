from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest

from shugu.formats.identifiers import make_uscc
from shugu.kernel import credentials, documents, engine, status_audit
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.errors import (
    Forbidden,
    GuardRefused,
    HeldBack,
    InputInvalid,
    KeyConflict,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooLate,
)
from shugu.kernel.models import Case, Fact
from shugu.kernel.workdays import local_day
from shugu.party import queries, services
from shugu.party.errors import AlreadyAccredited
from shugu.party.models import Accreditation
from tests.lists import facets_of
from tests.world import SETUP, World


def _open(world: World, kind: str = "buyer", merchant_type: str = "") -> int:
    assert world.mallory.org is not None
    row = services.apply_accreditation(
        services.ApplyAccreditation(world.mallory.org, kind, merchant_type), actor=world.mallory, now=world.now
    )
    return int(row.case_id)


def _act(world: World, case: int, do: str, actor: Actor, **input: str) -> Accreditation:
    row: Accreditation = services.act_on_accreditation(
        services.ActOnAccreditation(case, do, input), actor=actor, now=world.now
    )
    return row


def _submitted(world: World, kind: str = "buyer") -> int:
    case = _open(world, kind)
    for material in ("licence", "commitment", "qualification"):
        world.file(case, material, world.mallory)
    _act(world, case, "submit", world.mallory)
    return case


def _state(case: int) -> str:
    return Case.objects.get(pk=case).state


def test_it_grants_an_accreditation_for_the_term_of_the_rules_and_signs_a_certificate(world: World) -> None:
    assert world.mallory.org is not None
    case = _submitted(world)
    _act(world, case, "accept", world.rita)
    row = _act(world, case, "approve", world.rong)
    day = local_day(world.now)
    assert queries.is_accredited(world.mallory.org, "buyer", day)
    assert row.granted_on == day and row.valid_until is not None
    assert (row.valid_until.year, row.valid_until.month, row.valid_until.day) == (2029, 3, 2)
    assert queries.is_accredited(world.mallory.org, "buyer", row.valid_until)
    assert not queries.is_accredited(world.mallory.org, "buyer", row.valid_until + timedelta(days=1))
    fact = Fact.objects.get(case_id=case, name="accreditation.granted")
    assert row.digest in (fact.payload or "")
    assert b"AccreditationCertificate" in documents.get(row.digest)


def test_it_refuses_to_submit_without_materials_and_says_which(world: World) -> None:
    """Nobody is admitted without the undertaking. carries: P6-212"""
    case = _open(world)
    world.file(case, "licence", world.mallory)
    with pytest.raises(MaterialsMissing) as refused:
        _act(world, case, "submit", world.mallory)
    assert "承诺书" in refused.value.message("zh")
    assert _state(case) == "drafting"


def test_it_asks_a_third_party_body_for_its_qualification_too(world: World) -> None:
    """Another rule for third-party bodies than for the rest. carries: P3-207"""
    case = _open(world, "service_body:valuation")
    for material in ("licence", "commitment"):
        world.file(case, material, world.mallory)
    with pytest.raises(MaterialsMissing):
        _act(world, case, "submit", world.mallory)
    world.file(case, "qualification", world.mallory)
    _act(world, case, "submit", world.mallory)
    assert _state(case) == "submitted"


@pytest.mark.parametrize(
    ("kind", "merchant_type", "field"),
    [("king", "", "kind"), ("service_body", "", "kind"), ("service_body:juggling", "", "kind"), ("buyer:x", "", "kind"),
     ("merchant", "", "merchant_type"), ("merchant", "magic", "merchant_type"), ("buyer", "technology", "merchant_type")],
)  # fmt: skip
def test_it_refuses_kinds_and_types_the_rules_do_not_know(world: World, kind: str, merchant_type: str, field: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        _open(world, kind, merchant_type)
    assert field in refused.value.field_errors


@pytest.mark.parametrize("merchant_type", ["technology", "application", "service"])
def test_it_takes_the_three_merchant_types_of_the_china_data_valley(world: World, merchant_type: str) -> None:
    case = _open(world, "merchant", merchant_type)
    assert Accreditation.objects.get(case_id=case).merchant_type == merchant_type


@pytest.mark.parametrize(
    ("kind", "merchant_type"),
    [("merchant", "service"), ("service_body:compliance_certification", ""), ("service_body:data_brokerage", "")],
)
def test_it_admits_merchants_professional_bodies_and_data_brokers(world: World, kind: str, merchant_type: str) -> None:
    """carries: P5-261"""
    assert world.mallory.org is not None
    world.accredit(world.mallory, kind, merchant_type)
    assert queries.is_accredited(world.mallory.org, kind, local_day(world.now))


@pytest.mark.parametrize("kind", ["provider", "merchant", "buyer"])
def test_the_venue_itself_is_not_admitted_to_trade(world: World, kind: str) -> None:
    """数据二十条 三（九）: the functions of the venue and of merchants are separate.

    carries: P1-036 P6-017
    """
    order = services.RegisterOrganisation("数谷交易所", make_uscc("91330100MA2XXXXX9"), kind="venue")
    venue = services.register_organisation(order, actor=world.otto, now=world.now)
    cmd = services.ApplyAccreditation(venue.pk, kind, "service" if kind == "merchant" else "")
    with pytest.raises(InputInvalid) as refused:
        services.apply_accreditation(cmd, actor=SETUP, now=world.now)
    assert set(refused.value.field_errors) == {"kind"}


def test_it_refuses_a_second_application_of_the_same_kind(world: World) -> None:
    assert world.bob.org is not None
    _open(world)
    with pytest.raises(AlreadyAccredited):
        _open(world)
    with pytest.raises(AlreadyAccredited):
        services.apply_accreditation(services.ApplyAccreditation(world.bob.org, "buyer"), actor=world.bob, now=world.now)


def test_it_lets_nobody_apply_for_another_organisation(world: World) -> None:
    assert world.alice.org is not None
    for actor in (world.mallory, world.rita, services.NEWCOMER):
        with pytest.raises(Forbidden):
            services.apply_accreditation(
                services.ApplyAccreditation(world.alice.org, "buyer"), actor=actor, now=world.now
            )


def test_it_asks_for_correction_once_only(world: World) -> None:
    case = _submitted(world)
    _act(world, case, "ask_correction", world.rita, defects="承诺书未盖章")
    _act(world, case, "correct", world.mallory)
    with pytest.raises(GuardRefused):
        _act(world, case, "ask_correction", world.rita, defects="又一处")
    assert _state(case) == "submitted"


def test_it_lapses_when_the_correction_is_late_and_takes_none_after_that(world: World) -> None:
    case = _submitted(world)
    _act(world, case, "ask_correction", world.rita, defects="承诺书未盖章")
    late = world.now + timedelta(days=30)
    with pytest.raises(TooLate):
        services.act_on_accreditation(services.ActOnAccreditation(case, "correct"), actor=world.mallory, now=late)
    engine.sweep(late)
    assert _state(case) == "lapsed"


def test_it_keeps_accepting_and_reviewing_in_different_hands(world: World) -> None:
    services.grant_seat(services.GrantSeat(world.person_of("rita"), "reviewer"), actor=world.otto, now=world.now)
    both = queries.actor_for(world.person_of("rita"))
    case = _submitted(world)
    _act(world, case, "accept", both)
    with pytest.raises(SeparationOfDuties):
        _act(world, case, "approve", both)
    assert _state(case) == "reviewing"


@pytest.mark.parametrize("who", ["mallory", "alice", "rong", "sven", "otto"])
def test_it_lets_only_a_registrar_accept(world: World, who: str) -> None:
    case = _submitted(world)
    with pytest.raises(NotYourStep):
        _act(world, case, "accept", getattr(world, who))
    assert _state(case) == "submitted"


def test_it_refuses_an_act_out_of_order(world: World) -> None:
    case = _submitted(world)
    with pytest.raises(NotInProcedure):
        _act(world, case, "approve", world.rong)
    assert not Accreditation.objects.get(case_id=case).digest


def test_a_refusal_needs_a_reason_and_can_be_reconsidered(world: World) -> None:
    case = _submitted(world)
    _act(world, case, "accept", world.rita)
    with pytest.raises(InputInvalid):
        _act(world, case, "refuse", world.rong)
    _act(world, case, "refuse", world.rong, reason="资质不足")
    _act(world, case, "appeal", world.mallory, reason="材料已补")
    row = _act(world, case, "overturn", world.otto, reason="材料属实")
    assert _state(case) == "accredited" and row.valid_until is not None and row.number


def test_a_refusal_stands_when_nobody_asks_for_reconsideration_in_time(world: World) -> None:
    case = _submitted(world)
    _act(world, case, "decline", world.rita, reason="非本所业务")
    engine.sweep(world.now + timedelta(days=40))
    assert _state(case) == "refused"


def test_a_hold_on_the_party_stops_its_application(world: World) -> None:
    assert world.mallory.org is not None
    case = _open(world)
    for material in ("licence", "commitment"):
        world.file(case, material, world.mallory)
    services.place_hold(
        services.PlaceHold(world.mallory.org, ("apply",), "信用核查中"), actor=world.otto, now=world.now
    )
    with pytest.raises(HeldBack):
        _act(world, case, "submit", world.mallory)


def test_the_same_key_gives_the_same_answer_and_other_content_is_a_conflict(world: World) -> None:
    assert world.mallory.org is not None
    cmd = services.ApplyAccreditation(world.mallory.org, "buyer")
    first = services.apply_accreditation(cmd, actor=world.mallory, now=world.now, key="apply-01")
    assert services.apply_accreditation(cmd, actor=world.mallory, now=world.now, key="apply-01").pk == first.pk
    with pytest.raises(KeyConflict):
        services.apply_accreditation(
            services.ApplyAccreditation(world.mallory.org, "provider"), actor=world.mallory, now=world.now, key="apply-01"
        )


def test_the_desk_shows_the_case_to_whoever_must_act_and_to_nobody_else(world: World) -> None:
    case = Case.objects.get(pk=_submitted(world))
    assert case.number in {r.number for r in cases.desk(world.rita, world.now)}
    assert case.number not in {r.number for r in cases.desk(world.rong, world.now)}
    assert case.number not in {r.number for r in cases.desk(world.alice, world.now)}
    assert next(r for r in cases.desk(world.rita, world.now) if r.number == case.number).due_on is not None


def _until(world: World, kind: str = "buyer") -> date:
    found = Accreditation.objects.filter(org_id=world.bob.org, kind=kind).order_by("-pk").first()
    assert found is not None and found.valid_until is not None
    return found.valid_until


def _renewed(world: World, now: datetime) -> Accreditation:
    """Bob's accreditation as buyer applied for again and granted at that moment."""
    world.now = now
    cmd = services.ApplyAccreditation(world.bob.org or 0, "buyer")
    row = services.apply_accreditation(cmd, actor=world.bob, now=now)
    for material in ("licence", "commitment"):
        world.file(row.case_id, material, world.bob)
    for do, actor in (("submit", world.bob), ("accept", world.rita), ("approve", world.rong)):
        _act(world, row.case_id, do, actor)
    row.refresh_from_db()
    return row


def test_an_accreditation_is_renewed_near_its_end_and_the_new_term_follows_the_old_one(world: World) -> None:
    until, org = _until(world), world.bob.org or 0
    before_end = world.now.replace(year=until.year, month=until.month, day=until.day) - timedelta(days=30)
    row = _renewed(world, before_end)
    assert row.renews is not None and row.renews.valid_until == until
    assert row.granted_on == until + timedelta(days=1)
    assert row.valid_until == until.replace(year=until.year + 3) + timedelta(days=1)
    for day in (until - timedelta(days=1), until, until + timedelta(days=1), row.valid_until):
        assert queries.is_accredited(org, "buyer", day)
    assert not queries.is_accredited(org, "buyer", row.valid_until + timedelta(days=1))
    certificate = json.loads(documents.get(row.digest))["credentialSubject"]
    assert certificate["from"] == (until + timedelta(days=1)).isoformat()


def test_an_accreditation_is_not_renewed_before_the_window_nor_twice(world: World) -> None:
    until = _until(world)
    end = world.now.replace(year=until.year, month=until.month, day=until.day)
    for early in (world.now, end - timedelta(days=61)):
        with pytest.raises(AlreadyAccredited):
            services.apply_accreditation(
                services.ApplyAccreditation(world.bob.org or 0, "buyer"), actor=world.bob, now=early
            )
    _renewed(world, end - timedelta(days=60))
    with pytest.raises(AlreadyAccredited):
        services.apply_accreditation(
            services.ApplyAccreditation(world.bob.org or 0, "buyer"), actor=world.bob, now=end - timedelta(days=10)
        )


def test_a_renewal_decided_after_the_end_begins_on_the_day_it_is_granted(world: World) -> None:
    until = _until(world)
    end = world.now.replace(year=until.year, month=until.month, day=until.day)
    cmd = services.ApplyAccreditation(world.bob.org or 0, "buyer")
    row = services.apply_accreditation(cmd, actor=world.bob, now=end - timedelta(days=1))
    world.now = end + timedelta(days=2)
    for material in ("licence", "commitment"):
        world.file(row.case_id, material, world.bob)
    for do, actor in (("submit", world.bob), ("accept", world.rita), ("approve", world.rong)):
        _act(world, row.case_id, do, actor)
    row.refresh_from_db()
    assert row.granted_on == until + timedelta(days=2)
    assert not queries.is_accredited(world.bob.org or 0, "buyer", until + timedelta(days=1))


def test_withdrawing_the_old_accreditation_does_not_bring_the_renewal_forward(world: World) -> None:
    until = _until(world)
    end = world.now.replace(year=until.year, month=until.month, day=until.day)
    row = _renewed(world, end - timedelta(days=20))
    assert row.renews is not None
    cmd = services.WithdrawAccreditation(row.renews.number, "虚假材料")
    services.withdraw_accreditation(cmd, actor=world.otto, now=end - timedelta(days=10))
    assert not queries.is_accredited(world.bob.org or 0, "buyer", until)
    assert queries.is_accredited(world.bob.org or 0, "buyer", until + timedelta(days=1))


def test_a_withdrawn_accreditation_is_revoked_in_the_status_lists_from_that_day(world: World) -> None:
    row = Accreditation.objects.filter(org_id=world.alice.org).exclude(number="").order_by("pk")[0]
    assert facets_of(row.digest, world.now) == {"valid"}
    later = world.now + timedelta(days=2)
    cmd = services.WithdrawAccreditation(row.number, "虚假材料", "第九条")
    services.withdraw_accreditation(cmd, actor=world.otto, now=later)
    assert facets_of(row.digest, later) == {"revoked"}
    now, then = (credentials.standing(row.number, local_day(at)) for at in (later, later - timedelta(days=1)))
    assert now is not None and [(line.facet, line.article) for line in now.lines] == [("revoked", "第九条")]
    assert then is not None and then.facets == {"valid"} and then.fact
    assert not list(status_audit.audit_status())
