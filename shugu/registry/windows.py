"""One window: one application and one receipt number for several registers, each deciding by its own procedure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shugu.kernel import engine, journal, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.vocabulary import context, effect
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import submitting
from shugu.registry.models import EntryVersion, Filing, Link, Window
from shugu.registry.submitting import SubmitFiling, Upload

PROCEDURE = "registry.window"
SAME_APPLICATION = "same_application"

name_fact("entry.linked", "关联登记条目", "entries linked")


@dataclass(frozen=True)
class SubmitWindow:
    """`filings`: one application for each register, of one applicant. Each opens as a draft under the one receipt."""

    filings: tuple[SubmitFiling, ...]


@dataclass(frozen=True)
class AddWindowMaterial:
    """A document once, to each application of the window whose next step asks for it."""

    window: str
    upload: Upload


@dataclass(frozen=True)
class ActOnWindow:
    """The same step of each open application of the window in which it is possible: `submit`, `accept`."""

    window: str
    do: str
    input: Mapping[str, Any]


@context("registry.window")
def window_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {}


@command("registry.submit_window", ("一窗提交登记申请", "apply to several registers at one window"))
def submit_window(cmd: SubmitWindow, *, actor: Actor, now: datetime) -> Window:
    """Errors: InputInvalid for fewer than two registers or a register twice, with the fields of every application named
    `<register>.<field>`; what `submit_filing` raises."""
    registers = [f.register for f in cmd.filings]
    applicants = {f.applicant_org for f in cmd.filings}
    if len(registers) < 2 or len(set(registers)) != len(registers) or len(applicants) != 1:
        problem = ("一窗申请须为同一申请人、两个以上不同的登记簿", "one applicant and at least two different registers")
        raise InputInvalid(fields="filings", field_errors={"filings": problem})
    org = applicants.pop()
    number = store.next_number("window", local_day(now).year)
    title = cmd.filings[0].title.strip() or number
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=title, parties=[PartyView("applicant", None, org)],
        data={"registers": registers}, fact_data={"window": number, "registers": registers},
    )  # fmt: skip
    row = Window.objects.create(case_id=case, number=number, applicant_id=org, title=title, received_at=now)
    _open_each(cmd, case, actor, now)
    return row


def _open_each(cmd: SubmitWindow, case: int, actor: Actor, now: datetime) -> None:
    errors: dict[str, tuple[str, str]] = {}
    for one in cmd.filings:
        try:
            submitting.one_of_window(replace(one, send=False), case, actor, now)
        except InputInvalid as refusal:
            errors |= {f"{one.register}.{field}": told for field, told in refusal.field_errors.items()}
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)


def window_of(number: str, actor: Actor) -> Window:
    """For the applicant and the venue's staff. Errors: NotFound."""
    row = Window.objects.filter(number=number).first()
    if row is None or not (actor.org == row.applicant_id or actor.seats & {"registrar", "reviewer", "regulator", "auditor"}):
        raise NotFound(what=(f"一窗受理 {number}", f"window {number}"))
    return row


@command("registry.add_window_material", ("一窗提交材料", "file a material at the window"))
def add_window_material(cmd: AddWindowMaterial, *, actor: Actor, now: datetime) -> int:
    """How many applications took it. Errors: NotFound, Forbidden when none asks for it, what the upload's check raises."""
    from shugu.registry.filings import AddMaterial, add_material

    row = window_of(cmd.window, actor)
    taken = 0
    for filing in row.filings.order_by("pk"):
        tab, view = cases.view_of(filing.pk, now)
        if any(m.id == cmd.upload.material for s in tab.steps_from(view.state) for m in s.materials):
            add_material(AddMaterial(filing.pk, cmd.upload), actor=actor, now=now)
            taken += 1
    if not taken:
        raise Forbidden()
    return taken


@command("registry.act_on_window", ("一窗办理", "act at the window"))
def act_on_window(cmd: ActOnWindow, *, actor: Actor, now: datetime) -> int:
    """How many applications moved, all or none. Errors: NotFound, Forbidden when the step is possible in none, every
    refusal of the engine."""
    row = window_of(cmd.window, actor)
    moved = 0
    for filing in row.filings.order_by("pk"):
        tab, view = cases.view_of(filing.pk, now)
        if tab.step(view.state, cmd.do) is not None:
            act = Command(cmd.do, dict(cmd.input))
            engine.act(filing.pk, act, actor=actor, now=now, fact_data={"filing": filing.number, "window": row.number})
            moved += 1
    if not moved:
        raise Forbidden()
    return moved


@effect("registry.link_window")
def link_window(applied: Applied) -> None:
    """When the last register has decided, the entries it made are linked, each to each."""
    if applied.state != "concluded":
        return
    made = EntryVersion.objects.filter(version=1, filing__window_id=applied.case).select_related("entry").order_by("pk")
    entries = [v.entry for v in made]
    for place, left in enumerate(entries):
        for right in entries[place + 1 :]:
            fact = journal.record(
                "entry.linked", subject=f"registry.entry:{left.pk}", actor=applied.actor, now=applied.now, case=applied.case,
                data={"left": left.number, "right": right.number, "kind": SAME_APPLICATION},
            )  # fmt: skip
            Link.objects.create(left=left, right=right, kind=SAME_APPLICATION, made_at=applied.now, fact=fact)


@dataclass(frozen=True)
class WindowLine:
    """What one register made of it."""

    filing: str
    register: str
    case_number: str
    state: str
    entry: str


def outcomes(row: Window) -> list[WindowLine]:
    rows = Filing.objects.filter(window=row).select_related("case").order_by("pk")
    entered = dict(EntryVersion.objects.filter(filing__window=row, version=1).values_list("filing_id", "entry__number"))
    return [WindowLine(f.number, f.register, f.case.number, f.case.state, entered.get(f.pk, "")) for f in rows]


def applicant_name(row: Window) -> str:
    return parties.organisation(row.applicant_id).name
