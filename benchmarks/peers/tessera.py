"""Runs the Go program beside this file (Tessera's POSIX driver) where `go` is installed; says so loudly where not."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

NAME = "tessera 1.0.4, POSIX driver"
ENTRY_BYTES = 83  # a log entry under suite `intl`: {"sha256":"<64 hex digits>","v":1}
_SOURCE = Path(__file__).parent / "tessera_posix"
_PATIENCE = 900


def run(entries: int, folder: Path, *, rate: int = 400, seconds: int = 10) -> dict[str, Any] | None:
    """`entries` appended at once and a trickle of `rate` a second, in folders under `folder`; None without Go."""
    if shutil.which("go") is None:
        print("!! no go: the peer (Tessera) is SKIPPED", flush=True)
        return None
    program, at = folder / "tessera-peer", folder / "tessera"
    built = subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=_SOURCE, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    if built.returncode:
        print(f"!! the peer (Tessera) cannot be built and is SKIPPED: {built.stderr[-300:].strip()}", flush=True)
        return None
    at.mkdir()
    ran = subprocess.run(
        [str(program), "-dir", str(at), "-entries", str(entries), "-bytes", str(ENTRY_BYTES), "-rate", str(rate),
         "-length", f"{seconds}s"],
        capture_output=True, text=True, timeout=_PATIENCE, check=True,
    )  # fmt: skip
    shutil.rmtree(at)
    found: dict[str, Any] = json.loads(ran.stdout)
    print(
        f"{NAME}: {found['entries_per_second']:.0f} entries/s; at {found['trickle_per_second']}/s integrated after "
        f"{found['integrated_median_ms']:.0f} ms (median), {found['integrated_p99_ms']:.0f} ms (p99)", flush=True,
    )  # fmt: skip
    return found
