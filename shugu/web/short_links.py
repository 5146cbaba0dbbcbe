"""The short address printed on every document: `/v/<number>` leads to the page on which anybody verifies that kind.

It tells nothing of its own: a number is not looked up here, only shown the way by its kind.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.http import require_safe

from shugu.formats.errors import BadIdentifier
from shugu.formats.identifiers import NumberKind, parse_number
from shugu.kernel import runtime
from shugu.kernel.errors import NotFound

Page = Callable[[str], str]
_PAGES: dict[NumberKind | None, Page] = {}


def register(kind: NumberKind | None, page: Page) -> None:
    """The public page of a kind's numbers; None for every kind without one of its own."""
    _PAGES[kind] = page


def address(number: str) -> str:
    """What the code on paper holds."""
    return f"{runtime.home().public_url}/v/{number}"


@require_safe
def follow(request: HttpRequest, number: str) -> HttpResponseRedirect:
    """Errors: NotFound for what is no number of this venue's form."""
    try:
        kind = parse_number(number).kind
    except BadIdentifier as error:
        raise NotFound(what=("编号", "number")) from error
    return HttpResponseRedirect(_PAGES.get(kind, _PAGES[None])(number))
