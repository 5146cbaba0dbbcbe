"""What `shugu audit` runs: every app registers its checks here when it starts; a check names each violation it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shugu.formats.suites import VerifyKey


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


Cosigners = Callable[[], Iterable[VerifyKey]]
_COSIGNERS: dict[str, Cosigners] = {}


def register_cosigners(kind: str, keys: Cosigners) -> None:
    """Documents of this type carry, beside this venue's own proofs, those of others: every key these may have signed with."""
    _COSIGNERS[kind] = keys


def cosigners(kinds: Iterable[object]) -> tuple[VerifyKey, ...]:
    """The keys of others that may stand on a document of these types."""
    return tuple(key for kind in kinds if isinstance(kind, str) and kind in _COSIGNERS for key in _COSIGNERS[kind]())


def audits() -> Mapping[str, Audit]:
    return dict(sorted(_AUDITS.items()))
