"""What becomes of an entry whose term ends without renewal, where the regime has the registry strike it out.

A regime names a duty table about `registry.expiry` under `procedures.expiry`. It opens a case with the last day of every
entry made or renewed; its clock strikes the entry out after that day, unless it was renewed or a renewal is being dealt
with. The case that a renewal opens takes over from the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from shugu.kernel import journal
from shugu.kernel.cases import CaseView, PartyView
from shugu.kernel.engine import Applied
from shugu.kernel.journal import FactView
from shugu.kernel.models import Case
from shugu.kernel.procedure import ProcedureError
from shugu.kernel.tables import all_tables
from shugu.kernel.vocabulary import VOCABULARY, Opening, context, effect, predicate
from shugu.kernel.workdays import local_day
from shugu.registry import applications, book
from shugu.registry.domain import ENDED, Facet
from shugu.registry.models import Entry, EntryVersion, Filing, Mark
from shugu.registry.operations import Writes

SUBJECT = "registry.expiry"
EXPIRY = "expiry"


def register() -> None:
    """An opener for every table about expiry (once, when all apps are loaded)."""
    try:
        tables = all_tables()
    except ProcedureError:
        return  # the system check tells it, with the file and the row
    for procedure, versions in tables.items():
        if versions[max(versions)].subject == SUBJECT and procedure not in VOCABULARY.openers:
            VOCABULARY.openers[procedure] = partial(_opening, procedure)


def _opening(procedure: str, fact: FactView) -> Opening | None:
    """The last day of what this registration entered or renewed; None where the regime lets terms simply end."""
    row = Filing.objects.filter(pk=fact.case).first()
    if row is None or applications.register_named(row.register).procedures.get(EXPIRY) != procedure:
        return None
    if applications.writes_of(row.register, row.operation) not in (Writes.ENTER, Writes.RENEW):
        return None
    version = EntryVersion.objects.select_related("entry").filter(filing=row).order_by("-version").first()
    if version is None:
        return None
    return Opening(
        title=f"期满：{version.title}",
        parties=(PartyView("holder", None, version.entry.holder_id),),
        data={"register": row.register, "entry": version.entry_id, "expires_on": version.valid_until.isoformat()},
        subjects=(f"registry.entry:{version.entry_id}",),
    )


@context(SUBJECT)
def expiry_context(case: int, now: datetime) -> Mapping[str, Any]:
    data = Case.objects.values_list("data", flat=True).get(pk=case)
    entry = int(data["entry"])
    last = EntryVersion.objects.filter(entry_id=entry).order_by("-version").values_list("valid_until", flat=True)[0]
    ended = Mark.objects.filter(entry_id=entry, facet__in=[f.value for f in ENDED], lifted_at__isnull=True).exists()
    return {
        "over": ended or last >= local_day(now),
        "renewal_open": any(
            applications.writes_of(row.register, row.operation) is Writes.RENEW
            for row in Filing.objects.filter(entry_id=entry, case__closed_at__isnull=True).exclude(case__state="draft")
        ),
    }


@predicate("registry.renewed_or_ended")
def renewed_or_ended(view: CaseView) -> bool:
    """Nothing is left to strike out: the term was renewed, or the entry ended otherwise."""
    return bool(view.facts.get("over"))


@predicate("registry.renewal_open")
def renewal_open(view: CaseView) -> bool:
    """A renewal was handed in and is not decided yet."""
    return bool(view.facts.get("renewal_open"))


@effect("registry.strike_out_expired")
def strike_out_expired(applied: Applied) -> None:
    """Where the term ended unrenewed: the entry is cancelled in the book, and the fact announces it."""
    if applied.state != "deregistered":
        return
    line = Entry.objects.select_for_update().get(pk=int(applied.view.data["entry"]))
    rule = applied.view.rules.value("registry.renewal_lapse")
    place = book.PlaceHold(
        entry_id=line.pk, facet=Facet.CANCELLED.value, reason=f"期满未续证 {applied.number}",
        article=applications.article_of(rule),
    )  # fmt: skip
    book.mark_entry(place, applied.actor, applied.now, case=applied.case)
    journal.record(
        "entry.cancelled", subject=f"registry.entry:{line.pk}", actor=applied.actor, now=applied.now,
        effective_on=applied.effective_on, case=applied.case, data={"entry": line.number, "ground": "term_over"},
        rule_set=applied.view.rules.id,
    )  # fmt: skip
