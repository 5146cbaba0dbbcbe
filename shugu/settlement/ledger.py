"""The ledger's statements: one round trip draws a batch of arrows, moves the balances and writes the fact.

Accounts are locked in id order within the statement, so two batches never wait for each other in a circle. The
floors are CHECK constraints: an overdraft fails as a whole. PostgreSQL only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from shugu.formats.canonical import digest_hex
from shugu.kernel import journal
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.settlement.domain import PHASE_TITLES, AccountKind, Arrow
from shugu.settlement.errors import InsufficientFunds, ReferenceConflict, ReservationClosed, TooMuch

MAX_BATCH = 5_000


@dataclass(frozen=True)
class Link:
    """What an arrow belongs to besides itself, and the day it counts for."""

    effective_on: date
    escrow: int | None = None
    run: int | None = None


def account(kind: AccountKind | str, org: int | None, now: datetime) -> int:
    """The id of an owner's account, opened when first needed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM settlement_account WHERE kind = %s AND org_id IS NOT DISTINCT FROM %s::bigint", [str(kind), org]
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "INSERT INTO settlement_account (kind, org_id, balance, reserved, opened_at) VALUES (%s, %s, 0, 0, %s) "
                "ON CONFLICT (kind, org_id) DO UPDATE SET kind = excluded.kind RETURNING id",
                [str(kind), org, now],
            )
            row = cursor.fetchone()
        return int(row[0])


_LOCK_AND_MOVE = """
, change AS (
    SELECT id, sum(posted)::bigint AS posted, sum(reserved)::bigint AS reserved FROM side GROUP BY id
), locked AS MATERIALIZED (
    SELECT a.id, c.posted, c.reserved FROM settlement_account a JOIN change c ON c.id = a.id
    ORDER BY a.id FOR NO KEY UPDATE OF a
), moved AS (
    UPDATE settlement_account a SET balance = a.balance + l.posted, reserved = a.reserved + l.reserved
    FROM locked l WHERE a.id = l.id RETURNING a.id
)
"""

_DRAW = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g(r text, s bigint, d bigint, a bigint, k text)
), fresh AS (
    INSERT INTO settlement_posting (reference, source_id, destination_id, amount, kind, escrow_id, run_id, posted_at,
                                    effective_on)
    SELECT r, s, d, a, k, %s::bigint, %s::bigint, %s::timestamptz, %s::date FROM given
    ON CONFLICT (reference) DO NOTHING RETURNING source_id, destination_id, amount
), closed AS (
    UPDATE settlement_reservation SET state = 'posted', posted = %s, closed_at = %s
    WHERE id = %s::bigint AND state = 'pending' AND EXISTS (SELECT 1 FROM fresh) RETURNING source_id, amount
), side AS (
    SELECT source_id AS id, -amount AS posted, 0 AS reserved FROM fresh
    UNION ALL SELECT destination_id, amount, 0 FROM fresh
    UNION ALL SELECT source_id, 0, -amount FROM closed
) {_LOCK_AND_MOVE}, written AS (
    INSERT INTO kernel_fact ({journal.COLUMNS}) SELECT {journal.PLACES} WHERE EXISTS (SELECT 1 FROM fresh) RETURNING id
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM closed), (SELECT id FROM written), (SELECT count(*) FROM moved)
"""


def draw(
    batch: str, arrows: Sequence[Arrow], *, link: Link, actor: Actor, now: datetime, reservation: int | None = None
) -> bool:
    """Draw the arrows, all or nothing; False when exactly this batch was drawn before.

    `batch` names the batch in its fact `settlement.posted`; `reservation` is closed by it, and what its account
    gives must be within its amount. Errors: InsufficientFunds, ReferenceConflict, ReservationClosed, TooMuch.
    """
    if not 0 < len(arrows) <= MAX_BATCH or len({a.reference for a in arrows}) != len(arrows):
        problem = (f"一批须有 1–{MAX_BATCH} 笔且凭证号各异", f"a batch has 1–{MAX_BATCH} arrows with different references")
        raise InputInvalid(fields="arrows", field_errors={"arrows": problem})
    moved = _within(reservation, arrows) if reservation is not None else 0
    plain = [{"r": a.reference, "s": a.source, "d": a.destination, "a": a.amount, "k": str(a.kind)} for a in arrows]
    fact = journal.build(
        "settlement.posted", subject=f"settlement.batch:{batch}", actor=actor, now=now, effective_on=link.effective_on,
        data={"batch": batch, "count": len(arrows), "total_fen": sum(a.amount for a in arrows)},
        digests={"batch": digest_hex(plain)},
    )  # fmt: skip
    values = [
        json.dumps(plain), link.escrow, link.run, now, link.effective_on, moved, now, reservation, *journal.values(fact),
    ]  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_DRAW, values)
            fresh, closed, _, _ = cursor.fetchone()
            if fresh == 0:
                _same(plain)
                return False
            if fresh != len(arrows):
                raise ReferenceConflict(reference=batch)
            if reservation is not None and not closed:
                raise ReservationClosed(state=PHASE_TITLES[_phase(reservation)])
            return True
    except IntegrityError as error:
        raise _floor(error) from error


def _within(reservation: int, arrows: Sequence[Arrow]) -> int:
    """How much the arrows take from the reserved account. Errors: NotFound, TooMuch."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT source_id, amount FROM settlement_reservation WHERE id = %s", [reservation])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(what=("预留", "reservation"))
    taken = sum(a.amount for a in arrows if a.source == row[0])
    if taken > row[1]:
        raise TooMuch()
    return taken


