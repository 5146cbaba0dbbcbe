"""What another venue shows when it is asked: its log's present checkpoint and its status lists, each verified with the keys
known here and compared with what was seen before.

A `Sight` is one look at one venue: it asks for each thing once. It writes nothing; `seeing.keep` keeps what it found, in the
transaction of whatever follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shugu.edges.federation import messages
from shugu.edges.federation.errors import ListRolledBack, LogBehind, LogForked, RecordStale
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_seen import Seen, SeenList
from shugu.formats import checkpoint as checkpoints
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.checks import Outcome
from shugu.formats.errors import FormatError, Pair, ShuguError, StaleStatusList, StatusListForked, VerificationError
from shugu.formats.keyhistory import check_in_force
from shugu.formats.merkle import Reader, consistency_proof, root_from, verify_consistency
from shugu.formats.pins import Pins
from shugu.formats.proof import TlogProof
from shugu.formats.quorum import Policy, Witness
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.status_check import check_list, follows
from shugu.formats.status_list import StatusList, read_list
from shugu.formats.suites import Keyring, VerifyKey
from shugu.formats.tiles import hash_reader
from shugu.formats.times import write_time
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Verifier
from shugu.kernel import clock, documents

Fetch = Callable[[Peer, str], bytes]
_LIST: Final = re.compile(r"/status/([0-9]{1,9}-(?:revocation|suspension|facets))\.json")
_MOST_STEPS: Final = 48  # versions of a list between two looks that are fetched one by one
_SIGNED: Final = (Verdict.SEALED, Verdict.EXPIRED)


@dataclass(frozen=True)
class Against:
    """Two things the venue signed that cannot both be true, as bytes."""

    error: ShuguError
    first: bytes
    second: bytes


class Sight:
    """One look at a venue, by what `pins` trust; `limit`: how old what it publishes may be.
    `shown` is everything good it showed, `against` what contradicts itself."""

    def __init__(self, peer: Peer, now: datetime, fetch: Fetch, pins: Pins) -> None:
        self.peer, self.now, self.fetch = peer, now, fetch
        self.latest = now + messages.skew()
        # Witnesses state when they saw something by the wall's clock, of a demonstration's log too.
        self.wall = clock.on_the_wall(now)
        self.pins = pins
        self.limit: timedelta | None = None
        self.before = Seen.objects.filter(peer=peer).first()
        self.lists_before = {row.url: row for row in SeenList.objects.filter(peer=peer)}
        self.note = b""
        self.shown: dict[str, tuple[StatusList, bytes]] = {}
        self.against: Against | None = None
        self._reader: Reader | None = None
        self._present: Checkpoint | None = None
        self._refused: ShuguError | None = None

    def verifier(self) -> Verifier:
        return Verifier(self.pins, self.latest, join=self.join)

    def every_key(self) -> Keyring:
        """All its keys as far as they are known, and its witnesses': to read a document whose times were checked."""
        periods = self.pins.periods(self.peer.origin)
        return periods.every() if periods is not None else self.pins.keys

    def ask(self, path: str) -> bytes:
        """Errors: PeerUnreachable."""
        return self.fetch(self.peer, path)

    def present(self) -> Checkpoint:
        """Its log's checkpoint of now: signed by a key in force, not behind what was seen and grown out of it.
        Errors: PeerUnreachable, VerificationError, FormatError, LogBehind, LogForked."""
        if self._refused is not None:
            raise self._refused
        if self._present is None:
            try:
                self._look()
            except ShuguError as refusal:
                self._refused = refusal
                raise
        assert self._present is not None
        return self._present

    def _look(self) -> None:
        note = self.ask("/log/checkpoint")
        size = checkpoints.parse(note).size
        found = checkpoints.verify(note, self.pins.checkpoint(self.peer.origin, size))
        if found.origin != self.peer.origin:
            raise VerificationError(reason=("不是该场所的日志", "it is another venue's log"))
        periods = self.pins.periods(self.peer.origin)
        if periods is not None:
            check_in_force(periods, TlogProof(0, (), note))
        self.note, self._present = note, found
        if self.before is not None and self.before.size:
            kept, seen = documents.get(self.before.note), write_time(self.before.seen_at or self.now)
            self._grown(checkpoints.parse(kept), kept, (seen, seen))

    def grown(self, document: Sealed) -> Pair:
        """Whether the log shown now holds the tree under which a document was sealed. Errors: as `present`."""
        if document.proof is None:
            return ("", "")
        sealed, present = document.proof.covered_by(), self.present()
        self._grown(sealed, document.proof.checkpoint, ("封存文件所附", "with the sealed document"))
        told = f"{sealed.size} → {present.size}"
        return (told, told)

    def _grown(self, old: Checkpoint, note: bytes, when: Pair) -> None:
        present = self._present
        assert present is not None
        if present.size < old.size:
            raise LogBehind(origin=self.peer.origin, size=present.size, seen=old.size, when=when)
        read = self._tiles()
        past = root_from(old.size, read)
        verify_consistency(old.size, present.size, consistency_proof(old.size, present.size, read), past, present.root)
        if past != old.root:
            error = LogForked(origin=self.peer.origin, size=old.size, first=old.root.hex(), second=past.hex())
            self.against = Against(error, note, self.note)
            raise error

    def _tiles(self) -> Reader:
        assert self._present is not None
        if self._reader is None:
            self._reader = hash_reader(lambda path: self.ask(f"/log/{path}"), self._present.size)
        return self._reader

    def join(self, name: str, size: int, later: int) -> Sequence[bytes] | None:
        """The consistency proof between two sizes of its log, for documents that only an ended key vouches for; None where
        it cannot be had. Errors: PeerUnreachable."""
        try:
            present = self.present()
        except (VerificationError, FormatError, LogBehind, LogForked):
            return None  # said by the check of the log itself
        if name != self.peer.origin or present.size < later:
            return None
        return consistency_proof(size, later, self._tiles())

    def cosigned(self, witnesses: Sequence[VerifyKey]) -> datetime | None:
        """When one of these witnesses last cosigned the present checkpoint."""
        self.present()
        return max((at for _, at in cosigners(self.note, witnesses, self.wall + messages.skew())), default=None)

    def status_list(self, url: str) -> StatusList:
        """The list of that address as it is published now: sealed in the log shown, going on from the versions seen before, as
        fresh as agreed. Errors: PeerUnreachable, FormatError, VerificationError, RecordStale, ListRolledBack,
        StatusListForked, LogBehind, LogForked."""
        if url in self.shown:
            return self.shown[url][0]
        match = _LIST.search(url)
        if match is None or not url.endswith(match.group()):
            raise VerificationError(reason=("状态列表的网址有误", "malformed URL of a status list"))
        content = self.ask(f"/status/{match[1]}.sealed.json")
        document = read_sealed(content)
        try:
            found = check_list(
                document, self.pins.keys, self.latest, timedelta.max, report=self.verifier().core(document)
            )
        except StaleStatusList as stale:
            raise self._stale(read_list(document.credential)) from stale
        if (found.id, found.issuer) != (url, f"https://{self.peer.origin}"):
            raise VerificationError(reason=("不是所指的状态列表", "it is another status list"))
        if self.limit is not None and self.now - found.valid_from > self.limit:
            raise self._stale(found)
        self.grown(document)
        self._goes_on(found, content, match[1])
        self.shown[url] = (found, content)
        return found

    def _stale(self, found: StatusList) -> RecordStale:
        allowed = self.limit if self.limit is not None else found.valid_until - found.valid_from
        what = (f"状态列表 {found.id} 第 {found.version} 版", f"Version {found.version} of the status list {found.id}")
        return RecordStale(
            what=what, at=write_time(found.valid_from), age=span(self.now - found.valid_from), limit=span(allowed)
        )

    def _goes_on(self, found: StatusList, content: bytes, name: str) -> None:
        """Each version names the one before; those between the last one seen and this one are fetched and walked."""
        row = self.lists_before.get(found.id)
        if row is None:
            return
        if found.version < row.version:
            raise ListRolledBack(url=found.id, version=found.version, seen=row.version)
        held = documents.get(row.digest)
        old = read_list(read_sealed(held).credential)
        steps = range(old.version + 1, found.version) if found.version - old.version <= _MOST_STEPS else range(0)
        for number in steps:
            step_content = self.ask(f"/status/{name}/{number}.sealed.json")
            step = self._version(step_content, found.id, number)
            self._follows(step, step_content, old, held)
            old, held = step, step_content
        self._follows(found, content, old, held)

    def _version(self, content: bytes, url: str, number: int) -> StatusList:
        document = read_sealed(content)
        report = self.verifier().core(document)
        found = read_list(document.credential)
        if report.verdict not in _SIGNED or (found.id, found.version) != (url, number):
            bad = next(
                (c.detail for c in report.checks if c.outcome is Outcome.FAILED), ("版本不符", "another version")
            )
            raise VerificationError(reason=bad)
        return found

    def _follows(self, new: StatusList, content: bytes, old: StatusList, held: bytes) -> None:
        try:
            follows(new, old)
        except StatusListForked as forked:
            self.against = Against(forked, held, content)
            raise


def cosigners(note: bytes, witnesses: Sequence[VerifyKey], latest: datetime) -> list[tuple[VerifyKey, datetime]]:
    """Which of these witnesses have cosigned a checkpoint, and when. A line that does not verify counts as none, nor does one
    that is dated after `latest`. Errors: BadNote."""
    policy = Policy(witnesses=tuple(Witness(key.vkey(), key) for key in witnesses))
    done = policy.standing(note, int(latest.timestamp())).cosigned
    return [(witness.key, datetime.fromtimestamp(at, UTC)) for witness, at in done]


def span(age: timedelta) -> Pair:
    """An age in words, to the minute."""
    minutes = max(int(age / timedelta(minutes=1)), 0)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    zh = "".join(f"{n} {unit}" for n, unit in ((days, "天"), (hours, "小时"), (rest, "分钟")) if n) or "不到 1 分钟"
    en = " ".join(f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "min")) if n) or "less than a minute"
    return (zh, en)


__all__ = ["Against", "Fetch", "Sight", "cosigners", "span"]
