"""How many cosignatures of which witnesses a checkpoint needs, as the agreement says, or the anchor in their stead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shugu.edges.federation import services
from shugu.edges.federation.domain import read_terms
from shugu.edges.federation.errors import TermsInvalid
from shugu.edges.federation.models import Peer
from shugu.edges.federation.tests.kit import ORIGIN
from shugu.edges.federation.tests.test_presenting import Issuer, agreed, failed, presented
from shugu.edges.federation.tests.test_sight import detail, listed, outcome, says
from shugu.formats.cosignature import new_witness_key
from shugu.formats.suites import generate
from tests.world import World

WITNESSES = [new_witness_key(f"witness-{n}.example") for n in range(3)]
LINES = [key.verify_key.vkey() for key in WITNESSES]
CHAIN = {ORIGIN: {"chain": 4242, "contract": "0x" + "ab" * 20}}


def demanding(world: World, **evidence: Any) -> Issuer:
    return agreed(world, evidence={"status_max_age": 3600, "witnesses": 2, "anchors": {}, **evidence})


def cosigned(issuer: Issuer, *which: int) -> bytes:
    """A certificate whose checkpoint these witnesses have cosigned just now."""
    log = issuer.other.log
    log.witnesses, log.cosigned_at = [WITNESSES[n] for n in which], int(issuer.world.now.timestamp())
    says(issuer)
    return listed(issuer)


def test_as_many_of_the_witnesses_named_as_were_agreed(world: World) -> None:
    issuer = demanding(world, witnessed_by=LINES)
    row = presented(issuer, cosigned(issuer, 0, 2))
    assert row.state == "recognised" and outcome(row, "witnesses") == "ok", row.checks
    assert "witness-0.example" in detail(row, "witnesses") and "witness-2.example" in detail(row, "witnesses")
    alone = cosigned(issuer, 1)
    row = presented(issuer, alone)
    assert failed(row) == "witnesses" and "2 witnesses must have cosigned" in detail(row, "witnesses")
    assert "witness-1.example" in detail(row, "witnesses")


def test_a_checkpoint_that_was_witnessed_later_counts_once_the_log_shows_it(world: World) -> None:
    issuer = demanding(world, witnessed_by=LINES)
    early = cosigned(issuer)
    assert failed(presented(issuer, early)) == "witnesses"
    issuer.other.log.witnesses = WITNESSES
    assert presented(issuer, early).state == "recognised"


def test_a_cosignature_that_is_forged_or_of_another_tree_or_of_tomorrow_counts_as_none(world: World) -> None:
    issuer = demanding(world, witnessed_by=LINES)
    cosigned(issuer, 0)
    log = issuer.other.log
    log.witnesses = [WITNESSES[0], type(WITNESSES[1])(WITNESSES[1].name, WITNESSES[1].suite, WITNESSES[2].private)]
    assert failed(presented(issuer, listed(issuer))) in ("checkpoint-ed25519", "log-is-issuers")
    issuer = Issuer(issuer.other, world)
    log.witnesses, log.cosigned_at = WITNESSES[:2], int((world.now + timedelta(days=1)).timestamp())
    assert failed(presented(issuer, listed(issuer))) == "witnesses"


def test_the_newest_cosignature_may_not_be_older_than_agreed(world: World) -> None:
    issuer = demanding(world, witnessed_by=LINES, published_max_age=7200)
    content = cosigned(issuer, 0, 1)
    assert presented(issuer, content).state == "recognised"
    world.now += timedelta(hours=5)
    says(issuer)  # the lists are new; the witnesses have stood still
    row = presented(issuer, content)
    assert failed(row) == "witnesses" and "5 h ago; 2 h are agreed" in detail(row, "witnesses")
    assert presented(issuer, cosigned(issuer, 0, 1)).state == "recognised"


def test_where_none_is_named_those_pinned_for_the_venue_count(world: World) -> None:
    issuer = demanding(world, witnesses=1)
    assert failed(presented(issuer, cosigned(issuer))) == "witnesses"
    services.pin_key(services.PinKey(Peer.objects.get().origin, LINES[0]), actor=world.otto, now=world.now)
    assert presented(issuer, cosigned(issuer, 0)).state == "recognised"


def test_witnesses_or_the_anchor_where_the_agreement_takes_either(world: World) -> None:
    issuer = demanding(world, witnessed_by=LINES, anchors=CHAIN, either=True)
    row = presented(issuer, cosigned(issuer, 0, 1))
    assert row.state == "recognised" and outcome(row, "anchor") == "skipped"
    row = presented(issuer, cosigned(issuer, 0))
    assert outcome(row, "witnesses") == "skipped" and failed(row) == "anchor"
    assert "4242" in detail(row, "anchor")  # this venue is not on that chain, so nothing stands in for the witness


def test_what_may_be_agreed_about_witnesses() -> None:
    parties = [{"venue": "us", "origin": "us.example"}, {"venue": "faraway", "origin": ORIGIN}]

    def read(**evidence: Any) -> Any:
        found = {"status_max_age": 60, "witnesses": 1, "anchors": {}, **evidence}
        given = {**bare, "parties": parties, "evidence": found}
        again = read_terms(given).as_dict()
        assert again == given
        return again

    bare = {"recognises": [], "moves": [], "fees": {"listing": 1, "selling": 9999}, "notice_days": 1,
            "valid_from": "2026-01-01", "valid_until": "2026-12-31"}  # fmt: skip
    read()
    read(witnessed_by=LINES, either=True, anchors=CHAIN, published_max_age=60)
    wrong: tuple[dict[str, Any], ...] = (
        {"witnessed_by": []}, {"witnessed_by": [LINES[0], LINES[0]]}, {"witnesses": 2, "witnessed_by": LINES[:1]},
        {"witnesses": 0, "witnessed_by": LINES}, {"witnessed_by": [generate("intl", "x.example").verify_key.vkey()]},
        {"either": True}, {"either": False, "anchors": CHAIN}, {"published_max_age": 1}, {"surprise": 1},
    )  # fmt: skip
    for bad in wrong:
        with pytest.raises(TermsInvalid):
            read(**bad)
