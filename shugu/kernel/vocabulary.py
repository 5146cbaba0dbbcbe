"""Names that procedure tables may use: guards, predicates, effects, contexts and party checks, by app.

Guards and predicates are pure functions of a CaseView; effects and contexts belong to the app's services.
A table that uses a name nobody registered is refused at start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from shugu.kernel.cases import CaseView, PartyView
from shugu.kernel.text import Text


@dataclass(frozen=True)
class Ok:
    pass


@dataclass(frozen=True)
class No:
    """A guard's refusal: the reason in both languages and the article behind it."""

    why: Text
    article: str = ""


@dataclass(frozen=True)
class NeedsUndertaking:
    """A soft block: passes once the actor confirms exactly this text."""

    text: Text
    article: str = ""


Verdict = Ok | No | NeedsUndertaking
OK = Ok()
W = TypeVar("W")
Guard = Callable[[CaseView], Verdict]
Predicate = Callable[[CaseView], bool]
Context = Callable[[int, datetime], Mapping[str, Any]]
Contexts = Callable[[Sequence[int], datetime], Mapping[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Opening:
    """With what a child or duty case is opened by the engine itself."""

    title: str
    parties: tuple[PartyView, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()


class Words(dict[str, W], Generic[W]):
    """Functions by name. `name:argument` is the function shaped under `name`, given the argument."""

    def __init__(self) -> None:
        super().__init__()
        self.shaped: dict[str, Callable[..., Any]] = {}

    def __missing__(self, name: str) -> W:
        base, colon, argument = name.partition(":")
        if not (colon and argument and base in self.shaped):
            raise KeyError(name)
        self[name] = found = partial(self.shaped[base], argument=argument)  # type: ignore[assignment]
        return found  # type: ignore[return-value]

    def knows(self, name: str) -> bool:
        base, _, argument = name.partition(":")
        return name in self or bool(argument and base in self.shaped)


class Vocabulary:
    """One registry per kind; `_put` refuses a second function under the same name."""

    def __init__(self) -> None:
        self.guards: Words[Guard] = Words()
        self.predicates: Words[Predicate] = Words()
        self.effects: dict[str, Callable[..., None]] = {}
        self.bulk_effects: dict[str, Callable[..., None]] = {}
        self.contexts: dict[str, Context] = {}
        self.bulk_contexts: dict[str, Contexts] = {}
        self.openers: dict[str, Callable[[Any], Opening | None]] = {}

    def _put(self, shelf: dict[str, Any], name: str, value: Any) -> None:
        if name in shelf and shelf[name] is not value:
            raise ValueError(f"{name!r} is registered twice")
        shelf[name] = value

    def guard(self, name: str) -> Callable[[Guard], Guard]:
        def take(function: Guard) -> Guard:
            self._put(self.guards, name, function)
            return function

        return take

    def predicate(self, name: str) -> Callable[[Predicate], Predicate]:
        def take(function: Predicate) -> Predicate:
            self._put(self.predicates, name, function)
            return function

        return take

    def guard_of(self, name: str) -> Callable[[Callable[..., Verdict]], Callable[..., Verdict]]:
        """A guard that tables give one literal: `name:argument` calls `f(view, argument=argument)`."""

        def take(function: Callable[..., Verdict]) -> Callable[..., Verdict]:
            self._put(self.guards.shaped, name, function)
            return function

        return take

    def predicate_of(self, name: str) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
        """A predicate that tables give one literal: `name:argument` calls `f(view, argument=argument)`."""

        def take(function: Callable[..., bool]) -> Callable[..., bool]:
            self._put(self.predicates.shaped, name, function)
            return function

        return take

    def effect(self, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """`effect(applied: Applied) -> None`, run in the transaction of the move, after its fact."""

        def take(function: Callable[..., None]) -> Callable[..., None]:
            self._put(self.effects, name, function)
            return function

        return take

    def bulk_effect(self, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """The set-wise form of the effect of that name: `effect(list[Applied]) -> None` writes exactly what the single
        one would write for each."""

        def take(function: Callable[..., None]) -> Callable[..., None]:
            self._put(self.bulk_effects, name, function)
            return function

        return take

    def context(self, subject: str) -> Callable[[Context], Context]:
        """What guards of this subject's cases may know: `context(case_id, now) -> {name: value}`, read in the
        transaction, as of the command's own time."""

        def take(function: Context) -> Context:
            self._put(self.contexts, subject, function)
            return function

        return take

    def bulk_context(self, subject: str) -> Callable[[Contexts], Contexts]:
        """The set-wise form of the context of that subject: `contexts(case_ids, now) -> {case: {name: value}}`, each
        exactly what the single one would tell."""

        def take(function: Contexts) -> Contexts:
            self._put(self.bulk_contexts, subject, function)
            return function

        return take

    def opener(self, procedure: str) -> Callable[[Callable[[Any], Opening | None]], Any]:
        """How a case of `procedure` is opened by a step (`opens`: given the Applied) or by a fact (a duty table's
        `opened_by_fact`: given the FactView). None: nothing is owed this time."""

        def take(function: Callable[[Any], Opening | None]) -> Callable[[Any], Opening | None]:
            self._put(self.openers, procedure, function)
            return function

        return take


VOCABULARY = Vocabulary()
guard = VOCABULARY.guard
guard_of = VOCABULARY.guard_of
predicate = VOCABULARY.predicate
predicate_of = VOCABULARY.predicate_of
effect = VOCABULARY.effect
bulk_effect = VOCABULARY.bulk_effect
context = VOCABULARY.context
bulk_context = VOCABULARY.bulk_context
opener = VOCABULARY.opener
