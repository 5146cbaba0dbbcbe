"""Named places on a page of an earlier app that a later app fills; the import arrow stays one-way.

A page says `{% slot "registry.entry.side" entry.id %}`; the later app registers a URL that
takes that one argument and answers with a fragment. htmx fetches it after the page is shown; without scripts there is a link.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from shugu.kernel.text import Text

EVIDENCE = "evidence.badge"


@dataclass(frozen=True)
class Filling:
    page_slot: str
    url_name: str
    title: Text
    order: int


_FILLINGS: list[Filling] = []


def register_slot(
    page_slot: str,
    url_name: str,
    title: Text = Text("更多内容", "More"),  # noqa: B008  a frozen pair
    order: int = 100,
) -> None:
    filling = Filling(page_slot, url_name, title, order)
    if filling not in _FILLINGS:
        _FILLINGS.append(filling)


def fillings(page_slot: str) -> tuple[Filling, ...]:
    return tuple(sorted((f for f in _FILLINGS if f.page_slot == page_slot), key=lambda f: f.order))


def all_fillings() -> tuple[Filling, ...]:
    return tuple(_FILLINGS)


def hrefs(page_slot: str, object_id: object) -> tuple[tuple[str, Text], ...]:
    return tuple((reverse(f.url_name, args=[object_id]), f.title) for f in fillings(page_slot))
