"""Guests: organisations that another venue accredited and that trade here under an agreement between the venues. Door: services.

The venue opens their file by mandate, with the other venue's credential; a person enters it once with a code of which only
the digest came here. An organisation with a file of its own is no guest: it deals here in its own right.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from shugu.kernel import journal
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.party.domain import RIGHTS
from shugu.party.errors import InvitationGone, KnownHere
from shugu.party.models import Guest, Membership, Organisation
from shugu.party.organisations import RegisterOrganisation, join, register_organisation

name_fact("guest.admitted", "其他场所的单位准入", "organisation of another venue admitted")
name_fact("guest.entered", "其他场所的单位派员办理", "person of an admitted organisation entered")
name_fact("guest.ended", "其他场所的单位准入终止", "admission of an organisation of another venue ended")


@dataclass(frozen=True)
class AdmitGuest:
    """`kind`: what it is accredited as; `by`: origin of the venue that says so, `digest` of its credential; `code`: SHA-256
    (hex) of the code by which its person enters; `until`: the last day."""

    name: str
    uscc: str
    kind: str
    by: str
    digest: str
    code: str
    until: date
    name_en: str = ""


@dataclass(frozen=True)
class EndGuest:
    guest: int


@dataclass(frozen=True)
class EnterAsGuest:
    """`digest`: SHA-256 of the code; see `entering`."""

    digest: str


def entering(code: str) -> EnterAsGuest:
    return EnterAsGuest(hashlib.sha256(code.encode()).hexdigest())


@command("party.admit_guest", ("准入其他场所的单位", "admit an organisation of another venue"))
def admit_guest(cmd: AdmitGuest, *, actor: Actor, now: datetime) -> Guest:
    """By mandate. Errors: Forbidden, InputInvalid, KnownHere."""
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()
    org = Organisation.objects.filter(uscc=cmd.uscc).first()
    if org is None:
        org = register_organisation(RegisterOrganisation(cmd.name, cmd.uscc, cmd.name_en), actor=actor, now=now)
    elif not Guest.objects.filter(org=org, by=cmd.by).exists():
        raise KnownHere(name=org.name)
    row = Guest.objects.create(
        org=org, kind=cmd.kind, by=cmd.by, digest=cmd.digest, code=cmd.code, admitted_at=now, since=local_day(now),
        until=cmd.until,
    )  # fmt: skip
    journal.record(
        "guest.admitted", subject=f"party.org:{org.pk}", actor=actor, now=now,
        data={"organisation": org.number, "kind": cmd.kind, "by": cmd.by, "until": cmd.until.isoformat()},
        digests={"accreditation": cmd.digest},
    )  # fmt: skip
    return row


@command("party.end_guest", ("终止准入", "end an admission"))
def end_guest(cmd: EndGuest, *, actor: Actor, now: datetime) -> None:
    """By mandate; ended before changes nothing. Errors: Forbidden."""
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()
    row = Guest.objects.select_for_update().filter(pk=cmd.guest, ended_on__isnull=True).first()
    if row is not None:
        row.ended_on = local_day(now)
        row.save(update_fields=["ended_on"])
        journal.record(
            "guest.ended", subject=f"party.org:{row.org_id}", actor=actor, now=now, data={"guest": row.pk, "by": row.by}
        )


@command("party.enter_as_guest", ("以其他场所单位名义办理", "enter for an organisation of another venue"))
def enter_as_guest(cmd: EnterAsGuest, *, actor: Actor, now: datetime) -> Membership:
    """By a person, once a code. Errors: Forbidden, InvitationGone, StaffMayNotTrade."""
    if actor.kind is not ActorKind.PERSON or actor.person is None:
        raise Forbidden()
    row = Guest.objects.select_for_update().select_related("org").filter(code=cmd.digest, entered_by__isnull=True).first()
    if row is None or row.ended_on is not None or local_day(now) > row.until:
        raise InvitationGone()
    row.entered_by_id = actor.person
    row.save(update_fields=["entered_by"])
    journal.record("guest.entered", subject=f"party.org:{row.org_id}", actor=actor, now=now, data={"guest": row.pk})
    return join(row.org, actor.person, tuple(RIGHTS), actor=actor, now=now)
