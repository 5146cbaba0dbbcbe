"""What the shell of every page needs: venue, seat, navigation, language, the mark of a demonstration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from shugu.kernel.text import Text
from shugu.web import language, navigation
from shugu.web.shapes import SeatFace

VISITOR = SeatFace()


@dataclass(frozen=True)
class Shell:
    venue: Text
    demo: bool
    lang: str
    html_lang: str
    path: str
    full_path: str
    switch_url: str
    nav: tuple[navigation.NavLink, ...]
    seat: SeatFace
    search_url: str
    query: str
    sign_in_url: str
    sign_out_url: str
    desk_url: str


def _default_venue() -> Text:
    return Text("数谷数据交易所", "Shugu Data Exchange")


_VENUE: list[Callable[[], Text]] = [_default_venue]


def name_venue(names: Callable[[], Text]) -> None:
    """The composition root says, once, how to learn the venue's names."""
    _VENUE[:] = [names]


def _url(name: str) -> str:
    """Empty while no app offers that page: the shell then shows no link."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def seat_of(request: HttpRequest) -> SeatFace:
    """`request.seat` may be a SeatFace or anything with a `face` that is one; without it, a visitor."""
    seat = getattr(request, "seat", None)
    face = getattr(seat, "face", seat)
    return face if isinstance(face, SeatFace) else VISITOR


def is_demo() -> bool:
    return bool(getattr(getattr(settings, "HOME", None), "demo", False))


def shell(request: HttpRequest) -> dict[str, Shell]:
    lang = language.current()
    seat = seat_of(request)
    # ?lang= would win over the cookie, so the way back must not carry it.
    asked = request.GET.copy()
    asked.pop("lang", None)
    full_path = request.path + (f"?{asked.urlencode()}" if asked else "")
    other = "zh" if lang == "en" else "en"
    switch = f"{reverse('web:lang')}?{urlencode({'lang': other, 'next': full_path})}"
    return {
        "shell": Shell(
            venue=_VENUE[0](),
            demo=is_demo(),
            lang=lang,
            html_lang="en" if lang == "en" else "zh-CN",
            path=request.path,
            full_path=full_path,
            switch_url=switch,
            nav=navigation.links(seat.kind, request.path),
            seat=seat,
            search_url=navigation.search_url(),
            query=request.GET.get("q", ""),
            sign_in_url=_url("party:sign_in"),
            sign_out_url=_url("party:sign_out"),
            desk_url=_url("desk"),
        )
    }
