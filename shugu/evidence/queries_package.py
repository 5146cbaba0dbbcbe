"""Evidence packages that were extracted, and their archives."""

from __future__ import annotations

from django.db.models import Q

from shugu.evidence import queries
from shugu.evidence.errors import NotSealedYet
from shugu.evidence.models import Package
from shugu.formats.package import SEAL, read_zip, write_zip
from shugu.kernel import documents
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case

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
    """The whole package with the sealed credential about it. Errors: NotSealedYet within a second of its making."""
    return write_zip({**read_zip(documents.get(row.body)), SEAL: queries.sealed(row.credential)})


def related(case: Case) -> list[Case]:
    """Cases that belong to the same matter: parent, children, cases about this case, and those that name one contract."""
    about = Q(parent=case) | Q(subjects__contains=[f"{case.subject}:{case.pk}"])
    if case.parent_id is not None:
        about |= Q(pk=case.parent_id) | Q(parent=case.parent_id)
    contract = case.data.get("contract")
    if contract:
        about |= Q(data__contract=contract)
    return list(Case.objects.filter(about).exclude(pk=case.pk).order_by("pk")[:RELATED_MOST])
