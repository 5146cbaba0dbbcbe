"""What an operation writes in the book when its case ends well: one function for each of `Writes`.

`registry.write_book` is the effect of the last step of every registration. Each writer changes lines of the book and
records that change as a fact of its own, with the digests of the certificates issued for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.formats.suites import Signer
from shugu.kernel import documents, journal, publishing, runtime, setwise, signer, store
from shugu.kernel import status as seats
from shugu.kernel.cases import Actor, Rules
from shugu.kernel.engine import Applied
from shugu.kernel.queries import name_fact
from shugu.kernel.status import Seat
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import effect
from shugu.kernel.workdays import Length, due, end_of_day
from shugu.party import queries as parties
from shugu.registry import accounts, applications, book, certificates, lineage, recognitions, status
from shugu.registry.domain import ENDED, Facet, same_shares, title_key
from shugu.registry.errors import EntryEnded
from shugu.registry.models import Certificate, Entry, EntryVersion, Filing, Mark, Share
from shugu.registry.operations import Operation, Writes, operation
from shugu.registry.printing import Printed, named, printed

for _name, _zh, _en in (
    ("entry.entered", "登簿", "entered in the book"),
    ("entry.amended", "变更登记条目", "entry changed"),
    ("entry.transferred", "转移登记条目", "entry transferred"),
    ("entry.encumbered", "登记他项权益", "encumbrance entered"),
    ("entry.discharged", "注销他项权益", "encumbrance struck out"),
    ("entry.renewed", "续展登记条目", "entry renewed"),
    ("entry.cancelled", "注销登记条目", "entry cancelled"),
    ("entry.revoked", "撤销登记", "registration revoked"),
    ("entry.suspended", "中止登记条目", "entry suspended"),
    ("entry.resumed", "恢复登记条目", "entry resumed"),
    ("entry.noted", "登记簿记载", "noted in the book"),
    ("entry.recertified", "补发证书", "certificate issued anew"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class Writing:
    """One filing that ends well: what is asked, by whom, under which rules, on which legal day."""

    row: Filing
    op: Operation
    rules: Rules
    actor: Actor
    now: datetime
    day: date
    fact: int

    def record(self, name: str, line: Entry, *, digests: Mapping[str, str] | None = None, **data: Any) -> int:
        return journal.record(
            name, subject=f"registry.entry:{line.pk}", actor=self.actor, now=self.now, effective_on=self.day, case=self.row.pk,
            data={"filing": self.row.number, "entry": line.number, **data}, digests=digests, rule_set=self.rules.id,
        )  # fmt: skip


@effect("registry.write_book")
def write_book(applied: Applied) -> None:
    """Errors: NotFound for an operation the rules do not list; EntryEnded; RecognitionEnded; what the writers raise."""
    row = Filing.objects.select_related("entry", "mark", "recognition").get(pk=applied.case)
    rules = applied.view.rules
    op = operation(rules, row.operation)
    recognitions.require_live(row, applied.now)
    WRITERS[op.writes](Writing(row, op, rules, applied.actor, applied.now, applied.effective_on, applied.fact_id))
    if row.entry_id is not None:
        status.refresh([row.entry_id], applied.now)


def last_day(rules: Rules, form: Mapping[str, Any], start: date) -> date:
    """The last day of a term that starts on `start`: `registry.certificate_term`, capped by the answer that
    `registry.term_field` names (the end of an authorisation, for instance)."""
    term = rules.value("registry.certificate_term")
    last = due(start, Length(term.value, term.unit), calendar=runtime.calendar()).on
    answer = term_cap(rules, form)
    return min(last, date.fromisoformat(answer)) if answer else last


def term_cap(rules: Rules, form: Mapping[str, Any]) -> str:
    rule = rules.get("registry.term_field")  # type: ignore[attr-defined]
    return str(form.get(str(rule.value), "")) if rule is not None and rule.value else ""


def _line(w: Writing) -> tuple[Entry, EntryVersion]:
    """The entry under lock and its last version. Errors: EntryEnded for one that was revoked or cancelled."""
    assert w.row.entry_id is not None, "operations on entries are opened with one"
    line = Entry.objects.select_for_update().get(pk=w.row.entry_id)
    ended = Mark.objects.filter(entry=line, facet__in=[f.value for f in ENDED], lifted_at__isnull=True).exists()
    if ended and w.op.writes not in (Writes.NOTE, Writes.REISSUE, Writes.NOTHING):
        raise EntryEnded(entry=line.number)
    return line, EntryVersion.objects.filter(entry=line).order_by("-version")[0]


@dataclass(frozen=True)
class Paper:
    """A certificate made and signed, not yet in the book."""

    kind: str
    number: str
    digest: str
    last: date
    seat: int


def kinds_of(w: Writing) -> tuple[str, ...]:
    if w.op.certificates is not None:
        return w.op.certificates
    return (applications.certificate_kind(w.row.register, w.row.object_kind, w.rules),)


def _papers(w: Writing, line: Entry, version: int, last: date, said: Mapping[str, Any], **more: Any) -> list[Paper]:
    """Sign one certificate of each kind. `said`: title, rights, holders, form, entered_on of what it certifies."""
    words, held = printed(w.row.register, w.rules), named(said["holders"])
    out = []
    for kind in kinds_of(w):
        number = store.next_number("certificate", w.day.year)
        seat = seats.allot(status.CERTIFICATE)
        content = sign_paper(w, kind, number, seat, line, version, last, said, words, held, **more)
        out.append(Paper(kind, number, documents.put(content), last, seat.number))
    return out


def sign_paper(
    w: Writing, kind: str, number: str, seat: Seat, line: Entry, version: int, last: date, said: Mapping[str, Any],
    words: Printed, held: list[dict[str, Any]], by: Sequence[Signer] = (), **more: Any,
) -> bytes:  # fmt: skip
    """The bytes of one certificate, signed. `held`: the holders as `named` tells them; `by`: as of `signer.sign_document`."""
    objects = words.objects
    subject = certificates.subject(
        entry=line.number, version=version, register=w.row.register, regime=words.register.regime, title=said["title"],
        object_kind=(line.object_kind, objects.get(line.object_kind, Text(line.object_kind, line.object_kind))),
        rights={code: words.rights.get(code, Text(code, code)) for code in said["rights"]}, holders=held,
        form=words.particulars(said["form"]), filing=w.row.number, entered_on=said["entered_on"], last_day=last,
        rule_set=w.rules.id, kind=kind, titles=(words.kinds.get(kind), w.op.title), issuing=words.issuing, **more,
    )  # fmt: skip
    credential = signer.sign_document(
        certificates.credential_type(kind), number=number, now=w.now, valid_until=end_of_day(last), subject=subject,
        status=seat, by=by,
    )  # fmt: skip
    return signer.document_bytes(credential)


def _keep(papers: list[Paper], version: EntryVersion, holder: int, now: datetime, fact: int, mark: Mark | None = None) -> None:
    Certificate.objects.bulk_create(
        Certificate(
            number=p.number, kind=p.kind, version=version, mark=mark, holder_id=holder, digest=p.digest, issued_at=now,
            valid_until=p.last, fact=fact, seat=p.seat,
        )
        for p in papers
    )  # fmt: skip
    setwise.record_many([publishing.fact(p.number, p.digest, now) for p in papers])
    status.refresh([version.entry_id], now)


def _told(papers: list[Paper]) -> dict[str, Any]:
    return {"certificates": [p.number for p in papers]}


def _digests(papers: list[Paper]) -> dict[str, str]:
    return {p.kind: p.digest for p in papers}


def _version(
    w: Writing, line: Entry, number: int, said: Mapping[str, Any], span: tuple[date, date], fact: int
) -> EntryVersion:
    version = EntryVersion.objects.create(
        entry=line, version=number, filing=w.row, title=said["title"], rights=list(said["rights"]), form=dict(said["form"]),
        valid_from=span[0], valid_until=span[1], fact=fact,
    )  # fmt: skip
    Share.objects.bulk_create([Share(version=version, org_id=o, parts=p) for o, p in same_shares(said["holders"])])
    return version


def new_line(w: Writing, number: str) -> Entry:
    """The line that a first registration enters, not saved yet."""
    row = w.row
    return Entry(
        number=number, register=row.register, object_kind=row.object_kind, title=row.title, holder_id=row.applicant_id,
        entered_on=w.day, title_key=title_key(row.title),
        content_sha256=str(row.form.get("content_sha256", ""))[:64].lower(),
    )  # fmt: skip


def said_at_first(w: Writing) -> dict[str, Any]:
    row = w.row
    return {"title": row.title, "rights": row.rights, "holders": row.holders, "form": row.form, "entered_on": w.day}


def _enter(w: Writing) -> None:
    cited = w.row.recognition
    _enter_line(w, last_day(w.rules, w.row.form, w.day), recognitions.printed(cited) if cited is not None else None)


def enter_moved(w: Writing, until: date, recognised: Mapping[str, Any]) -> Entry:
    """A line that comes from another venue's register: valid as long as it was there, no longer than a new one here."""
    return _enter_line(w, min(until, last_day(w.rules, w.row.form, w.day)), recognised)


