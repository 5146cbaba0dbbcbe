"""The connector's durable state: one SQLite file, written ahead and synced in full before anything is acknowledged."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from .errors import HomeNotReady

SCHEMA = """
CREATE TABLE IF NOT EXISTS product (
  product TEXT NOT NULL, file TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, dictionary TEXT NOT NULL, related TEXT NOT NULL, PRIMARY KEY (product, file));
CREATE TABLE IF NOT EXISTS grants (
  grant_id TEXT PRIMARY KEY, digest TEXT NOT NULL, document TEXT NOT NULL, state TEXT NOT NULL
  CHECK (state IN ('active', 'suspended', 'revoked')), sequence INTEGER NOT NULL,
  bucket INTEGER, bucket_ms INTEGER);
CREATE TABLE IF NOT EXISTS request (grant_id TEXT NOT NULL, at_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS request_recent ON request (grant_id, at_ms);
CREATE TABLE IF NOT EXISTS delivery (
  grant_id TEXT NOT NULL, delivery INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  opened_at TEXT NOT NULL, completed_at TEXT, acknowledged_at TEXT, sent INTEGER NOT NULL DEFAULT 0,
  billable INTEGER NOT NULL DEFAULT 0, reserved TEXT NOT NULL DEFAULT '[]', settled TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (grant_id, delivery));
CREATE TABLE IF NOT EXISTS meter (n INTEGER PRIMARY KEY, hash TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS receipt (
  receipt TEXT PRIMARY KEY, grant_id TEXT NOT NULL, document TEXT NOT NULL, posted_at TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS quality_order (order_id TEXT PRIMARY KEY, digest TEXT NOT NULL, document TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS meter_no_update BEFORE UPDATE ON meter BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS meter_no_delete BEFORE DELETE ON meter BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""


class Store:
    """One connection, one writer at a time; a transaction that returns is on disk."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        except sqlite3.Error as error:
            raise HomeNotReady(path=str(path), detail=str(error)) from error
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.executescript(SCHEMA)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            finally:
                # Whatever ended the block before its commit, a refusal or a full disk, leaves nothing behind.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        return next(iter(self.rows(sql, *values)), None)

    def close(self) -> None:
        with self._lock:
            self._database.close()
