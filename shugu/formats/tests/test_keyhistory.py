"""Key histories: rotation, adoption of SM2, loss and recovery; what a thief of an ended key can and cannot do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shugu.formats import checkpoint as checkpoints
from shugu.formats.checks import Outcome
from shugu.formats.credential import CONTEXT, Document, issuer_of, sign_credential, verify_credential
from shugu.formats.errors import BadSignature, ProofInvalid, ShuguError
from shugu.formats.keyhistory import (
    BadKeyHistory,
    HistoryNotTrusted,
    JoinMissing,
    KeyNotInForce,
    KeyPeriods,
    Kind,
    Line,
    Statement,
    check_in_force,
    endorsers,
    extends,
    follow,
    replay,
    sign_line,
    trusted,
    write_history,
)
from shugu.formats.merkle import Reader, consistency_proof, inclusion_proof, leaf_hash, root_of_hashes
from shugu.formats.pins import Pins
from shugu.formats.proof import TlogProof
from shugu.formats.suites import Keyring, SigningKey, generate, keyring, keyring_of
from shugu.formats.tests.golden import read_json

NAME = "venue.example/log"
NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)


def reader(leaves: list[bytes]) -> Reader:
    return lambda height, index: root_of_hashes(leaves[index << height : (index + 1) << height])


class Venue:
    """A log of 100 entries, its keys by nickname, and the history as it is written."""

    def __init__(self, *first: str) -> None:
        self.leaves = [leaf_hash(f"entry {n}".encode()) for n in range(100)]
        self.keys: dict[str, SigningKey] = {}
        self.lines: list[Line] = []
        for nick in first:
            self.make(nick)
        self.say(Kind.FOUNDED, list(first), 0, list(first))
        self.pinned = keyring_of([self.keys[n] for n in first])

    def make(self, nick: str) -> SigningKey:
        name = f"{NAME}/recovery" if nick.startswith("off") else NAME
        return self.keys.setdefault(nick, generate("sm" if nick.startswith("sm") else "intl", name))

    def say(self, kind: Kind, nicks: list[str], size: int, signers: list[str], reason: str = "", root: bytes = b"") -> None:
        keys = tuple(self.make(n).verify_key for n in nicks)
        previous = self.lines[-1].digest if self.lines else ""
        said = Statement(len(self.lines), NAME, kind, keys, NOW, size, previous, reason, root)
        self.lines.append(sign_line(said, [self.make(n) for n in signers]))

    def end(self, nick: str, size: int, signers: list[str], kind: Kind = Kind.RETIRED) -> None:
        self.say(kind, [nick], size, signers, root=self.root(size))

    def root(self, size: int) -> bytes:
        return root_of_hashes(self.leaves[:size])

    def history(self) -> bytes:
        return write_history(NAME, self.lines)

    def periods(self) -> KeyPeriods:
        return trusted(self.pinned, self.history())

    def credential(self, *nicks: str, at: datetime = NOW) -> Document:
        body: Document = {
            "@context": [CONTEXT], "type": ["VerifiableCredential", "Certificate"], "issuer": issuer_of(NAME),
            "validFrom": "2026-01-01T00:00:00Z", "credentialSubject": {"number": "C-1"},
        }  # fmt: skip
        return sign_credential(body, [self.keys[n] for n in nicks], at)

    def proof(self, index: int, size: int, *nicks: str, leaves: list[bytes] | None = None) -> TlogProof:
        tree = leaves or self.leaves

        head = checkpoints.Checkpoint(NAME, size, root_of_hashes(tree[:size]))
        note = checkpoints.sign(head, [self.keys[n] for n in nicks])
        return TlogProof(index, inclusion_proof(index, size, reader(tree)), note)

    def join(self, old: int, new: int) -> tuple[bytes, ...]:
        return consistency_proof(old, new, reader(self.leaves))


def rotated(*suites: str) -> Venue:
    """Keys 1 from 0, keys 2 from 40, keys 1 ended at 70; Ed25519 and where asked SM2, each by itself."""
    firsts, seconds = [f"{s}1" for s in suites], [f"{s}2" for s in suites]
    venue, live = Venue(*firsts), list(firsts)
    for new in seconds:
        live.append(new)
        venue.say(Kind.ANNOUNCED, [new], 40, live, "rotated")
    for old in firsts:
        live.remove(old)
        venue.end(old, 70, live)
    return venue


def holds(credential: Document, periods: KeyPeriods, index: int) -> bool:
    return all(c.outcome is not Outcome.FAILED for c in verify_credential(credential, periods.for_entry(index)))


@pytest.mark.parametrize("suites", [("ed",), ("ed", "sm")])
def test_documents_of_old_and_new_keys_verify_with_the_first_key_file(suites: tuple[str, ...]) -> None:
    venue = rotated(*suites)
    periods = venue.periods()
    firsts, seconds = [f"{s}1" for s in suites], [f"{s}2" for s in suites]
    assert holds(venue.credential(*firsts), periods, 10) and holds(venue.credential(*seconds), periods, 90)
    assert checkpoints.verify_strict(venue.proof(10, 30, *firsts).checkpoint, periods.for_checkpoint(30)).size == 30
    check_in_force(periods, venue.proof(10, 30, *firsts), venue.join(30, 70))
    check_in_force(periods, venue.proof(90, 100, *seconds))
    both = [n for s in suites for n in (f"{s}1", f"{s}2")]
    overlap = venue.proof(50, 60, *both)
    assert checkpoints.verify_strict(overlap.checkpoint, periods.for_checkpoint(60)).size == 60
    check_in_force(periods, overlap)
    assert checkpoints.verify(overlap.checkpoint, venue.pinned).size == 60  # a client that knows the first key only


@pytest.mark.parametrize("suites", [("ed",), ("ed", "sm")])
def test_whoever_steals_a_retired_key_cannot_backdate(suites: tuple[str, ...]) -> None:
    venue = rotated(*suites)
    periods, firsts = venue.periods(), [f"{s}1" for s in suites]
    forged = venue.credential(*firsts, at=NOW - timedelta(days=300))
    assert not holds(forged, periods, 70)  # really sealed, but after the end
    with pytest.raises(ShuguError):
        checkpoints.verify_strict(venue.proof(90, 100, *firsts).checkpoint, periods.for_checkpoint(100))
    with pytest.raises(KeyNotInForce):
        check_in_force(periods, venue.proof(90, 100, *firsts))
    own = [*venue.leaves[:29], leaf_hash(b"forged")]  # a small tree of his own, signed with the stolen keys
    fork = venue.proof(29, 30, *firsts, leaves=own)
    with pytest.raises(JoinMissing):
        check_in_force(periods, fork)
    with pytest.raises(ProofInvalid):
        check_in_force(periods, fork, venue.join(30, 70))
    at_the_end = [*venue.leaves[:69], leaf_hash(b"forged")]
    with pytest.raises(ProofInvalid):
        check_in_force(periods, venue.proof(69, 70, *firsts, leaves=at_the_end))
    with pytest.raises(KeyNotInForce):
        check_in_force(periods, venue.proof(10, 30, "ed2"))  # a new key says nothing of trees before it


def test_a_credential_that_is_not_sealed_needs_a_key_without_an_end() -> None:
    venue = rotated("ed")
    keys = venue.periods().for_entry(None)
    assert [k.key_id for k in keys.keys] == [venue.keys["ed2"].key_id]


def test_a_venue_adopts_sm2_and_earlier_documents_need_none() -> None:
    venue = Venue("ed1")
    venue.say(Kind.ANNOUNCED, ["sm1"], 50, ["ed1", "sm1"], "adopted")
    periods = venue.periods()
    assert holds(venue.credential("ed1"), periods, 49) and not holds(venue.credential("ed1"), periods, 50)
    assert holds(venue.credential("ed1", "sm1"), periods, 50)
    assert checkpoints.verify_strict(venue.proof(1, 50, "ed1").checkpoint, periods.for_checkpoint(50)).size == 50
    with pytest.raises(ShuguError):
        checkpoints.verify_strict(venue.proof(1, 51, "ed1").checkpoint, periods.for_checkpoint(51))


def test_a_lost_key_ends_by_the_voice_of_those_that_remain() -> None:
    venue = Venue("ed1", "sm1")
    venue.say(Kind.ANNOUNCED, ["ed2"], 60, ["ed1", "sm1", "ed2"], "replaced")
    venue.end("ed1", 60, ["sm1", "ed2"], Kind.COMPROMISED)
    periods = venue.periods()
    assert holds(venue.credential("ed1", "sm1"), periods, 59) and not holds(venue.credential("ed1", "sm1"), periods, 60)
    thief = Venue("ed1", "sm1")
    thief.say(Kind.ANNOUNCED, ["ed9"], 60, ["ed1", "ed9"], "rotated")  # he has ed1, not sm1
    with pytest.raises(HistoryNotTrusted):
        thief.periods()


def test_a_recovery_key_outvotes_whoever_holds_the_others() -> None:
    venue = Venue("ed1")
    venue.say(Kind.RECOVERY, ["off1"], 10, ["ed1", "off1"])
    alone = list(venue.lines)
    venue.say(Kind.ANNOUNCED, ["thief"], 20, ["ed1", "thief"], "rotated")
    with pytest.raises(HistoryNotTrusted):
        venue.periods()
    venue.lines = alone
    venue.say(Kind.ANNOUNCED, ["ed2"], 20, ["off1", "ed2"], "replaced")
    venue.end("ed1", 20, ["off1"], Kind.COMPROMISED)
    assert [k.key_id for k in venue.periods().in_force()] == [venue.keys["ed2"].key_id]
    assert venue.periods().recovery == (venue.keys["off1"].verify_key,)
    offline = Keyring((*venue.pinned.keys, venue.keys["off1"].verify_key))
    assert trusted(offline, venue.history()).count == 4
    with pytest.raises(HistoryNotTrusted):  # the thief's own history does not name the pinned recovery key
        trusted(offline, write_history(NAME, venue.lines[:1]))


def test_a_retired_key_may_yet_be_declared_lost_and_its_end_stays() -> None:
    venue = rotated("ed")
    before = venue.periods().period(venue.keys["ed1"].verify_key)
    venue.end("ed1", 95, ["ed2"], Kind.COMPROMISED)
    after = venue.periods().period(venue.keys["ed1"].verify_key)
    assert before is not None and after is not None and after == replace(before, ended=Kind.COMPROMISED)


def test_any_of_the_keys_may_be_the_pinned_one() -> None:
    venue = rotated("ed")
    for nick in ("ed1", "ed2"):
        assert trusted(keyring_of([venue.keys[nick]]), venue.history()).count == 3
    with pytest.raises(HistoryNotTrusted):
        trusted(keyring_of([generate("intl", NAME)]), venue.history())


def test_a_history_that_came_with_a_document_and_is_older_than_the_key_file_counts_for_nothing() -> None:
    venue = Venue("first")
    old = venue.history()
    venue.say(Kind.ANNOUNCED, ["second"], 20, ["first", "second"], "rotated")
    today = keyring_of([venue.keys[n] for n in ("first", "second")])
    assert Pins(today).beside(old).periods(NAME) is None
    held = Pins(today, [venue.history()])
    assert held.beside(old) is held
    found = Pins(keyring_of([venue.keys["first"]])).beside(venue.history()).periods(NAME)
    assert found is not None and len(found.periods) == 2
    stranger = Venue("other")
    with pytest.raises(HistoryNotTrusted):
        Pins(today).beside(stranger.history())
    with pytest.raises(HistoryNotTrusted):
        held.beside(stranger.history())


def test_a_history_is_refused_with_any_line_removed_reordered_or_changed() -> None:
    venue = rotated("ed", "sm")
    lines = venue.lines
    for n in range(len(lines) - 1):
        with pytest.raises(HistoryNotTrusted):
            trusted(venue.pinned, write_history(NAME, [*lines[:n], *lines[n + 1 :]]))
        with pytest.raises(HistoryNotTrusted):
            trusted(venue.pinned, write_history(NAME, [*lines[:n], lines[n + 1], lines[n], *lines[n + 2 :]]))
    for n, line in enumerate(lines):
        later = Line(replace(line.statement, at=NOW + timedelta(seconds=1)), line.signatures)
        with pytest.raises((HistoryNotTrusted, BadSignature)):
            trusted(venue.pinned, write_history(NAME, [*lines[:n], later, *lines[n + 1 :]]))
        fewer = Line(line.statement, line.signatures[1:])
        with pytest.raises((HistoryNotTrusted, BadKeyHistory)):
            trusted(venue.pinned, write_history(NAME, [*lines[:n], fewer, *lines[n + 1 :]]))


def test_no_changed_byte_of_a_history_verifies() -> None:
    venue = rotated("ed")
    whole = venue.history()
    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(ShuguError):
            trusted(venue.pinned, bytes(changed))


def test_the_last_key_of_a_kind_cannot_end_and_no_key_comes_twice() -> None:
    venue = Venue("ed1", "sm1")
    state = replay(venue.lines)
    ending = Statement(1, NAME, Kind.RETIRED, (venue.keys["ed1"].verify_key,), NOW, 5, state.last, "", venue.root(5))
    assert endorsers(state, ending) == {venue.keys["sm1"].verify_key}
    with pytest.raises(HistoryNotTrusted):
        follow(state, sign_line(ending, [venue.keys["sm1"]]))
    again = replace(ending, kind=Kind.ANNOUNCED, reason="rotated", root=b"")
    with pytest.raises(HistoryNotTrusted):
        follow(state, sign_line(again, [venue.keys["ed1"], venue.keys["sm1"]]))


def test_a_longer_history_goes_on_from_a_shorter_one() -> None:
    venue = rotated("ed")
    whole, part = venue.history(), write_history(NAME, venue.lines[:2])
    assert extends(part, whole) and extends(whole, whole) and not extends(whole, part)
    other = rotated("ed")
    assert not extends(part, other.history())


def test_the_golden_history_holds_and_its_defects_are_refused() -> None:
    golden = read_json("keyhistory.json")
    pinned = keyring(golden["vkey"])
    periods = trusted(pinned, golden["history"].encode())
    assert [[p.key.vkey(), p.since, p.until] for p in periods.periods] == golden["periods"]
    for name, text in golden["refused"].items():
        with pytest.raises((HistoryNotTrusted, BadSignature)):
            trusted(pinned, text.encode())
            pytest.fail(name)
