"""Which requirement is carried by which rule, table row or test, and which by none. Pure but for reading the tree.

`shugu/rules/requirements.tsv` holds the rows of areas registration, evidence and subjects. A mark is a TOML comment at
a line's end, `# carries P3-013 P3-014`, or `carries: P3-013` at a line's end in a test's docstring. `not_carried.toml`
holds the rows nothing carries yet or ever, each with its reason: counted apart, never as carried. A mark may also name a row of
another area (`other_requirements.tsv`, ids only): it is neither counted nor a fault.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shugu.formats.errors import ShuguError
from shugu.kernel.text import Text, text_of

ROOT = Path(__file__).resolve().parent.parent
ROWS = "shugu/rules/requirements.tsv"
OTHER_ROWS = "shugu/rules/other_requirements.tsv"
NOT_CARRIED = "shugu/rules/not_carried.toml"
COLUMNS = ("id", "document", "article", "area", "priority", "requirement")

_ID = re.compile(r"[A-Z]\d+-\d{3}")
_MARK = re.compile(r"#\s*carries\b:?\s*(.*)$")
_HEADER = re.compile(r"\s*\[{1,2}([\w.\-\"]+)\]{1,2}")
_KEY = re.compile(r"([\w\-]+)\s*=")
_NAMED = re.compile(r"\b(?:code|id)\s*=\s*\"([^\"]+)\"")
_BLOCK_WORDS = re.compile(r"(id|do|from|role)\s*=\s*(.+?)\s*(?:#.*)?$")
_PLACES = re.compile(r"\"([^\"]+)\"")


class CoverageUnreadable(ShuguError):
    """A file that the coverage of requirements is counted from cannot be read."""

    code = "coverage-unreadable"
    status = 500
    sentence = ("{file} 读不出来：{why}。", "{file} cannot be read: {why}.")
    remedy = ("改正该文件后再统计。", "Correct the file and count again.")


@dataclass(frozen=True)
class Requirement:
    id: str
    document: str
    article: str
    area: str
    priority: str
    requirement: str


@dataclass(frozen=True)
class Mark:
    """`carrier`: file and key, step, clock, row or test, as a reader finds it."""

    id: str
    carrier: str


@dataclass(frozen=True)
class Coverage:
    """`carriers`: row id to its carriers, for carried rows only. `faults`: what has to be corrected first."""

    rows: tuple[Requirement, ...]
    carriers: dict[str, tuple[str, ...]]
    not_carried: dict[str, Text]
    faults: tuple[str, ...]

    @property
    def missing(self) -> tuple[Requirement, ...]:
        return tuple(r for r in self.rows if r.id not in self.carriers and r.id not in self.not_carried)

    def of(self, area: str) -> Coverage:
        """The same, of one area's rows only."""
        rows = tuple(r for r in self.rows if r.area == area)
        ids = {r.id for r in rows}
        carriers = {i: c for i, c in self.carriers.items() if i in ids}
        return Coverage(rows, carriers, {i: w for i, w in self.not_carried.items() if i in ids}, self.faults)

    @property
    def areas(self) -> tuple[str, ...]:
        return tuple(sorted({r.area for r in self.rows}))

    def counts(self) -> dict[str, int]:
        missing = self.missing
        return {
            "rows": len(self.rows), "carried": len(self.carriers), "not_carried": len(self.not_carried),
            "missing": len(missing), "missing_a": sum(r.priority == "A" for r in missing),
        }  # fmt: skip

    def as_document(self) -> dict[str, Any]:
        """JSON-safe: rows, carried, missing (ids), not_carried (id to reason), by_area, carriers, faults."""
        return {
            "rows": len(self.rows), "carried": len(self.carriers), "missing": [r.id for r in self.missing],
            "not_carried": {i: w._asdict() for i, w in sorted(self.not_carried.items())},
            "by_area": {area: self.of(area).counts() for area in self.areas},
            "carriers": {i: list(c) for i, c in sorted(self.carriers.items())}, "faults": list(self.faults),
        }  # fmt: skip


def coverage(root: Path = ROOT) -> Coverage:
    """Errors: CoverageUnreadable. Unknown ids do not raise: they are told, all of them, in `faults`."""
    rows = read_requirements(root)
    known = {r.id for r in rows}
    elsewhere = _read_others(root)
    reasons = _read_not_carried(root)
    found: dict[str, list[str]] = {}
    faults = [f"{NOT_CARRIED}: {i} 不在需求表内 / is no row of {ROWS}" for i in reasons if i not in known]
    for mark in marks(root):
        if mark.id in elsewhere:
            continue
        if mark.id not in known:
            faults.append(f"{mark.carrier}: {mark.id} 不在需求表内 / is no row of {ROWS}")
        elif mark.id in reasons:
            faults.append(f"{mark.carrier}: {mark.id} 又列在 / is also listed in {NOT_CARRIED}")
        elif mark.carrier not in found.setdefault(mark.id, []):
            found[mark.id].append(mark.carrier)
    carriers = {i: tuple(c) for i, c in found.items()}
    return Coverage(rows, carriers, {i: w for i, w in reasons.items() if i in known}, tuple(faults))


