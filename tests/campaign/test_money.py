"""The settlement of a trade dies at chosen statements and renamings, again and again: money is conserved, every order is
paid once, and the trade still ends in one voucher."""

from __future__ import annotations

import random

import pytest

from tests.campaign.homes import Venue


def _campaign(venue: Venue, instants: list[int]) -> int:
    """Die at each of these instants, then run to the end; how often it died."""
    staged = venue.do("stage")
    deaths = sum(venue.do("money", str(instant), may_die=True) == {} for instant in instants)
    for _ in range(6):
        if venue.do("money", "0")["state"] == "completed":
            break
    told = venue.do("conserved")
    assert told["state_of_contract"] == "completed"
    assert told["requested"] == staged["requested"]
    assert told["in_lines"] == [staged["requested"]], "the buyer's payment counted once"
    assert (told["paid"], told["states"]) == (staged["requested"], ["confirmed"])
    assert told["out_lines"] == told["instructions"], "every order was paid once"
    assert told["bank_balance"] == told["book_balance"] == 0
    assert (told["runs"], told["vouchers"], told["breaks"]) == (1, 1, 0)
    found = venue.do("examine", "as-it-stands")
    assert (found["violations"], found["stuck"], found["forks"]) == ([], [], [])
    return deaths


@pytest.mark.campaign
def test_settlement_and_statement_reading_die_without_losing_a_fen(venue: Venue) -> None:
    assert _campaign(venue, [30, 120]) == 2


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_settlement_dies_many_times(venue: Venue, seed: int) -> None:
    dice = random.Random(seed)
    assert _campaign(venue, [dice.randint(15, 260) for _ in range(20)]) >= 5
