"""On what ground evidence may leave the venue: rows of `evidence.extraction_grounds`, each with who may and what it asks."""

from __future__ import annotations

from dataclasses import dataclass

from shugu.kernel import queries as cases
from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.models import Case
from shugu.kernel.text import Text

NAME = "evidence.extraction_grounds"


@dataclass(frozen=True)
class Ground:
    """`by_party`: parties of the case use it for themselves. `document`: number, organ and copy of a legal document are
    asked for. `names`: natural persons are named; without it they stand as a letter and their role."""

    code: str
    title: Text
    seats: frozenset[str]
    by_party: bool
    document: bool
    names: bool


def grounds() -> tuple[Ground, ...]:
    return tuple(
        Ground(
            str(r["code"]), Text(str(r["zh"]), str(r["en"])), _seats(r.get("seats")), bool(r.get("by_party")),
            bool(r.get("document")), bool(r.get("names")),
        )
        for r in runtime.rules().value(NAME).rows
    )  # fmt: skip


def _seats(listed: object) -> frozenset[str]:
    return frozenset(str(seat) for seat in listed) if isinstance(listed, tuple) else frozenset()


def may_use(ground: Ground, case: Case, actor: Actor) -> bool:
    if actor.person is None:
        return False
    return bool(ground.seats & actor.seats) or (ground.by_party and actor.org is not None and cases.is_party(case.pk, actor))


def open_to(case: Case, actor: Actor) -> tuple[Ground, ...]:
    """The grounds on which this actor may extract the evidence of this case; empty for strangers."""
    return tuple(g for g in grounds() if may_use(g, case, actor))