def read_requirements(root: Path = ROOT) -> tuple[Requirement, ...]:
    """The rows in file order. Errors: CoverageUnreadable, also for a double id or a line of another form."""
    lines = _text(root, root / ROWS).splitlines()
    if not lines or tuple(lines[0].split("\t")) != COLUMNS:
        raise CoverageUnreadable(file=ROWS, why=("表头不符", f"its head is not {' '.join(COLUMNS)}"))
    rows: dict[str, Requirement] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS) or not _ID.fullmatch(cells[0]) or cells[0] in rows:
            why = (f"第 {number} 行不合格式或编号重复", f"line {number} is malformed or double")
            raise CoverageUnreadable(file=ROWS, why=why)
        rows[cells[0]] = Requirement(*cells)
    return tuple(rows.values())


def marks(root: Path = ROOT) -> Iterator[Mark]:
    """Every mark of the tree: rule files and tables under shugu/, tests under shugu/, connector/ and tests/."""
    for path in sorted((root / "shugu").rglob("*.toml")):
        if path != root / NOT_CARRIED:
            yield from toml_marks(_text(root, path), str(path.relative_to(root)))
    for top in ("shugu", "connector", "tests"):
        for path in sorted((root / top).rglob("test_*.py")):
            text = _text(root, path)
            if "carries:" in text:
                yield from _test_marks(root, path, text)


def toml_marks(text: str, file: str) -> Iterator[Mark]:
    """The marks of one TOML file; the carrier is `<file> <key>[<row>]`, or `<file> <block> <id> …` in `[[block]]`s."""
    lines = text.splitlines()
    header, label, key = "", "", ""
    for number, line in enumerate(lines):
        head = _HEADER.match(line)
        if head is not None and not line.lstrip().startswith("[["):
            header, label, key = head[1], "", ""
        elif head is not None:
            header, label, key = head[1], _block_label(lines[number + 1 :]), ""
        elif named := _KEY.match(line):
            key = named[1]
        mark = _MARK.search(line)
        if mark is not None:
            row = _NAMED.search(line) if line.lstrip().startswith("{") else None
            place = _place(header, label, key, row[1] if row else "")
            yield from (Mark(i, f"{file} {place}") for i in _ids(mark[1]))


def _place(header: str, label: str, key: str, row: str) -> str:
    inside = f"[{row}]" if row else ""
    if label:
        return f"{header} {label}" + (f" {key}{inside}" if inside else "")
    return ".".join(part for part in (header, key) if part) + inside


def _block_label(following: Iterable[str]) -> str:
    """What names a `[[step]]`, `[[clock]]`, …: its `do` and `from`, or its `id` or `role`."""
    words: dict[str, str] = {}
    for line in following:
        if _HEADER.match(line):
            break
        if found := _BLOCK_WORDS.match(line):
            words.setdefault(found[1], "|".join(_PLACES.findall(found[2])))
    if "do" in words:
        return f"{words['do']} ({words.get('from', '')})"
    return words.get("id") or words.get("role") or "?"


def _test_marks(root: Path, path: Path, text: str) -> Iterator[Mark]:
    file = str(path.relative_to(root))
    try:
        tree = ast.parse(text)
    except SyntaxError as problem:
        raise CoverageUnreadable(file=file, why=str(problem)) from problem
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            carrier = file if isinstance(node, ast.Module) else f"{file}::{node.name}"
            for line in (ast.get_docstring(node) or "").splitlines():
                _, colon, rest = line.partition("carries:")
                if colon:
                    yield from (Mark(i, carrier) for i in _ids(rest))


def _ids(text: str) -> list[str]:
    """The ids of a mark. A word that is none is kept, so that it is told as unknown instead of lost."""
    return [word.rstrip(".") for word in re.split(r"[\s,、;]+", text) if word] or ["(empty)"]


def _read_others(root: Path) -> frozenset[str]:
    path = root / OTHER_ROWS
    lines = _text(root, path).splitlines()[1:] if path.exists() else []
    return frozenset(line.split("\t")[0] for line in lines)


def _read_not_carried(root: Path) -> dict[str, Text]:
    path = root / NOT_CARRIED
    if not path.exists():
        return {}
    try:
        return {i: text_of(reason, i) for i, reason in tomllib.loads(_text(root, path)).items()}
    except ValueError as problem:  # TOMLDecodeError is one
        raise CoverageUnreadable(file=NOT_CARRIED, why=str(problem)) from problem


def _text(root: Path, path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise CoverageUnreadable(file=str(path.relative_to(root)), why=str(problem)) from problem
