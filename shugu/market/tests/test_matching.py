"""Matching: every point has its reason, the same input gives the same list, and better never scores lower."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.market.domain import Candidate, Wish, rank, score, terms_of

WEIGHTS = {"industry": 25, "keywords": 40, "delivery": 15, "price": 10, "quality": 5, "freshness": 5}
TODAY = date(2026, 3, 20)
FORMS = ("api", "data_set", "report")
WORDS = ("航班", "准点", "气象", "延误", "port", "weather", "港口吞吐")

wishes = st.builds(
    Wish,
    industry=st.sampled_from(("", "transport", "meteorology")),
    keywords=st.lists(st.sampled_from(WORDS), max_size=4).map(tuple),
    delivery_forms=st.lists(st.sampled_from(FORMS), unique=True, max_size=2).map(tuple),
    price_cap_fen=st.none() | st.integers(1, 10**9),
    quality_min=st.none() | st.integers(1, 10_000),
    fresh_days=st.none() | st.integers(1, 1000),
)
items = st.builds(
    Candidate,
    version_id=st.integers(1, 99), product=st.integers(1, 9999).map(lambda n: f"PRD-{n:04d}"),
    title=st.lists(st.sampled_from(WORDS), max_size=3).map("".join),
    text=st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
    industry=st.sampled_from(("transport", "meteorology", "finance")),
    delivery_forms=st.lists(st.sampled_from(FORMS), unique=True, min_size=1).map(tuple), price_fen=st.integers(1, 10**9),
    price_unit=st.just("per_contract"), quality=st.none() | st.integers(0, 10_000),
    updated_on=st.dates(date(2023, 1, 1), TODAY), provider_org=st.integers(1, 5),
)  # fmt: skip
pools = st.lists(items, max_size=8, unique_by=lambda c: c.product)


@given(wishes, pools, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_it_lists_the_same_products_in_whatever_order_they_come(wish: Wish, pool: list[Candidate], chance: object) -> None:
    shuffled = list(pool)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(wish, pool, WEIGHTS, TODAY, 20) == rank(wish, shuffled, WEIGHTS, TODAY, 20)


@given(wishes, items)
@settings(max_examples=100, deadline=None)
def test_every_point_lies_within_its_weight_and_has_a_reason_in_both_languages(wish: Wish, item: Candidate) -> None:
    found = score(wish, item, WEIGHTS, TODAY)
    assert found.score == sum(r.points for r in found.reasons) <= found.out_of <= 100
    for reason in found.reasons:
        assert 0 <= reason.points <= reason.of == WEIGHTS[reason.code]
        assert reason.why.zh and reason.why.en


@given(wishes, items, st.integers(1, 10**9), st.integers(0, 10_000), st.sampled_from(WORDS))
@settings(max_examples=100, deadline=None)
def test_a_product_that_is_cheaper_better_measured_or_nearer_in_words_never_scores_lower(
    wish: Wish, item: Candidate, price: int, quality: int, word: str
) -> None:
    before = score(wish, item, WEIGHTS, TODAY).score
    cheaper = replace(item, price_fen=min(item.price_fen, price))
    better = replace(item, quality=max(item.quality or 0, quality))
    nearer = replace(item, text=f"{item.text} {word}")
    fresher = replace(item, updated_on=TODAY)
    for improved in (cheaper, better, nearer, fresher):
        assert score(wish, improved, WEIGHTS, TODAY).score >= before


@given(wishes, pools, st.integers(1, 10**9))
@settings(max_examples=60, deadline=None)
def test_a_larger_budget_never_lowers_a_score(wish: Wish, pool: list[Candidate], more: int) -> None:
    capped = replace(wish, price_cap_fen=wish.price_cap_fen or 1)
    assert capped.price_cap_fen is not None
    wider = replace(capped, price_cap_fen=capped.price_cap_fen + more)
    for item in pool:
        assert score(wider, item, WEIGHTS, TODAY).score >= score(capped, item, WEIGHTS, TODAY).score


def test_chinese_is_cut_into_pairs_and_other_words_stay_whole() -> None:
    assert terms_of("航班准点 NYC-flights2013") == {"航班", "班准", "准点", "nyc", "flights2013"}


def test_a_price_alone_makes_no_match() -> None:
    wish = Wish("meteorology", ("气象",), (), 10**9, None, None)
    stranger = Candidate(1, "PRD-1", "港口", "吞吐", "finance", ("api",), 1, "per_contract", 10_000, TODAY, 1)
    assert rank(wish, [stranger], WEIGHTS, TODAY, 20) == ()
