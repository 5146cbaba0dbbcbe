"""Messages between venues by their golden file: what must be read, and what must be refused."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shugu.formats.canonical import parse_object, sha256
from shugu.formats.errors import BadMessage, MissingSignature, ShuguError
from shugu.formats.message import MAX_BYTES, read_message, read_receipt, require_both, sender_of
from shugu.formats.suites import Keyring, keyring
from shugu.formats.times import read_time

GOLD: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "message.json").read_text("utf-8"))
NOW = read_time(GOLD["at"])
HERE, THERE = keyring(GOLD["vkeys"]), keyring(GOLD["vkeys_of_receiver"])


def test_the_golden_message_and_its_receipt_are_read() -> None:
    content = GOLD["message"].encode()
    message = read_message(content, HERE, GOLD["to"], NOW)
    assert (message.sequence, message.kind, message.sender) == (7, "agreement.withdrawn", HERE.keys[0].name)
    receipt = read_receipt(GOLD["receipt"].encode(), THERE, message.sender, NOW)
    assert (receipt.message, receipt.sequence, receipt.outcome) == (sha256(content).hex(), 7, "taken")


@pytest.mark.parametrize("case", GOLD["refused"], ids=lambda c: c["name"])
def test_defective_messages_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(ShuguError):
        read_message(case["message"].encode(), HERE, GOLD["to"], NOW)


def test_a_message_is_no_receipt_and_none_comes_from_the_future() -> None:
    with pytest.raises(BadMessage):
        read_receipt(GOLD["message"].encode(), HERE, GOLD["to"], NOW)
    with pytest.raises(ShuguError):
        read_message(GOLD["message"].encode(), HERE, GOLD["to"], NOW - timedelta(seconds=1))
    with pytest.raises(BadMessage):
        sender_of(b"x" * (MAX_BYTES + 1))


def test_an_agreement_needs_both_venues_in_each_suite() -> None:
    both = Keyring((*HERE.keys, *THERE.keys))
    agreement = parse_object(GOLD["agreement"].encode())
    names = (HERE.keys[0].name, THERE.keys[0].name)
    require_both(agreement, both, names)
    proofs: Any = agreement["proof"]
    for left in range(len(proofs)):
        with pytest.raises((MissingSignature, ShuguError)):
            require_both({**agreement, "proof": proofs[:left] + proofs[left + 1 :]}, both, names)