def _enter_line(w: Writing, last: date, recognised: Mapping[str, Any] | None) -> Entry:
    row = w.row
    line = new_line(w, store.next_number("entry", w.day.year))
    line.save(force_insert=True)
    said, cited = said_at_first(w), row.recognition
    papers = _papers(w, line, 1, last, said, **({"recognised": recognised} if recognised is not None else {}))
    fact = w.record("entry.entered", line, digests=_digests(papers), last_day=last.isoformat(), **_told(papers))
    version = _version(w, line, 1, said, (w.day, last), fact)
    _keep(papers, version, row.applicant_id, w.now, fact)
    lineage.keep(line, row.lineage)
    if cited is not None:
        recognitions.note_origin(line, cited, fact)
    accounts.ensure(row.register, row.applicant_id, w.actor, w.now, w.day)
    return line


def _again(w: Writing, fact_name: str, *, holders: list[dict[str, Any]] | None = None, until: date | None = None) -> None:
    """A new version of the entry: what the filing says anew over what the last one said."""
    line, before = _line(w)
    held = holders or [{"org": s.org_id, "parts": s.parts} for s in before.shares.order_by("pk")]
    said = {
        "title": w.row.title or before.title, "rights": w.row.rights or before.rights, "holders": held,
        "form": {**before.form, **w.row.form}, "entered_on": line.entered_on,
    }  # fmt: skip
    last = until or before.valid_until
    papers = _papers(w, line, before.version + 1, last, said)
    fact = w.record(
        fact_name, line, digests=_digests(papers), version=before.version + 1, last_day=last.isoformat(), **_told(papers)
    )
    version = _version(w, line, before.version + 1, said, (w.day, last), fact)
    line.title, line.title_key, line.holder_id = said["title"], title_key(said["title"]), held[0]["org"]
    line.save(update_fields=["title", "title_key", "holder"])
    _keep(papers, version, line.holder_id, w.now, fact)
    accounts.ensure(w.row.register, line.holder_id, w.actor, w.now, w.day)


