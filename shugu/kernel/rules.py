"""Rule sets: a venue's profile and the documents it chose, resolved flat for one day.

`load_profile("hangzhou", on)` reads, checks and merges; a case stores the rule set's id
and its `as_document()`, so its law can be read again years later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from shugu.formats.canonical import canonical
from shugu.kernel.regimes import load_regime, pick_document
from shugu.kernel.rule_errors import RuleError, RuleLocked, UnknownRule
from shugu.kernel.rule_files import (
    RULES,
    Bound,
    Document,
    Force,
    RuleData,
    RuleValue,
    Status,
    check_lock,
    conflict,
    fault,
    lock,
    refuse_weaker,
)
from shugu.kernel.rule_profile import Profile, Register, read_profile
from shugu.kernel.rule_schema import SCHEMAS, SchemaBook, read_schema, rule, rule_schema
from shugu.kernel.workdays import Length

__all__ = [
    "SCHEMAS",
    "Bound",
    "Change",
    "Document",
    "Force",
    "Profile",
    "Register",
    "RuleData",
    "RuleError",
    "RuleLocked",
    "RuleSet",
    "RuleValue",
    "SchemaBook",
    "Status",
    "UnknownRule",
    "diff",
    "load_profile",
    "lock",
    "rule",
    "rule_schema",
    "venues",
]

S = TypeVar("S")
_HEX = 12


@dataclass(frozen=True)
class RuleSet:
    """Flat values of a venue on a day. `id` is `<venue>/<first day it applied>#<12 hex>`.

    A name of one register's own value is `<register>:<app>.<name>`.
    """

    id: str
    profile: Profile
    documents: tuple[tuple[str, Status], ...]
    values: Mapping[str, RuleValue]

    def __hash__(self) -> int:
        return hash(self.id)

    def get(self, name: str, *, register: str | None = None) -> RuleValue | None:
        """The register's own value, else the venue's, else None."""
        own = self.values.get(f"{register}:{name}") if register else None
        return own or self.values.get(name)

    def value(self, name: str, *, register: str | None = None) -> RuleValue:
        """Like `get`; raises UnknownRule."""
        found = self.get(name, register=register)
        if found is None:
            raise UnknownRule(rule_set=self.id, name=name)
        return found

    def length(self, name: str, *, register: str | None = None) -> Length:
        return self.value(name, register=register).length

    def read(self, schema: type[S]) -> S:
        """An instance of a registered schema dataclass. Raises RuleError."""
        return read_schema(self.values, schema, self.id)

    def iter_values(self) -> Iterator[RuleValue]:
        return iter(sorted(self.values.values(), key=lambda item: item.name))

    @property
    def lapsed(self) -> tuple[str, ...]:
        """Documents whose last day has passed and which the venue continues as its own choice."""
        return tuple(name for name, status in self.documents if status is Status.LAPSED)

    @cached_property
    def document(self) -> dict[str, Any]:
        """`as_document()`, put together once."""
        return self.as_document()

    def as_document(self) -> dict[str, Any]:
        """JSON-safe content; the id's hex is the SHA-256 of its canonical form without `id`."""
        return {"id": self.id, **_content(self.profile, self.documents, self.values)}

    @classmethod
    def from_document(cls, stored: Mapping[str, Any]) -> RuleSet:
        """Read back `as_document()`; RuleError if the content does not match its id."""
        content = {key: item for key, item in stored.items() if key != "id"}
        if str(stored["id"]).rpartition("#")[2] != _hex(content):
            raise fault(str(stored["id"]), "*", "内容与编号不符", "its content does not match its id")
        values = {name: _value_from(name, item) for name, item in content["values"].items()}
        documents = tuple((name, Status(status)) for name, status in content["documents"])
        profile = Profile.from_document(content["profile"])
        return cls(stored["id"], profile, documents, MappingProxyType(values))


def venues(root: Path = RULES) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (root / "venues").glob("*.toml")))


