"""The bits of certificates in the status lists: set in the transaction that writes the book, and by the day itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, Prefetch

from shugu.formats.status import Flag
from shugu.kernel import setwise, status
from shugu.kernel.workdays import local_day
from shugu.registry import standing
from shugu.registry.domain import Facet, FacetLine
from shugu.registry.models import Account, Certificate, Entry, EntryVersion, Mark

FLAGS: Final[Mapping[Facet, Flag]] = {
    Facet.REVOKED: Flag.REVOKED,
    Facet.CANCELLED: Flag.CANCELLED,
    Facet.SUPERSEDED: Flag.SUPERSEDED,
    Facet.MOVED: Flag.MOVED,
    Facet.SUSPENDED: Flag.SUSPENDED,
    Facet.OBJECTED: Flag.OBJECTED,
    Facet.REVOKED_IN_PART: Flag.REVOKED_IN_PART,
    Facet.ENCUMBERED: Flag.ENCUMBERED,
}
CERTIFICATE: Final = Flag(sum(FLAGS.values()))  # what can happen to a certificate
OWNER: Final = "registry"
_BATCH = 500


def flags_of(lines: Iterable[FacetLine]) -> Flag:
    out = Flag(0)
    for line in lines:
        out |= FLAGS.get(line.facet, Flag(0))  # valid and expired stand in the credential itself
    return out


def refresh(entry_ids: Iterable[int], now: datetime) -> int:
    """Say of every certificate of these entries what holds today; how many changed. Called in the transaction that wrote
    the book: the entries are locked, so that two who write beside one entry see each other's marks."""
    ids = sorted(set(entry_ids))
    list(Entry.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    return status.mark(dict(_flags(ids, local_day(now))))


def refresh_holder(register: str, org: int, now: datetime) -> int:
    """The same for every certificate that this organisation was given in a register."""
    rows = Certificate.objects.filter(version__entry__register=register, holder_id=org, seat__isnull=False)
    return refresh(rows.values_list("version__entry_id", flat=True), now)


def _flags(entry_ids: Iterable[int], on: date) -> Iterator[tuple[int, Flag]]:
    marks = Prefetch("marks", queryset=Mark.objects.order_by("id"))
    versions = Prefetch("versions", queryset=EntryVersion.objects.order_by("version"))
    entries = Entry.objects.prefetch_related(versions, marks).in_bulk(list(entry_ids))
    rows = Certificate.objects.filter(version__entry_id__in=entries, seat__isnull=False).select_related("version", "mark")
    for row in rows.order_by("seat"):
        assert row.seat is not None
        yield row.seat, flags_of(standing.certificate_lines(row, entries[row.version.entry_id], on))


def follow(now: datetime) -> int:
    """What the calendar changed since it was last followed: marks whose last day passed, versions that began. How many
    certificates; a day that is done is done once."""
    today, before = local_day(now), status.day_of(OWNER)
    if before is not None and before >= today:
        return 0
    ended = Mark.objects.filter(until__lt=today, lifted_at__isnull=True)
    begun = EntryVersion.objects.filter(valid_from__lte=today, version__gt=1)
    if before is not None:
        ended, begun = ended.filter(until__gte=before - timedelta(days=1)), begun.filter(valid_from__gt=before)
    touched = set(ended.values_list("entry_id", flat=True)) | set(begun.values_list("entry_id", flat=True))
    with transaction.atomic():
        changed = sum(refresh(group, now) for group in setwise.batches(sorted(touched), _BATCH))
        status.day_done(OWNER, today)
    return changed


def by_the_books(on: date) -> Iterator[tuple[int, Flag]]:
    """(seat, flags) of every certificate of which the books may say something, recomputed: for the audit."""
    touched = set(Mark.objects.values_list("entry_id", flat=True))
    touched |= set(EntryVersion.objects.filter(version__gt=1).values_list("entry_id", flat=True))
    twice = Certificate.objects.values("version__entry_id", "kind").annotate(n=Count("pk")).filter(n__gt=1)
    touched |= {row["version__entry_id"] for row in twice}
    changed = Account.objects.filter(changed_on__isnull=False).values_list("org_id", flat=True)
    voided = Certificate.objects.filter(holder_id__in=set(changed))
    touched |= set(voided.values_list("version__entry_id", flat=True))
    for group in setwise.batches(sorted(touched), _BATCH):
        yield from _flags(group, on)
