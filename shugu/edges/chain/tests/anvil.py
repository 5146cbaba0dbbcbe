"""A real Ethereum node (anvil) for the tests, and a wire in front of it that loses and refuses what a test tells it to.

Nodes are started once a process on free ports of 127.0.0.1 and stopped at its end; each test deploys a contract of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import platform
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[4]
TOOLS = Path(os.environ.get("SHUGU_TOOLS", ROOT / ".tools"))
# Anvil's own accounts, derived from its published test mnemonic; on no other chain are they worth anything.
RICH = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ADMIN = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
OTHER = bytes.fromhex("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a")
_BOOT_SECONDS = 20.0


# One client: making one reads every certificate of the machine.
_CLIENT = httpx.Client(timeout=20, trust_env=False)


def binary() -> Path | None:
    kind = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
    found = TOOLS / "node_modules" / "@foundry-rs" / f"anvil-{platform.system().lower()}-{kind}" / "bin" / "anvil"
    return found if found.exists() else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running(Protocol):
    """A node of a test chain, whoever made it."""

    url: str

    @property
    def chain_id(self) -> int: ...
    def ask(self, method: str, *params: Any) -> Any: ...
    def mine(self, blocks: int = 1) -> None: ...


class Node:
    """One anvil process."""

    def __init__(self, chain_id: int, *more: str) -> None:
        anvil = binary()
        if anvil is None:
            pytest.skip("!! no anvil in .tools (tests/run.sh installs it where npm is): chain tests are SKIPPED")
        self.chain_id, self.port = chain_id, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [str(anvil), "--silent", "--port", str(self.port), "--chain-id", str(chain_id), *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        atexit.register(self.stop)
        deadline = time.monotonic() + _BOOT_SECONDS
        while True:
            try:
                assert self.ask("eth_chainId") == hex(chain_id)
                return
            except httpx.TransportError:
                assert time.monotonic() < deadline, "anvil did not start"
                time.sleep(0.02)

    def ask(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = _CLIENT.post(self.url, json=body).json()
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        self.ask("anvil_mine", hex(blocks))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


@lru_cache(maxsize=2)
def node(chain_id: int) -> Node:
    return Node(chain_id)


class Wire:
    """A server between the product and something real. `rule(method, body)` may answer itself; None passes the call on."""

    def __init__(self, target: str) -> None:
        self.target, self.heard, self.down = target, list[str](), False
        self.rule: Callable[[str, dict[str, Any]], Any] = lambda method, body: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        content = request.rfile.read(int(request.headers["Content-Length"]))
        if self.down:
            request.close_connection = True
            request.connection.close()
            return
        body = json.loads(content)
        method = str(body.get("method", ""))
        self.heard.append(method)
        answer = self.rule(method, body)
        if answer is None and self.target:
            answer = _CLIENT.post(self.target, content=content, headers={"Content-Type": "application/json"}).json()
        elif isinstance(answer, dict) and "error" not in answer and "jsonrpc" not in answer:
            answer = {"jsonrpc": "2.0", "id": body.get("id"), **answer}
        out = json.dumps(answer).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(out)))
        request.end_headers()
        request.wfile.write(out)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
