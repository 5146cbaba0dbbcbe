"""Search terms: whatever stands in a text is found by any piece of it that people would type."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.catalogue.domain import folded, query_terms, runs, terms, ts_query, ts_vector

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=12)
ANY = st.text(max_size=60)


def test_chinese_gives_characters_and_bigrams_and_latin_gives_words() -> None:
    assert terms("航班Ａ380 准点") == ["航", "班", "航班", "a380", "准", "点", "准点"]
    assert query_terms("航班 flig") == ["航班", "flig*"] and query_terms("航") == ["航"]
    assert terms("，。！") == [] and ts_query("，。") == ""


@settings(max_examples=100, deadline=None)
@given(HAN, HAN, st.data())
def test_any_piece_of_a_chinese_text_finds_it(left: str, right: str, data: st.DataObject) -> None:
    text = left + right
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert set(query_terms(text[start:end])) <= set(terms(text))


@settings(max_examples=100, deadline=None)
@given(ANY)
def test_every_text_finds_itself(text: str) -> None:
    held = terms(text)
    for term in query_terms(text):
        assert term in held or (term.endswith("*") and any(h.startswith(term[:-1]) for h in held))


@settings(max_examples=100, deadline=None)
@given(ANY)
def test_case_and_width_never_matter_and_terms_are_never_empty(text: str) -> None:
    assert terms(text) == terms(folded(text))
    assert all(term and not term.isspace() for term in terms(text))
    assert len(set(terms(text))) == len(terms(text)) and all(run for run in runs(text))


@pytest.mark.django_db()
@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(ANY, st.sampled_from("ABCD")), max_size=4), ANY)
def test_postgresql_reads_every_literal_we_write(parts: list[tuple[str, str]], asked: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsvector", [ts_vector(parts)])
        assert cursor.fetchone() is not None
        if ts_query(asked):
            cursor.execute("SELECT %s::tsvector @@ %s::tsquery", [ts_vector([(asked, "A")]), ts_query(asked)])
            assert cursor.fetchone() == (True,)
