"""What party tells others: actors, organisations, accreditations, names, keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from shugu.formats.canonical import unb64
from shugu.formats.errors import BadBase64
from shugu.formats.suites import parse_vkey
from shugu.formats.times import write_time
from shugu.kernel import runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.errors import Forbidden, NotFound
from shugu.party.domain import SigningKeyView, statement
from shugu.party.keys import CONNECTOR, SIGN
from shugu.party.models import (
    Accreditation,
    Guest,
    Invitation,
    Membership,
    Organisation,
    OrgKey,
    Person,
    Power,
    SeatHolding,
)


@dataclass(frozen=True)
class OrgView:
    """`accredited`: kinds granted and neither withdrawn nor past their term on the day asked for."""

    id: int
    number: str
    name: str
    name_en: str
    uscc: str
    kind: str
    merchant_type: str
    accredited: frozenset[str]


@dataclass(frozen=True)
class MembershipView:
    org: int
    org_number: str
    org_name: str
    rights: frozenset[str]


def actor_for(person_id: int, org_id: int | None = None) -> Actor:
    """The actor of a person: for an organisation (a live membership is needed) or, with None, in the seats held.
    Errors: NotFound for an unknown or closed person, Forbidden for an organisation the person is no member of."""
    person = Person.objects.filter(pk=person_id, closed_at__isnull=True).first()
    if person is None:
        raise NotFound(what=("人员", "person"))
    if org_id is not None:
        if not Membership.objects.filter(person=person, org_id=org_id, ended_at__isnull=True).exists():
            raise Forbidden()
        return Actor(ActorKind.PERSON, person=person.pk, org=org_id, name=person.name)
    return Actor(ActorKind.PERSON, person=person.pk, seats=seats_of(person.pk), name=person.name)


def actor_by_login(login: str) -> Actor:
    """A person by sign-in name: in the seats held, or else for the organisation joined first. Errors: NotFound."""
    person = Person.objects.filter(login=login, closed_at__isnull=True).values_list("pk", flat=True).first()
    if person is None:
        raise NotFound(what=(f"账号 {login}", f"account {login}"))
    joined = Membership.objects.filter(person_id=person, ended_at__isnull=True).order_by("pk")
    return actor_for(person, None if seats_of(person) else joined.values_list("org_id", flat=True).first())


def seats_of(person_id: int) -> frozenset[str]:
    return frozenset(
        SeatHolding.objects.filter(person_id=person_id, ended_at__isnull=True).values_list("seat", flat=True)
    )


def seat_holders(seats: frozenset[str]) -> dict[int, str]:
    """Who holds one of these seats now: {person: name}."""
    rows = SeatHolding.objects.filter(seat__in=seats, ended_at__isnull=True, person__closed_at__isnull=True)
    return dict(rows.order_by("person_id").values_list("person_id", "person__name"))


def memberships_of(person_id: int) -> list[MembershipView]:
    rows = Membership.objects.filter(person_id=person_id, ended_at__isnull=True).select_related("org").order_by("id")
    return [MembershipView(m.org_id, m.org.number, m.org.name, frozenset(m.rights)) for m in rows]


def accredited_kinds(org_id: int, on: date | None = None) -> frozenset[str]:
    day = on or _today()
    return frozenset(_valid(day).filter(org_id=org_id).values_list("kind", flat=True)) | _as_guest(org_id, day)


def _as_guest(org_id: int, on: date) -> frozenset[str]:
    """What another venue accredited it as and this one admitted it for."""
    from django.db.models import Q

    live = Q(ended_on__isnull=True) | Q(ended_on__gt=on)
    rows = Guest.objects.filter(live, org_id=org_id, since__lte=on, until__gte=on)
    return frozenset(rows.values_list("kind", flat=True))


def _today() -> date:
    from shugu.kernel import clock
    from shugu.kernel.workdays import local_day

    return local_day(clock.now())


def _valid(on: date) -> Any:
    from django.db.models import Q

    live = Q(withdrawn_on__isnull=True) | Q(withdrawn_on__gt=on)
    return Accreditation.objects.filter(live, granted_on__lte=on, valid_until__gte=on)


def is_accredited(org_id: int, kind: str, on: date) -> bool:
    """`kind`: provider, buyer, merchant or service_body:<code of party.service_body_kinds or party.evaluation_kinds>."""
    return bool(_valid(on).filter(org_id=org_id, kind=kind).exists()) or kind in _as_guest(org_id, on)


def _view(org: Organisation, on: date | None) -> OrgView:
    day = on or _today()
    rows = list(_valid(day).filter(org=org).order_by("id").values_list("kind", "merchant_type"))
    kinds = next((merchant for kind, merchant in rows if kind == "merchant"), "")
    return OrgView(
        org.pk, org.number, org.name, org.name_en, org.uscc, org.kind, kinds,
        frozenset(kind for kind, _ in rows) | _as_guest(org.pk, day),
    )


def organisation(org_id: int, on: date | None = None) -> OrgView:
    """Errors: NotFound."""
    return _found(Organisation.objects.filter(pk=org_id).first(), on)


def organisation_by_number(number: str, on: date | None = None) -> OrgView:
    """Errors: NotFound."""
    return _found(Organisation.objects.filter(number=number).first(), on)


def organisation_by_uscc(uscc: str, on: date | None = None) -> OrgView:
    """Errors: NotFound."""
    return _found(Organisation.objects.filter(uscc=uscc).first(), on)


by_uscc = organisation_by_uscc


def _found(org: Organisation | None, on: date | None) -> OrgView:
    if org is None:
        raise NotFound(what=("单位", "organisation"))
    return _view(org, on)


def org_names(ids: Iterable[int], lang: str = "zh") -> dict[int, str]:
    rows = Organisation.objects.filter(pk__in=set(ids)).values_list("pk", "name", "name_en")
    return {pk: (en or zh) if lang == "en" else zh for pk, zh, en in rows}


def person_names(ids: Iterable[int], lang: str = "zh") -> dict[int, str]:
    rows = Person.objects.filter(pk__in=set(ids)).values_list("pk", "name", "name_en")
    return {pk: (en or zh) if lang == "en" else zh for pk, zh, en in rows}


def members_with_right(org: int, right: str) -> list[int]:
    """Ids of the people who hold the right in the organisation, oldest membership first."""
    rows = Membership.objects.filter(org_id=org, ended_at__isnull=True).order_by("id").values_list("person", "rights")
    return [person for person, rights in rows if right in rights]


def has_right(actor: Actor, org: int, right: str) -> bool:
    return actor.kind is ActorKind.PERSON and actor.org == org and actor.person in members_with_right(org, right)


def holders_of(seat: str) -> list[int]:
    return list(
        SeatHolding.objects.filter(seat=seat, ended_at__isnull=True).order_by("id").values_list("person_id", flat=True)
    )


def verify_key(org_id: int) -> str:
    """The organisation's present Ed25519 verifier key line. Errors: NotFound."""
    found = OrgKey.objects.filter(org_id=org_id, purpose=SIGN, suite="intl", retired_at__isnull=True).first()
    if found is None:
        raise NotFound(what=("单位签名密钥", "signing key of the organisation"))
    return found.vkey


