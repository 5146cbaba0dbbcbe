"""Gas of every operation of the anchoring contract on a real node, and what a thousand facts cost by it.

SHUGU_GAS_PRICE_GWEI (default 1) and SHUGU_COIN_PRICE (default none: the cost is shown in coins of 10^18 wei) set the price.
Gas depends on the contract and the chain's schedule alone, not on this machine. Prints one JSON line a figure, and a table.
"""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from shugu.edges.chain import deploying
from shugu.edges.chain.config import Chain
from shugu.edges.chain.contract import artefact
from shugu.edges.chain.domain import in_units
from shugu.edges.chain.statement import origin_hash
from shugu.edges.chain.tests import anvil, trees
from shugu.edges.chain.tests.conftest import NOWHERE, ORIGIN, Bench, key_of

SIZES = (200, 1_000, 1_001, 2_000, 5_000, 9_999, 10_000, 16_383, 20_000)
# size and index of the leaf whose path has that many hashes
DEPTHS = ((1_001, 1_000, 6), (200, 0, 8), (5_000, 0, 13), (10_000, 0, 14), (20_000, 0, 15))


def figure(name: str, value: int, unit: str, goal: int) -> None:
    found = {
        "name": name, "median": value, "unit": unit, "goal": goal, "higher_is_better": False, "runs": [value], "peer": None,
    }  # fmt: skip
    print(json.dumps(found), flush=True)


def measure(node: anvil.Node) -> None:
    chain = Chain("bench", node.url, node.chain_id, NOWHERE)
    found = deploying.deploy(chain, key_of(anvil.RICH), key_of(anvil.ADMIN).address)
    bench = Bench(node, replace(chain, contract=found.contract, from_block=found.block), key_of(bytes.fromhex("11" * 32)))
    figure("chain: deploy the contract", found.gas, "gas", 2_500_000)
    figure("chain: register a venue", bench.register().gas, "gas", 150_000)
    hashes = trees.leaves("bench", 20_000)
    figure("chain: first anchor", bench.anchor(100, trees.root(hashes, 100)).gas, "gas", 130_000)
    last, highest = 100, 0
    for size in SIZES:
        proof = trees.consistency(hashes, last, size)
        gas = bench.anchor(size, trees.root(hashes, size), proof).gas
        print(f"growth {last} -> {size}: {gas} gas, proof of {len(proof)} hashes")
        last, highest = size, max(highest, gas)
    figure("chain: costliest growth up to 20,000 facts", highest, "gas", 160_000)
    figure("chain: the same checkpoint again", bench.anchor(last, trees.root(hashes, last)).gas, "gas", 50_000)
    for size, index, depth in DEPTHS:
        gas = included(bench, hashes, size, index, depth)
        figure(f"chain: inclusion at depth {depth}, if it were a transaction", gas, "gas", 100_000)
    other = trees.root(trees.forked(hashes, 1, random.Random(1)), last)
    two = (bench.signed(last, other), bench.signed(last, trees.root(hashes, last)))
    forked = bench.act("equivocation", origin_hash(ORIGIN), *two)
    figure("chain: proof of a fork", forked.gas, "gas", 150_000)
    costs(highest)


def included(bench: Bench, hashes: list[bytes], size: int, index: int, depth: int) -> int:
    """By the node's own estimate: `includes` is a question and costs nothing when asked."""
    proof = list(trees.inclusion(hashes, index, size))
    assert len(proof) == depth and bench.there.includes(ORIGIN, size, index, hashes[index], proof)
    data = bench.there.call_data("includes", origin_hash(ORIGIN), size, index, hashes[index], proof)
    return int(bench.node.ask("eth_estimateGas", {"to": bench.there.address, "data": data}), 16)


def costs(gas: int) -> None:
    gwei = Decimal(os.environ.get("SHUGU_GAS_PRICE_GWEI", "1"))
    coin = os.environ.get("SHUGU_COIN_PRICE")
    print(f"at {gwei} gwei for one gas and {gas} gas an anchor, a thousand facts cost:")
    for facts in (100, 1_000, 10_000, 100_000):
        wei = Decimal(gas) * gwei * 10**9 * 1000 / facts
        money = f" = {wei / 10**18 * Decimal(coin):.4f} at {coin} a coin" if coin else ""
        print(f"  {facts:>7} facts an anchor: {gas * 1000 // facts:>9} gas, {in_units(wei)} coins{money}")
    figure("chain: a thousand facts at 1,000 facts an anchor", gas, "gas", 160_000)


def main() -> int:
    if anvil.binary() is None:
        print("!! no anvil in .tools (tests/run.sh installs it where npm is): gas is NOT measured")
        return 0
    print(f"{artefact()['compiler']}, {len(artefact()['bytecode']) // 2 - 1} bytes of bytecode")
    node = anvil.Node(31009)
    try:
        measure(node)
    finally:
        node.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
