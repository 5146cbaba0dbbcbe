"""How many requests one key, one session or one source may make: a bucket each, filled at the rate of the rules.

A bucket lives in its process: a venue served by n processes lets through at most n times the rate (THREAT_MODEL.md).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from threading import Lock

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.web import refusals

_MINUTE = 60
_SWEEP_AT = 20_000  # buckets in memory before full ones are forgotten


class TooManyRequests(ShuguError):
    code = "too-many-requests"
    status = 429
    sentence = ("请求过于频繁，每分钟最多 {most} 次。", "Too many requests: at most {most} a minute.")
    remedy = ("请 {wait} 秒后再试。", "Try again in {wait} seconds.")


class Buckets:
    """{subject: (requests left, at which monotonic second)}; an absent bucket is full."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, subject: str, per_minute: int, at: float) -> int:
        """0 when one more request may pass, else the seconds to wait."""
        with self._lock:
            if len(self._left) > _SWEEP_AT:
                self._left = {s: (n, t) for s, (n, t) in self._left.items() if at - t < _MINUTE}
            left, then = self._left.get(subject, (float(per_minute), at))
            left = min(float(per_minute), left + (at - then) * per_minute / _MINUTE)
            passes = left >= 1
            self._left[subject] = (left - 1 if passes else left, at)
        return 0 if passes else max(1, math.ceil((1 - left) * _MINUTE / per_minute))

    def forget(self) -> None:
        with self._lock:
            self._left.clear()


BUCKETS = Buckets()


def source_of(request: HttpRequest) -> str:
    """The caller's address. Behind the venue's own proxy it is the last hop that proxy wrote; all before it is hearsay."""
    if runtime.home().behind_https:
        hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",") if h.strip()]
        if hops:
            return hops[-1]
    return str(request.META.get("REMOTE_ADDR", ""))


class RateMiddleware:
    """Stands before the seat is looked up, after the session: a flood costs one dictionary look-up each."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        machine = request.path.startswith(("/api/", "/log/"))
        most = runtime.rules().value("web.api_request_rate" if machine else "web.request_rate").number
        bearer = request.headers.get("Authorization", "")
        source = f"source:{machine}:{source_of(request)}"
        if bearer:
            subject = "key:" + hashlib.sha256(bearer.encode()).hexdigest()
        elif not machine and request.session.get("seat"):
            subject = f"session:{request.session.session_key}"
        else:
            subject = source
        wait = BUCKETS.take(subject, most, clock.monotonic())
        response = refused(request, most, wait) if wait else self.get_response(request)
        if bearer and response.status_code == 401:
            # Made-up keys would each have a bucket of their own: they draw on their source's.
            wait = BUCKETS.take(source, most, clock.monotonic())
            return refused(request, most, wait) if wait else response
        return response


def refused(request: HttpRequest, most: int, wait: int) -> HttpResponseBase:
    answer = refusals.answer(request, TooManyRequests(most=most, wait=wait))
    answer["Retry-After"] = str(wait)
    return answer
