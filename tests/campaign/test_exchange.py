"""The exchange dies at random instants: worker, writer or database, under load. Nothing acknowledged is lost or doubled,
no public checkpoint is ever taken back, and the audit finds nothing."""

from __future__ import annotations

import random
import threading
import time

import pytest

from tests.campaign.homes import Venue, kill, wait_for

WRITERS = ("wa", "wb")


def _campaign(venue: Venue, seed: int, rounds: int, commands: int) -> list[str]:
    """Kill `rounds` times while two writers each make `commands` organisations; what was killed."""
    dice, killed = random.Random(seed), []
    stop = threading.Event()
    watcher = threading.Thread(target=venue.watch, args=(stop,), daemon=True)
    watcher.start()
    worker = venue.spawn("shugu.cli", "worker")
    writers = {name: venue.part("write", name, str(commands)) for name in WRITERS}
    acknowledged = venue.path / "acknowledged"
    while not all((acknowledged / name).exists() for name in WRITERS):
        assert all(w.poll() is None for w in writers.values()), "a writer did not start"
        time.sleep(0.05)
    for victim in (v for _ in range(rounds // 3) for v in dice.sample(("worker", "writer", "database"), 3)):
        time.sleep(dice.uniform(0.1, 1.5))
        killed.append(victim)
        if victim == "database":
            kill(venue.postmaster())
            venue.do("revive")
        elif victim == "worker":
            kill(worker.pid)
            worker = venue.spawn("shugu.cli", "worker")
        else:
            name = dice.choice(WRITERS)
            if writers[name].poll() is None:
                kill(writers[name].pid)
            writers[name] = venue.part("write", name, str(commands))
    wait_for(list(writers.values()), 100 + 3 * commands)
    assert worker.poll() is None, "the worker ended by itself"
    deadline = time.monotonic() + 30
    while venue.do("waiting")["facts"]:
        assert time.monotonic() < deadline, "the worker that lived through it sequences nothing any more"
    worker.terminate()
    assert worker.wait(20) == 0
    stop.set()
    watcher.join()
    folder = venue.path.parent / "seen"
    folder.mkdir()
    for place, note in enumerate(venue.seen):
        (folder / f"{place:06d}").write_bytes(note)
    return killed


def _holds(venue: Venue, commands: int, checkpoints: int) -> None:
    """`checkpoints`: how many must have been public at least, that of the empty log among them."""
    found = venue.do("examine")
    assert (found["violations"], found["lost"], found["stuck"], found["forks"]) == ([], [], [], [])
    assert found["acknowledged"] == 4 * commands * len(WRITERS)
    assert len(venue.seen) >= checkpoints, "hardly any checkpoint was public"


@pytest.mark.xdist_group("campaign")
def test_facts_survive_the_death_of_worker_writer_and_database(venue: Venue) -> None:
    killed = _campaign(venue, seed=1, rounds=3, commands=12)
    assert set(killed) == {"worker", "writer", "database"}
    # A worker killed while it starts may find all that was written waiting for it: then one batch takes it.
    _holds(venue, 12, checkpoints=2)


@pytest.mark.xdist_group("campaign")
def test_a_process_starts_although_the_database_dies_under_it(venue: Venue) -> None:
    """Joined and killed before the first word, twice: it starts the server again and goes on."""
    began = venue.do("join", "2")
    assert len(set(began["killed"])) == 2
    assert began["postmaster"] not in began["killed"]


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_facts_survive_many_deaths(venue: Venue, seed: int) -> None:
    _campaign(venue, seed, rounds=24, commands=300)
    _holds(venue, 300, checkpoints=10)
