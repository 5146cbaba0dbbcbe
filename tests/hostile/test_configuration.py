"""Wrong configuration does not start: `shugu check` over a spoilt copy of the program names file, key and remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HANGZHOU = "shugu/rules/venues/hangzhou.toml"
BASELINE = "shugu/rules/regimes/baseline.toml"
RELEASED = "shugu/rules/national/data-twenty/2022-12-19.toml"
DEMAND = "shugu/market/procedures/market.demand.v1.toml"


@dataclass
class Copy:
    """A copy of the program with a home of its own; no database is touched."""

    path: Path

    def check(self) -> tuple[int, str]:
        given = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU", "PYTEST", "PYTHON", "DJANGO", "LANG", "LC_"))}
        given |= {"SHUGU_HOME": str(self.path / "home"), "SHUGU_NO_DATABASE": "1", "LANG": "en_US.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-m", "shugu.cli", "check"], cwd=self.path, env=given, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    def change(self, file: str, how: Callable[[str], str]) -> None:
        path = self.path / file
        before = path.read_text("utf-8") if path.exists() else ""
        after = how(before)
        assert after != before
        path.write_text(after, "utf-8")


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A copy as it is, and what the check of it said: compiled once, for all copies of it."""
    folder = tmp_path_factory.mktemp("program")
    shutil.copytree(ROOT / "shugu", folder / "shugu", ignore=shutil.ignore_patterns("__pycache__", "tests"))
    (folder / "home").mkdir()
    return (folder, *Copy(folder).check())


@pytest.fixture()
def copy(checked: tuple[Path, int, str], tmp_path: Path) -> Copy:
    folder = tmp_path / "spoilt"
    shutil.copytree(checked[0], folder)
    return Copy(folder)


def without(line: str) -> Callable[[str], str]:
    return lambda text: "".join(x for x in text.splitlines(keepends=True) if not x.startswith(line))


def test_the_copy_as_it_is_passes(checked: tuple[Path, int, str]) -> None:
    """Else every refusal below might be of something else."""
    _, code, said = checked
    assert code == 0, said


CASES: dict[str, tuple[str, Callable[[str], str], tuple[str, ...]]] = {
    "an unknown key in home.toml": (
        "home/home.toml", lambda _: 'colour = "red"\n', ("home.toml", "colour", "no such key", "remove it")
    ),
    "a home.toml that is no TOML": ("home/home.toml", lambda _: "venue = [\n", ("home.toml", "not TOML")),
    "a word where home.toml wants a switch": (
        "home/home.toml", lambda _: 'https = "yes"\n', ("home.toml", "https", "bool", "Correct it")
    ),
    "a mode nobody knows": ("home/home.toml", lambda _: 'mode = "rehearsal"\n', ("home.toml", "mode", "real or demo")),
    "a venue without profile": ("home/home.toml", lambda _: 'venue = "atlantis"\n', ("atlantis.toml", "cannot be read")),
    "a changed released rule file": (
        RELEASED, lambda text: text + "# a later thought\n", ("national/data-twenty/2022-12-19.toml", "released", "restore it")
    ),
    "an unknown key in a procedure": (
        DEMAND, lambda text: text.replace("[[step]]", "[[stepp]]"), ("market.demand.v1.toml", "stepp", "allowed are")
    ),
    "a procedure that is no TOML": (DEMAND, lambda text: text + "broken = [\n", ("market.demand.v1.toml", "TOML")),
    "a profile without a value a procedure counts by": (
        BASELINE, without("notice_period"), ("registry.notice_period", "objection_window")
    ),
    "a profile without a value code asks for": (
        HANGZHOU, without("sign_in_attempts"), ("hangzhou.toml", "party.sign_in_attempts", "Add it to the venue profile")
    ),
    "an unknown key of a rule value": (
        HANGZHOU, lambda text: text.replace("page_size = { value", "page_size = { colour = 1, value"),
        ("hangzhou.toml", "web.page_size.colour", "no such key"),
    ),
    "a profile that is no TOML": (HANGZHOU, lambda text: text + "broken = [\n", ("hangzhou.toml", "cannot be read")),
}  # fmt: skip


# Each asks for a whole check (four seconds of work); a like one stays in the suite.
LONG = ("a procedure that is no TOML", "a profile without a value a procedure counts by", "a profile that is no TOML",
        "an unknown key of a rule value")  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.campaign) if n in LONG else n for n in CASES])
def test_it_stops_and_says_where_and_what_to_do(copy: Copy, name: str) -> None:
    file, how, wanted = CASES[name]
    copy.change(file, how)
    code, said = copy.check()
    assert code != 0
    assert "Traceback" not in said
    assert [w for w in wanted if w not in said] == [], said