def verify_keys(org_id: int) -> tuple[str, ...]:
    """Every signing key the organisation ever had, present first: a verifier pins them all."""
    return tuple(row.vkey for row in signing_keys(org_id))


def signing_keys(org_id: int) -> tuple[SigningKeyView, ...]:
    """Every signing key the organisation ever had, present ones first, then the newest."""
    rows = OrgKey.objects.filter(org_id=org_id, purpose=SIGN).order_by("-retired_at", "suite")
    return tuple(SigningKeyView(row.vkey, row.registered_at, row.retired_at) for row in rows)


def signature_holds(signature: Mapping[str, Any], digest_hex: str) -> bool:
    """Whether what services.sign returned is a signature over this digest by a key that the organisation had at that time."""
    org = Organisation.objects.filter(number=str(signature.get("org"))).first()
    if org is None:
        return False
    signed_at = str(signature.get("signed_at"))
    message = statement(runtime.venue_id(), org.number, digest_hex, signed_at)
    pairs = [("vkey", "signature")] + ([("sm2_vkey", "sm2_signature")] if "sm2_vkey" in signature else [])
    rows = OrgKey.objects.filter(org=org, purpose=SIGN).values_list("vkey", "retired_at")
    # Written times are whole seconds, so what was signed in the second of the retirement still counts.
    known = {vkey for vkey, ended in rows if ended is None or signed_at <= write_time(ended)}
    try:
        return all(
            signature[k] in known and parse_vkey(signature[k]).holds(message, unb64(signature[s])) for k, s in pairs
        )
    except (KeyError, BadBase64):
        return False


