"""The meter: no byte leaves before the record of its leaving is on disk.

A block is *reserved* (a chained record, synced) before it is handed to the network, and *settled* after the network has
taken it. A crash or a lost client leaves a reservation unsettled: the bytes may have left, so they stay counted. What is
billed is the union of the reserved ranges of a delivery: a range sent twice counts as sent twice and is billed once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.formats.canonical import canonical, parse_object, sha256
from shugu.formats.times import write_time

from .ranges import Ranges, added, total
from .store import Store

GENESIS = sha256(b"shugu-meter/v1\n").hex()
BLOCK = 1 << 20


@dataclass(frozen=True)
class Delivery:
    """One performance of a grant. `sent` counts every reserved byte, `billable` the union of their ranges."""

    grant: str
    number: int
    file: str
    sha256: str
    size: int
    opened_at: str
    completed_at: str | None
    acknowledged_at: str | None
    sent: int
    billable: int
    reserved: Ranges
    settled: Ranges

    @property
    def complete(self) -> bool:
        return total(self.settled) == self.size

    @property
    def resent(self) -> int:
        return self.sent - self.billable


@dataclass(frozen=True)
class Head:
    """Last record of the chain; `n` 0 and GENESIS when it is empty."""

    n: int
    hash: str


def chained(previous: str, body: bytes) -> str:
    """hash_n = SHA-256(hash_(n-1) as 32 bytes || canonical body)."""
    return sha256(bytes.fromhex(previous) + body).hex()


def head(database: sqlite3.Connection) -> Head:
    row = database.execute("SELECT n, hash FROM meter ORDER BY n DESC LIMIT 1").fetchone()
    return Head(row["n"], row["hash"]) if row else Head(0, GENESIS)


def append(database: sqlite3.Connection, kind: str, now: datetime, **members: Any) -> int:
    """Adds one record to the chain inside the caller's transaction; returns its number."""
    last = head(database)
    body = canonical({"n": last.n + 1, "kind": kind, "at": write_time(now), **members})
    row = (last.n + 1, chained(last.hash, body), body.decode())
    database.execute("INSERT INTO meter (n, hash, body) VALUES (?, ?, ?)", row)
    return last.n + 1


def read_delivery(row: Mapping[str, Any]) -> Delivery:
    return Delivery(
        row["grant_id"], row["delivery"], row["file"], row["sha256"], row["size"], row["opened_at"],
        row["completed_at"], row["acknowledged_at"], row["sent"], row["billable"],
        _ranges(row["reserved"]), _ranges(row["settled"]),
    )  # fmt: skip


def _ranges(text: str) -> Ranges:
    return tuple((start, end) for start, end in json.loads(text))


def delivery(database: sqlite3.Connection, grant: str, number: int) -> Delivery:
    sql = "SELECT * FROM delivery WHERE grant_id = ? AND delivery = ?"
    return read_delivery(database.execute(sql, (grant, number)).fetchone())


def latest(store: Store, grant: str, file: str, digest: str) -> Delivery | None:
    """The newest delivery of this very file under the grant."""
    row = store.row(
        "SELECT * FROM delivery WHERE grant_id = ? AND file = ? AND sha256 = ? ORDER BY delivery DESC LIMIT 1",
        grant, file, digest,
    )  # fmt: skip
    return read_delivery(dict(row)) if row else None


def counted(store: Store, grant: str) -> dict[str, int]:
    """What was metered under a grant by now: deliveries begun and complete, bytes sent and billable."""
    row = store.row(
        "SELECT count(*) AS begun, count(completed_at) AS complete, coalesce(sum(sent), 0) AS sent, "
        "coalesce(sum(billable), 0) AS billable FROM delivery WHERE grant_id = ?",
        grant,
    )
    assert row is not None
    return {"deliveries": row["begun"], "complete": row["complete"], "sent": row["sent"], "billable": row["billable"]}


def open_delivery(
    database: sqlite3.Connection, grant: str, file: str, digest: str, size: int, now: datetime
) -> Delivery:
    """Starts the next delivery of a grant."""
    row = database.execute("SELECT max(delivery) AS n FROM delivery WHERE grant_id = ?", (grant,)).fetchone()
    number = (row["n"] or 0) + 1
    database.execute(
        "INSERT INTO delivery (grant_id, delivery, file, sha256, size, opened_at) VALUES (?, ?, ?, ?, ?, ?)",
        (grant, number, file, digest, size, write_time(now)),
    )
    append(database, "open", now, grant=grant, delivery=number, file=file, sha256=digest, size=size)
    return delivery(database, grant, number)


def reserve(database: sqlite3.Connection, grant: str, number: int, start: int, end: int, now: datetime) -> int:
    """Counts [start, end) as leaving; returns the record's number. The bytes may leave once the transaction is on disk."""
    before = delivery(database, grant, number)
    ranges = added(before.reserved, start, end)
    record = append(database, "reserve", now, grant=grant, delivery=number, start=start, end=end)
    database.execute(
        "UPDATE delivery SET reserved = ?, sent = sent + ?, billable = ? WHERE grant_id = ? AND delivery = ?",
        (json.dumps(ranges), end - start, total(ranges), grant, number),
    )
    return record


