"""The book written for many first registrations at once: each line, version, certificate and fact as `writing` writes it,
in a few statements for all. Other operations of the same batch are written one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, TypeVar

from shugu.kernel import journal, publishing, setwise, signer
from shugu.kernel import status as seats
from shugu.kernel.engine import Applied
from shugu.kernel.vocabulary import bulk_effect
from shugu.party import queries as parties
from shugu.registry import accounts, lineage, status, writing
from shugu.registry.domain import same_shares
from shugu.registry.models import Certificate, Entry, EntryVersion, Filing, Share
from shugu.registry.operations import Operation, Writes, operation
from shugu.registry.printing import Printed, printed
from shugu.registry.writing import Writing

V = TypeVar("V")
BATCH = 2_000


@dataclass
class _Known:
    """What many applications of one register share, looked up once."""

    operations: dict[tuple[str, str, str], Operation] = field(default_factory=dict)
    printed: dict[tuple[str, str], Printed] = field(default_factory=dict)
    kinds: dict[tuple[str, str, str, str], tuple[str, ...]] = field(default_factory=dict)
    holders: dict[int, dict[str, Any]] = field(default_factory=dict)
    last_days: dict[tuple[str, str, date, str], date] = field(default_factory=dict)


@dataclass(frozen=True)
class _Paper:
    line: int
    kind: str
    number: str
    content: bytes
    seat: int


def _once(known: dict[Any, V], key: Any, find: Callable[[], V]) -> V:
    if key not in known:
        known[key] = find()
    return known[key]


@bulk_effect("registry.write_book")
def write_book_many(many: Sequence[Applied]) -> None:
    """Errors: as of `writing.write_book`, for the first that cannot be written: then none is."""
    rows = Filing.objects.select_related("entry", "mark").in_bulk([a.case for a in many])
    known = _Known()
    entering: list[Writing] = []
    for applied in many:
        w = _writing(applied, rows[applied.case], known)
        if w.op.writes is Writes.ENTER:
            entering.append(w)
        else:
            writing.write_book(applied)
    for group in setwise.batches(entering, BATCH):
        _enter(group, known)


def _writing(applied: Applied, row: Filing, known: _Known) -> Writing:
    rules = applied.view.rules
    op = _once(known.operations, (rules.id, row.register, row.operation), lambda: operation(rules, row.operation))
    return Writing(row, op, rules, applied.actor, applied.now, applied.effective_on, applied.fact_id)


def _enter(many: Sequence[Writing], known: _Known) -> None:
    year = many[0].day.year
    numbers = setwise.next_numbers("entry", year, len(many))
    lines = Entry.objects.bulk_create(
        [writing.new_line(w, number) for w, number in zip(many, numbers, strict=True)], batch_size=BATCH
    )
    lasts = [_last_day(w, known) for w in many]
    papers = _papers(many, lines, lasts, known)
    digests = setwise.put_many([p.content for p in papers])
    issued: list[list[tuple[_Paper, str]]] = [[] for _ in many]
    for paper, digest in zip(papers, digests, strict=True):
        issued[paper.line].append((paper, digest))
    facts = setwise.record_many(
        [_entered(w, line, last, mine) for w, line, last, mine in zip(many, lines, lasts, issued, strict=True)]
    )
    versions = EntryVersion.objects.bulk_create(
        [_version(*about) for about in zip(many, lines, lasts, facts, strict=True)], batch_size=BATCH
    )
    _keep(many, versions, lasts, facts, issued)
    _beside(many, lines)


def _last_day(w: Writing, known: _Known) -> date:
    cap = writing.term_cap(w.rules, w.row.form)
    key = (w.rules.id, w.row.register, w.day, cap)
    return _once(known.last_days, key, lambda: writing.last_day(w.rules, w.row.form, w.day))


def _papers(many: Sequence[Writing], lines: Sequence[Entry], lasts: Sequence[date], known: _Known) -> list[_Paper]:
    asked = [(n, kind) for n, w in enumerate(many) for kind in _kinds(w, known)]
    numbers = setwise.next_numbers("certificate", many[0].day.year, len(asked))
    places = seats.allot_many(status.CERTIFICATE, len(asked))
    keys, out = signer.keys(), []
    for (n, kind), number, seat in zip(asked, numbers, places, strict=True):
        w = many[n]
        words = _once(known.printed, (w.rules.id, w.row.register), partial(printed, w.row.register, w.rules))
        said = writing.said_at_first(w)
        held = _named(w, known)
        content = writing.sign_paper(w, kind, number, seat, lines[n], 1, lasts[n], said, words, held, keys)
        out.append(_Paper(n, kind, number, content, seat.number))
    return out


def _kinds(w: Writing, known: _Known) -> tuple[str, ...]:
    key = (w.rules.id, w.row.register, w.row.operation, w.row.object_kind)
    return _once(known.kinds, key, lambda: writing.kinds_of(w))


def _named(w: Writing, known: _Known) -> list[dict[str, Any]]:
    out = []
    for org, parts in same_shares(w.row.holders):
        shown = _once(known.holders, org, partial(_holder, org))
        out.append({**shown, "parts": parts})
    return out


def _holder(org: int) -> dict[str, Any]:
    shown = parties.organisation(org)
    return {"org": shown.number, "name": shown.name, "uscc": shown.uscc}


def _entered(w: Writing, line: Entry, last: date, issued: Sequence[tuple[_Paper, str]]) -> journal.NewFact:
    data: Mapping[str, Any] = {
        "filing": w.row.number, "entry": line.number, "last_day": last.isoformat(),
        "certificates": [paper.number for paper, _ in issued],
    }  # fmt: skip
    return journal.build(
        "entry.entered", subject=f"registry.entry:{line.pk}", actor=w.actor, now=w.now, effective_on=w.day, case=w.row.pk,
        data=data, digests={paper.kind: digest for paper, digest in issued}, rule_set=w.rules.id,
    )  # fmt: skip


def _version(w: Writing, line: Entry, last: date, fact: int) -> EntryVersion:
    return EntryVersion(
        entry=line, version=1, filing=w.row, title=w.row.title, rights=list(w.row.rights), form=dict(w.row.form),
        valid_from=w.day, valid_until=last, fact=fact,
    )  # fmt: skip


def _keep(
    many: Sequence[Writing], versions: Sequence[EntryVersion], lasts: Sequence[date], facts: Sequence[int],
    issued: Sequence[Sequence[tuple[_Paper, str]]],
) -> None:  # fmt: skip
    Share.objects.bulk_create(
        [
            Share(version=version, org_id=org, parts=parts)
            for w, version in zip(many, versions, strict=True) for org, parts in same_shares(w.row.holders)
        ],
        batch_size=BATCH,
    )  # fmt: skip
    Certificate.objects.bulk_create(
        [
            Certificate(
                number=paper.number, kind=paper.kind, version=version, holder_id=w.row.applicant_id, digest=digest,
                issued_at=w.now, valid_until=last, fact=fact, seat=paper.seat,
            )
            for w, version, last, fact, mine in zip(many, versions, lasts, facts, issued, strict=True)
            for paper, digest in mine
        ],
        batch_size=BATCH,
    )  # fmt: skip
    setwise.record_many(
        [publishing.fact(paper.number, digest, w.now) for w, mine in zip(many, issued, strict=True) for paper, digest in mine]
    )


def _beside(many: Sequence[Writing], lines: Sequence[Entry]) -> None:
    """Lineage, and the accounts of those who hold something for the first time."""
    for w, line in zip(many, lines, strict=True):
        lineage.keep(line, w.row.lineage)
    seen: set[tuple[str, int]] = set()
    for w in many:
        key = (w.row.register, w.row.applicant_id)
        if key not in seen:
            seen.add(key)
            accounts.ensure(w.row.register, w.row.applicant_id, w.actor, w.now, w.day)

