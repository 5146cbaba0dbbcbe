"""Rule files on disk: one value, one document, the lock of released files.

The format is described in shugu/rules/README.md. Pure: no Django, no clock.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from shugu.kernel.rule_errors import RuleError, RuleLocked
from shugu.kernel.workdays import Length, Unit

RULES = Path(__file__).resolve().parent.parent / "rules"
LOCK = "released.lock"
HEAD = "document"

RuleData: TypeAlias = bool | int | str | Decimal | date | tuple["RuleData", ...] | Mapping[str, "RuleData"]

# wd, cd, month, year are lengths; `none` is for words, lists, tables and switches.
UNITS = frozenset(
    [
        "none",
        "wd",
        "cd",
        "month",
        "year",
        "hour",
        "minute",
        "second",
        "fen",
        "bps",
        "byte",
        "count",
        "per_minute",
        "per_day",
        "percent",
    ]
)
_VALUE_KEYS = frozenset({"value", "unit", "article", "force", "note", "inference", "bound"})
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.r([2-9]|[1-9][0-9]+))?")
_DEEPEST = 3
_LARGEST = 2**53 - 1  # the largest integer RFC 8785 numbers hold exactly


class Force(StrEnum):
    MUST = "must"
    MAY = "may"
    VENUE = "venue"


class Status(StrEnum):
    IN_FORCE = "in_force"
    TRIAL = "trial"
    DRAFT = "draft"
    GROUP_STANDARD = "group_standard"
    ADVISORY = "advisory"
    VENUE = "venue"
    LAPSED = "lapsed"  # computed when a document's last day has passed, never written


class Bound(StrEnum):
    """How far a venue may depart from a law's number: only upwards from a `min`, downwards from a `max`."""

    EXACT = "exact"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True)
class RuleValue:
    """One value with its source. `document` is `<jurisdiction>/<document>/<file>`."""

    name: str
    value: RuleData
    unit: str
    document: str
    article: str
    force: Force
    status: Status
    effective: tuple[date, date | None]
    note: tuple[str, str]
    bound: Bound = Bound.EXACT

    @property
    def length(self) -> Length:
        """The value as a period; RuleError if its unit is not one of time in days or longer."""
        if not isinstance(self.value, int) or self.unit not in tuple(Unit):
            raise fault(
                self.document,
                self.name,
                "不是以日、月、年计的期限",
                "it is not a period in days, months or years",
            )
        return Length(self.value, Unit(self.unit))

    @property
    def number(self) -> int:
        """The value as an integer; RuleError for anything else."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise fault(self.document, self.name, "不是整数", "it is not an integer")
        return self.value

    @property
    def codes(self) -> tuple[str, ...]:
        """The value as a list of codes: plain strings, or the `code` or `id` of each row; RuleError otherwise."""
        if not isinstance(self.value, tuple):
            raise fault(self.document, self.name, "不是列表", "it is not a list")
        rows = [row.get("code", row.get("id", "")) if isinstance(row, Mapping) else row for row in self.value]
        return tuple(str(row) for row in rows)

    @property
    def rows(self) -> tuple[Mapping[str, RuleData], ...]:
        """The value as a code table: rows with `zh`, `en` and a code; RuleError otherwise."""
        if not isinstance(self.value, tuple) or not all(isinstance(row, Mapping) for row in self.value):
            raise fault(self.document, self.name, "不是代码表", "it is not a code table")
        return tuple(row for row in self.value if isinstance(row, Mapping))


@dataclass(frozen=True)
class Document:
    """A rule file as read: head and values by full name."""

    id: str
    title: tuple[str, str]
    number: str
    issuer: str
    status: Status
    effective: tuple[date, date | None]
    source: str
    values: Mapping[str, RuleValue]


def fault(file: str, key: str, zh: str, en: str, remedy: tuple[str, str] | None = None) -> RuleError:
    remedy_zh, remedy_en = remedy or (
        "按 shugu/rules/README.md 的格式改正",
        "correct it to the format in shugu/rules/README.md",
    )
    return RuleError.at(file, key, zh=zh, en=en, remedy_zh=remedy_zh, remedy_en=remedy_en)


def read_toml(path: Path) -> dict[str, Any]:
    """Content with exact decimals; RuleError if missing or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise fault(str(path), "*", f"读不出来（{problem}）", f"it cannot be read ({problem})") from problem


