"""HTTP from the venue to connectors. An address is a stranger's word: it is checked before anything is sent there."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from shugu.delivery.errors import AddressRefused, ConnectorMismatch, ConnectorRefused, ConnectorUnreachable
from shugu.kernel import runtime

TIMEOUT_S: Final = 10.0
MEASURE_TIMEOUT_S: Final = 600.0
MOST_BYTES: Final = 8 << 20


def check_address(url: str) -> str:
    """The address without its trailing slash. A venue on the internet fetches nothing from its own inner network.
    Errors: AddressRefused, ConnectorUnreachable (the name is unknown)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(url=url, why=("写法有误", "it is malformed")) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or len(url) > 300:
        raise AddressRefused(url=url, why=("应为不带参数的 http 或 https 地址", "a plain http or https address is wanted"))
    if parts.username or parts.password:
        raise AddressRefused(url=url, why=("不得含有用户名或口令", "it must hold no user name or password"))
    if _inner(parts.hostname, port, url) and not _inner(urlsplit(runtime.home().public_url).hostname or "", None, url):
        raise AddressRefused(url=url, why=("指向内部网络", "it leads into an inner network"))
    return url.rstrip("/")


def _inner(host: str, port: int | None, url: str) -> bool:
    try:
        found = {item[4][0] for item in socket.getaddrinfo(host, port or 80, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise ConnectorUnreachable(url=url, why=("域名无法解析", "the name cannot be resolved")) from error
    return any(not ipaddress.ip_address(str(a).partition("%")[0]).is_global for a in found)


def well_known(url: str) -> dict[str, Any]:
    """What the connector says of itself: {id, version, keys, exchange}. Errors: as `fetch`."""
    return _fetch("GET", url, "/.well-known/connector.json", None, TIMEOUT_S)


def health(url: str) -> dict[str, Any]:
    """{ok, id, receipts_waiting}. Errors: as `fetch`."""
    return _fetch("GET", url, "/health", None, TIMEOUT_S)


def post(url: str, path: tuple[str, ...], document: Mapping[str, Any], timeout: float = TIMEOUT_S) -> dict[str, Any]:
    """Bring a signed document to the connector; its answer. Errors: as `fetch`."""
    return _fetch("POST", url, "/" + "/".join(quote(part, safe="") for part in path), document, timeout)


def check_identity(url: str, connector_id: str, vkey: str) -> dict[str, Any]:
    """The connector at the address is the one named, with the key pinned. Errors: ConnectorMismatch and as `fetch`."""
    told = well_known(url)
    if told.get("id") != connector_id:
        raise ConnectorMismatch(why=(f"自称 {told.get('id')}", f"it calls itself {told.get('id')}"))
    keys = told.get("keys")
    if not isinstance(keys, list) or vkey not in keys:
        raise ConnectorMismatch(why=("公钥不在其公布之列", "the key is not among those it publishes"))
    return told


def _fetch(method: str, url: str, path: str, document: Mapping[str, Any] | None, timeout: float) -> dict[str, Any]:
    """Errors: AddressRefused, ConnectorUnreachable (no answer, 5xx, nonsense), ConnectorRefused (4xx)."""
    base = check_address(url)
    try:
        with (
            httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False) as client,
            client.stream(method, base + path, json=document) as answer,
        ):
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    raise ConnectorUnreachable(url=base, why=("回答过大", "its answer is too large"))
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectorUnreachable(url=base, why=("连接不上", type(error).__name__)) from error
    told = _object(content)
    if 400 <= status < 500 and told is not None:
        said = str(told.get("message", status))
        raise ConnectorRefused(why=(said, said), told=str(told.get("code", "")))
    if not 200 <= status < 300 or told is None:
        raise ConnectorUnreachable(url=base, why=(f"回答为 HTTP {status}", f"it answered HTTP {status}"))
    return told


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
