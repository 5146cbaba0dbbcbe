"""A case and the desk as the components take them: record header, clocks, timeline, parties."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import Resolver404, resolve, reverse

from shugu.kernel import queries
from shugu.kernel.cases import Actor
from shugu.kernel.models import Case, Material
from shugu.kernel.procedure import CLOCK, Table
from shugu.kernel.queries import ActChoice
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.web import case_acts, language
from shugu.web.from_kernel import clock_of
from shugu.web.shapes import Act, Chip, ClockFace, Event, Link, Record, Seal, SealState, Tone

_ENDING = frozenset({
    "withdraw", "refuse", "decline", "terminate", "agree_termination", "revoke", "reject", "cancel", "delist", "leave", "fail",
})  # fmt: skip
# Not the way to the good end: what comes after it, or leads back.
_ASIDE = frozenset({"replace", "supersede", "lapse", "expire", "ask_correction", "return_for_change", "suspend"})
# Ends that nobody may be told beforehand.
_UNDECIDED = frozenset({"upheld", "dismissed", "ended"})
_BAD_ENDS = ("refus", "declin", "reject", "revok", "fail", "terminat")
_STOPPED_ENDS = ("withdraw", "cancel", "laps", "expir", "closed", "return")
_WAITING = ("correct", "draft", "suspend", "paus")


def tone_of(state: str, final: bool) -> Tone:
    """A colour for a state by its English id; the chip's words carry the meaning."""
    if state.startswith(_BAD_ENDS):
        return Tone.BAD
    if state.startswith(_STOPPED_ENDS):
        return Tone.STOPPED
    if final:
        return Tone.GOOD
    return Tone.WAITING if state.startswith(_WAITING) else Tone.PROGRESS


def state_chip(tab: Table, state: str) -> Chip:
    row = tab.state[state]
    return Chip(row.title, tone_of(row.id, row.final))


def clock_faces(case: int, now: datetime) -> list[ClockFace]:
    """Every live clock once: a window and a firing clock that tell the same end are one line to its reader."""
    out: dict[tuple[Any, ...], ClockFace] = {}
    for line in queries.clocks(case, now):
        out.setdefault((line.title, line.due_on), clock_of(line))
    return list(out.values())


def seal_of(fact_id: int, position: int | None) -> Seal | None:
    """The evidence badge of a fact; None while no app answers for proofs."""
    panel = f"/evidence/facts/{fact_id}/"
    try:
        resolve(panel)
    except Resolver404:
        return None
    return Seal(SealState.WAITING if position is None else SealState.SEALED, panel, position)


def header_act(case: Case, choice: ActChoice, primary: bool) -> Act:
    """Acts that ask for nothing act at once, the others open their form."""
    own = case_acts.own_form(case, choice.do)
    url = own.url(case.pk) if own is not None else reverse("web:case_act", args=[case.number, choice.do])
    asks = bool(choice.input or choice.optional or choice.undertaking) or own is not None
    refused = Text(*choice.why) if choice.why and not _offered(case, choice) else None
    final = choice.do in _ENDING
    confirm = Text(f"确定“{choice.title.zh}”？", f"{choice.title.en.capitalize()}?") if final and not asks else ""
    return Act(
        choice.do, choice.title, url, "get" if asks else "post", primary=primary and not final, danger=final,
        confirm=confirm, refused=refused, article=choice.article,
    )  # fmt: skip


def _offered(case: Case, choice: ActChoice) -> bool:
    """Allowed, or what is still missing is given on the act's own page."""
    own = case_acts.own_form(case, choice.do)
    return choice.allowed or (own is not None and own.fulfils)


def record_of(case: Case, actor: Actor, now: datetime) -> Record:
    tab = table(case.procedure, case.version)
    choices = queries.acts(case.pk, actor, now)
    first = next((c.do for c in choices if _offered(case, c) and c.do not in _ENDING), "")
    faces = clock_faces(case.pk, now)
    holders = _holders(case)
    return Record(
        name=case.title, number=case.number, kind=tab.title, state=state_chip(tab, case.state),
        holder="、".join(holders) if language.current() == "zh" else ", ".join(holders),
        dates=(
            (Text("立案", "Opened"), case.opened_at),
            *(((Text("办结", "Closed"), case.closed_at),) if case.closed_at else ()),
        ),
        clock=faces[0] if faces else None,
        acts=tuple(header_act(case, c, c.do == first) for c in choices),
    )  # fmt: skip


def _holders(case: Case) -> list[str]:
    tab = table(case.procedure, case.version)
    rows = queries.parties(case.pk)
    role = next((p.role for p in tab.parties if p.seat is None and any(r == p.role for r, _, _ in rows)), None)
    ids = [org for r, _, org in rows if r == role and org is not None]
    names = case_acts.org_names(ids, language.current())
    return [names[i] for i in dict.fromkeys(ids) if i in names]


