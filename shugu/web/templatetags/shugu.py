"""The components as tags and filters; a builtin library, so no page loads it. Shapes: shugu/web/shapes.py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import uuid4

from django import template
from django.forms.boundfield import BoundField
from django.forms.widgets import CheckboxInput, ChoiceWidget, FileInput
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from shugu.formats.errors import ShuguError
from shugu.kernel.money import format_fen
from shugu.kernel.text import Text
from shugu.web import charts, language, slots, wording
from shugu.web.moments import day_words, moment_words
from shugu.web.shapes import Act, Chip, ClockFace, Event, Progress, Record, Seal, Source, Tile, Tone, Words
from shugu.web.tables import Cell, Kind, Table

register = template.Library()
DASH = "—"


def _told(words: Words) -> str:
    return wording.both(words).pick(language.current())


@register.simple_tag
def t(zh: Words, en: str = "", **gaps: object) -> str:
    """`{% t "共 {n} 条" "{n} rows" n=total %}`; a Text alone works too; `as name` keeps it."""
    words = zh if isinstance(zh, Text) else Text(zh, en)
    text = words.pick(language.current())
    return text.format_map({k: str(v) for k, v in gaps.items()}) if gaps else text


@register.filter
def fen(amount: int | None) -> str:
    """Integer fen as yuan: 123456 is 1,234.56. Anything but an int is a programming error."""
    if amount is None:
        return DASH
    if not isinstance(amount, int):
        raise TypeError(f"money is integer fen, not {amount!r}")
    return format_fen(amount)


@register.filter
def yuan(amount: int | None) -> str:
    """As `fen`, with the sign: ¥1,234.56."""
    if amount is None:
        return DASH
    if not isinstance(amount, int):
        raise TypeError(f"money is integer fen, not {amount!r}")
    return format_fen(amount, symbol=True)


@register.filter
def day(value: date | None) -> str:
    return day_words(value) if value else DASH


@register.filter
def moment(value: datetime | date | None) -> str:
    """A moment to the minute in Shanghai; a plain day stays a day."""
    if not value:
        return DASH
    return moment_words(value) if isinstance(value, datetime) else day_words(value)


_DAY = re.compile(r"(\d{4}-\d\d-\d\d)")


@register.filter
def unbroken(words: Words) -> SafeString:
    """Keeps the days in a sentence on one line: a browser would break them at a hyphen."""
    parts = _DAY.split(_told(words))
    return format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="unbroken">{}</span>', part) if place % 2 else part,)
            for place, part in enumerate(parts)
        ),
    )


@register.simple_tag
def chip(state: Chip | Words, tone: str = "") -> SafeString:
    shown = state if isinstance(state, Chip) else Chip(state)
    return format_html('<span class="chip tone-{}">{}</span>', Tone(tone) if tone else shown.tone, capfirst(_told(shown.text)))


@register.inclusion_tag("web/clock.html")
def clock(clock: ClockFace) -> dict[str, Any]:
    tone = Tone.NEUTRAL
    if clock.met_on:
        tone = Tone.GOOD
    elif clock.stopped:
        tone = Tone.STOPPED
    elif clock.overdue:
        tone = Tone.BAD
    elif clock.pressing:
        tone = Tone.WARNING
    return {"clock": clock, "words": wording.clock_words(clock), "tone": tone}


@register.inclusion_tag("web/article.html")
def article(source: Source | None) -> dict[str, Any]:
    if source is None:
        return {"source": None}
    return {
        "source": source,
        "id": f"source-{uuid4().hex[:12]}",
        "short": wording.source_words(source),
        "force": wording.FORCE[source.force],
        "status": wording.STATUS.get(source.status, source.status),
        "dates": wording.source_dates(source),
    }


@register.inclusion_tag("web/seal.html")
def evidence(badge: Seal | None) -> dict[str, Any]:
    return {"seal": badge, "words": wording.SEAL[badge.state] if badge else ""}


@register.inclusion_tag("web/timeline.html")
def timeline(events: Sequence[Event]) -> dict[str, Any]:
    return {"events": [(event, wording.event_place(event)) for event in events]}


def _why(act: Act) -> tuple[str, str]:
    """Reason and article of a refused act."""
    if isinstance(act.refused, ShuguError):
        return act.refused.message(language.current()), act.article or act.refused.article or ""
    return (_told(act.refused) if act.refused else ""), act.article


@register.inclusion_tag("web/acts.html", takes_context=True)
def acts(context: Context, acts: Sequence[Act]) -> dict[str, Any]:
    allowed = [(act, uuid4()) for act in acts if not act.refused]
    refused = [(act, *_why(act)) for act in acts if act.refused]
    return {"allowed": allowed, "refused": refused, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("web/record.html", takes_context=True)
def record_header(context: Context, record: Record) -> dict[str, Any]:
    dates = [(title, moment(value)) for title, value in record.dates]
    return {
        "record": record,
        "dates": dates,
        "csrf_token": context.get("csrf_token"),
        "evidence_slot": slots.EVIDENCE,
    }


@register.inclusion_tag("web/table.html", takes_context=True)
def table(context: Context, table: Table) -> dict[str, Any]:
    return {"table": table, "csrf_token": context.get("csrf_token")}


def _cell(context: Context, cell: Cell) -> SafeString:
    value = cell.value
    if isinstance(value, Chip):
        return chip(value)
    if isinstance(value, ClockFace):
        return render_to_string("web/clock.html", clock(value))
    if isinstance(value, Seal):
        return render_to_string("web/seal.html", evidence(value))
    if cell.column.kind is Kind.ACTS and value:
        return render_to_string("web/acts.html", acts(context, cast(Sequence[Act], value)))
    if cell.href:
        return format_html('<a href="{}">{}</a>', cell.href, cell.text)
    return conditional_escape(cell.text)


@register.simple_tag(takes_context=True)
def cells(context: Context, row: Sequence[Cell]) -> SafeString:
    """One row's cells, drawn here rather than by a template: a page has hundreds of them."""
    return format_html_join(
        "",
        '<td role="cell" class="kind-{}{}" data-label="{}">{}</td>',
        (
            (cell.column.kind, " right" if cell.column.right else "", _told(cell.column.title), _cell(context, cell))
            for cell in row
        ),
    )


@register.inclusion_tag("web/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A form's field. A group of choices is a fieldset, a single tick has its label on its right."""
    widget = bound.field.widget
    kind = "plain"
    if isinstance(widget, CheckboxInput):
        kind = "tick"
    elif isinstance(widget, FileInput):
        kind = "file"
    elif isinstance(widget, ChoiceWidget) and widget.use_fieldset:
        kind = "group"
    sources = getattr(bound.form, "sources", {})
    return {"field": bound, "kind": kind, "source": sources.get(bound.name), "hidden": bound.is_hidden}


@register.inclusion_tag("web/chart.html")
def chart(chart: charts.Chart) -> dict[str, Any]:
    drawn = charts.svg(chart, language.current())
    kind = type(chart).__name__.lower()
    # charts.py escapes every word it is given.
    return {"chart": chart, "svg": mark_safe(drawn), "rows": charts.table_rows(chart), "kind": kind}  # noqa: S308


@register.inclusion_tag("web/tile.html")
def tile(tile: Tile) -> dict[str, Any]:
    return {"tile": tile}


@register.inclusion_tag("web/progress.html")
def progress(progress: Progress) -> dict[str, Any]:
    return {"progress": progress, "words": wording.progress_words(progress)}


@register.inclusion_tag("web/slot.html")
def slot(name: str, object_id: object) -> dict[str, Any]:
    return {"hrefs": slots.hrefs(name, object_id)}