def _phase(reservation: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM settlement_reservation WHERE id = %s", [reservation])
        return str(cursor.fetchone()[0])


def _same(plain: list[dict[str, Any]]) -> None:
    """The same references must stand for the same arrows. Errors: ReferenceConflict."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reference, source_id, destination_id, amount, kind FROM settlement_posting WHERE reference = ANY(%s)",
            [[row["r"] for row in plain]],
        )
        known = {row[0]: row for row in cursor.fetchall()}
    for row in plain:
        if known.get(row["r"]) != (row["r"], row["s"], row["d"], row["a"], row["k"]):
            raise ReferenceConflict(reference=row["r"])


def _floor(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
    return InsufficientFunds() if name in ("account_floor", "account_reserved") else error


_RESERVE = f"""
WITH fresh AS (
    INSERT INTO settlement_reservation (reference, source_id, amount, posted, state, escrow_id, reserved_at, expires_at)
    VALUES (%s, %s, %s, 0, 'pending', %s, %s, %s)
    ON CONFLICT (reference) DO NOTHING RETURNING id, source_id, amount
), side AS (SELECT source_id AS id, 0 AS posted, amount AS reserved FROM fresh) {_LOCK_AND_MOVE}
SELECT (SELECT id FROM fresh), (SELECT count(*) FROM moved)
"""


def reserve(
    reference: str, source: int, amount: int, *, now: datetime, escrow: int | None = None, expires_at: datetime | None = None
) -> int:
    """First phase: promise `amount` of an account; the reservation's id, the same again for the same content.
    Errors: InsufficientFunds, ReferenceConflict, InputInvalid."""
    if type(amount) is not int or amount <= 0:
        raise InputInvalid(fields="amount", field_errors={"amount": ("须为正的整数分", "a positive integer of fen")})
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_RESERVE, [reference, source, amount, escrow, now, expires_at])
            found = cursor.fetchone()[0]
            if found is not None:
                return int(found)
            cursor.execute(
                "SELECT id, source_id, amount, escrow_id FROM settlement_reservation WHERE reference = %s", [reference]
            )
            known = cursor.fetchone()
            if known[1:] != (source, amount, escrow):
                raise ReferenceConflict(reference=reference)
            return int(known[0])
    except IntegrityError as error:
        raise _floor(error) from error


_CLOSE = f"""
WITH closed AS (
    UPDATE settlement_reservation SET state = %s, closed_at = %s
    WHERE id = ANY(%s) AND state = 'pending' RETURNING source_id, amount
), side AS (SELECT source_id AS id, 0 AS posted, -amount AS reserved FROM closed) {_LOCK_AND_MOVE}
SELECT (SELECT count(*) FROM closed), (SELECT count(*) FROM moved)
"""


def void(reservation: int, *, now: datetime) -> bool:
    """Free the whole reservation; False when it was voided before. Errors: ReservationClosed."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, ["voided", now, [reservation]])
        if cursor.fetchone()[0]:
            return True
    phase = _phase(reservation)
    if phase != "voided":
        raise ReservationClosed(state=PHASE_TITLES[phase])
    return False


def expire(now: datetime, *, actor: Actor, limit: int = 500) -> int:
    """Free the reservations whose time is up; one fact `reservation.expired` each. How many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, amount FROM settlement_reservation WHERE state = 'pending' AND expires_at <= %s "
            "ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
            [now, limit],
        )
        due = cursor.fetchall()
        if due:
            cursor.execute(_CLOSE, ["expired", now, [row[0] for row in due]])
        for key, amount in due:
            journal.record(
                "reservation.expired", subject=f"settlement.reservation:{key}", actor=actor, now=now,
                data={"amount_fen": amount}, effective_on=local_day(now),
            )  # fmt: skip
        return len(due)
