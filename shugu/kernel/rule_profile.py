"""A venue's profile: who it is, what it chose, which registers it keeps, its own numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shugu.kernel.regimes import head_file, read_head, regime_ids
from shugu.kernel.rule_files import (
    Document,
    Force,
    RuleValue,
    Status,
    fault,
    pair,
    read_toml,
    read_values,
)

_SUITES = ("intl", "sm")
_ID = re.compile(r"[a-z][a-z0-9-]*")
_ORIGIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_AFTER_END = ("", "continue", "drop")
_VENUE_KEYS = frozenset({"title", "origin", "suite", "from", "tables"})
_REGISTER_KEYS = frozenset({"id", "title", "regime", "open"})


@dataclass(frozen=True)
class Chosen:
    """A chosen document, `<jurisdiction>/<document>`, and what becomes of it after its last day."""

    document: str
    after_end: str


@dataclass(frozen=True)
class Register:
    """One book of entries. What its regime says of it: `procedures` maps an operation (`first`, …) to a procedure id,
    `rights` names the rule value with the vocabulary of rights, `certificate` the kind issued where no rule names one.
    A register that is not `open` takes no applications."""

    id: str
    title: tuple[str, str]
    regime: str
    open: bool
    certificate: str
    rights: str
    procedures: Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """A venue. `origin` is the host name in its log's origin; `suite` is `intl` or `sm`."""

    venue: str
    title: tuple[str, str]
    origin: str
    suite: str
    since: date
    documents: tuple[Chosen, ...]
    registers: tuple[Register, ...]
    tables: Mapping[str, str]

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.document.partition("/")[0] for item in self.documents))

    def register(self, identity: str) -> Register:
        """Raises RuleError for a register the venue does not keep."""
        for item in self.registers:
            if item.id == identity:
                return item
        raise fault(
            f"venues/{self.venue}.toml",
            f"register.{identity}",
            "场所没有这个登记簿",
            "the venue keeps no such register",
        )

    def as_document(self) -> dict[str, Any]:
        return {
            "venue": self.venue,
            "title": list(self.title),
            "origin": self.origin,
            "suite": self.suite,
            "since": self.since.isoformat(),
            "documents": [[item.document, item.after_end] for item in self.documents],
            "registers": [
                {**vars(item), "title": list(item.title), "procedures": dict(item.procedures)}
                for item in self.registers
            ],
            "tables": dict(self.tables),
        }

    @classmethod
    def from_document(cls, stored: Mapping[str, Any]) -> Profile:
        registers = tuple(
            Register(
                **{
                    **item,
                    "title": (item["title"][0], item["title"][1]),
                    "procedures": MappingProxyType(dict(item["procedures"])),
                }
            )
            for item in stored["registers"]
        )
        return cls(
            stored["venue"],
            (stored["title"][0], stored["title"][1]),
            stored["origin"],
            stored["suite"],
            date.fromisoformat(stored["since"]),
            tuple(Chosen(name, after) for name, after in stored["documents"]),
            registers,
            MappingProxyType(dict(stored["tables"])),
        )


def read_profile(root: Path, name: str) -> tuple[Profile, dict[str, RuleValue]]:
    """`venues/<name>.toml` as profile and the venue's own values. Raises RuleError."""
    file = f"venues/{name}.toml"
    if not _ID.fullmatch(name):
        raise fault(file, "venue", "场所名不合格式", "the venue's name is malformed")
    content = read_toml(root / "venues" / f"{name}.toml")
    head = content.pop("venue", None)
    if not isinstance(head, dict) or set(head) - {"base"} != _VENUE_KEYS or type(head["from"]) is not date:
        raise fault(
            file,
            "venue",
            "须有 title origin suite from tables，可有 base",
            "it needs title, origin, suite, from, tables and may have base",
        )
    base, of_base = _base(root, file, head)
    if head["suite"] not in _SUITES:
        raise fault(file, "venue.suite", "须为 intl 或 sm", "it must be intl or sm")
    if not isinstance(head["origin"], str) or not _ORIGIN.fullmatch(head["origin"]):
        raise fault(file, "venue.origin", "须为域名", "it must be a host name")
    profile = Profile(
        name,
        pair(file, "venue.title", head["title"]),
        head["origin"],
        head["suite"],
        head["from"],
        (*base, *(_chosen(file, item) for item in _rows(file, content, "choose"))),
        tuple(_register(root, file, item) for item in _rows(file, content, "register")),
        _names(file, "venue.tables", head["tables"]),
    )
    if len({item.id for item in profile.registers}) != len(profile.registers):
        raise fault(file, "register.id", "登记簿编号重复", "two registers have one id")
    return profile, {**of_base, **_own_values(file, content, profile)}


