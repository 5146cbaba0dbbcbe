"""A case walked again against its table: every wrong step is told."""

from __future__ import annotations

import pytest

from shugu.formats.errors import FormatError, ProofInvalid
from shugu.formats.replay import Payload, read_steps, replay

TABLE = """
id = "x.y"
[[state]]
id = "draft"
[[state]]
id = "open"
[[state]]
id = "done"
[[step]]
from = "draft"
do = "submit"
to = "open"
[[step]]
from = ["draft", "open"]
do = "end"
outcomes = [{ to = "draft", if = "x" }, { to = "done" }]
"""
OPENED: Payload = {"move": {"do": "open", "to": "draft"}}
SUBMITTED: Payload = {"move": {"do": "submit", "from": "draft", "to": "open"}}
ENDED: Payload = {"move": {"do": "end", "from": "open", "to": "done"}}
VOICE: Payload = {"move": {"do": "end", "from": "open"}}
NOTED: Payload = {"data": {}}


def test_a_case_replays_to_its_state() -> None:
    walk = replay([OPENED, NOTED, SUBMITTED, VOICE, ENDED], read_steps(TABLE))
    assert (walk.moves, walk.state) == (3, "done")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ([], "nothing was done"),
        ([NOTED], "nothing was done"),
        ([{"move": {"do": "open", "to": "open"}}], "opening is not the first step"),
        ([OPENED, ENDED], "should begin in “draft”"),
        ([OPENED, OPENED], "opening is not the first step"),
        ([OPENED, {"move": {"do": "leap", "from": "draft", "to": "done"}}], "no such step"),
        ([OPENED, {"move": {"do": "submit", "from": "draft", "to": "done"}}], "does not lead there"),
        ([OPENED, VOICE], "should begin in"),
    ],
)
def test_a_wrong_walk_is_told(facts: list[Payload], told: str) -> None:
    with pytest.raises(ProofInvalid) as refusal:
        replay(facts, read_steps(TABLE))
    assert told in refusal.value.message("en")


def test_after_an_erased_fact_the_next_move_is_taken_as_it_stands() -> None:
    assert replay([OPENED, None, ENDED], read_steps(TABLE)).state == "done"
    with pytest.raises(ProofInvalid):
        replay([OPENED, None, {"move": {"do": "leap", "from": "open", "to": "done"}}], read_steps(TABLE))


@pytest.mark.parametrize("text", ["", "x = ", "state = 3", "[[state]]\nid='a'\n", "[[state]]\n[[step]]\n"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_steps(text)