def settle(
    database: sqlite3.Connection, grant: str, number: int, start: int, end: int, record: int, now: datetime
) -> Delivery:
    """Notes that the network has taken the block of `record`; completes the delivery with its last gap."""
    before = delivery(database, grant, number)
    ranges = added(before.settled, start, end)
    append(database, "settle", now, grant=grant, delivery=number, start=start, end=end, of=record)
    done = before.completed_at or (write_time(now) if total(ranges) == before.size else None)
    database.execute(
        "UPDATE delivery SET settled = ?, completed_at = ? WHERE grant_id = ? AND delivery = ?",
        (json.dumps(ranges), done, grant, number),
    )
    return delivery(database, grant, number)


def acknowledge(database: sqlite3.Connection, grant: str, number: int, now: datetime) -> None:
    """The buyer has the whole file with the right digest; the next request opens a new delivery."""
    append(database, "acknowledge", now, grant=grant, delivery=number)
    database.execute(
        "UPDATE delivery SET acknowledged_at = ? WHERE grant_id = ? AND delivery = ?",
        (write_time(now), grant, number),
    )


@dataclass
class _Derived:
    """A delivery as the chain alone tells it."""

    size: int
    sent: int = 0
    settles: int = 0
    reserved: Ranges = ()
    settled: Ranges = ()


def audit(store: Store) -> list[str]:
    """Re-derives the chain and every delivery from it; returns each difference found, [] when all holds."""
    problems: list[str] = []
    previous = GENESIS
    derived: dict[tuple[str, int], _Derived] = {}
    for place, row in enumerate(store.rows("SELECT n, hash, body FROM meter ORDER BY n"), start=1):
        body = row["body"].encode()
        if row["n"] != place or row["hash"] != chained(previous, body):
            return [*problems, f"the meter chain breaks at record {place}"]
        previous = row["hash"]
        problems += _replay(derived, place, parse_object(body))
    for row in store.rows("SELECT * FROM delivery"):
        found = read_delivery(dict(row))
        wanted = derived.pop((found.grant, found.number), _Derived(-1))
        same = (found.size, found.sent, found.reserved, found.settled, found.billable) == (
            wanted.size, wanted.sent, wanted.reserved, wanted.settled, total(wanted.reserved),
        )  # fmt: skip
        if not same or bool(found.completed_at) != (total(wanted.settled) == wanted.size and wanted.settles > 0):
            problems.append(f"delivery {found.grant}/{found.number} differs from the chain")
    problems += [f"delivery {grant}/{number} is only in the chain" for grant, number in derived]
    return problems + _receipts(store)


def _replay(derived: dict[tuple[str, int], _Derived], place: int, record: Mapping[str, Any]) -> list[str]:
    kind = record["kind"]
    if kind not in ("open", "reserve", "settle", "acknowledge"):
        return []
    key = (record["grant"], record["delivery"])
    if kind == "open":
        derived[key] = _Derived(record["size"])
        return []
    if key not in derived:
        return [f"record {place} is of a delivery never opened"]
    one = derived[key]
    if kind == "reserve":
        one.sent += record["end"] - record["start"]
        one.reserved = added(one.reserved, record["start"], record["end"])
    elif kind == "settle":
        one.settles += 1
        one.settled = added(one.settled, record["start"], record["end"])
        if added(one.reserved, record["start"], record["end"]) != one.reserved:
            return [f"record {place} settles bytes never reserved"]
    return []


def _receipts(store: Store) -> list[str]:
    """Every receipt names a head that is in the chain, and counts what its delivery counted at that time."""
    problems = []
    hashes = {row["n"]: row["hash"] for row in store.rows("SELECT n, hash FROM meter")}
    given = set()
    for row in store.rows("SELECT receipt, document FROM receipt"):
        subject = json.loads(row["document"])["credentialSubject"]
        given.add((subject["grant"], subject["delivery"]))
        if hashes.get(subject["meter"]["records"]) != subject["meter"]["head"]:
            problems.append(f"receipt {row['receipt']} names a head the chain does not have")
        found = store.row(
            "SELECT billable FROM delivery WHERE grant_id = ? AND delivery = ?", subject["grant"], subject["delivery"]
        )
        if found is None or found["billable"] != subject["billable_bytes"]:
            problems.append(f"receipt {row['receipt']} differs from its delivery")
    for row in store.rows("SELECT grant_id, delivery FROM delivery WHERE completed_at IS NOT NULL"):
        if (row["grant_id"], row["delivery"]) not in given:
            problems.append(f"delivery {row['grant_id']}/{row['delivery']} is complete without a receipt")
    return problems