def party_lines(case: Case, actor: Actor) -> list[tuple[Text, str]]:
    """(role, who) of everybody in the case; people are named to their own side and to seats only."""
    tab, lang = table(case.procedure, case.version), language.current()
    rows = queries.parties(case.pk)
    orgs = case_acts.org_names([o for _, _, o in rows if o is not None], lang)
    people = case_acts.person_names([p for _, p, _ in rows if p is not None], lang)
    out: dict[tuple[Text, str], None] = {}
    spoken_for = {(role, org) for role, person, org in rows if person is not None and (actor.seats or org == actor.org)}
    for role, person, org in rows:
        if person is None and (role, org) in spoken_for:
            continue
        title = tab.party[role].title if role in tab.party else Text(role, role)
        out[(title, _who(person, org, orgs, people, actor))] = None
    return list(out)


def _who(person: int | None, org: int | None, orgs: Any, people: Any, actor: Actor) -> str:
    near = bool(actor.seats) or (org is not None and org == actor.org) or person == actor.person
    parts = [orgs.get(org, "") if org is not None else "", people.get(person, "") if near and person is not None else ""]
    named = " · ".join(p for p in parts if p)
    return named or str(Text("场所工作人员", "venue staff"))


def events_of(case: Case, actor: Actor, now: datetime) -> list[Event]:
    """Every fact in order with what was filed, then where the case stands now with its clock, then the way ahead."""
    tab, lang = table(case.procedure, case.version), language.current()
    facts = queries.timeline(case.pk)
    orgs = case_acts.org_names({f.org for f in facts if f.org is not None}, lang)
    people = case_acts.person_names({f.person for f in facts if f.person is not None}, lang)
    papers = _papers(case)
    out = []
    for fact in facts:
        who = {"clock": str(Text("期限届满", "the clock")), "mandate": str(Text("系统", "the system"))}.get(fact.actor_kind)
        said = [str(fact.input[k]) for k in ("opinion", "reason", "defects", "ground", "note") if fact.input.get(k)]
        different = fact.effective_on != queries.today(fact.recorded_at)
        title = fact.title
        if fact.name == "material.filed":
            title = _material_title(tab, str(fact.data.get("material", "")), title)
        out.append(
            Event(
                title, fact.recorded_at, who or _who(fact.person, fact.org, orgs, people, actor), "\n".join(said),
                effective_on=fact.effective_on if different else None, seal=seal_of(fact.fact_id, fact.position),
                tone=Tone.PROGRESS if fact.state else Tone.NEUTRAL,
                attachments=tuple(papers[d] for d in fact.digests.values() if d in papers),
            )
        )  # fmt: skip
    if case.closed_at is None:
        faces = clock_faces(case.pk, now)
        out.append(Event(tab.state[case.state].title, current=True, clock=faces[0] if faces else None))
        latest = next((f.due for f in faces if f.kind == "duty"), None)
        for place, state in enumerate(steps_ahead(tab, case.state)):
            out.append(Event(tab.state[state].title, latest=latest if place == 0 else None))
    return out


def _papers(case: Case) -> dict[str, Link]:
    """digest: the document filed in this case, replaced ones too."""
    rows = Material.objects.filter(case_id=case.pk).order_by("id")
    return {m.digest: Link(m.filename, reverse("web:case_document", args=[case.number, m.pk])) for m in rows}


def ended_clocks(case: int) -> list[tuple[Text, Text]]:
    """(clock, how it ended) of every clock of the case that runs no more, in the order of their beginning."""
    lines = queries.ended_clocks(case)
    how = ["fired" if c.status == "met" and c.kind != "duty" else c.status for c in lines]
    return [(c.title, _ENDED.get(h, _ENDED["stopped"])(c.due_on)) for c, h in zip(lines, how, strict=True)]


_ENDED: dict[str, Any] = {
    "met": lambda due: Text(f"按期办结，限至 {due}", f"done in time, was due {due}"),
    "late": lambda due: Text(f"逾期办结，限至 {due}", f"done late, was due {due}"),
    "fired": lambda due: Text(f"已届满，{due}", f"ran out on {due}"),
    "stopped": lambda due: Text(f"不再计时，原至 {due}", f"no longer runs, was until {due}"),
}


def steps_ahead(tab: Table, state: str) -> tuple[str, ...]:
    """The states that lie between this one and the table's good end when nothing is refused, returned or withdrawn; none
    where the case rests (a listing in force) or has no such end."""
    ways: dict[str, list[str]] = {}
    for step in tab.steps:
        if step.standing or step.do in _ENDING or step.do in _ASIDE or set(step.by) <= {CLOCK}:
            continue
        for at in step.from_:
            ways.setdefault(at, []).extend(o.to for o in step.outcomes if o.to != at)
    ends = {s.id for s in tab.states if s.final and tone_of(s.id, True) is Tone.GOOD} - _UNDECIDED
    paths: list[tuple[str, ...]] = [(state,)]
    seen = {state}
    for path in paths:  # grows while it is walked: the shortest way comes first
        if path[-1] in ends:
            return path[1:]
        for to in ways.get(path[-1], ()):
            if to not in seen:
                seen.add(to)
                paths.append((*path, to))
    return ()


def _material_title(tab: Table, material: str, verb: Text) -> Text:
    row = next((m for s in tab.steps for m in s.materials if m.id == material), None)
    return Text(f"{verb.zh}：{row.title.zh}", f"{verb.en}: {row.title.en}") if row else verb
