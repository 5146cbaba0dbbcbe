"""The JSON API under /api/: every app's router, one error shape, OpenAPI at /api/openapi.json.

Callers sign in with an API key (`Authorization: Bearer …`); cookies are not looked at, so no page of another site can
act for a signed-in user. A command takes its idempotency key from the `Idempotency-Key` header.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from shugu import __version__
from shugu.formats.errors import ShuguError
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.web.language import chosen
from shugu.web.refusals import BadRequest, as_json

# What any operation may answer beside its success, all in the one error shape.
REFUSALS = (400, 401, 403, 404, 405, 409, 413, 422, 429)
_TEXT = {"type": "string"}
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "remedy", "article", "field_errors"],
            "additionalProperties": False,
            "properties": {
                "code": _TEXT,
                "message": _TEXT,
                "remedy": _TEXT,
                "article": {"type": ["string", "null"]},
                "field_errors": {"type": "object", "additionalProperties": _TEXT},
            },
        }
    },
}


class BodyUnreadable(BadRequest):
    code = "body-unreadable"
    sentence = ("请求正文无法读取。", "The body of the request cannot be read.")
    remedy = (
        "正文须为 UTF-8 编码的 JSON 对象，成员见 /api/docs；上传文件用 multipart/form-data。",
        "Send a JSON object in UTF-8, its members as /api/docs says; files as multipart/form-data.",
    )


class Api(NinjaAPI):
    """Its OpenAPI document also tells the refusals, the API key and the idempotency key of every operation."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**kwargs)
        parts = schema.setdefault("components", {})
        parts.setdefault("schemas", {})["Refusal"] = ERROR_SCHEMA
        parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for methods in schema["paths"].values():
            for method, operation in methods.items():
                _complete(method, operation)
        return schema


def _complete(method: str, operation: dict[str, Any]) -> None:
    told = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
    for status in REFUSALS:
        operation["responses"].setdefault(status, {"description": HTTPStatus(status).phrase, **told})
    operation.setdefault("security", [{"key": []}, {}])
    if method != "get":
        key = {"type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[!-~]+$"}
        header = {"in": "header", "name": "Idempotency-Key", "schema": key, "required": False}
        operation.setdefault("parameters", []).append(header)


api = Api(title="Shugu 数谷", version=__version__, description=__doc__ or "", urls_namespace="api")


@api.exception_handler(ShuguError)
def _refused(request: HttpRequest, error: ShuguError) -> HttpResponse:
    return api.create_response(request, as_json(error, chosen(request)), status=error.status)


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


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _refused(request, NotFound(what=("这个对象", "object")))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that is no JSON, and the like."""
    return _refused(request, BodyUnreadable())


for _config in apps.get_app_configs():
    if _config.name.startswith("shugu.") and find_spec(f"{_config.name}.api") and _config.label != "web":
        api.add_router("", import_module(f"{_config.name}.api").router, tags=[_config.label])
