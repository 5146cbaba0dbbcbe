"""What a venue far away publishes: its log with checkpoint and tiles, its key history, its status lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shugu.edges.federation.errors import PeerUnreachable
from shugu.edges.federation.models import Peer
from shugu.formats.canonical import canonical
from shugu.formats.checkpoint import Checkpoint, sign
from shugu.formats.cosignature import cosign
from shugu.formats.credential import Document, credential_digest, sign_credential
from shugu.formats.keyhistory import Kind, Line, Statement, replay, sign_line, write_history
from shugu.formats.leaf import Fact, entry_for
from shugu.formats.merkle import inclusion_proof, leaf_hash, root_of_hashes
from shugu.formats.note import parse_note
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import seal
from shugu.formats.status import LISTS, Flag, bitstring, list_url
from shugu.formats.status_list import list_body
from shugu.formats.suites import SigningKey, generate
from shugu.formats.tiles import encode_tile, hash_reader, parse_path
from shugu.kernel import runtime

BASE = "http://127.0.0.1:9"
DAY = timedelta(days=1)


@dataclass
class FarLog:
    """`keys`: those in force, which sign checkpoints; the newest of a suite signs documents. `witnesses` cosign every
    checkpoint at `cosigned_at`. At most 256 entries."""

    origin: str
    keys: list[SigningKey]
    leaves: list[bytes] = field(default_factory=list)
    witnesses: list[SigningKey] = field(default_factory=list)
    cosigned_at: int = 0
    lines: list[Line] = field(default_factory=list)
    lists: dict[str, list[bytes]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # paths that are not answered

    def signers(self) -> list[SigningKey]:
        """The newest key of each suite."""
        return list({key.suite.name: key for key in self.keys}.values())

    def note(self, size: int | None = None, keys: list[SigningKey] | None = None) -> bytes:
        """The checkpoint of that size (now), signed and cosigned."""
        count = len(self.leaves) if size is None else size
        note = sign(Checkpoint(self.origin, count, root_of_hashes(self.leaves[:count])), keys or self.keys)
        text = parse_note(note).text
        return note + b"".join(cosign(text, one, self.cosigned_at).line().encode() for one in self.witnesses)

    def sealed(self, credential: Document, name: str = "certificate", keys: list[SigningKey] | None = None) -> bytes:
        """One more fact in the log, and the credential sealed under the checkpoint of now."""
        fact = Fact({"digests": {name: credential_digest(credential)}, "fact": "entry.entered"}, b"s" * 32)
        suite = "sm" if any(key.suite.name == "sm" for key in self.keys) else "intl"
        self.leaves.append(leaf_hash(entry_for(canonical(fact.payload), fact.salt, suite)))
        index, size = len(self.leaves) - 1, len(self.leaves)
        read = hash_reader(self.tile, size)
        return seal(credential, fact, TlogProof(index, inclusion_proof(index, size, read), self.note(keys=keys)))

    def tile(self, path: str) -> bytes:
        ref = parse_path(path)
        assert ref.level == 0 and ref.index == 0 and ref.width <= len(self.leaves)
        return encode_tile(self.leaves[: ref.width])

    # The key history.

    def history(self, now: datetime) -> bytes:
        if not self.lines:
            founding = tuple(key.verify_key for key in self.keys)
            self.lines.append(sign_line(Statement(0, self.origin, Kind.FOUNDED, founding, _second(now), 0), self.keys))
        return write_history(self.origin, self.lines)

    def rotate(self, now: datetime, suite: str = "intl") -> SigningKey:
        """A new key beside the old ones."""
        self.history(now)
        new = generate(suite, self.origin)
        self._say(Kind.ANNOUNCED, new, [*self.keys, new], now, reason="rotated")
        self.keys = sorted([*self.keys, new], key=lambda key: key.suite.name != "intl")
        return new

    def end(self, key: SigningKey, now: datetime, kind: Kind = Kind.RETIRED) -> None:
        """A key ends at the log's present size; its root is fixed."""
        rest = [one for one in self.keys if one is not key]
        self._say(kind, key, rest, now, root=root_of_hashes(self.leaves))
        self.keys = rest

    def _say(
        self, kind: Kind, key: SigningKey, by: list[SigningKey], now: datetime, reason: str = "", root: bytes = b""
    ) -> None:
        state = replay(self.lines)
        said = Statement(
            state.count, self.origin, kind, (key.verify_key,), _second(now), len(self.leaves), state.last, reason, root
        )  # fmt: skip
        self.lines.append(sign_line(said, by))

    # The status lists.

    def publish(self, flags: Mapping[int, Flag], now: datetime, *, lasts: timedelta = DAY) -> None:
        """The next version of the three lists of block 0, each sealed."""
        for which, purposes in LISTS.items():
            made = self.lists.setdefault(f"0-{which}", [])
            body = list_body(
                url=list_url(BASE, 0, which), issuer=f"https://{self.origin}", purposes=purposes, bits=bitstring(which, flags),
                version=len(made) + 1, previous=self.digests.get(which, ""), valid_from=now, valid_until=now + lasts,
                ttl=timedelta(minutes=1), demo=runtime.demo(),
            )  # fmt: skip
            credential = sign_credential(body, self.signers(), now)
            self.digests[which] = credential_digest(credential)
            made.append(self.sealed(credential, "status_list"))

    def answer(self, peer: Peer, path: str, now: datetime) -> bytes:
        """What it answers to anything but a question of status."""
        if path in self.gone or any(path.startswith(one) for one in self.gone):
            raise PeerUnreachable(origin=peer.origin, why="HTTP 404")
        if path == "/.well-known/venue-keys.json":
            return self.history(now)
        if path == "/log/checkpoint":
            return self.note()
        if path.startswith("/log/tile/"):
            return self.tile(path.removeprefix("/log/"))
        name, _, number = path.removeprefix("/status/").removesuffix(".sealed.json").partition("/")
        if name not in self.lists:
            raise PeerUnreachable(origin=peer.origin, why="HTTP 404")
        return self.lists[name][int(number) - 1 if number else -1]


def _second(now: datetime) -> datetime:
    return now.replace(microsecond=0)
