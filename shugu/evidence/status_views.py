"""The status lists over HTTP: a list as signed for any verifier, and the same sealed into the log."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from shugu.evidence import queries
from shugu.evidence.object_store import FOR_EVER
from shugu.evidence.views import answered
from shugu.formats.errors import FormatError
from shugu.formats.times import read_time
from shugu.kernel import status_lists
from shugu.kernel.errors import InputInvalid

CREDENTIAL = "application/vc"
SEALED = "application/json"
SHORT = "public, max-age=5"


def _at(request: HttpRequest) -> datetime | None:
    """`?at=`: a moment in the one spelling of times. Errors: InputInvalid."""
    text = request.GET.get("at", "")
    try:
        return read_time(text) if text else None
    except FormatError as error:
        problem = ("时间写法如 2026-11-22T02:05:04Z", "a time is written 2026-11-22T02:05:04Z")
        raise InputInvalid(fields="at", field_errors={"at": problem}) from error


@require_safe
def newest(request: HttpRequest, name: str) -> HttpResponse:
    """The list as signed: the newest version, or the one that stood `?at=` a moment. Errors: NotFound, InputInvalid."""
    found = status_lists.version(name, at=_at(request))
    return answered(request, status_lists.credential_bytes(found), CREDENTIAL, SHORT)


@require_safe
def newest_sealed(request: HttpRequest, name: str) -> HttpResponse:
    """Errors: as `newest`; NotSealedYet in the moment before the log has it."""
    found = status_lists.version(name, at=_at(request))
    return answered(request, queries.sealed(found.digest), SEALED, SHORT)


@require_safe
def version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    found = status_lists.version(name, number)
    return answered(request, status_lists.credential_bytes(found), CREDENTIAL, FOR_EVER)


@require_safe
def version_sealed(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """The list never changes; the proof beside it is under the checkpoint of the moment."""
    found = status_lists.version(name, number)
    return answered(request, queries.sealed(found.digest), SEALED, SHORT)
