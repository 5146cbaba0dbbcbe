from __future__ import annotations

from shugu.kernel.workdays import local_day
from shugu.party import queries
from tests.world import World


def test_the_cast_stands_where_the_other_tests_expect_it(world: World) -> None:
    on = local_day(world.now)
    assert world.alice.org and world.bob.org and world.quinn.org and world.mallory.org
    assert queries.organisation(world.alice.org, on).accredited == {"provider", "merchant"}
    assert queries.organisation(world.alice.org, on).merchant_type == "technology"
    assert queries.is_accredited(world.bob.org, "buyer", on)
    assert queries.is_accredited(world.quinn.org, "service_body:quality", on)
    assert queries.organisation(world.mallory.org, on).accredited == frozenset()
    assert world.rita.seats == {"registrar"}
    assert queries.is_accredited(world.quincy.org or 0, "service_body:compliance", on)
    assert world.quincy.org != world.quinn.org
    assert queries.holders_of("committee_member") == [world.person_of(who) for who in ("cai", "cen", "cui")]
