from __future__ import annotations

import zlib
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from shugu.formats import status, status_list
from shugu.formats.canonical import b64url, canonical
from shugu.formats.credential import Document, credential_digest, sign_credential, verify_credential
from shugu.formats.errors import (
    BadCredential,
    BadSignature,
    BadStatusList,
    FormatError,
    StaleStatusList,
    StatusListForked,
    StatusListMissing,
    VerificationError,
)
from shugu.formats.sealed import read_sealed
from shugu.formats.status import Flag
from shugu.formats.status_check import check_list
from shugu.formats.suites import keyring
from shugu.formats.tests import golden
from shugu.formats.times import read_time

CASES = golden.read_json("status.json")
AT = read_time(CASES["at"])
KEYS = keyring(golden.read("venue.vkey").decode())
DAY = timedelta(days=1)
PLACES = [(int(i), Flag(f)) for i, f in CASES["bitstrings"][-1]["places"].items()]


def sealed(which: str, version: int) -> bytes:
    return str(CASES["lists"][which][version - 1]).encode()


def read(which: str, version: int = 2) -> status_list.StatusList:
    return status_list.read_list(read_sealed(sealed(which, version)).credential)


def resealed(which: str, of: int, /, **subject: Any) -> bytes:
    """The recorded version with another content, signed and sealed by the venue's real keys."""
    made = golden.maker()
    body = {k: v for k, v in read_sealed(sealed(which, of)).credential.items() if k != "proof"}
    member = body["credentialSubject"]
    assert isinstance(member, dict)
    changed: Document = {**body, "credentialSubject": {**member, **subject}}
    return bytes(made.sealed(sign_credential(changed, made.keys(), AT)))


@pytest.mark.parametrize("case", CASES["bitstrings"], ids=lambda c: f"{c['list']}-{len(c['places'])}")
def test_places_and_bits_are_the_same_thing(case: dict[str, Any]) -> None:
    bits = status.bitstring(case["list"], {int(i): Flag(f) for i, f in case["places"].items()})
    assert sha256(bits).hexdigest() == case["sha256"]
    assert status.decode(case["encodedList"]) == bits == status.decode(status.encode(bits))
    assert status.encode(bits) == status.encode(bits)


@pytest.mark.parametrize("name", CASES["refused"])
def test_another_spelling_of_a_list_is_refused(name: str) -> None:
    with pytest.raises(BadStatusList):
        status.decode(CASES["refused"][name])


def test_a_bomb_is_not_unpacked() -> None:
    pump = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = b"".join(pump.compress(bytes(1 << 20)) for _ in range(256)) + pump.flush()
    with pytest.raises(BadStatusList, match="large"):
        status.decode("u" + b64url(b"\x1f\x8b\x08" + bytes(5) + packed[8:]))


@pytest.mark.parametrize("name", CASES["refused_entries"])
def test_a_malformed_entry_is_refused_with_its_credential(name: str) -> None:
    with pytest.raises(BadCredential):
        status.read_entries(CASES["refused_entries"][name])
    body = {k: v for k, v in CASES["credentials"][0]["credential"].items() if k != "proof"}
    with pytest.raises(BadCredential):
        sign_credential(body | {"credentialStatus": CASES["refused_entries"][name]}, golden.maker().keys(), AT)


@pytest.mark.parametrize("case", CASES["credentials"], ids=lambda c: str(c["place"]))
def test_the_lists_say_what_a_credential_is(case: dict[str, Any]) -> None:
    known = {one.id: one for one in map(read, status.LISTS)}
    assert all(check.outcome.value == "ok" for check in verify_credential(case["credential"], KEYS))
    found = status_list.facets(case["credential"], known, AT)
    assert sorted(found.facets) == case["facets"]
    assert found.valid == ("valid" in case["facets"])
    assert set(found.versions.values()) == {2}


def test_a_credential_carries_only_what_can_happen_to_it() -> None:
    def purposes(flags: Flag) -> list[str]:
        return [entry.purpose for entry in status.entries("https://v.example", 3, 7, flags)]

    assert purposes(Flag.REVOKED) == ["revocation"]
    assert purposes(Flag.REVOKED | Flag.CANCELLED) == ["revocation", "revoked", "cancelled"]
    assert purposes(Flag.SUPERSEDED) == ["revocation", "superseded"]
    assert purposes(Flag.SUSPENDED | Flag.OBJECTED) == ["suspension", "objected"]
    assert status.entries("https://v.example", 3, 7, Flag.SUPERSEDED)[1].index == 8 * 7 + 2


def test_dates_stand_beside_the_lists() -> None:
    plain: Document = {"validFrom": "2026-11-20T00:00:00Z", "validUntil": "2026-11-21T00:00:00Z"}
    assert status_list.facets(plain, {}, read_time("2026-11-20T00:00:00Z")).facets == {"valid"}
    assert status_list.facets(plain, {}, read_time("2026-11-21T00:00:00Z")).facets == {"expired"}
    assert status_list.facets(plain, {}, read_time("2026-11-19T00:00:00Z")).facets == {"not_yet_valid"}


