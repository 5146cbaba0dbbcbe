"""Where the log's objects lie: this small interface, the local disk (`local_store`), any bucket (`object_store`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from shugu.evidence.errors import LogForked
from shugu.formats import checkpoint as checkpoints

Reached = Callable[[str], None]

CHECKPOINT: Final = "checkpoint"


def nothing(step: str) -> None:
    """Called at each step of a write; tests stop there."""


class Holder(Protocol):
    """The term under which a writer writes (`fencing.Term`)."""

    @property
    def holder(self) -> str: ...
    def check(self) -> None: ...
    def pulse(self) -> None: ...


class LogStore(Protocol):
    """Objects by path (`checkpoint`, `tile/<L>/<N>[.p/W]`, `tile/entries/<N>[.p/W]`). Only `checkpoint` ever changes."""

    def begin(self, term: Holder) -> None:
        """From here on no earlier term can give an object its name, as far as the store can see to that."""

    def read(self, path: str) -> bytes:
        """Errors: TileMissing; StoreFails."""

    def exists(self, path: str) -> bool: ...

    def names(self) -> Iterator[str]:
        """Every object, by its path."""

    def write(self, files: Mapping[str, bytes], term: Holder, reached: Reached, *, mend: bool = False) -> None:
        """Make these objects durable and readable. What already stands with this content is left alone.
        Errors: ObjectDiffers when one stands with other content, unless `mend`; WriterSuperseded; StoreFails."""

    def published(self) -> bytes | None:
        """The public checkpoint, None before the first."""

    def publish(self, note: bytes, term: Holder, reached: Reached) -> None:
        """Put the signed checkpoint out, whole or not at all, never over a later one.
        Errors: LogForked, WriterSuperseded, StoreFails."""

    def drop(self, folders: Sequence[str]) -> None:
        """Remove narrow tiles whose full ones stand: everything under these paths."""


def may_follow(out: bytes | None, note: bytes) -> bool:
    """Whether `note` still has to be put out over `out`: False when it is out already.
    Errors: LogForked when a later checkpoint is public, or another one of the same size."""
    if out is None:
        return True
    if out == note:
        return False
    before, after = checkpoints.parse(out), checkpoints.parse(note)
    if before.size > after.size or (before.size == after.size and before.root != after.root):
        raise LogForked(
            why=(
                f"已公布的检查点有 {before.size} 条，数据库只有 {after.size} 条",
                f"a checkpoint of {before.size} entries is public, the database has {after.size}",
            )
        )
    return True
