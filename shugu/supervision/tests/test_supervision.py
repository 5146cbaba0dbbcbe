from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client

from shugu.evidence import services as evidence
from shugu.kernel import clock, engine
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotYourStep
from shugu.kernel.models import Case, Fact
from shugu.kernel.workdays import local_day
from shugu.party import services as party
from shugu.supervision import queries, services
from shugu.supervision.errors import AlreadyDrawn, NoCheckpoint, NothingToDraw
from shugu.supervision.models import Inspection
from tests import snapshot
from tests.world import ACCREDITED, SETUP, World, token

WATCHED = (
    "/supervision/cases/", "/supervision/facts/", "/supervision/numbers/", "/supervision/overdue/", "/supervision/queries/",
    "/supervision/inspections/",
)  # fmt: skip


@pytest.fixture()
def venue(db: None) -> World:
    """The cast on the real day: pages read the clock."""
    return snapshot.world(snapshot.this_moment())


@pytest.fixture()
def seated(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Actor | None]]:
    """Who sits at the browser, past the sign-in that party's own tests cover."""
    held: dict[str, Actor | None] = {"actor": None}
    from shugu.party import seat

    def by_session(request: object) -> None:
        actor = held["actor"]
        if actor is not None:
            seat._seat(request, actor)  # type: ignore[arg-type]

    monkeypatch.setattr(seat, "_by_session", by_session)
    yield held


def looked() -> int:
    return Fact.objects.filter(name="supervision.looked_up").count()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", ("/supervision/", *WATCHED))
def test_each_page_of_the_regulator_is_shown_and_recorded_once(
    venue: World, seated: dict[str, Actor | None], path: str, lang: str
) -> None:
    seated["actor"] = venue.sven
    before = looked()
    answer = Client().get(path, {"lang": lang})
    assert answer.status_code == 200, answer.content.decode()[:500]
    assert looked() == before + (0 if path == "/supervision/numbers/" else 1)


@pytest.mark.parametrize("path", WATCHED)
@pytest.mark.parametrize("who", ["rita", "otto", "alice", "mallory", ""])
def test_it_refuses_other_seats_members_and_strangers(
    venue: World, seated: dict[str, Actor | None], path: str, who: str
) -> None:
    seated["actor"] = getattr(venue, who) if who else None
    before = looked()
    assert Client().get(path).status_code in (302, 401, 403)
    assert looked() == before


def test_the_operator_may_see_the_targets_and_nothing_else_of_the_regulator(
    venue: World, seated: dict[str, Actor | None]
) -> None:
    seated["actor"] = venue.otto
    assert Client().get("/supervision/").status_code == 200
    assert Client().get("/supervision/cases/").status_code == 403


def test_targets_count_live_records_and_leave_unrecorded_ones_open(world: World) -> None:
    found = {k.code: k for k in queries.kpis(local_day(world.now))}
    assert found["merchants"].value == 1 and found["listed_products"].value == 0 and found["trading_value"].value == 0
    assert found["authorised_scenarios"].value is None and found["service_platforms"].value is None
    assert found["service_platforms"].met is None
    assert found["trading_value"].strict and not found["merchants"].strict
    world.accredit(world.carol, "merchant", "*")
    assert {k.code: k.value for k in queries.kpis(local_day(world.now))}["merchants"] == 2


def test_a_strict_target_is_not_met_by_reaching_it(world: World) -> None:
    from dataclasses import replace

    goal = next(k for k in queries.kpis(local_day(world.now)) if k.code == "trading_value")
    assert goal.target is not None
    assert replace(goal, value=goal.target.number).met is False
    assert replace(goal, value=goal.target.number + 1).met is True
    assert replace(goal, strict=False, value=goal.target.number).met is True


@pytest.mark.parametrize("code", ["merchants", "listed_products", "trading_value", "high_quality_data_sets"])
def test_each_recorded_target_opens_to_its_rows(venue: World, seated: dict[str, Actor | None], code: str) -> None:
    seated["actor"] = venue.sven
    answer = Client().get(f"/supervision/kpi/{code}/")
    assert answer.status_code == 200
    if code == "merchants":
        assert "数源数据科技有限公司" in answer.content.decode()


