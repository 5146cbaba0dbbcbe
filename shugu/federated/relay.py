"""A relayer between two venues of the story that does not have to be honest: it passes on, withholds, alters or plays again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from shugu.federated.houses import House, free_port


@dataclass
class Relay:
    """Stands before a venue. `mode`: pass, withhold (nothing gets through), alter (a byte of every message is changed) or
    replay (questions are answered with what was answered first). `messages`: the bytes it saw; `answered`: first answers."""

    house: House
    mode: str = "pass"
    port: int = field(default_factory=free_port)
    messages: list[bytes] = field(default_factory=list)
    answered: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                relay.answer(self, None)

            def do_POST(self) -> None:
                relay.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the story tells what happens."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()

    def answer(self, asked: Any, content: bytes | None) -> None:
        status, headers, body = self._found(asked.command, asked.path, content)
        asked.send_response(status)
        for name, value in headers.items():
            asked.send_header(name, value)
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)

    def _found(self, method: str, path: str, content: bytes | None) -> tuple[int, dict[str, str], bytes]:
        if content is not None:
            self.messages.append(content)
        if self.mode == "withhold":
            return 503, {}, b""
        if self.mode == "replay" and content is None and path in self.answered:
            status, body = self.answered[path]
            return status, {}, body
        return self._passed(method, path, _altered(content) if self.mode == "alter" and content else content)

    def _passed(self, method: str, path: str, content: bytes | None) -> tuple[int, dict[str, str], bytes]:
        import httpx

        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            found = httpx.request(
                method, self.house.url + path, content=content, headers=headers, timeout=20, trust_env=False
            )
        except httpx.HTTPError:
            return 502, {}, b""
        if content is None:
            self.answered.setdefault(path, (found.status_code, found.content))
        kept = {k: v for k, v in found.headers.items() if k.lower() == "federation-expected"}
        return found.status_code, kept, found.content


def _altered(content: bytes) -> bytes:
    """One digit of the body changed, as somebody would who wants another price."""
    place = content.find(b'"serial":')
    at = next((i for i in range(max(place, 0), len(content)) if content[i : i + 1].isdigit()), len(content) - 1)
    return content[:at] + (b"8" if content[at : at + 1] != b"8" else b"9") + content[at + 1 :]
