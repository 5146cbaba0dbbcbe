"""Docs that are made from the code tell the truth: `shugu docs` writes them, this compares them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps

from shugu import generated_docs
from shugu.formats.errors import ShuguError
from shugu.kernel.commands import COMMANDS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_generated_pages_are_up_to_date() -> None:
    """Run `make docs` after changing a procedure, a rule, a command, a fact or an error."""
    stale = [
        name
        for name, text in generated_docs.contents().items()
        if not (DOCS / name).exists() or (DOCS / name).read_text("utf-8") != text
    ]
    assert stale == []


def test_no_page_is_left_of_something_gone() -> None:
    known = set(generated_docs.contents())
    left = [
        str(p.relative_to(DOCS))
        for folder in ("procedures", "rules")
        for p in (DOCS / folder).glob("*.md")
        if str(p.relative_to(DOCS)) not in known
    ]
    assert left == []


def test_every_error_has_its_own_code_status_sentence_and_remedy_in_both_languages() -> None:
    seen: dict[str, type[ShuguError]] = {}
    for error in generated_docs.errors():
        assert 400 <= error.status < 600, error
        for pair in (error.sentence, error.remedy):
            assert len(pair) == 2 and all(pair), error
        other = seen.setdefault(error.code, error)
        assert other is error or issubclass(error, other) or issubclass(other, error), (error, other)


def test_every_command_is_named_app_dot_verb_noun() -> None:
    labels = {config.label for config in apps.get_app_configs() if config.name.startswith("shugu.")}
    assert COMMANDS
    for name in COMMANDS:
        app, _, verb = name.partition(".")
        assert app in labels and verb.isidentifier(), name


PAPERS = (
    "README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md", "INVARIANTS.md", "THREAT_MODEL.md", "docs/glossary.md",
    "docs/formats.md",
)  # fmt: skip


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_of_the_project_exist(name: str) -> None:
    assert len((DOCS.parent / name).read_text("utf-8")) > 500
