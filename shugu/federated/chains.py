"""Two chains for the story: real nodes with different chain ids, the contract in each, every venue registered in its own.

The nodes are anvil (from npm, under .tools); without it, or without web3, the story goes on without anchors and says so.
"""

from __future__ import annotations

import importlib.util
import platform
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shugu.edges.chain.config import Chain
    from shugu.federated.houses import House

TOOLS: Final = Path(__file__).resolve().parents[2] / ".tools"
# Which chain each venue anchors in: hangzhou in one, the two others in the second.
HOME_CHAIN: Final[Mapping[str, str]] = {"hangzhou": "east", "shenzhen": "south", "dali": "south"}
IDS: Final[Mapping[str, int]] = {"east": 330_100, "south": 440_300}
# The first account of anvil's published test mnemonic: worth nothing anywhere else.
_ADMIN: Final = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
_BOOT_SECONDS: Final = 20.0
_DEEP: Final = 13  # blocks mined after an anchor: more than a venue's rule of confirmations


def anvil() -> Path | None:
    """The node's program, None where the story has to go without."""
    if importlib.util.find_spec("web3") is None:
        return None
    kind = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
    found = TOOLS / "node_modules" / "@foundry-rs" / f"anvil-{platform.system().lower()}-{kind}" / "bin" / "anvil"
    return found if found.exists() else None


@dataclass
class Chains:
    """The nodes by name; `contracts` are addresses in small letters."""

    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)

    def start(self, program: Path) -> None:
        for name, chain_id in IDS.items():
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            self.urls[name] = f"http://127.0.0.1:{port}"
            self.nodes[name] = subprocess.Popen(
                [str(program), "--silent", "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        for name in IDS:
            self._wait(name)
            self._deploy(name)

    def _wait(self, name: str) -> None:
        import httpx

        deadline = time.monotonic() + _BOOT_SECONDS
        while True:
            try:
                assert self.ask(name, "eth_chainId") == hex(IDS[name]), f"{name} is another chain"
                return
            except httpx.TransportError:
                assert time.monotonic() < deadline, f"the node of {name} did not start"
                time.sleep(0.05)

    def ask(self, name: str, method: str, *params: Any) -> Any:
        import httpx

        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = httpx.post(self.urls[name], json=body, timeout=20, trust_env=False).json()
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, name: str) -> None:
        self.ask(name, "anvil_mine", hex(_DEEP))

    def _chain(self, name: str) -> Chain:
        from shugu.edges.chain.config import Chain

        return Chain(name, self.urls[name], IDS[name], self.contracts.get(name, "0x" + "0" * 40))

    def _deploy(self, name: str) -> None:
        from shugu.edges.chain import deploying
        from shugu.edges.chain.keys import ChainKey

        admin = _account(ChainKey)
        self.contracts[name] = deploying.deploy(self._chain(name), admin, admin.address).contract.lower()

    def equip(self, house: House) -> None:
        """Keys and chain.toml in a venue's home, gas for its payer, and its registration in its own chain. It can read both."""
        from shugu.edges.chain import deploying
        from shugu.edges.chain.contract import connect
        from shugu.edges.chain.keys import ChainKey, make_key

        folder = house.home / "chain"
        folder.mkdir(exist_ok=True)
        (folder / "pass").write_text("a passphrase of the story\n", "utf-8")
        own = make_key(folder / "venue.json", folder / "pass", rounds=2)
        payer = make_key(folder / "payer.json", folder / "pass", rounds=2)
        home = HOME_CHAIN[house.venue]
        self.ask(home, "anvil_setBalance", payer.address, hex(10**18))
        (house.home / "chain.toml").write_text("\n".join(self._toml(name, name == home) for name in IDS), "utf-8")
        chain = self._chain(home)
        there = connect(chain)
        agreed = deploying.consent(chain, house.origin, own)
        deploying.act(there, _account(ChainKey), deploying.register_data(there, house.origin, own.address, agreed))

    def _toml(self, name: str, ours: bool) -> str:
        rows = [
            f'name = "{name}"', f'rpc = "{self.urls[name]}"', f"chain_id = {IDS[name]}",
            f'contract = "{self.contracts[name]}"',
        ]  # fmt: skip
        if ours:
            rows += ['key = "chain/venue.json"', 'passphrase = "chain/pass"', 'payer = "chain/payer.json"',
                     'payer_passphrase = "chain/pass"']  # fmt: skip
        return "\n".join(["[[chain]]", *rows, ""])

    def demanded(self, *houses: House) -> dict[str, Any]:
        """What an agreement says of anchors: by origin, in which chain and contract."""
        return {
            h.origin: {"chain": IDS[HOME_CHAIN[h.venue]], "contract": self.contracts[HOME_CHAIN[h.venue]]} for h in houses
        }

    def anchor(self, house: House) -> int:
        """Rounds of the venue's worker until the newest checkpoint is anchored and final; the anchored size."""
        wanted = int(house.ask("log_size"))
        for _ in range(6):
            reached = int(house.ask("anchor"))
            if reached >= wanted:
                return reached
            self.mine(HOME_CHAIN[house.venue])
        raise AssertionError(f"{house.venue}: size {wanted} was not anchored, only {reached}")

    def end(self) -> None:
        for node in self.nodes.values():
            if node.poll() is None:
                node.terminate()
        for node in self.nodes.values():
            node.wait(10)


def _account(key: type[Any]) -> Any:
    from shugu.edges.chain import software

    software.ready()
    from eth_account import Account

    secret = bytes.fromhex(_ADMIN)
    return key(str(Account.from_key(secret).address), secret)
