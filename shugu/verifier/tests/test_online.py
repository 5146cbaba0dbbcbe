"""`--online` against a venue served on this machine: what it says is verified, and silence changes no document."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shugu.formats.merkle import leaf_hash, root_of_hashes
from shugu.formats.sealed import read_sealed
from shugu.formats.tests import golden
from shugu.formats.tiles import grow
from shugu.verifier.asking import NotAsked, base_of
from shugu.verifier.cli import main

STATUS = golden.read_json("status.json")
MADE = golden.maker()
DOCUMENT = bytes(MADE.sealed(next(c for c in STATUS["credentials"] if c["place"] == 2)["credential"]))
REVOKED = bytes(MADE.sealed(next(c for c in STATUS["credentials"] if c["place"] == 0)["credential"]))


class Answer(BaseHTTPRequestHandler):
    """Serves `files`, {path: bytes, or a URL to redirect to}."""

    def __init__(self, files: dict[str, bytes | str], *given: Any) -> None:
        self.files = files
        super().__init__(*given)

    def do_GET(self) -> None:
        found = self.files.get(self.path.partition("?")[0].lstrip("/"))
        self.send_response(404 if found is None else 302 if isinstance(found, str) else 200)
        if isinstance(found, str):
            self.send_header("Location", found)
        self.end_headers()
        if isinstance(found, bytes):
            self.wfile.write(found)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the test's own output."""


ASKED = ("log/checkpoint", ".well-known/venue-keys.json", "status/0-facets.sealed.json", "log/tile/0/003")


def history_of_the_vectors() -> bytes:
    """Founded with both keys of the vectors: nothing has changed since."""
    ed, sm = MADE.keys()
    said = MADE.Statement(0, MADE.ORIGIN, MADE.Kind.FOUNDED, (ed.verify_key, sm.verify_key), MADE.NOW, 0, "", "", b"")
    return bytes(MADE.write_history(MADE.ORIGIN, [MADE.sign_line(said, [ed, sm])]))


def published(document: bytes, more: int = 400, change: int | None = None) -> dict[str, bytes | str]:
    """The venue's files when its log has grown by `more` since the seal; `change` rewrites that leaf of before."""
    fact = read_sealed(document).fact
    leaves = [*MADE.log_of(fact), *(leaf_hash(b"later %d" % n) for n in range(more))]
    if change is not None:
        leaves[change] = leaf_hash(b"rewritten")
    note = MADE.sign(MADE.Checkpoint(MADE.ORIGIN, len(leaves), root_of_hashes(leaves)), MADE.keys())
    tiles = grow(0, leaves, lambda path: b"").tiles
    lists = {f"status/0-{which}.sealed.json": str(v[1]).encode() for which, v in STATUS["lists"].items()}
    files: dict[str, bytes | str] = {f"log/{path}": data for path, data in tiles.items()}
    return {**files, **lists, "log/checkpoint": note, ".well-known/venue-keys.json": history_of_the_vectors()}