def connector_pinned(connector_id: str) -> tuple[int, tuple[str, ...]]:
    """(organisation id, its present keys) of a connector, one a suite, Ed25519 first; what it signs now must verify with
    each of them. Errors: NotFound."""
    rows = OrgKey.objects.filter(purpose=CONNECTOR, connector_id=connector_id, retired_at__isnull=True).order_by("suite")
    found = list(rows.values_list("org_id", "vkey"))
    if not found:
        raise NotFound(what=("连接器", "connector"))
    return found[0][0], tuple(vkey for _, vkey in found)


def connector_keys(connector_id: str) -> tuple[str, ...]:
    """Every key the connector ever had, present first: its older documents verify with these."""
    rows = OrgKey.objects.filter(purpose=CONNECTOR, connector_id=connector_id)
    return tuple(rows.order_by("-retired_at", "-pk").values_list("vkey", flat=True))


def people_of(org: int) -> list[tuple[int, str, str, frozenset[str]]]:
    """(person, sign-in name, name, rights) of an organisation's members, oldest first."""
    rows = Membership.objects.filter(org_id=org, ended_at__isnull=True).select_related("person").order_by("id")
    return [(m.person_id, m.person.login, m.person.name, frozenset(m.rights)) for m in rows]


def accreditations_of(org: int) -> list[Accreditation]:
    return list(Accreditation.objects.filter(org_id=org).select_related("case").order_by("-id"))


def organisations(ids: Iterable[int], on: date) -> dict[int, OrgView]:
    return {org.pk: _view(org, on) for org in Organisation.objects.filter(pk__in=set(ids))}


def accredited(kind: str, on: date) -> list[OrgView]:
    """Every organisation accredited as `kind` on that day, by name."""
    rows = Organisation.objects.filter(pk__in=_valid(on).filter(kind=kind).values("org")).order_by("name", "id")
    return [_view(org, on) for org in rows]


@dataclass(frozen=True)
class StaffView:
    """A person of the venue's staff, or a supervisor: sign-in name, seats held now, one-time password in force or not."""

    person: int
    login: str
    name: str
    seats: frozenset[str]
    totp: bool


def staff() -> list[StaffView]:
    """Everybody who holds or held a seat, or has an account without any organisation, by sign-in name."""
    ever = SeatHolding.objects.values("person")
    rows = Person.objects.filter(closed_at__isnull=True).filter(Q(pk__in=ever) | Q(memberships__isnull=True))
    held: dict[int, set[str]] = {}
    for person, seat in SeatHolding.objects.filter(ended_at__isnull=True).values_list("person_id", "seat"):
        held.setdefault(person, set()).add(seat)
    return [
        StaffView(p.pk, p.login, p.name, frozenset(held.get(p.pk, ())), p.totp_confirmed_at is not None)
        for p in rows.distinct().order_by("login")
    ]


def members_ever(people: Iterable[int]) -> set[tuple[int, int]]:
    """(person, organisation) of every membership these people have or had: whom they may not inspect."""
    return set(Membership.objects.filter(person_id__in=set(people)).values_list("person_id", "org_id"))


