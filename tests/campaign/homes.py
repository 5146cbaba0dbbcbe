"""A venue in a temporary home, its parts as real processes, and the ways in which they die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_NOT_INHERITED = ("SHUGU_", "DJANGO_", "PYTEST_", "DATABASE_URL")


@dataclass
class Venue:
    """`database`: an external PostgreSQL's address; the embedded one without it. `seen`: every checkpoint in the
    order in which it was public."""

    path: Path
    database: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        more = {"DATABASE_URL": self.database} if self.database else {}
        return {**clean, "SHUGU_HOME": str(self.path), "DJANGO_SETTINGS_MODULE": "shugu.settings", **more}

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """`python -m <command>` over this home, left running; its words go to <home>/<module>.log."""
        with (self.path.parent / f"{command[0]}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self.environment(), stdout=log, stderr=log
            )
        self.running.append(child)
        return child

    def part(self, *words: str) -> subprocess.Popen[bytes]:
        return self.spawn("tests.campaign.parts", *words)

    def do(self, *words: str, may_die: bool = False, patience: int = 180) -> dict[str, Any]:
        """A part run to its end: what it printed last, {} when it was killed."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.campaign.parts", *words], cwd=ROOT, env=self.environment(), capture_output=True,
            text=True, timeout=patience, check=False,
        )  # fmt: skip
        if done.returncode == -signal.SIGKILL and may_die:
            return {}
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def postmaster(self) -> int:
        """The embedded server's process number."""
        return int((self.path / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()[0])

    def watch(self, stop: threading.Event) -> None:
        """Keep every checkpoint that is ever public."""
        file = self.path / "log" / "checkpoint"
        while not stop.wait(0.01):
            note = file.read_bytes() if file.exists() else b""
            if note and (not self.seen or self.seen[-1] != note):
                self.seen.append(note)

    def close(self) -> None:
        for child in self.running:
            if child.poll() is None:
                child.terminate()
        for child in self.running:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _alive(number):
        assert time.monotonic() < deadline, f"process {number} outlived SIGKILL"
        time.sleep(0.01)


def _alive(number: int) -> bool:
    """Whether it still runs; a dead child that nobody has asked for yet does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def wait_for(children: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Until each has ended by itself with 0."""
    deadline = time.monotonic() + seconds
    for child in children:
        assert child.wait(max(0.1, deadline - time.monotonic())) == 0, f"{child.args!r} ended with {child.returncode}"
