"""Chinese by default, English by one click, the same URL."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme

CODES = {"zh": "zh-hans", "en": "en"}
A_YEAR = 365 * 24 * 3600


def current() -> str:
    """`zh` or `en`, whatever is active."""
    return "en" if (translation.get_language() or "zh").startswith("en") else "zh"


def chosen(request: HttpRequest) -> str:
    """`?lang=`, else the cookie, else (the API only: its callers keep no cookie) Accept-Language, else zh."""
    for asked in (request.GET.get("lang"), request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)):
        if asked in CODES:
            return asked
    if request.path.startswith("/api/"):
        first = request.headers.get("Accept-Language", "").split(",")[0].strip().lower()
        if first.startswith("en"):
            return "en"
    return "zh"


class LanguageMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        lang = chosen(request)
        with translation.override(CODES[lang]):
            request.LANGUAGE_CODE = CODES[lang]
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", "zh-CN" if lang == "zh" else "en")
        if request.GET.get("lang") == lang != request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME):
            # The fragments of a page opened with ?lang= are asked for without it.
            keep(response, lang, secure=request.is_secure())
        return response


def keep(response: HttpResponse, lang: str, *, secure: bool) -> None:
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, lang, max_age=A_YEAR, samesite="Lax", secure=secure)


def switch(request: HttpRequest) -> HttpResponse:
    """`/lang/?lang=en&next=/page/` keeps the choice in a cookie and goes back to the same page."""
    after = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        after, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        after = "/"
    response = HttpResponseRedirect(after)
    if request.GET.get("lang") in CODES:
        keep(response, request.GET["lang"], secure=request.is_secure())
    return response
