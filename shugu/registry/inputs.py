"""How the inputs of a registration's acts are asked for, as the regimes' rules say.

`registry.inputs`: rows { id, zh, en, kind, table }. `kind` is one of the page's (line, text, day, number, tick, choice,
choices); for choice and choices `table` names the value that holds the codes, read from the rules of the case's register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.regimes import load_regime, regime_ids
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import applications
from shugu.web import case_acts

RULE = "registry.inputs"


def register() -> None:
    """Once, when the process starts. A regime that cannot be read is told by the system check, not here."""
    today = local_day(clock.wall())
    for regime in regime_ids():
        for row in _rows(regime, today):
            options = partial(_options, str(row["table"])) if row.get("table") else None
            case_acts.name_input(str(row["id"]), str(row["zh"]), str(row["en"]), str(row.get("kind", "line")), options)


def _rows(regime: str, on: date) -> tuple[Mapping[str, Any], ...]:
    try:
        found = load_regime(regime, on).values.get(RULE)
    except ShuguError:
        return ()
    return found.rows if found is not None else ()


def _options(name: str, case: int) -> Iterable[tuple[str, Text]]:
    register = str(cases.view_of(case)[1].data["register"])
    return applications.code_table(applications.rules_of(register), name).items()
