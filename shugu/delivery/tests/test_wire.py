"""What the venue sends to an address a stranger gave, against servers that really listen."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shugu.delivery import wire
from shugu.delivery.errors import AddressRefused, ConnectorMismatch, ConnectorUnreachable
from shugu.kernel import clock, runtime
from shugu.kernel.home import ConfigInvalid, Home, HomeConfig

NAME = "plane.invalid"  # RFC 6761: no name server knows it


@dataclass
class Server:
    """A small connector that remembers who it was called as. `answers`: (status, headers, body)."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b'{"id": "x", "keys": []}')
    hosts: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    port: int = 0


@contextlib.contextmanager
def serving(server: Server, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.hosts.append(self.headers["Host"])
            status, headers, body = server.answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        context.sni_callback = lambda _socket, name, _context: server.names.append(name)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    server.port = listening.server_address[1]
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()


class Names:
    """A name server of a stranger's: each question takes the next answer, the last one stays."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture()
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a real venue outside tests: no inner network is named."""
    monkeypatch.delenv("PYTEST_VERSION")


def test_the_name_is_looked_up_once_and_the_checked_address_is_called_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(("127.0.0.1",), ("127.0.0.99",))
    monkeypatch.setattr(wire, "addresses_of", names)
    with serving(Server()) as server:
        assert wire.well_known(f"http://{NAME}:{server.port}")["id"] == "x"
    assert names.asked == 1 and server.hosts == [f"{NAME}:{server.port}"]


def test_a_name_that_turns_to_an_inner_address_after_registration_is_not_called(
    monkeypatch: pytest.MonkeyPatch, strict: None
) -> None:
    names = Names(("93.184.216.34",), ("127.0.0.1",))
    monkeypatch.setattr(wire, "addresses_of", names)
    with serving(Server()) as server:
        url = f"http://{NAME}:{server.port}"
        assert wire.check_address(url) == url
        with pytest.raises(AddressRefused):
            wire.well_known(url)
    assert server.hosts == []


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch, strict: None) -> None:
    monkeypatch.setattr(wire, "addresses_of", Names(("93.184.216.34", "10.0.0.5")))
    with pytest.raises(AddressRefused):
        wire.check_address(f"https://{NAME}")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "192.0.0.8", "198.18.0.1",
    ],
)  # fmt: skip
def test_a_real_venue_calls_no_inner_address(address: str, strict: None) -> None:
    assert not wire.allowed(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_a_real_venue_calls_addresses_of_the_open_internet(address: str, strict: None) -> None:
    assert wire.allowed(address)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://2130706433", "http://0x7f.1", "http://[::1]:80", "http://localhost"])
def test_an_inner_address_in_any_spelling_is_refused(url: str, strict: None) -> None:
    with pytest.raises((AddressRefused, ConnectorUnreachable)):
        wire.well_known(url)


def _home(path: Path, **config: object) -> Home:
    found = Home(path, 1)
    found.write_config(HomeConfig(**config))  # type: ignore[arg-type]
    return found


def test_a_home_names_the_inner_networks_its_connectors_stand_in(
    monkeypatch: pytest.MonkeyPatch, strict: None, tmp_path: Path
) -> None:
    home = _home(tmp_path, connector_networks=("10.20.0.0/16",))
    monkeypatch.setattr(runtime, "home", lambda: home)
    assert wire.allowed("10.20.3.4") and not wire.allowed("10.21.0.1") and not wire.allowed("127.0.0.1")


def test_a_demonstration_calls_its_own_machine_and_network_but_no_link_local_address(
    monkeypatch: pytest.MonkeyPatch, strict: None, tmp_path: Path
) -> None:
    home = _home(tmp_path, mode="demo")
    monkeypatch.setattr(runtime, "home", lambda: home)
    assert wire.allowed("127.0.0.1") and wire.allowed("192.168.1.9")
    assert not wire.allowed("169.254.169.254") and not wire.allowed("0.0.0.0")


def test_a_network_that_is_none_is_told_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "home.toml").write_text('connector_networks = ["10.0.0.1/8"]\n', "utf-8")
    with pytest.raises(ConfigInvalid):
        assert Home(tmp_path, 1).config


def test_a_redirect_is_refused_and_not_followed() -> None:
    with serving(Server()) as inner, serving(Server()) as server:
        server.answer = (302, {"Location": f"http://127.0.0.1:{inner.port}/"}, b"{}")
        with pytest.raises(ConnectorMismatch):
            wire.well_known(f"http://127.0.0.1:{server.port}")
    assert len(server.hosts) == 1 and inner.hosts == []


def test_the_next_address_is_tried_when_one_takes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "addresses_of", Names(("127.0.0.2", "127.0.0.1")))
    with serving(Server()) as server:
        assert wire.well_known(f"http://{NAME}:{server.port}")["id"] == "x"


def test_an_answer_that_is_no_object_or_too_large_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 1000)
    for body in (b"[]", b"<html>", json.dumps({"a": "x" * 2000}).encode()):
        with serving(Server((200, {}, body))) as server, pytest.raises(ConnectorUnreachable):
            wire.well_known(f"http://127.0.0.1:{server.port}")


def test_an_answer_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "READ_S", -1.0)
    with serving(Server()) as server, pytest.raises(ConnectorUnreachable):
        wire.well_known(f"http://127.0.0.1:{server.port}")


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """(certificate, key) for `name`, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.wall()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


def test_tls_asks_for_the_name_and_checks_the_certificate_against_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path, NAME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setattr(wire, "addresses_of", Names(("127.0.0.1",)))
    with serving(Server(), context) as server:
        with pytest.raises(ConnectorUnreachable):
            wire.well_known(f"https://{NAME}:{server.port}")
        monkeypatch.setattr(wire, "tls", lambda: ssl.create_default_context(cafile=str(certificate)))
        assert wire.well_known(f"https://{NAME}:{server.port}")["id"] == "x"
        with pytest.raises(ConnectorUnreachable):
            wire.well_known(f"https://other.invalid:{server.port}")
    assert server.names == [NAME, NAME, "other.invalid"] and server.hosts == [f"{NAME}:{server.port}"]
