"""A venue's keys change while an agreement runs: its history leads from the pinned key to those in force; a thief of a key that
has ended gains nothing by it, nor does whoever shows another history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shugu.edges.federation import histories, messages, peers, presenting, services
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_seen import PeerHistory, Seen
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.test_presenting import Issuer, agreed, failed, presented
from shugu.edges.federation.tests.test_sight import detail, listed, outcome, says
from shugu.evidence import queries as evidences
from shugu.evidence import services as evidence
from shugu.formats.cosignature import new_witness_key
from shugu.formats.errors import VerificationError
from shugu.formats.keyhistory import HistoryNotTrusted, Kind
from shugu.formats.suites import SigningKey, generate
from shugu.kernel.errors import InputInvalid
from shugu.kernel.models import Fact
from shugu.registry import services as registry
from tests.world import World

DAY = timedelta(days=1)


@pytest.fixture()
def issuer(world: World) -> Issuer:
    found = agreed(world)
    says(found)
    return found


def rotated(issuer: Issuer, kind: Kind = Kind.RETIRED) -> SigningKey:
    """The issuer's Ed25519 key is replaced; the old one, which somebody may have stolen."""
    old = next(key for key in issuer.other.keys if key.suite.name == "intl")
    issuer.other.log.rotate(issuer.world.now)
    issuer.other.keys = issuer.other.log.signers()
    says(issuer)
    issuer.world.now += DAY / 2
    issuer.other.log.end(old, issuer.world.now, kind)
    issuer.other.keys = issuer.other.log.signers()
    says(issuer)
    return old


def test_certificates_of_the_old_key_and_of_the_new_are_recognised(issuer: Issuer) -> None:
    before = listed(issuer)
    pins = "\n".join(key.verify_key.vkey() for key in issuer.other.keys)
    evidence.witness_log(evidence.WitnessLog(pins), actor=issuer.world.otto, now=issuer.world.now)
    rotated(issuer)
    after = listed(issuer)
    for content in (before, after):
        row = presented(issuer, content)
        assert row.state == "recognised", row.checks
        assert outcome(row, "key-history") == "ok"
    held = histories.held(Peer.objects.get())
    assert held is not None and held.periods.count == 3 and PeerHistory.objects.count() == 1
    assert Fact.objects.filter(name="peer.keys_followed").count() == 1
    live = {key.key_id for key in held.periods.in_force()}
    assert set(evidences.witnessed()[0].keys) == live, "whoever witnesses a peer's log follows its keys by the same look"


def test_what_was_recognised_before_is_asked_about_after_the_rotation(issuer: Issuer) -> None:
    row = presented(issuer, listed(issuer))
    rotated(issuer)
    assert presenting.recheck(issuer.world.now, issuer.fetch) == 1
    assert registry.recognitions_of(row.org)[0].checked_at == issuer.world.now


@pytest.mark.parametrize("kind", [Kind.RETIRED, Kind.COMPROMISED])
def test_a_stolen_key_that_has_ended_gains_nothing(issuer: Issuer, kind: Kind) -> None:
    """Not with a document of its own in a small tree, nor in a tree beside the real one, nor with an answer, nor a message."""
    world, log = issuer.world, issuer.other.log
    stolen = [rotated(issuer, kind), next(key for key in log.keys if key.suite.name == "sm")]
    assert presented(issuer, listed(issuer)).state == "recognised"
    thief = Issuer(Other(stolen), world)
    assert world.alice.org is not None
    small = thief.other.log.sealed(thief.certificate(world.alice.org, title="伪造的证书"))
    row = presented(issuer, small)
    assert failed(row) == "key-history" and "does not hold" in detail(row, "key-history")
    for _ in range(len(log.leaves) + 3):
        large = thief.other.log.sealed(thief.certificate(world.alice.org, title="伪造的证书"))
    assert failed(presented(issuer, large)) in ("issuer-pinned", "proof-ed25519")
    content = listed(issuer)
    keys, issuer.other.keys = issuer.other.keys, stolen
    row = presented(issuer, content)
    assert failed(row) == "fresh"
    issuer.other.keys = keys
    with pytest.raises(VerificationError):
        services.receive(thief.other.message("test.said", {}, world.now), world.now)


