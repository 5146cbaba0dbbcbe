"""Other Ethereum clients, for real: the contract, the worker's part, a fact proved on chain, a re-organisation."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from shugu.edges.chain.contract import METHODS
from shugu.edges.chain.errors import ContractRefused
from shugu.edges.chain.models import Sending
from shugu.edges.chain.proving import prove_included
from shugu.edges.chain.tests import other_nodes, trees
from shugu.edges.chain.tests.anvil import Wire
from shugu.edges.chain.tests.conftest import ORIGIN, Bench, deployed, key_of
from shugu.edges.chain.tests.other_nodes import CLIENTS, Client
from shugu.edges.chain.tests.venue import PAYER, Venue
from shugu.evidence import queries as evidence
from shugu.formats.leaf import entry
from shugu.formats.merkle import leaf_hash
from shugu.kernel import signer
from shugu.kernel.models import Fact

pytestmark = [
    pytest.mark.campaign, pytest.mark.django_db(transaction=False), pytest.mark.xdist_group("chain"),
    pytest.mark.parametrize("name", sorted(CLIENTS)),
]  # fmt: skip


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Client]]:
    started: dict[str, Client] = {}
    yield started
    for node in started.values():
        node.stop()


@pytest.fixture()
def there(name: str, nodes: dict[str, Client], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A contract of its own on that client's chain."""
    if name not in nodes:
        nodes[name] = CLIENTS[name](tmp_path_factory.mktemp(name))
    return deployed(nodes[name], name)


def test_the_contract_keeps_its_promises(there: Bench, name: str) -> None:
    there.register()
    hashes = trees.leaves(name, 120)
    there.anchor(50, trees.root(hashes, 50))
    there.anchor(120, trees.root(hashes, 120), trees.consistency(hashes, 50, 120))
    proof = trees.inclusion(hashes, 77, 120)
    contract = there.there
    assert contract.includes(ORIGIN, 120, 77, hashes[77], proof) and not contract.includes(ORIGIN, 120, 76, hashes[77], proof)
    assert [(e.previous, e.size) for e in contract.anchors(ORIGIN)] == [(0, 50), (50, 120)]
    other = trees.forked(hashes, 3, random.Random(1))
    refusals: dict[str, Callable[[], object]] = {
        "NotGrowing": lambda: there.anchor(40, trees.root(hashes, 40)),
        "OtherRoot": lambda: there.anchor(50, trees.root(other, 50)),
        "AlreadyRegistered": there.register,
    }
    for reason, call in refusals.items():
        with pytest.raises(ContractRefused) as caught:
            call()
        assert caught.value.params["reason"] == reason, "each client wraps what a contract reverts with in its own way"


def test_the_worker_anchors_and_pays_once(venue: Venue, there: Bench, name: str) -> None:
    wire = Wire(there.node.url)
    try:
        venue.install(there, rpc=wire.url)
        log = venue.facts(5)
        paid = there.there.nonce(key_of(PAYER).address)
        found = venue.confirmed()
        assert there.there.nonce(key_of(PAYER).address) == paid + 1 and venue.alarm() == ""
        assert there.there.root(signer.origin(), log.size) == log.root
        assert 60_000 < (found.gas or 0) < 90_000 and found.gas_price is not None
        assert set(wire.heard) <= METHODS
        venue.pass_time(hours=30)
        grown = venue.facts(7)
        venue.confirmed()
        assert [e.size for e in there.there.anchors(signer.origin())] == [log.size, grown.size]
        fact = Fact.objects.filter(name="thing.done").order_by("pk")[2]
        seen = evidence.proof(fact.pk)
        assert seen is not None
        leaf = leaf_hash(entry(bytes(fact.digest), None))
        proven = prove_included(there.chain, seen, leaf)
        assert proven.anchor.block_hash and proven.leaf == leaf
    finally:
        wire.close()


def test_what_vanished_with_its_block_is_sent_again(venue: Venue, there: Bench, name: str) -> None:
    node = there.node
    assert isinstance(node, other_nodes.Client)
    venue.install(there)
    log = venue.facts(5)
    mark = node.mark()
    venue.round()
    for _ in range(50):
        venue.round()
        if venue.anchor().status == "mined":
            break
    assert venue.anchor().status == "mined"
    node.back(mark)
    assert there.there.root(signer.origin(), log.size) is None, "the re-organisation took it"
    found = venue.confirmed()
    assert found.vanished == 1 and [e.size for e in there.there.anchors(signer.origin())] == [log.size]
    assert Sending.objects.filter(outcome="mined").count() == 1