def test_an_unrecorded_target_has_no_rows(venue: World, seated: dict[str, Actor | None]) -> None:
    seated["actor"] = venue.sven
    assert Client().get("/supervision/kpi/service_platforms/").status_code == 404


def test_a_case_is_read_with_badges_that_lead_to_proofs(venue: World, seated: dict[str, Actor | None]) -> None:
    evidence.sequence_once(clock.now())
    row = Case.objects.earliest("id")
    fact = Fact.objects.filter(case=row).earliest("id")
    seated["actor"] = venue.abel
    page = Client().get(f"/supervision/cases/{row.number}/").content.decode()
    assert f"/evidence/facts/{fact.pk}/" in page and row.title in page
    assert "/submit/" not in page and "/approve/" not in page


def test_cases_are_found_by_organisation_procedure_state_and_day(world: World) -> None:
    org = world.alice.org
    found, _ = queries.cases(queries.CaseQuery(org=org), world.now)
    assert len(found) == 2 and all(c.procedure == "party.accreditation" for c in found)
    day = local_day(world.now)
    assert queries.cases(queries.CaseQuery(first=day + timedelta(days=1)), world.now)[0] == []
    assert len(queries.cases(queries.CaseQuery(state="accredited", last=day), world.now)[0]) == len(ACCREDITED)
    assert queries.cases(queries.CaseQuery(number=found[0].number), world.now)[0] == [found[0]]


def test_overdue_cases_and_clocks_are_found(world: World) -> None:
    row = party.apply_accreditation(party.ApplyAccreditation(world.mallory.org or 0, "buyer"), actor=world.mallory, now=world.now)
    for material in ("licence", "commitment"):
        world.file(row.case_id, material, world.mallory)
    party.act_on_accreditation(party.ActOnAccreditation(row.case_id, "submit"), actor=world.mallory, now=world.now)
    assert queries.overdue(world.now) == []
    later = world.now + timedelta(days=60)
    for swept in (False, True):
        if swept:
            engine.sweep(later)
        assert [o.case for o in queries.overdue(later)] == [row.case.number]
        assert [c.number for c in queries.cases(queries.CaseQuery(overdue=True), later)[0]] == [row.case.number]


def test_pages_of_facts_follow_one_another_without_gap_or_repeat(world: World) -> None:
    seen: list[int] = []
    key = None
    while True:
        rows, key = queries.facts(queries.FactQuery(before=key), 7)
        seen += [r.id for r in rows]
        if key is None:
            break
    assert seen == sorted(Fact.objects.values_list("pk", flat=True), reverse=True)


def test_facts_are_found_by_each_criterion(world: World) -> None:
    evidence.sequence_once(world.now)
    org = world.alice.org
    rows, _ = queries.facts(queries.FactQuery(org=org), 200)
    assert rows and all(r.org == org for r in rows)
    assert {r.name for r in queries.facts(queries.FactQuery(name="seat.granted"))[0]} == {"seat.granted"}
    assert [r.id for r in queries.facts(queries.FactQuery(position=rows[0].position))[0]] == [rows[0].id]
    day = local_day(world.now)
    assert queries.facts(queries.FactQuery(last=day - timedelta(days=1)))[0] == []
    assert {r.subject for r in queries.facts(queries.FactQuery(subject=f"party.org:{org}"))[0]} == {f"party.org:{org}"}


def test_a_look_up_keeps_a_digest_and_never_the_criteria(world: World) -> None:
    services.look_up(services.LookUp("facts", {"subject": "party.org:77001"}), actor=world.sven, now=world.now)
    payload = Fact.objects.filter(name="supervision.looked_up").latest("id").payload or ""
    assert "77001" not in payload and '"what":"facts"' in payload
    with pytest.raises(Forbidden):
        services.look_up(services.LookUp("facts"), actor=world.alice, now=world.now)


