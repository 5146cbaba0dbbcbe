"""`make reset` wipes demonstrations and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"


def reset(folder: Path, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    shutil.copy(MAKEFILE, folder / "Makefile")
    more = [f"SHUGU_HOME={home}"] if home else [f"SHUGU_HOME={folder}/var"]
    return subprocess.run(["make", "reset", *more], cwd=folder, capture_output=True, text=True, check=False)


def founded(home: Path, mode: str) -> Path:
    home.mkdir(parents=True)
    (home / "home.toml").write_text(f'venue = "hangzhou"\nmode = "{mode}"\n', "utf-8")
    return home


def test_it_wipes_a_demonstration_and_what_it_left(tmp_path: Path) -> None:
    home = founded(tmp_path / "var", "demo")
    for left in ("demo-out", "federation-out", "bench-out"):
        (tmp_path / left).mkdir()
    assert reset(tmp_path).returncode == 0
    assert not home.exists() and [p.name for p in tmp_path.iterdir()] == ["Makefile"]
    assert reset(tmp_path).returncode == 0


@pytest.mark.parametrize("place", ["var", "elsewhere"])
def test_it_never_wipes_a_real_venue(tmp_path: Path, place: str) -> None:
    home = founded(tmp_path / place, "real")
    (tmp_path / "demo-out").mkdir()
    told = reset(tmp_path, home)
    assert told.returncode != 0 and "a real venue" in told.stderr
    assert (home / "home.toml").exists() and (tmp_path / "demo-out").exists()


def test_it_never_wipes_a_folder_that_is_no_home(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    told = reset(tmp_path, folder)
    assert told.returncode != 0 and "no home" in told.stderr and folder.exists()
    demo = founded(tmp_path / "other", "demo")
    assert reset(tmp_path, demo).returncode == 0 and not demo.exists()
