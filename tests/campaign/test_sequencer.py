"""The sequencer dies or freezes at every step of its batches; the whole log is audited, and no checkpoint goes back."""

from __future__ import annotations

import pytest

from tests.campaign.homes import Venue


def _faults(venue: Venue, seed: int, runs: int) -> None:
    told = venue.do("faults", str(seed), str(runs), patience=60 + 2 * runs)
    print(told)
    assert told["problems"] == []
    seen = told["seen"]
    assert seen.get("killed", 0) > runs // 8 and seen.get("thawed, refused", 0) > runs // 12
    assert set(seen) <= {"killed", "thawed, refused", "thawed, ended with 0", "finished before the fault"}


@pytest.mark.xdist_group("campaign")
def test_the_log_survives_death_and_frost_at_any_step(venue: Venue) -> None:
    _faults(venue, seed=1, runs=12)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [21, 22, 23, 24])
def test_the_log_survives_thousands_of_deaths(venue: Venue, seed: int) -> None:
    _faults(venue, seed, runs=1000)
