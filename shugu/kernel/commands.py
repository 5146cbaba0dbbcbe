"""The one pipeline every command of every app goes through: a transaction, and the same answer for the same key.

    @command("registry.submit_filing")
    def submit_filing(cmd: SubmitFiling, *, actor: Actor, now: datetime) -> Filing: ...

    submit_filing(cmd, actor=actor, now=now, key="…")   # key: the caller's idempotency key, optional
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol, TypeVar, cast

from django.apps import apps
from django.db import IntegrityError, models, transaction

from shugu.formats.canonical import digest_hex
from shugu.formats.errors import ShuguError
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, KeyConflict
from shugu.kernel.models import CommandKey
from shugu.kernel.text import Text

R_co = TypeVar("R_co", covariant=True)
C_contra = TypeVar("C_contra", contravariant=True)
C = TypeVar("C")
R = TypeVar("R")


class Handler(Protocol[C_contra, R_co]):
    def __call__(self, cmd: C_contra, *, actor: Actor, now: datetime, key: str | None = None) -> R_co: ...


@dataclass(frozen=True)
class Registered:
    name: str
    title: Text
    function: Callable[..., Any]


COMMANDS: dict[str, Registered] = {}


def command(name: str, title: tuple[str, str]) -> Callable[[Callable[..., R]], Handler[Any, R]]:
    """Register `<app>.<verb_noun>`. The function takes (cmd, *, actor, now) and returns a model row or a
    JSON-safe dict; it raises a ShuguError and changes nothing, or succeeds as a whole.
    Adds to its errors: KeyConflict for a key already used with other input."""

    def take(function: Callable[..., R]) -> Handler[Any, R]:
        @functools.wraps(function)
        def run(cmd: Any, *, actor: Actor, now: datetime, key: str | None = None) -> R:
            if key is None:
                with transaction.atomic():
                    return function(cmd, actor=actor, now=now)
            return cast(R, _once(name, function, cmd, actor, now, key))

        if name in COMMANDS:
            raise ValueError(f"command {name!r} is registered twice")
        COMMANDS[name] = Registered(name, Text(*title), run)
        return cast("Handler[Any, R]", run)

    return take


def owner_of(actor: Actor) -> str:
    return f"person:{actor.person}:{actor.org}" if actor.person is not None else f"{actor.kind}:{actor.name}"


def _once(name: str, function: Callable[..., Any], cmd: Any, actor: Actor, now: datetime, key: str) -> Any:
    owner, input_hash = owner_of(actor), digest_hex({"command": name, "input": jsonable(cmd)})
    if not key.isprintable() or not 8 <= len(key) <= 100:
        raise InputInvalid(fields="key", field_errors={"key": ("键为 8–100 个可见字符", "a key has 8–100 printable characters")})
    found = _recall(owner, key, name, input_hash)
    if found is not None:
        return found[0]
    try:
        with transaction.atomic():
            result = function(cmd, actor=actor, now=now)
            # Inserting last keeps refused commands keyless: they changed nothing and may be tried again.
            CommandKey.objects.create(
                owner=owner, key=key, command=name, input_hash=input_hash, answer=_answer(result), used_at=now
            )
        return result
    except (IntegrityError, ShuguError):
        # The same command may have won a moment ago in another process: then its answer is ours.
        found = _recall(owner, key, name, input_hash)
        if found is None:
            raise
        return found[0]


def _recall(owner: str, key: str, name: str, input_hash: str) -> tuple[Any] | None:
    row = CommandKey.objects.filter(owner=owner, key=key).first()
    if row is None:
        return None
    if (row.command, row.input_hash) != (name, input_hash):
        raise KeyConflict()
    answer = row.answer
    if isinstance(answer, dict) and set(answer) == {"model", "pk"}:
        return (apps.get_model(answer["model"])._default_manager.get(pk=answer["pk"]),)
    return (answer,)


def _answer(result: Any) -> Any:
    if isinstance(result, models.Model):
        return {"model": result._meta.label, "pk": result.pk}
    return jsonable(result)


def jsonable(value: Any) -> Any:
    """Commands as canonical-JSON-safe values: dates and decimals as strings, bytes by digest, enums by value.
    Errors: InputInvalid for a number with a fraction."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [jsonable(v) for v in value]
        return sorted(items, key=repr) if isinstance(value, set | frozenset) else items
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        import hashlib

        return {"sha256": hashlib.sha256(value).hexdigest()}
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):  # only a caller's own JSON holds one: no command has such a member
        why = (f"不收带小数的数 {value!r}：金额以分计，其他写成字符串", f"no fractions: {value!r}; write fen, or a string")
        raise InputInvalid(fields="body", field_errors={"body": why})
    raise TypeError(f"{type(value).__name__} has no place in a command")


__all__ = ["COMMANDS", "command", "jsonable", "owner_of"]
