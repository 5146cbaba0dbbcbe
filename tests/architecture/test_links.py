"""Every relative link between the project's pages leads somewhere, heading anchors included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", ".venv", "var", "node_modules", "demo-out", "bench-out", "build", "dist"}
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def pages() -> list[Path]:
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not SKIPPED & set(path.relative_to(ROOT).parts) and not any(p.startswith(".") for p in path.relative_to(ROOT).parts)
    )


def links(text: str) -> Iterator[str]:
    """Targets inside this repository; code is not read, addresses with a scheme are not ours to promise."""
    prose = CODE.sub("", FENCE.sub("", text))
    for match in LINK.finditer(prose):
        target = match.group(1)
        if not re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
            yield unquote(target)


def anchors(text: str) -> set[str]:
    """Heading anchors as code hosts write them: lower case, punctuation gone, spaces as hyphens, repeats numbered."""
    found: set[str] = set()
    for line in FENCE.sub("", text).splitlines():
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading is None:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


def broken(page: Path) -> list[str]:
    bad = []
    for target in links(page.read_text("utf-8")):
        where, _, anchor = target.partition("#")
        goal = (page.parent / where).resolve() if where else page
        reached = goal.is_relative_to(ROOT) and goal.exists()
        named = not anchor or goal.suffix != ".md" or (reached and anchor in anchors(goal.read_text("utf-8")))
        if not (reached and named):
            bad.append(target)
    return bad


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_it_sees_a_broken_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of links itself: files, headings, pictures and code."""
    monkeypatch.setattr("tests.architecture.test_links.ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# One\n\n## 二、办理 / Acts\n\n## One\n", "utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#one-1) [c](other.md#二办理--acts) [d](https://example.org/x) `[e](in-code.md)`\n"
        "[f](gone.md) ![g](gone.png) [h](other.md#two) [i](../outside.md) [[j]](gone-too.md)\n"
        "```\n[k](in-a-block.md)\n```\n",
        "utf-8",
    )
    assert broken(page) == ["gone.md", "gone.png", "other.md#two", "../outside.md", "gone-too.md"]


NAMED_TEST = re.compile(r"`([\w/.]+\.py)::(\w+)`")
NAMED_FILE = re.compile(r"`((?:shugu|connector|tests|docs|vectors|benchmarks)/[\w/.-]+\.\w+)`")
NAMED_GUARD = re.compile(r"\b(?:constraints?|triggers?)\s+((?:`\w+`[^`:;]*?)+?)(?:\s+in\s+|\s+\(written\s+by\s+)`([\w/.]+)`")


def functions(path: Path) -> set[str]:
    return set(re.findall(r"^\s*(?:async )?def (\w+)", path.read_text("utf-8"), re.MULTILINE)) if path.exists() else set()


def test_every_test_and_file_named_in_a_page_exists() -> None:
    bad = []
    for page in pages():
        text = page.read_text("utf-8")
        bad += [f"{page.name}: {f}::{n}" for f, n in NAMED_TEST.findall(text) if n not in functions(ROOT / f)]
        bad += [f"{page.name}: {f}" for f in NAMED_FILE.findall(text) if not ((ROOT / f).exists() or (page.parent / f).exists())]
    assert bad == []


def test_every_invariant_has_a_test_and_its_database_guards_exist() -> None:
    chapters = re.split(r"^### ", (ROOT / "INVARIANTS.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert [c.split(".")[0] for c in chapters] == [str(n) for n in range(1, len(chapters) + 1)]
    bad, seen = [], 0
    for chapter in chapters:
        if not NAMED_TEST.search(chapter):
            bad.append(f"no test: {chapter.splitlines()[0]}")
        for names, file in NAMED_GUARD.findall(chapter):
            source = (ROOT / file).read_text("utf-8")
            for name in re.findall(r"`(\w+)`", names):
                seen += 1
                # A migration may make one trigger a table: `<table>_immutable`.
                table, _, suffix = name.rpartition("_")
                if name not in source and not (table in source and f"_{suffix} " in source):
                    bad.append(f"{file}: {name}")
    assert bad == []
    assert seen >= 20
