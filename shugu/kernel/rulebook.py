"""The copy of every rule set that a case began under, so that its law can be read again years later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shugu.kernel import models
from shugu.kernel.errors import NotFound
from shugu.kernel.rules import RuleSet, RuleValue


@dataclass(frozen=True)
class RegisterRules:
    """A rule set as one register sees it: its own values first, then the venue's."""

    rule_set: RuleSet
    register: str | None = None

    @property
    def id(self) -> str:
        return self.rule_set.id

    def value(self, name: str) -> RuleValue:
        """Errors: UnknownRule."""
        return self.rule_set.value(name, register=self.register)

    def get(self, name: str) -> RuleValue | None:
        return self.rule_set.get(name, register=self.register)


_kept: set[str] = set()
# What this process has in hand already, by an id that holds the hash of its content: never read again.
_in_hand: dict[str, RuleSet] = {}


def keep(rule_set: RuleSet) -> RuleSet:
    """Store the content once; content never changes under one id (the id holds its hash)."""
    if rule_set.id not in _kept:
        if not models.RuleSetCopy.objects.filter(id=rule_set.id).exists():
            models.RuleSetCopy.objects.get_or_create(id=rule_set.id, defaults={"content": rule_set.document})
        _kept.add(rule_set.id)
        _in_hand[rule_set.id] = rule_set
    return rule_set


def recall(rule_set: str) -> RuleSet:
    """Errors: NotFound; RuleError when the stored content does not match its id."""
    if rule_set in _in_hand:
        return _in_hand[rule_set]
    row = models.RuleSetCopy.objects.filter(id=rule_set).first()
    if row is None:
        raise NotFound(what=("规则集 " + rule_set, "rule set " + rule_set))
    content: Mapping[str, Any] = row.content
    return RuleSet.from_document(content)


def copies() -> Iterator[RuleSet]:
    """Every rule set that a case began under."""
    for name in models.RuleSetCopy.objects.order_by("id").values_list("id", flat=True):
        yield recall(name)


def forget() -> None:
    _kept.clear()
