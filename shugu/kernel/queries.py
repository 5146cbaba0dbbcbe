"""What pages and later apps read of cases: the desk, one case with its timeline, what its actor may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F, Min, Q, QuerySet

from shugu.kernel import clock, runtime, store
from shugu.kernel.cases import Actor, CaseView, Command
from shugu.kernel.clockwork import rule_of
from shugu.kernel.decide import allowed, decide, needed_materials
from shugu.kernel.errors import InputInvalid, NotFound, Refused, UndertakingNeeded
from shugu.kernel.models import Assignment, Case, Clock, Fact, Material, Position
from shugu.kernel.procedure import MaterialRow, Step, Table
from shugu.kernel.tables import all_tables, table
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import VOCABULARY
from shugu.kernel.workdays import Due, explain, local_day, remaining


@dataclass(frozen=True)
class ActChoice:
    """One act on a page: allowed now, or shown with the reason why not."""

    do: str
    title: Text
    allowed: bool
    why: tuple[str, str] | None
    article: str
    input: tuple[str, ...]
    optional: tuple[str, ...]
    undertaking: tuple[str, str] | None = None


@dataclass(frozen=True)
class ClockLine:
    id: str
    title: Text
    kind: str
    status: str
    due_on: date
    provisional: bool
    text: tuple[str, str]
    overdue: bool
    source: Any = None  # the RuleValue behind the length: document, article, force
    left: int = 1  # days left, in the unit of the length


@dataclass(frozen=True)
class DeskRow:
    case: int
    number: str
    title: str
    procedure: str
    procedure_title: Text
    subject: str
    state: str
    state_title: Text
    opened_on: date
    due_on: date | None
    acts: tuple[Text, ...]
    clock: ClockLine | None
    dos: tuple[str, ...] = ()
    assignee: int | None = None


@dataclass(frozen=True)
class Event:
    """One line of a timeline: a fact in plain form. `position` is its index in the log, None until sequenced."""

    fact_id: int
    name: str
    title: Text
    recorded_at: datetime
    effective_on: date
    person: int | None
    org: int | None
    actor_kind: str
    position: int | None
    state: Text | None
    input: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def case_by_number(number: str) -> Case:
    """Errors: NotFound."""
    found = Case.objects.filter(number=number).first()
    if found is None:
        raise NotFound(what=(f"办件 {number}", f"case {number}"))
    return found


def view_of(case: int, now: datetime | None = None) -> tuple[Table, CaseView]:
    """The table and the full view of a case, its context as of `now` (the venue's time) included. Errors: NotFound."""
    view = store.read_case(case)
    tab = table(view.procedure, view.version)
    return tab, view.knowing(VOCABULARY.contexts[tab.subject](case, now or clock.now()))


def acts(case: int, actor: Actor, now: datetime) -> list[ActChoice]:
    """Every act out of the present state that belongs to this actor, each with whether it passes now and why not."""
    tab, view = view_of(case, now)
    return [_choice(tab, view, step, actor, now) for step in allowed(tab, view, actor)]


def _choice(tab: Table, view: CaseView, step: Step, actor: Actor, now: datetime) -> ActChoice:
    why: tuple[str, str] | None = None
    undertaking: tuple[str, str] | None = None
    article = step.article
    try:
        decide(tab, view, Command(step.do, dict.fromkeys(step.input, "…")), actor, now)
    except UndertakingNeeded as needed:
        text = needed.params["text"]
        undertaking = text if isinstance(text, tuple) else (str(text), str(text))
        article = needed.article or article
    except (Refused, InputInvalid) as refusal:
        why = (refusal.message("zh"), refusal.message("en"))
        article = refusal.article or article
    return ActChoice(step.do, step.title, why is None, why, article, step.input, step.optional, undertaking)


def materials_needed(case: int, do: str) -> list[tuple[MaterialRow, bool]]:
    """The material rows of an act that apply to this case, each with whether it has been filed."""
    tab, view = view_of(case)
    step = tab.step(view.state, do)
    if step is None:
        return []
    filed = {m.id for m in view.materials}
    return [(row, row.id in filed) for row in needed_materials(view, step)]


def materials(case: int) -> list[Material]:
    return list(Material.objects.filter(case_id=case, superseded=False).order_by("id"))


def clocks(case: int, now: datetime) -> list[ClockLine]:
    """The running, paused and overdue clocks of a case, soonest first."""
    tab, view = view_of(case, now)
    live = [c for c in view.clocks if c.status in ("running", "paused", "overdue")]
    return [_line(tab, view, c, now) for c in sorted(live, key=lambda c: c.due_at)]


@dataclass(frozen=True)
class EndedClock:
    """`status`: met, late, fired or stopped; `kind` as in the table."""

    title: Text
    kind: str
    status: str
    due_on: date


def ended_clocks(case: int) -> list[EndedClock]:
    """The clocks of a case that run no more, oldest first; one that began again is told by its newest run."""
    row = Case.objects.only("procedure", "version").get(pk=case)
    titles = {r.id: r.title for r in table(row.procedure, row.version).clocks}
    rows = Clock.objects.filter(case_id=case).exclude(status__in=("running", "paused", "overdue")).order_by("starts_on", "id")
    return [EndedClock(titles[c.clock], c.kind, c.status, c.due_on) for c in rows if c.clock in titles]


def _line(tab: Table, view: CaseView, c: Any, now: datetime) -> ClockLine:
    row = next(r for r in tab.clocks if r.id == c.id)
    source = view.rules.value(rule_of(view, row))
    due = Due(c.due_on, c.provisional)
    left = remaining(now, due, source.unit, calendar=runtime.calendar())
    text = tuple(explain(due, lang, left=left, unit=source.unit).text for lang in ("zh", "en"))
    overdue = now >= c.due_at
    return ClockLine(c.id, row.title, c.kind, c.status, c.due_on, c.provisional, (text[0], text[1]), overdue, source, left)


def timeline(case: int) -> list[Event]:
    """Every fact of a case in order."""
    row = Case.objects.only("procedure", "version").get(pk=case)
    tab = table(row.procedure, row.version)
    return [event(f, tab) for f in Fact.objects.filter(case_id=case).select_related("place").order_by("id")]


def position_of(fact: int) -> int | None:
    """The index of a fact in the log; None until it is sequenced."""
    return Position.objects.filter(fact_id=fact).values_list("position", flat=True).first()


def event(fact: Fact, tab: Table | None = None) -> Event:
    import json

    payload = json.loads(fact.payload) if fact.payload else {}
    move = payload.get("move", {})
    data = payload.get("data", {})
    state = tab.state.get(move.get("to", "")) if tab else None
    place = getattr(fact, "place", None) if hasattr(fact, "place") else None
    return Event(
        fact_id=fact.pk, name=fact.name, title=fact_title(fact.name, move.get("do"), tab), recorded_at=fact.recorded_at,
        effective_on=fact.effective_on, person=fact.person, org=fact.org,
        actor_kind=payload.get("actor", {}).get("kind", "erased"), position=place.position if place else None,
        state=state.title if state else None, input=data.get("input", {}),
        data={k: v for k, v in data.items() if k not in ("input", "case", "procedure")},
        digests=payload.get("digests", {}),
    )  # fmt: skip


_FACT_TITLES: dict[str, Text] = {
    "clock.overdue": Text("逾期", "overdue"),
    "clock.refused": Text("到期事项未能办理", "act due by clock was refused"),
    "material.filed": Text("提交材料", "material filed"),
    "case.rules_adopted": Text("改按现行规则办理", "goes on under today's rules"),
    "hold.placed": Text("设置限制", "hold placed"),
    "hold.lifted": Text("解除限制", "hold lifted"),
    "paper.authority_bound": Text("公布打印件签章授权", "certificates of printed documents bound"),
}


def name_fact(name: str, zh: str, en: str) -> None:
    """Give a fact that is no step of a table its title (called by the app that records it)."""
    _FACT_TITLES[name] = Text(zh, en)


def fact_titles() -> Mapping[str, Text]:
    """Every fact name of the installed apps with a title, for docs and the supervisor's search."""
    found = dict(_FACT_TITLES)
    for versions in all_tables().values():
        for tab in versions.values():
            found.setdefault(tab.opened, Text("立案", "opened"))
            for step in tab.steps:
                found.setdefault(step.fact, step.title)
                if step.consent_fact:
                    found.setdefault(step.consent_fact, step.title)
    return found


def fact_title(name: str, do: str | None, tab: Table | None) -> Text:
    if tab is not None and do is not None:
        step = next((s for s in tab.steps if s.do == do and name in (s.fact, s.consent_fact)), None)
        if step is not None:
            return step.title
    return fact_titles().get(name, Text(name, name))


def desk(actor: Actor, now: datetime, *, limit: int = 100) -> list[DeskRow]:
    """What waits for this actor, ordered by the clock: open cases in a state with a step of theirs."""
    if actor.person is None:
        return []
    rows = _desk_cases(actor, limit)
    views = {v.id: v for v in store.read_cases([r.pk for r in rows])}
    given = dict(Assignment.objects.filter(case__in=list(views)).values_list("case_id", "person"))
    out = []
    for row in rows:
        tab, view = table(row.procedure, row.version), views[row.pk]
        mine = [step for step in allowed(tab, view, actor) if not step.standing]
        if not mine:
            continue
        running = sorted((c for c in view.clocks if c.status in ("running", "overdue")), key=lambda c: c.due_at)
        first = _line(tab, view, running[0], now) if running else None
        out.append(
            DeskRow(
                row.pk, row.number, row.title, row.procedure, tab.title, row.subject, row.state,
                tab.state[row.state].title, row.opened_on, first.due_on if first else None,
                tuple(s.title for s in mine), first, tuple(s.do for s in mine), given.get(row.pk),
            )
        )  # fmt: skip
    return sorted(out, key=lambda r: (r.due_on or date.max, r.opened_on, r.number))


def _desk_cases(actor: Actor, limit: int) -> QuerySet[Case]:
    """Open cases where a step out of the state belongs to a seat of the actor, or to a role the actor's party holds."""
    by_seat = Q(pk__in=[])
    by_role: list[tuple[str, int, str, str]] = []
    for tab in (t for versions in all_tables().values() for t in versions.values()):
        for state in tab.states:
            roles = {r for s in tab.steps_from(state.id) if not s.standing for r in s.by if r in tab.party}
            seats = {tab.party[r].seat for r in roles} - {None}
            if seats & actor.seats:
                by_seat |= Q(procedure=tab.id, version=tab.version, state=state.id)
            by_role += [(tab.id, tab.version, state.id, r) for r in roles if tab.party[r].seat is None]
    mine = Q(pk__in=_party_cases(actor, by_role))
    soonest = Min("clocks__due_at", filter=Q(clocks__status__in=("running", "overdue")))
    waiting = Case.objects.filter(Q(closed_at__isnull=True) & (by_seat | mine))
    return waiting.annotate(soonest=soonest).order_by(F("soonest").asc(nulls_last=True), "opened_at")[:limit]


def _party_cases(actor: Actor, wanted: list[tuple[str, int, str, str]]) -> list[int]:
    """The newest open cases in which the actor's party holds a role that has something to do in the present state."""
    columns = [list(c) for c in zip(*wanted, strict=True)] or [[], [], [], []]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.id FROM kernel_caseparty p JOIN kernel_case c ON c.id = p.case_id "
            "JOIN unnest(%s::text[], %s::int[], %s::text[], %s::text[]) AS w(procedure, version, state, role) "
            "ON (c.procedure, c.version, c.state, p.role) = (w.procedure, w.version, w.state, w.role) "
            "WHERE c.closed_at IS NULL AND (p.org = %s OR p.person = %s) ORDER BY c.id DESC LIMIT 2000",
            [*columns, actor.org, actor.person],
        )
        return [row[0] for row in cursor.fetchall()]


def parties(case: int) -> list[tuple[str, int | None, int | None]]:
    return list(Case.objects.get(pk=case).parties.order_by("id").values_list("role", "person", "org"))


def is_party(case: int, actor: Actor) -> bool:
    """Whether the actor (or the organisation acted for) holds any role in the case: a stranger sees nothing."""
    return any(
        (org is not None and org == actor.org) or (person is not None and person == actor.person)
        for _, person, org in parties(case)
    )


def due_soon(now: datetime, until: datetime) -> Iterable[Clock]:
    return Clock.objects.filter(status="running", due_at__gt=now, due_at__lte=until).select_related("case")


def today(now: datetime) -> date:
    return local_day(now)


__all__ = [
    "ActChoice", "ClockLine", "DeskRow", "Event", "acts", "case_by_number", "clocks", "desk",
    "due_soon", "event", "fact_title", "fact_titles", "is_party", "materials", "materials_needed", "name_fact",
    "parties", "timeline", "today", "view_of",
]  # fmt: skip
