"""What people prove themselves with: passwords, one-time passwords (RFC 6238), API keys. Door: services."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from shugu.kernel import clock, journal, runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command, owner_of
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.rules import RuleSet
from shugu.kernel.workdays import due, local_day
from shugu.party.domain import SCOPES, password_problem
from shugu.party.errors import SignInFailed, SignInLocked, TotpRefused
from shugu.party.models import ApiKey, Person, SignInCount
from shugu.party.organisations import NEWCOMER, end_api_key, need_right, refuse
from shugu.party.vault import Secret, fresh_token, keyed, seal, unseal

_TOTP = "totp"
# A last-used stamp finer than this would cost a write for every API call.
_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True)
class SetPassword:
    """`old` is needed when the person himself replaces a password."""

    person: int
    new: Secret
    old: Secret | None = None


@dataclass(frozen=True)
class Enrolment:
    """What the person's authenticator needs: the Base32 secret and the otpauth:// address for a QR code."""

    secret: str
    uri: str


@dataclass(frozen=True)
class IssueApiKey:
    """`org` None: the key acts in the person's own name and seats. `scopes`: read, act."""

    title: str
    scopes: tuple[str, ...] = ("read", "act")
    org: int | None = None


@dataclass(frozen=True)
class IssuedKey:
    """The token is shown this once; only its digest is kept."""

    key: ApiKey
    token: str


@dataclass(frozen=True)
class RevokeApiKey:
    prefix: str


@dataclass(frozen=True)
class _KeepApiKey:
    issue: IssueApiKey
    prefix: str
    digest: str


def _rules(now: datetime) -> RuleSet:
    return runtime.rules_on(local_day(now))


def _person(person: int) -> Person:
    row = Person.objects.select_for_update().filter(pk=person, closed_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("人员", "person"))
    return row


@command("party.set_password", ("设置密码", "set a password"))
def set_password(cmd: SetPassword, *, actor: Actor, now: datetime) -> Person:
    """By the person (with the old password, if there is one), the operator or the venue's set-up. Ends the person's
    other sessions. Errors: NotFound, Forbidden, InputInvalid."""
    person = _person(cmd.person)
    by_venue = "operator" in actor.seats or (actor.kind is ActorKind.MANDATE and actor != NEWCOMER)
    if actor.person != person.pk and not by_venue:
        raise Forbidden()
    own = actor.person == person.pk and bool(person.password)
    if own and (cmd.old is None or not check_password(cmd.old.reveal(), person.password)):
        refuse({"old": ("原密码不正确", "the old password is wrong")})
    problem = password_problem(cmd.new.reveal(), person.login, _rules(now).value("party.password_min_length").number)
    if problem:
        refuse({"new": problem})
    person.password = make_password(cmd.new.reveal())
    person.stamp += 1
    person.save(update_fields=["password", "stamp"])
    journal.record("password.set", subject=f"party.person:{person.pk}", actor=actor, now=now)
    return person


def enrol_totp(person_id: int, *, actor: Actor, now: datetime) -> Enrolment:
    """A new secret for the person himself, in force only once confirmed. Errors: NotFound, Forbidden when one is in
    force already (the operator resets it first)."""
    if actor.person != person_id:
        raise Forbidden()
    person = Person.objects.filter(pk=person_id, closed_at__isnull=True).first()
    if person is None:
        raise NotFound(what=("人员", "person"))
    if person.totp_confirmed_at is not None:
        raise Forbidden()
    secret = pyotp.random_base32()
    Person.objects.filter(pk=person_id, totp_confirmed_at__isnull=True).update(totp_sealed=seal(_TOTP, secret.encode()))
    return Enrolment(secret, _uri(person, secret))


def pending_totp(person_id: int, *, actor: Actor) -> Enrolment | None:
    """The secret being enrolled, to show its QR code again; None when there is none. Errors: Forbidden."""
    if actor.person != person_id:
        raise Forbidden()
    person = Person.objects.filter(pk=person_id, totp_confirmed_at__isnull=True).first()
    if person is None or person.totp_sealed is None:
        return None
    secret = unseal(_TOTP, bytes(person.totp_sealed)).decode()
    return Enrolment(secret, _uri(person, secret))


def _uri(person: Person, secret: str) -> str:
    return str(pyotp.TOTP(secret).provisioning_uri(name=person.login, issuer_name=f"Shugu {runtime.venue_id()}"))


@command("party.confirm_totp", ("启用动态口令", "confirm the one-time password"))
def confirm_totp(cmd: Secret, *, actor: Actor, now: datetime) -> Person:
    """`cmd`: the code now shown by the authenticator of the acting person. Errors: Forbidden, TotpRefused."""
    if actor.person is None:
        raise Forbidden()
    person = _person(actor.person)
    if person.totp_confirmed_at is not None:
        return person
    use_totp(person, cmd.reveal(), now)
    Person.objects.filter(pk=person.pk).update(totp_confirmed_at=now)
    journal.record("totp.confirmed", subject=f"party.person:{person.pk}", actor=actor, now=now)
    person.refresh_from_db()
    return person


