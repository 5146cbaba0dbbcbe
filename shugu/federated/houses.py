"""The venues of the federation story from outside: each a process with a home and a port of its own, told what to do in JSON."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NOT_INHERITED = ("SHUGU_", "DJANGO_", "PYTEST_", "DATABASE_URL")


class Died(Exception):
    """The venue's process ended in the middle of what it was told."""


class Declined(Exception):
    """The venue refused: `code`, and the sentence in both languages."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.code = str(answer["code"])
        super().__init__(f"{answer['code']}: {answer['zh']} / {answer['en']}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """`venue` names its rule profile. Nothing is shared with the other houses but the network."""

    venue: str
    titles: tuple[str, str]
    home: Path
    port: int
    process: subprocess.Popen[str] | None = None
    vkeys: str = ""
    origin: str = ""
    seen: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def schema(self) -> None:
        """Make the database and end, for `copy_of`."""
        self.begin(SHUGU_STORY_ONLY="schema")
        assert self.process is not None
        if self.process.wait() != 0:
            raise Died((self.home / "house.log").read_text("utf-8", errors="replace")[-1500:])

    def copy_of(self, schema: Path) -> None:
        """Begin with the empty database in that home instead of making one: three venues in the time of one."""
        self.home.mkdir(parents=True, exist_ok=True)
        # Its owner is the server's own user where we run as root: ownership has to be kept.
        subprocess.run(["cp", "-a", str(schema / "postgres"), str(self.home / "postgres")], check=True)

    def begin(self, **more: str) -> None:
        """Start the process; `wait` for it before it is told anything."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        environment = {
            **clean, "SHUGU_HOME": str(self.home), "SHUGU_PORT": str(self.port), "SHUGU_STORY_VENUE": self.venue,
            "DJANGO_SETTINGS_MODULE": "shugu.settings", **more,
        }  # fmt: skip
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "house.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "shugu.federated.house"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, encoding="utf-8",
            )  # fmt: skip

    def wait(self) -> None:
        """Errors: Died, with what it last said."""
        if "ready" not in self._read():
            raise Died(self.venue)

    def ask(self, do: str, **given: Any) -> Any:
        """Errors: Declined, Died."""
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **given}, ensure_ascii=False) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise Died(self.venue) from error
        answer = self._read()
        if not answer["ok"]:
            raise Declined(answer)
        return answer["value"]

    def _read(self) -> dict[str, Any]:
        assert self.process is not None and self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            told = (self.home / "house.log").read_text("utf-8", errors="replace")[-1500:]
            raise Died(f"{self.venue} ({self.process.returncode})\n{told}")
        return dict(json.loads(line))

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def again(self) -> None:
        """After its death: the same home, the same port."""
        self.begin()
        self.wait()

    def end(self) -> None:
        if self.process is None:
            return
        if self.process.stdin is not None and self.alive:
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
