"""The canonical form against the library that defines it."""

from __future__ import annotations

import sys

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats.canonical import canonical, parse
from shugu.formats.errors import NotCanonical


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
        max_leaves=20,
    )
)
def test_it_writes_what_the_rfc_8785_library_writes(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_keys_beyond_the_basic_plane_sort_by_utf16_units() -> None:
    value = {"\U0001f600": 1, "\ufb33": 2}
    assert canonical(value) == rfc8785.dumps(value) == '{"\U0001f600":1,"\ufb33":2}'.encode()


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b'["x\\\\",' * 100_000, b"[" * 67 + b"]" * 67])
def test_deep_nesting_is_refused_before_it_is_read_whatever_the_recursion_limit(deep: bytes) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # as some libraries leave it
    try:
        with pytest.raises(NotCanonical):
            parse(deep)
    finally:
        sys.setrecursionlimit(before)


def test_brackets_in_strings_are_no_nesting_and_sixty_four_levels_are_read() -> None:
    for data in (b'["' + b"[" * 500 + b'","\\"' + b"{" * 500 + b'"]', b"[" * 64 + b"]" * 64):
        assert canonical(parse(data)) == data
