"""The timeline of a case: what was filed stands with its fact, clocks that ended say how, and the way ahead is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import RequestFactory

from shugu.kernel.cases import Actor
from shugu.kernel.models import Case
from shugu.kernel.tables import all_tables, table
from shugu.party import services
from shugu.party.models import Accreditation
from shugu.web import case_pages
from shugu.web.case_shapes import steps_ahead
from tests.world import World


def _page(actor: Actor, case: Case) -> str:
    request = RequestFactory().get("/")
    request.actor, request.htmx = actor, False  # type: ignore[attr-defined]
    return case_pages.case_page(request, case.number).content.decode()


@pytest.fixture()
def filed(world: World) -> Accreditation:
    row = services.apply_accreditation(
        services.ApplyAccreditation(world.mallory.org or 0, "buyer"), actor=world.mallory, now=world.now
    )
    for material in ("licence", "commitment"):
        world.file(row.case_id, material, world.mallory)
    return row


def test_a_filed_document_hangs_at_its_fact_and_the_way_ahead_is_told(world: World, filed: Accreditation) -> None:
    shown = _page(world.mallory, filed.case)
    timeline = shown.split('class="timeline"')[1].split("</ol>")[0]
    assert timeline.count(f'/cases/{filed.case.number}/materials/') == 2
    ahead = [part.split("</strong>")[0] for part in timeline.split("is-future")[1:]]
    states = table("party.accreditation", filed.case.version).state
    titles = [states[s].title.zh for s in ("submitted", "reviewing", "accredited")]
    assert [t.split("<strong>")[1] for t in ahead] == titles


def test_a_clock_that_ended_says_how(world: World, filed: Accreditation) -> None:
    services.act_on_accreditation(services.ActOnAccreditation(filed.case_id, "submit"), actor=world.mallory, now=world.now)
    services.act_on_accreditation(services.ActOnAccreditation(filed.case_id, "accept"), actor=world.rita, now=world.now)
    assert "按期办结" in _page(world.rita, filed.case)
    late = world.now + timedelta(days=60)
    services.act_on_accreditation(services.ActOnAccreditation(filed.case_id, "approve"), actor=world.rong, now=late)
    closed = _page(world.rong, filed.case)
    assert "is-future" not in closed and "is-current" not in closed


def test_the_way_ahead_ends_well_in_every_table_or_is_not_told(db: None) -> None:
    told = 0
    for versions in all_tables().values():
        for tab in versions.values():
            for state in tab.states:
                ahead = steps_ahead(tab, state.id)
                assert not (state.final and ahead)
                assert state.id not in ahead and len(set(ahead)) == len(ahead)
                if ahead:
                    told += 1
                    assert tab.state[ahead[-1]].final and not any(tab.state[s].final for s in ahead[:-1])
    assert told > 100
