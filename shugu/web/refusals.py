"""A refusal looks the same everywhere: a page for people, one JSON shape for programs, a notice for htmx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme

from shugu.formats.errors import ShuguError
from shugu.kernel.errors import Forbidden, NotFound, SignInNeeded
from shugu.web import language
from shugu.web.context import ENROL, SIGN_IN, url_or_nothing


class FormExpired(ShuguError):
    code = "form-expired"
    status = 403
    sentence = ("表单已过期，没有提交。", "The form had expired; nothing was submitted.")
    remedy = ("请返回上一页，刷新后再提交。", "Go back, reload the page and submit again.")


class BadRequest(ShuguError):
    code = "bad-request"
    status = 400
    sentence = ("请求无法理解。", "The request cannot be understood.")
    remedy = ("请返回上一页重试。", "Go back and try again.")


class MethodRefused(ShuguError):
    code = "method-not-allowed"
    status = 405
    sentence = ("此地址不接受 {method} 请求。", "{method} is not possible at this address.")
    remedy = ("按接口文档或页面上的按钮操作。", "Use the method of the API's documentation, or the page's own buttons.")


class Broken(ShuguError):
    code = "server-error"
    status = 500
    sentence = ("系统出错，您的操作没有生效。", "Something broke; your action had no effect.")
    remedy = ("请稍后重试；仍不成功请联系交易所。", "Try again later; if it persists, tell the venue.")


def wants_json(request: HttpRequest) -> bool:
    if request.path.startswith("/api/"):
        return True
    accept = request.headers.get("Accept", "")
    return "application/json" in accept and "text/html" not in accept


def as_json(error: ShuguError, lang: str) -> dict[str, dict[str, object]]:
    """{"error": {"code", "message", "remedy", "article", "field_errors"}}; always all five."""
    return {"error": {"article": None, "field_errors": {}, **error.as_dict(lang)}}


def _page_before(request: HttpRequest) -> str:
    before = request.headers.get("Referer", "/")
    return before if url_has_allowed_host_and_scheme(before, {request.get_host()}) else "/"


def answer(request: HttpRequest, error: ShuguError) -> HttpResponse:
    """The refusal in the caller's form and language, with its HTTP status."""
    lang = language.current()
    if wants_json(request):
        return JsonResponse(as_json(error, lang), status=error.status, json_dumps_params={"ensure_ascii": False})
    htmx = request.headers.get("HX-Request") == "true"
    # Whoever has signed in and must first enrol a one-time password is led there, not back to where he or she has been.
    sign_in = url_or_nothing(ENROL if getattr(request, "must_enrol", False) else SIGN_IN)
    if isinstance(error, SignInNeeded) and sign_in and request.method == "GET" and not htmx:
        return HttpResponseRedirect(f"{sign_in}?{urlencode({'next': request.get_full_path()})}")
    shown: dict[str, Any] = {
        "error": error,
        "message": error.message(lang),
        "remedy": error.remedy_text(lang),
        "field_errors": error.as_dict(lang).get("field_errors", {}),
        "back": _page_before(request),
    }
    if htmx:
        fragment = HttpResponse(render_to_string("web/refusal.html", shown, request), status=error.status)
        fragment["HX-Retarget"] = "#notices"
        fragment["HX-Reswap"] = "innerHTML"
        return fragment
    return HttpResponse(render_to_string("web/error.html", shown, request), status=error.status)


class RefusalMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405:
            return response
        told = answer(request, MethodRefused(method=str(request.method)))
        told["Allow"] = response.headers.get("Allow", "")
        return told

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer(request, exception) if isinstance(exception, ShuguError) else None


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, BadRequest())


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, Forbidden())


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NotFound(what=("这个页面", "page")))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """settings.CSRF_FAILURE_VIEW."""
    return answer(request, FormExpired())


def server_error(request: HttpRequest) -> HttpResponse:
    """Leans on nothing that may be what broke: no context processors, no session, no database."""
    lang, error = language.chosen(request), Broken()
    if wants_json(request):
        return JsonResponse(as_json(error, lang), status=500, json_dumps_params={"ensure_ascii": False})
    shown = {
        "error": error,
        "message": error.message(lang),
        "remedy": error.remedy_text(lang),
        "base": "web/bare.html",
        "html_lang": "en" if lang == "en" else "zh-CN",
        "back": "/",
    }
    with translation.override(language.CODES[lang]):
        return HttpResponse(render_to_string("web/error.html", shown), status=500)


handler400 = bad_request
handler403 = permission_denied
handler404 = page_not_found
handler500 = server_error
