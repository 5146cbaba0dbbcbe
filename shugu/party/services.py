"""The door of party: every command, and the electronic signature of an organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from shugu.kernel import holds
from shugu.kernel.cases import Actor, ActorKind, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Hold
from shugu.kernel.queries import name_fact
from shugu.party.accreditation import (
    ActOnAccreditation,
    ApplyAccreditation,
    WithdrawAccreditation,
    act_on_accreditation,
    apply_accreditation,
    withdraw_accreditation,
)
from shugu.party.credentials import (
    Enrolment,
    IssueApiKey,
    IssuedKey,
    ResetTotp,
    RevokeApiKey,
    SetPassword,
    confirm_person,
    confirm_totp,
    enrol_totp,
    finish_sign_in,
    issue_api_key,
    key_behind,
    pending_totp,
    reset_totp,
    revoke_api_key,
    set_password,
    sign_in,
)
from shugu.party.guests import AdmitGuest, EndGuest, EnterAsGuest, admit_guest, end_guest, enter_as_guest, entering
from shugu.party.invitations import (
    AcceptInvitation,
    Invited,
    InviteMember,
    WithdrawInvitation,
    accept_invitation,
    accepting,
    invitation_behind,
    invite_member,
    withdraw_invitation,
)
from shugu.party.keys import (
    RegisterConnectorKey,
    ReplaceSigningKeys,
    register_connector_key,
    replace_signing_keys,
    sign,
)
from shugu.party.models import Organisation, Person, SeatHolding
from shugu.party.organisations import (
    NEWCOMER,
    AddMember,
    EndMembership,
    EndSeat,
    GrantSeat,
    RegisterOrganisation,
    RegisterPerson,
    add_member,
    end_membership,
    end_seat,
    grant_seat,
    need_right,
    register_organisation,
    register_person,
)
from shugu.party.powers import GrantPower, PowerPaper, RevokePower, grant_power, revoke_power
from shugu.party.vault import Secret


@dataclass(frozen=True)
class PlaceHold:
    """What an organisation may not do until lifted, as the `acts` or `do` names of procedure tables."""

    org: int
    forbids: Sequence[str]
    reason: str
    undertaking: str = ""
    article: str = ""
    until: date | None = None


@dataclass(frozen=True)
class LiftHold:
    hold: int
    ground: str = ""


def _may_hold(actor: Actor) -> None:
    by_seat = actor.seats & {"operator", "compliance_officer"}
    if not by_seat and (actor.kind is not ActorKind.MANDATE or actor == NEWCOMER):
        raise Forbidden()


@command("party.place_hold", ("限制单位", "place a hold on an organisation"))
def place_hold(cmd: PlaceHold, *, actor: Actor, now: datetime) -> Hold:
    """By the operator, the compliance officer or another app's mandate. Errors: Forbidden, NotFound."""
    _may_hold(actor)
    if not Organisation.objects.filter(pk=cmd.org).exists():
        raise NotFound(what=("单位", "organisation"))
    return holds.place(
        f"party.org:{cmd.org}", forbids=cmd.forbids, reason=cmd.reason, undertaking=cmd.undertaking,
        article=cmd.article, until=cmd.until, actor=actor, now=now,
    )  # fmt: skip


@command("party.lift_hold", ("解除对单位的限制", "lift a hold on an organisation"))
def lift_hold(cmd: LiftHold, *, actor: Actor, now: datetime) -> Hold:
    """Errors: Forbidden; NotFound for a hold on anything but an organisation."""
    _may_hold(actor)
    row = Hold.objects.filter(pk=cmd.hold, target__startswith="party.org:").first()
    if row is None:
        raise NotFound(what=("限制", "hold"))
    holds.lift(cmd.hold, actor=actor, now=now, ground=cmd.ground)
    row.refresh_from_db()
    return row


@dataclass(frozen=True)
class CreateStaff:
    """A new person with a first seat; the password is to be replaced by its owner."""

    person: RegisterPerson
    seat: str


