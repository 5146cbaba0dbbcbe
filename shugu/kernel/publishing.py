"""What anybody may read is proved to anybody: a fact of its own names a public credential, and opens nothing else.

The fact of the move that issued it tells case, filing and who acted, and is opened to its parties only. This one, written in
the same transaction, holds number and digest, so that whoever has the paper of a public credential also has its proof.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shugu.kernel import journal, setwise
from shugu.kernel.cases import mandate
from shugu.kernel.queries import name_fact

PUBLISHED: Final = "credential.published"
name_fact(PUBLISHED, "公开凭证存证", "public credential sealed")


def fact(number: str, digest: str, now: datetime) -> journal.NewFact:
    """The fact that publishes the credential with that number and SHA-256 (hex), for `setwise.record_many`."""
    return journal.build(
        PUBLISHED, subject=f"kernel.credential:{number}", actor=mandate("venue", "publication"), now=now,
        data={"number": number}, digests={"credential": digest},
    )  # fmt: skip


def publish(number: str, digest: str, now: datetime) -> int:
    """Record it in the caller's transaction; its id. Errors: RuntimeError outside a transaction."""
    return setwise.record_many([fact(number, digest, now)])[0]
