"""The first trade, headless and whole: `shugu demo` in a fresh home, three times; and its quality step."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3
GOAL, QUALITY_GOAL = 60, 30
ROOT = Path(__file__).resolve().parents[1]


def once() -> tuple[float, float]:
    """Seconds from an empty folder to the verified voucher, and those of the quality step among them."""
    folder = Path(tempfile.mkdtemp(prefix="shugu-first-trade-"))
    folder.chmod(0o755)  # the embedded server runs as another user when root measures
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DJANGO_"))}
    command = [sys.executable, "-m", "shugu.cli", "demo", "--out", str(folder / "out")]
    try:
        started = time.perf_counter()
        done = subprocess.run(
            command, cwd=ROOT, env=clean | {"SHUGU_HOME": str(folder / "home")}, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        summary = json.loads((folder / "out" / "summary.json").read_text("utf-8"))
        quality = next(step["seconds"] for step in summary["steps"] if "quality" in step.values())
        return seconds, float(quality)
    finally:
        shutil.rmtree(folder)


def told(name: str, runs: list[float], goal: int) -> str:
    return json.dumps(
        {
            "name": name, "median": round(statistics.median(runs), 2), "unit": "s", "goal": goal, "higher_is_better": False,
            "runs": [round(r, 2) for r in runs], "peer": None,
        }
    )  # fmt: skip


def main() -> None:
    both = [once() for _ in range(RUNS)]
    print(told("first trade, headless, whole", [whole for whole, _ in both], GOAL))
    print(told("first trade, quality of 336,776 rows beside the data", [quality for _, quality in both], QUALITY_GOAL))


if __name__ == "__main__":
    main()
