"""From what queries answer to what the components take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.urls import reverse

from shugu.kernel import queries as cases
from shugu.kernel.text import Text
from shugu.registry import applications, queries
from shugu.registry.domain import Facet, FacetLine
from shugu.registry.models import EntryVersion, Mark, TradeRecord
from shugu.registry.queries import EntryView, FilingView
from shugu.registry.queries_notices import NoticeView
from shugu.web.from_kernel import chip_of, clock_of
from shugu.web.shapes import Act, Chip, Event, Record, Tone

FACET_TONES: Mapping[Facet, Tone] = {
    Facet.VALID: Tone.GOOD,
    Facet.SUPERSEDED: Tone.NEUTRAL,
    Facet.ENCUMBERED: Tone.WARNING,
    Facet.OBJECTED: Tone.WARNING,
    Facet.SUSPENDED: Tone.STOPPED,
    Facet.EXPIRED: Tone.NEUTRAL,
    Facet.REVOKED: Tone.BAD,
}


def facet_chips(lines: Iterable[FacetLine]) -> list[tuple[Chip, str, str]]:
    """(chip, article, reason) of every facet."""
    return [(Chip(line.title, FACET_TONES[line.facet]), line.article, line.reason) for line in lines]


def particulars(register: str, object_kind: str, form: Mapping[str, str]) -> list[tuple[Text, object]]:
    """The rule file's questions with the answers given, coded ones spelt out."""
    fields = applications.form_fields(register, object_kind)
    return [(f.title, dict(f.options).get(form[f.id], form[f.id])) for f in fields if form.get(f.id)]


def rights_text(register: str, rights: Iterable[str]) -> Text:
    known = applications.right_codes(register)
    words = [known.get(code, Text(code, code)) for code in rights]
    return Text("、".join(w.zh for w in words), ", ".join(w.en for w in words))


def register_title(register: str) -> Text:
    return Text(*applications.register_named(register).title)


def entry_record(entry: EntryView) -> Record:
    first = entry.lines[0]
    return Record(
        name=entry.title, number=entry.number, kind=register_title(entry.register),
        state=Chip(first.title, FACET_TONES[first.facet]), holder=queries.holder_names(entry.holders),
        dates=((Text("登记日", "Entered on"), entry.entered_on), (Text("有效期至", "Valid until"), entry.valid_until)),
    )  # fmt: skip


def entry_events(entry: EntryView) -> tuple[Event, ...]:
    """The history of a line of the book, newest first: versions, marks, trades."""
    events: list[tuple[datetime, Event]] = []
    for version in EntryVersion.objects.filter(entry_id=entry.id).select_related("filing"):
        title = Text(f"登簿 · 第 {version.version} 版", f"entered · version {version.version}")
        issued = version.certificates.order_by("pk").first()
        if issued is not None:
            events.append((issued.issued_at, Event(title, when=issued.issued_at, actor=issued.number, tone=Tone.GOOD)))
    for mark in Mark.objects.filter(entry_id=entry.id):
        line = FacetLine(Facet(mark.facet), mark.article)
        told = f"{mark.reason} {mark.article}"
        events.append((mark.placed_at, Event(line.title, when=mark.placed_at, opinion=told, tone=Tone.WARNING)))
        if mark.lifted_at is not None:
            lifted = Text(f"解除：{line.title.zh}", f"lifted: {line.title.en}")
            events.append((mark.lifted_at, Event(lifted, when=mark.lifted_at, tone=Tone.GOOD)))
    for trade in TradeRecord.objects.filter(entry_id=entry.id):
        told_of = Event(Text("登记交易", "trade recorded"), when=trade.recorded_at, actor=trade.reference)
        events.append((trade.recorded_at, told_of))
    return tuple(event for _, event in sorted(events, key=lambda pair: pair[0], reverse=True))


def filing_record(filing: FilingView, now: datetime) -> Record:
    tab, view = cases.view_of(filing.id)
    clocks = cases.clocks(filing.id, now)
    to_case = Act("case", Text("办理", "Go to the case"), reverse("web:case", args=[filing.case_number]), primary=True)
    return Record(
        name=filing.title, number=filing.number, kind=tab.title, state=chip_of(tab.state[view.state]),
        holder=queries.holder_names(filing.holders), dates=((Text("申请日", "Filed"), filing.filed_at),),
        clock=clock_of(clocks[0]) if clocks else None, acts=(to_case,), subject=f"registry.filing:{filing.id}",
    )  # fmt: skip


def notice_record(notice: NoticeView, now: datetime) -> Record:
    clocks = [c for c in cases.clocks(notice.case, now) if c.id == "notice_period"]
    state = Chip(Text("公示中", "under notice"), Tone.PROGRESS) if notice.open else Chip(Text("公示期满", "notice over"))
    return Record(
        name=notice.title, number=notice.number, kind=Text("登记公示", "Public notice"), state=state,
        holder=queries.holder_names(notice.holders),
        dates=((Text("公示起", "From"), notice.noticed_on), (Text("公示止", "Until"), notice.until)),
        clock=clock_of(clocks[0]) if clocks else None,
    )  # fmt: skip
