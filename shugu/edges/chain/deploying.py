"""What the consortium's administrator does: deploy the contract, register venues, replace their keys. No Django.

Each act can also be had as call data alone, for an administrator that is a multi-signature account.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

from shugu.edges.chain import software
from shugu.edges.chain.config import Chain
from shugu.edges.chain.contract import Contract, Receipt, artefact, connect
from shugu.edges.chain.errors import ChainMismatch, ChainUnreachable, ContractRefused
from shugu.edges.chain.keys import ChainKey
from shugu.edges.chain.spending import ADMIN_GAS, DEPLOY_GAS, fee_now, sign_call
from shugu.edges.chain.statement import Appointment, sign

WAIT_SECONDS: Final = 120.0
_POLL: Final = 0.05


@dataclass(frozen=True)
class Deployed:
    contract: str
    block: int
    gas: int


def deploy(chain: Chain, key: ChainKey, admin: str, *, wait: float = WAIT_SECONDS) -> Deployed:
    """A new contract with this administrator, paid by `key`. Errors: ChainMismatch, ChainUnreachable, NodeRefused."""
    software.ready()
    from eth_abi.abi import encode

    there = connect(chain)
    found = there.chain_id()
    if found != chain.chain_id:
        raise ChainMismatch(name=chain.name, wanted=chain.chain_id, found=found)
    data = artefact()["bytecode"] + encode(["address"], [admin]).hex()
    fee, nonce = fee_now(there), there.nonce(key.address)
    signed = sign_call(there, key, data=data, nonce=nonce, gas=DEPLOY_GAS, fee=fee, deploy=True)
    there.send(signed.raw)
    receipt = wait_for(there, signed.tx_hash, wait)
    return Deployed(receipt.created, receipt.block, receipt.gas)


def consent(chain: Chain, origin: str, key: ChainKey) -> bytes:
    """The signature by which a key agrees to speak for `origin` in this contract."""
    return sign(Appointment(origin, key.address, chain.chain_id, connect(chain).address), key.secret)


def register_data(there: Contract, origin: str, signer: str, agreed: bytes) -> str:
    return there.call_data("register", origin, signer, agreed)


def replace_data(there: Contract, origin_key: bytes, signer: str, agreed: bytes, compromised: bool) -> str:
    return there.call_data("replaceSigner", origin_key, signer, agreed, compromised)


def act(there: Contract, key: ChainKey, data: str, *, gas: int = ADMIN_GAS, wait: float = WAIT_SECONDS) -> Receipt:
    """Try a call out, send it and wait for its block. Errors: ContractRefused, NodeRefused, ChainUnreachable."""
    there.require_chain()
    there.try_out(data, key.address)
    signed = sign_call(there, key, data=data, nonce=there.nonce(key.address), gas=gas, fee=fee_now(there))
    there.send(signed.raw)
    return wait_for(there, signed.tx_hash, wait)


def wait_for(there: Contract, tx_hash: bytes, wait: float) -> Receipt:
    """Errors: ChainUnreachable when it is in no block within `wait` seconds, ContractRefused when it was reverted."""
    deadline = time.monotonic() + wait
    while (found := there.receipt(tx_hash)) is None:
        if time.monotonic() >= deadline:
            raise ChainUnreachable(name=there.chain.name, why=(f"{wait:.0f} 秒内未入块", f"not in a block within {wait:.0f} s"))
        time.sleep(_POLL)
    if not found.succeeded:
        raise ContractRefused(reason="revert")
    return found


def at(chain: Chain, contract: str, from_block: int = 0) -> Chain:
    """The same chain with a contract that was deployed there."""
    return replace(chain, contract=contract, from_block=from_block)