def all_accredited(on: date) -> list[OrgView]:
    """Every organisation with any accreditation valid on that day, by number."""
    rows = list(_valid(on).order_by("id").values_list("org_id", "kind", "merchant_type"))
    kinds: dict[int, list[tuple[str, str]]] = {}
    for org, kind, merchant in rows:
        kinds.setdefault(org, []).append((kind, merchant))
    return [
        OrgView(
            o.pk, o.number, o.name, o.name_en, o.uscc, o.kind, next((m for k, m in kinds[o.pk] if k == "merchant"), ""),
            frozenset(k for k, _ in kinds[o.pk]),
        )
        for o in Organisation.objects.filter(pk__in=kinds).order_by("number")
    ]  # fmt: skip


def find_organisations(text: str, *, limit: int = 51, offset: int = 0) -> list[Organisation]:
    """By part of a name, or the exact number or social credit code; newest first."""
    rows = Organisation.objects.order_by("-pk")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(name_en__icontains=text) | Q(number=text) | Q(uscc=text))
    return list(rows[offset : offset + limit])


def granted_accreditations(*, limit: int = 2000) -> list[Accreditation]:
    """Every accreditation that was granted, newest first, the withdrawn and lapsed ones too."""
    rows = Accreditation.objects.filter(granted_on__isnull=False).select_related("org").order_by("-granted_on", "-pk")
    return list(rows[:limit])


@dataclass(frozen=True)
class PowerView:
    """A power of attorney. `since` and `until` are inclusive; from `ended_on` on it does not count, ended by
    "principal" or "agent". `document`: SHA-256 of a paper filed with it, or empty."""

    id: int
    principal: int
    agent: int
    scopes: tuple[str, ...]
    since: date
    until: date
    ended_on: date | None
    ended_by: str
    digest: str
    document: str
    filename: str
    media_type: str

    def holds_on(self, day: date) -> bool:
        return self.since <= day <= self.until and (self.ended_on is None or day < self.ended_on)


def has_power(agent_org: int, principal_org: int, scope: str, day: date) -> bool:
    """Whether `agent_org` may act for `principal_org` on that day in matters of `scope` (domain.POWER_SCOPES)."""
    live = Q(ended_on__isnull=True) | Q(ended_on__gt=day)
    rows = Power.objects.filter(live, agent_id=agent_org, principal_id=principal_org, since__lte=day, until__gte=day)
    return any(scope in scopes for scopes in rows.values_list("scopes", flat=True))


def powers_of(org: int) -> list[PowerView]:
    """Every power the organisation gave or holds, newest first, the ended and lapsed ones too."""
    return [_power(p) for p in Power.objects.filter(Q(principal_id=org) | Q(agent_id=org)).order_by("-pk")]


def principals_of(agent_org: int, scope: str, day: date) -> list[int]:
    """Whom the organisation may act for on that day in matters of `scope`, by id."""
    held = [p for p in powers_of(agent_org) if p.agent == agent_org and scope in p.scopes and p.holds_on(day)]
    return sorted({p.principal for p in held})


def power(power_id: int) -> PowerView:
    """Errors: NotFound."""
    row = Power.objects.filter(pk=power_id).first()
    if row is None:
        raise NotFound(what=("授权委托书", "power of attorney"))
    return _power(row)


def _power(row: Power) -> PowerView:
    return PowerView(
        row.pk, row.principal_id, row.agent_id, tuple(row.scopes), row.since, row.until, row.ended_on, row.ended_by,
        row.digest, row.document, row.filename, row.media_type,
    )  # fmt: skip


def person_login(person_id: int) -> str:
    return Person.objects.filter(pk=person_id).values_list("login", flat=True).first() or ""


@dataclass(frozen=True)
class InvitationView:
    """An invitation as the organisation's administrator sees it. `state`: open, accepted, withdrawn or expired."""

    id: int
    login: str
    contact: str
    rights: tuple[str, ...]
    expires_on: date
    state: str


def invitations_of(org: int, on: date) -> list[InvitationView]:
    """Newest first."""
    out = []
    for row in Invitation.objects.filter(org_id=org).order_by("-pk"):
        state = "accepted" if row.accepted_at else "withdrawn" if row.withdrawn_at else "open"
        if state == "open" and on > row.expires_on:
            state = "expired"
        out.append(InvitationView(row.pk, row.login, row.contact, tuple(row.rights), row.expires_on, state))
    return out
