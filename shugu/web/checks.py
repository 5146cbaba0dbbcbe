"""At start: every navigation entry leads somewhere, every slot is filled by a URL that exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from shugu.web import navigation, slots


def _names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            if entry.name:
                yield prefix + entry.name
        else:
            yield from _names(entry, f"{prefix}{entry.namespace}:" if entry.namespace else prefix)


@register("urls")
def names_exist(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    known = set(_names(get_resolver()))
    wanted = [(i.url_name, "navigation") for i in navigation.items()]
    wanted += [(name, "search") for name in navigation.search_names()]
    wanted += [(f.url_name, f"slot {f.page_slot}") for f in slots.all_fillings()]
    return [
        Error(
            f"{place} names the URL {name!r}, which does not exist",
            hint="Register an existing name.",
            id="web.E001",
        )
        for name, place in wanted
        if name not in known
    ]
