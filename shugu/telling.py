"""A story told step by step: each step is timed, keeps its notes and files, and the first that does not hold ends it.

Knows nothing of what is told; the first trade (demo) and the venues among themselves (federated) are told with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Step:
    """One line of summary.json. `facts`: indexes in the log of the facts that the step wrote, where the teller knows them."""

    name: str
    title: dict[str, str]
    seconds: float = 0.0
    ok: bool = False
    facts: list[int] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def _nothing(step: Step) -> None:
    """What follows a step unless the teller wants more."""


class Teller:
    """`lang` "zh", "en" or "both"; `after` follows each step that held, within its time; `told` puts an exception that ends
    a step into words, None where it is none of the story's own."""

    def __init__(
        self,
        out: Path,
        lang: str,
        told: Callable[[BaseException], str | None],
        after: Callable[[Step], None] = _nothing,
    ) -> None:
        self.out, self.lang = out, lang
        self.steps: list[Step] = []
        self._told, self._after = told, after

    def words(self, zh: str, en: str) -> str:
        return {"zh": zh, "en": en}.get(self.lang, f"{zh} / {en}")

    def say(self, zh: str, en: str) -> None:
        print("    " + self.words(zh, en), flush=True)

    def keep(self, name: str, content: bytes) -> Path:
        """Write a file of the present step into the out directory."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.steps[-1].files.append(name)
        return path

    def note(self, **values: Any) -> None:
        self.steps[-1].notes.update(values)

    @contextmanager
    def step(self, name: str, zh: str, en: str) -> Iterator[None]:
        """What is raised within is recorded, and goes on to whoever tells the story."""
        record = Step(name, {"zh": zh, "en": en})
        self.steps.append(record)
        print(f"{len(self.steps):>3}. {self.words(zh, en)}", flush=True)
        started = time.monotonic()
        try:
            yield
            self._after(record)
            record.ok = True
        finally:
            ending = None if record.ok else sys.exception()
            if ending is not None:
                record.error = self._told(ending) or type(ending).__name__
            record.seconds = round(time.monotonic() - started, 3)
            mark = "✓" if record.ok else "✗"
            print(f"    {mark} {record.seconds:.2f} s" + (f"  {record.error}" if record.error else ""), flush=True)

    @property
    def held(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    def summary(self, **more: Any) -> dict[str, Any]:
        return {"ok": self.held, **more, "steps": [asdict(step) for step in self.steps]}