def _base(root: Path, file: str, head: Mapping[str, Any]) -> tuple[tuple[Chosen, ...], dict[str, RuleValue]]:
    """The documents another venue chose and its own values, but nothing of its registers: where this one starts from."""
    name = head.get("base")
    if name is None:
        return (), {}
    if not isinstance(name, str) or not _ID.fullmatch(name) or file == f"venues/{name}.toml":
        raise fault(file, "venue.base", "须是另一场所的名称", "it must be the name of another venue")
    profile, own = read_profile(root, name)
    return profile.documents, {key: item for key, item in own.items() if ":" not in key}


def _rows(file: str, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = content.pop(key, [])
    if not isinstance(rows, list) or not all(isinstance(item, dict) for item in rows):
        raise fault(file, key, f"须写成 [[{key}]]", f"it must be written as [[{key}]]")
    return rows


def _names(file: str, key: str, table: Any) -> Mapping[str, str]:
    if not isinstance(table, dict) or not all(isinstance(item, str) for item in table.values()):
        raise fault(file, key, "须是名称到名称的表", "it must be a table of names to names")
    return MappingProxyType(table)


def _chosen(file: str, item: Mapping[str, Any]) -> Chosen:
    after = item.get("after_end", "")
    if not {"document"} <= set(item) <= {"document", "after_end"} or after not in _AFTER_END:
        raise fault(
            file,
            "choose",
            "须有 document，可有 after_end（continue 或 drop）",
            "it needs document and may have after_end (continue or drop)",
        )
    return Chosen(str(item["document"]), after)


def _register(root: Path, file: str, item: Mapping[str, Any]) -> Register:
    key = f"register.{item.get('id', '?')}"
    if set(item) != _REGISTER_KEYS or not _ID.fullmatch(str(item["id"])):
        raise fault(file, key, "登记簿缺项或有多余项", "the register lacks keys or has unknown ones")
    if not isinstance(item["open"], bool):
        raise fault(file, f"{key}.open", "须是 true 或 false", "it must be true or false")
    head = read_head(item["regime"], root) if (root / head_file(str(item["regime"]))).is_file() else None
    if head is None or not head.procedures:
        known = "、".join(regime_ids(root))
        raise fault(file, f"{key}.regime", f"没有这一制度；现有 {known}", f"no such regime; there are {known}")
    title = pair(file, f"{key}.title", item["title"])
    return Register(item["id"], title, head.id, item["open"], head.certificate, head.rights, head.procedures)


def _own_values(file: str, content: dict[str, Any], profile: Profile) -> dict[str, RuleValue]:
    """The venue's numbers, then those of single registers under `[scoped.<register>.<app>]`."""
    source = Document(
        file.removesuffix(".toml"),
        profile.title,
        "",
        profile.title[0],
        Status.VENUE,
        (profile.since, None),
        "",
        {},
    )
    scoped = content.pop("scoped", {})
    if not isinstance(scoped, dict) or not all(isinstance(item, dict) for item in scoped.values()):
        raise fault(file, "scoped", "须写成 [scoped.<register>.<app>]", "it must be [scoped.<register>.<app>]")
    values = read_values(file, content, source)
    for identity, sections in scoped.items():
        if identity not in {item.id for item in profile.registers}:
            raise fault(file, f"scoped.{identity}", "没有这个登记簿", "there is no such register")
        for name, item in read_values(file, sections, source).items():
            own = f"{identity}:{name}"
            values[own] = RuleValue(**{**vars(item), "name": own})
    for name, item in values.items():
        if item.force is not Force.VENUE:
            raise fault(file, f"{name}.force", "场所自定的值只能是 venue", "a venue's own value can only be venue")
    return values
