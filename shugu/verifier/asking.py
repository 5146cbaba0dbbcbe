"""Asking a venue over HTTP: https, or plain http on this machine alone; one host; short, small, and written down.

What comes back is only bytes: whoever asks verifies them. Every question and how it went is kept for the report.
"""

from __future__ import annotations

import ipaddress
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import urlsplit

from shugu.formats.errors import ShuguError

SECONDS: Final = 10.0
_AGENT: Final = "shugu-verify"


class NotAsked(ShuguError):
    """The venue could not be asked, or did not answer as it must."""

    code = "verify.not-asked"
    status = 502
    sentence = ("未能从 {url} 取得：{reason}。", "Nothing could be had from {url}: {reason}.")
    remedy = (
        "请检查网络与网址后重试；离线结论不受影响。",
        "Check network and address and try again; the offline verdict stands.",
    )


@dataclass(frozen=True)
class Asked:
    """One question: to which URL, and `ok` or why not; `size` in bytes of what came back."""

    url: str
    outcome: str
    size: int = 0

    def as_dict(self) -> dict[str, object]:
        return {"url": self.url, "outcome": self.outcome, "bytes": self.size}


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows within one scheme, host and port; a redirect elsewhere is an error of the answer."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def base_of(url: str) -> str:
    """A venue's base URL without its last slash. Raises NotAsked for a scheme or host that is not asked."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotAsked(url=url, reason=("网址写法有误", "a malformed address")) from error
    named = parts.username is None and parts.password is None and not parts.query and not parts.fragment and port != 0
    if not host or not named:
        raise NotAsked(url=url, reason=("网址写法有误", "a malformed address"))
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise NotAsked(url=url, reason=("只用 https（本机除外）", "only https is asked, except on this machine"))
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Asker:
    """Asks below one base URL. `said` is every question so far."""

    def __init__(self, base: str) -> None:
        self.base = base_of(base)
        self.said: list[Asked] = []
        # No proxy from the environment for this machine's own addresses; otherwise as the system is set.
        self._open = urllib.request.build_opener(_SameHost()).open

    def get(self, path: str, most: int) -> bytes:
        """The bytes at `<base>/<path>`, at most `most` of them. Raises NotAsked."""
        url = f"{self.base}/{path}"
        try:
            data = self._read(url, most)
        except NotAsked as error:
            self.said.append(Asked(url, error.message("en")))
            raise
        self.said.append(Asked(url, "ok", len(data)))
        return data

    def _read(self, url: str, most: int) -> bytes:
        asked = urllib.request.Request(url, headers={"User-Agent": _AGENT})  # noqa: S310 -- `base_of` let it through
        try:
            with self._open(asked, timeout=SECONDS) as answer:
                data: bytes = answer.read(most + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise NotAsked(url=url, reason=f"HTTP {error.code}") from error
        except (OSError, ValueError) as error:  # urllib.error.URLError and http.client's are among them
            raise NotAsked(url=url, reason=str(error)) from error
        if len(data) > most:
            raise NotAsked(url=url, reason=("答复过大", "the answer is too large"))
        return data
