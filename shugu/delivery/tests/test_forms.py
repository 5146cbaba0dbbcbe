"""The line a connector printed is pasted whole, or its parts are typed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from shugu.delivery.forms import BindForm, QualityForm

LINE = '{"product": "ENT-1", "file": "planes.parquet", "sha256": "ab", "size": 7}'


def test_the_pasted_line_fills_in_file_digest_size_and_label() -> None:
    form = BindForm({"key": str(uuid4()), "product": "PRD-1", "printed": LINE})
    assert form.is_valid(), form.errors
    got = form.cleaned_data
    assert (got["file"], got["sha256"], got["size"], got["label"]) == ("planes.parquet", "ab", 7, "ENT-1")


def test_what_is_typed_stands_and_the_same_number_is_no_label() -> None:
    form = QualityForm({"key": str(uuid4()), "entry": "ENT-1", "printed": LINE, "file": "other.parquet"})
    assert form.is_valid(), form.errors
    assert (form.cleaned_data["file"], form.cleaned_data["sha256"], form.cleaned_data["label"]) == (
        "other.parquet",
        "ab",
        "",
    )


@pytest.mark.parametrize(
    "line", ["{", "[]", "7", '{"file": "a"}', '{"product":"p","file":"f","sha256":"s","size":"big"}']
)
def test_a_line_of_something_else_is_named_as_such(line: str) -> None:
    form = BindForm({"key": str(uuid4()), "product": "PRD-1", "printed": line})
    assert not form.is_valid() and set(form.errors) == {"printed"}


def test_without_the_line_every_part_is_asked_for() -> None:
    form = BindForm({"key": str(uuid4()), "product": "PRD-1"})
    assert not form.is_valid() and set(form.errors) == {"file", "sha256", "size"}