@dataclass(frozen=True)
class ResetTotp:
    person: int


@command("party.reset_totp", ("重置动态口令", "reset a one-time password"))
def reset_totp(cmd: ResetTotp, *, actor: Actor, now: datetime) -> Person:
    """By the operator, for a person whose authenticator is lost. Errors: Forbidden, NotFound."""
    if "operator" not in actor.seats and (actor.kind is not ActorKind.MANDATE or actor == NEWCOMER):
        raise Forbidden()
    person = _person(cmd.person)
    person.totp_sealed, person.totp_confirmed_at = None, None
    person.stamp += 1
    person.save(update_fields=["totp_sealed", "totp_confirmed_at", "stamp"])
    journal.record("totp.reset", subject=f"party.person:{person.pk}", actor=actor, now=now)
    return person


def use_totp(person: Person, code: str, now: datetime) -> None:
    """Accept a code of a step newer than every step used before (RFC 6238 section 5.2: a code is used once).
    Errors: TotpRefused."""
    code = code.replace(" ", "")
    if person.totp_sealed is None or not (code.isascii() and code.isdigit()):
        raise TotpRefused()
    totp = pyotp.TOTP(unseal(_TOTP, bytes(person.totp_sealed)).decode())
    present = int(clock.on_the_wall(now).timestamp()) // totp.interval
    drift = _rules(now).value("party.totp_drift_steps").number
    for step in range(present - drift, present + drift + 1):
        if not hmac.compare_digest(totp.generate_otp(step), code):
            continue
        if Person.objects.filter(pk=person.pk, totp_last_step__lt=step).update(totp_last_step=step) == 1:
            return
    raise TotpRefused()


def sign_in(login: str, password: str, *, now: datetime, code: str = "", source: str = "") -> tuple[Person, bool]:
    """(person, complete): complete is False when a one-time password is enrolled and `code` is still missing.
    Failures are counted by name, and by `source` (the caller's address) over all names, even though the call raises:
    call it outside a transaction. Errors: SignInLocked, SignInFailed."""
    if source:
        _check_lock(keyed("sign-in-source", source), now)
    try:
        return _sign_in(login, password, code, now)
    except SignInFailed:
        if source:
            _count_source(source, now)
        raise


def _sign_in(login: str, password: str, code: str, now: datetime) -> tuple[Person, bool]:
    subject = keyed("sign-in", login)
    _check_lock(subject, now)
    person = Person.objects.filter(login=login, closed_at__isnull=True).exclude(password="").first()
    if person is None:
        make_password(password)  # spend the same time as for a known name
        _count_failure(subject, None, now)
        raise SignInFailed()
    if not check_password(password, person.password):
        _count_failure(subject, person, now)
        raise SignInFailed()
    if person.totp_confirmed_at is not None and not code:
        return person, False
    if person.totp_confirmed_at is not None:
        check_second_step(person, code, now=now)
    _signed_in(person, now)
    return person, True


def check_second_step(person: Person, code: str, *, now: datetime) -> None:
    """The one-time password of a person whose password was right. Errors: SignInLocked, SignInFailed."""
    subject = keyed("sign-in", person.login)
    _check_lock(subject, now)
    try:
        use_totp(person, code, now)
    except TotpRefused:
        _count_failure(subject, person, now)
        raise SignInFailed() from None


def confirm_person(actor: Actor, password: str, code: str, *, now: datetime) -> None:
    """The person behind the actor shows once more who he is, before an act that cannot be undone; failures are counted as
    those of signing in. Call it outside a transaction. Errors: Forbidden, SignInLocked, SignInFailed."""
    if actor.person is None:
        raise Forbidden()
    person = Person.objects.filter(pk=actor.person, closed_at__isnull=True).first()
    if person is None:
        raise Forbidden()
    subject = keyed("sign-in", person.login)
    _check_lock(subject, now)
    if not person.password or not check_password(password, person.password):
        _count_failure(subject, person, now)
        raise SignInFailed()
    if person.totp_confirmed_at is not None:
        check_second_step(person, code, now=now)


def finish_sign_in(person_id: int, code: str, *, now: datetime, source: str = "") -> Person:
    """The second step of a sign-in whose password was right. Errors: NotFound, SignInLocked, SignInFailed."""
    person = Person.objects.filter(pk=person_id, closed_at__isnull=True).first()
    if person is None:
        raise NotFound(what=("人员", "person"))
    if source:
        _check_lock(keyed("sign-in-source", source), now)
    try:
        check_second_step(person, code, now=now)
    except SignInFailed:
        if source:
            _count_source(source, now)
        raise
    _signed_in(person, now)
    return person


def _check_lock(subject: str, now: datetime) -> None:
    row = SignInCount.objects.filter(pk=subject).first()
    if row is not None and row.locked_until is not None and row.locked_until > now:
        raise SignInLocked(until=f"{row.locked_until.astimezone():%Y-%m-%d %H:%M}")


