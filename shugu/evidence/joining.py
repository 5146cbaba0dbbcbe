"""Consistency proofs of the venue's own log for the verifiers of this process (`shugu.kernel.own_documents`)."""

from __future__ import annotations

from shugu.evidence import queries
from shugu.kernel import signer


def join(log: str, size: int, later: int) -> tuple[bytes, ...] | None:
    """The proof between two sizes for a verifier that asks (`shugu.formats.verify.Join`); None of another log, and of sizes
    it has not had. Errors: TileMissing."""
    head = queries.head()
    if head is None or log != signer.origin() or not size <= later <= head.size:
        return None
    return tuple(queries.consistency(size, later).hashes)
