"""Sends bytes under the meter: reserve (on disk), send, settle; stops when the grant stops."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from . import receipts
from .gate import Pass, block_allowed
from .home import Home
from .meter import BLOCK, Delivery, delivery, reserve, settle

Clock = Callable[[], datetime]
Read = Callable[[int, int], bytes]


def file_reader(path: Path) -> Read:
    """Reads [start, end) of a file."""

    def read(start: int, end: int) -> bytes:
        with path.open("rb", buffering=0) as handle:
            content = os.pread(handle.fileno(), end - start, start)
        if len(content) != end - start:
            raise OSError(f"{path.name} ended early")
        return content

    return read


def bytes_reader(content: bytes) -> Read:
    return lambda start, end: content[start:end]


@dataclass(frozen=True)
class _Block:
    start: int
    end: int
    record: int
    content: bytes


class MeteredResponse:
    """An ASGI response that sends [start, end) block by block.

    Stopping early simply ends the call: the server then cuts the connection, and the client sees fewer bytes than
    announced. Settling a block and reserving the next share one transaction, so there is one sync a block.
    """

    def __init__(
        self, home: Home, clock: Clock, admitted: Pass, going: Delivery, span: tuple[int, int], read: Read,
        status: int, headers: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.home = home
        self.clock = clock
        self.admitted = admitted
        self.going = going
        self.start, self.end = span
        self.read = read
        self.status = status
        length = str(self.end - self.start)
        listed = {**headers, "content-length": length}
        self.headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in listed.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        block = await run_sync(self._next, None, self.start)
        if block is None:
            return
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        while block is not None:
            await send({"type": "http.response.body", "body": block.content, "more_body": True})
            # Asked after each block: a server goes on swallowing bytes for a client that has left.
            if await request.is_disconnected():
                return
            ended = block.end >= self.end
            block = await run_sync(self._next, block, block.end)
            if ended:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _next(self, sent: _Block | None, start: int) -> _Block | None:
        """Settles what was sent, then reserves and reads the next block; None at the end or when not allowed."""
        now = self.clock()
        end = min(start + BLOCK, self.end)
        finished = sent is not None and start >= self.end
        # Read first: a block that cannot be read must not be counted as having left.
        content = b"" if finished else self.read(start, end)
        grant, number = self.going.grant, self.going.number
        with self.home.store.transaction() as database:
            if sent is not None:
                before = delivery(database, grant, number)
                after = settle(database, grant, number, sent.start, sent.end, sent.record, now)
                if after.completed_at is not None and before.completed_at is None:
                    receipts.issue(self.home, database, self.admitted.grant, after, now)
            if finished:
                return None
            current = delivery(database, grant, number)
            if not block_allowed(database, self.admitted, current, start, end, now):
                return None
            record = reserve(database, grant, number, start, end, now)
        return _Block(start, end, record, content)
