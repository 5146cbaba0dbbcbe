"""From what queries answer to what the components take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from shugu.kernel import queries as cases
from shugu.kernel.text import Text
from shugu.kernel.workdays import Unit
from shugu.party import queries as parties
from shugu.registry import applications, queries, queries_book
from shugu.registry.applications import FormField
from shugu.registry.certificates import ENCUMBRANCES
from shugu.registry.domain import Facet, FacetLine
from shugu.registry.models import EntryVersion, Mark, TradeRecord
from shugu.registry.operations import MOVES, operations
from shugu.registry.queries import EntryView, FilingView
from shugu.registry.queries_book import Encumbrance
from shugu.registry.queries_notices import NoticeView
from shugu.registry.retention import Retention
from shugu.web.from_kernel import chip_of, clock_of, source_of
from shugu.web.shapes import Act, Chip, Event, Record, Source, Tone

FACET_TONES: Mapping[Facet, Tone] = {
    Facet.VALID: Tone.GOOD,
    Facet.SUPERSEDED: Tone.NEUTRAL,
    Facet.ENCUMBERED: Tone.WARNING,
    Facet.OBJECTED: Tone.WARNING,
    Facet.SUSPENDED: Tone.STOPPED,
    Facet.EXPIRED: Tone.NEUTRAL,
    Facet.REVOKED_IN_PART: Tone.WARNING,
    Facet.REVOKED: Tone.BAD,
    Facet.CANCELLED: Tone.BAD,
    Facet.MOVED: Tone.STOPPED,
}


def facet_chips(lines: Iterable[FacetLine]) -> list[tuple[Chip, str, str]]:
    """(chip, article, reason) of every facet."""
    return [(Chip(line.title, FACET_TONES[line.facet]), line.article, line.reason) for line in lines]


def particulars(
    register: str, object_kind: str, form: Mapping[str, str], operation: str = "", *, public: bool = False
) -> list[tuple[Text, object]]:
    """The rule file's questions with the answers given, coded ones spelt out; without an operation those of all of them.
    `public` leaves out what the rules keep from strangers."""
    codes = (operation,) if operation else applications.operation_codes(register)
    fields = {f.id: f for code in reversed(codes) for f in applications.form_fields(register, object_kind, code)}
    told = [f for f in fields.values() if form.get(f.id) and (f.public or not public)]
    return [(f.title, _spelt(f, form[f.id])) for f in told]


def _spelt(question: FormField, answer: str) -> object:
    options = dict(question.options)
    if question.kind != "multi":
        return options.get(answer, answer)
    found = [options.get(code, Text(code, code)) for code in answer.split(",")]
    return Text("、".join(t.zh for t in found), ", ".join(t.en for t in found))


def rights_text(register: str, rights: Iterable[str]) -> Text:
    known = applications.right_codes(register)
    words = [known.get(code, Text(code, code)) for code in rights]
    return Text("、".join(w.zh for w in words), ", ".join(w.en for w in words))


def register_title(register: str) -> Text:
    return Text(*applications.register_named(register).title)


def operation_title(register: str, operation: str) -> Text:
    found = operations(applications.rules_of(register)).get(operation)
    return found.title if found is not None else MOVES.get(operation, Text(operation, operation))


def filing_state(filing: FilingView) -> Chip:
    tab, _ = cases.view_of(filing.id)
    return chip_of(tab.state[filing.state])


def encumbrance_lines(entry_id: int) -> list[tuple[Text, str, Encumbrance]]:
    """(kind, whose, encumbrance) of what stands beside an entry."""
    found = queries_book.encumbrances(entry_id)
    names = parties.org_names([one.beneficiary for one in found if one.beneficiary])
    return [(ENCUMBRANCES.get(o.kind, Text(o.kind, o.kind)), names.get(o.beneficiary or 0, ""), o) for o in found]


@dataclass(frozen=True)
class KeptLine:
    """Until when papers and records are kept, in words, with the footnote of the period."""

    words: Text
    source: Source
    until: date | None


def retention_line(kept: Retention) -> KeptLine:
    length = kept.rule.length
    unit = {Unit.YEAR: ("年", "years"), Unit.MONTH: ("个月", "months")}.get(length.unit, ("日", "days"))
    zh, en = f"{length.value} {unit[0]}", f"{length.value} {unit[1]}"
    if kept.until is None:
        words = Text(f"存续期间一直保存，终止后再保存 {zh}", f"kept while it lasts and for {en} after it ends")
    else:
        words = Text(
            f"已于 {kept.ended_on} 终止，至少保存至 {kept.until}（{zh}）；不删除",
            f"ended on {kept.ended_on}, kept at least until {kept.until} ({en}); nothing is deleted",
        )
    return KeptLine(words, source_of(kept.rule), kept.until)


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
