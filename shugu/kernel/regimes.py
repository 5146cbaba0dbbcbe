"""A regime: how one register works. The documents it runs under, its procedures, and what they leave open.

`rules/regimes/<id>.toml` names documents and procedures; values no document sets are the regime's own choice, those it
does not set come from its `base`. A register of a venue names its regime and needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shugu.kernel.rule_files import (
    RULES,
    Document,
    Force,
    RuleValue,
    Status,
    conflict,
    document_files,
    fault,
    pair,
    read_document,
    read_toml,
    read_values,
    refuse_weaker,
)

FOLDER = "regimes"
_KEYS = frozenset({"title", "documents", "base", "certificate", "rights", "procedures"})
_ABSTRACT = frozenset({"title", "documents"})


@dataclass(frozen=True)
class Head:
    """What a regime file says of itself. One without procedures is a base for others and serves no register."""

    id: str
    title: tuple[str, str]
    documents: tuple[str, ...]
    base: str
    certificate: str
    rights: str
    procedures: Mapping[str, str]


@dataclass(frozen=True)
class Regime:
    """A regime on a day: its documents with their status and the day each began to apply so, and its values by name."""

    head: Head
    documents: tuple[tuple[Document, date], ...]
    values: Mapping[str, RuleValue]

    @property
    def id(self) -> str:
        return self.head.id

    @property
    def title(self) -> tuple[str, str]:
        return self.head.title


def regime_ids(root: Path = RULES) -> tuple[str, ...]:
    """Every regime that a register may name."""
    names = (path.stem for path in sorted((root / FOLDER).glob("*.toml")))
    return tuple(name for name in names if read_head(name, root).procedures)


def read_head(name: str, root: Path = RULES) -> Head:
    """Errors: RuleError."""
    return _read(name, root)[0]


def load_regime(name: str, on: date, root: Path = RULES) -> Regime:
    """Errors: RuleError for anything malformed, two documents that set one value, a choice weaker than the law."""
    head, own = _read(name, root)
    values: dict[str, RuleValue] = {}
    documents = [pick_document(root, head_file(name), id_, on, "continue") for id_ in head.documents]
    kept = [(document, began) for document, began in documents if document is not None]
    for document, _ in kept:
        for key, item in document.values.items():
            if key in values:
                raise conflict(head_file(name), key, values[key].document, document.id)
            values[key] = item
    for key, item in own.items():
        if key in values:
            refuse_weaker(head_file(name), key, values[key], item)
        values[key] = item
    if head.base:
        for key, item in load_regime(head.base, on, root).values.items():
            values.setdefault(key, item)
    return Regime(head, tuple(kept), MappingProxyType(dict(sorted(values.items()))))


@lru_cache(maxsize=4)
def every_value(on: date, root: Path = RULES) -> frozenset[tuple[str, str]]:
    """(name, unit) of every value of any regime: what tables and guards that serve other venues may ask for."""
    found = (load_regime(name, on, root).values.values() for name in regime_ids(root))
    return frozenset((item.name, item.unit) for values in found for item in values)


def head_file(name: str) -> str:
    return f"{FOLDER}/{name}.toml"


def _read(name: str, root: Path) -> tuple[Head, dict[str, RuleValue]]:
    file = head_file(name)
    content = read_toml(root / FOLDER / f"{name}.toml")
    raw: Any = content.pop("regime", None)
    if not isinstance(raw, dict) or not _ABSTRACT <= set(raw) <= _KEYS:
        raise fault(file, "regime", "文件头缺项或有多余项", "its head lacks keys or has unknown ones")
    procedures, documents = raw.get("procedures", {}), raw["documents"]
    names = isinstance(procedures, dict) and all(isinstance(item, str) for item in procedures.values())
    if not names or not isinstance(documents, list):
        raise fault(file, "regime.procedures", "须是事项到程序的表", "it must be a table of operations to procedures")
    if procedures and not (raw.get("certificate") and raw.get("rights")):
        raise fault(file, "regime.certificate", "须写明证书种类与权利词表", "it needs certificate and rights")
    head = Head(
        name, pair(file, "regime.title", raw["title"]), tuple(documents), str(raw.get("base", "")),
        str(raw.get("certificate", "")), str(raw.get("rights", "")), MappingProxyType(procedures),
    )  # fmt: skip
    source = Document(file.removesuffix(".toml"), head.title, "", head.title[0], Status.VENUE, (date.min, None), "", {})
    own = read_values(file, content, source)
    for key, item in own.items():
        if item.force is not Force.VENUE:
            raise fault(file, f"{key}.force", "制度文件自定的值只能是 venue", "a regime's own value can only be venue")
    return head, own


def pick_document(root: Path, file: str, id_: str, on: date, after_end: str) -> tuple[Document | None, date]:
    """The version of a document that applies, and since when it has applied in this form. Errors: RuleError."""
    if not isinstance(id_, str):
        raise fault(file, "choose", f"“{id_}”不是文件的名称", f"“{id_}” is no name of a document")
    versions = [version for version in document_files(root, id_) if version[0] <= on]
    if not versions:
        raise fault(
            file,
            f"choose.{id_}",
            f"没有 {on} 适用的文件",
            f"no file of it applies on {on}",
            ("补上规则文件，或不选用该文件", "add the rule file or do not choose the document"),
        )
    document = read_document(root, max(versions)[2])
    first, last = document.effective
    if last is None or on <= last:
        return document, first
    after = last + timedelta(days=1)
    if after_end == "drop":
        return None, after
    if after_end != "continue":
        raise fault(
            file,
            f"choose.{id_}.after_end",
            f"该文件已于 {last} 到期",
            f"the document ended on {last}",
            (
                "写明 after_end：continue（作为场所自定沿用）或 drop（不再用）",
                "state after_end: continue (as the venue's own choice) or drop",
            ),
        )
    values = {key: replace(item, force=Force.VENUE, status=Status.LAPSED) for key, item in document.values.items()}
    return replace(document, status=Status.LAPSED, values=MappingProxyType(values)), after
