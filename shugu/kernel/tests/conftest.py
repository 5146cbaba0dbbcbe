from __future__ import annotations

from collections.abc import Iterator

import pytest

from shugu.kernel import adoption, bulk, engine, queries, setwise, tables
from shugu.kernel.procedure import Table
from shugu.kernel.tests import bench_table
from shugu.kernel.vocabulary import VOCABULARY


@pytest.fixture()
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """The engine runs the bench tables beside the installed ones."""
    filing = bench_table.table()
    every = {**tables.all_tables(), **{t.id: {1: t} for t in (filing, bench_table.objection(), bench_table.report())}}

    def lookup(procedure: str, version: int | None = None) -> Table:
        versions = every[procedure]
        return versions[version or max(versions)]

    for module in (adoption, engine, queries, bulk, setwise):
        monkeypatch.setattr(module, "table", lookup)
    monkeypatch.setattr(queries, "all_tables", lambda: every)
    words = bench_table.words()
    for shelf in ("guards", "predicates", "effects", "contexts", "openers"):
        for name, value in getattr(words, shelf).items():
            monkeypatch.setitem(getattr(VOCABULARY, shelf), name, value)
    yield filing
