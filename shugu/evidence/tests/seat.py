"""Who the test client is: the pages only look at `request.actor`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from shugu.kernel.cases import Actor

SEATED: list[Actor | None] = [None]


class Seated:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SEATED[0]  # type: ignore[attr-defined]
        return self.get_response(request)
