"""Run every benchmark in a process of its own and gather what they print into bench-out/figures.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    out = HERE.parent / "bench-out"
    out.mkdir(exist_ok=True)
    figures, failed = [], []
    for script in sorted(HERE.glob("bench_*.py")):
        if names and script.stem.removeprefix("bench_") not in names:
            continue
        print(f"== {script.stem}", flush=True)
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script)], stdout=subprocess.PIPE, text=True, cwd=HERE.parent
        )
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("{"):
                print("  " + line.rstrip())
                continue
            figure = json.loads(line)
            figures.append({k: figure.get(k) for k in ("name", "median", "unit", "goal", "higher_is_better", "runs", "peer")})
            more = figure["higher_is_better"]
            met = figure["median"] >= figure["goal"] if more else figure["median"] <= figure["goal"]
            told = f"{figure['name']}: {figure['median']} {figure['unit']} (goal {figure['goal']})"
            print(f"  {'✓' if met else '✗'} {told}", flush=True)
        if process.wait() != 0:
            failed.append(script.stem)
    (out / "figures.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), "utf-8")
    if failed:
        print("failed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
