"""One log on two chains: anchors carried over by anybody, replays that do no harm, and facts proved by the contract."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from shugu.edges.chain import deploying, queries, relay
from shugu.edges.chain.errors import CannotRelay, ChainMismatch, ContractRefused, NotAnchored, VenueUnregistered
from shugu.edges.chain.statement import origin_hash
from shugu.edges.chain.tests import anvil, trees
from shugu.edges.chain.tests.conftest import ORIGIN, Bench, key_of
from shugu.edges.chain.tests.venue import ALICE, Venue, shugu
from shugu.evidence import queries as evidence
from shugu.evidence import tile_files
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.errors import ProofInvalid, ShuguError
from shugu.formats.sealed import read_sealed
from shugu.formats.tiles import tile_path
from shugu.kernel import documents, journal, signer

pytestmark = pytest.mark.xdist_group("chain")
PAYER = key_of(anvil.OTHER)


def grow(bench: Bench, hashes: list[bytes], sizes: list[int]) -> None:
    before = bench.there.venue(ORIGIN)
    assert before is not None
    last = before.size
    for size in sizes:
        bench.anchor(size, trees.root(hashes, size), trees.consistency(hashes, last, size) if last else ())
        last = size


def tiles_of(hashes: list[bytes]) -> dict[str, bytes]:
    """Full and partial tiles of a small tree, level 0 alone being enough below 256 leaves."""
    return {tile_path(0, 0, n): b"".join(hashes[:n]) for n in range(1, len(hashes) + 1)}


def carry(a: Bench, b: Bench, **more: object) -> list[int]:
    steps = relay.plan(a.there, b.there, ORIGIN, **more)  # type: ignore[arg-type]
    return [relay.carry(b.there, ORIGIN, step, PAYER).size for step in steps]


def test_anchors_are_carried_to_another_chain_by_anybody(bench: Bench, second: Bench) -> None:
    for each in (bench, second):
        each.register()
    hashes = trees.leaves("carried", 120)
    grow(bench, hashes, [3, 50, 51])
    assert carry(bench, second) == [3, 50, 51]
    assert carry(bench, second) == [], "a second relayer finds nothing to do"
    grow(bench, hashes, [120])
    assert carry(bench, second) == [120]
    for size in (3, 50, 51, 120):
        assert second.there.root(ORIGIN, size) == trees.root(hashes, size)
    assert second.there.includes(ORIGIN, 120, 77, hashes[77], trees.inclusion(hashes, 77, 120))


def test_a_chain_that_stands_elsewhere_is_reached_through_the_log(bench: Bench, second: Bench) -> None:
    for each in (bench, second):
        each.register()
    hashes = trees.leaves("elsewhere", 120)
    grow(bench, hashes, [3, 50, 120])
    grow(second, hashes, [40])
    with pytest.raises(CannotRelay):
        carry(bench, second)
    tiles = tiles_of(hashes)
    other = tiles_of(trees.forked(hashes, 9, random.Random(1)))
    with pytest.raises(ProofInvalid):
        carry(bench, second, read=lambda path: other[path])
    assert carry(bench, second, read=lambda path: tiles[path], newest=True) == [120]


def test_a_fork_between_two_chains_is_found_and_freezes_the_venue_on_both(bench: Bench, second: Bench) -> None:
    """A venue that shows each chain another log: the relay stops, and the two signatures are the proof."""
    for each in (bench, second):
        each.register()
    hashes = trees.leaves("two faces", 60)
    other = trees.forked(hashes, 5, random.Random(2))
    grow(bench, hashes, [30])
    grow(second, other, [30, 60])
    with pytest.raises(CannotRelay):
        carry(bench, second)
    (one,), two = bench.there.anchors(ORIGIN), second.there.anchors(ORIGIN)[0]
    for each in (bench, second):
        signed = [(e.size, e.root, e.signature) for e in (one, two)]
        each.act("equivocation", origin_hash(ORIGIN), *signed)
        found = each.there.venue(ORIGIN)
        assert found is not None and found.frozen


def test_a_replay_where_the_venue_is_not_registered_fails(bench: Bench, second: Bench) -> None:
    bench.register()
    grow(bench, trees.leaves("replay", 9), [9])
    with pytest.raises(VenueUnregistered):
        carry(bench, second)
    (event,) = bench.there.anchors(ORIGIN)
    with pytest.raises(ContractRefused) as refusal:
        second.act("anchor", origin_hash(ORIGIN), (event.size, event.root, event.signature), [])
    assert refusal.value.reason == "UnknownVenue"


def test_an_old_statement_replayed_moves_nothing_back(bench: Bench, second: Bench) -> None:
    for each in (bench, second):
        each.register()
    hashes = trees.leaves("old", 50)
    grow(bench, hashes, [10, 20, 50])
    grow(second, hashes, [50])
    for event in bench.there.anchors(ORIGIN)[:2]:
        with pytest.raises(ContractRefused) as refusal:
            second.act("anchor", origin_hash(ORIGIN), (event.size, event.root, event.signature), [])
        assert refusal.value.reason == "NotGrowing"
    found = second.there.venue(ORIGIN)
    assert found is not None and found.size == 50


def test_a_key_replaced_there_is_not_carried(bench: Bench, second: Bench) -> None:
    for each in (bench, second):
        each.register()
    hashes = trees.leaves("replaced", 20)
    grow(bench, hashes, [9])
    fresh = key_of(bytes.fromhex("44" * 32))
    agreed = deploying.consent(second.chain, ORIGIN, fresh)
    second.act("replaceSigner", origin_hash(ORIGIN), fresh.address, agreed, True, by=anvil.ADMIN)
    assert carry(bench, second) == []


@pytest.mark.django_db
def test_a_sealed_document_is_proved_by_the_contract(venue: Venue, bench: Bench, second: Bench, tmp_path: Path) -> None:
    venue.install(bench, second)
    venue.facts(5)
    credential = signer.sign_document("RegisterReport", number="V-1", subject={"fen": 100}, now=venue.now)
    digest = documents.put(signer.document_bytes(credential))
    journal.record("thing.done", subject="kernel_test.thing:9", actor=ALICE, now=venue.now, digests={"voucher": digest})
    early = venue.facts(2)
    content = evidence.sealed(digest)
    document, keys, chain = read_sealed(content), signer.keyring(), queries.chain_named("city")
    with pytest.raises(NotAnchored):
        queries.prove_document(chain, document, keys)
    venue.facts(40)
    late = venue.confirmed()
    with pytest.raises(NotAnchored):  # its own checkpoint was never anchored, and no log is given
        queries.prove_document(chain, document, keys)
    found = queries.prove_document(chain, document, keys, read=tile_files.read)
    assert found.later and found.anchor.size == late.size > early.size and found.anchor.deep > 1
    exactly = evidence.sealed(digest)
    exact = queries.prove_document(queries.chain_named("coast"), read_sealed(exactly), keys, confirmations=3)
    assert not exact.later and exact.anchor.size == late.size and exact.leaf == found.leaf
    with pytest.raises(NotAnchored):
        queries.prove_document(chain, document, keys, read=tile_files.read, confirmations=10_000)
    venue.facts(30)  # sealed under a checkpoint that is not anchored yet: the anchored tree already holds the fact
    newer = read_sealed(evidence.sealed(digest))
    with pytest.raises(NotAnchored):
        queries.prove_document(chain, newer, keys)
    held = queries.prove_document(chain, newer, keys, read=tile_files.read)
    assert newer.proof is not None and late.size < newer.proof.covered_by().size
    assert not held.later and held.anchor.size == late.size and held.leaf == found.leaf
    venue.pass_time(seconds=1)
    other = signer.sign_document("RegisterReport", number="V-2", subject={"fen": 200}, now=venue.now)
    fresh = documents.put(signer.document_bytes(other))
    journal.record("thing.done", subject="kernel_test.thing:8", actor=ALICE, now=venue.now, digests={"voucher": fresh})
    venue.facts(1)
    with pytest.raises(NotAnchored):  # no anchored tree holds it
        queries.prove_document(chain, read_sealed(evidence.sealed(fresh)), keys, read=tile_files.read)
    file, key = tmp_path / "v.sealed.json", tmp_path / "venue.vkey"
    file.write_bytes(content)
    key.write_text(keys.text(), "utf-8")
    asked = ["verify", str(file), "--chain", "city", "--key", str(key)]
    with pytest.raises(NotAnchored):
        shugu(*asked)
    file.write_bytes(exactly)
    assert shugu(*asked) == 0
    file.write_bytes(evidence.sealed(digest).replace(b'"fen":100', b'"fen":900'))
    with pytest.raises(ShuguError):
        shugu(*asked)


@pytest.mark.django_db
def test_a_checkpoint_is_verified_by_its_anchor_alone(venue: Venue, bench: Bench, second: Bench) -> None:
    venue.install(bench)
    log = venue.facts(5)
    venue.confirmed()
    origin, chain = signer.origin(), queries.chain_named("city")
    found = queries.verify_anchor(chain, origin, Checkpoint(origin, log.size, log.root), confirmations=2)
    assert (found.size, found.root, found.chain_id) == (log.size, log.root, bench.chain.chain_id)
    for wrong in (Checkpoint(origin, log.size, b"\1" * 32), Checkpoint(origin, log.size + 1, log.root)):
        with pytest.raises(NotAnchored):
            queries.verify_anchor(chain, origin, wrong)
    with pytest.raises(VenueUnregistered):
        queries.verify_anchor(second.chain, origin, Checkpoint(origin, log.size, log.root))
    elsewhere = replace(second.chain, rpc=bench.chain.rpc)
    with pytest.raises(ChainMismatch):
        queries.verify_anchor(elsewhere, origin, Checkpoint(origin, log.size, log.root))