def load_profile(name: str, on: date, *, root: Path = RULES, book: SchemaBook | None = None) -> RuleSet:
    """The rule set of venue `name` on day `on`, checked against the registered schemas.

    Raises RuleLocked for a changed released file, RuleError for anything malformed,
    missing, in conflict, or weaker than the law allows.
    """
    check_lock(root)
    profile, own = read_profile(root, name)
    file = f"venues/{name}.toml"
    if on < profile.since:
        raise fault(file, "venue.from", f"{on} 尚未施行", f"it does not apply on {on} yet")
    values: dict[str, RuleValue] = {}
    documents: list[tuple[str, Status]] = []
    first_days = [profile.since]
    for chosen in profile.documents:
        document, began = pick_document(root, file, chosen.document, on, chosen.after_end)
        if document is None:
            continue
        first_days.append(began)
        documents.append((document.id, document.status))
        for key, item in document.values.items():
            if key in values:
                raise conflict(file, key, values[key].document, document.id)
            values[key] = item
    for register in profile.registers:
        regime = load_regime(register.regime, on, root)
        first_days += [began for _, began in regime.documents]
        documents += [(document.id, document.status) for document, _ in regime.documents]
        for key, item in regime.values.items():
            since = (profile.since, None) if item.status is Status.VENUE else item.effective
            values[f"{register.id}:{key}"] = replace(item, name=f"{register.id}:{key}", effective=since)
    laws = dict(values)
    for key, item in own.items():
        law = laws.get(key) or laws.get(key.rpartition(":")[2])
        if law is not None:
            refuse_weaker(file, key, law, item)
        values[key] = item
    _check_references(name, profile, values)
    (book or SCHEMAS).check(values, file)
    frozen_values = MappingProxyType(dict(sorted(values.items())))
    chosen_documents = tuple(dict.fromkeys(documents))
    digest = _hex(_content(profile, chosen_documents, frozen_values))
    identity = f"{name}/{max(first_days)}#{digest}"
    return RuleSet(identity, profile, chosen_documents, frozen_values)


def _check_references(venue: str, profile: Profile, values: Mapping[str, RuleValue]) -> None:
    names = [(name, "") for name in profile.tables.values()]
    names += [(register.rights, register.id) for register in profile.registers]
    for name, register in names:
        if name not in values and f"{register}:{name}" not in values:
            raise fault(
                f"venues/{venue}.toml",
                name,
                "引用的表不存在",
                "the table it refers to does not exist",
                ("选用含有该表的文件", "choose the document that has the table"),
            )


@dataclass(frozen=True)
class Change:
    """A value that differs between two rule sets; None where it is absent."""

    name: str
    before: RuleValue | None
    after: RuleValue | None


def diff(before: RuleSet, after: RuleSet) -> tuple[Change, ...]:
    """Every value that was added, removed or changed, by name."""
    names = sorted(set(before.values) | set(after.values))
    pairs = ((name, before.values.get(name), after.values.get(name)) for name in names)
    return tuple(Change(name, old, new) for name, old, new in pairs if old != new)


def _content(
    profile: Profile, documents: tuple[tuple[str, Status], ...], values: Mapping[str, RuleValue]
) -> dict[str, Any]:
    return {
        "profile": profile.as_document(),
        "documents": [[name, str(status)] for name, status in documents],
        "values": {name: _value_out(item) for name, item in values.items()},
    }


def _hex(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(dict(content))).hexdigest()[:_HEX]


def _value_out(item: RuleValue) -> dict[str, Any]:
    first, last = item.effective
    return {
        "value": _plain(item.value),
        "unit": item.unit,
        "document": item.document,
        "article": item.article,
        "force": str(item.force),
        "status": str(item.status),
        "from": first.isoformat(),
        "until": last.isoformat() if last else None,
        "note": list(item.note),
        "bound": str(item.bound),
    }


def _value_from(name: str, item: Mapping[str, Any]) -> RuleValue:
    until = date.fromisoformat(item["until"]) if item["until"] else None
    return RuleValue(
        name,
        _rich(item["value"]),
        item["unit"],
        item["document"],
        item["article"],
        Force(item["force"]),
        Status(item["status"]),
        (date.fromisoformat(item["from"]), until),
        (item["note"][0], item["note"][1]),
        Bound(item["bound"]),
    )


def _plain(data: RuleData) -> Any:
    """JSON form: a decimal or date becomes a one-key table named with `$`."""
    if isinstance(data, Decimal):
        return {"$decimal": str(data)}
    if isinstance(data, date):
        return {"$date": data.isoformat()}
    if isinstance(data, tuple):
        return [_plain(item) for item in data]
    if isinstance(data, Mapping):
        return {key: _plain(item) for key, item in data.items()}
    return data


def _rich(data: Any) -> RuleData:
    if isinstance(data, list):
        return tuple(_rich(item) for item in data)
    if isinstance(data, dict):
        if set(data) == {"$decimal"}:
            return Decimal(data["$decimal"])
        if set(data) == {"$date"}:
            return date.fromisoformat(data["$date"])
        return MappingProxyType({key: _rich(item) for key, item in data.items()})
    return data  # type: ignore[no-any-return]