def test_no_draw_without_a_checkpoint_and_none_by_others(world: World) -> None:
    with pytest.raises(NoCheckpoint):
        services.hold_draw(services.HoldDraw(), actor=world.sven, now=world.now)
    for actor in (world.abel, world.otto, world.alice):
        with pytest.raises(Forbidden):
            services.hold_draw(services.HoldDraw(), actor=actor, now=world.now)


def _drawn(world: World, now: datetime) -> Inspection:
    evidence.sequence_once(now)
    row = services.hold_draw(services.HoldDraw(), actor=world.sven, now=now, key="draw-0001")
    again = services.hold_draw(services.HoldDraw(), actor=world.sven, now=now, key="draw-0001")
    assert again.pk == row.pk
    assert queries.reproduces(row)
    return Inspection.objects.get(draw=row)


def test_a_draw_is_reproducible_and_its_inspection_ends_in_public(world: World) -> None:
    one = _drawn(world, world.now)
    with pytest.raises(AlreadyDrawn):
        services.hold_draw(services.HoldDraw(), actor=world.sven, now=world.now)
    given = {"inspection_conclusion": "compliant", "findings": "台账齐全"}
    with pytest.raises(NotYourStep):
        services.act_on_inspection(services.ActOnInspection(one.pk, "report", given), actor=world.abel, now=world.now)
    services.act_on_inspection(services.ActOnInspection(one.pk, "report", given), actor=world.sven, now=world.now)
    assert queries.disclosure(local_day(world.now)).results == ()
    services.act_on_inspection(
        services.ActOnInspection(one.pk, "publish", {"public_result": "未发现问题"}), actor=world.sven, now=world.now
    )
    shown = queries.disclosure(local_day(world.now)).results
    assert [(r.org, r.public_result) for r in shown] == [(one.org_id, "未发现问题")]


def test_a_draw_altered_afterwards_no_longer_reproduces(world: World) -> None:
    one = _drawn(world, world.now)
    Inspection.objects.filter(pk=one.pk).update(inspector=one.inspector + 1)
    assert not queries.reproduces(one.draw)


def test_an_inspector_who_once_belonged_to_everybody_is_never_drawn(world: World) -> None:
    party.end_seat(party.EndSeat(world.person_of("sven"), "regulator"), actor=world.otto, now=world.now)
    for firm in ("alice", "bob", "carol", "quinn", "quincy"):
        actor = getattr(world, firm)
        party.add_member(party.AddMember(actor.org, world.person_of("sven")), actor=actor, now=world.now)
        party.end_membership(party.EndMembership(actor.org, world.person_of("sven")), actor=actor, now=world.now)
    party.grant_seat(party.GrantSeat(world.person_of("sven"), "regulator"), actor=SETUP, now=world.now)
    evidence.sequence_once(world.now)
    with pytest.raises(NothingToDraw):
        services.hold_draw(services.HoldDraw(), actor=world.sven, now=world.now)


def test_the_disclosure_page_is_for_everybody_and_names_nobody_s_business(venue: World) -> None:
    for lang in ("zh", "en"):
        page = Client().get("/disclosure/", {"lang": lang})
        assert page.status_code == 200
        assert "数源数据科技有限公司" not in page.content.decode()


def test_the_api_answers_a_regulators_key_and_refuses_anothers(venue: World) -> None:
    def ask(path: str, key: str) -> int:
        return Client().get(path, headers={"authorization": f"Bearer {key}"}).status_code

    good, bad = (token(who, clock.now(), ("read",)) for who in (venue.sven, venue.alice))
    for path in ("/api/supervision/kpi", "/api/supervision/cases", "/api/supervision/facts?limit=3"):
        assert ask(path, good) == 200
        assert ask(path, bad) == 403
        assert Client().get(path).status_code == 401


def test_the_health_page_is_the_operators(venue: World, seated: dict[str, Actor | None]) -> None:
    seated["actor"] = venue.otto
    assert Client().get("/operations/health/").status_code == 200
    seated["actor"] = venue.rita
    assert Client().get("/operations/health/").status_code == 403
