"""The contract on a real node, asked the same questions as our own proof code."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from shugu.edges.chain import deploying
from shugu.edges.chain.contract import artefact
from shugu.edges.chain.errors import ContractRefused
from shugu.edges.chain.statement import Appointment, Statement, origin_hash, sign, signer_of
from shugu.edges.chain.tests import anvil, trees
from shugu.edges.chain.tests.conftest import ORIGIN, Bench, key_of
from shugu.edges.chain.tests.venue import shugu
from shugu.formats.errors import ProofInvalid
from shugu.formats.merkle import verify_inclusion

HASH = origin_hash(ORIGIN)
pytestmark = pytest.mark.xdist_group("chain")


def refused(reason: str) -> pytest.RaisesExc[ContractRefused]:
    return pytest.raises(ContractRefused, check=lambda error: error.reason == reason)


def test_the_committed_contract_is_what_its_source_compiles_to() -> None:
    """Byte for byte, by the command an operator would use (exit code 2: not checked)."""
    wanted = json.loads((anvil.ROOT / "contracts" / "package.json").read_text("utf-8"))["devDependencies"]["solc"]
    assert str(artefact()["compiler"]).startswith(f"{wanted}+")
    source = (anvil.ROOT / "contracts" / "CheckpointRegistry.sol").read_bytes()
    assert artefact()["sourceSha256"] == hashlib.sha256(source).hexdigest()
    checked = shugu("compile-check")
    if checked == 2:
        pytest.skip("!! no node or no solc in .tools: the contract is NOT recompiled")
    assert checked == 0


def test_only_the_administrator_registers_and_only_with_the_keys_consent(bench: Bench) -> None:
    with refused("OnlyAdmin"):
        bench.register(by=anvil.OTHER)
    agreed = deploying.consent(bench.chain, ORIGIN, bench.key)
    stranger = key_of(anvil.OTHER).address
    with refused("WrongSigner"):
        bench.act("register", ORIGIN, stranger, agreed, by=anvil.ADMIN)
    with refused("WrongSigner"):
        bench.act("register", "other.example", bench.key.address, agreed, by=anvil.ADMIN)
    bench.register()
    with refused("AlreadyRegistered"):
        bench.register()
    found = bench.there.venue(ORIGIN)
    assert found is not None and (found.signer, found.size, found.frozen) == (bench.key.address, 0, False)


def test_a_consent_is_worth_nothing_on_another_chain_or_contract(bench: Bench, second: Bench) -> None:
    agreed = deploying.consent(bench.chain, ORIGIN, bench.key)
    with refused("WrongSigner"):
        second.act("register", ORIGIN, bench.key.address, agreed, by=anvil.ADMIN)


def test_consistent_growth_is_kept_and_every_old_root_stays(bench: Bench) -> None:
    bench.register()
    hashes = trees.leaves("growth", 300)
    sizes = [1, 2, 7, 8, 100, 256, 300]
    before = 0
    for size in sizes:
        bench.anchor(size, trees.root(hashes, size), trees.consistency(hashes, before, size) if before else ())
        before = size
    for size in sizes:
        assert bench.there.root(ORIGIN, size) == trees.root(hashes, size)
    events = bench.there.anchors(ORIGIN)
    assert [(e.previous, e.size) for e in events] == list(zip([0, *sizes], sizes, strict=False))
    last = events[-1]
    assert signer_of(Statement(ORIGIN, last.size, last.root), last.signature) == bench.key.address


def test_the_same_checkpoint_again_changes_nothing(bench: Bench) -> None:
    bench.register()
    hashes = trees.leaves("again", 9)
    for size in (5, 9):
        bench.anchor(size, trees.root(hashes, size), trees.consistency(hashes, 5, size))
    height = len(bench.there.anchors(ORIGIN))
    bench.anchor(9, trees.root(hashes, 9))
    bench.anchor(5, trees.root(hashes, 5))
    assert len(bench.there.anchors(ORIGIN)) == height and bench.there.venue(ORIGIN).size == 9  # type: ignore[union-attr]


def test_forked_shrinking_and_unproved_trees_are_refused(bench: Bench) -> None:
    """Random forks: whichever leaf of the anchored part differs, no proof of the forked tree passes."""
    bench.register()
    draw = random.Random(7)
    hashes = trees.leaves("fork", 200)
    size = 77
    bench.anchor(size, trees.root(hashes, size))
    for _ in range(12):
        new = draw.randrange(size + 1, 200)
        other = trees.forked(hashes, draw.randrange(size), draw)
        with refused("Inconsistent"):
            bench.anchor(new, trees.root(other, new), trees.consistency(other, size, new))
        with refused("Inconsistent"):
            bench.anchor(new, trees.root(other, new), trees.consistency(hashes, size, new))
        proof = trees.consistency(hashes, size, new)
        for bad in (proof[:-1], (*proof, b"\0" * 32), ()):
            with refused("Inconsistent"):
                bench.anchor(new, trees.root(hashes, new), bad)
    with refused("NotGrowing"):
        bench.anchor(size - 1, trees.root(hashes, size - 1))
    with refused("OtherRoot"):
        bench.anchor(size, trees.root(trees.forked(hashes, 3, draw), size))
    assert bench.there.venue(ORIGIN).size == size  # type: ignore[union-attr]


def test_a_first_anchor_has_no_proof_and_an_unknown_venue_no_anchor(bench: Bench) -> None:
    root = trees.root(trees.leaves("first", 3), 3)
    with refused("UnknownVenue"):
        bench.anchor(3, root)
    bench.register()
    with refused("Inconsistent"):
        bench.anchor(3, root, (root,))


def test_only_the_venues_key_signs_and_a_signature_has_one_spelling(bench: Bench) -> None:
    bench.register()
    root = trees.root(trees.leaves("signer", 3), 3)
    with refused("WrongSigner"):
        bench.anchor(3, root, key=key_of(anvil.OTHER))
    size, _, signature = bench.signed(3, root)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    mirrored = signature[:32] + (order - int.from_bytes(signature[32:64])).to_bytes(32) + bytes([55 - signature[64]])
    for bad in (mirrored, signature[:64], signature + b"\0", signature[:64] + b"\0", b""):
        with refused("BadSignature"):
            bench.act("anchor", HASH, (size, root, bad), [])
    changed = bytes([signature[0] ^ 1]) + signature[1:]
    with pytest.raises(ContractRefused):
        bench.act("anchor", HASH, (size, root, changed), [])
    with refused("WrongSigner"):  # signed for another log
        bench.act("anchor", HASH, bench.signed(3, root, origin="other.example"), [])


def test_inclusion_on_chain_says_what_our_own_code_says(bench: Bench) -> None:
    """Random trees, places, sizes, leaves and proofs, right and wrong: the two never differ."""
    bench.register()
    draw = random.Random(11)
    hashes = trees.leaves("inclusion", 130)
    before = 0
    for size in (1, 6, 64, 65, 130):
        bench.anchor(size, trees.root(hashes, size), trees.consistency(hashes, before, size) if before else ())
        before = size
    there, said = bench.there, {True: 0, False: 0}
    for _ in range(60):
        size = draw.choice((1, 6, 64, 65, 130))
        index = draw.randrange(size)
        leaf, proof, at = hashes[index], list(trees.inclusion(hashes, index, size)), index
        match draw.randrange(7):
            case 0:
                at = draw.randrange(size + 2)
            case 1:
                leaf = draw.choice(hashes)
            case 2 if proof:
                proof[draw.randrange(len(proof))] = draw.randbytes(32)
            case 3:
                proof = [*proof, draw.randbytes(32)][draw.randrange(2) :]
            case _:
                pass
        try:
            verify_inclusion(leaf, at, size, proof, trees.root(hashes, size))
            ours = True
        except ProofInvalid:
            ours = False
        assert there.includes(ORIGIN, size, at, leaf, proof) is ours
        said[ours] += 1
    assert min(said.values()) >= 10, said
    assert not there.includes(ORIGIN, 5, 0, hashes[0], trees.inclusion(hashes, 0, 5)), "5 was never anchored"
    assert not there.includes("other.example", 1, 0, hashes[0], [])


def test_two_roots_for_one_size_freeze_the_venue_for_ever(bench: Bench) -> None:
    bench.register()
    hashes = trees.leaves("freeze", 9)
    other = trees.forked(hashes, 2, random.Random(1))
    bench.anchor(5, trees.root(hashes, 5))
    one, two = bench.signed(9, trees.root(hashes, 9)), bench.signed(9, trees.root(other, 9))
    with refused("NoContradiction"):
        bench.act("equivocation", HASH, one, one)
    with refused("WrongSigner"):
        bench.act("equivocation", HASH, one, bench.signed(9, trees.root(other, 9), key=key_of(anvil.OTHER)))
    bench.act("equivocation", HASH, one, two)
    assert bench.there.venue(ORIGIN).frozen  # type: ignore[union-attr]
    with refused("VenueFrozen"):
        bench.anchor(9, trees.root(hashes, 9), trees.consistency(hashes, 5, 9))
    assert bench.there.includes(ORIGIN, 5, 1, hashes[1], trees.inclusion(hashes, 1, 5)), "what was anchored stays provable"


def test_a_fork_shows_in_trees_of_different_sizes_too(bench: Bench) -> None:
    bench.register()
    hashes = trees.leaves("contradiction", 20)
    other = trees.forked(hashes, 4, random.Random(2))
    small, large = bench.signed(6, trees.root(hashes, 6)), bench.signed(20, trees.root(other, 20))

    def path(of: list[bytes], size: int, index: int = 4) -> tuple[bytes, list[bytes]]:
        return of[index], list(trees.inclusion(of, index, size))

    with refused("NoContradiction"):
        bench.act("contradiction", HASH, small, large, 3, path(hashes, 6, 3), path(other, 20, 3))
    with refused("NoContradiction"):
        bench.act("contradiction", HASH, small, large, 4, path(hashes, 6), path(hashes, 20))
    bench.act("contradiction", HASH, small, large, 4, path(hashes, 6), path(other, 20))
    assert bench.there.venue(ORIGIN).frozen  # type: ignore[union-attr]


def test_a_replaced_key_signs_no_more_and_a_stolen_one_freezes_nobody(bench: Bench) -> None:
    bench.register()
    hashes = trees.leaves("replace", 9)
    bench.anchor(5, trees.root(hashes, 5))
    fresh, thief = key_of(bytes.fromhex("22" * 32)), bench.key
    agreed = deploying.consent(bench.chain, ORIGIN, fresh)
    with refused("OnlyAdmin"):
        bench.act("replaceSigner", HASH, fresh.address, agreed, True)
    bench.act("replaceSigner", HASH, fresh.address, agreed, True, by=anvil.ADMIN)
    proof = trees.consistency(hashes, 5, 9)
    with refused("WrongSigner"):
        bench.anchor(9, trees.root(hashes, 9), proof, key=thief)
    forged = trees.root(trees.forked(hashes, 1, random.Random(3)), 9)
    with refused("WrongSigner"):
        bench.act("equivocation", HASH, bench.signed(9, forged), bench.signed(9, trees.root(hashes, 9), key=fresh))
    with refused("KeyUsedBefore"):
        bench.act(
            "replaceSigner", HASH, thief.address, deploying.consent(bench.chain, ORIGIN, thief), False, by=anvil.ADMIN
        )
    bench.anchor(9, trees.root(hashes, 9), proof, key=fresh)


def test_a_retired_key_still_answers_for_its_forks(bench: Bench) -> None:
    bench.register()
    fresh = key_of(bytes.fromhex("33" * 32))
    agreed = deploying.consent(bench.chain, ORIGIN, fresh)
    bench.act("replaceSigner", HASH, fresh.address, agreed, False, by=anvil.ADMIN)
    hashes = trees.leaves("retired", 4)
    forged = trees.root(trees.forked(hashes, 1, random.Random(4)), 4)
    bench.act("equivocation", HASH, bench.signed(4, forged), bench.signed(4, trees.root(hashes, 4), key=fresh))
    assert bench.there.venue(ORIGIN).frozen  # type: ignore[union-attr]


def test_the_statements_are_those_of_the_specification() -> None:
    """The golden values of docs/formats.md: any wallet that signs typed data makes these."""
    key = bytes.fromhex("11" * 32)
    assert key_of(key).address == "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
    assert origin_hash("log.example").hex() == "342017dadb764acdc97bad5f4c9c6b3aa776fe9dc4a93886bb865777a7a548c3"
    statement = Statement("log.example", 7, bytes(range(32)))
    assert sign(statement, key).hex() == (
        "df7136325bcf1c225b14ed65fdaa14eaa0794e28a020e6c56f2148dd2499a0c264347ae8acdd729acc05cdf8901dd963291085f223aa5e3eee9cfd91"
        "ff6a8d3d1c"
    )
    agreed = Appointment("log.example", key_of(key).address, 31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
    assert sign(agreed, key).hex() == (
        "8666b87ee5ecf2ad1a10bb4a0c426eb0fff98fec6c8e490a3d65c09bcd84a90f6a629847541cb180760fbb7ce5ebd31bc6ce07da45842e8ff44023e9"
        "498b74d91c"
    )
    for bad in (b"", sign(agreed, key)[:64], bytes(65)):
        with refused("BadSignature"):
            signer_of(statement, bad)