def pair(file: str, key: str, item: Any) -> tuple[str, str]:
    """A `{ zh = …, en = … }` table as (zh, en)."""
    if (
        not isinstance(item, dict)
        or set(item) != {"zh", "en"}
        or not all(isinstance(text, str) and text for text in item.values())
    ):
        raise fault(file, key, "须有 zh 与 en 两种文字", "it needs text in zh and en")
    return item["zh"], item["en"]


def frozen(data: Any) -> RuleData:
    """Deep immutable copy of TOML data; TypeError names what no rule may hold."""
    if isinstance(data, list):
        return tuple(frozen(item) for item in data)
    if isinstance(data, dict):
        if any(key.startswith("$") for key in data):
            raise TypeError("a key with $")
        return MappingProxyType({key: frozen(item) for key, item in data.items()})
    if isinstance(data, Decimal) and not data.is_finite():
        raise TypeError(str(data))
    if isinstance(data, int) and abs(data) > _LARGEST:
        raise TypeError("an integer beyond 2^53")
    if isinstance(data, bool | int | str | Decimal) or type(data) is date:
        return data
    raise TypeError(type(data).__name__)


def read_document(root: Path, path: Path) -> Document:
    """Read `<root>/<jurisdiction>/<document>/<first-day>[.rN].toml`. Raises RuleError."""
    name = str(path.relative_to(root))
    content = read_toml(path)
    head = content.pop(HEAD, None)
    wanted = {"title", "number", "issuer", "status", "from", "source"}
    if not isinstance(head, dict) or not wanted <= set(head) <= wanted | {"until", "inference"}:
        raise fault(name, HEAD, "文件头缺项或有多余项", "its head lacks keys or has unknown ones")
    match = _FILE.fullmatch(path.stem)
    first, last = head["from"], head.get("until")
    if match is None or type(first) is not date or match[1] != first.isoformat():
        raise fault(name, f"{HEAD}.from", "须与文件名的首日一致", "it must equal the first day in the file name")
    if last is not None and (type(last) is not date or last < first):
        raise fault(name, f"{HEAD}.until", "须是首日之后的日期", "it must be a date after the first day")
    if head["status"] not in tuple(Status) or head["status"] in (Status.VENUE, Status.LAPSED):
        raise fault(name, f"{HEAD}.status", "状态不在表内", "the status is not in the list")
    for key in ("number", "issuer", "source"):
        if not isinstance(head[key], str):
            raise fault(name, f"{HEAD}.{key}", "须是文字", "it must be text")
    if not isinstance(head.get("inference", False), bool):
        raise fault(name, f"{HEAD}.inference", "须是 true 或 false", "it must be true or false")
    document = Document(
        id=str(Path(name).with_suffix("")),
        title=pair(name, f"{HEAD}.title", head["title"]),
        number=head["number"],
        issuer=head["issuer"],
        status=Status(head["status"]),
        effective=(first, last),
        source=head["source"],
        values={},
    )
    values = read_values(name, content, document, inference=head.get("inference", False))
    return Document(**{**vars(document), "values": MappingProxyType(values)})


def read_values(
    file: str, sections: Mapping[str, Any], document: Document, *, inference: bool = False
) -> dict[str, RuleValue]:
    """Values by full name from `[<app>]` and `[<app>.<group>]` sections. Raises RuleError."""
    values: dict[str, RuleValue] = {}

    def walk(prefix: tuple[str, ...], table: Mapping[str, Any]) -> None:
        for key, item in table.items():
            path = (*prefix, key)
            name = ".".join(path)
            if not _NAME.fullmatch(key) or not isinstance(item, dict) or len(path) > _DEEPEST:
                raise fault(file, name, "不是规则值或分组", "it is neither a rule value nor a group")
            if "value" in item:
                if not prefix:
                    raise fault(file, name, "须写在应用的分组内", "it must stand in a section of an app")
                values[name] = _value(file, name, item, document, inference)
            else:
                walk(path, item)

    walk((), sections)
    return values


