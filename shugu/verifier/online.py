"""`--online`: what the venue says now, each of it verified against the pinned keys: key history, present checkpoint with
the log's growth since the seal (check 16), status lists. Nothing is taken on the venue's word.

A question that fails leaves its check failed with the verdict `status-unknown`; it never makes a document better or forged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from shugu.formats import checkpoint as checkpoints
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.checks import Check, CheckId, failed, passed, skipped
from shugu.formats.demands import Lists
from shugu.formats.errors import ProofInvalid, ShuguError, UnknownSigner
from shugu.formats.keyhistory import HistoryNotTrusted, extends
from shugu.formats.merkle import Reader, consistency_proof, root_from, verify_consistency
from shugu.formats.pins import Pins
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.status import read_entries
from shugu.formats.suites import Keyring
from shugu.formats.tiles import hash_reader
from shugu.formats.times import write_time
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Further, PaperLists, Verifier
from shugu.verifier.asking import Asked, Asker, NotAsked

_NOTE, _TILE, _HISTORY, _LIST = 65_536, 8_192, 8 << 20, 8 << 20
_STATUS: Final = "/status/"


class LogRewritten(ProofInvalid):
    """Both trees are signed, and one does not grow into the other: proof against whoever signed them."""

    code = "verify.log-rewritten"
    sentence = (
        "日志被改写：签署过 {old} 条的根 {sealed}，如今前 {old} 条的根却是 {now}。",
        "The log was rewritten: the root signed at {old} entries was {sealed}; of today's first {old} it is {now}.",
    )
    remedy = ("请保存两个检查点，并通知监管机构。", "Keep both checkpoints and tell the supervisor.")


def base_from(document: Sealed) -> str | None:
    """The base URL that a document names: what stands before `/status/` in its first status entry."""
    try:
        entries = read_entries(document.credential.get("credentialStatus"))
    except ShuguError:
        return None
    url, found, _ = entries[0].list.rpartition(_STATUS)
    return url if found else None


def _made(listed: bytes) -> str:
    """When a list says that it was made; whether that is so, its check tells."""
    return str(read_sealed(listed).credential.get("validFrom"))


@dataclass(frozen=True)
class Wanted:
    """What every venue is asked with: the trust of the command line."""

    keys: Keyring
    now: datetime
    histories: tuple[bytes, ...]
    further: tuple[Further, ...]
    lists: tuple[Sealed | ShuguError, ...]
    max_age: timedelta
    as_of: bool
    """Whether a time was given: then lists are asked for as they stood then."""
    papers: PaperLists | None = None


class Venue:
    """One venue, asked once for what does not depend on the document."""

    def __init__(self, base: str, wanted: Wanted) -> None:
        self.asker = Asker(base)
        self.wanted = wanted
        self._note: Checkpoint | ShuguError | None = None
        self._reader: Reader | None = None
        self._lists: dict[str, Sealed | ShuguError] = {}
        self._verifier: Verifier | None = None
        self._history: ShuguError | None = None
        self._revoked: bytes | ShuguError | None = None

    def verifier(self, document: Sealed) -> Verifier:
        """A verifier with this venue's history, growth and the lists that the document names."""
        fresh = self._lists_of(document)
        if self._verifier is None or fresh:
            wanted = self.wanted
            lists = Lists([*wanted.lists, *self._lists.values()], wanted.max_age)
            pins = self._verifier.pins if self._verifier else self._pins()
            further: list[Further] = [*wanted.further, lists, self._growth]
            self._verifier = Verifier(pins, wanted.now, further, self._join, self._papers)
        return self._verifier

    def _pins(self) -> Pins:
        """The pinned keys with the history served now, if it holds and goes on from the one that was given."""
        wanted = self.wanted
        try:
            served = self.asker.get(".well-known/venue-keys.json", _HISTORY)
            pins = Pins(wanted.keys, [served])
            name = next(k.name for k in wanted.keys.keys if pins.periods(k.name))
            others = []
            for given in wanted.histories:
                if Pins(wanted.keys, [given]).periods(name) is None:
                    others.append(given)
                elif not extends(given, served):
                    raise HistoryNotTrusted(reason=("与所给的密钥历史矛盾", "it does not go on from the one given"))
            return Pins(wanted.keys, [*others, served])
        except ShuguError as error:
            self._history = error
            return Pins(wanted.keys, wanted.histories)

    def _lists_of(self, document: Sealed) -> bool:
        """Fetches the lists a document names that are not here yet; whether there were any."""
        try:
            urls = {entry.list for entry in read_entries(document.credential.get("credentialStatus"))}
        except ShuguError:
            return False
        new = urls - self._lists.keys()
        at = f"?at={write_time(self.wanted.now)}" if self.wanted.as_of else ""
        for url in sorted(new):
            name = urlsplit(url).path.rpartition(_STATUS)[2].removesuffix(".json")
            try:
                self._lists[url] = read_sealed(self.asker.get(f"status/{name}.sealed.json{at}", _LIST))
            except ShuguError as error:
                self._lists[url] = error
        return bool(new)

    def _papers(self, issuer: str) -> bytes | None:
        """The venue's list of revoked certificates on paper, asked for with the first paper, or the one that was given where
        that is newer. Raises NotAsked where there is neither."""
        given = self.wanted.papers(issuer) if self.wanted.papers else None
        if self._revoked is None:
            try:
                self._revoked = self.asker.get(".well-known/venue-paper-revocations.json", _LIST)
            except ShuguError as error:
                self._revoked = error
        if isinstance(self._revoked, ShuguError):
            if given is None:
                raise self._revoked
            return given
        return max((each for each in (given, self._revoked) if each is not None), key=_made)

    def _present(self, pins: Pins) -> Checkpoint:
        """Today's checkpoint, signed by a key that counts there. Raises NotAsked and what verifying raises."""
        if self._note is None:
            try:
                note = self.asker.get("log/checkpoint", _NOTE)
                said = checkpoints.parse(note)
                self._note = checkpoints.verify(note, pins.checkpoint(said.origin, said.size))
            except ShuguError as error:
                self._note = error
        if isinstance(self._note, ShuguError):
            raise self._note
        return self._note

    def _tiles(self, size: int) -> Reader:
        if self._reader is None:
            self._reader = hash_reader(lambda path: self.asker.get(f"log/{path}", _TILE), size)
        return self._reader

    def _join(self, name: str, old: int, new: int) -> Sequence[bytes] | None:
        """The consistency proof between two sizes of the served log; None where it cannot be had."""
        assert self._verifier is not None
        try:
            present = self._present(self._verifier.pins)
            if present.origin != name or present.size < new:
                return None
            return consistency_proof(old, new, self._tiles(present.size))
        except ShuguError:
            return None

    def _growth(self, document: Sealed, verifier: Verifier) -> list[Check]:
        """Check 16, and 13 told as not asked where the history could not be had."""
        checks = []
        if self._history is not None and not self.wanted.histories:
            checks.append(failed(CheckId.KEY_HISTORY, self._history, Verdict.UNKNOWN))
        if document.proof is None:
            return [*checks, skipped(CheckId.LOG_GROWTH, "没有日志证明文件", "there is no log proof")]
        try:
            present = self._present(verifier.pins)
            return [*checks, self._grown(document.proof, present)]
        except LogRewritten as error:
            return [*checks, failed(CheckId.LOG_GROWTH, error)]
        except ShuguError as error:
            return [*checks, failed(CheckId.LOG_GROWTH, error, Verdict.UNKNOWN)]

    def _grown(self, proof: TlogProof, present: Checkpoint) -> Check:
        """Raises LogRewritten if the tiles, which today's root proves, give another root at the sealed size."""
        sealed = proof.covered_by()
        if sealed.origin != present.origin:
            raise UnknownSigner(name=present.origin)
        if present.size < sealed.size:
            size = present.size
            why = (f"所示日志只有 {size} 条，旧于封存时", f"the log shown has {size} entries, older than the seal")
            raise NotAsked(url=self.asker.base, reason=why)
        read = self._tiles(present.size)
        past = root_from(sealed.size, read)
        between = consistency_proof(sealed.size, present.size, read)
        verify_consistency(sealed.size, present.size, between, past, present.root)
        if past != sealed.root:
            raise LogRewritten(old=sealed.size, sealed=sealed.root.hex(), now=past.hex())
        told = f"{present.origin} {sealed.size} → {present.size}"
        return passed(CheckId.LOG_GROWTH, told, told)


class Online:
    """Venues by their base URL; `said` is everything that was asked of anybody."""

    def __init__(self, wanted: Wanted, url: str | None) -> None:
        self.wanted = wanted
        self.url = url
        self._venues: dict[str, Venue] = {}

    def verifier(self, document: Sealed) -> Verifier:
        """Raises NotAsked when there is no address to ask, or none that is asked."""
        base = self.url or base_from(document)
        if base is None:
            why = ("文件未写明网址，请用 --url 给出", "the document names no address; give one with --url")
            raise NotAsked(url="?", reason=why)
        if base not in self._venues:
            self._venues[base] = Venue(base, self.wanted)
        return self._venues[base].verifier(document)

    def unreached(self, error: ShuguError) -> Further:
        """Check 16 for a document whose venue cannot be asked at all."""
        return lambda document, verifier: [failed(CheckId.LOG_GROWTH, error, Verdict.UNKNOWN)]

    @property
    def said(self) -> list[Asked]:
        return [asked for venue in self._venues.values() for asked in venue.asker.said]
