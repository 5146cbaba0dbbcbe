"""Rule sets: a venue's profile and the documents it chose, resolved flat for one day.

`load_profile("hangzhou", on)` reads, checks and merges; a case stores the rule set's id
and its `as_document()`, so its law can be read again years later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from shugu.formats.canonical import canonical
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
    document_files,
    fault,
    lock,
    read_document,
)
from shugu.kernel.rule_profile import Chosen, Profile, Register, read_profile
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
    if on < profile.since:
        raise fault(f"venues/{name}.toml", "venue.from", f"{on} 尚未施行", f"it does not apply on {on} yet")
    values: dict[str, RuleValue] = {}
    documents: list[tuple[str, Status]] = []
    first_days = [profile.since]
    for chosen in profile.documents:
        document, began = _pick(root, name, chosen, on)
        if document is None:
            continue
        first_days.append(began)
        documents.append((document.id, document.status))
        for key, item in document.values.items():
            if key in values:
                raise _conflict(name, key, values[key].document, document.id)
            values[key] = item
    laws = dict(values)
    for key, item in own.items():
        law = laws.get(key.rpartition(":")[2])
        if law is not None:
            _refuse_weaker(f"venues/{name}.toml", key, law, item)
        values[key] = item
    _check_references(name, profile, values)
    (book or SCHEMAS).check(values, f"venues/{name}.toml")
    frozen_values = MappingProxyType(dict(sorted(values.items())))
    digest = _hex(_content(profile, tuple(documents), frozen_values))
    identity = f"{name}/{max(first_days)}#{digest}"
    return RuleSet(identity, profile, tuple(documents), frozen_values)


def _pick(root: Path, venue: str, chosen: Chosen, on: date) -> tuple[Document | None, date]:
    """The version of a chosen document that applies, and since when it has applied in this form."""
    file = f"venues/{venue}.toml"
    versions = [version for version in document_files(root, chosen.document) if version[0] <= on]
    if not versions:
        raise fault(
            file,
            f"choose.{chosen.document}",
            f"没有 {on} 适用的文件",
            f"no file of it applies on {on}",
            ("补上规则文件，或不选用该文件", "add the rule file or do not choose the document"),
        )
    document = read_document(root, max(versions)[2])
    first, last = document.effective
    if last is None or on <= last:
        return document, first
    after = last + timedelta(days=1)
    if chosen.after_end == "drop":
        return None, after
    if chosen.after_end != "continue":
        raise fault(
            file,
            f"choose.{chosen.document}.after_end",
            f"该文件已于 {last} 到期",
            f"the document ended on {last}",
            (
                "写明 after_end：continue（作为场所自定沿用）或 drop（不再用）",
                "state after_end: continue (as the venue's own choice) or drop",
            ),
        )
    values = {key: replace(item, force=Force.VENUE, status=Status.LAPSED) for key, item in document.values.items()}
    return replace(document, status=Status.LAPSED, values=MappingProxyType(values)), after


def _refuse_weaker(file: str, key: str, law: RuleValue, own: RuleValue) -> None:
    """A venue may replace a `may` or a lapsed value; a `must` only within its bound."""
    if law.force is not Force.MUST:
        return
    same = law.unit == own.unit and isinstance(own.value, int | Decimal) and isinstance(law.value, int | Decimal)
    if (
        same
        and not isinstance(own.value, bool)
        and (
            (law.bound is Bound.MIN and own.value >= law.value)  # type: ignore[operator]
            or (law.bound is Bound.MAX and own.value <= law.value)  # type: ignore[operator]
        )
    ):
        return
    raise fault(
        file,
        key,
        f"与 {law.document} {law.article} 不符",
        f"it departs from {law.document}, {law.article}",
        ("删去该值，或改到该条允许的范围内", "remove the value or bring it within what the article allows"),
    )


def _conflict(venue: str, key: str, first: str, second: str) -> RuleError:
    return fault(
        f"venues/{venue}.toml",
        key,
        f"{first} 与 {second} 都规定了它",
        f"both {first} and {second} set it",
        ("只选用其中一个文件", "choose only one of the documents"),
    )


def _check_references(venue: str, profile: Profile, values: Mapping[str, RuleValue]) -> None:
    names = [*profile.tables.values(), *(register.rights for register in profile.registers)]
    for name in names:
        if name not in values:
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
