"""The regime explorer: every regime, one regime, two side by side. Public, made from the rule files and tables alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from shugu.kernel import clock
from shugu.kernel.errors import NotFound
from shugu.kernel.procedure import Table
from shugu.kernel.regimes import Regime, load_regime, read_head, regime_ids
from shugu.kernel.rules import Document
from shugu.kernel.tables import all_tables
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.web import language, regime_view
from shugu.web.diagrams import flow_svg
from shugu.web.regime_compare import Compared, compare
from shugu.web.regime_view import Grid
from shugu.web.regime_words import code_title
from shugu.web.shapes import Chip, Tone
from shugu.web.wording import STATUS

# Sections of a comparison that stand open; the others open at a click.
OPENED = ("documents", "operations", "periods", "deciders", "certificates", "materials")
_TONES = {"in_force": Tone.GOOD, "trial": Tone.PROGRESS, "lapsed": Tone.STOPPED}


@dataclass(frozen=True)
class DocumentLine:
    document: Document
    title: Text
    status: Chip
    began: date


@dataclass(frozen=True)
class ProcedureBlock:
    """A procedure with the operations it serves, drawn and as a table."""

    table: Table
    serves: Text
    svg: SafeString
    steps: Grid
    materials: Grid


@dataclass(frozen=True)
class IndexLine:
    regime: Regime
    title: Text
    documents: tuple[DocumentLine, ...]
    operations: int


def today() -> date:
    return local_day(clock.now())


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """Rule files are read once a process, as for the venue's own rules."""
    return regime_ids()


@lru_cache(maxsize=128)
def _loaded(name: str, on: date) -> Regime:
    return load_regime(name, on)


def regime_of(name: str, on: date) -> Regime:
    """Errors: NotFound, RuleError when its files cannot be used or do not apply yet on that day."""
    if name not in known():
        raise NotFound(what=(f"登记制度 {name}", f"regime {name}"))
    return _loaded(name, on)


def tables_of(regime: Regime) -> dict[str, Table]:
    """operation: newest table of its procedure. One not written yet is left out."""
    found = {operation: all_tables().get(procedure) for operation, procedure in regime.head.procedures.items()}
    return {operation: versions[max(versions)] for operation, versions in found.items() if versions}


def document_lines(regime: Regime) -> tuple[DocumentLine, ...]:
    lines = []
    for document, began in regime.documents:
        status = str(document.status)
        chip = Chip(STATUS[status], _TONES.get(status, Tone.WAITING))
        lines.append(DocumentLine(document, Text(*document.title), chip, began))
    return tuple(lines)


@require_GET
def regimes(request: HttpRequest) -> HttpResponse:
    on = today()
    found = [regime_of(name, on) for name in known()]
    lines = [
        IndexLine(r, Text(*r.title), document_lines(r), len(r.values["registry.operations"].codes))
        for r in found
    ]  # fmt: skip
    return render(request, "web/regimes.html", {"lines": lines, "on": on, **_pair(*known()[:2])})


@lru_cache(maxsize=1)
def _choices() -> tuple[tuple[str, Text], ...]:
    return tuple((name, Text(*read_head(name).title)) for name in known())


def _pair(a: str, b: str) -> dict[str, object]:
    """What the form asks that leads to a comparison."""
    return {"choices": _choices(), "a": a, "b": b}


@require_GET
def regime(request: HttpRequest, regime: str) -> HttpResponse:
    """One regime whole: documents, operations, codes, periods, fields, procedures, and every other value."""
    found = regime_of(regime, today())
    tables = tables_of(found)
    distinct = {t.key: t for t in tables.values()}
    grids = [regime_view.operations(found, lambda p: f"#{p}"), *regime_view.code_grids(found)]
    grids.append(regime_view.clocks(found, distinct.values()))
    shown = {
        "regime": found, "title": Text(*found.title), "documents": document_lines(found), "grids": grids,
        "fields": regime_view.field_grids(found), "procedures": [_block(found, tables, t) for t in distinct.values()],
        "others": regime_view.others(found, regime_view.shown_elsewhere(found)),
        **_pair(regime, next((n for n in known() if n != regime), regime)),
        "missing": sorted(set(found.head.procedures.values()) - {t.id for t in distinct.values()}),
    }  # fmt: skip
    return render(request, "web/regime.html", shown)


def _block(regime: Regime, tables: dict[str, Table], table: Table) -> ProcedureBlock:
    served = [code_title(regime, "registry.operations", o) for o, t in tables.items() if t.key == table.key]
    words = Text("、".join(t.zh for t in served), ", ".join(t.en for t in served))
    svg = flow_svg(table, language.current())
    return ProcedureBlock(table, words, svg, regime_view.steps(table, regime), regime_view.materials(table, regime))


@require_GET
def compared(request: HttpRequest) -> HttpResponse:
    """`?a=…&b=…`, with `only=differences` to leave out what is the same."""
    names = known()
    a = request.GET.get("a") or names[0]
    b = request.GET.get("b") or next((n for n in names if n != a), a)
    left, right = (Compared(r, tables_of(r)) for r in (regime_of(a, today()), regime_of(b, today())))
    sections = compare(left, right)
    only = request.GET.get("only") == "differences"
    shown = {
        "left": left.regime, "right": right.regime, "left_title": Text(*left.regime.title), "only": only,
        "right_title": Text(*right.regime.title), **_pair(a, b),
        "sections": [s.differing() for s in sections] if only else sections,
        "opened": OPENED, "lines": sum(len(s.lines) for s in sections),
        "differences": sum(len(s.differing().lines) for s in sections),
    }  # fmt: skip
    return render(request, "web/regime_compare.html", shown)

