"""What receipts and usage obey, whatever the numbers."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.delivery.domain import (
    FIRST_RETRY_S,
    LONGEST_RETRY_S,
    ReceiptData,
    limits_of,
    purposes_of,
    read_receipt,
    receipt_fault,
    usage_of,
    wait_seconds,
)
from shugu.formats.delivery import Grant, GrantedFile, Limits
from shugu.formats.policy import Action, Constraint, Operand, Operator, Permission, Policy

START = datetime(2026, 3, 2, tzinfo=UTC)
SIZE = 1000


def policy(*constraints: Constraint) -> Policy:
    return Policy("urn:p", "urn:t", "urn:a", "urn:b", (Permission(Action.USE, constraints),))


def grant(limits: Limits | None = None) -> Grant:
    return Grant(
        "G1", "plane", "C1", "ab" * 32, "B1", "P1", "cd" * 32, (GrantedFile("f.parquet", "ef" * 32, SIZE),), policy(),
        limits or Limits(), START, START + timedelta(days=10),
    )  # fmt: skip


def subject(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "receipt": "G1.1", "connector": "plane", "contract": "C1", "contract_sha256": "ab" * 32, "grant": "G1", "buyer": "B1",
        "product": "P1", "product_version": "cd" * 32, "delivery": 1, "file": "f.parquet", "file_sha256": "ef" * 32,
        "size": SIZE, "ranges": [[0, SIZE]], "billable_bytes": SIZE, "sent_bytes": SIZE + 10, "resent_bytes": 10,
        "started_at": "2026-03-03T00:00:00Z", "completed_at": "2026-03-03T00:01:00Z",
        "meter": {"head": "12" * 32, "records": 4},
    }  # fmt: skip
    return plain | changes


def read(**changes: Any) -> ReceiptData:
    found = read_receipt(subject(**changes))
    assert isinstance(found, ReceiptData), found
    return found


def test_a_receipt_of_the_grant_is_taken_and_an_answer_to_a_query_of_its_file_too() -> None:
    now = START + timedelta(days=2)
    assert receipt_fault(read(), grant(), now) is None
    rows = read(file="f.parquet?rows", file_sha256="00" * 32, size=5, ranges=[[0, 5]], billable_bytes=5, sent_bytes=15)
    assert receipt_fault(rows, grant(), now) is None
    assert receipt_fault(read(file="g.parquet"), grant(), now) is not None
    assert receipt_fault(read(), grant(), START) is not None


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(subject())), st.none() | st.integers() | st.text() | st.lists(st.integers())))
def test_whatever_stands_in_a_receipt_reading_it_answers_and_never_breaks(changes: dict[str, Any]) -> None:
    found = read_receipt(subject(**changes))
    if isinstance(found, ReceiptData):
        receipt_fault(found, grant(), START + timedelta(days=2))
    else:
        assert all(found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(1, 200)), max_size=20))
def test_usage_unites_ranges_and_counts_each_byte_of_a_file_once(parts: list[tuple[int, int]]) -> None:
    spans = [[start, min(SIZE, start + length)] for start, length in parts]
    used = usage_of(grant(Limits(count=30, bytes=10 * SIZE)), [("f.parquet", [s], s[1] - s[0], s[1] - s[0]) for s in spans])
    covered = {n for start, end in spans for n in range(start, end)}
    got = used.files.get("f.parquet", ())
    assert sum(end - start for start, end in got) == len(covered)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(got))
    assert used.count_left == 30 - len(spans) and used.bytes_left == max(0, 10 * SIZE - sum(e - s for s, e in spans))


def test_limits_are_the_smallest_the_policy_names_and_the_rate_falls_back_to_the_rule() -> None:
    named = policy(
        Constraint(Operand.COUNT, Operator.LTEQ, 5), Constraint(Operand.COUNT, Operator.LTEQ, 3),
        Constraint(Operand.PURPOSE, Operator.IS_ANY_OF, ("research", "training")),
    )  # fmt: skip
    assert limits_of(named, 60) == Limits(3, None, 60) and limits_of(policy(), 60) == Limits(None, None, 60)
    assert limits_of(policy(Constraint(Operand.RATE, Operator.LTEQ, 7)), 60).requests_per_minute == 7
    assert purposes_of(named) == ("research", "training")


def test_waits_double_from_the_first_to_the_longest() -> None:
    waits = [wait_seconds(n) for n in range(1, 40)]
    assert waits[0] == FIRST_RETRY_S and waits[-1] == LONGEST_RETRY_S and waits == sorted(waits)
