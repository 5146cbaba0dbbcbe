"""All procedure tables of the installed apps, loaded and checked once when the process starts."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

from django.apps import apps

from shugu.kernel.procedure import ProcedureError, Table, load_table
from shugu.kernel.regimes import every_value
from shugu.kernel.table_checks import defects
from shugu.kernel.vocabulary import VOCABULARY

PERIODS = ("wd", "cd", "month", "year")


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


def source_of_table(procedure: str, version: int) -> str:
    """The text of a table's file, for whoever is to walk a case again. Errors: ProcedureError."""
    wanted = table(procedure, version)
    for config in apps.get_app_configs():
        path = Path(config.path, "procedures", f"{wanted.key}.toml")
        if path.exists():
            return path.read_text("utf-8")
    raise ProcedureError(f"{wanted.key} has no file")


def all_defects() -> list[str]:
    """What would refuse the start: every defect of every table."""
    from shugu.kernel import clock, runtime
    from shugu.kernel.workdays import local_day

    # The wall clock: the check runs before a database exists, and a shifted clock lives in the database.
    today = local_day(clock.wall())
    rules = runtime.rules_on(today)
    elsewhere = frozenset(name for name, unit in every_value(today) if unit in PERIODS)
    serves: dict[str, list[str]] = {}
    for register in rules.profile.registers:
        for procedure in set(register.procedures.values()):
            serves.setdefault(procedure, []).append(register.id)

    def is_period(name: str, register: str | None) -> bool:
        value = rules.get(name, register=register)
        return value is not None and value.unit in PERIODS

    def has_rule(procedure: str, name: str) -> bool:
        """In each register of the venue that the table serves; one that serves none, anywhere."""
        registers = serves.get(procedure)
        if registers is None:
            return is_period(name, None) or name in elsewhere
        return all(is_period(name, register) for register in registers)

    ids = frozenset(all_tables())
    return [
        d
        for versions in all_tables().values()
        for t in versions.values()
        for d in defects(t, VOCABULARY, partial(has_rule, t.id), ids)
    ]
