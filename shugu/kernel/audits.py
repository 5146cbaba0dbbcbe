"""What `shugu audit` runs: every app registers its checks here when it starts; a check names each violation it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One broken promise. `check` is the check's name, `subject` the row or file, `what` a (zh, en) pair."""

    check: str
    subject: str
    what: tuple[str, str]


Audit = Callable[[], Iterable[Violation]]

_AUDITS: dict[str, Audit] = {}


def register_audit(name: str, audit: Audit) -> None:
    """`<app>.<promise>`; called from the app's `ready()`. Errors: ValueError for a name taken by another check."""
    if _AUDITS.get(name, audit) is not audit:
        raise ValueError(f"audit {name!r} is registered twice")
    _AUDITS[name] = audit


def audits() -> Mapping[str, Audit]:
    return dict(sorted(_AUDITS.items()))