def _transfer(w: Writing) -> None:
    """The new holders; a transfer to one other side goes to it whole."""
    _again(w, "entry.transferred", holders=w.row.holders)


def _renew(w: Writing) -> None:
    """From the day after, or from the previous last day, as `registry.term_from` has it."""
    _, before = _line(w)
    start = before.valid_until if w.rules.value("registry.term_from").value == "previous_expiry" else w.day
    _again(w, "entry.renewed", until=last_day(w.rules, w.row.form, start))


def _mark(w: Writing, line: Entry, facet: Facet, *, forbids: tuple[str, ...], until: date | None = None) -> Mark:
    place = book.PlaceHold(
        entry_id=line.pk, facet=facet.value, reason=f"{w.op.title.zh} {w.row.number}",
        article=applications.article_of(w.op.source), forbids=forbids, until=until, kind=w.op.encumbrance,
        beneficiary=w.row.counterparty_id,
        detail={"rights": list(w.row.rights), **w.row.form},
    )  # fmt: skip
    return book.mark_entry(place, w.actor, w.now, case=w.row.pk)


def _encumber(w: Writing) -> None:
    """A licence, pledge, trust … beside the entry. Only a seizure or custody forbids disposal by itself; a pledge
    forbids to transfer or pledge again."""
    line, version = _line(w)
    forbids = {"seizure": book.DISPOSALS, "custody": book.DISPOSALS, "pledge": ("transfer", "pledge")}.get(w.op.encumbrance, ())
    answer = str(w.row.form.get("term_until", ""))
    until = date.fromisoformat(answer) if answer else None
    mark = _mark(w, line, Facet.ENCUMBERED, forbids=forbids, until=until)
    held = [{"org": s.org_id, "parts": s.parts} for s in version.shares.order_by("pk")]
    said = {"title": line.title, "rights": w.row.rights or version.rights, "holders": held, "form": w.row.form,
            "entered_on": line.entered_on}  # fmt: skip
    other = parties.organisation(w.row.counterparty_id) if w.row.counterparty_id else None
    shown = {"kind": w.op.encumbrance, **({"org": other.number, "name": other.name, "uscc": other.uscc} if other else {})}
    papers = _papers(w, line, version.version, min(until or version.valid_until, version.valid_until), said, encumbrance=shown)
    fact = w.record(
        "entry.encumbered", line, digests=_digests(papers), kind=w.op.encumbrance, mark=mark.pk, **_told(papers)
    )
    _keep(papers, version, w.row.counterparty_id or line.holder_id, w.now, fact, mark)


