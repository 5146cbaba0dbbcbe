"""What every answer tells the browser: run nothing that is not ours, be framed by nobody, keep nothing private."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

# No inline script or style anywhere: htmx runs without eval and without its own style sheet (meta htmx-config).
PAGES = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
DATA = "default-src 'none'; frame-ancestors 'none'"
# A browser's own PDF viewer counts as a plug-in of the document it shows.
PAPERS = "frame-ancestors 'none'"
FEATURES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def policy_for(content_type: str) -> str:
    kind = content_type.split(";")[0].strip().lower()
    if kind == "text/html":
        return PAGES
    return PAPERS if kind == "application/pdf" else DATA


class HeadersMiddleware:
    """A view that sets one of these headers itself is left alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy_for(headers.get("Content-Type", "")))
        headers.setdefault("Permissions-Policy", FEATURES)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if getattr(request, "actor", None) is not None:
            # Not no-store for pages: it would empty a half-filled form that the back button brings back.
            kept = "no-store" if request.path.startswith("/api/") else "private, no-cache"
            headers.setdefault("Cache-Control", kept)
        return response
