"""A file as an answer: shown by the browser itself, with the name it is kept under."""

from __future__ import annotations

import json

from django.http import HttpResponse

PDF, JSON = "application/pdf", "application/json"


def inline(content: bytes, kind: str, name: str) -> HttpResponse:
    """`kind` is the media type; `name` is ours, plain ASCII."""
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f"inline; filename={json.dumps(name)}"
    return response
