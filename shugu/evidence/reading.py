"""The log's files for whoever reads them over the network: where they are kept, and why that does not answer, is told to
the operator alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from shugu.evidence import tile_files
from shugu.evidence.errors import LogAway, StoreFails, StoreUnusable
from shugu.formats.tiles import TileRef

_log = logging.getLogger(__name__)


@contextmanager
def _discreetly() -> Iterator[None]:
    try:
        yield
    except (StoreUnusable, StoreFails) as error:
        _log.exception("the log's store does not answer")
        raise LogAway from error


def read_at(ref: TileRef, size: int) -> bytes:
    """As `tile_files.read_at`. Errors: TileMissing, LogAway."""
    with _discreetly():
        return tile_files.read_at(ref, size)


def published() -> bytes | None:
    """As `tile_files.published`. Errors: LogAway."""
    with _discreetly():
        return tile_files.published()
