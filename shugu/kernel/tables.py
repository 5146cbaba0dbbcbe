"""All procedure tables of the installed apps, loaded and checked once when the process starts."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.apps import apps

from shugu.kernel.procedure import ProcedureError, Table, load_table
from shugu.kernel.regimes import every_length
from shugu.kernel.table_checks import defects
from shugu.kernel.vocabulary import VOCABULARY


@lru_cache(maxsize=1)
def all_tables() -> dict[str, dict[int, Table]]:
    """{procedure id: {version: table}}. Errors: ProcedureError for a file that cannot be read or is double."""
    found: dict[str, dict[int, Table]] = {}
    for config in apps.get_app_configs():
        if not config.name.startswith("shugu."):
            continue
        for path in sorted(Path(config.path, "procedures").glob("*.toml")):
            table_ = load_table(path, config.label)
            if table_.version in found.setdefault(table_.id, {}):
                raise ProcedureError(f"{path}: {table_.key} exists twice")
            found[table_.id][table_.version] = table_
    return found


def table(procedure: str, version: int | None = None) -> Table:
    """The newest version of a procedure, or the one a case runs under. Errors: ProcedureError."""
    versions = all_tables().get(procedure)
    if not versions:
        raise ProcedureError(f"no procedure {procedure!r}; known are {sorted(all_tables())}")
    return versions[version if version is not None else max(versions)]


def all_defects() -> list[str]:
    """What would refuse the start: every defect of every table."""
    from shugu.kernel import clock, runtime
    from shugu.kernel.workdays import local_day

    # The wall clock: the check runs before a database exists, and a shifted clock lives in the database.
    today = local_day(clock.wall())
    rules, of_regimes = runtime.rules_on(today), every_length(today)

    def has_rule(name: str) -> bool:
        value = rules.get(name)
        return name in of_regimes or (value is not None and value.unit in ("wd", "cd", "month", "year"))

    ids = frozenset(all_tables())
    return [
        d for versions in all_tables().values() for t in versions.values() for d in defects(t, VOCABULARY, has_rule, ids)
    ]
