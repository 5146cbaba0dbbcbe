"""What the venue verifies its own documents with: every key it has had, each for its part of the log, and its log itself.

Without the history a document of years ago would fail on the venue's own page, because its key has retired since. The log
belongs to a later app (`shugu.evidence`), which lends its consistency proofs here.
"""

from __future__ import annotations

from datetime import datetime

from shugu.formats.credential import issuer_of
from shugu.formats.pins import Pins
from shugu.formats.verify import Join, Verifier
from shugu.kernel import key_lines, paper_revoking, signer, witness_keys

_lent: list[Join] = []


def lend(join: Join) -> None:
    """The log's consistency proofs, once, when the app that keeps the log is ready."""
    _lent[:] = [join]


def join(log: str, size: int, later: int) -> tuple[bytes, ...] | None:
    """The consistency proof between two sizes of the venue's log; None of other logs."""
    found = _lent[0](log, size, later) if _lent else None
    return tuple(found) if found is not None else None


def pins() -> Pins:
    """The venue's keys in force and its witnesses', with the key history where there is one."""
    history = key_lines.document()
    return Pins(witness_keys.keyring(), [history] if history else [])


def verifier(now: datetime) -> Verifier:
    """The checks of any document as of `now`, by what this venue trusts; its papers against its own list of revocations."""
    ours = issuer_of(signer.origin())
    return Verifier(pins(), now, join=join, papers=lambda issuer: paper_revoking.published(now) if issuer == ours else None)
