"""What a verification concludes: a closed list, its exit codes and which is worse.

Exit codes are part of the interface of `shugu verify` and never change their meaning; 2 is wrong use
and no verdict. Everything but 0 means: do not rely on the document as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from shugu.formats.errors import Pair


class Verdict(StrEnum):
    """Declared from the best to the worst: of several documents the worst verdict decides."""

    SEALED = "sealed"
    LOGGED = "logged"
    SIGNED = "signed-not-sealed"
    UNPROVEN = "unproven"
    UNKNOWN = "status-unknown"
    EXPIRED = "expired"
    RESTRAINED = "restrained"
    REVOKED = "not-in-force"
    FAILED = "failed"


USAGE: Final = 2
EXIT: Final[dict[Verdict, int]] = {
    Verdict.SEALED: 0,
    Verdict.LOGGED: 0,
    Verdict.FAILED: 1,
    Verdict.SIGNED: 3,
    Verdict.REVOKED: 4,
    Verdict.RESTRAINED: 5,
    Verdict.UNKNOWN: 6,
    Verdict.EXPIRED: 7,
    Verdict.UNPROVEN: 8,
}
VERDICTS: Final[dict[Verdict, Pair]] = {
    Verdict.SEALED: ("已封存且有效", "sealed and valid"),
    Verdict.LOGGED: ("已载入日志", "recorded in the log"),
    Verdict.FAILED: ("验证不通过", "verification failed"),
    Verdict.SIGNED: ("签名有效，但未附日志封存证明", "signed, not sealed"),
    Verdict.REVOKED: ("真实，但已失去效力", "genuine, but no longer in force"),
    Verdict.RESTRAINED: ("真实，但效力受限", "genuine, but restrained"),
    Verdict.UNKNOWN: ("真实，但现时状态不明", "genuine, but its present status is not known"),
    Verdict.EXPIRED: ("真实，但已过有效期", "genuine, but past its term"),
    Verdict.UNPROVEN: ("格式正确，但未附任何证明", "well-formed, but nothing proves it"),
}
_ORDER: Final = list(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that decides. Raises ValueError for none."""
    return max(verdicts, key=_ORDER.index)