def test_without_its_list_nothing_is_said() -> None:
    credential = CASES["credentials"][2]["credential"]
    known = {one.id: one for one in map(read, status.LISTS)}
    for missing in known:
        with pytest.raises(StatusListMissing):
            status_list.facets(credential, {k: v for k, v in known.items() if k != missing}, AT)
    with pytest.raises(StatusListMissing):  # the list does not speak of that time
        status_list.facets(credential, known, AT + 2 * DAY)
    with pytest.raises(BadStatusList):
        status_list.facets(credential | {"issuer": "https://other.example"}, known, AT)


def test_a_sealed_list_that_follows_the_earlier_one_may_be_relied_on() -> None:
    for which in status.LISTS:
        first = check_list(sealed(which, 1), KEYS, AT, DAY)
        second = check_list(sealed(which, 2), KEYS, AT, DAY, first)
        assert (second.version, second.previous) == (2, first.digest)
        assert check_list(sealed(which, 2), KEYS, AT, DAY, second) == second


def test_an_old_list_is_refused() -> None:
    with pytest.raises(StaleStatusList):
        check_list(sealed("revocation", 2), KEYS, AT, timedelta(seconds=59))
    with pytest.raises(StaleStatusList):
        check_list(sealed("revocation", 2), KEYS, AT + DAY, 3 * DAY)
    with pytest.raises(StaleStatusList):  # the older of two that are both in time
        check_list(sealed("revocation", 1), KEYS, AT, DAY, read("revocation"))
    with pytest.raises(VerificationError):
        check_list(sealed("revocation", 2), KEYS, AT - timedelta(minutes=2), DAY)


def test_an_unsealed_or_changed_list_is_refused() -> None:
    found = read_sealed(sealed("revocation", 2))
    with pytest.raises(VerificationError, match="not sealed"):
        check_list(canonical(found.credential), KEYS, AT, DAY)
    subject = found.credential["credentialSubject"]
    assert isinstance(subject, dict)
    cleared = found.credential | {"credentialSubject": subject | {"encodedList": status.encode(bytes(1 << 14))}}
    with pytest.raises(VerificationError, match=BadSignature.sentence[1].partition("{")[0]):
        check_list(canonical(cleared), KEYS, AT, DAY)


def test_two_versions_that_contradict_each_other_are_proof_against_the_venue() -> None:
    first, second = read("revocation", 1), read("revocation")
    none = status.encode(bytes(1 << 14))
    with pytest.raises(StatusListForked, match="two contents"):  # shown one list, then another of the same number
        check_list(resealed("revocation", 2, encodedList=none), KEYS, AT, DAY, second)
    with pytest.raises(StatusListForked, match="names another"):
        check_list(resealed("revocation", 2, previous="00" * 32), KEYS, AT, DAY, first)
    with pytest.raises(StatusListForked, match="4 ending"):  # un-revoked without a word
        check_list(resealed("revocation", 2, version=3, previous=second.digest, encodedList=none), KEYS, AT, DAY, second)
    with pytest.raises(StatusListForked, match="length"):
        longer = status.encode(second.bits + bytes(8))
        check_list(resealed("revocation", 2, version=3, previous=second.digest, encodedList=longer), KEYS, AT, DAY, second)
    with pytest.raises(FormatError):
        check_list(sealed("suspension", 2), KEYS, AT, DAY, second)


def test_what_may_end_may_fall() -> None:
    for which in ("suspension", "facets"):
        before = read(which)
        kept = {i: f & status.FINAL for i, f in PLACES} if which == "facets" else {}
        lifted = status.encode(status.bitstring(which, kept))
        made = resealed(which, 2, version=3, previous=before.digest, encodedList=lifted)
        assert check_list(made, KEYS, AT, DAY, before).version == 3


def test_a_list_of_another_form_is_refused() -> None:
    good = read_sealed(sealed("revocation", 2)).credential
    subject = good["credentialSubject"]
    assert isinstance(subject, dict)
    for changes in (
        {"version": 0}, {"version": True}, {"version": 1}, {"previous": "zz"}, {"ttl": -1}, {"statusPurpose": "refresh"},
        {"statusPurpose": ["revocation", "suspension"]}, {"type": "StatusList2021"}, {"id": "x"}, {"more": 1},
    ):  # fmt: skip
        with pytest.raises(FormatError):
            status_list.read_list(good | {"credentialSubject": subject | changes})
    with pytest.raises(FormatError):
        status_list.read_list(good | {"type": ["VerifiableCredential", "Other"]})
    assert credential_digest(good) == read("revocation").digest
