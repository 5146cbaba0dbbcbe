"""Where no venue was founded, commands about one say so, with exit code 2, and make nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def shugu(home: Path, *order: str, **more: str) -> tuple[int, str]:
    given = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU", "PYTEST", "DJANGO", "LANG", "LC_"))}
    given |= {"SHUGU_HOME": str(home), "LANG": "en_US.UTF-8", **more}
    done = subprocess.run([sys.executable, "-m", "shugu.cli", *order], env=given, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "order",
    [("audit",), ("audit", "--json"), ("serve",), ("worker",), ("keys", "list"), ("chain", "status"), ("log", "rebuild"),
     ("federation", "peer", "list", "--as", "otto")],
)  # fmt: skip
def test_nothing_is_made_where_nothing_was_founded(tmp_path: Path, order: tuple[str, ...]) -> None:
    code, told = shugu(tmp_path, *order)
    assert code == 2 and "has not been founded" in told and "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1", "80.5", ""])
def test_a_port_that_is_none_is_told_as_such(tmp_path: Path, port: str) -> None:
    code, told = shugu(tmp_path, "audit", SHUGU_PORT=port)
    assert code == 2 and "SHUGU_PORT is no port" in told