def _lift(w: Writing, facet: Facet, fact_name: str) -> None:
    line, version = _line(w)
    live = Mark.objects.select_for_update().filter(entry=line, facet=facet.value, lifted_at__isnull=True)
    mark = live.filter(pk=w.row.mark_id).first() if w.row.mark_id else live.order_by("pk").last()
    if mark is None:
        raise book.nothing_to_lift(line.number)
    book.lift_mark(mark, w.actor, w.now, ground=f"filing:{w.row.number}")
    _paper_of_event(w, line, version, fact_name, mark=mark.pk)


def _discharge(w: Writing) -> None:
    _lift(w, Facet.ENCUMBERED, "entry.discharged")


def _resume(w: Writing) -> None:
    _lift(w, Facet.SUSPENDED, "entry.resumed")


def _paper_of_event(w: Writing, line: Entry, version: EntryVersion, fact_name: str, **data: Any) -> int:
    """The fact of something that makes no new version, with the certificates the operation names."""
    held = [{"org": s.org_id, "parts": s.parts} for s in version.shares.order_by("pk")]
    said = {"title": line.title, "rights": version.rights, "holders": held, "form": w.row.form, "entered_on": line.entered_on}
    other = named([{"org": w.row.counterparty_id, "parts": 1}])[0] if w.row.counterparty_id else None
    side = {"counterparty": {k: other[k] for k in ("org", "name", "uscc")}} if other else {}
    papers = _papers(w, line, version.version, version.valid_until, said, **side) if w.op.certificates else []
    fact = w.record(fact_name, line, digests=_digests(papers) or None, **data, **(_told(papers) if papers else {}))
    _keep(papers, version, w.row.applicant_id, w.now, fact)
    return fact


def _cancel(w: Writing) -> None:
    line, version = _line(w)
    _mark(w, line, Facet.CANCELLED, forbids=book.DISPOSALS)
    _paper_of_event(w, line, version, "entry.cancelled")


def _revoke(w: Writing) -> None:
    """The whole, or the part that the answer `revoked_part` names when `extent` is `part`."""
    line, version = _line(w)
    part = w.row.form.get("extent") == "part"
    _mark(w, line, Facet.REVOKED_IN_PART if part else Facet.REVOKED, forbids=() if part else book.DISPOSALS)
    _paper_of_event(w, line, version, "entry.revoked", extent="part" if part else "whole")


def _suspend(w: Writing) -> None:
    line, version = _line(w)
    _mark(w, line, Facet.SUSPENDED, forbids=book.DISPOSALS)
    _paper_of_event(w, line, version, "entry.suspended")


def certify_again(w: Writing) -> None:
    """The same version certified again: the older certificate of the kind is superseded by the newer."""
    line, version = _line(w)
    held = [{"org": s.org_id, "parts": s.parts} for s in version.shares.order_by("pk")]
    said = {"title": version.title, "rights": version.rights, "holders": held, "form": version.form,
            "entered_on": line.entered_on}  # fmt: skip
    papers = _papers(w, line, version.version, version.valid_until, said)
    fact = w.record("entry.recertified", line, digests=_digests(papers), **_told(papers))
    _keep(papers, version, line.holder_id, w.now, fact)


def _note(w: Writing) -> None:
    line, version = _line(w)
    _paper_of_event(w, line, version, "entry.noted", operation=w.op.code)


def _nothing(w: Writing) -> None:
    """The case's own fact is all there is to tell."""


WRITERS: Mapping[Writes, Callable[[Writing], None]] = {
    Writes.ENTER: _enter,
    Writes.AMEND: lambda w: _again(w, "entry.amended"),
    Writes.TRANSFER: _transfer,
    Writes.ENCUMBER: _encumber,
    Writes.DISCHARGE: _discharge,
    Writes.RENEW: _renew,
    Writes.CANCEL: _cancel,
    Writes.REVOKE: _revoke,
    Writes.SUSPEND: _suspend,
    Writes.RESUME: _resume,
    Writes.OPEN_ACCOUNT: lambda w: accounts.open_for(w.row, w.actor, w.now, w.day),
    Writes.CHANGE_ACCOUNT: lambda w: accounts.change(w.row, w.actor, w.now, w.day),
    Writes.CLOSE_ACCOUNT: lambda w: accounts.close(w.row, w.actor, w.now, w.day),
    Writes.REISSUE: certify_again,
    Writes.NOTE: _note,
    Writes.NOTHING: _nothing,
}