@command("party.create_staff", ("建立工作人员账号", "create a staff account"))
def create_staff(cmd: CreateStaff, *, actor: Actor, now: datetime) -> Person:
    """Account and seat together or neither. Errors: Forbidden unless by the operator; InputInvalid."""
    if "operator" not in actor.seats:
        raise Forbidden()
    person = register_person(cmd.person, actor=actor, now=now)
    grant_seat(GrantSeat(person.pk, cmd.seat), actor=actor, now=now)
    return person


def found_venue_staff(login: str, password: str, *, now: datetime) -> Person:
    """The first operator of an empty venue, by its set-up; others are then made on /operations/people/.
    Errors: InputInvalid; Forbidden when somebody holds a seat already."""
    setup = mandate("venue", "init")
    with transaction.atomic():
        if SeatHolding.objects.exists():
            raise Forbidden()
        cmd = RegisterPerson(login, "场所运营", "Venue operator", "", Secret(password))
        person = register_person(cmd, actor=setup, now=now)
        grant_seat(GrantSeat(person.pk, "operator"), actor=setup, now=now)
    return person


for _name, _zh, _en in (
    ("organisation.registered", "登记单位", "organisation registered"),
    ("person.registered", "登记人员", "person registered"),
    ("member.added", "添加成员", "member added"),
    ("member.changed", "变更成员权限", "member's rights changed"),
    ("member.removed", "移除成员", "member removed"),
    ("member.invited", "邀请成员", "member invited"),
    ("invitation.accepted", "接受邀请", "invitation accepted"),
    ("invitation.withdrawn", "撤回邀请", "invitation withdrawn"),
    ("seat.granted", "授予岗位", "seat granted"),
    ("seat.ended", "收回岗位", "seat ended"),
    ("password.set", "设置密码", "password set"),
    ("totp.confirmed", "启用动态口令", "one-time password confirmed"),
    ("totp.reset", "重置动态口令", "one-time password reset"),
    ("person.signed_in", "登录", "signed in"),
    ("sign_in.locked", "登录锁定", "sign-in locked"),
    ("api_key.issued", "签发接口密钥", "API key issued"),
    ("api_key.revoked", "吊销接口密钥", "API key revoked"),
    ("accreditation.revoked", "撤销入驻资格", "accreditation revoked"),
    ("org_key.registered", "登记单位密钥", "organisation key registered"),
    ("org_key.retired", "停用单位密钥", "organisation key retired"),
    ("power.granted", "授予代理权", "power of attorney granted"),
    ("power.revoked", "终止代理权", "power of attorney ended"),
):
    name_fact(_name, _zh, _en)

__all__ = [
    "NEWCOMER",
    "AcceptInvitation",
    "ActOnAccreditation",
    "AddMember",
    "AdmitGuest",
    "ApplyAccreditation",
    "CreateStaff",
    "EndGuest",
    "EndMembership",
    "EndSeat",
    "Enrolment",
    "EnterAsGuest",
    "GrantPower",
    "GrantSeat",
    "InviteMember",
    "Invited",
    "IssueApiKey",
    "IssuedKey",
    "LiftHold",
    "PlaceHold",
    "PowerPaper",
    "RegisterConnectorKey",
    "RegisterOrganisation",
    "RegisterPerson",
    "ReplaceSigningKeys",
    "ResetTotp",
    "RevokeApiKey",
    "RevokePower",
    "Secret",
    "SetPassword",
    "WithdrawAccreditation",
    "WithdrawInvitation",
    "accept_invitation",
    "accepting",
    "act_on_accreditation",
    "add_member",
    "admit_guest",
    "apply_accreditation",
    "confirm_person",
    "confirm_totp",
    "create_staff",
    "end_guest",
    "end_membership",
    "end_seat",
    "enrol_totp",
    "enter_as_guest",
    "entering",
    "finish_sign_in",
    "found_venue_staff",
    "grant_power",
    "grant_seat",
    "invitation_behind",
    "invite_member",
    "issue_api_key",
    "key_behind",
    "lift_hold",
    "need_right",
    "pending_totp",
    "place_hold",
    "register_connector_key",
    "register_organisation",
    "register_person",
    "replace_signing_keys",
    "reset_totp",
    "revoke_api_key",
    "revoke_power",
    "set_password",
    "sign",
    "sign_in",
    "withdraw_accreditation",
    "withdraw_invitation",
]  # fmt: skip
