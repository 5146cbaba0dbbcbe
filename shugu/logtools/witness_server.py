"""`shugu witness serve`: a witness and nothing else, a process small enough to read, without a database.

POST /add-checkpoint                              C2SP tlog-witness; the submission prefix is the address itself
GET  /<sha256 hex of the origin>/checkpoint       the latest checkpoint cosigned
GET  /witness.vkey                                the witness's key
"""

from __future__ import annotations

import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from shugu.formats.witnessing import MAX_BODY, NotByTheLog
from shugu.logtools import following
from shugu.logtools.witness import TEXT, Answer, FolderLedger, add_checkpoint

log = logging.getLogger(__name__)
_SECONDS: Final = 10


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "shugu-witness"
    timeout = _SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self.close_connection = True  # its body is not read
            self._answer(Answer(404, b"not found\n"))
        elif not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            self._answer(Answer(400 if not length.isdecimal() else 413, b"a Content-Length up to 65536 is wanted\n"))
        else:
            body = self.rfile.read(int(length))
            given = add_checkpoint(body, self.server.ledger, self.server.ledger.key, int(time.time()))
            if given.status == NotByTheLog.status:
                self.server.unknown_key.set()
            self._answer(given)

    def do_GET(self) -> None:
        first, _, rest = self.path.removeprefix("/").partition("/")
        note = self.server.ledger.latest(first) if rest == "checkpoint" else None
        if self.path == "/witness.vkey":
            note = f"{self.server.ledger.key.verify_key.vkey()}\n".encode()
        self._answer(Answer(404, b"not found\n") if note is None else Answer(200, note))

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type or TEXT)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        log.info(format, *args)


class Server(ThreadingHTTPServer):
    """Serves one witness; state is shared between threads and processes through the ledger's locks only."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], ledger: FolderLedger) -> None:
        self.ledger, self.unknown_key = ledger, threading.Event()
        super().__init__(address, Handler)

    def follow(self, stop: threading.Event) -> None:
        """Follow the key histories until `stop`: from time to time, and soon after a checkpoint under an unknown key."""
        while not stop.is_set():
            self.unknown_key.clear()
            for origin, why in self.ledger.follow().items():
                if why:
                    log.warning("keys of %s: %s", origin, why)
            stop.wait(following.PAUSE)
            self.unknown_key.wait(following.EVERY - following.PAUSE)
