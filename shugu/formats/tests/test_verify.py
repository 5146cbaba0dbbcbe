from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats.suites import keyring
from shugu.formats.tests import golden, independent_verifier
from shugu.formats.times import read_time
from shugu.formats.verify import verify_document

SEALED = golden.read("voucher.sealed.json")
VKEYS = golden.read("venue.vkey").decode()
PINNED = keyring(VKEYS)
NOW = read_time(golden.AT)


def verdict(data: bytes) -> str:
    return verify_document(data, PINNED, NOW).verdict.value


def test_the_sealed_voucher_verifies_with_every_check() -> None:
    report = verify_document(SEALED, PINNED, NOW)
    assert report.exit_code == 0
    assert [c.n for c in report.checks] == list(range(1, 12))
    assert {c.outcome.value for c in report.checks} == {"ok"}


def test_an_intl_venue_seals_without_sm2() -> None:
    sealed, vkeys = golden.read("intl.voucher.sealed.json"), golden.read("intl.venue.vkey").decode()
    report = verify_document(sealed, vkeys, NOW)
    assert report.exit_code == 0
    assert [c.n for c in report.checks if c.outcome == "skipped"] == [5, 10]
    independent_verifier.verify(sealed, vkeys, golden.AT)
    assert verdict(sealed) == "failed"  # the venue's later file, with an SM2 key, asks for SM2


def test_no_byte_can_change_by_one_bit_flip() -> None:
    for at in range(len(SEALED)):
        changed = SEALED[:at] + bytes([SEALED[at] ^ (1 << at % 8)]) + SEALED[at + 1 :]
        assert verdict(changed) == "failed", at


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_no_byte_can_become_another(at: int, change: int) -> None:
    changed = SEALED[:at] + bytes([SEALED[at] ^ change]) + SEALED[at + 1 :]
    assert verdict(changed) == "failed"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SEALED)), st.binary(min_size=1, max_size=3))
def test_no_byte_can_be_put_in(at: int, more: bytes) -> None:
    assert verdict(SEALED[:at] + more + SEALED[at:]) == "failed"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 80))
def test_no_byte_can_be_taken_out(at: int, count: int) -> None:
    assert verdict(SEALED[:at] + SEALED[at + count :]) == "failed"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 127))
def test_a_stranger_sees_the_change_too(at: int, change: int) -> None:
    changed = SEALED[:at] + bytes([SEALED[at] ^ change]) + SEALED[at + 1 :]
    with pytest.raises((independent_verifier.Refused, ValueError, KeyError, TypeError, AttributeError)):
        independent_verifier.verify(changed, VKEYS, golden.AT)


@pytest.mark.parametrize("name", ["voucher.json", "voucher.fact.json", "voucher.tlog-proof"])
def test_no_byte_of_the_three_files_can_change(name: str) -> None:
    parts = {n: golden.read(n) for n in ("voucher.json", "voucher.fact.json", "voucher.tlog-proof")}
    whole = parts[name]
    for at in range(0, len(whole), 3):
        parts[name] = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        report = verify_document(
            parts["voucher.json"],
            PINNED,
            NOW,
            fact=parts["voucher.fact.json"],
            proof=parts["voucher.tlog-proof"],
        )
        assert report.exit_code == 1, at


def test_a_credential_without_its_seal_is_signed_not_sealed() -> None:
    assert verdict(golden.read("voucher.json")) == "signed-not-sealed"
    half = verify_document(golden.read("voucher.json"), PINNED, NOW, fact=golden.read("voucher.fact.json"))
    assert half.exit_code == 3


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"credential":{}}'])
def test_junk_fails_without_a_crash(junk: bytes) -> None:
    assert verdict(junk) == "failed"


def test_one_voucher_takes_less_than_fifty_milliseconds() -> None:
    runs = []
    for _ in range(5):
        start = time.perf_counter()
        verify_document(SEALED, VKEYS, NOW)
        runs.append(time.perf_counter() - start)
    assert sorted(runs)[2] < 0.05
