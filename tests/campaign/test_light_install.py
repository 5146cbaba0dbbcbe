"""`pip install .` into a fresh environment: the verifier and the log's tools run with the light dependencies alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.campaign
ROOT = Path(__file__).resolve().parents[2]
LIGHT = {"shugu", "rfc8785", "cryptography", "tongsuopy", "cffi", "pycparser", "pip", "setuptools", "wheel", "typing-extensions"}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, cwd=ROOT / "vectors")


def test_a_fresh_environment_verifies_and_audits(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "venv"
    files = subprocess.run(
        ["git", "ls-files", "-z", "shugu", "connector", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, files):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    subprocess.run([str(home / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", str(source)], check=True)
    listed = run(home / "bin" / "pip", "list", "--format=freeze").stdout
    assert {line.partition("==")[0].lower() for line in listed.split()} <= LIGHT
    shugu = home / "bin" / "shugu"
    key = ("--key", "venue.vkey", "--at", "2026-11-22T02:05:04Z")
    assert run(shugu, "verify", "voucher.sealed.json", *key).returncode == 0
    assert run(shugu, "verify", "intl.voucher.sealed.json", *key).returncode == 1
    assert run(shugu, "verify", "--page", tmp_path / "page.html").returncode == 0
    assert "log audit" in run(shugu, "log", "audit", "--help").stdout
    asked = run(shugu, "check")
    assert asked.returncode == 2 and ".[venue]" in asked.stderr
