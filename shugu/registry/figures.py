"""The figures of a register's reports: each is the records it counts, so that it can be drilled down to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from shugu.kernel.text import Text
from shugu.kernel.workdays import SHANGHAI
from shugu.registry import applications
from shugu.registry.domain import ENDED
from shugu.registry.models import Certificate, Entry, EntryVersion, Filing, Mark, Objection


@dataclass(frozen=True)
class Span:
    """A register and the days of a period, both included."""

    register: str
    first: date
    last: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From the first moment to the first after the last."""
        start, end = (datetime.combine(d, time(), SHANGHAI).astimezone(UTC) for d in (self.first, self.last + timedelta(days=1)))
        return start, end


Records = QuerySet[Any]
Counted = Callable[[Span], Records]


def _filed(span: Span) -> Records:
    start, end = span.moments
    return Filing.objects.filter(register=span.register, filed_at__gte=start, filed_at__lt=end)


def _closed(*states: str) -> Counted:
    def counted(span: Span) -> Records:
        start, end = span.moments
        return Filing.objects.filter(
            register=span.register, case__closed_at__gte=start, case__closed_at__lt=end, case__state__in=states
        )

    return counted


def _entered(span: Span) -> Records:
    return Entry.objects.filter(register=span.register, entered_on__gte=span.first, entered_on__lte=span.last)


def _changed(span: Span) -> Records:
    return Entry.objects.filter(
        register=span.register, versions__version__gt=1, versions__valid_from__gte=span.first,
        versions__valid_from__lte=span.last,
    ).distinct()  # fmt: skip


def _ended(facet: str) -> Counted:
    def counted(span: Span) -> Records:
        start, end = span.moments
        marked = Mark.objects.filter(facet=facet, placed_at__gte=start, placed_at__lt=end).values("entry_id")
        return Entry.objects.filter(register=span.register, pk__in=marked)

    return counted


def _in_force(span: Span) -> Records:
    """Entered by the last day, with a version that reaches beyond it, neither cancelled, revoked nor moved by then."""
    _, end = span.moments
    gone = Mark.objects.filter(facet__in=[f.value for f in ENDED], placed_at__lt=end).exclude(lifted_at__lt=end)
    reaching = EntryVersion.objects.filter(valid_until__gte=span.last, valid_from__lte=span.last).values("entry_id")
    book = Entry.objects.filter(register=span.register, entered_on__lte=span.last, pk__in=reaching)
    return book.exclude(pk__in=gone.values("entry_id"))


def _issued(span: Span) -> Records:
    start, end = span.moments
    return Certificate.objects.filter(version__entry__register=span.register, issued_at__gte=start, issued_at__lt=end)


def _objected(span: Span) -> Records:
    start, end = span.moments
    found = Objection.objects.filter(filed_at__gte=start, filed_at__lt=end)
    return found.filter(filing__register=span.register) | found.filter(entry__register=span.register)


FIGURES: Mapping[str, tuple[Text, Counted]] = {
    "filed": (Text("收到的登记申请", "applications received"), _filed),
    "registered": (Text("准予登记的申请", "applications registered"), _closed("registered")),
    "refused": (Text("不予受理或登记的申请", "applications declined or refused"), _closed("declined", "refused")),
    "withdrawn": (Text("撤回或视为撤回的申请", "applications withdrawn or lapsed"), _closed("withdrawn", "lapsed")),
    "entered": (Text("新增登记条目", "entries made"), _entered),
    "changed": (Text("变更过的登记条目", "entries changed"), _changed),
    "cancelled": (Text("注销的登记条目", "entries cancelled"), _ended("cancelled")),
    "revoked": (Text("撤销的登记条目", "entries revoked"), _ended("revoked")),
    "objections": (Text("提出的异议", "objections filed"), _objected),
    "certificates": (Text("签发的证书", "certificates issued"), _issued),
    "in_force": (Text("期末有效的登记条目", "entries in force at the end"), _in_force),
}


def records(code: str, span: Span) -> Records:
    """What a figure counts. Errors: KeyError for an unknown figure."""
    return FIGURES[code][1](span)


def computed(span: Span) -> list[dict[str, Any]]:
    """Every figure of the period; those in force also by kind of object."""
    out: list[dict[str, Any]] = []
    for code, (title, counted) in FIGURES.items():
        out.append({"code": code, "zh": title.zh, "en": title.en, "value": counted(span).count()})
    kinds = applications.object_kinds(span.register)
    for kind, title in kinds.items():
        count = _in_force(span).filter(object_kind=kind).count()
        out.append({"code": f"in_force:{kind}", "zh": f"其中：{title.zh}", "en": f"of these: {title.en}", "value": count})
    return out
