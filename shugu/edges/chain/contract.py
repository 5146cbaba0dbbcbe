"""CheckpointRegistry on one chain: what is read from it and what is sent to it, over Ethereum JSON-RPC.

No Django, no database. Only methods that lagging and permissioned chains have too are called (METHODS; a test listens):
no gas estimates, no filters, no fee history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from shugu.edges.chain import software
from shugu.edges.chain.config import Chain
from shugu.edges.chain.errors import (
    ChainMismatch,
    ChainSoftwareMissing,
    ChainUnreachable,
    ContractRefused,
    NoContract,
    NodeRefused,
)
from shugu.edges.chain.statement import Statement, origin_hash

METHODS: Final = frozenset(
    {
        "eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_call", "eth_getLogs", "eth_getTransactionReceipt",
        "eth_getTransactionCount", "eth_getCode", "eth_gasPrice", "eth_sendRawTransaction",
    }
)  # fmt: skip
TIMEOUT_SECONDS: Final = 10
LOG_BLOCKS: Final = 100  # a node that refuses even so few means something else
# What clients say of a transaction they have: go-ethereum and FISCO BCOS, OpenEthereum, Besu and Hardhat, Nethermind, earlier
# FISCO BCOS.
_KNOWN: Final = ("already known", "already imported", "known transaction", "alreadyknown", "alreadyintxpool")
_ZERO: Final = "0x" + "0" * 40
_SELECTOR: Final = re.compile(r"0x[0-9a-f]{8}")


@lru_cache(maxsize=1)
def artefact() -> dict[str, Any]:
    """The compiled contract: abi, bytecode, compiler, sourceSha256 (as contracts/build has it)."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "contract.json").read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Block:
    """`base_fee` in wei, None on a chain without base fees."""

    number: int
    hash: bytes
    base_fee: int | None


@dataclass(frozen=True)
class VenueThere:
    """What a contract knows of a venue; `size` 0 before the first anchor."""

    signer: str
    size: int
    frozen: bool


@dataclass(frozen=True)
class AnchorThere:
    """One Anchored event: the tree, how it grew, who signed, and where it lies in the chain."""

    size: int
    root: bytes
    previous: int
    proof: tuple[bytes, ...]
    signature: bytes
    tx_hash: bytes
    block: int
    block_hash: bytes


@dataclass(frozen=True)
class Receipt:
    tx_hash: bytes
    succeeded: bool
    block: int
    gas: int
    gas_price: int
    payer: str
    created: str = ""


def same_address(one: str, other: str) -> bool:
    return one.lower() == other.lower()


