"""HTTP from the venue to connectors. An address is a stranger's word: it is checked before anything is sent there.

A name is looked up once; what was found is checked, and the very address checked is the one connected to, under the
name's own Host and TLS server name. A second look-up, which a stranger's name server could answer with an inner address
(DNS rebinding), never happens; a redirect is not followed.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from shugu.delivery.errors import AddressRefused, ConnectorMismatch, ConnectorRefused, ConnectorUnreachable
from shugu.kernel import clock, runtime

TIMEOUT_S: Final = 10.0
MEASURE_TIMEOUT_S: Final = 600.0
# An answer that drips is cut off: no stranger holds a worker longer than this beyond the wait for its first byte.
READ_S: Final = 30.0
MOST_BYTES: Final = 8 << 20
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# IETF protocol assignments (RFC 6890): Python calls some of them global; some clouds keep their secrets there.
_ASSIGNED: Final = ipaddress.ip_network("192.0.0.0/24")
MOST_IPS: Final = 4


@dataclass(frozen=True)
class Target:
    """An address looked up and checked: `base` as given without its trailing slash, `host` in ASCII, `ips` to call."""

    base: str
    scheme: str
    host: str
    port: int
    path: str
    ips: tuple[str, ...]

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _default_port(self.scheme) else f"{name}:{self.port}"

    def url_at(self, ip: str, path: str) -> str:
        shown = f"[{ip}]" if ":" in ip else ip
        return f"{self.scheme}://{shown}:{self.port}{self.path}{path}"


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def check_address(url: str) -> str:
    """The address without its trailing slash, in use or refused as `target`."""
    return target(url).base


def target(url: str) -> Target:
    """Look the address up and check every answer: outside demonstrations a venue calls nothing in its own inner network
    but what home.toml names (connector_networks). Errors: AddressRefused, ConnectorUnreachable (the name is unknown)."""
    try:
        parts = httpx.URL(url)
        urlsplit(url)  # the stricter about brackets
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(url=url, why=("写法有误", "it is malformed")) from error
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment or len(url) > 300:
        raise AddressRefused(url=url, why=("应为不带参数的 http 或 https 地址", "a plain http or https address is wanted"))
    if "?" in url or "#" in url or parts.userinfo:
        raise AddressRefused(url=url, why=("不得含有用户名、口令或参数", "it must hold no user name, password or parameters"))
    host, port = parts.raw_host.decode("ascii"), parts.port or _default_port(parts.scheme)
    try:
        ips = addresses_of(host, port)
    except (OSError, UnicodeError) as error:
        raise ConnectorUnreachable(url=url, why=("域名无法解析", "the name cannot be resolved")) from error
    if not ips or not all(allowed(ip) for ip in ips):
        raise AddressRefused(url=url, why=("指向内部网络", "it leads into an inner network"))
    return Target(url.rstrip("/"), parts.scheme, host, port, parts.raw_path.decode("ascii").rstrip("/"), ips[:MOST_IPS])


def addresses_of(host: str, port: int) -> tuple[str, ...]:
    """Every address of a name, in the order of the system's preference. Errors: OSError, UnicodeError."""
    found = [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    return tuple(dict.fromkeys(found))


def allowed(ip: str) -> bool:
    """Whether the venue may call this address: one of the open internet, or in a network the home names. An IPv4 address
    inside an IPv6 one counts as itself; link-local, multicast and unspecified addresses are never called."""
    if "%" in ip:
        return False
    address = _inside(ipaddress.ip_address(ip))
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    if address.is_global and address not in _ASSIGNED:
        return True
    return any(address in ipaddress.ip_network(n) for n in runtime.home().connector_networks())


def _inside(address: _IP) -> _IP:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def well_known(url: str) -> dict[str, Any]:
    """What the connector says of itself: {id, version, keys, exchange}. Errors: as `fetch`."""
    return _fetch("GET", url, "/.well-known/connector.json", None, TIMEOUT_S)


def health(url: str) -> dict[str, Any]:
    """{ok, id, receipts_waiting}. Errors: as `fetch`."""
    return _fetch("GET", url, "/health", None, TIMEOUT_S)


def post(url: str, path: tuple[str, ...], document: Mapping[str, Any], timeout: float = TIMEOUT_S) -> dict[str, Any]:
    """Bring a signed document to the connector; its answer. Errors: as `fetch`."""
    return _fetch("POST", url, "/" + "/".join(quote(part, safe="") for part in path), document, timeout)


def check_identity(url: str, connector_id: str, vkeys: Sequence[str]) -> dict[str, Any]:
    """The connector at the address is the one named, with every key pinned. Errors: ConnectorMismatch and as `fetch`."""
    told = well_known(url)
    if told.get("id") != connector_id:
        raise ConnectorMismatch(why=(f"自称 {told.get('id')}", f"it calls itself {told.get('id')}"))
    keys = told.get("keys")
    if not isinstance(keys, list) or not all(vkey in keys for vkey in vkeys):
        raise ConnectorMismatch(why=("公钥不在其公布之列", "the key is not among those it publishes"))
    return told


def _fetch(method: str, url: str, path: str, document: Mapping[str, Any] | None, timeout: float) -> dict[str, Any]:
    """Errors: AddressRefused, ConnectorUnreachable (no answer, 5xx, nonsense), ConnectorRefused (4xx), ConnectorMismatch
    (a redirect)."""
    called = target(url)
    status, content = _call(method, called, path, document, timeout)
    told = _object(content)
    if 300 <= status < 400:
        raise ConnectorMismatch(why=("要求转到别的地址", "it redirects to another address"))
    if 400 <= status < 500 and told is not None:
        said = str(told.get("message", status))
        raise ConnectorRefused(why=(said, said), told=str(told.get("code", "")))
    if not 200 <= status < 300 or told is None:
        said = f"（{told['message']}）" if told is not None and "message" in told else ""
        raise ConnectorUnreachable(url=called.base, why=(f"回答为 HTTP {status}{said}", f"it answered HTTP {status}{said}"))
    return told


def tls() -> ssl.SSLContext:
    """Certificates are checked against the name that was given, never against the address called."""
    return httpx.create_ssl_context(trust_env=False)


def _call(method: str, called: Target, path: str, document: Mapping[str, Any] | None, timeout: float) -> tuple[int, bytes]:
    """(status, content) from the first of the checked addresses that takes the connection. Errors: ConnectorUnreachable."""
    headers, extensions = {"Host": called.host_header}, {"sni_hostname": called.host}
    with httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False, verify=tls()) as client:
        for ip in called.ips:
            try:
                with client.stream(
                    method, called.url_at(ip, path), json=document, headers=headers, extensions=extensions
                ) as answer:
                    return answer.status_code, _read(answer, called)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed: Exception = error
            except httpx.HTTPError as error:
                raise _unreachable(called, error) from error
    raise _unreachable(called, failed) from failed


def _unreachable(called: Target, error: Exception) -> ConnectorUnreachable:
    return ConnectorUnreachable(url=called.base, why=("连接不上", type(error).__name__))


def _read(answer: httpx.Response, called: Target) -> bytes:
    content, until = b"", clock.monotonic() + READ_S
    for part in answer.iter_bytes():
        content += part
        if len(content) > MOST_BYTES:
            raise ConnectorUnreachable(url=called.base, why=("回答过大", "its answer is too large"))
        if clock.monotonic() > until:
            raise ConnectorUnreachable(url=called.base, why=("回答过慢", "its answer is too slow"))
    return content


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
