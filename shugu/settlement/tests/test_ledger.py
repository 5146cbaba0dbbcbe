"""The ledger's statements on PostgreSQL: floors, idempotency, immutability, one hot account, a walk beside the model."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shugu.formats.errors import ShuguError
from shugu.kernel.cases import THE_CLOCK, mandate
from shugu.kernel.errors import InputInvalid
from shugu.kernel.models import Fact
from shugu.kernel.workdays import local_day
from shugu.party.models import Organisation
from shugu.settlement import ledger
from shugu.settlement.audit import audit
from shugu.settlement.domain import Arrow, Book, Leg, Promise
from shugu.settlement.errors import InsufficientFunds, ReferenceConflict, ReservationClosed, TooMuch
from shugu.settlement.models import Account, Posting, Reservation

BY = mandate("settlement", "test")


def _client(place: int, now: datetime) -> int:
    org, _ = Organisation.objects.get_or_create(
        number=f"ORG-{place}",
        defaults={"uscc": f"T{place:017d}", "name": f"单位{place}", "kind": "enterprise", "registered_at": now},
    )
    return ledger.account("client", org.pk, now)


def _draw(batch: str, arrows: list[Arrow], now: datetime, reservation: int | None = None) -> bool:
    with transaction.atomic():
        return ledger.draw(batch, arrows, link=ledger.Link(local_day(now)), actor=BY, now=now, reservation=reservation)


def _free(account: int) -> tuple[int, int]:
    row = Account.objects.get(pk=account)
    return row.balance, row.reserved


@pytest.fixture()
def bank(db: None, now: datetime) -> int:
    return ledger.account("bank", None, now)


def test_a_batch_moves_both_ends_and_leaves_one_fact_with_its_digest(bank: int, now: datetime) -> None:
    bob, alice = _client(1, now), _client(2, now)
    assert _draw("b1", [Arrow("x1", bank, bob, 500), Arrow("x2", bob, alice, 200)], now)
    assert (_free(bank), _free(bob), _free(alice)) == ((-500, 0), (300, 0), (200, 0))
    fact = Fact.objects.get(name="settlement.posted")
    assert fact.payload is not None
    assert '"total_fen":700' in fact.payload and '"digests":{"batch":' in fact.payload
    assert audit() == []


def test_an_account_is_opened_once_for_its_owner(bank: int, now: datetime) -> None:
    assert ledger.account("bank", None, now) == bank
    assert _client(1, now) == _client(1, now) != _client(2, now)


def test_a_client_never_falls_below_zero_and_the_whole_batch_is_undone(bank: int, now: datetime) -> None:
    bob, alice = _client(1, now), _client(2, now)
    _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    with pytest.raises(InsufficientFunds):
        _draw("b2", [Arrow("x2", bank, alice, 5), Arrow("x3", bob, alice, 101)], now)
    assert _free(alice) == (0, 0) and not Posting.objects.filter(reference="x2").exists()


def test_the_same_batch_again_moves_nothing_and_other_content_is_refused(bank: int, now: datetime) -> None:
    bob = _client(1, now)
    assert _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    assert not _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    with pytest.raises(ReferenceConflict):
        _draw("b1", [Arrow("x1", bank, bob, 99)], now)
    with pytest.raises(ReferenceConflict):
        _draw("b1", [Arrow("x1", bank, bob, 100), Arrow("x2", bank, bob, 1)], now)
    assert _free(bob) == (100, 0) and Posting.objects.count() == 1 and Fact.objects.filter(name="settlement.posted").count() == 1


def test_a_reservation_is_posted_in_part_once(bank: int, now: datetime) -> None:
    bob, alice = _client(1, now), _client(2, now)
    _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    held = ledger.reserve("r1", bob, 80, now=now)
    assert ledger.reserve("r1", bob, 80, now=now) == held and _free(bob) == (100, 80)
    with pytest.raises(ReferenceConflict):
        ledger.reserve("r1", bob, 81, now=now)
    with pytest.raises(TooMuch):
        _draw("r1", [Arrow("r1/1", bob, alice, 81)], now, held)
    assert _draw("r1", [Arrow("r1/1", bob, alice, 60)], now, held)
    assert (_free(bob), _free(alice)) == ((40, 0), (60, 0))
    assert Reservation.objects.get(pk=held).posted == 60
    assert not _draw("r1", [Arrow("r1/1", bob, alice, 60)], now, held)
    with pytest.raises(ReservationClosed):
        _draw("r2", [Arrow("r2/1", bob, alice, 1)], now, held)
    assert audit() == []


def test_more_than_the_free_balance_cannot_be_reserved(bank: int, now: datetime) -> None:
    bob = _client(1, now)
    _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    ledger.reserve("r1", bob, 80, now=now)
    with pytest.raises(InsufficientFunds):
        ledger.reserve("r2", bob, 21, now=now)
    with pytest.raises(InputInvalid):
        ledger.reserve("r3", bob, 0, now=now)


def test_a_reservation_is_voided_or_expires_by_the_clock(bank: int, now: datetime) -> None:
    bob = _client(1, now)
    _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    first = ledger.reserve("r1", bob, 30, now=now)
    second = ledger.reserve("r2", bob, 30, now=now, expires_at=now + timedelta(hours=1))
    assert ledger.void(first, now=now) and not ledger.void(first, now=now)
    assert ledger.expire(now, actor=THE_CLOCK) == 0
    assert ledger.expire(now + timedelta(hours=1), actor=THE_CLOCK) == 1
    assert _free(bob) == (100, 0)
    with pytest.raises(ReservationClosed):
        ledger.void(second, now=now)
    assert Fact.objects.filter(name="reservation.expired").count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement_posting SET amount = 1",
        "DELETE FROM settlement_posting",
        "UPDATE settlement_reservation SET amount = 1",
        "DELETE FROM settlement_reservation",
        "UPDATE settlement_account SET balance = reserved - 1 WHERE kind = 'client'",
    ],
)
def test_the_database_refuses_what_would_rewrite_the_books(bank: int, now: datetime, statement: str) -> None:
    bob = _client(1, now)
    _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    ledger.reserve("r1", bob, 30, now=now)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_audit_finds_a_balance_that_its_postings_do_not_make(bank: int, now: datetime) -> None:
    bob = _client(1, now)
    _draw("b1", [Arrow("x1", bank, bob, 100)], now)
    Account.objects.filter(pk=bob).update(balance=101)
    assert {v.check for v in audit()} == {"settlement.replay", "settlement.zero"}


steps = st.one_of(
    st.tuples(st.just("in"), st.integers(0, 2), st.integers(1, 300)),
    st.tuples(st.just("move"), st.integers(0, 2), st.integers(0, 2), st.integers(1, 300)),
    st.tuples(st.just("reserve"), st.integers(0, 2), st.integers(1, 300)),
    st.tuples(st.just("post"), st.integers(0, 4), st.integers(0, 2), st.integers(1, 300)),
    st.tuples(st.just("void"), st.integers(0, 4)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(steps, max_size=12))
def test_the_database_does_what_the_model_does(bank: int, now: datetime, walk: list[tuple[object, ...]]) -> None:
    """The same walk through PostgreSQL and through the pure book ends in the same refusals and balances."""
    mark = transaction.savepoint()
    try:
        _walked(bank, now, walk)
    finally:
        # Whatever a walk ended by, the next one begins on the same books.
        transaction.savepoint_rollback(mark)


def _walked(bank: int, now: datetime, walk: list[tuple[object, ...]]) -> None:
    clients = [_client(place, now) for place in range(3)]
    book, ids = Book(bank), list[int]()
    for place, step in enumerate(walk):
        model, told, real = book, "", ""
        try:
            model = _model(book, clients, place, step, len(ids))
        except (ShuguError, KeyError) as refusal:
            told = getattr(refusal, "code", "unknown")
        try:
            with transaction.atomic():
                _real(bank, clients, ids, place, step, now)
        except (ShuguError, IndexError) as refusal:
            real = getattr(refusal, "code", "unknown")
        assert told == real, step
        book = model
    for account in (bank, *clients):
        assert _free(account) == (book.of(account).posted, book.of(account).reserved)
    assert audit() == []


def _model(book: Book, clients: list[int], place: int, step: tuple[object, ...], made: int) -> Book:
    match step:
        case ("in", int(to), int(n)):
            return book.draw([Arrow(f"a{place}", book.bank, clients[to], n)])
        case ("move", int(a), int(b), int(n)):
            return book.draw([Arrow(f"a{place}", clients[a], clients[b], n)])
        case ("reserve", int(a), int(n)):
            return book.reserve(Promise(f"p{made}", clients[a], n))
        case ("post", int(which), int(to), int(n)):
            # Both refuse to pay an account out of itself before they look at what is left: of two faults the same one.
            Arrow(f"p{which}/1", book.promises[f"p{which}"].source, clients[to], n)
            return book.post(f"p{which}", (Leg(clients[to], n),))
        case ("void", int(which)):
            return book.void(f"p{which}")
    raise AssertionError(step)


def _real(bank: int, clients: list[int], ids: list[int], place: int, step: tuple[object, ...], now: datetime) -> None:
    match step:
        case ("in", int(to), int(n)):
            _draw(f"a{place}", [Arrow(f"a{place}", bank, clients[to], n)], now)
        case ("move", int(a), int(b), int(n)):
            _draw(f"a{place}", [Arrow(f"a{place}", clients[a], clients[b], n)], now)
        case ("reserve", int(a), int(n)):
            ids.append(ledger.reserve(f"p{len(ids)}", clients[a], n, now=now))
        case ("post", int(which), int(to), int(n)):
            source = Reservation.objects.get(pk=ids[which]).source_id
            _draw(f"p{which}", [Arrow(f"p{which}/1", source, clients[to], n)], now, ids[which])
        case ("void", int(which)):
            ledger.void(ids[which], now=now)


@pytest.mark.django_db(transaction=True)
def test_many_threads_on_one_hot_account_lose_nothing_and_never_deadlock(now: datetime) -> None:
    bank = ledger.account("bank", None, now)
    hot, others = _client(0, now), [_client(place, now) for place in range(1, 5)]
    _draw("seed", [Arrow("seed0", bank, hot, 100), *[Arrow(f"seed{o}", bank, o, 1_000) for o in others]], now)
    failures: list[Exception] = []
    refused = [0] * 4

    def work(me: int) -> None:
        try:
            for n in range(25):
                # Both directions at once: without one lock order two of these would wait for each other.
                give = Arrow(f"t{me}-{n}a", hot, others[me], 7)
                take = Arrow(f"t{me}-{n}b", others[(me + 1) % 4], hot, 3)
                try:
                    _draw(f"t{me}-{n}", [give, take] if n % 2 else [take, give], now)
                except InsufficientFunds:
                    refused[me] += 1
        except (DatabaseError, ShuguError, AssertionError) as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    done = Posting.objects.filter(source_id=hot).count()
    assert done == 100 - sum(refused) and sum(refused) > 0
    assert _free(hot) == (100 - 4 * done, 0)
    assert audit() == []
