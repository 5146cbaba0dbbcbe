"""The JSON API under /api/: every app's router, one error shape, OpenAPI at /api/openapi.json.

Callers sign in with an API key (`Authorization: Bearer …`); cookies are not looked at, so no page of another site can
act for a signed-in user. A command takes its idempotency key from the `Idempotency-Key` header.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError

from shugu import __version__
from shugu.formats.errors import ShuguError
from shugu.kernel.errors import InputInvalid
from shugu.web.language import chosen

api = NinjaAPI(title="Shugu 数谷", version=__version__, description=__doc__ or "", urls_namespace="api")


@api.exception_handler(ShuguError)
def _refused(request: HttpRequest, error: ShuguError) -> HttpResponse:
    return api.create_response(request, {"error": error.as_dict(chosen(request))}, status=error.status)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Malformed input in the one error shape: {field path: sentence}."""
    fields: dict[str, tuple[str, str]] = {}
    for item in error.errors:
        place = ".".join(str(part) for part in item["loc"] if part not in ("body", "payload", "query", "path"))
        english = str(item["msg"])
        chinese = {"missing": "必填", "extra_forbidden": "未知字段"}.get(str(item["type"]), f"格式不符（{english}）")
        fields[place or "body"] = (chinese, english)
    names = "、".join(sorted(fields))
    return _refused(request, InputInvalid(fields=names, field_errors=fields))


for _config in apps.get_app_configs():
    if _config.name.startswith("shugu.") and find_spec(f"{_config.name}.api") and _config.label != "web":
        api.add_router("", import_module(f"{_config.name}.api").router, tags=[_config.label])
