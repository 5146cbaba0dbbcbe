"""A small site around the shell: pages that refuse, a slot, a search."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from shugu.formats.errors import BadUscc
from shugu.kernel.errors import SignInNeeded
from shugu.web import refusals


def refuse(request: HttpRequest) -> HttpResponse:
    raise BadUscc(
        value="<b>91",
        reason=("校验位不符", "its check digit does not match"),
        article="GB 32100-2015",
        field_errors={"uscc": ("校验位不符。", "The check digit does not match.")},
    )


def closed(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def private(request: HttpRequest) -> HttpResponse:
    raise SignInNeeded()


def broken(request: HttpRequest) -> HttpResponse:
    return refusals.server_error(request)


def plain(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("ok")


party = ([path("sign-in/", plain, name="sign_in"), path("sign-out/", plain, name="sign_out")], "party")
urlpatterns = [
    path("", include("shugu.web.urls")),
    path("", include(party)),
    path("refuse/", refuse, name="refuse"),
    path("api/refuse/", refuse),
    path("closed/", closed, name="closed"),
    path("private/", private, name="private"),
    path("broken/", broken, name="broken"),
    path("find/", plain, name="find"),
    path("find/deep/", plain, name="deep"),
    path("side/<int:object_id>/", plain, name="side"),
]
handler400 = refusals.handler400
handler403 = refusals.handler403
handler404 = refusals.handler404
handler500 = refusals.handler500
