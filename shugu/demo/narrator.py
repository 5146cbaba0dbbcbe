"""The first trade's teller: after each step the worker's parts come to rest, and the facts it wrote are listed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from shugu.formats.errors import ShuguError
from shugu.kernel import journal, queries
from shugu.telling import Step, Teller


class Narrator(Teller):
    """`settle` brings the worker's parts to rest after each step, so that its facts are in the log when it ends."""

    def __init__(self, out: Path, settle: Callable[[], int]) -> None:
        super().__init__(
            out, "en" if os.environ.get("LANG", "").startswith("en") else "zh", self._words_of, self._gather
        )
        self._settle = settle
        self._seen = 0

    def _words_of(self, error: BaseException) -> str | None:
        if isinstance(error, ShuguError):
            return f"{error.code}: {error.message(self.lang)} {error.remedy_text(self.lang)}"
        return (str(error) or "a promise did not hold") if isinstance(error, AssertionError) else None

    def _gather(self, record: Step) -> None:
        self._settle()
        for fact in journal.read(self._seen, 10_000):
            record.facts.append(fact.position)
            title = queries.fact_title(fact.name, None, None).pick(self.lang)
            print(f"      · #{fact.position:<4} {fact.name:<28} {title}", flush=True)
            self._seen = fact.position + 1

    @contextmanager
    def progress(self, zh: str, en: str) -> Iterator[Callable[[int, int, str], None]]:
        """A progress bar for long work: call it with (done, total, what)."""
        bar = tqdm(
            desc="    " + self.words(zh, en), unit="", file=sys.stdout, leave=False, dynamic_ncols=True,
            disable=not sys.stdout.isatty(),
        )  # fmt: skip

        def tell(done: int, total: int, what: str = "") -> None:
            bar.total = total
            bar.set_postfix_str(what, refresh=False)
            bar.update(done - bar.n)

        try:
            yield tell
        finally:
            bar.close()
