"""A log in a folder, made with the formats alone: what the programs here are tried on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from shugu.formats import checkpoint as checkpoints
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.cosignature import cosign
from shugu.formats.merkle import consistency_proof, leaf_hash, root_of_hashes
from shugu.formats.note import add_signatures, parse_note
from shugu.formats.suites import SigningKey, keyring_of
from shugu.formats.tiles import WIDTH, encode_bundle, entries_path, grow, hash_reader
from shugu.formats.witnessing import Submission


class SmallLog:
    """Entries by heart, files under `folder`; `publish` signs what is there."""

    def __init__(self, folder: Path, keys: Sequence[SigningKey], entries: Sequence[bytes] = ()) -> None:
        self.folder, self.keys = folder, list(keys)
        self.entries: list[bytes] = []
        self.pinned = keyring_of(self.keys)
        folder.mkdir(parents=True, exist_ok=True)
        if entries:
            self.append(entries)

    def append(self, entries: Sequence[bytes]) -> SmallLog:
        growth = grow(len(self.entries), [leaf_hash(e) for e in entries], self.read)
        base = len(self.entries) // WIDTH * WIDTH
        self.entries += entries
        files = dict(growth.tiles)
        for at in range(base, len(self.entries), WIDTH):
            part = self.entries[at : at + WIDTH]
            files[entries_path(at // WIDTH, len(part))] = encode_bundle(part)
        for path, data in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)
        self.publish()
        return self

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def note(self, size: int | None = None) -> bytes:
        count = len(self.entries) if size is None else size
        root = root_of_hashes([leaf_hash(e) for e in self.entries[:count]])
        return checkpoints.sign(Checkpoint(self.keys[0].name, count, root), self.keys)

    def publish(self, *witnesses: SigningKey, at: int = 1) -> bytes:
        note = self.note()
        note = add_signatures(note, [cosign(parse_note(note).text, w, at) for w in witnesses])
        (self.folder / "checkpoint").write_bytes(note)
        return note

    def submission(self, old: int, size: int | None = None) -> bytes:
        count = len(self.entries) if size is None else size
        read = hash_reader(self.read, len(self.entries))
        proof = consistency_proof(old, count, read) if 0 < old < count else ()
        return Submission(old, proof, self.note(count)).encode()


def numbered(count: int, tag: str = "") -> list[bytes]:
    return [f"{tag}{n}".encode() for n in range(count)]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's requests are its own."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over HTTP as any static file server would; its URL."""
    with running(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))) as url:
        yield url


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
