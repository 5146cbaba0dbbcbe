"""What holds of an entry and of its certificates on a day, from versions, marks, accounts and later certificates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from shugu.kernel.workdays import local_day
from shugu.registry import applications
from shugu.registry.applications import article_of
from shugu.registry.domain import ENDED, Facet, FacetLine, MarkView, facet_lines
from shugu.registry.models import Account, Certificate, Entry, EntryVersion, Mark


def last_version(entry: Entry, on: date) -> EntryVersion:
    """What the book said on that day; of a day before the entry, its first version."""
    versions = list(entry.versions.all())
    return next((v for v in reversed(versions) if v.valid_from <= on), versions[0])


def entry_lines(entry: Entry, version: EntryVersion, on: date) -> tuple[FacetLine, ...]:
    """Facets of an entry whose last version on that day is `version`: by the marks that stood then."""
    marks = [m for m in entry.marks.all() if _placed(m, on) and not _lifted(m, on)]
    return _lines(entry, version, version, marks, on, version.valid_until)


def certificate_lines(row: Certificate, entry: Entry, on: date) -> tuple[FacetLine, ...]:
    """Facets of a certificate: those of its entry, and what takes its own force away. What ended the entry while the
    certificate was out ended the certificate: if that is undone, another one is issued."""
    marks = [m for m in entry.marks.all() if _placed(m, on) and (not _lifted(m, on) or _ended_by(m, row))]
    lines = _lines(entry, row.version, last_version(entry, on), marks, on, row.valid_until)
    void = _void(row, entry, on)
    return lines if void is None else (void, *(one for one in lines if one.facet not in (Facet.VALID, void.facet)))


def _placed(mark: Mark, on: date) -> bool:
    return local_day(mark.placed_at) <= on


def _lifted(mark: Mark, on: date) -> bool:
    return mark.lifted_at is not None and local_day(mark.lifted_at) <= on


def _ended_by(mark: Mark, row: Certificate) -> bool:
    return Facet(mark.facet) in ENDED and mark.lifted_at is not None and row.issued_at < mark.lifted_at


def _lines(
    entry: Entry, version: EntryVersion, last: EntryVersion, marks: Iterable[Mark], on: date, until: date
) -> tuple[FacetLine, ...]:
    rules = applications.rules_of(entry.register)
    return facet_lines(
        on=on, valid_until=until, version=version.version, last_version=last.version,
        marks=[MarkView(Facet(m.facet), m.article, m.reason, m.until) for m in marks],
        term_article=article_of(rules.value("registry.certificate_term")),
        book_article=article_of(rules.value("registry.rights")),
    )  # fmt: skip


def _void(row: Certificate, entry: Entry, on: date) -> FacetLine | None:
    """What takes a certificate's force away beside the entry's own facets: a newer one of the same kind, an encumbrance
    that ended, an account that changed since where the regime voids certificates by that."""
    rules = applications.rules_of(entry.register)
    same = Certificate.objects.filter(version__entry_id=entry.pk, kind=row.kind, mark=row.mark, pk__gt=row.pk)
    if any(local_day(at) <= on for at in same.values_list("issued_at", flat=True)):
        return FacetLine(Facet.SUPERSEDED, article_of(rules.value("registry.rights")))
    if row.mark is not None and _lifted(row.mark, on):
        return FacetLine(Facet.CANCELLED, row.mark.article)
    rule = rules.value("registry.account_change_voids")
    if rule.value:
        changed = Account.objects.filter(register=entry.register, org_id=row.holder_id, changed_on__lte=on)
        if changed.filter(changed_on__gt=local_day(row.issued_at)).exists():
            return FacetLine(Facet.SUPERSEDED, article_of(rule))
    return None
