"""A venue under test: its log, its home's chain.toml and keys, and rounds of the worker's part."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from shugu.edges.chain import command_line, deploying, services, software
from shugu.edges.chain.models import Anchor, ChainState
from shugu.edges.chain.services import Reached, nothing
from shugu.edges.chain.tests import anvil
from shugu.edges.chain.tests.conftest import Bench, key_of
from shugu.evidence import services as evidence
from shugu.evidence.queries import Head, head
from shugu.kernel import journal, signer
from shugu.kernel.cases import Actor, ActorKind

ALICE = Actor(ActorKind.PERSON, person=1, org=10)
PASSPHRASE = "a passphrase of the tests"
PAYER = bytes.fromhex("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6")


@lru_cache(maxsize=8)
def keystore(secret: bytes) -> str:
    """As eth-account writes it, with few rounds: what the rounds are worth is not under test."""
    import json

    software.ready()
    from eth_account import Account

    return json.dumps(Account.encrypt(secret, PASSPHRASE, kdf="scrypt", iterations=2))


@dataclass
class Venue:
    home: Path
    now: datetime
    benches: list[Bench] = field(default_factory=list)

    def install(self, *benches: Bench, rpc: str = "", relayers: list[str] | None = None, payer: bool = True, **more: Any) -> None:
        """chain.toml with these chains; the venue is registered in each that does not know it."""
        self.benches = list(benches)
        folder = self.home / "chain"
        folder.mkdir(exist_ok=True)
        (folder / "pass").write_text(PASSPHRASE + "\n", "utf-8")
        (folder / "venue.json").write_text(keystore(benches[0].key.secret), "utf-8")
        (folder / "payer.json").write_text(keystore(PAYER), "utf-8")
        blocks = []
        for bench in benches:
            rows: dict[str, Any] = {
                "name": bench.chain.name, "rpc": rpc or bench.chain.rpc, "chain_id": bench.chain.chain_id,
                "contract": bench.chain.contract, "from_block": bench.chain.from_block, "key": "chain/venue.json",
                "passphrase": "chain/pass", "relayers": relayers or [], **more,
            }  # fmt: skip
            if payer:
                rows |= {"payer": "chain/payer.json", "payer_passphrase": "chain/pass"}
            blocks.append("[[chain]]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in rows.items()))
            if bench.there.venue(signer.origin()) is None:
                bench.register(signer.origin())
        (self.home / "chain.toml").write_text("\n".join(blocks), "utf-8")

    def facts(self, count: int = 3) -> Head:
        """Facts, in the log."""
        for n in range(count):
            journal.record("thing.done", subject=f"kernel_test.thing:{n}", actor=ALICE, now=self.now, data={"n": n})
        evidence.sequence_once(self.now)
        found = head()
        assert found is not None
        return found

    def pass_time(self, **length: float) -> None:
        self.now += timedelta(**length)

    def round(self, reached: Reached = nothing) -> int:
        return services.work(self.now, reached)

    def alarm(self) -> str:
        return ChainState.objects.get(chain=self.benches[0].chain.name).alarm

    def anchor(self) -> Anchor:
        return Anchor.objects.order_by("-pk")[0]

    def confirmed(self, mine: int = 20) -> Anchor:
        """Rounds and blocks until the present anchor is final."""
        for _ in range(4):
            self.round()
            for bench in self.benches:
                bench.node.mine(mine)
        self.round()
        found = self.anchor()
        assert found.status == "confirmed", (found.status, found.why, self.alarm())
        return found


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def shugu(*words: str) -> int:
    """`shugu chain …` with these words."""
    parser = argparse.ArgumentParser()
    command_line.add_to(parser.add_subparsers())
    return command_line.run(parser.parse_args(["chain", *words]))


def killed_at(step: str) -> Callable[[str], None]:
    """Stops a round at a step, as a kill would."""

    def reached(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    return reached


def pays(bench: Bench) -> int:
    """How many transactions the venue's own account has in the chain."""
    return bench.there.nonce(key_of(PAYER).address)


def by_relayer(bench: Bench) -> Callable[[str, dict[str, Any]], Any]:
    """An honest relayer: it brings what it is given to the contract, with its own money."""

    def rule(method: str, body: dict[str, Any]) -> Any:
        there = bench.there
        tree = (body["size"], bytes.fromhex(body["root"]), bytes.fromhex(body["signature"]))
        from shugu.edges.chain.statement import origin_hash

        data = there.call_data("anchor", origin_hash(body["origin"]), tree, [bytes.fromhex(h) for h in body["proof"]])
        deploying.act(there, key_of(anvil.OTHER), data)
        return {"result": "taken"}

    return rule
