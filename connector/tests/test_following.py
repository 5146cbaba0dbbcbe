"""The exchange rotates its keys: the connector follows the published history, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connector import home as homes
from connector.errors import HomeNotReady
from connector.following import HISTORY, Exchange
from connector.tests.world import START, VENUE, Web, World
from shugu.formats.errors import FormatError, VerificationError
from shugu.formats.keyhistory import Kind, Line, Statement, sign_line, write_history
from shugu.formats.suites import SigningKey, generate

FILE = "/data/G1/numbers.parquet"
ROOT = b"\x07" * 32


class Book:
    """A key history as its venue writes it."""

    def __init__(self, keys: list[SigningKey]) -> None:
        self.lines: list[Line] = []
        self.say(Kind.FOUNDED, keys, 0, keys)

    def say(
        self, kind: Kind, keys: list[SigningKey], size: int, signers: list[SigningKey], reason: str = "", root: bytes = b""
    ) -> bytes:
        previous = self.lines[-1].digest if self.lines else ""
        public = tuple(key.verify_key for key in keys)
        said = Statement(len(self.lines), VENUE, kind, public, START, size, previous, reason, root)
        self.lines.append(sign_line(said, signers))
        return self.content()

    def content(self) -> bytes:
        return write_history(VENUE, self.lines)


class Site:
    """The exchange's web site: what it serves under the history's address, and how often it was asked."""

    def __init__(self) -> None:
        self.content, self.asked = b"", 0
        site = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked += 1
                found = self.path == "/.well-known/venue-keys.json" and site.content != b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(site.content) if found else 0))
                self.end_headers()
                self.wfile.write(site.content if found else b"")

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Stage:
    """The connector of `World` pointed at the site; its venue rotates its Ed25519 key."""

    def __init__(self, root: Path, site: Site) -> None:
        self.site = site
        self.world = World(root)
        self.intl, self.sm = self.world.venue
        self.new = generate("intl", VENUE)
        self.book = Book([self.intl, self.sm])
        homes.point_at(self.world.path, site.url)
        self.reopen()

    def reopen(self) -> None:
        self.world.home.store.close()
        self.world.home = homes.load(self.world.path)
        self.web = Web(self.world)

    @property
    def exchange(self) -> Exchange:
        return self.world.home.exchange

    def rotate(self) -> None:
        """Announced and published; from here on documents are signed with the new key."""
        self.site.content = self.book.say(
            Kind.ANNOUNCED, [self.new], 10, [self.intl, self.sm, self.new], reason="rotated"
        )
        self.world.venue = [self.new, self.sm]

    def grant(self, number: str) -> tuple[int, str]:
        answer = self.web.post("/grants", json=self.world.signed(number), headers={"Accept-Language": "en"})
        return answer.status_code, answer.json().get("message", "")


@pytest.fixture()
def site() -> Iterator[Site]:
    served = Site()
    yield served
    served.close()


@pytest.fixture()
def stage(tmp_path: Path, site: Site) -> Iterator[Stage]:
    made = Stage(tmp_path, site)
    yield made
    made.world.home.store.close()


def test_what_a_new_key_signs_is_taken_at_once_and_what_was_taken_before_goes_on(stage: Stage) -> None:
    assert stage.grant("G1") == (201, "") and stage.site.asked == 0
    old_token = stage.world.token(key=stage.intl)
    stage.rotate()
    assert stage.grant("G2") == (201, "") and stage.site.asked == 1
    assert stage.web.head(FILE, headers=stage.world.headers()).status_code == 200
    assert stage.web.head(FILE, headers=stage.world.headers(old_token)).status_code == 200
    stage.exchange.take(stage.book.say(Kind.RETIRED, [stage.intl], 20, [stage.new, stage.sm], root=ROOT))
    assert stage.web.head(FILE, headers=stage.world.headers()).status_code == 200
    assert stage.web.head(FILE, headers=stage.world.headers(old_token)).status_code == 401
    stage.world.venue = [stage.intl, stage.sm]
    assert stage.grant("G3")[0] == 422 and stage.site.asked == 1


def test_a_history_that_cannot_be_fetched_is_said_in_the_refusal(stage: Stage) -> None:
    stage.rotate()
    stage.site.content = b""
    status, message = stage.grant("G1")
    assert status == 503 and stage.new.method in message and f"{stage.site.url}/.well-known/venue-keys.json" in message
    refused = stage.web.get(FILE, headers=stage.world.headers())
    assert refused.status_code == 401 and "venue-keys.json" in refused.json()["message"]
    told = stage.web.get("/health").json()["exchange_keys"]
    assert "HTTP 404" in told["problem"] and told["history_lines"] == 0
    stage.site.content = stage.book.content()
    stage.world.clock.pass_by(seconds=5)
    assert stage.grant("G1")[0] == 201
    assert "problem" not in stage.web.get("/health").json()["exchange_keys"]


def test_strangers_keys_do_not_drive_fetches(stage: Stage) -> None:
    stage.site.content = stage.book.content()
    for _ in range(5):
        forged = stage.world.token(key=generate("intl", VENUE))
        assert stage.web.get(FILE, headers=stage.world.headers(forged)).status_code == 401
    assert stage.site.asked == 1
    other = generate("intl", "elsewhere.example")
    token = stage.world.token(key=other, iss="elsewhere.example")
    stage.world.clock.pass_by(seconds=9)
    assert stage.web.get(FILE, headers=stage.world.headers(token)).status_code == 401 and stage.site.asked == 1


def test_a_forged_shorter_or_other_history_changes_nothing(stage: Stage) -> None:
    founded = stage.book.content()
    stage.rotate()
    assert stage.exchange.take(stage.book.content()) and not stage.exchange.take(stage.book.content())
    kept, keys = (stage.world.path / HISTORY).read_bytes(), stage.exchange.keys
    thief = generate("intl", VENUE)
    forked = Book([stage.intl, stage.sm])
    forked.say(Kind.ANNOUNCED, [thief], 10, [stage.intl, stage.sm, thief], reason="rotated")
    unsigned = Book([stage.intl, stage.sm])
    unsigned.lines = list(stage.book.lines)
    unsigned.say(Kind.RETIRED, [stage.intl], 20, [thief], root=ROOT)
    foreign = Book([thief, generate("sm", VENUE)])
    for forged in (founded, forked.content(), unsigned.content(), foreign.content(), kept[:-1], kept.replace(b"10", b"11")):
        with pytest.raises((FormatError, VerificationError)):
            stage.exchange.take(forged)
        assert (stage.world.path / HISTORY).read_bytes() == kept and stage.exchange.keys == keys
    stage.site.content, stage.world.venue = forked.content(), [thief, stage.sm]
    status, message = stage.grant("G1")
    assert status == 503 and "does not go on from the history accepted before" in message


def test_the_history_is_kept_and_believed_after_a_restart_only_if_it_holds(stage: Stage) -> None:
    stage.rotate()
    assert stage.grant("G1")[0] == 201
    stage.site.content = b""
    stage.reopen()
    assert stage.grant("G2")[0] == 201 and stage.exchange.lines == 2 and stage.site.asked == 1
    file = stage.world.path / HISTORY
    file.write_bytes(file.read_bytes().replace(b'"size":10', b'"size":11'))
    with pytest.raises(HomeNotReady):
        homes.load(stage.world.path)


def test_a_lost_key_counts_for_nothing_new_once_the_connector_knows(stage: Stage) -> None:
    stage.rotate()
    assert stage.grant("G1")[0] == 201
    stage.exchange.take(stage.book.say(Kind.COMPROMISED, [stage.new], 30, [stage.intl, stage.sm], root=ROOT))
    assert stage.grant("G2")[0] == 422
    stage.world.venue = [stage.intl, stage.sm]
    assert stage.grant("G2")[0] == 201
