"""Chains that are less than Ethereum: without base fees or with one of nothing, without transactions of the new form, without the
methods nobody needs, with few blocks a question. A real node stands behind a wire that takes these things away, as FISCO BCOS 3
(its web3 interface), Besu without a fee market and Conflux do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shugu.edges.chain.contract import METHODS, connect
from shugu.edges.chain.errors import NodeRefused
from shugu.edges.chain.models import Sending
from shugu.edges.chain.tests.anvil import Node, Running, Wire
from shugu.edges.chain.tests.conftest import Bench, deployed, key_of
from shugu.edges.chain.tests.test_anchoring import events
from shugu.edges.chain.tests.venue import PAYER, Venue
from shugu.kernel import signer

pytestmark = [pytest.mark.django_db(transaction=False), pytest.mark.xdist_group("chain")]

BLOCKS = 120


class Lagging:
    """What such a node does not do, in front of `node`; its blocks show `base_fee` (None: the field is missing)."""

    def __init__(self, node: Running, base_fee: str | None, *, typed: bool = False) -> None:
        self.node, self.base_fee, self.typed, self.refused = node, base_fee, typed, list[str]()

    def __call__(self, method: str, body: dict[str, Any]) -> Any:
        params = body["params"]
        if method not in METHODS:
            return self._no(f"the method {method} does not exist/is not available", -32601)
        if method == "eth_sendRawTransaction" and not self.typed and int(params[0][2:4], 16) < 0x80:
            return self._no("transaction type not supported")
        if method == "eth_getLogs":
            first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
            if last - first >= BLOCKS:
                return self._no(f"query exceeds max block range {BLOCKS}", -32005)
        if method == "eth_getBlockByNumber":
            found = dict(self.node.ask(method, *params) or {})
            found.pop("baseFeePerGas", None)
            return {"result": (found | ({"baseFeePerGas": self.base_fee} if self.base_fee else {})) or None}
        return None

    def _no(self, message: str, code: int = -32000) -> dict[str, Any]:
        self.refused.append(message)
        return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}


@pytest.mark.parametrize("base_fee", [None, "0x0"])
def test_a_chain_of_one_price_is_anchored_in(venue: Venue, bench: Bench, wire: Wire, base_fee: str | None) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    wire.rule = rule = Lagging(bench.node, base_fee)
    price = int(bench.node.ask("eth_gasPrice"), 16)
    venue.round()
    bench.node.mine(BLOCKS)
    found = venue.confirmed()
    sent = Sending.objects.get()
    assert events(bench) == [log.size] and found.gas and sent.tip is None
    assert sent.max_fee == price
    assert any("range" in told for told in rule.refused), "the events were asked for in pieces"
    assert not any("range" not in told for told in rule.refused), rule.refused


def test_one_price_can_be_demanded_where_blocks_show_a_base_fee(venue: Venue, bench: Bench, wire: Wire) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    wire.rule = Lagging(bench.node, "0x3b9aca00")
    venue.round()
    assert venue.alarm() == "chain-node-refused"
    venue.install(bench, rpc=wire.url, fees="legacy")
    venue.pass_time(minutes=11)
    venue.confirmed()
    assert events(bench) == [log.size] and venue.alarm() == ""


@pytest.fixture(scope="module")
def free() -> Iterator[Node]:
    """A chain that charges nothing."""
    node = Node(31003, "--gas-price", "0", "--base-fee", "0")
    yield node
    node.stop()


def test_an_account_without_money_anchors_where_gas_costs_nothing(venue: Venue, free: Node) -> None:
    bench = deployed(free, "free")
    poor = key_of(PAYER).address
    free.ask("anvil_setBalance", poor, "0x0")
    venue.install(bench, ceiling_wei=0)
    log = venue.facts(5)
    free.ask("evm_setAutomine", False)
    try:
        for alarm in ("", "", "chain-anchor-late"):
            venue.round()
            assert venue.alarm() == alarm, "nothing is to be had for more money: no ceiling is in the way"
            venue.pass_time(minutes=11)
    finally:
        free.ask("evm_setAutomine", True)
    free.mine()
    found = venue.confirmed()
    assert events(bench) == [log.size] and (found.gas_price, Sending.objects.count()) == (0, 1)
    assert int(free.ask("eth_getBalance", poor, "latest"), 16) == 0


def test_a_node_that_refuses_few_blocks_too_is_told_as_it_says(bench: Bench, wire: Wire, venue: Venue) -> None:
    venue.install(bench, rpc=wire.url)
    answer = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "logs are switched off"}}
    wire.rule = lambda method, body: answer if method == "eth_getLogs" else None
    there = connect(replace(bench.chain, rpc=wire.url))
    with pytest.raises(NodeRefused, match="switched off"):
        there.anchors(signer.origin())
