"""The stages of a registration as its tests tell them, every step through the real services."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shugu.kernel import engine
from shugu.kernel.cases import Actor
from shugu.kernel.workdays import SHANGHAI
from shugu.registry import services
from shugu.registry.models import Filing, Objection
from shugu.registry.services import ActOnFiling, ActOnObjection, AddMaterial, FileObjection, SubmitFiling, Upload
from tests.world import FORM, PAPER, World

UPLOADED = {"hangzhou": ("source_proof", "identity", "declaration"), "shenzhen": ("source_proof", "identity")}


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """A moment of a Shanghai day."""
    return datetime.combine(day, time(hour, minute), SHANGHAI).astimezone(UTC)


def paper(material: str) -> Upload:
    return Upload(material, f"{material}.pdf", "application/pdf", PAPER + material.encode())


def application(applicant: Actor, **changes: Any) -> SubmitFiling:
    assert applicant.org is not None
    plain = SubmitFiling(
        "data-property", applicant.org, "纽约航班准点数据", "data_product", ("holding", "operation"), dict(FORM)
    )
    return replace(plain, **changes)


def act(row: Filing, do: str, actor: Actor, now: datetime, **given: Any) -> Filing:
    return services.act_on_filing(ActOnFiling(row.pk, do, given), actor=actor, now=now)


def file(row: Filing | Objection, material: str, actor: Actor, now: datetime) -> None:
    services.add_material(AddMaterial(row.pk, paper(material)), actor=actor, now=now)


def submitted(world: World, now: datetime | None = None, *, venue: str = "hangzhou", **changes: Any) -> Filing:
    """An application handed in by Alice with all its materials; in the regime with a third party, examined first."""
    now = now or world.now
    if venue == "shenzhen":
        changes.setdefault("reviewer_org", world.quinn.org)
    row = services.submit_filing(application(world.alice, **changes), actor=world.alice, now=now)
    if venue == "shenzhen":
        file(row, "source_proof", world.alice, now)
        act(row, "commission", world.alice, now)
        file(row, "substantive_review", world.quinn, now)
        act(row, "report", world.quinn, now, review_conclusion="passed")
    for material in UPLOADED[venue]:
        file(row, material, world.alice, now)
    return act(row, "submit", world.alice, now)


def noticed(world: World, now: datetime | None = None, *, venue: str = "hangzhou", **changes: Any) -> Filing:
    """Accepted by Rita, passed by Rong, under public notice since `now`."""
    now = now or world.now
    row = submitted(world, now, venue=venue, **changes)
    act(row, "accept", world.rita, now)
    return act(row, "pass", world.rong, now)


def issued(world: World, now: datetime | None = None, *, venue: str = "hangzhou", **changes: Any) -> Filing:
    """Entered and certified on the day after a notice without objection (two weeks pass)."""
    now = now or world.now
    row = noticed(world, now, venue=venue, **changes)
    later = now + timedelta(days=14)
    engine.sweep(later)
    return act(row, "issue", world.rita, later)


def objected(world: World, row: Filing, actor: Actor, now: datetime, ground: str = "ownership") -> Objection:
    cmd = FileObjection(ground, "该数据由我方采集，权属有争议。", filing_number=row.number)
    return services.file_objection(cmd, actor=actor, now=now)


def answer(row: Objection, do: str, actor: Actor, now: datetime, **given: Any) -> Objection:
    return services.act_on_objection(ActOnObjection(row.pk, do, given), actor=actor, now=now)
