"""What every app's API router shares: strict schemas, the caller, the idempotency key."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Schema
from pydantic import ConfigDict

from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, SignInNeeded


class Strict(Schema):
    """A schema that refuses unknown fields and does not turn one type into another."""

    model_config = ConfigDict(extra="forbid", strict=True)


def actor_of(request: HttpRequest) -> Actor:
    """The person behind the request. Errors: SignInNeeded."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        raise SignInNeeded()
    return actor


def key_of(request: HttpRequest) -> str | None:
    """The caller's idempotency key (header `Idempotency-Key`), if given. Errors: InputInvalid."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (key.isascii() and key.isprintable() and 8 <= len(key) <= 100):
        problem: Any = ("键为 8–100 个可见 ASCII 字符", "a key has 8–100 printable ASCII characters")
        raise InputInvalid(fields="Idempotency-Key", field_errors={"Idempotency-Key": problem})
    return key
