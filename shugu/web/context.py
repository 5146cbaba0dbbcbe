"""What the shell of every page needs: venue, seat, navigation, language, the mark of a demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from shugu.kernel import runtime
from shugu.kernel.rule_files import RULES
from shugu.kernel.rule_profile import read_profile
from shugu.kernel.text import Text
from shugu.web import language, navigation
from shugu.web.shapes import SeatFace

VISITOR = SeatFace()
SIGN_IN, SIGN_OUT = "party:sign_in", "party:sign_out"
ENROL = "party:totp"


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


@lru_cache(maxsize=8)
def _names_of(venue: str) -> Text:
    profile, _ = read_profile(RULES, venue)
    return Text(*profile.title)


def url_or_nothing(name: str) -> str:
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
    return bool(runtime.demo())


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
            venue=_names_of(runtime.venue_id()),
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
            sign_in_url=url_or_nothing(SIGN_IN),
            sign_out_url=url_or_nothing(SIGN_OUT),
        )
    }
