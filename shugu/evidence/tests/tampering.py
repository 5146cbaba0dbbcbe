"""Somebody with the database's own rights changes rows behind everybody's back."""

from __future__ import annotations

from typing import Any

from django.db import connection


def tamper(table: str, statement: str, *values: Any) -> None:
    """Run one statement with the triggers of `table` switched off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, list(values))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
