"""Demands on the real engine: posted, matched against what is listed, answered, settled, expired."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shugu.kernel import engine
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.market import queries, services
from shugu.market.errors import DemandOver, NotAccredited
from shugu.market.models import Demand, Match
from shugu.market.services import AcceptOffer, MatchDemand, OpenNegotiation, PostDemand
from shugu.market.tests import stages
from shugu.market.tests.staged import Stage

WANTED = PostDemand("航班准点数据", "research", ("航班", "准点"), industry="transport", price_cap_fen=20_000_00)


def test_a_demand_nobody_knows_is_not_found(db: None) -> None:
    assert not Demand.objects.filter(number="DEM-NONE").exists()


def posted(stage: Stage) -> Demand:
    return services.post_demand(WANTED, actor=stage.world.bob, now=stage.world.now)


def test_the_listed_product_is_found_with_its_reasons_and_the_kept_list_is_the_same(stage: Stage) -> None:
    row, world = posted(stage), stage.world
    [best] = queries.matches(row.number, world.bob, local_day(world.now))
    assert best.candidate.product == stage.product and best.score > 60 and len(best.reasons) == 4
    kept = services.match_demand(MatchDemand(row.number), actor=world.bob, now=world.now)
    assert [m["score"] for m in kept["matches"]] == [best.score] and Match.objects.filter(demand=row).count() == 1


def test_a_provider_sees_only_where_the_own_products_stand_and_others_see_no_match(stage: Stage) -> None:
    row, world = posted(stage), stage.world
    on = local_day(world.now)
    assert len(queries.matches(row.number, world.alice, on)) == 1 and queries.matches(row.number, world.carol, on) == ()
    with pytest.raises(NotFound):
        services.match_demand(MatchDemand(row.number), actor=world.alice, now=world.now)


def test_an_agreed_answer_settles_the_demand_and_no_other_follows(stage: Stage) -> None:
    row, world = posted(stage), stage.world
    order = OpenNegotiation(stage.product, row.number, price_fen=9_000_00, terms=stages.TERMS)
    talk = services.open_negotiation(order, actor=world.alice, now=world.now)
    standing = queries.negotiation(talk.number, world.bob).standing
    assert standing is not None and standing.side == "provider"
    services.accept_offer(AcceptOffer(talk.number, standing.number), actor=world.bob, now=world.now)
    assert queries.demand(row.number, world.bob).state == "matched"
    with pytest.raises(DemandOver):
        services.open_negotiation(order, actor=world.alice, now=world.now)


def test_a_demand_expires_by_its_clock_and_then_only_its_owner_knows_of_it(stage: Stage) -> None:
    row, world = posted(stage), stage.world
    engine.sweep(world.now + timedelta(days=32))
    assert queries.demand(row.number, world.bob).state == "expired"
    with pytest.raises(NotFound):
        queries.demand(row.number, world.alice)


def test_every_wrong_field_of_a_demand_is_told_at_once(stage: Stage) -> None:
    wrong = PostDemand("", "resale", (), industry="magic", delivery_forms=("fax",), price_cap_fen=0, quality_min=0, fresh_days=0)
    with pytest.raises(InputInvalid) as refusal:
        services.post_demand(wrong, actor=stage.world.bob, now=stage.world.now)
    told = {"title", "purpose", "industry", "delivery_forms", "price_cap_fen", "quality_min", "fresh_days"}
    assert set(refusal.value.field_errors) == told
    with pytest.raises(NotAccredited):
        services.post_demand(WANTED, actor=stage.world.mallory, now=stage.world.now)
