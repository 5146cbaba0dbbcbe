"""Organisations, people, memberships and seats: who exists and who may act for whom. Door: services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from shugu.formats.errors import BadUscc
from shugu.formats.identifiers import parse_uscc
from shugu.kernel import journal, runtime, store
from shugu.kernel.cases import Actor, ActorKind, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.party import keys
from shugu.party.domain import LOGIN, ORG_KINDS, RIGHTS, SEATS, password_problem
from shugu.party.errors import RightMissing, StaffMayNotTrade
from shugu.party.models import ApiKey, Membership, Organisation, Person, SeatHolding
from shugu.party.vault import Secret

Pair = tuple[str, str]
# A newcomer without a record yet: the only actor that may register a person and nothing else.
NEWCOMER = mandate("party", "join")
REQUIRED: Pair = ("必填", "required")


@dataclass(frozen=True)
class RegisterOrganisation:
    """`uscc`: 18 characters with a valid check character (GB 32100); `kind`: a code of domain.ORG_KINDS."""

    name: str
    uscc: str
    name_en: str = ""
    kind: str = "enterprise"


@dataclass(frozen=True)
class RegisterPerson:
    """`login`: 3–40 of a–z 0–9 . _ -, beginning with a letter. Without a password the person cannot sign in yet."""

    login: str
    name: str
    name_en: str = ""
    phone: str = ""
    password: Secret | None = None


@dataclass(frozen=True)
class AddMember:
    org: int
    person: int
    rights: tuple[str, ...] = ("act",)


@dataclass(frozen=True)
class EndMembership:
    org: int
    person: int


@dataclass(frozen=True)
class GrantSeat:
    person: int
    seat: str


@dataclass(frozen=True)
class EndSeat:
    person: int
    seat: str


def refuse(errors: Mapping[str, Pair]) -> None:
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=dict(errors))


@command("party.register_organisation", ("登记单位", "register an organisation"))
def register_organisation(cmd: RegisterOrganisation, *, actor: Actor, now: datetime) -> Organisation:
    """A person registers the organisation and becomes its administrator with every right; the venue registers
    others without a member. Errors: InputInvalid; StaffMayNotTrade for a person with a seat; Forbidden."""
    by_person = actor.kind is ActorKind.PERSON and actor.person is not None and not actor.seats
    if actor.kind is ActorKind.PERSON and not by_person and "operator" not in actor.seats:
        raise Forbidden()
    if actor == NEWCOMER or (cmd.kind == "venue" and by_person):
        raise Forbidden()
    errors: dict[str, Pair] = {}
    name, uscc = cmd.name.strip(), cmd.uscc.strip()
    if not 2 <= len(name) <= 200:
        errors["name"] = ("名称应为 2–200 个字符", "a name has 2–200 characters")
    if len(cmd.name_en) > 200:
        errors["name_en"] = ("不超过 200 个字符", "at most 200 characters")
    if cmd.kind not in ORG_KINDS:
        errors["kind"] = ("未知的单位类型", "unknown kind of organisation")
    try:
        parse_uscc(uscc)
    except BadUscc as bad:
        errors["uscc"] = (bad.message("zh"), bad.message("en"))
    if "uscc" not in errors and Organisation.objects.filter(uscc=uscc).exists():
        errors["uscc"] = ("该单位已登记，请由其管理员添加您", "it is registered already; its administrator can add you")
    refuse(errors)
    org = Organisation.objects.create(
        number=store.next_number("organisation", local_day(now).year), uscc=uscc, name=name,
        name_en=cmd.name_en.strip(), kind=cmd.kind, registered_at=now,
    )  # fmt: skip
    journal.record(
        "organisation.registered", subject=f"party.org:{org.pk}", actor=actor, now=now,
        data={"organisation": org.number, "uscc": uscc, "kind": cmd.kind},
    )  # fmt: skip
    keys.make_signing_keys(org, actor=actor, now=now)
    if by_person:
        assert actor.person is not None
        join(org, actor.person, tuple(RIGHTS), actor=actor, now=now)
    return org


@command("party.register_person", ("登记人员", "register a person"))
def register_person(cmd: RegisterPerson, *, actor: Actor, now: datetime) -> Person:
    """By the newcomer himself (actor NEWCOMER, a password is needed), by an administrator or by the venue.
    Errors: InputInvalid."""
    errors: dict[str, Pair] = {}
    if not LOGIN.fullmatch(cmd.login):
        errors["login"] = (
            "登录名为 3–40 位小写字母、数字或 . _ -，以字母开头",
            "3–40 of a–z, 0–9, . _ -, beginning with a letter",
        )
    elif Person.objects.filter(login=cmd.login).exists():
        errors["login"] = ("登录名已被使用", "the sign-in name is taken")
    if not 1 <= len(cmd.name.strip()) <= 80:
        errors["name"] = ("姓名应为 1–80 个字符", "a name has 1–80 characters")
    if len(cmd.name_en) > 80:
        errors["name_en"] = ("不超过 80 个字符", "at most 80 characters")
    if len(cmd.phone) > 30 or not set(cmd.phone) <= set("+0123456789 -()"):
        errors["phone"] = ("电话号码写法有误", "malformed telephone number")
    if cmd.password is None and actor == NEWCOMER:
        errors["password"] = REQUIRED
    if cmd.password is not None:
        least = runtime.rules_on(local_day(now)).value("party.password_min_length").number
        problem = password_problem(cmd.password.reveal(), cmd.login, least)
        if problem:
            errors["password"] = problem
    refuse(errors)
    person = Person.objects.create(
        login=cmd.login, name=cmd.name.strip(), name_en=cmd.name_en.strip(), phone=cmd.phone.strip(),
        password=make_password(cmd.password.reveal()) if cmd.password else "", registered_at=now,
    )  # fmt: skip
    journal.record(
        "person.registered", subject=f"party.person:{person.pk}", actor=actor, now=now, data={"person": person.pk}
    )
    return person


def need_right(actor: Actor, org: int, right: str) -> None:
    """The venue's own orders pass; a person needs a live membership of `org`, acted for now, with the right.
    Errors: Forbidden, RightMissing."""
    if actor.kind is ActorKind.MANDATE and actor != NEWCOMER:
        return
    if actor.kind is not ActorKind.PERSON or actor.person is None or actor.org != org:
        raise Forbidden()
    row = Membership.objects.filter(org_id=org, person_id=actor.person, ended_at__isnull=True).first()
    if row is None:
        raise Forbidden()
    if right not in row.rights:
        title = RIGHTS[right]
        raise RightMissing(right=(title.zh, title.en))


def _need_operator(actor: Actor) -> None:
    if (actor.kind is ActorKind.MANDATE and actor != NEWCOMER) or "operator" in actor.seats:
        return
    raise Forbidden()


@command("party.add_member", ("添加成员", "add a member"))
def add_member(cmd: AddMember, *, actor: Actor, now: datetime) -> Membership:
    """By the organisation's administrator (or the venue); a live membership gets the new rights.
    Errors: InputInvalid, NotFound, Forbidden, RightMissing, StaffMayNotTrade."""
    need_right(actor, cmd.org, "admin")
    unknown = sorted(set(cmd.rights) - set(RIGHTS))
    if unknown or not cmd.rights:
        refuse({"rights": ("未知或未选权限", "no or unknown rights")})
    org = Organisation.objects.filter(pk=cmd.org).first()
    if org is None or not Person.objects.filter(pk=cmd.person, closed_at__isnull=True).exists():
        raise NotFound(what=("单位或人员", "organisation or person"))
    return join(org, cmd.person, cmd.rights, actor=actor, now=now)


def join(org: Organisation, person: int, rights: tuple[str, ...], *, actor: Actor, now: datetime) -> Membership:
    """Make the person a member, or change a member's rights; the caller has checked who asks. Errors: StaffMayNotTrade."""
    if org.kind != "venue" and SeatHolding.objects.filter(person_id=person, ended_at__isnull=True).exists():
        raise StaffMayNotTrade()
    ordered = [r for r in RIGHTS if r in rights]
    with transaction.atomic():
        row, fresh = Membership.objects.get_or_create(
            org=org, person_id=person, ended_at=None, defaults={"rights": ordered, "since": now}
        )
        if not fresh:
            row.rights = ordered
            row.save(update_fields=["rights"])
        journal.record(
            "member.added" if fresh else "member.changed", subject=f"party.org:{org.pk}", actor=actor, now=now,
            data={"person": person, "rights": ordered},
        )  # fmt: skip
    return row


