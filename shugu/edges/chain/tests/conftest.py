from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shugu.edges.chain import deploying, software
from shugu.edges.chain.config import Chain
from shugu.edges.chain.contract import Contract, connect
from shugu.edges.chain.keys import ChainKey
from shugu.edges.chain.statement import Statement, origin_hash, sign
from shugu.edges.chain.tests import anvil
from shugu.edges.chain.tests.anvil import Running, Wire

if TYPE_CHECKING:
    from shugu.edges.chain.tests.venue import Venue

NOWHERE = "0x" + "0" * 40
ORIGIN = "log.test.example"


def key_of(secret: bytes) -> ChainKey:
    software.ready()
    from eth_account import Account

    return ChainKey(str(Account.from_key(secret).address), secret)


@dataclass
class Bench:
    """One contract on one node, and a venue's key."""

    node: Running
    chain: Chain
    key: ChainKey

    @property
    def there(self) -> Contract:
        return connect(self.chain)

    def act(self, function: str, *arguments: Any, by: bytes = anvil.OTHER) -> Any:
        there = self.there
        return deploying.act(there, key_of(by), there.call_data(function, *arguments), gas=1_000_000)

    def register(self, origin: str = ORIGIN, key: ChainKey | None = None, *, by: bytes = anvil.ADMIN) -> Any:
        signer = key or self.key
        return self.act("register", origin, signer.address, deploying.consent(self.chain, origin, signer), by=by)

    def signed(self, size: int, root: bytes, *, origin: str = ORIGIN, key: ChainKey | None = None) -> tuple[int, bytes, bytes]:
        return size, root, sign(Statement(origin, size, root), (key or self.key).secret)

    def anchor(self, size: int, root: bytes, proof: tuple[bytes, ...] = (), *, key: ChainKey | None = None) -> Any:
        return self.act("anchor", origin_hash(ORIGIN), self.signed(size, root, key=key), list(proof))

    def read(self, function: str, *arguments: Any) -> Any:
        there = self.there
        return getattr(there._contract.functions, function)(*arguments).call()


def deployed(node: Running, name: str) -> Bench:
    chain = Chain(name, node.url, node.chain_id, NOWHERE)
    found = deploying.deploy(chain, key_of(anvil.RICH), key_of(anvil.ADMIN).address)
    made = replace(chain, contract=found.contract, from_block=found.block)
    return Bench(node, made, key_of(bytes.fromhex("11" * 32)))


@pytest.fixture()
def bench() -> Bench:
    return deployed(anvil.node(31001), "city")


@pytest.fixture()
def second() -> Bench:
    return deployed(anvil.node(31002), "coast")


@pytest.fixture()
def wire(bench: Bench) -> Iterator[Wire]:
    made = Wire(bench.node.url)
    yield made
    made.close()


@pytest.fixture()
def venue(db: None, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Venue:
    from shugu.edges.chain import installed
    from shugu.edges.chain.tests.venue import Venue

    monkeypatch.setattr(installed, "home", lambda: tmp_path)
    return Venue(tmp_path, now)
