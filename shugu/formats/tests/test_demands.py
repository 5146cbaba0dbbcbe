"""What is demanded beyond a good document: witnesses, keys of their time, a status that is known and good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shugu.formats.checks import CheckId, Outcome
from shugu.formats.credential import credential_digest
from shugu.formats.demands import Lists, witnesses
from shugu.formats.errors import BadKey
from shugu.formats.keyhistory import HistoryNotTrusted, Kind
from shugu.formats.leaf import Fact
from shugu.formats.pins import Pins
from shugu.formats.quorum import parse_policy
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.suites import keyring
from shugu.formats.tests import golden
from shugu.formats.tests.test_keyhistory import NAME, NOW, Venue, rotated
from shugu.formats.times import read_time
from shugu.formats.verdicts import EXIT, Verdict
from shugu.formats.verify import Report, Verifier

STATUS = golden.read_json("status.json")
AT = read_time(STATUS["at"])
KEYS = keyring(golden.read("venue.vkey").decode())
WITNESS = golden.read_json("witness.json")
WITNESSED = golden.read("witnessed.voucher.sealed.json")


def outcome(report: Report, check: CheckId) -> Outcome | None:
    return report.outcomes.get(check)


# Witnesses


def test_a_policy_is_met_by_the_cosignatures_of_the_sealed_checkpoint() -> None:
    pinned = keyring(golden.read("witnessed.venue.vkey").decode())
    two, three = parse_policy(WITNESS["policy"]), parse_policy(WITNESS["policy"].replace("group g 2", "group g 3"))
    late = read_time(golden.AT) + timedelta(minutes=1)
    met = Verifier(pinned, late, [witnesses(two)]).document(WITNESSED)
    assert met.verdict is Verdict.SEALED and outcome(met, CheckId.COSIGNATURES) is Outcome.OK
    assert Verifier(pinned, late, [witnesses(three)]).document(WITNESSED).verdict is Verdict.FAILED
    # A cosignature dated after the time of verification counts as none.
    early = Verifier(pinned, read_time(golden.AT), [witnesses(two)]).document(WITNESSED)
    assert outcome(early, CheckId.COSIGNATURES) is Outcome.FAILED


def test_a_policy_of_other_logs_is_not_met() -> None:
    pinned = keyring(golden.read("witnessed.venue.vkey").decode())
    other = golden.maker().keys("other.shugu.dev/log")[0].verify_key.vkey()
    policy = parse_policy(f"log {other}\n{WITNESS['policy']}")
    report = Verifier(pinned, read_time(golden.AT) + timedelta(minutes=1), [witnesses(policy)]).document(WITNESSED)
    assert outcome(report, CheckId.COSIGNATURES) is Outcome.FAILED


# Keys of their time


def document(venue: Venue, index: int, size: int, signers: list[str], lines: list[str] | None = None) -> Sealed:
    """A sealed document of the small venue, put into its log at `index`."""
    credential = venue.credential(*signers)
    fact = Fact({"digests": {"credential": credential_digest(credential)}}, bytes(32))
    venue.leaves[index] = fact.leaf_hashes()[0]
    return Sealed(credential, fact, venue.proof(index, size, *(lines or signers)))


def verified(venue: Venue, *made: Sealed, joined: bool = False) -> list[Report]:
    pins = Pins(venue.pinned, [venue.history()])
    verifier = Verifier(pins, NOW, join=lambda name, old, new: venue.join(old, new) if joined else None)
    return [verifier.sealed(one) for one in made]


def rotate(venue: Venue) -> None:
    """Its one key gives way to another: announced at 40, the first ended at 70."""
    venue.say(Kind.ANNOUNCED, ["ed2"], 40, ["ed1", "ed2"], "rotated")
    venue.end("ed1", 70, ["ed2"])


@pytest.mark.parametrize("suites", [("ed",), ("ed", "sm")])
def test_old_and_new_documents_of_a_venue_that_changed_its_keys(suites: tuple[str, ...]) -> None:
    venue = rotated(*suites)
    firsts, seconds = [f"{s}1" for s in suites], [f"{s}2" for s in suites]
    new = document(venue, 90, 100, seconds)
    [report] = verified(venue, new)
    assert report.verdict is Verdict.SEALED and outcome(report, CheckId.KEY_HISTORY) is Outcome.OK
    assert Verifier(venue.pinned, NOW).sealed(new).verdict is Verdict.FAILED  # without the history the key is unknown
    stolen = document(venue, 91, 100, firsts, seconds)
    assert verified(venue, stolen)[0].verdict is Verdict.FAILED
    alone = verified(venue, replace(new, fact=None, proof=None))[0]
    assert alone.verdict is Verdict.SIGNED


def test_an_ended_key_alone_proves_nothing_unless_its_tree_is_joined_to_the_real_one() -> None:
    venue = Venue("ed1")
    old = document(venue, 10, 30, ["ed1"])
    rotate(venue)
    alone, joined = verified(venue, old)[0], verified(venue, old, joined=True)[0]
    assert alone.verdict is Verdict.UNPROVEN and EXIT[alone.verdict] == 8
    assert joined.verdict is Verdict.SEALED
    thief = Venue("ed1")
    thief.keys, thief.lines, thief.pinned = dict(venue.keys), list(venue.lines), venue.pinned
    forged = document(thief, 10, 30, ["ed1"])
    forged = replace(forged, proof=thief.proof(10, 30, "ed1", leaves=[thief.leaves[10]] * 30))
    pins = Pins(venue.pinned, [venue.history()])
    report = Verifier(pins, NOW, join=lambda name, a, b: venue.join(a, b)).sealed(forged)
    assert outcome(report, CheckId.KEY_HISTORY) is Outcome.FAILED and report.verdict is Verdict.FAILED


def test_a_history_of_strangers_is_refused_and_no_venue_has_two() -> None:
    venue, other = rotated("ed"), rotated("ed")
    with pytest.raises(HistoryNotTrusted):
        Pins(venue.pinned, [other.history()])
    with pytest.raises(BadKey):
        Pins(venue.pinned, [venue.history(), venue.history()])
    assert Pins(venue.pinned, [venue.history()]).periods(NAME) is not None


# Status


def lists(*which: tuple[str, int], max_age: timedelta = timedelta(days=1)) -> Lists:
    made = [read_sealed(str(STATUS["lists"][name][version - 1]).encode()) for name, version in which]
    return Lists(made, max_age)


ALL_LISTS = (("revocation", 2), ("suspension", 2), ("facets", 2))
EXPECTED = {
    0: Verdict.REVOKED, 1: Verdict.RESTRAINED, 2: Verdict.SEALED, 9: Verdict.REVOKED, 4711: Verdict.RESTRAINED,
    131_071: Verdict.REVOKED,
}  # fmt: skip


def voucher(place: int) -> bytes:
    case = next(c for c in STATUS["credentials"] if c["place"] == place)
    return bytes(golden.maker().sealed(case["credential"]))


@pytest.mark.parametrize("place", EXPECTED)
def test_what_the_lists_say_decides_the_verdict(place: int) -> None:
    report = Verifier(KEYS, AT, [lists(*ALL_LISTS)]).document(voucher(place))
    assert report.verdict is EXPECTED[place]
    assert outcome(report, CheckId.STATUS_LIST) is Outcome.OK
    before = Verifier(KEYS, AT - timedelta(seconds=90), [lists(*((w, 1) for w, _ in ALL_LISTS))])
    assert before.document(voucher(place)).verdict is Verdict.SEALED  # version 1, when nothing had happened


def test_of_two_versions_the_newest_that_had_begun_is_read() -> None:
    both = tuple((name, version) for name, _ in ALL_LISTS for version in (2, 1))
    assert Verifier(KEYS, AT, [lists(*both)]).document(voucher(0)).verdict is Verdict.REVOKED
    earlier = AT - timedelta(seconds=90)
    assert Verifier(KEYS, earlier, [lists(*both)]).document(voucher(0)).verdict is Verdict.SEALED


@pytest.mark.parametrize("given", [(), ALL_LISTS[:2], (("revocation", 2), ("suspension", 2), ("revocation", 1))])
def test_without_its_lists_the_status_is_unknown(given: tuple[tuple[str, int], ...]) -> None:
    report = Verifier(KEYS, AT, [lists(*given)]).document(voucher(2))
    assert report.verdict is Verdict.UNKNOWN
    assert outcome(report, CheckId.STATUS) is None


def test_an_old_or_changed_list_leaves_the_status_unknown_and_a_bad_document_bad() -> None:
    stale = Verifier(KEYS, AT, [lists(*ALL_LISTS, max_age=timedelta(seconds=1))])
    assert stale.document(voucher(2)).verdict is Verdict.UNKNOWN
    later = Verifier(KEYS, AT + timedelta(days=2), [lists(*ALL_LISTS, max_age=timedelta.max)])
    assert later.document(voucher(2)).verdict is Verdict.UNKNOWN
    found = read_sealed(str(STATUS["lists"]["revocation"][1]).encode())
    forged = {**found.credential, "validFrom": "2026-11-22T02:07:05Z"}
    changed = Lists([Sealed(forged, found.fact, found.proof)], timedelta.max)
    report = Verifier(KEYS, AT, [changed]).document(voucher(2))
    assert report.verdict is Verdict.UNKNOWN
    tampered = voucher(2).replace(b"1280000", b"1280001")
    assert Verifier(KEYS, AT, [lists(*ALL_LISTS)]).document(tampered).verdict is Verdict.FAILED


def test_a_document_without_status_is_not_judged_by_lists() -> None:
    report = Verifier(KEYS, AT, [lists(*ALL_LISTS)]).document(golden.read("voucher.sealed.json"))
    assert report.verdict is Verdict.SEALED
    assert outcome(report, CheckId.STATUS) is Outcome.SKIPPED
