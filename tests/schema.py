"""The empty database of the present schema, made once and copied: migrating takes nine seconds of work, a copy a fraction of one.

The workers of the suite copy a template database; homes of their own copy the data directory of an embedded server.
Both are named by the content of every migration, so that a changed one makes a new template.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parents[1]
_KEPT = Path(os.environ.get("SHUGU_TEST_HOME", str(ROOT / "var" / "test")))


def digest() -> str:
    """Of Django's version and of all migrations, 16 hexadecimal digits."""
    found = hashlib.sha256(django.__version__.encode())
    for file in sorted((ROOT / "shugu").glob("**/migrations/*.py")):
        found.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time makes what the others then find."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    with (_KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def template_database(server: dict[str, Any]) -> str:
    """The name of a migrated database in the server of these settings."""
    import psycopg
    from django.core.management import call_command
    from django.db import connection

    name, making = f"shugu_schema_{digest()}", "shugu_schema_in_the_making"
    known = {"host": server["HOST"], "port": server["PORT"], "user": server["USER"], "password": server["PASSWORD"]}
    given = {k: v for k, v in known.items() if v}
    with _alone("template"), psycopg.connect(**given, dbname="postgres", autocommit=True) as admin:
        found = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'shugu\\_schema\\_%'").fetchall()
        if (name,) in found:
            return name
        for (old,) in found:
            admin.execute(f'DROP DATABASE "{old}"')
        admin.execute(f"CREATE DATABASE {making} ENCODING 'UTF8' TEMPLATE template0")
        ours = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = making
        try:
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = ours
        admin.execute(f"ALTER DATABASE {making} RENAME TO {name}")
    return name


def empty_home() -> Path:
    """A home whose embedded server, stopped, has an empty database of the present schema that belongs to no venue yet."""
    kept = _KEPT / f"schema-{digest()}"
    with _alone("schema"):
        if not (kept / "made").exists():
            for old in _KEPT.glob("schema-*"):
                shutil.rmtree(old)
            kept.mkdir()
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DATABASE_URL", "PYTEST_"))}
            subprocess.run(
                [sys.executable, "-m", "django", "migrate", "--verbosity=0"], check=True, cwd=ROOT,
                env={**clean, "SHUGU_HOME": str(kept), "DJANGO_SETTINGS_MODULE": "shugu.settings"},
            )  # fmt: skip
            (kept / "made").touch()
    return kept


def copy_into(home: Path) -> None:
    """The data directory of `empty_home` into a new home."""
    home.mkdir(parents=True, exist_ok=True)
    # Its owner is the server's own user where we run as root: ownership has to be kept.
    subprocess.run(["cp", "-a", str(empty_home() / "postgres"), str(home / "postgres")], check=True)
