"""The ledger in memory: whatever is done, nothing is created, nobody overdraws, replay gives the balances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats.errors import ShuguError
from shugu.kernel.errors import InputInvalid
from shugu.kernel.money import bps, split
from shugu.settlement.domain import (
    Arrow,
    Book,
    Fee,
    Leg,
    Phase,
    Promise,
    Sale,
    ShareOf,
    divide,
    replay,
)
from shugu.settlement.errors import InsufficientFunds, ReferenceConflict, ReservationClosed, TooMuch

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
BANK = "bank"
ACCOUNTS = ("alice", "bob", "carol", "venue")
amounts = st.integers(1, 10_000)
acts = st.one_of(
    st.tuples(st.just("deposit"), st.sampled_from(ACCOUNTS), amounts),
    st.tuples(st.just("move"), st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), amounts),
    st.tuples(st.just("reserve"), st.sampled_from(ACCOUNTS), amounts),
    st.tuples(st.just("post"), st.integers(0, 9), st.lists(st.tuples(st.sampled_from(ACCOUNTS), amounts), max_size=4)),
    st.tuples(st.just("void"), st.integers(0, 9)),
    st.tuples(st.just("expire"), st.integers(0, 12)),
    st.tuples(st.just("refund"), st.sampled_from(ACCOUNTS), amounts),
)


def _apply(book: Book, place: int, act: tuple[object, ...]) -> Book:
    match act:
        case ("deposit", str(to), int(amount)):
            return book.draw([Arrow(f"a{place}", BANK, to, amount)])
        case ("refund", str(of), int(amount)):
            return book.draw([Arrow(f"a{place}", of, BANK, amount)])
        case ("move", str(source), str(to), int(amount)):
            return book.draw([Arrow(f"a{place}", source, to, amount)])
        case ("reserve", str(source), int(amount)):
            return book.reserve(Promise(f"p{len(book.promises)}", source, amount, START + timedelta(days=place % 5)))
        case ("post", int(which), list(legs)):
            return book.post(f"p{which}", tuple(Leg(to, amount) for to, amount in legs))
        case ("void", int(which)):
            return book.void(f"p{which}")
        case ("expire", int(days)):
            return book.expire(START + timedelta(days=days))
    raise AssertionError(act)


def _holds(book: Book) -> None:
    assert sum(b.posted for b in book.balances.values()) == 0
    for account, balance in book.balances.items():
        assert account == BANK or (balance.free >= 0 and balance.reserved >= 0)
        pending = [p.amount for p in book.promises.values() if p.source == account and p.phase is Phase.PENDING]
        assert balance.reserved == sum(pending)
    replayed = replay(book.arrows.values())
    assert {a: b.posted for a, b in book.balances.items() if b.posted} == {a: n for a, n in replayed.items() if n}


@settings(max_examples=100, deadline=None)
@given(st.lists(acts, max_size=40))
def test_any_sequence_of_acts_keeps_the_books_whole(sequence: list[tuple[object, ...]]) -> None:
    book = Book(BANK)
    for place, act in enumerate(sequence):
        try:
            after = _apply(book, place, act)
        except (ShuguError, KeyError):
            after = book
        book = after
        _holds(book)


def _sale(price: int, venue: int, bodies: list[int], parts: list[int], payer: str, relief: int) -> Sale | None:
    fees = [Fee("venue", None, payer, int(bps(price, venue)))]
    fees += [Fee("service_body", 100 + n, payer, int(bps(price, rate))) for n, rate in enumerate(bodies)]
    net = price - (sum(f.amount for f in fees) if payer == "provider" else 0)
    if net < 0:
        return None
    amounts = split(net, [(2 + n, p) for n, p in enumerate(parts)])
    shares = tuple(ShareOf(2 + n, p, int(amounts[2 + n])) for n, p in enumerate(parts))
    return Sale(price, 1, 2, tuple(fees), shares, relief)


@settings(max_examples=100, deadline=None)
@given(
    price=st.integers(1, 10**13),
    venue=st.integers(0, 3000),
    bodies=st.lists(st.integers(0, 2000), max_size=3),
    parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    payer=st.sampled_from(["provider", "buyer"]),
    relief=st.integers(0, 10_000),
)
def test_every_division_is_exact_to_the_fen(
    price: int, venue: int, bodies: list[int], parts: list[int], payer: str, relief: int
) -> None:
    sale = _sale(price, venue, bodies, parts, payer, relief)
    if sale is None:
        return
    division = divide(sale)
    assert division.requested == price + sale.borne_by("buyer")
    assert sum(amount for _, amount, _ in division.dues) == division.requested
    assert all(amount > 0 for _, amount, _ in division.dues)
    book = Book(BANK).draw([Arrow("in", BANK, ("client", 1), division.requested)])
    book = book.draw([Arrow(f"m{n}", m.source, m.destination, m.amount) for n, m in enumerate(division.moves)])
    owed: dict[object, int] = {}
    for owner, amount, _ in division.dues:
        owed[owner] = owed.get(owner, 0) + amount
    held = {owner: b.posted for owner, b in book.balances.items() if b.posted and owner != BANK}
    assert held == owed
    assert Sale.from_terms(sale.as_terms()) == sale


def test_relief_goes_back_to_the_right_holders_by_parts_to_the_last_fen() -> None:
    sale = _sale(100_000, 250, [], [1, 1, 1], "provider", 2_000)
    assert sale is not None
    division = divide(sale)
    back = [(m.destination, m.amount) for m in division.moves if m.kind == "fee_relief"]
    assert (division.venue_fee, division.relief) == (2_500, 500)
    assert back == [(("client", 2), 167), (("client", 3), 167), (("client", 4), 166)]
    assert (("venue_fee", None), 2_000, "venue_fee") in division.dues


def test_lines_that_do_not_sum_to_the_price_are_refused() -> None:
    with pytest.raises(InputInvalid):
        divide(Sale(10_000, 1, 2, (Fee("venue", None, "provider", 250),), (ShareOf(2, 1, 9_751),)))


def test_a_reservation_is_posted_in_part_and_the_rest_is_free_again() -> None:
    book = Book(BANK).draw([Arrow("in", BANK, "bob", 100)]).reserve(Promise("p", "bob", 80))
    assert book.of("bob").free == 20
    book = book.post("p", (Leg("alice", 50), Leg("venue", 10)))
    assert (book.of("bob").free, book.of("bob").reserved, book.of("alice").posted) == (40, 0, 50)


def test_reserved_money_cannot_be_spent_twice() -> None:
    book = Book(BANK).draw([Arrow("in", BANK, "bob", 100)]).reserve(Promise("p", "bob", 80))
    with pytest.raises(InsufficientFunds):
        book.draw([Arrow("x", "bob", "alice", 21)])
    with pytest.raises(InsufficientFunds):
        book.reserve(Promise("q", "bob", 21))
    with pytest.raises(TooMuch):
        book.post("p", (Leg("alice", 81),))


def test_the_same_reference_gives_the_same_answer_and_another_content_is_refused() -> None:
    book = Book(BANK).draw([Arrow("in", BANK, "bob", 100)])
    assert book.draw([Arrow("in", BANK, "bob", 100)]) == book
    with pytest.raises(ReferenceConflict):
        book.draw([Arrow("in", BANK, "bob", 99)])
    book = book.reserve(Promise("p", "bob", 80))
    assert book.reserve(Promise("p", "bob", 80)) == book
    with pytest.raises(ReferenceConflict):
        book.reserve(Promise("p", "bob", 79))
    posted = book.post("p", (Leg("alice", 1),))
    assert posted.post("p", (Leg("alice", 1),)) == posted
    with pytest.raises(ReferenceConflict):
        posted.post("p", (Leg("alice", 2),))


def test_a_closed_reservation_stays_closed() -> None:
    book = Book(BANK).draw([Arrow("in", BANK, "bob", 100)]).reserve(Promise("p", "bob", 80, START))
    expired = book.expire(START)
    assert expired.of("bob").free == 100
    with pytest.raises(ReservationClosed):
        expired.post("p", (Leg("alice", 1),))
    with pytest.raises(ReservationClosed):
        expired.void("p")


@pytest.mark.parametrize("amount", [0, -1, 1.5, True])
def test_it_refuses_an_amount_that_is_no_positive_whole_number_of_fen(amount: object) -> None:
    with pytest.raises(InputInvalid):
        Arrow("x", "a", "b", amount)  # type: ignore[arg-type]
