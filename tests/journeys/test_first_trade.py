"""The first trade as a newcomer runs it: `shugu demo` in a fresh home, then everything it left is checked from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("first-trade")


def run(*command: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DJANGO_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=400,
        env={**clean, "SHUGU_HOME": str(home), "PYTHONWARNINGS": "ignore", **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a finished first trade: home/ and out/."""
    place = tmp_path_factory.mktemp("first-trade")
    port = 18000 + os.getpid() % 2000
    done = run("shugu.cli", "demo", "--out", str(place / "out"), home=place / "home", SHUGU_PORT=str(port))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    yield place


def summary(place: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((place / "out" / "summary.json").read_text("utf-8"))
    return loaded


def test_every_step_held_and_left_its_facts(told: Path) -> None:
    """Registration, compliance report, contract, money and delivery each leave their records. carries: S0-021"""
    found = summary(told)
    assert found["ok"] is True
    assert all(step["ok"] for step in found["steps"])
    positions = [n for step in found["steps"] for n in step["facts"]]
    assert positions == list(range(len(positions)))
    for step in found["steps"]:
        for name in step["files"]:
            assert (told / "out" / name).stat().st_size > 0, name


@pytest.mark.parametrize("name", ["certificate", "contract", "voucher"])
def test_a_stranger_verifies_each_document_offline(told: Path, name: str) -> None:
    """The sealed certificate proves that its hash is in the log. carries: P3-245"""
    out = told / "out"
    for file in (f"{name}.json", f"{name}.sealed.json"):
        done = run("shugu.cli", "verify", str(out / file), "--key", str(out / "venue.vkey"), home=told / "nowhere")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_tampered_voucher_fails(told: Path, tmp_path: Path) -> None:
    out = told / "out"
    document = json.loads((out / "voucher.sealed.json").read_text("utf-8"))
    document["credential"]["credentialSubject"]["number"] += "0"
    from shugu.formats.canonical import canonical

    (tmp_path / "voucher.json").write_bytes(canonical(document))
    done = run("shugu.cli", "verify", str(tmp_path / "voucher.json"), "--key", str(out / "venue.vkey"), home=told / "nowhere")
    assert done.returncode == 1


def test_a_voucher_without_its_proof_is_signed_but_not_sealed(told: Path, tmp_path: Path) -> None:
    (tmp_path / "alone.json").write_bytes((told / "out" / "voucher.json").read_bytes())
    done = run(
        "shugu.cli", "verify", str(tmp_path / "alone.json"), "--key", str(told / "out" / "venue.vkey"), home=told / "nowhere"
    )
    assert done.returncode == 3


def test_the_audit_of_the_kept_home_finds_nothing(told: Path) -> None:
    done = run("shugu.cli", "audit", home=told / "home" / "demo")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_run_tells_no_second_story_and_audits_the_first(told: Path) -> None:
    done = run("shugu.cli", "demo", "--out", str(told / "again"), home=told / "home")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert summary(told)["ok"]
