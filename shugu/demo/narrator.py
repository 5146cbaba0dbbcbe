"""Tells each step, times it, notes its facts and files, and stops the story at the first that does not hold."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from shugu.formats.errors import ShuguError
from shugu.kernel import journal, queries
from shugu.kernel.text import Text


@dataclass
class StepRecord:
    """One line of summary.json. `facts`: indexes in the log of the facts this step wrote."""

    name: str
    title: dict[str, str]
    seconds: float = 0.0
    ok: bool = False
    facts: list[int] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Narrator:
    """`settle` brings the worker's parts to rest after each step, so that its facts are in the log when it ends."""

    def __init__(self, out: Path, settle: Callable[[], int]) -> None:
        self.out = out
        self.lang = "en" if os.environ.get("LANG", "").startswith("en") else "zh"
        self.steps: list[StepRecord] = []
        self._settle = settle
        self._seen = 0

    def say(self, zh: str, en: str) -> None:
        print("    " + Text(zh, en).pick(self.lang), flush=True)

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
        """A step that raises a refusal or a broken promise is recorded as failed and ends the story."""
        record = StepRecord(name, {"zh": zh, "en": en})
        self.steps.append(record)
        print(f"{len(self.steps):>3}. {Text(zh, en).pick(self.lang)}", flush=True)
        started = time.monotonic()
        try:
            yield
            self._settle()
            self._gather(record)
            record.ok = True
        except ShuguError as error:
            record.error = f"{error.code}: {error.message(self.lang)} {error.remedy_text(self.lang)}"
            raise
        except AssertionError as error:
            record.error = str(error) or "a promise did not hold"
            raise
        finally:
            record.seconds = round(time.monotonic() - started, 3)
            mark = "✓" if record.ok else "✗"
            print(f"    {mark} {record.seconds:.2f} s" + (f"  {record.error}" if record.error else ""), flush=True)

    def _gather(self, record: StepRecord) -> None:
        for fact in journal.read(self._seen, 10_000):
            record.facts.append(fact.position)
            title = queries.fact_title(fact.name, None, None).pick(self.lang)
            print(f"      · #{fact.position:<4} {fact.name:<28} {title}", flush=True)
            self._seen = fact.position + 1

    @contextmanager
    def progress(self, zh: str, en: str) -> Iterator[Callable[[int, int, str], None]]:
        """A progress bar for long work: call it with (done, total, what)."""
        bar = tqdm(
            desc="    " + Text(zh, en).pick(self.lang), unit="", file=sys.stdout, leave=False,
            dynamic_ncols=True, disable=not sys.stdout.isatty(),
        )  # fmt: skip

        def tell(done: int, total: int, what: str = "") -> None:
            bar.total = total
            bar.set_postfix_str(what, refresh=False)
            bar.update(done - bar.n)

        try:
            yield tell
        finally:
            bar.close()

    def summary(self) -> dict[str, Any]:
        return {"ok": bool(self.steps) and all(s.ok for s in self.steps), "steps": [asdict(s) for s in self.steps]}