def _count_failure(subject: str, person: Person | None, now: datetime) -> None:
    rules = _rules(now)
    with transaction.atomic():
        SignInCount.objects.get_or_create(subject=subject, defaults={"last_failed_at": now})
        row = SignInCount.objects.select_for_update().get(pk=subject)
        if row.locked_until is not None and row.locked_until <= now:
            row.failures, row.locked_until = 0, None
        row.failures, row.last_failed_at = row.failures + 1, now
        if row.failures >= rules.value("party.sign_in_attempts").number:
            row.locked_until = now + timedelta(minutes=rules.value("party.sign_in_lockout").number)
            if person is not None:
                actor = Actor(ActorKind.PERSON, person=person.pk)
                journal.record("sign_in.locked", subject=f"party.person:{person.pk}", actor=actor, now=now)
        row.save()


def _count_source(source: str, now: datetime) -> None:
    """A source may serve many people: its failures count within one lock's time, and a success clears nothing."""
    rules, subject = _rules(now), keyed("sign-in-source", source)
    lockout = timedelta(minutes=rules.value("party.sign_in_lockout").number)
    with transaction.atomic():
        SignInCount.objects.get_or_create(subject=subject, defaults={"last_failed_at": now})
        row = SignInCount.objects.select_for_update().get(pk=subject)
        if now - row.last_failed_at > lockout:
            row.failures, row.locked_until = 0, None
        row.failures, row.last_failed_at = row.failures + 1, now
        if row.failures >= rules.value("party.sign_in_source_attempts").number:
            row.failures, row.locked_until = 0, now + lockout
        row.save()


def _signed_in(person: Person, now: datetime) -> None:
    with transaction.atomic():
        SignInCount.objects.filter(pk=keyed("sign-in", person.login)).delete()
        actor = Actor(ActorKind.PERSON, person=person.pk)
        journal.record("person.signed_in", subject=f"party.person:{person.pk}", actor=actor, now=now)


def issue_api_key(cmd: IssueApiKey, *, actor: Actor, now: datetime, key: str | None = None) -> IssuedKey:
    """A key of the acting person; a repeated idempotency key gives the same token again.
    Errors: InputInvalid, Forbidden."""
    token_part = fresh_token("api-key", f"{owner_of(actor)}|{key}" if key is not None else None)
    prefix = hashlib.sha256(token_part.encode()).hexdigest()[:12]
    token = f"sk_{prefix}_{token_part}"
    kept = _keep_api_key(
        _KeepApiKey(cmd, prefix, hashlib.sha256(token.encode()).hexdigest()), actor=actor, now=now, key=key
    )
    return IssuedKey(kept, token)


@command("party.issue_api_key", ("签发接口密钥", "issue an API key"))
def _keep_api_key(cmd: _KeepApiKey, *, actor: Actor, now: datetime) -> ApiKey:
    if actor.kind is not ActorKind.PERSON or actor.person is None:
        raise Forbidden()
    errors: dict[str, tuple[str, str]] = {}
    if not 1 <= len(cmd.issue.title.strip()) <= 80:
        errors["title"] = ("用途应为 1–80 个字符", "a title has 1–80 characters")
    if not cmd.issue.scopes or set(cmd.issue.scopes) - set(SCOPES):
        errors["scopes"] = ("未选或未知权限", "no or unknown scopes")
    refuse(errors)
    if cmd.issue.org is not None:
        need_right(actor, cmd.issue.org, "act")
    term = _rules(now).value("party.api_key_term").length
    row = ApiKey.objects.create(
        prefix=cmd.prefix, digest=cmd.digest, person_id=actor.person, org_id=cmd.issue.org,
        title=cmd.issue.title.strip(), scopes=[s for s in SCOPES if s in cmd.issue.scopes], issued_at=now,
        expires_on=due(local_day(now), term, calendar=runtime.calendar()).on,
    )  # fmt: skip
    journal.record(
        "api_key.issued", subject=f"party.person:{actor.person}", actor=actor, now=now,
        data={"key": row.prefix, "scopes": row.scopes, "expires_on": row.expires_on.isoformat()},
    )  # fmt: skip
    return row


@command("party.revoke_api_key", ("吊销接口密钥", "revoke an API key"))
def revoke_api_key(cmd: RevokeApiKey, *, actor: Actor, now: datetime) -> ApiKey:
    """By its owner or the operator; revoking twice changes nothing. Errors: NotFound."""
    row = ApiKey.objects.select_for_update().filter(prefix=cmd.prefix).first()
    if row is None or (row.person_id != actor.person and "operator" not in actor.seats):
        raise NotFound(what=("接口密钥", "API key"))
    if row.revoked_at is None:
        end_api_key(row, actor=actor, now=now)
    return row


def key_behind(token: str, now: datetime) -> ApiKey | None:
    """The live key a bearer token belongs to; None for anything else. Notes when it was last used."""
    parts = token.split("_", 2)
    if len(parts) != 3 or parts[0] != "sk":
        return None
    row = ApiKey.objects.filter(prefix=parts[1], revoked_at__isnull=True, expires_on__gte=local_day(now)).first()
    if row is None or not hmac.compare_digest(row.digest, hashlib.sha256(token.encode()).hexdigest()):
        return None
    if row.last_used_at is None or now - row.last_used_at > _USED_STEP:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return row
