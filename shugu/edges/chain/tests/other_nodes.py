"""Other Ethereum clients than anvil, each as its makers ship it: Ganache and Hardhat from npm, go-ethereum built by Go.

Nothing of the product knows them. They are fetched into the tools folder on first use (`make campaign`); what cannot be had
is skipped, and says so.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from shugu.edges.chain.tests import anvil

GETH = "github.com/ethereum/go-ethereum/cmd/geth@v1.14.12"
PACKAGES = {"ganache": "ganache@7.9.2", "hardhat": "hardhat@2.26.3"}
MNEMONIC = "test test test test test test test test test test test junk"
_CLIENT = httpx.Client(timeout=30, trust_env=False)
_BOOT_SECONDS = 90.0
_SPARE = 10**20


def package(name: str) -> Path:
    """The program of an npm package, installed beside anvil in a folder of its own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"NOT TESTED: {name} as a chain (there is no node or npm on this machine)")
    folder = anvil.TOOLS / "nodes" / name
    program = folder / "node_modules" / ".bin" / name
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n', "utf-8")
        command = [npm, "install", "--prefix", str(folder), "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        run = subprocess.run([*command, PACKAGES[name]], capture_output=True, text=True, timeout=600, check=False)
        if run.returncode:
            pytest.skip(f"NOT TESTED: {name} as a chain (npm cannot fetch it: {run.stderr[-200:]})")
    return program


def built() -> Path:
    """go-ethereum, built from its module. SHUGU_GETH names one that is there already."""
    if found := os.environ.get("SHUGU_GETH") or shutil.which("geth"):
        return Path(found)
    folder = (anvil.TOOLS / "nodes" / "geth").resolve()
    program = folder / "geth"
    if not program.exists():
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        if go is None:
            pytest.skip("NOT TESTED: go-ethereum as a chain (there is no go on this machine)")
        environment = {**os.environ, "GOBIN": str(folder), "GOFLAGS": ""}
        run = subprocess.run([go, "install", GETH], env=environment, capture_output=True, text=True, timeout=1800, check=False)
        if run.returncode:
            pytest.skip(f"NOT TESTED: go-ethereum as a chain (it cannot be built: {run.stderr[-200:]})")
    return program


class Client:
    """One node process on a free port of 127.0.0.1, with anvil's three accounts funded."""

    number: ClassVar[int]

    @property
    def chain_id(self) -> int:
        return self.number

    def __init__(self, folder: Path) -> None:
        self.port = anvil.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with (folder / "node.log").open("wb") as log:
            self.process = subprocess.Popen(self.command(folder), cwd=self.home(folder), stdout=log, stderr=log)
        atexit.register(self.stop)
        deadline = time.monotonic() + _BOOT_SECONDS
        while True:
            try:
                assert self.ask("eth_chainId") == hex(self.chain_id)
                return self.ready()
            except (httpx.TransportError, httpx.HTTPStatusError):
                told = (folder / "node.log").read_text("utf-8")[-900:]
                assert self.process.poll() is None and time.monotonic() < deadline, told
                time.sleep(0.1)

    def command(self, folder: Path) -> list[str]:
        raise NotImplementedError

    def home(self, folder: Path) -> Path:
        return folder

    def ready(self) -> None:
        """What is done once it answers."""

    def ask(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = _CLIENT.post(self.url, json=body).json()
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        raise NotImplementedError

    def mark(self) -> Any:
        return self.ask("evm_snapshot")

    def back(self, mark: Any) -> None:
        """The chain as it was at the mark: what came after is gone."""
        assert self.ask("evm_revert", mark) is True

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


class Ganache(Client):
    """Before base fees: the hard fork that the contract is compiled for."""

    number = 31011

    def command(self, folder: Path) -> list[str]:
        return [
            "node", str(package("ganache")), "--server.host", "127.0.0.1", "--server.port", str(self.port), "--chain.chainId",
            str(self.chain_id), "--chain.hardfork", "istanbul", "--wallet.mnemonic", MNEMONIC, "--logging.quiet",
        ]  # fmt: skip

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.ask("evm_mine")


class Hardhat(Client):
    number = 31012

    def home(self, folder: Path) -> Path:
        return anvil.TOOLS / "nodes" / "hardhat"  # it runs nowhere but where it is installed

    def command(self, folder: Path) -> list[str]:
        program = package("hardhat")
        config = self.home(folder) / f"chain-{self.chain_id}.config.js"
        config.write_text(f"module.exports = {{networks: {{hardhat: {{chainId: {self.chain_id}}}}}}};\n", "utf-8")
        return [
            "node", str(program), "--config", str(config), "node", "--hostname", "127.0.0.1", "--port", str(self.port)
        ]  # fmt: skip

    def mine(self, blocks: int = 1) -> None:
        self.ask("hardhat_mine", hex(blocks))


class Geth(Client):
    """Its developer's mode: a block a transaction, by the same engine that follows Ethereum."""

    number = 1337

    def command(self, folder: Path) -> list[str]:
        return [
            str(built()), "--dev", "--datadir", str(folder / "chain"), "--http", "--http.addr", "127.0.0.1", "--http.port",
            str(self.port), "--http.api", "eth,debug,net,web3", "--ipcdisable", "--nodiscover", "--maxpeers", "0", "--port", "0",
            "--authrpc.port", str(anvil.free_port()), "--verbosity", "2",
        ]  # fmt: skip

    def ready(self) -> None:
        from shugu.edges.chain.tests.conftest import key_of
        from shugu.edges.chain.tests.venue import PAYER

        self.rich = self.ask("eth_accounts")[0]
        for secret in (anvil.RICH, anvil.ADMIN, anvil.OTHER, PAYER):
            self._pay(key_of(secret).address, _SPARE)

    def _pay(self, to: str, value: int) -> None:
        sent = self.ask("eth_sendTransaction", {"from": self.rich, "to": to, "value": hex(value)})
        deadline = time.monotonic() + 20
        while self.ask("eth_getTransactionReceipt", sent) is None:
            assert time.monotonic() < deadline, "geth did not mine"
            time.sleep(0.01)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self._pay(self.rich, 0)

    def mark(self) -> Any:
        return self.ask("eth_blockNumber")

    def back(self, mark: Any) -> None:
        self.ask("debug_setHead", mark)


CLIENTS: dict[str, type[Client]] = {"ganache": Ganache, "hardhat": Hardhat, "geth": Geth}


@lru_cache(maxsize=4)
def client(name: str, folder: Path) -> Client:
    return CLIENTS[name](folder)