@command("party.end_membership", ("移除成员", "end a membership"))
def end_membership(cmd: EndMembership, *, actor: Actor, now: datetime) -> Membership:
    """Errors: NotFound, Forbidden; InputInvalid for the last administrator."""
    need_right(actor, cmd.org, "admin")
    live = Membership.objects.select_for_update().filter(org_id=cmd.org, ended_at__isnull=True)
    row = live.filter(person_id=cmd.person).first()
    if row is None:
        raise NotFound(what=("成员", "member"))
    if "admin" in row.rights and not any("admin" in m.rights for m in live.exclude(pk=row.pk)):
        refuse({"person": ("至少保留一名管理员", "one administrator must remain")})
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    journal.record(
        "member.removed", subject=f"party.org:{cmd.org}", actor=actor, now=now, data={"person": cmd.person}
    )
    return row


def end_api_key(row: ApiKey, *, actor: Actor, now: datetime) -> None:
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    journal.record(
        "api_key.revoked", subject=f"party.person:{row.person_id}", actor=actor, now=now, data={"key": row.prefix}
    )


@command("party.grant_seat", ("授予岗位", "grant a seat"))
def grant_seat(cmd: GrantSeat, *, actor: Actor, now: datetime) -> SeatHolding:
    """By the operator or the venue's set-up. API keys the person made before the seat end with its grant: a key never
    gains powers it was not issued for. Errors: InputInvalid, NotFound, Forbidden, StaffMayNotTrade."""
    _need_operator(actor)
    if cmd.seat not in SEATS:
        refuse({"seat": ("未知的岗位", "unknown seat")})
    if not Person.objects.filter(pk=cmd.person, closed_at__isnull=True).exists():
        raise NotFound(what=("人员", "person"))
    trading = Membership.objects.filter(person_id=cmd.person, ended_at__isnull=True).exclude(org__kind="venue")
    if trading.exists():
        raise StaffMayNotTrade()
    row, fresh = SeatHolding.objects.get_or_create(
        person_id=cmd.person, seat=cmd.seat, ended_at=None, defaults={"since": now}
    )
    if fresh:
        journal.record(
            "seat.granted", subject=f"party.person:{cmd.person}", actor=actor, now=now, data={"seat": cmd.seat}
        )
        keys_now = ApiKey.objects.select_for_update().filter(person_id=cmd.person, org=None, revoked_at__isnull=True)
        for key in keys_now.order_by("pk"):
            end_api_key(key, actor=actor, now=now)
    return row


@command("party.end_seat", ("收回岗位", "end a seat"))
def end_seat(cmd: EndSeat, *, actor: Actor, now: datetime) -> SeatHolding:
    """Errors: NotFound, Forbidden."""
    _need_operator(actor)
    row = SeatHolding.objects.filter(person_id=cmd.person, seat=cmd.seat, ended_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("岗位", "seat"))
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    journal.record("seat.ended", subject=f"party.person:{cmd.person}", actor=actor, now=now, data={"seat": cmd.seat})
    return row