def test_another_history_of_the_same_beginning_is_refused(issuer: Issuer) -> None:
    """Whoever stole the one key in use can write himself a history; it does not go on from the one that was followed."""
    content = listed(issuer)
    presented(issuer, content)
    log, before = issuer.other.log, list(issuer.other.log.lines)
    rotated(issuer)
    presented(issuer, content)
    true, log.lines = log.lines, before
    log._say(Kind.ANNOUNCED, generate("intl", log.origin), [*issuer.other.log.keys], issuer.world.now)
    row = presented(issuer, content)
    assert failed(row) == "key-history" and row.state == "refused"
    log.lines = before
    assert failed(presented(issuer, content)) == "key-history"  # nor one that is cut short
    log.lines = true
    assert presented(issuer, content).state == "recognised"


def test_a_history_of_other_keys_is_never_taken(issuer: Issuer) -> None:
    peer = Peer.objects.get()
    stranger = Other.make("sm").log
    with pytest.raises(HistoryNotTrusted):
        histories.follow(peer, issuer.world.now, lambda peer, path: stranger.history(issuer.world.now))
    assert histories.held(peer) is None
    assert histories.follow_due(issuer.world.now, lambda peer, path: stranger.history(issuer.world.now)) == 0
    assert "pinned" in Seen.objects.get().trouble


def test_messages_follow_the_history_and_the_operator_prevails(issuer: Issuer) -> None:
    world, peer = issuer.world, Peer.objects.get()
    taken: list[Any] = []
    messages.on_message("test.rotated")(lambda peer, message, now: taken.append(message))
    try:
        rotated(issuer)
        content = issuer.other.message("test.rotated", {}, world.now)
        histories.follow_due(world.now - timedelta(minutes=1), lambda peer, path: b"{}")
        with pytest.raises(VerificationError):
            services.receive(content, world.now)
        assert histories.follow_due(world.now, issuer.fetch) == 1  # asked at once, though it was asked a minute ago
        services.receive(content, world.now)
        assert len(taken) == 1
        new = next(key for key in peers.live_keys(peer).keys if key.suite.name == "intl")
        services.pin_key(services.PinKey(peer.origin, new.vkey()), actor=world.otto, now=world.now)
        other = generate("intl", peer.origin)
        services.pin_key(services.PinKey(peer.origin, other.verify_key.vkey()), actor=world.otto, now=world.now)
        assert histories.held(peer) is None  # pinned, and not in the history: the history counts no more
        assert other.verify_key in peers.live_keys(peer).keys
    finally:
        messages.HANDLERS.pop("test.rotated")


def test_a_venue_is_added_with_its_witnesses_and_its_recovery_key(world: World) -> None:
    other, witness = Other.make("sm"), new_witness_key("witness.example")
    recovery = generate("intl", f"{other.origin}/recovery")
    lines = "\n".join(key.verify_key.vkey() for key in (*other.keys, witness, recovery))
    cmd = services.AddPeer("faraway", "远方数据交易所", "Faraway", "http://127.0.0.1:9", lines)
    peer = services.add_peer(cmd, actor=world.otto, now=world.now)
    assert peer.origin == other.origin and [key.name for key in peers.witness_keys(peer)] == ["witness.example"]
    assert {key.name for key in peers.live_keys(peer).keys} == {other.origin}
    # Its history has to name the recovery key that was pinned: without it no history is taken.
    with pytest.raises(HistoryNotTrusted):
        histories.follow(peer, world.now, lambda peer, path: other.log.history(world.now))
    other.log.history(world.now)
    other.log._say(Kind.RECOVERY, recovery, [recovery, *other.log.keys], world.now)
    assert histories.follow(peer, world.now, lambda peer, path: other.log.history(world.now))
    lines = "\n".join(
        key.verify_key.vkey() for key in (*Other.make(origin="a.example").keys, *Other.make(origin="b.example").keys)
    )
    with pytest.raises(InputInvalid):
        services.add_peer(
            services.AddPeer("two", "两", "Two", "http://127.0.0.1:9", lines), actor=world.otto, now=world.now
        )
