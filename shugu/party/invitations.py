"""Invitations: an organisation's administrator lets somebody join by a one-time token. Door: services."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from shugu.kernel import journal, runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command, owner_of
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.workdays import due, local_day
from shugu.party.domain import LOGIN, RIGHTS
from shugu.party.errors import InvitationGone
from shugu.party.models import Invitation, Membership, Organisation
from shugu.party.organisations import Pair, join, need_right, refuse
from shugu.party.vault import fresh_token


@dataclass(frozen=True)
class InviteMember:
    """`login`: the only sign-in name that may accept, if given; `contact`: a telephone number or address to remember
    whom the link was sent to. One of both is needed. `rights`: admin, sign, act."""

    org: int
    rights: tuple[str, ...] = ("act",)
    login: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Invited:
    """The token is shown this once; only its digest is kept."""

    invitation: Invitation
    token: str


@dataclass(frozen=True)
class _KeepInvitation:
    invite: InviteMember
    digest: str


@dataclass(frozen=True)
class WithdrawInvitation:
    org: int
    invitation: int


@dataclass(frozen=True)
class AcceptInvitation:
    """`digest`: SHA-256 of the token, so that the token itself enters no record; see `accepting`."""

    digest: str


def accepting(token: str) -> AcceptInvitation:
    return AcceptInvitation(_digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invite_member(cmd: InviteMember, *, actor: Actor, now: datetime, key: str | None = None) -> Invited:
    """By the organisation's administrator; a repeated idempotency key gives the same token again.
    Errors: InputInvalid, Forbidden, RightMissing."""
    token = "inv_" + fresh_token("invitation", f"{owner_of(actor)}|{key}" if key is not None else None)
    return Invited(_keep(_KeepInvitation(cmd, _digest(token)), actor=actor, now=now, key=key), token)


@command("party.invite_member", ("邀请成员", "invite a member"))
def _keep(cmd: _KeepInvitation, *, actor: Actor, now: datetime) -> Invitation:
    asked = cmd.invite
    if actor.kind is not ActorKind.PERSON or actor.person is None:
        raise Forbidden()
    need_right(actor, asked.org, "admin")
    login, contact = asked.login.strip(), asked.contact.strip()
    errors: dict[str, Pair] = {}
    if not asked.rights or set(asked.rights) - set(RIGHTS):
        errors["rights"] = ("未知或未选权限", "no or unknown rights")
    if not login and not contact:
        errors["login"] = ("登录名与联系方式至少填一项", "give a sign-in name or a contact")
    if login and not LOGIN.fullmatch(login):
        errors["login"] = ("登录名写法有误", "malformed sign-in name")
    if len(contact) > 120:
        errors["contact"] = ("不超过 120 个字符", "at most 120 characters")
    if login and Membership.objects.filter(org_id=asked.org, person__login=login, ended_at__isnull=True).exists():
        errors["login"] = ("已是本单位成员", "already a member of the organisation")
    refuse(errors)
    validity = runtime.rules_on(local_day(now)).value("party.invitation_validity").length
    row = Invitation.objects.create(
        org_id=asked.org, login=login, contact=contact, rights=[r for r in RIGHTS if r in asked.rights],
        digest=cmd.digest, invited_by_id=actor.person, invited_at=now,
        expires_on=due(local_day(now), validity, calendar=runtime.calendar()).on,
    )  # fmt: skip
    journal.record(
        "member.invited", subject=f"party.org:{asked.org}", actor=actor, now=now,
        data={"invitation": row.pk, "rights": row.rights, "expires_on": row.expires_on.isoformat()},
    )  # fmt: skip
    return row


@command("party.withdraw_invitation", ("撤回邀请", "withdraw an invitation"))
def withdraw_invitation(cmd: WithdrawInvitation, *, actor: Actor, now: datetime) -> Invitation:
    """By the organisation's administrator. Errors: NotFound unless it is still open, Forbidden, RightMissing."""
    need_right(actor, cmd.org, "admin")
    row = Invitation.objects.select_for_update().filter(
        pk=cmd.invitation, org_id=cmd.org, accepted_at__isnull=True, withdrawn_at__isnull=True
    ).first()  # fmt: skip
    if row is None:
        raise NotFound(what=("邀请", "invitation"))
    row.withdrawn_at = now
    row.save(update_fields=["withdrawn_at"])
    journal.record(
        "invitation.withdrawn", subject=f"party.org:{cmd.org}", actor=actor, now=now, data={"invitation": row.pk}
    )
    return row


@command("party.accept_invitation", ("接受邀请", "accept an invitation"))
def accept_invitation(cmd: AcceptInvitation, *, actor: Actor, now: datetime) -> Membership:
    """By the person invited, once. Whoever is a member already keeps the rights held and uses nothing up.
    Errors: InvitationGone, StaffMayNotTrade, Forbidden for anybody but a person."""
    if actor.kind is not ActorKind.PERSON or actor.person is None:
        raise Forbidden()
    row = _good(Invitation.objects.select_for_update().filter(digest=cmd.digest).first(), actor, now)
    already = Membership.objects.filter(org_id=row.org_id, person_id=actor.person, ended_at__isnull=True).first()
    if already is not None:
        return already
    row.accepted_by_id, row.accepted_at = actor.person, now
    row.save(update_fields=["accepted_by", "accepted_at"])
    journal.record(
        "invitation.accepted", subject=f"party.org:{row.org_id}", actor=actor, now=now, data={"invitation": row.pk}
    )
    org = Organisation.objects.get(pk=row.org_id)
    return join(org, actor.person, tuple(row.rights), actor=actor, now=now)


def invitation_behind(cmd: AcceptInvitation, actor: Actor | None, now: datetime) -> Invitation:
    """What would be accepted, for the page that asks. Errors: InvitationGone."""
    return _good(Invitation.objects.filter(digest=cmd.digest).first(), actor, now)


def _good(row: Invitation | None, actor: Actor | None, now: datetime) -> Invitation:
    """Errors: InvitationGone. The inviter must still be an administrator: who left can let nobody in."""
    from shugu.party.queries import person_login

    if row is None or row.accepted_at is not None or row.withdrawn_at is not None or local_day(now) > row.expires_on:
        raise InvitationGone()
    inviter = Membership.objects.filter(org_id=row.org_id, person_id=row.invited_by_id, ended_at__isnull=True).first()
    if inviter is None or "admin" not in inviter.rights:
        raise InvitationGone()
    if row.login and actor is not None and actor.person is not None and person_login(actor.person) != row.login:
        raise InvitationGone()
    return row
