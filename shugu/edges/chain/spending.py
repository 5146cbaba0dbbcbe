"""Transactions of an account of ours: built, priced and signed here, so that their hash is known before they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shugu.edges.chain import software
from shugu.edges.chain.contract import Contract
from shugu.edges.chain.keys import ChainKey

# Bounds of gas from the measured operations (benchmarks/bench_chain.py), with room for costlier schedules: what is not
# used is not paid, and estimating would need a method that not every chain has.
ANCHOR_GAS: Final = 200_000
PROOF_GAS: Final = 4_000
ADMIN_GAS: Final = 300_000
DEPLOY_GAS: Final = 4_000_000


@dataclass(frozen=True)
class Fee:
    """Wei for one gas: the most that may be paid, and of it the tip on a chain with base fees (None: no such fees)."""

    most: int
    tip: int | None


@dataclass(frozen=True)
class Signed:
    """`raw` is what is broadcast, `tx_hash` the name it will have."""

    nonce: int
    raw: bytes
    tx_hash: bytes
    fee: Fee


def fee_now(there: Contract) -> Fee:
    """What should be mined soon: twice the base fee and the tip, or the node's own price; never above the ceiling.

    Chains that charge nothing (FISCO BCOS, Besu without a fee market) show a base fee of zero: there one price is named, the
    node's own, which may be nothing, so that an account without money can anchor."""
    chain = there.chain
    block = there.block(there.height()) if chain.fees == "auto" else None
    if block is None or not block.base_fee:
        return Fee(min(there.gas_price(), chain.ceiling_wei), None)
    return _within(2 * block.base_fee + chain.tip_wei, chain.tip_wei, chain.ceiling_wei)


def _within(most: int, tip: int, ceiling: int) -> Fee:
    return Fee(min(most, ceiling), min(tip, most, ceiling))


def raised(fee: Fee, percent: int, present: Fee, ceiling: int) -> Fee | None:
    """A fee by which a node replaces the earlier transaction: `percent` more in each part, at least today's and in today's form;
    None when the ceiling does not allow it."""
    most = max(-(-fee.most * (100 + percent) // 100), present.most)
    if most > ceiling or most <= fee.most:
        return None
    if present.tip is None:
        return Fee(most, None)
    return Fee(most, min(max(-(-(fee.tip or 0) * (100 + percent) // 100), present.tip), most))


def sign_call(there: Contract, key: ChainKey, *, data: str, nonce: int, gas: int, fee: Fee, deploy: bool = False) -> Signed:
    software.ready()
    from eth_account import Account

    body: dict[str, Any] = {"nonce": nonce, "gas": gas, "value": 0, "data": data, "chainId": there.chain.chain_id}
    if not deploy:
        body["to"] = there.address
    if fee.tip is None:
        body["gasPrice"] = fee.most
    else:
        body |= {"maxFeePerGas": fee.most, "maxPriorityFeePerGas": fee.tip}
    signed = Account.sign_transaction(body, key.secret)
    return Signed(nonce, bytes(signed.raw_transaction), bytes(signed.hash), fee)
