"""Quality evaluation of 10 million rows x 10 columns under 20 rules: median seconds of 3 and peak memory.

Each run is a child process of its own, so that its peak resident memory can be read when it ends.
Prints one JSON line; the goal is 10 s and 2 GiB on 2 cores.
"""

from __future__ import annotations

import argparse
import datetime
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from shugu.measure import Column, ColumnType, Dictionary, Reference, Rule, Source, evaluate

GOAL_SECONDS = 10
GOAL_MIB = 2048
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

RULES = (
    "quantity * price == amount",
    "amount >= 0",
    "quantity <= 100",
    "quantity >= 1",
    "price > 0",
    "shipped >= ordered",
    "minutes_between(ordered, shipped) <= 10080",
    "implies(state == 'paid', amount > 0)",
    "state in ('new', 'paid', 'shipped')",
    "length(city) == 3",
    "id >= 0",
    "customer < 100000",
    "implies(discount is not null, discount <= 50)",
    "amount <= 100000",
    "quantity + price > 1",
    "price % 1 == 0",
    "customer >= 0 and id >= 0",
    "not (state == 'new' and quantity > 100)",
    "iff(discount is null, id % 10 == 0)",
    "abs(amount) == amount",
)


def generate(directory: Path, rows: int) -> None:
    with duckdb.connect() as engine:
        engine.execute(
            f"""COPY (SELECT i AS id, (i * 7919) % 100000 AS customer, 'C' || lpad(((i * 31) % 100)::VARCHAR, 2, '0') AS city,
            ['new', 'paid', 'shipped'][1 + i % 3] AS state, 1 + i % 100 AS quantity, 1 + (i * 13) % 997 AS price,
            (1 + i % 100) * (1 + (i * 13) % 997) AS amount, CASE WHEN i % 10 = 0 THEN NULL ELSE i % 51 END AS discount,
            TIMESTAMP '2025-01-01' + to_seconds(i) AS ordered, TIMESTAMP '2025-01-01' + to_seconds(i + (i * 17) % 604801)
            AS shipped FROM range({rows}) t(i)) TO '{directory / "orders.parquet"}' (FORMAT parquet)"""
        )
        engine.execute(
            f"COPY (SELECT 'C' || lpad(i::VARCHAR, 2, '0') AS code FROM range(100) t(i)) TO '{directory / 'cities.parquet'}'"
        )


def dictionary() -> Dictionary:
    whole, moment, text = ColumnType.INTEGER, ColumnType.TIMESTAMP, ColumnType.TEXT
    kinds = {"id": whole, "customer": whole, "city": text, "state": text, "quantity": whole, "price": whole}
    kinds |= {"amount": whole, "discount": whole, "ordered": moment, "shipped": moment}
    columns = [
        Column(name, kind, title_zh=name, title_en=name, expected=name != "discount") for name, kind in kinds.items()
    ]
    return Dictionary(
        "orders",
        tuple(columns),
        keys=(("id",),),
        references=(Reference(("city",), "cities", ("code",), authoritative=True),),
        rules=tuple(Rule(f"rule {n}", text) for n, text in enumerate(RULES, start=1)),
    )


def child(directory: Path) -> None:
    started = time.perf_counter()
    source = Source.of(directory / "orders.parquet", related={"cities": directory / "cities.parquet"})
    report = evaluate(source, dictionary(), now=NOW)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    broken = [part.name for part in report.indicator("0104").parts if part.a != part.b]
    print(json.dumps({"seconds": seconds, "peak_mib": peak // 1024, "rows": report.profile.rows, "broken": broken}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", type=Path)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return 0
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name), options.rows)
        command = [sys.executable, "-m", "benchmarks.bench_quality", "--child", name]
        outputs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(options.runs)]
    runs = [json.loads(output.stdout) for output in outputs]
    figure = {
        "name": f"quality report, {options.rows} rows x 10 columns, {len(RULES)} rules",
        "median": round(statistics.median(run["seconds"] for run in runs), 3),
        "unit": "s",
        "goal": GOAL_SECONDS,
        "higher_is_better": False,
        "runs": [round(run["seconds"], 3) for run in runs],
        "peak_mib": max(run["peak_mib"] for run in runs),
        "peak_goal_mib": GOAL_MIB,
    }
    print(json.dumps(figure))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
