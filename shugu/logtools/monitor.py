"""`shugu log monitor`: watches a log, ours or anybody's, and remembers what it was shown.

Each look verifies the new checkpoint, its cosignatures and, from the log's own tiles, that it extends the last one seen.
The folder keeps every checkpoint ever seen, so that a log that forks, or goes back, convicts itself.

    state.json           the last good checkpoint, since when it stands, how far entries were searched
    checkpoints/         every signed note seen, by size and hash
    forks/<n>/           evidence of a fork (shugu.logtools.forks)
    refused/             notes whose signature did not hold
    alarms.jsonl         one JSON object an alarm
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64, canonical, from_hex, parse_object, unb64
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.errors import BadTile, FormatError, Pair, ProofInvalid, ShuguError
from shugu.formats.leaf import parse_fact
from shugu.formats.merkle import (
    HASH_SIZE,
    Frontier,
    Reader,
    consistency_proof,
    leaf_hash,
    root_from,
    verify_consistency,
)
from shugu.formats.note import parse_note
from shugu.formats.quorum import Policy
from shugu.formats.suites import Keyring
from shugu.formats.tiles import WIDTH, TileRef, decode_bundle, hash_reader, parse_path, width_in
from shugu.logtools import durable, forks
from shugu.logtools.errors import FolderUnusable, ObjectMissing, SourceFails
from shugu.logtools.sources import CHECKPOINT, Source, read_tile

QUIET, ALARM, UNREACHABLE = 0, 1, 3
STATE: Final = "state.json"


@dataclass(frozen=True)
class Alarm:
    """`kind`: fork, shrunk, bad-signature, malformed, missing-cosignatures, stale, damaged, unreachable. `details` are the
    facts for a program; `evidence` the folder or file kept, relative to the state."""

    kind: str
    what: Pair
    evidence: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return UNREACHABLE if self.kind == "unreachable" else ALARM

    def line(self, where: str, at: int, lang: str = "zh") -> str:
        told = {
            "alarm": self.kind, "at": at, "log": where, "what": self.what[0 if lang == "zh" else 1], **self.details,
        }  # fmt: skip
        return json.dumps(told | ({"evidence": self.evidence} if self.evidence else {}), ensure_ascii=False)


@dataclass(frozen=True)
class Found:
    """A watched leaf hash is at `index`; `name` is how the watch list calls it."""

    name: str
    leaf: str
    index: int


@dataclass(frozen=True)
class Look:
    """What one look saw. `checkpoint` is None when none could be verified."""

    checkpoint: Checkpoint | None
    alarms: tuple[Alarm, ...] = ()
    found: tuple[Found, ...] = ()

    @property
    def exit_code(self) -> int:
        codes = {alarm.exit_code for alarm in self.alarms}
        return ALARM if ALARM in codes else max(codes, default=QUIET)


@dataclass(frozen=True)
class Wishes:
    """What is demanded of the log: the cosignatures of a policy, an age in seconds, facts to look for (leaf hash to name)."""

    policy: Policy | None = None
    max_age: int | None = None
    watch: dict[str, str] = field(default_factory=dict)


def read_watch(text: str, base: Path) -> dict[str, str]:
    """A watch list: a line is the hexadecimal leaf hash, or `fact <path>` for a `.fact.json` whose two possible leaves are
    watched; what follows a leaf hash is its name. Errors: FormatError, OSError."""
    out: dict[str, str] = {}
    for line in text.splitlines():
        head, _, rest = line.strip().partition(" ")
        if not head or head.startswith("#"):
            continue
        if head == "fact":
            for leaf in parse_fact((base / rest.strip()).read_bytes()).leaf_hashes():
                out[leaf.hex()] = rest.strip()
        else:
            out[from_hex(head, HASH_SIZE).hex()] = rest.strip() or head
    return out


class Forked(Exception):
    def __init__(self, fork: forks.Fork) -> None:
        self.fork = fork


class Monitor:
    """One log watched with one state folder. Time comes in as Unix seconds."""

    def __init__(self, source: Source, keys: Keyring, folder: Path, wishes: Wishes) -> None:
        self.source, self.keys, self.folder, self.wishes = source, keys, folder, wishes
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / STATE
            self.state: dict[str, Any] = dict(parse_object(file.read_bytes())) if file.exists() else {}
        except (OSError, FormatError) as error:
            raise FolderUnusable(path=str(folder), why=str(error)) from error

    def look(self, now: int) -> Look:
        """One look at the log; the alarms it raised are in alarms.jsonl before this returns. Errors: OSError of the folder."""
        alarms: list[Alarm] = []
        found: list[Found] = []
        point: Checkpoint | None = None
        try:
            note = self.source.read(CHECKPOINT)
            point = self._verified(note, alarms)
            if point is not None:
                self._keep(note, point)
                alarms += self._cosignatures(note, now)
                good = self._follow(note, point, now, alarms)
                if good:
                    found += self._search(point)
                alarms += self._age(note, now)
        except SourceFails as error:
            alarms.append(Alarm("unreachable", (error.message("zh"), error.message("en"))))
        except (ObjectMissing, BadTile, ProofInvalid) as error:
            alarms.append(Alarm("damaged", (error.message("zh"), error.message("en"))))
        for alarm in alarms:
            durable.append(self.folder / "alarms.jsonl", alarm.line(self.source.where, now, "en"))
        return Look(point, tuple(alarms), tuple(found))

    def _verified(self, note: bytes, alarms: list[Alarm]) -> Checkpoint | None:
        try:
            point = checkpoints.verify(note, self.keys)
        except ShuguError as error:
            kind = "malformed" if isinstance(error, FormatError) else "bad-signature"
            kept = f"refused/{sha256(note).hexdigest()[:16]}"
            durable.write(self.folder / kept, note)
            alarms.append(Alarm(kind, (error.message("zh"), error.message("en")), kept))
            return None
        if self.state and self.state["origin"] != point.origin:
            told = f"{self.state['origin']} → {point.origin}"
            alarms.append(Alarm("bad-signature", (f"日志换了名称：{told}", f"the log has another name: {told}")))
            return None
        return point

    def _keep(self, note: bytes, point: Checkpoint) -> str:
        name = f"checkpoints/{point.size:012d}-{sha256(note).hexdigest()[:16]}"
        if not (self.folder / name).exists():
            durable.write(self.folder / name, note)
        return name

    def _cosignatures(self, note: bytes, now: int) -> Iterator[Alarm]:
        policy = self.wishes.policy
        if policy is None:
            return
        standing = policy.standing(note, latest=now + 300)  # clocks of witnesses may be a little ahead
        if not standing.reached:
            names = ", ".join(w.name for w in standing.missing)
            what = (f"会签不足，缺 {names}", f"too few cosignatures, missing {names}")
            yield Alarm("missing-cosignatures", what, details={"missing": [w.name for w in standing.missing]})

    def _follow(self, note: bytes, point: Checkpoint, now: int, alarms: list[Alarm]) -> bool:
        """Whether the checkpoint extends the last good one, which it then replaces."""
        if not self.state:
            self._accept(note, point, now)
            return True
        held = (self.folder / self.state["note"]).read_bytes()
        last = checkpoints.verify(held, self.keys)
        try:
            self._compare(last, held, point, note)
        except Forked as error:
            number = sum(1 for _ in (self.folder / "forks").glob("*")) + 1
            kept = f"forks/{number}"
            forks.keep(error.fork, self.folder / kept)
            what = (
                f"日志分叉：大小 {last.size} 与 {point.size} 的检查点互相矛盾",
                f"the log has forked: its checkpoints of sizes {last.size} and {point.size} contradict each other",
            )
            alarms.append(Alarm("fork", what, kept, {"sizes": sorted((last.size, point.size))}))
            return False
        except ProofInvalid as error:
            alarms.append(Alarm("damaged", (error.message("zh"), error.message("en"))))
            return False
        if point.size < last.size:
            what = (
                f"检查点从 {last.size} 退回 {point.size}",
                f"the checkpoint went back from {last.size} to {point.size}",
            )
            alarms.append(Alarm("shrunk", what, details={"sizes": [last.size, point.size]}))
            return False
        if note != held:
            self._accept(note, point, now)
        return True

    def _compare(self, last: Checkpoint, held: bytes, point: Checkpoint, note: bytes) -> None:
        """Errors: Forked; ProofInvalid when the tiles do not even give the root that was signed, which proves no fork."""
        if point.size == last.size:
            if point.root != last.root:
                raise Forked(forks.Fork(held, note))
            return
        small, large = sorted((last, point), key=lambda c: c.size)
        notes = (held, note) if small is last else (note, held)
        read = self._reader(large.size)
        if root_from(large.size, read) != large.root:
            raise ProofInvalid(reason=("分块算出的根与所签的根不同", "the tiles give another root than the one signed"))
        before, hashes = root_from(small.size, read), consistency_proof(small.size, large.size, read)
        verify_consistency(small.size, large.size, hashes, before, large.root)
        if before != small.root:
            raise Forked(forks.Fork(*notes, before, hashes))

    def _reader(self, size: int) -> Reader:
        return hash_reader(lambda path: read_tile(self.source, parse_path(path)), size)

    def _accept(self, note: bytes, point: Checkpoint, now: int) -> None:
        name = self._keep(note, point)
        grown = not self.state or point.size > self.state["size"]
        self._save(
            origin=point.origin, size=point.size, root=b64(point.root), note=name,
            since=now if grown else self.state["since"], searched=self.state.get("searched", 0),
            seen=self.state.get("seen", {}),
        )  # fmt: skip

    def _save(self, **members: Any) -> None:
        self.state = {**self.state, **members}
        durable.write(self.folder / STATE, canonical(self.state))

    def _age(self, note: bytes, now: int) -> Iterator[Alarm]:
        """How old the newest statement about the log is: a cosignature where the policy has witnesses, else the time since
        which this size stands."""
        limit = self.wishes.max_age
        if limit is None or not self.state:
            return
        times = [time for _, time in self.wishes.policy.standing(note).cosigned] if self.wishes.policy else []
        age = now - max([*times, 0 if times else self.state["since"]])
        if age > limit:
            what = (f"检查点已 {age} 秒未更新", f"the checkpoint is {age} seconds old")
            yield Alarm("stale", what, details={"age": age})

    def _search(self, point: Checkpoint) -> list[Found]:
        """Watched facts among the entries that are new; the entries must give the signed root. Raises ProofInvalid."""
        if not self.wishes.watch:
            return []
        # A list that has grown is searched for from the beginning.
        wanted = sha256(canonical(sorted(self.wishes.watch))).hexdigest()
        start = self.state["searched"] if self.state.get("wanted") == wanted else 0
        frontier = Frontier(start, [unb64(h) for h in self.state["frontier"]] if start else [])
        out = list(self._matches(frontier, point.size))
        if frontier.root() != point.root:
            raise ProofInvalid(
                reason=("条目算出的根与所签的根不同", "the entries give another root than the one signed")
            )
        seen = {**self.state["seen"], **{f.leaf: f.index for f in out}}
        self._save(searched=point.size, wanted=wanted, seen=seen, frontier=[b64(h) for h in frontier.hashes])
        return out

    def _matches(self, frontier: Frontier, size: int) -> Iterator[Found]:
        """Appends the entries from the frontier's size on, and tells which of them are watched."""
        for number in range(frontier.size // WIDTH, (size + WIDTH - 1) // WIDTH):
            ref = TileRef(None, number, width_in(size, 0, number))
            entries = decode_bundle(read_tile(self.source, ref), ref.width)
            first = frontier.size
            leaves = [leaf_hash(entry) for entry in entries[first - number * WIDTH :]]
            frontier.append_many(leaves)
            for index, leaf in enumerate(leaves, first):
                name = self.wishes.watch.get(leaf.hex())
                if name is not None:
                    yield Found(name, leaf.hex(), index)


def newest_note(folder: Path) -> bytes:
    """The last good checkpoint of a state folder, for whoever compares with another watcher. Errors: OSError, FormatError."""
    note = (folder / str(parse_object((folder / STATE).read_bytes())["note"])).read_bytes()
    parse_note(note)
    return note
