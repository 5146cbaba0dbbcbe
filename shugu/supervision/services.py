"""The door of supervision: the record of its own looking, and random inspections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.evidence import queries as evidence
from shugu.formats.canonical import canonical, digest_hex
from shugu.kernel import documents, engine, journal, runtime
from shugu.kernel.cases import Actor, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import CaseParty
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import context, effect
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.supervision.domain import CONCLUSIONS, Pool, draw
from shugu.supervision.errors import AlreadyDrawn, NoCheckpoint, NothingToDraw
from shugu.supervision.models import Draw, Inspection

PROCEDURE = "supervision.inspection"
SEATS = frozenset({"regulator", "auditor"})
KPI_SEATS = SEATS | {"operator"}
LOOKED_UP = "supervision.looked_up"


@dataclass(frozen=True)
class LookUp:
    """`what`: kpi, cases, facts …; `criteria`: what was asked, kept as a digest only."""

    what: str
    criteria: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HoldDraw:
    """A draw under the present checkpoint: it takes no choice, so that nobody can steer it."""


@dataclass(frozen=True)
class ActOnInspection:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@command("supervision.look_up", ("记录监管查询", "record a supervisory query"))
def look_up(cmd: LookUp, *, actor: Actor, now: datetime) -> dict[str, int]:
    """{"fact": id}. Errors: Forbidden without a seat that may look."""
    if not actor.seats & KPI_SEATS:
        raise Forbidden()
    criteria = {k: v for k, v in sorted(cmd.criteria.items()) if v}
    fact = journal.record(
        LOOKED_UP, subject=f"supervision.seat:{actor.person}", actor=actor, now=now,
        data={"what": cmd.what, "criteria": digest_hex(criteria)},
    )  # fmt: skip
    return {"fact": fact}


@command("supervision.hold_draw", ("双随机抽取", "hold a random draw"))
def hold_draw(cmd: HoldDraw, *, actor: Actor, now: datetime) -> Draw:
    """Draws organisations and inspectors and opens one case for each. Errors: Forbidden, NoCheckpoint, AlreadyDrawn,
    NothingToDraw."""
    if "regulator" not in actor.seats:
        raise Forbidden()
    head = evidence.head()
    if head is None or head.size == 0:
        raise NoCheckpoint()
    seed = head.root.hex()
    if Draw.objects.filter(seed=seed).exists():
        raise AlreadyDrawn()
    orgs = {o.number: o for o in parties.all_accredited(local_day(now))}
    pool = _pool({number: o.id for number, o in orgs.items()}, now)
    found = draw(head.root, pool)
    if not found:
        raise NothingToDraw()
    digest = documents.put(canonical(pool.as_document()))
    row = Draw.objects.create(seed=seed, size=head.size, percent=pool.percent, pool=digest, drawn_at=now)
    row.fact = journal.record(
        "inspection_draw.held", subject=f"supervision.draw:{row.pk}", actor=actor, now=now, digests={"pool": digest},
        data={"seed": seed, "size": head.size, "drawn": [d.object for d in found]},
    )  # fmt: skip
    row.save(update_fields=["fact"])
    for one in found:
        org = orgs[one.object]
        case = engine.open_case(
            PROCEDURE, actor=actor, now=now, title=f"双随机抽查 · {org.name}",
            parties=[PartyView("inspector", one.inspector, None), PartyView("inspected", None, org.id)],
            data={"organisation": org.number, "draw": row.pk}, fact_data={"organisation": org.number, "draw": row.pk},
        )  # fmt: skip
        Inspection.objects.create(case_id=case, draw=row, org_id=org.id, inspector=one.inspector)
    return row


def _pool(orgs: Mapping[str, int], now: datetime) -> Pool:
    percent = runtime.rules_on(local_day(now)).value("supervision.inspection_sample").number
    inspectors = tuple(parties.holders_of("regulator"))
    by_org: dict[int, set[int]] = {}
    for person, org in parties.members_ever(inspectors) | _acted_for(orgs.values(), inspectors):
        by_org.setdefault(org, set()).add(person)
    conflicts = {number: by_org.get(org, set()) for number, org in orgs.items()}
    return Pool(tuple(orgs), inspectors, conflicts, percent)


def _acted_for(orgs: Any, people: tuple[int, ...]) -> set[tuple[int, int]]:
    """(person, organisation) wherever one of these people acted in a case of the organisation, inspections apart."""
    acted = CaseParty.objects.filter(person__in=people).exclude(case__procedure=PROCEDURE)
    rows = CaseParty.objects.filter(org__in=set(orgs), case__in=acted.values("case")).values_list("case_id", "org")
    by_case: dict[int, set[int]] = {}
    for case, person in acted.values_list("case_id", "person"):
        assert person is not None
        by_case.setdefault(case, set()).add(person)
    return {(person, org) for case, org in rows if org is not None for person in by_case.get(case, ())}


@command("supervision.act_on_inspection", ("办理抽查", "act on an inspection"))
def act_on_inspection(cmd: ActOnInspection, *, actor: Actor, now: datetime) -> Inspection:
    """Any act of the table. Errors: NotFound, InputInvalid, and every Refused of the engine."""
    row = Inspection.objects.select_related("org").filter(pk=cmd.case).first()
    if row is None:
        raise NotFound(what=("抽查", "inspection"))
    if cmd.do == "report" and cmd.input.get("inspection_conclusion") not in CONCLUSIONS:
        problem = ("请选择检查结论", "choose the conclusion")
        raise InputInvalid(fields="inspection_conclusion", field_errors={"inspection_conclusion": problem})
    engine.act(
        cmd.case, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now,
        fact_data={"organisation": row.org.number},
    )  # fmt: skip
    row.refresh_from_db()
    return row


@effect("supervision.publish")
def _publish(applied: Applied) -> None:
    Inspection.objects.filter(pk=applied.case).update(published_at=applied.now)


@context("supervision.inspection")
def _context(case: int, now: datetime) -> dict[str, Any]:
    """The table has no guards, so nothing needs to be known."""
    return {}


name_fact(LOOKED_UP, "监管查询", "supervisory query")
name_fact("inspection_draw.held", "双随机抽取", "random draw held")

__all__ = ["KPI_SEATS", "SEATS", "ActOnInspection", "HoldDraw", "LookUp", "act_on_inspection", "hold_draw", "look_up"]
