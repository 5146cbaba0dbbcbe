"""The same act for many cases at once, from the desk: a public notice for a whole batch, for instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from shugu.kernel import bulk, clock, queries
from shugu.kernel.cases import Command
from shugu.kernel.errors import NotFound
from shugu.kernel.procedure import Step, Table
from shugu.kernel.queries import DeskRow
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.web import case_acts, language
from shugu.web.api import actor_of

MOST = 500
FEWEST = 2


@dataclass(frozen=True)
class Group:
    """Cases of one procedure for which the actor may do one thing without any input."""

    procedure: Text
    act: Text
    count: int
    href: str


def _plain(tab: Table, do: str, state: str) -> Step | None:
    """The step when it asks for nothing: no input, no material, no other voices, and its app says it may be done so."""
    step = tab.step(state, do)
    if step is None or step.input or step.materials or step.quorum or not case_acts.in_bulk(tab.subject):
        return None
    return step


def groups(rows: Iterable[DeskRow]) -> list[Group]:
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows:
        tab = table(row.procedure)
        counted.update((row.procedure, do) for do in row.dos if _plain(tab, do, row.state))
    return [
        Group(table(p).title, next(s.title for s in table(p).steps if s.do == do), n, reverse("web:together", args=[p, do]))
        for (p, do), n in sorted(counted.items())
        if n >= FEWEST
    ]


@require_http_methods(["GET", "POST"])
def together(request: HttpRequest, procedure: str, do: str) -> HttpResponse:
    """Choose the cases, then act on all of them; those that are refused stay as they are, each with its reason."""
    actor, now = actor_of(request), clock.now()
    rows = [r for r in queries.desk(actor, now, limit=MOST) if r.procedure == procedure and do in r.dos]
    rows = [r for r in rows if _plain(table(r.procedure), do, r.state)]
    if not rows and request.method == "GET":
        raise NotFound(what=("可以一并办理的办件", "cases that can be dealt with together"))
    done: list[DeskRow] = []
    refused: list[tuple[DeskRow, str]] = []
    if request.method == "POST":
        chosen = {r.case: r for r in rows if str(r.case) in request.POST.getlist("case")}
        result = bulk.move_many(list(chosen), Command(do), actor=actor, now=now)
        done = [chosen[pk] for pk in result.moved]
        refused = [(chosen[pk], error.message(language.current())) for pk, error in result.refused.items()]
        rows = [r for r in rows if r.case not in result.moved]
    step = next((s for s in table(procedure).steps if s.do == do), None)
    page = {
        "title": step.title if step else do, "procedure": table(procedure).title, "rows": rows, "done": done,
        "refused": refused, "key": uuid4(),
    }  # fmt: skip
    return render(request, "web/together.html", page)
