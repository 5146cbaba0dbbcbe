"""Negotiations on the real engine: whose turn it is, what stands, and that nothing else can happen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shugu.formats.policy import Policy
from shugu.kernel import engine
from shugu.kernel.errors import (
    Forbidden,
    GuardRefused,
    InputInvalid,
    KeyConflict,
    NotFound,
    NotInProcedure,
    NotYourStep,
    Refused,
    TooLate,
)
from shugu.kernel.models import Fact
from shugu.kernel.tables import all_defects
from shugu.market import queries, services
from shugu.market.domain import Terms
from shugu.market.errors import NotAccredited, NotOffered, OfferGone, SameParty
from shugu.market.models import Offer
from shugu.market.services import (
    AcceptOffer,
    CounterOffer,
    LeaveNegotiation,
    MakeOffer,
    OpenNegotiation,
    WithdrawOffer,
)
from shugu.market.tests import stages
from shugu.market.tests.staged import Stage
from tests.world import World

TERMS = stages.TERMS


def test_the_tables_of_the_market_have_no_defect(db: None) -> None:
    assert [d for d in all_defects() if d.startswith("market.")] == []


def test_buying_at_the_listed_price_makes_the_listing_the_providers_standing_offer(stage: Stage) -> None:
    world = stage.world
    row = stages.bought(world, stage.product)
    seen = queries.negotiation(row.number, world.bob)
    assert seen.state == "provider_offer" and seen.standing is not None
    assert (seen.standing.side, seen.standing.price_fen) == ("provider", stages.PRICE)


def test_an_agreed_offer_gives_terms_with_a_policy_for_this_buyer_and_purpose_only(stage: Stage) -> None:
    world = stage.world
    row = stages.agreed(world, stage.product)
    terms = queries.accepted_terms(row.pk)
    policy = Policy.from_dict(dict(terms.policy))
    assert terms.price_fen == stages.PRICE and terms.buyer_org == world.bob.org
    assert policy.assignee.endswith(f"ORG-HANGZHOU-2026-{policy.assignee[-9:]}")
    assert [c.value for p in policy.permissions for c in p.constraints if c.operand == "purpose"] == [("research",)]
    assert [c.value for p in policy.permissions for c in p.constraints if c.operand == "count"] == [20]


def test_offers_go_back_and_forth_and_only_the_last_one_can_be_accepted(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product, 9_000_00)
    services.counter_offer(CounterOffer(row.number, 11_000_00, TERMS), actor=world.alice, now=world.now)
    services.counter_offer(CounterOffer(row.number, 10_000_00, TERMS), actor=world.bob, now=world.now)
    first, second, third = queries.negotiation(row.number, world.alice).offers
    with pytest.raises(OfferGone):
        services.accept_offer(AcceptOffer(row.number, first.number), actor=world.alice, now=world.now)
    services.accept_offer(AcceptOffer(row.number, third.number), actor=world.alice, now=world.now)
    assert queries.accepted_terms(row.pk).price_fen == 10_000_00
    assert [o.fate for o in queries.negotiation(row.number, world.bob).offers] == ["countered", "countered", "accepted"]
    assert second.side == "provider"


def test_an_offer_withdrawn_cannot_be_accepted(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    [offer] = queries.negotiation(row.number, world.bob).offers
    services.withdraw_offer(WithdrawOffer(row.number, "价格有误"), actor=world.bob, now=world.now)
    with pytest.raises(OfferGone):
        services.accept_offer(AcceptOffer(row.number, offer.number), actor=world.alice, now=world.now)
    assert queries.negotiation(row.number, world.alice).state == "opened"


def test_nobody_accepts_or_counters_an_offer_of_ones_own(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    [offer] = queries.negotiation(row.number, world.bob).offers
    with pytest.raises(NotYourStep):
        services.accept_offer(AcceptOffer(row.number, offer.number), actor=world.bob, now=world.now)
    with pytest.raises(NotYourStep):
        services.counter_offer(CounterOffer(row.number, 1, TERMS), actor=world.bob, now=world.now)
    with pytest.raises(NotInProcedure):
        services.make_offer(MakeOffer(row.number, 1, TERMS), actor=world.bob, now=world.now)


@pytest.mark.parametrize("price", [0, -1, 1.5, "100", True, 2**53])
def test_a_price_that_is_no_positive_whole_number_of_fen_is_refused(stage: Stage, price: object) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    with pytest.raises(InputInvalid) as refusal:
        services.counter_offer(CounterOffer(row.number, price, TERMS), actor=world.alice, now=world.now)  # type: ignore[arg-type]
    assert "price_fen" in refusal.value.field_errors
    assert Offer.objects.filter(negotiation=row).count() == 1


def test_every_wrong_term_is_told_at_once(stage: Stage) -> None:
    world = stage.world
    wrong = Terms(10_000, "model_training", "verification", 3, 0)
    row = stages.offered(world, stage.product)
    with pytest.raises(InputInvalid) as refusal:
        services.counter_offer(CounterOffer(row.number, 100, wrong), actor=world.alice, now=world.now)
    assert set(refusal.value.field_errors) == {"term_days", "purpose", "delivery_form", "quantity", "rate"}


def test_an_expired_offer_is_refused_even_before_the_sweep_and_closed_by_it(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    [offer] = queries.negotiation(row.number, world.bob).offers
    late = world.now + timedelta(days=9)
    with pytest.raises(TooLate):
        services.accept_offer(AcceptOffer(row.number, offer.number), actor=world.alice, now=late)
    engine.sweep(late)
    assert queries.negotiation(row.number, world.bob).state == "expired"


def test_the_rounds_of_a_negotiation_are_capped_by_the_rules(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    sides = (world.alice, world.bob)
    for n in range(19):
        services.counter_offer(CounterOffer(row.number, 100 + n, TERMS), actor=sides[n % 2], now=world.now)
    with pytest.raises(GuardRefused):
        services.counter_offer(CounterOffer(row.number, 99, TERMS), actor=world.bob, now=world.now)


def test_a_stranger_learns_nothing_and_staff_may_look_but_not_deal(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    with pytest.raises(NotFound):
        queries.negotiation(row.number, world.mallory)
    with pytest.raises(NotFound):
        services.leave_negotiation(LeaveNegotiation(row.number), actor=world.mallory, now=world.now)
    assert queries.negotiation(row.number, world.tara).number == row.number
    with pytest.raises(Forbidden):
        services.leave_negotiation(LeaveNegotiation(row.number), actor=world.tara, now=world.now)


def test_only_accredited_organisations_trade_and_nobody_with_itself(stage: Stage) -> None:
    world = stage.world
    product = stage.product
    order = OpenNegotiation(product, price_fen=100, terms=TERMS)
    with pytest.raises(NotAccredited):
        services.open_negotiation(order, actor=world.mallory, now=world.now)
    with pytest.raises(SameParty):
        services.open_negotiation(order, actor=world.alice, now=world.now)
    with pytest.raises(NotOffered):
        services.open_negotiation(OpenNegotiation("PRD-NONE"), actor=world.bob, now=world.now)


def test_the_same_key_gives_the_same_offer_and_other_content_conflicts(stage: Stage) -> None:
    world = stage.world
    row = stages.offered(world, stage.product)
    order = CounterOffer(row.number, 500, TERMS)
    for _ in range(2):
        services.counter_offer(order, actor=world.alice, now=world.now, key="counter-0001")
    assert Offer.objects.filter(negotiation=row).count() == 2
    with pytest.raises(KeyConflict):
        services.counter_offer(CounterOffer(row.number, 501, TERMS), actor=world.alice, now=world.now, key="counter-0001")


DEEDS = ("offer", "counter", "accept", "withdraw", "leave")
MOVES = st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(("alice", "bob"))), max_size=10)


@given(MOVES)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_interleaving_keeps_at_most_one_standing_offer_and_one_agreement(
    stage: Stage, moves: list[tuple[str, str]]
) -> None:
    """Against a model of three lines: whose offer stands, and whether it is over."""
    world = stage.world
    row = services.open_negotiation(OpenNegotiation(stage.product), actor=world.bob, now=world.now)
    stands, over = "", False
    for price, (do, who) in enumerate(moves, 100):
        side = "provider" if who == "alice" else "buyer"
        legal = not over and {
            "offer": stands == "", "counter": stands not in ("", side), "accept": stands not in ("", side),
            "withdraw": stands == side, "leave": True,
        }[do]  # fmt: skip
        facts = Fact.objects.count()
        try:
            _move(world, row.number, do, who, price)
            done = True
        except Refused:
            done = False
        assert done == legal, (do, who, stands, over)
        assert Fact.objects.count() == facts + (1 if done else 0)
        if done:
            stands = {"offer": side, "counter": side, "accept": "", "withdraw": "", "leave": ""}[do]
            over = do in ("accept", "leave")
    seen = queries.negotiation(row.number, world.bob)
    assert sum(o.fate == "standing" for o in seen.offers) == (1 if stands else 0)
    assert sum(o.fate == "accepted" for o in seen.offers) == (1 if seen.state == "agreed" else 0)


def _move(world: World, number: str, do: str, who: str, price: int) -> None:
    actor, now = getattr(world, who), world.now
    seen = queries.negotiation(number, actor)
    last = seen.standing or (seen.offers[-1] if seen.offers else None)
    if do == "offer":
        services.make_offer(MakeOffer(number, price, TERMS), actor=actor, now=now)
    elif do == "counter":
        services.counter_offer(CounterOffer(number, price, TERMS), actor=actor, now=now)
    elif do == "accept":
        services.accept_offer(AcceptOffer(number, last.number if last else "OFR-NONE"), actor=actor, now=now)
    elif do == "withdraw":
        services.withdraw_offer(WithdrawOffer(number), actor=actor, now=now)
    else:
        services.leave_negotiation(LeaveNegotiation(number), actor=actor, now=now)
