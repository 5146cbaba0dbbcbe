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
