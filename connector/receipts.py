"""Delivery receipts, signed by the connector, and the outbox that brings them to the exchange at least once."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

import httpx

from shugu.formats.credential import Document
from shugu.formats.delivery import Grant, Kind, sign_document
from shugu.formats.times import write_time

from .home import Home
from .meter import Delivery, head

FIRST_RETRY_MS = 1_000
LONGEST_RETRY_MS = 300_000


def number_of(delivery: Delivery) -> str:
    return f"{delivery.grant}.{delivery.number}"


def issue(home: Home, database: sqlite3.Connection, grant: Grant, delivery: Delivery, now: datetime) -> Document:
    """Signs the receipt of a completed delivery and queues it, inside the transaction that completed it."""
    last = head(database)
    subject: Document = {
        "receipt": number_of(delivery),
        "connector": home.id,
        "contract": grant.contract,
        "contract_sha256": grant.contract_sha256,
        "grant": grant.grant,
        "buyer": grant.buyer,
        "product": grant.product,
        "product_version": grant.product_version,
        "delivery": delivery.number,
        "file": delivery.file,
        "file_sha256": delivery.sha256,
        "size": delivery.size,
        "ranges": [list(part) for part in delivery.settled],
        "billable_bytes": delivery.billable,
        "sent_bytes": delivery.sent,
        "resent_bytes": delivery.resent,
        "started_at": delivery.opened_at,
        "completed_at": write_time(now),
        "meter": {"head": last.hash, "records": last.n},
    }
    document = sign_document(Kind.RECEIPT, subject, home.keys, now)
    database.execute(
        "INSERT INTO receipt (receipt, grant_id, document) VALUES (?, ?, ?)",
        (number_of(delivery), grant.grant, json.dumps(document, ensure_ascii=False)),
    )
    return document


def of_grant(home: Home, grant: str) -> list[Document]:
    rows = home.store.rows("SELECT document FROM receipt WHERE grant_id = ? ORDER BY rowid", grant)
    return [json.loads(row["document"]) for row in rows]


async def post_due(home: Home, client: httpx.AsyncClient, now: datetime) -> int:
    """Posts every receipt that is due; returns how many the exchange took. A failure waits twice as long each time.

    200-299 is taken, and so is 409: the exchange has it already.
    """
    now_ms = int(now.timestamp() * 1000)
    due = home.store.rows(
        "SELECT receipt, document, attempts FROM receipt WHERE posted_at IS NULL AND due_ms <= ? ORDER BY rowid LIMIT 50",
        now_ms,
    )
    taken = 0
    for row in due:
        status = await _post(client, home.receipts_url, json.loads(row["document"]))
        with home.store.transaction() as database:
            if 200 <= status < 300 or status == 409:
                taken += 1
                database.execute(
                    "UPDATE receipt SET posted_at = ?, attempts = attempts + 1 WHERE receipt = ?",
                    (write_time(now), row["receipt"]),
                )
            else:
                wait = min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(row["attempts"], 10))
                database.execute(
                    "UPDATE receipt SET attempts = attempts + 1, due_ms = ? WHERE receipt = ?",
                    (now_ms + wait, row["receipt"]),
                )
    return taken


async def _post(client: httpx.AsyncClient, url: str, document: Any) -> int:
    """HTTP status, 0 when the exchange cannot be reached."""
    try:
        return (await client.post(url, json=document, timeout=10)).status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return 0
