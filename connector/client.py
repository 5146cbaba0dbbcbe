"""The buyer's side: pulls a granted file, resumes where it stopped, checks the digest, acknowledges."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from .errors import ConnectorError

CHUNK = 1 << 18


class PullFailed(ConnectorError):
    """The connector refused, or the file did not arrive whole; `answer` holds the connector's own error."""

    code = "pull-failed"
    status = 502
    sentence = ("拉取未能完成：{detail}", "The pull could not be finished: {detail}")
    remedy = ("请稍后再次拉取，已收到的部分会续传。", "Pull again later; what has arrived is kept.")

    def __init__(self, detail: str, http_status: int = 0, answer: Mapping[str, Any] | None = None) -> None:
        self.http_status = http_status
        self.answer = dict(answer or {})
        super().__init__(detail=detail)


@dataclass(frozen=True)
class Pulled:
    """`receipt` is the delivery receipt signed by the connector."""

    path: Path
    sha256: str
    size: int
    receipt: dict[str, Any]


def pull(
    url: str,
    token: str,
    dest: Path,
    *,
    purpose: str | None = None,
    attempts: int = 5,
    pause: float = 0.5,
    progress: Callable[[int, int], None] | None = None,
) -> Pulled:
    """Pulls `<connector>/data/<grant>/<file>` into `dest`, through `<dest>.part`, which a later call resumes.

    Network failures are tried again `attempts` times; a refusal is not. Raises PullFailed.
    """
    part = dest.with_name(dest.name + ".part")
    headers = {"Authorization": f"Bearer {token}"} | ({"Purpose": quote(purpose)} if purpose else {})
    with httpx.Client(headers=headers, timeout=30, trust_env=False) as client:
        for left in range(attempts, 0, -1):
            try:
                size, digest = _fetch(client, url, part, progress)
                break
            except httpx.TransportError as error:
                if left == 1:
                    raise PullFailed(str(error) or type(error).__name__) from error
                time.sleep(pause)
        if _digest(part) != digest:
            part.unlink()
            raise PullFailed("the digest of what arrived is not the one announced")
        os.replace(part, dest)
        answer = client.post(f"{url}/acknowledgement", json={"sha256": digest})
        if answer.status_code != 200:
            raise _failed(answer)
    return Pulled(dest, digest, size, answer.json())


def _fetch(client: httpx.Client, url: str, part: Path, progress: Callable[[int, int], None] | None) -> tuple[int, str]:
    """Brings `part` to its full length; (size, digest announced)."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == 416 and answer.headers.get("content-range") == f"bytes */{have}":
            # Everything had arrived before; a HEAD tells the digest.
            head = client.head(url)
            return have, head.headers["etag"].strip('"')
        if answer.status_code not in (200, 206):
            answer.read()
            raise _failed(answer)
        if answer.status_code == 200:
            have = 0
        size = have + int(answer.headers["content-length"])
        with part.open("r+b" if have else "wb") as handle:
            handle.seek(have)
            for chunk in answer.iter_bytes(CHUNK):
                handle.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, size)
        return size, answer.headers["etag"].strip('"')


def _failed(answer: httpx.Response) -> PullFailed:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    detail = f"HTTP {answer.status_code} {body.get('code', '')} {body.get('message', '')}".strip()
    return PullFailed(detail, answer.status_code, body)


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
