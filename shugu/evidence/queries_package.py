"""Evidence packages that were extracted, and their archives."""

from __future__ import annotations

from django.db.models import Q

from shugu.evidence import queries
from shugu.evidence.errors import NotSealedYet
from shugu.evidence.models import Package
from shugu.formats.canonical import parse_object
from shugu.formats.errors import BadIdentifier
from shugu.formats.identifiers import parse_number
from shugu.formats.package import HISTORY, SEAL, read_zip, write_zip
from shugu.kernel import documents, key_lines
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case, Fact

# Who oversees extraction sees every package; others see what they or their organisation extracted.
WATCHING = frozenset({"operator", "compliance_officer", "regulator", "auditor"})
RELATED_MOST = 30


def packages(actor: Actor) -> list[Package]:
    """Newest first."""
    rows = Package.objects.order_by("-pk")
    if not actor.seats & WATCHING:
        mine = Q(person=actor.person, org=actor.org)
        rows = rows.filter(mine | Q(org=actor.org)) if actor.org is not None else rows.filter(mine)
    return list(rows[:200])


def package(number: str, actor: Actor) -> Package:
    """Errors: NotFound, for strangers too."""
    row = Package.objects.filter(number=number).first()
    own = row is not None and (row.person == actor.person if row.org is None else row.org == actor.org)
    if row is None or not (own or actor.seats & WATCHING):
        raise NotFound(what=(f"证据包 {number}", f"evidence package {number}"))
    return row


def is_sealed(row: Package) -> bool:
    try:
        queries.sealed(row.credential)
    except NotSealedYet:
        return False
    return True


def archive(row: Package) -> bytes:
    """The whole package with the sealed credential about it and the key history of today. Errors: NotSealedYet within a
    second of its making."""
    history = key_lines.document()
    added = {SEAL: queries.sealed(row.credential), **({HISTORY: history} if history else {})}
    return write_zip({**read_zip(documents.get(row.body)), **added})


def related(case: Case) -> list[Case]:
    """Cases that belong to the same matter: parent, children, cases about this case, and those that bear a number which
    this case or one of its facts names (its contract, the negotiation it came from …)."""
    about = Q(parent=case) | Q(subjects__contains=[f"{case.subject}:{case.pk}"])
    if case.parent_id is not None:
        about |= Q(pk=case.parent_id) | Q(parent=case.parent_id)
    for name, number in _named(case):
        about |= Q(**{f"data__{name}": number})
    return list(Case.objects.filter(about).exclude(pk=case.pk).order_by("pk")[:RELATED_MOST])


def _named(case: Case) -> set[tuple[str, str]]:
    """(what, number) of every venue number that stands in the case's data or its facts'."""
    told = [case.data]
    for payload in Fact.objects.filter(case=case, payload__isnull=False).values_list("payload", flat=True):
        data = parse_object(str(payload).encode()).get("data")
        told += [data] if isinstance(data, dict) else []
    return {(str(k), v) for data in told for k, v in data.items() if isinstance(v, str) and k.isidentifier() and _is_number(v)}


def _is_number(text: str) -> bool:
    try:
        parse_number(text)
    except BadIdentifier:
        return False
    return True
