"""What the engine knows of a case when it decides: plain frozen values, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, Self


class ActorKind(StrEnum):
    PERSON = "person"
    CLOCK = "clock"
    MANDATE = "mandate"


@dataclass(frozen=True)
class Actor:
    """Who acts. A person with the organisation acted for and the venue seats held; the clock; or another
    app acting through the owner's service under a unique reference (`mandate`)."""

    kind: ActorKind
    person: int | None = None
    org: int | None = None
    seats: frozenset[str] = frozenset()
    name: str = ""
    reference: str = ""

    def as_payload(self) -> dict[str, Any]:
        """What a fact says of the actor: identifiers only, never a name."""
        out: dict[str, Any] = {"kind": self.kind.value}
        if self.person is not None:
            out["person"] = self.person
        if self.org is not None:
            out["org"] = self.org
        if self.reference:
            out["reference"] = self.reference
        return out


THE_CLOCK = Actor(ActorKind.CLOCK, name="clock")


def mandate(app: str, reference: str) -> Actor:
    """Another app acting on this one through its service; `reference` is unique to the occasion."""
    return Actor(ActorKind.MANDATE, name=app, reference=f"{app}:{reference}")


@dataclass(frozen=True)
class PartyView:
    role: str
    person: int | None
    org: int | None


@dataclass(frozen=True)
class ClockView:
    id: str
    kind: str
    status: str  # running | paused | met | stopped | fired | overdue
    starts_on: date
    due_on: date
    due_at: datetime
    pk: int = 0
    provisional: bool = False
    consumed: int = 0
    paused_on: date | None = None


@dataclass(frozen=True)
class MaterialView:
    id: str
    digest: str
    signers: int = 1


@dataclass(frozen=True)
class ConsentView:
    do: str
    role: str
    person: int | None
    org: int | None


@dataclass(frozen=True)
class HoldView:
    target: str
    forbids: tuple[str, ...]
    undertaking: str
    reason: str
    article: str = ""


class Rules(Protocol):
    """A resolved rule set (shugu.kernel.rules.RuleSet): values by dotted key, and its id."""

    @property
    def id(self) -> str: ...

    def value(self, key: str) -> Any: ...


@dataclass(frozen=True)
class CaseView:
    id: int
    number: str
    state: str
    revision: int
    opened_on: date
    rules: Rules
    data: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    parties: tuple[PartyView, ...] = ()
    clocks: tuple[ClockView, ...] = ()
    materials: tuple[MaterialView, ...] = ()
    children: Mapping[str, int] = field(default_factory=dict)
    consents: tuple[ConsentView, ...] = ()
    holds: tuple[HoldView, ...] = ()
    subjects: tuple[str, ...] = ()
    parent: int | None = None

    def knowing(self, facts: Mapping[str, Any]) -> Self:
        """This view with `facts`, what the subject's app told of it. (dataclasses.replace costs ten times as much.)"""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__, facts=facts)
        return view

    def orgs(self, role: str) -> frozenset[int]:
        return frozenset(p.org for p in self.parties if p.role == role and p.org is not None)


@dataclass(frozen=True)
class Command:
    """An act asked for: `do`, its declared input, and the undertaking confirmed (its exact text) if any."""

    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""
