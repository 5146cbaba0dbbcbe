"""Properties: ranges are sets of bytes, and nothing leaves without a live grant."""

from __future__ import annotations

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import RangeUnusable
from connector.meter import audit
from connector.ranges import added, new_bytes, parse_range, total
from shugu.formats.delivery import NoticeAction

from .world import START, Web, World

FILE = "/data/G1/numbers.parquet"

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(spans=SPANS, probe=st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_ranges_are_a_set_of_bytes(spans: list[tuple[int, int]], probe: tuple[int, int]) -> None:
    ranges: tuple[tuple[int, int], ...] = ()
    bytes_seen: set[int] = set()
    for start, end in spans:
        ranges = added(ranges, start, end)
        bytes_seen |= set(range(start, end))
    assert {n for start, end in ranges for n in range(start, end)} == bytes_seen
    assert total(ranges) == len(bytes_seen)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(ranges))
    assert new_bytes(ranges, *probe) == len(set(range(*probe)) - bytes_seen)


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="bytes=-0123456789, ", max_size=16), size=st.integers(0, 50))
def test_any_range_header_is_inside_the_file_or_refused(text: str, size: int) -> None:
    try:
        span = parse_range(text, size)
    except RangeUnusable:
        return
    assert span is not None and 0 <= span[0] < span[1] <= size


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), st.integers(0, 20_000), st.integers(0, 20_000)),
        st.tuples(st.just("query"), st.integers(0, 50), st.just(0)),
        st.tuples(st.sampled_from(list(NoticeAction)), st.integers(1, 6), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 600, 86_400 * 20]), st.just(0)),
        st.tuples(st.just("acknowledge"), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_nothing_leaves_without_a_live_grant_whatever_happens_before(steps: list[tuple[Any, int, int]]) -> None:
    """A model of the grant beside the real one: bytes come exactly when it is active and in its term."""
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name))
        web = Web(world)
        web.post("/grants", json=world.signed())
        content = world.file.read_bytes()
        state, sequence, received = "active", 0, 0
        for kind, first, second in steps:
            live = state == "active" and world.clock() < START + timedelta(days=30)
            if kind == "get":
                answer = web.get(FILE, headers=world.headers(Range=f"bytes={first}-{second}"))
                wanted = content[first : second + 1]
                assert (answer.status_code == 206) == (live and bool(wanted))
                received += len(wanted) if answer.status_code == 206 else 0
                assert answer.status_code != 206 or answer.content == wanted
            elif kind == "query":
                answer = web.get(f"/data/G1/rows?where=n:lt:{first}", headers=world.headers())
                assert (answer.status_code == 200) == live
                received += len(answer.content) if live else 0
            elif kind == "wait":
                world.clock.pass_by(seconds=first)
            elif kind == "acknowledge":
                web.post(f"{FILE}/acknowledgement", headers=world.headers(), json={"sha256": world.product.sha256})
            elif web.post("/grants/G1/notices", json=world.notice(kind, first)).status_code == 200:
                assert first > sequence and state != "revoked"
                sequence = first
                state = {"suspend": "suspended", "resume": "active", "revoke": "revoked"}[kind.value]
        [row] = world.home.store.rows("SELECT coalesce(sum(sent), 0) AS sent FROM delivery")
        assert row["sent"] == received
        assert audit(world.home.store) == []
        world.home.store.close()
