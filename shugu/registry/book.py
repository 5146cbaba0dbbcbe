"""Marks and holds beside the lines of the book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import holds
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.registry import status
from shugu.registry.domain import MARKS
from shugu.registry.errors import NothingToLift
from shugu.registry.models import Entry, Mark

DISPOSALS = ("dispose", "transfer", "licence", "pledge")


@dataclass(frozen=True)
class PlaceHold:
    entry_id: int
    facet: str
    reason: str
    article: str = ""
    forbids: tuple[str, ...] = DISPOSALS
    undertaking: str = ""
    until: date | None = None
    kind: str = ""
    beneficiary: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LiftHold:
    mark_id: int
    ground: str = ""


def refuse_input(errors: Mapping[str, Pair]) -> None:
    """Errors: InputInvalid with every field error, when there is any."""
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)


def nothing_to_lift(entry: str) -> NothingToLift:
    return NothingToLift(entry=entry)


def mark_entry(cmd: PlaceHold, actor: Actor, now: datetime, case: int | None = None) -> Mark:
    """The mark beside the entry and the hold that binds cases about it, in the caller's transaction."""
    hold = None
    if cmd.forbids:
        hold = holds.place(
            f"registry.entry:{cmd.entry_id}", forbids=cmd.forbids, reason=cmd.reason, actor=actor, now=now,
            undertaking=cmd.undertaking, article=cmd.article, until=cmd.until,
        )  # fmt: skip
    row = Mark.objects.create(
        entry_id=cmd.entry_id, facet=cmd.facet, kind=cmd.kind, beneficiary_id=cmd.beneficiary, detail=dict(cmd.detail),
        article=cmd.article, reason=cmd.reason, hold=hold, case_id=case, placed_at=now, until=cmd.until,
    )  # fmt: skip
    status.refresh([cmd.entry_id], now)
    return row


def _by_registrar(actor: Actor) -> None:
    if actor.kind is not ActorKind.MANDATE and "registrar" not in actor.seats:
        raise Forbidden()


@command("registry.place_hold", ("设置登记限制", "place a hold on an entry"))
def place_hold(cmd: PlaceHold, *, actor: Actor, now: datetime) -> Mark:
    """By a registrar or a mandate. Errors: Forbidden, NotFound, InputInvalid."""
    _by_registrar(actor)
    errors: dict[str, Pair] = {}
    if cmd.facet not in MARKS:
        errors["facet"] = ("限制种类不在可选之列", "no such kind of hold")
    if not cmd.reason.strip():
        errors["reason"] = ("必填", "required")
    refuse_input(errors)
    if not Entry.objects.filter(pk=cmd.entry_id).exists():
        raise NotFound(what=("登记条目", "entry"))
    return mark_entry(cmd, actor, now)


def lift_mark(row: Mark, actor: Actor, now: datetime, ground: str) -> None:
    row.lifted_at = now
    row.save(update_fields=["lifted_at"])
    if row.hold_id is not None:
        holds.lift(row.hold_id, actor=actor, now=now, ground=ground)
    status.refresh([row.entry_id], now)


@command("registry.lift_hold", ("解除登记限制", "lift a hold from an entry"))
def lift_hold(cmd: LiftHold, *, actor: Actor, now: datetime) -> Mark:
    """Errors: Forbidden, NotFound."""
    _by_registrar(actor)
    row = Mark.objects.select_for_update().filter(pk=cmd.mark_id, lifted_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("限制", "hold"))
    lift_mark(row, actor, now, cmd.ground)
    return row