class Contract:
    """A connection to one chain's contract. Every method may raise ChainUnreachable and NodeRefused."""

    def __init__(self, chain: Chain) -> None:
        """Errors: ChainSoftwareMissing."""
        software.ready()
        try:
            import requests
            from eth_abi.exceptions import DecodingError
            from web3 import HTTPProvider, Web3
            from web3 import exceptions as faults
            from web3.middleware import ExtraDataToPOAMiddleware
        except ImportError as error:
            raise ChainSoftwareMissing(name="web3") from error
        self.chain = chain
        self._faults = faults
        # Trying again is the worker's business, which says meanwhile that the node is down.
        provider = HTTPProvider(chain.rpc, {"timeout": TIMEOUT_SECONDS}, exception_retry_configuration=None)
        self._down = (requests.RequestException, faults.ProviderConnectionError, OSError)
        self._strange = (faults.Web3Exception, DecodingError, ValueError, TypeError, AttributeError, LookupError)
        self._web3 = Web3(provider)
        # Permissioned chains put their validators' seals into a field that Ethereum bounds.
        self._web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        address = Web3.to_checksum_address(chain.contract)
        self.address = str(address)
        self._contract = self._web3.eth.contract(address=address, abi=artefact()["abi"])

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except self._down as error:
            raise ChainUnreachable(name=self.chain.name, why=type(error).__name__) from error
        except self._faults.ContractLogicError as error:
            raise ContractRefused(reason=_reason(error.data, error) or "revert") from error
        except self._faults.Web3RPCError as error:
            if reason := _reason(getattr(error, "rpc_response", None)):
                raise ContractRefused(reason=reason) from error
            raise NodeRefused(name=self.chain.name, why=_told(error)) from error
        except self._strange as error:
            # An answer that is not of the protocol: something else is listening there, or a node that lies clumsily.
            raise ChainUnreachable(name=self.chain.name, why=f"{type(error).__name__}: {error}"[:200]) from error

    # ---- reading ---------------------------------------------------------------------------------------------------

    def require_chain(self) -> None:
        """Errors: ChainMismatch, NoContract."""
        found = self.chain_id()
        if found != self.chain.chain_id:
            raise ChainMismatch(name=self.chain.name, wanted=self.chain.chain_id, found=found)
        with self._asking():
            if not bytes(self._web3.eth.get_code(self._contract.address)):
                raise NoContract(name=self.chain.name, contract=self.address)

    def chain_id(self) -> int:
        with self._asking():
            return int(self._web3.eth.chain_id)

    def height(self) -> int:
        with self._asking():
            return int(self._web3.eth.block_number)

    def block(self, number: int) -> Block | None:
        """None when the chain has none of that number (any more)."""
        with self._asking():
            try:
                found: Any = self._web3.eth.get_block(number)
            except self._faults.BlockNotFound:
                return None
            base_fee = found.get("baseFeePerGas")
            return Block(int(found["number"]), bytes(found["hash"]), None if base_fee is None else int(base_fee))

    def admin(self) -> str:
        with self._asking():
            return str(self._contract.functions.admin().call())

    def venue(self, origin: str) -> VenueThere | None:
        """None when it is not registered."""
        with self._asking():
            signer, size, frozen = self._contract.functions.venues(origin_hash(origin)).call()
            return None if signer == _ZERO else VenueThere(str(signer), int(size), bool(frozen))

    def root(self, origin: str, size: int) -> bytes | None:
        """The anchored root of the tree of `size`; None when it was never anchored."""
        with self._asking():
            found = bytes(self._contract.functions.rootOf(origin_hash(origin), size).call())
        return found if any(found) else None

    def includes(self, origin: str, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
        """The contract's own answer whether the leaf hash is at `index` of the anchored tree."""
        with self._asking():
            return bool(self._contract.functions.includes(origin_hash(origin), size, index, leaf, list(proof)).call())

    def anchors(self, origin: str, *, size: int | None = None, first: int | None = None) -> list[AnchorThere]:
        """Anchored events of a venue in order, of one size or all, from block `first` (the contract's own by default)."""
        wanted: dict[str, Any] = {"origin": origin_hash(origin)}
        if size is not None:
            wanted["size"] = size
        start = self.chain.from_block if first is None else max(first, self.chain.from_block)
        with self._asking():
            return [
                AnchorThere(
                    int(e["args"]["size"]), bytes(e["args"]["root"]), int(e["args"]["previous"]),
                    tuple(bytes(h) for h in e["args"]["proof"]), bytes(e["args"]["signature"]),
                    bytes(e["transactionHash"]), int(e["blockNumber"]), bytes(e["blockHash"]),
                )
                for e in self._events(wanted, start)
            ]  # fmt: skip

    def _events(self, wanted: dict[str, Any], start: int) -> Iterator[Any]:
        """Events from block `start` on: in one question, or in as many as a node takes that limits their blocks."""
        end = self.height()
        width = max(1, end - start + 1)
        while start <= end:
            stop = min(end, start + width - 1)
            try:
                with self._asking():
                    found = self._contract.events.Anchored().get_logs(argument_filters=wanted, from_block=start, to_block=stop)
            except NodeRefused:
                if width <= LOG_BLOCKS:
                    raise
                width = max(LOG_BLOCKS, width // 2)
                continue
            yield from found
            start = stop + 1

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """None while the chain does not have the transaction."""
        with self._asking():
            try:
                found: Any = self._web3.eth.get_transaction_receipt(tx_hash)  # type: ignore[arg-type]
            except self._faults.TransactionNotFound:
                return None
            # Chains without a fee market leave the price out.
            price = found.get("effectiveGasPrice") or 0
            return Receipt(
                bytes(found["transactionHash"]), found.get("status") == 1, int(found["blockNumber"]), int(found["gasUsed"]),
                int(price, 16) if isinstance(price, str) else int(price), str(found["from"]),
                str(found.get("contractAddress") or ""),
            )  # fmt: skip

    def nonce(self, address: str) -> int:
        """How many transactions of this account are in the chain."""
        with self._asking():
            return int(self._web3.eth.get_transaction_count(self._web3.to_checksum_address(address), "latest"))

    def gas_price(self) -> int:
        with self._asking():
            return int(self._web3.eth.gas_price)

    # ---- sending ---------------------------------------------------------------------------------------------------

    def call_data(self, function: str, *arguments: Any) -> str:
        with self._asking():
            return str(self._contract.encode_abi(function, list(arguments)))

    def anchor_data(self, statement: Statement, signature: bytes, proof: Sequence[bytes]) -> str:
        tree = (statement.size, statement.root, signature)
        return self.call_data("anchor", origin_hash(statement.origin), tree, list(proof))

    def try_out(self, data: str, sender: str | None = None) -> bytes:
        """What the call would answer now, without sending it. Errors: ContractRefused with its reason."""
        asked: Any = {"to": self.address, "data": data, **({"from": sender} if sender else {})}
        with self._asking():
            return bytes(self._web3.eth.call(asked))

    def send(self, raw: bytes) -> None:
        """Broadcast a signed transaction; one that the node has already is no error."""
        try:
            with self._asking():
                self._web3.eth.send_raw_transaction(raw)
        except NodeRefused as error:
            if not any(words in str(error).lower() for words in _KNOWN):
                raise


@lru_cache(maxsize=16)
def connect(chain: Chain) -> Contract:
    """The connection of this process to a chain: made once, its sessions are one a thread. Errors: ChainSoftwareMissing."""
    return Contract(chain)


def _told(error: Any) -> str:
    answer = getattr(error, "rpc_response", None) or {}
    fault = answer.get("error", {}) if isinstance(answer, dict) else {}
    return str(fault.get("message", error) if isinstance(fault, dict) else error)[:200]


@lru_cache(maxsize=1)
def _selectors() -> dict[str, str]:
    """The contract's own errors by the first four bytes of what it reverts with."""
    software.ready()
    from eth_utils.crypto import keccak

    out = {}
    for item in artefact()["abi"]:
        if item["type"] == "error":
            kinds = ",".join(i["type"] for i in item["inputs"])
            out["0x" + keccak(text=f"{item['name']}({kinds})")[:4].hex()] = str(item["name"])
    return out


def _reason(*told: Any) -> str:
    """The name of the contract's error in an answer, "" if none is there. Clients put what a contract reverts with into the
    error's data, into an object there, or into the sentence alone."""
    found = (_selectors().get(word) for word in _SELECTOR.findall(" ".join(str(part) for part in told).lower()))
    return next((name for name in found if name), "")