def _value(file: str, name: str, item: Mapping[str, Any], document: Document, inference: bool) -> RuleValue:
    extra = set(item) - _VALUE_KEYS
    if extra:
        raise fault(file, f"{name}.{min(extra)}", "没有这个键", "there is no such key")
    force, unit = item.get("force"), item.get("unit", "none")
    article, bound = item.get("article", ""), item.get("bound", "exact")
    if force not in tuple(Force):
        raise fault(file, f"{name}.force", "须为 must、may 或 venue", "it must be must, may or venue")
    if force != Force.VENUE and (inference or item.get("inference", False)):
        raise fault(
            file,
            f"{name}.force",
            "推断不是法，只能是 venue",
            "an inference is not law: only venue is possible",
        )
    if not isinstance(article, str) or (force != Force.VENUE and not article):
        raise fault(file, f"{name}.article", "须写明条款", "it needs its article")
    if force == Force.MUST and document.status in (Status.DRAFT, Status.ADVISORY, Status.GROUP_STANDARD):
        raise fault(file, f"{name}.force", "此类文件没有强制力", "a document of this status binds nobody")
    if not isinstance(unit, str) or unit not in UNITS:
        raise fault(file, f"{name}.unit", "单位不在表内", "the unit is not in the list")
    if bound not in tuple(Bound):
        raise fault(file, f"{name}.bound", "须为 exact、min 或 max", "it must be exact, min or max")
    try:
        value = frozen(item["value"])
    except TypeError as problem:
        raise fault(file, f"{name}.value", f"不能用 {problem}", f"{problem} cannot be used") from problem
    if unit != "none" and (isinstance(value, bool) or not isinstance(value, int | Decimal)):
        raise fault(file, f"{name}.value", "有单位的值须是数", "a value with a unit must be a number")
    return RuleValue(
        name,
        value,
        unit,
        document.id,
        article,
        Force(force),
        document.status,
        document.effective,
        pair(file, f"{name}.note", item.get("note")),
        Bound(bound),
    )


def refuse_weaker(file: str, key: str, law: RuleValue, own: RuleValue) -> None:
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


def conflict(file: str, key: str, first: str, second: str) -> RuleError:
    return fault(
        file,
        key,
        f"{first} 与 {second} 都规定了它",
        f"both {first} and {second} set it",
        ("只选用其中一个文件", "choose only one of the documents"),
    )


def document_files(root: Path, document: str) -> Iterator[tuple[date, int, Path]]:
    """(first day, revision, path) of every stored version of `<jurisdiction>/<document>`."""
    for path in sorted((root / document).glob("*.toml")):
        match = _FILE.fullmatch(path.stem)
        if match is None:
            name = str(path.relative_to(root))
            raise fault(name, "*", "文件名须为 <首日>[.rN].toml", "its name must be <first-day>[.rN].toml")
        yield date.fromisoformat(match[1]), int(match[2] or 1), path


def read_lock(root: Path) -> dict[str, str]:
    """Digest by relative path of every released file; empty when nothing was released."""
    path = root / LOCK
    if not path.exists():
        return {}
    pairs = (line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in pairs}


def check_lock(root: Path = RULES) -> None:
    """Raise RuleLocked for a released file that is missing or was changed."""
    for name, digest in read_lock(root).items():
        if not (root / name).exists() or _digest(root / name) != digest:
            raise RuleLocked.at(
                name,
                "*",
                zh="文件已发布，内容却变了",
                en="the file was released and its content changed",
                remedy_zh="恢复原文件；更正写成新的 .rN 文件，新法写成新首日的文件",
                remedy_en="restore it; a correction is a new .rN file, a new law a file of its own first day",
            )


def lock(root: Path = RULES) -> tuple[str, ...]:
    """Release every document and calendar not yet released; returns the names added.

    Only documents and holiday notices: the choices of venues and regimes live on in each stored rule set, and the
    statutory calendar yields provisional dates only.
    """
    check_lock(root)
    known = read_lock(root)
    names = (path.relative_to(root) for path in sorted(root.rglob("*.toml")))
    added = tuple(
        str(name)
        for name in names
        if name.parts[0] not in ("venues", "regimes") and len(name.parts) > 1 and name.name != "statutory.toml"
        and str(name) not in known
    )
    known |= {name: _digest(root / name) for name in added}
    lines = "".join(f"{known[name]}  {name}\n" for name in sorted(known))
    (root / LOCK).write_text(lines, encoding="utf-8")
    return added


def _digest(path: Path) -> str:
    # Line ends are folded so that a checkout on another system keeps the same digest.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
