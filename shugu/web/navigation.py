"""Who sees which entries at the top: apps register theirs when they start."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from shugu.kernel.text import Text

EVERYBODY = "*"
MEMBERS = "+"
VISITOR = "visitor"


@dataclass(frozen=True)
class NavItem:
    """`seat` is a seat's kind, "*" for everybody or "+" for whoever has signed in; a smaller `order` stands further left."""

    seat: str
    title: Text
    url_name: str
    order: int = 100


@dataclass(frozen=True)
class NavLink:
    title: Text
    href: str
    active: bool


_ITEMS: list[NavItem] = []
_SEARCH: list[str] = []


def register(item: NavItem) -> None:
    """Registering the same entry again (a reload) changes nothing."""
    if item not in _ITEMS:
        _ITEMS.append(item)


def register_search(url_name: str) -> None:
    """The page that answers the search box of the shell with `?q=`; the last one registered wins."""
    _SEARCH[:] = [url_name]


def items() -> tuple[NavItem, ...]:
    return tuple(_ITEMS)


def search_names() -> tuple[str, ...]:
    return tuple(_SEARCH)


def search_url() -> str:
    return reverse(_SEARCH[0]) if _SEARCH else ""


def links(seat: str, path: str) -> tuple[NavLink, ...]:
    """Entries of a seat, in order, each URL once; the longest one that `path` starts with is active."""
    open_to = {EVERYBODY, seat} | ({MEMBERS} if seat != VISITOR else set())
    mine = sorted((i for i in _ITEMS if i.seat in open_to), key=lambda i: i.order)
    by_href: dict[str, Text] = {}
    for item in mine:
        by_href.setdefault(reverse(item.url_name), item.title)
    under = [h for h in by_href if path == h or (h != "/" and path.startswith(h))]
    active = max(under, key=len, default=None)
    return tuple(NavLink(title, href, href == active) for href, title in by_href.items())