class Venue:
    def __init__(self) -> None:
        self.files: dict[str, bytes | str] = published(DOCUMENT)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Answer, self.files))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, files: dict[str, bytes | str]) -> None:
        self.files.clear()
        self.files.update(files)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    served = Venue()
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def ask(
    venue: Venue, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> Any:
    folder = tmp_path_factory.mktemp("document")
    venue.serve(published(DOCUMENT))

    def run(document: bytes = DOCUMENT, *more: str, url: str = venue.url) -> tuple[int, dict[str, Any]]:
        (folder / "x.sealed.json").write_bytes(document)
        key = ["--key", str(golden.VECTORS / "venue.vkey"), "--at", STATUS["at"]]
        code = main([str(folder / "x.sealed.json"), *key, "--online", "--url", url, "--json", "--lang", "en", *more])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {}

    return run


def outcomes(found: dict[str, Any]) -> dict[int, str]:
    return {c["n"]: c["outcome"] for c in found["checks"]}


def test_history_growth_and_status_are_asked_and_verified(ask: Any, venue: Venue) -> None:
    code, found = ask()
    assert code == 0 and (found["verdict"], found["offline_verdict"]) == ("sealed", "sealed")
    assert [n for n in outcomes(found) if n > 11] == [13, 14, 15, 16] and set(outcomes(found).values()) == {"ok"}
    urls = [one["url"].removeprefix(venue.url) for one in found["asked"]]
    assert "/log/checkpoint" in urls and "/.well-known/venue-keys.json" in urls
    assert sum(u.startswith("/status/") for u in urls) == 3 and all("?at=" in u for u in urls if u.startswith("/status/"))
    assert 0 < sum(u.startswith("/log/tile/") for u in urls) <= 8
    assert {one["outcome"] for one in found["asked"]} == {"ok"}


def test_a_revocation_is_learnt_online(ask: Any, venue: Venue) -> None:
    venue.serve(published(REVOKED))
    code, found = ask(REVOKED)
    assert code == 4 and found["offline_verdict"] == "sealed" and outcomes(found)[15] == "failed"


def test_a_rewritten_log_is_told_with_both_roots(ask: Any, venue: Venue) -> None:
    venue.serve(published(DOCUMENT, change=7))
    code, found = ask()
    growth = found["checks"][-1]
    assert code == 1 and growth["n"] == 16 and "rewritten" in growth["detail"] and growth["standing"] is None


@pytest.mark.parametrize("gone", ASKED)
def test_silence_leaves_the_status_unknown_and_says_what_held_offline(ask: Any, venue: Venue, gone: str) -> None:
    files = published(DOCUMENT)
    assert files.pop(gone)
    venue.serve(files)
    code, found = ask()
    assert code == 6 and found["offline_verdict"] == "sealed"
    assert any(one["outcome"] != "ok" and gone in one["url"] for one in found["asked"])


@pytest.mark.parametrize("path", ASKED)
def test_a_changed_answer_is_no_answer(ask: Any, venue: Venue, path: str) -> None:
    data = venue.files[path]
    assert isinstance(data, bytes)
    venue.files[path] = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    code, found = ask()
    assert code == 6 and found["offline_verdict"] == "sealed"


def test_a_smaller_log_than_the_sealed_one_is_old(ask: Any, venue: Venue) -> None:
    leaves = MADE.log_of(read_sealed(DOCUMENT).fact)[:500]
    venue.files["log/checkpoint"] = MADE.sign(MADE.Checkpoint(MADE.ORIGIN, 500, root_of_hashes(leaves)), MADE.keys())
    code, found = ask()
    assert code == 6 and "older than the seal" in found["checks"][-1]["detail"]


def test_a_forged_document_stays_forged_whoever_answers(ask: Any) -> None:
    forged = DOCUMENT.replace(b"1280000", b"1280001")
    code, found = ask(forged)
    assert code == 1 and found["offline_verdict"] == "failed"
    code, _ = ask(b"{}")
    assert code == 1


def test_an_unreachable_venue_changes_nothing_offline(ask: Any) -> None:
    code, found = ask(url="http://127.0.0.1:1")
    assert code == 6 and found["offline_verdict"] == "sealed"
    code, found = ask(golden.read("voucher.sealed.json"), url="http://127.0.0.1:1")
    assert code == 6
    code, found = ask(DOCUMENT.replace(b"1280000", b"1280001"), url="http://127.0.0.1:1")
    assert code == 1


def test_a_redirect_to_another_host_is_not_followed(ask: Any, venue: Venue) -> None:
    other = venue.url.replace("127.0.0.1", "localhost")
    venue.serve({**published(DOCUMENT), "log/checkpoint": f"{other}/elsewhere", "elsewhere": venue.files["log/checkpoint"]})
    code, found = ask()
    assert code == 6 and "302" in next(o["outcome"] for o in found["asked"] if o["url"].endswith("/log/checkpoint"))
    venue.files["log/checkpoint"] = f"{venue.url}/elsewhere"
    assert ask()[0] == 0


def test_an_answer_too_large_is_not_read(ask: Any, venue: Venue) -> None:
    venue.files["log/checkpoint"] = b"x" * 70_000
    code, found = ask()
    assert code == 6 and "too large" in found["checks"][-1]["detail"]


@pytest.mark.parametrize("url", ["http://venue.example", "ftp://venue.example", "file:///etc", "https://", "https://a:b@c", "x"])
def test_only_https_or_this_machine_is_asked(url: str) -> None:
    with pytest.raises(NotAsked):
        base_of(url)


def test_good_addresses() -> None:
    assert base_of("https://venue.example/path/") == "https://venue.example/path"
    assert base_of("http://[::1]:8000/") == "http://[::1]:8000"


def test_a_document_that_names_no_address_needs_one(capsys: pytest.CaptureFixture[str]) -> None:
    key = ["--key", str(golden.VECTORS / "venue.vkey"), "--at", golden.AT]
    assert main([str(golden.VECTORS / "voucher.sealed.json"), *key, "--online", "--lang", "en"]) == 6
    text = capsys.readouterr().out
    assert "give one with --url" in text and "Offline verdict: sealed and valid" in text
