"""What an entry was made from: other entries or sources outside, what was done to them, and their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shugu.formats.errors import Pair
from shugu.registry.domain import ENDED
from shugu.registry.models import Entry, Lineage, Mark

WHOLE = 10_000
TEXT_MAX = 400


@dataclass(frozen=True)
class Parent:
    """`entry` is the number of a line of the book, or `source` tells of one outside it; `parts` of ten thousand."""

    entry: str = ""
    source: str = ""
    processing: str = ""
    parts: int = 0

    def as_row(self) -> dict[str, Any]:
        return {"entry": self.entry, "source": self.source, "processing": self.processing, "parts": self.parts}


def problem(parents: tuple[Parent, ...]) -> Pair | None:
    """Why these cannot be parents; None when they can."""
    if not parents:
        return None
    if any(bool(p.entry) == bool(p.source) for p in parents):
        return ("每个来源写明登记编号或场外来源，二者取一", "each parent is an entry's number or an outside source")
    if any(not 0 <= p.parts <= WHOLE for p in parents) or sum(p.parts for p in parents) > WHOLE:
        return ("贡献份额以万分之一计，合计不超过一万", "contributions are in ten-thousandths and sum to at most ten thousand")
    if any(len(p.processing) > TEXT_MAX or len(p.source) > 200 for p in parents):
        return (f"加工说明不超过 {TEXT_MAX} 个字", f"the processing is told in at most {TEXT_MAX} characters")
    known = set(Entry.objects.filter(number__in=[p.entry for p in parents if p.entry]).values_list("number", flat=True))
    unknown = sorted({p.entry for p in parents if p.entry} - known)
    return (f"没有登记条目 {'、'.join(unknown)}", f"no entry {', '.join(unknown)}") if unknown else None


def keep(line: Entry, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    if not rows:
        return
    found = {e.number: e for e in Entry.objects.filter(number__in=[r["entry"] for r in rows if r["entry"]])}
    Lineage.objects.bulk_create(
        Lineage(
            entry=line, parent=found.get(r["entry"]), source=r["source"], processing=r["processing"], contribution=r["parts"]
        )
        for r in rows
    )


def ended_parents(entry: int) -> tuple[str, ...]:
    """Numbers of the entries it was made from that were revoked or cancelled, however far up."""
    seen: set[int] = set()
    frontier, ended = [entry], []
    while frontier:
        rows = Lineage.objects.filter(entry_id__in=frontier, parent__isnull=False).select_related("parent").order_by("pk")
        parents = {r.parent_id: r.parent for r in rows if r.parent_id not in seen and r.parent is not None}
        seen |= {pk for pk in parents if pk is not None}
        gone = Mark.objects.filter(entry_id__in=list(parents), facet__in=[f.value for f in ENDED], lifted_at__isnull=True)
        ended += [p.number for pk, p in parents.items() if pk in set(gone.values_list("entry_id", flat=True)) and p is not None]
        frontier = [pk for pk in parents if pk is not None]
    return tuple(ended)
