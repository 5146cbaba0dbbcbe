"""The journal: every act as one fact, written in the transaction that made it true (procedures.md section 4).

A fact's payload is canonical JSON; its random salt makes the commitment hiding. Positions are given afterwards by
one writer in commit order, so that a reader that has seen position n has seen every fact before it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from shugu.formats.canonical import canonical
from shugu.formats.canonical import parse as parse_canonical
from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.workdays import local_day

SALT_BYTES = 32
_SEQUENCER_LOCK = 0x5348_5547  # one advisory lock per database: whoever holds it gives positions


@dataclass(frozen=True)
class NewFact:
    """A fact about to be written; the engine and `record` build it, nobody else."""

    name: str
    subject: str
    payload: bytes
    salt: bytes
    digest: bytes
    digest_sm3: bytes | None
    recorded_at: datetime
    effective_on: date
    person: int | None
    org: int | None
    case: int | None = None


@dataclass(frozen=True)
class FactView:
    """A written fact as subscribers, pages and the log read it."""

    id: int
    position: int
    name: str
    subject: str
    case: int | None
    recorded_at: datetime
    effective_on: date
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Mapping[str, Any]:
        found = self.payload.get("data", {})
        return found if isinstance(found, Mapping) else {}


def build(
    name: str,
    *,
    subject: str,
    actor: Actor,
    now: datetime,
    effective_on: date | None = None,
    ground: str = "",
    data: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
    case: int | None = None,
    move: Mapping[str, Any] | None = None,
    rule_set: str = "",
) -> NewFact:
    """The fact with its commitment. `data` holds identifiers, codes and amounts, never names of people;
    `digests` names documents by SHA-256 (hex)."""
    effective = effective_on or local_day(now)
    # The row's columns hold what the payload says and nothing more, so that the audit finds any change in them.
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    payload: dict[str, Any] = {
        "v": 1,
        "fact": name,
        "venue": runtime.venue_id(),
        "subject": subject,
        "actor": actor.as_payload(),
        "recorded_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "effective_on": effective.isoformat(),
        "rule_set": rule_set or runtime.rules().id,
    }
    if case is not None:
        payload["case"] = case
    if ground:
        payload["ground"] = ground
    if move:
        payload["move"] = dict(move)
    if data:
        payload["data"] = dict(data)
    if digests:
        payload["digests"] = dict(digests)
    if runtime.demo():
        payload["demo"] = True
    encoded = canonical(payload)
    salt = os.urandom(SALT_BYTES)
    committed = salt + encoded
    return NewFact(
        name=name,
        subject=subject,
        payload=encoded,
        salt=salt,
        digest=hashlib.sha256(committed).digest(),
        digest_sm3=hashlib.new("sm3", committed).digest() if runtime.suite() == "sm" else None,
        recorded_at=now,
        effective_on=effective,
        person=actor.person,
        org=actor.org,
        case=case,
    )


COLUMNS = (
    "name, subject, case_id, person, org, recorded_at, effective_on, payload, salt, digest, digest_sm3"
)
PLACES = "%s, %s, %s::bigint, %s::bigint, %s::bigint, %s::timestamptz, %s::date, %s, %s::bytea, %s::bytea, %s::bytea"


def values(fact: NewFact) -> list[Any]:
    return [
        fact.name, fact.subject, fact.case, fact.person, fact.org, fact.recorded_at, fact.effective_on,
        fact.payload.decode(), fact.salt, fact.digest, fact.digest_sm3,
    ]  # fmt: skip


def record(name: str, *, subject: str, actor: Actor, now: datetime, **rest: Any) -> int:
    """Write a fact that is no move (a hold, a posting, a key change) in the caller's transaction; its id.

    `rest`: effective_on, ground, data, digests, case, rule_set as in `build`.
    Errors: RuntimeError outside a transaction, so that no state change can be without its fact."""
    if not connection.in_atomic_block:
        raise RuntimeError("a fact is written in the transaction of the change it tells of")
    fact = build(name, subject=subject, actor=actor, now=now, **rest)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO kernel_fact ({COLUMNS}) VALUES ({PLACES}) RETURNING id", values(fact))
        return int(cursor.fetchone()[0])


def assign_positions(limit: int = 20_000) -> tuple[int, int]:
    """Give the next positions to committed facts in (transaction, id) order; (first, after last).

    One writer: a transaction-level advisory lock; a second caller gets an empty range. Facts of transactions still
    open at our snapshot are left for the next call: the horizon never passes them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEQUENCER_LOCK])
        if not cursor.fetchone()[0]:
            return (0, 0)
        cursor.execute(
            "INSERT INTO kernel_sequencerstate (id, horizon, next_position) "
            "SELECT 1, '0', coalesce((SELECT max(position) + 1 FROM kernel_position), 0) "
            "WHERE NOT EXISTS (SELECT 1 FROM kernel_sequencerstate)"
        )
        cursor.execute("SELECT horizon, next_position, pg_snapshot_xmin(pg_current_snapshot()) FROM kernel_sequencerstate")
        horizon, first, safe = cursor.fetchone()
        if int(horizon) > int(safe):
            horizon = 0  # the database was restored into another cluster, whose transactions count anew
        cursor.execute(
            """
            WITH fresh AS (
                SELECT f.id, f.xid, row_number() OVER (ORDER BY f.xid, f.id) - 1 AS n
                FROM (SELECT id, xid FROM kernel_fact
                      WHERE xid >= %s::xid8
                        AND NOT EXISTS (SELECT 1 FROM kernel_position p WHERE p.fact_id = kernel_fact.id)
                      ORDER BY xid, id LIMIT %s) f
            ), placed AS (
                INSERT INTO kernel_position (position, fact_id) SELECT %s + n, id FROM fresh RETURNING fact_id
            )
            SELECT (SELECT count(*) FROM placed), (SELECT max(xid::text::bigint) FROM fresh)
            """,
            [str(horizon), limit, first],
        )
        count, last_xid = cursor.fetchone()
        # A full batch may have left committed facts of later transactions: go on from the last one seen.
        reached = str(safe) if count < limit else str(min(int(last_xid), int(safe)))
        if count or reached != str(horizon):
            cursor.execute(
                "UPDATE kernel_sequencerstate SET horizon = %s::xid8, next_position = %s", [reached, first + count]
            )
        return (first, first + count)


def read(first: int, limit: int = 1000) -> Iterator[FactView]:
    """Facts in position order from `first`; an erased payload reads as empty."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.id, p.position, f.name, f.subject, f.case_id, f.recorded_at, f.effective_on, f.payload "
            "FROM kernel_position p JOIN kernel_fact f ON f.id = p.fact_id "
            "WHERE p.position >= %s ORDER BY p.position LIMIT %s",
            [first, limit],
        )
        rows: Sequence[Any] = cursor.fetchall()
    for row in rows:
        payload = parse_canonical(row[7].encode()) if row[7] is not None else {}
        assert isinstance(payload, dict)
        yield FactView(row[0], row[1], row[2], row[3], row[4], row[5], row[6], payload)
