"""HTTP towards other venues: bounded in size and time, no proxy of the environment, no redirect followed."""

from __future__ import annotations

import httpx

from shugu.edges.federation.errors import MessageOutOfOrder, PeerUnreachable
from shugu.edges.federation.models import Peer
from shugu.formats.message import MAX_BYTES

EXPECTED = "Federation-Expected"
_SECONDS = 10.0


def _ask(peer: Peer, method: str, path: str, content: bytes | None, most: int) -> httpx.Response:
    """The answer with its body read, at most `most` bytes. Errors: PeerUnreachable."""
    address = peer.base_url.rstrip("/") + path
    headers = {"Content-Type": "application/json"} if content is not None else {}
    try:
        with (
            httpx.Client(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client,
            client.stream(method, address, content=content, headers=headers) as answer,
        ):
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > most:
                    raise PeerUnreachable(origin=peer.origin, why=("答复过长", "its answer is too long"))
            return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=answer.request)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PeerUnreachable(origin=peer.origin, why=type(error).__name__) from error


def post_message(peer: Peer, content: bytes) -> bytes:
    """The receipt's bytes, not verified yet. Errors: PeerUnreachable, MessageOutOfOrder."""
    answer = _ask(peer, "POST", "/federation/messages", content, MAX_BYTES)
    if answer.status_code == 200:
        return answer.content
    expected = answer.headers.get(EXPECTED, "")
    if answer.status_code == 409 and expected.isascii() and expected.isdigit() and len(expected) < 18:
        raise MessageOutOfOrder(int(expected))
    raise PeerUnreachable(origin=peer.origin, why=f"HTTP {answer.status_code}")


def get(peer: Peer, path: str, most: int = 4 * MAX_BYTES) -> bytes:
    """Errors: PeerUnreachable, also for any status but 200."""
    answer = _ask(peer, "GET", path, None, most)
    if answer.status_code != 200:
        raise PeerUnreachable(origin=peer.origin, why=f"HTTP {answer.status_code}")
    return answer.content
