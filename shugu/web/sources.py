"""From a rule value to the footnote a page shows: document, article, force, dates."""

from __future__ import annotations

from functools import lru_cache

from shugu.kernel.rule_files import RULES, Document, RuleValue, read_document
from shugu.kernel.text import Text
from shugu.web.shapes import Source

VENUE_RULES = Text("本场所规则", "Rules of this venue")


@lru_cache(maxsize=128)
def _document(name: str) -> Document | None:
    path = RULES / f"{name}.toml"
    return read_document(RULES, path) if not name.startswith("venues") and path.exists() else None


def source_of(value: RuleValue) -> Source:
    """A value whose document is no longer shipped (an old rule set) keeps its name as title."""
    found = _document(value.document)
    first, last = value.effective
    if found is not None:
        title = Text(*found.title)
    else:
        title = VENUE_RULES if str(value.force) == "venue" else Text(value.document, value.document)
    return Source(
        document=title, article=value.article, force=Force(str(value.force)), status=str(value.status), effective=first,
        until=last, number=found.number if found else "", note=Text(*value.note),
    )  # fmt: skip
