"""Whole registrations in the story: everybody does what the table asks, until it ends or waits for a day to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shugu.federated.ground import actor, moment, tidy

_NEVER = {"withdraw", "decline", "refuse", "ask_correction", "hand_back", "reject", "notify", "supplement", "suspend", "stop"}


def register(
    applicant: str, register: str, title: str, rights: list[str], operation: str = "first", object_kind: str = "",
    entry: str = "", recognition: str = "", answers: Mapping[str, str] | None = None, reviewer: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A whole registration by its table: everybody does what the table asks of them. {"entry", "certificate", "asked"}."""
    from shugu.registry import applications, services
    from shugu.registry import queries as book
    from shugu.registry.domain import Facet  # noqa: F401

    who = actor(applicant)
    kind = object_kind or (book.entry_by_number(entry).object_kind if entry else next(iter(applications.object_kinds(register))))
    sample = {f.id: _sample(f) for f in applications.form_fields(register, kind, operation) if f.required}
    cmd = services.SubmitFiling(
        register, who.org, title, kind, tuple(rights), {**sample, **(answers or {})}, operation=operation, entry_number=entry,
        recognition=recognition, reviewer_org=actor(reviewer).org if reviewer else None,
    )  # fmt: skip
    filing = services.submit_filing(cmd, actor=who, now=moment())
    _UNDER_WAY[filing.number] = Drive(filing, who, reviewer, entry)
    return go_on(filing.number)


@dataclass
class Drive:
    """A registration under way: who acts in it, what was done and asked for so far."""

    filing: Any
    who: Any
    reviewer: str
    entry: str
    asked: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


_UNDER_WAY: dict[str, Drive] = {}


def go_on(filing: str) -> dict[str, Any]:
    """Every step that may be done now; `waiting` is the moment until which nothing can be done, empty at the end."""
    from shugu.registry.models import Certificate, EntryVersion

    drive = _UNDER_WAY[filing]
    waiting = _drive(drive)
    row = drive.filing
    row.refresh_from_db()
    version = EntryVersion.objects.filter(filing=row).first()
    issued = Certificate.objects.filter(fact__in=_facts_of(row.pk)).order_by("-pk").first()
    return {
        "filing": filing, "state": row.case.state, "asked": sorted(drive.asked), "waiting": waiting,
        "entry": version.entry.number if version else drive.entry, "certificate": issued.number if issued else "",
    }  # fmt: skip


def _facts_of(case: int) -> list[int]:
    from shugu.kernel.models import Fact

    return list(Fact.objects.filter(case_id=case).values_list("pk", flat=True))


def _sample(question: Any) -> str:
    if question.kind in ("table", "multi"):
        return str(question.options[0][0])
    fixed = {"date": "2027-12-31", "flag": "yes", "number": "1"}
    return fixed.get(question.kind, "按规定填写")


def _drive(drive: Drive) -> str:
    from shugu.demo import cast as people
    from shugu.kernel import founding
    from shugu.kernel import queries as cases
    from shugu.kernel.decide import missing_materials
    from shugu.kernel.text import Text
    from shugu.registry import services

    hands = [drive.who, *([actor(drive.reviewer)] if drive.reviewer else []), actor("rita"), actor("rong")]
    case = drive.filing.pk
    while True:
        tab, view = cases.view_of(case, moment())
        if tab.state[view.state].final:
            tidy()
            return ""
        step, by = _next(tab, view, hands, drive.done)
        if step is None:
            due = founding.next_deadline(moment())
            assert due is not None, f"{drive.filing.number} stands still in {view.state}"
            return str((due + timedelta(minutes=1)).isoformat())
        for material in missing_materials(view, step):
            drive.asked.add(material.id)
            people.file_paper(case, material.id, Text(material.title.zh, material.title.en), by)
        given = {name: "passed" if name == "review_conclusion" else "按规定办理" for name in step.input}
        services.act_on_filing(services.ActOnFiling(case, step.do, given), actor=by, now=moment())
        drive.done.add(step.do)


def _next(tab: Any, view: Any, hands: list[Any], done: set[str]) -> tuple[Any, Any]:
    """The first step that somebody may do now and nobody has done, and who."""
    from shugu.kernel.cases import Command
    from shugu.kernel.decide import allowed, decide
    from shugu.kernel.errors import MaterialsMissing, Refused

    # Whoever has the report goes on with it instead of sending for another.
    passed_over = _NEVER | done | ({"commission"} if "report" in done else set())
    for by in hands:
        for step in allowed(tab, view, by):
            if step.standing or step.do in passed_over:
                continue
            try:
                decide(tab, view, Command(step.do, dict.fromkeys(step.input, "passed")), by, moment())
            except MaterialsMissing:
                return step, by
            except Refused:
                continue
            return step, by
    return None, None
