"""Who is behind a request: a signed-in session for pages, an API key for /api/.

Sets request.actor (Actor or None), request.seat (what the shell shows) and request.must_enrol. The session holds
person, organisation, the person's stamp and two times; idle and life limits come from the rules (party.session_*).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from shugu.kernel import clock, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound, SignInNeeded
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import credentials, queries
from shugu.party.domain import SEATS, WATCHERS
from shugu.party.errors import KeyBeforeTotp, ScopeMissing, TotpRequired
from shugu.party.models import Person
from shugu.web import language, refusals
from shugu.web.shapes import SeatFace

SAFE = ("GET", "HEAD", "OPTIONS")
# Writing the session at every request would cost a statement a page; idleness is known to this step.
_SEEN_STEP = timedelta(seconds=60)
_REGISTRARS = frozenset({"registrar", "reviewer", "committee_member"})


class SeatMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor, request.seat, request.must_enrol = None, SeatFace(), False  # type: ignore[attr-defined]
        bearer = request.headers.get("Authorization", "")
        try:
            if bearer.startswith("Bearer sk_"):
                _by_key(request, bearer.removeprefix("Bearer ").strip())
            elif not request.path.startswith("/api/"):
                _by_session(request)
        except (SignInNeeded, ScopeMissing) as error:
            return refusals.answer(request, error)
        return self.get_response(request)


def _by_key(request: HttpRequest, token: str) -> None:
    key = credentials.key_behind(token, clock.now())
    if key is None:
        raise SignInNeeded()
    wanted = "read" if request.method in SAFE else "act"
    if wanted not in key.scopes:
        raise ScopeMissing(scope=wanted)
    try:
        actor = queries.actor_for(key.person_id, key.org_id)
    except (NotFound, Forbidden):
        raise SignInNeeded() from None
    if needs_totp(actor, clock.now()):
        person = Person.objects.get(pk=key.person_id)
        if person.totp_confirmed_at is None:
            raise TotpRequired()
        if key.issued_at < person.totp_confirmed_at:
            raise KeyBeforeTotp()
    _seat(request, actor)


def _by_session(request: HttpRequest) -> None:
    held = request.session.get("seat")
    if not held:
        return
    now = clock.now()
    person = Person.objects.filter(pk=held["person"], stamp=held["stamp"], closed_at__isnull=True).first()
    if person is None or _is_over(held, now):
        request.session.flush()
        return
    if now - datetime.fromisoformat(held["seen_at"]) > _SEEN_STEP:
        request.session["seat"] = {**held, "seen_at": now.isoformat()}
    try:
        actor = queries.actor_for(person.pk, held["org"])
    except Forbidden:
        request.session.flush()
        return
    if must_enrol(person, actor, now):
        request.must_enrol, request.enrolling = True, actor  # type: ignore[attr-defined]
        request.seat = SeatFace(person=person.name)  # type: ignore[attr-defined]
        return
    _seat(request, actor)


def _is_over(held: dict[str, str], now: datetime) -> bool:
    rules = runtime.rules_on(local_day(now))
    idle = timedelta(minutes=rules.value("party.session_idle").number)
    life = timedelta(hours=rules.value("party.session_lifetime").number)
    # The demonstration clock may leap days ahead between two clicks; only a real venue ends its sessions by it.
    if runtime.demo():
        return False
    return (
        now - datetime.fromisoformat(held["seen_at"]) > idle + _SEEN_STEP
        or now - datetime.fromisoformat(held["since"]) > life
    )


def needs_totp(actor: Actor, now: datetime) -> bool:
    """A seat of the venue's staff needs a one-time password where party.totp_required says so, demonstrations apart."""
    if not actor.seats or runtime.demo():
        return False
    return bool(runtime.rules_on(local_day(now)).value("party.totp_required").value)


def must_enrol(person: Person, actor: Actor, now: datetime) -> bool:
    return person.totp_confirmed_at is None and needs_totp(actor, now)


def begin(request: HttpRequest, person: Person, org: int | None, now: datetime) -> None:
    """A signed-in session under a fresh session key; an invitation being answered goes along."""
    invited = request.session.get("invitation")
    request.session.flush()
    if invited is not None:
        request.session["invitation"] = invited
    stamp = now.isoformat()
    request.session["seat"] = {
        "person": person.pk, "org": org, "stamp": person.stamp, "since": stamp, "seen_at": stamp
    }  # fmt: skip


def switch(request: HttpRequest, org: int | None) -> None:
    """Act for another organisation, or (None) in the seats held. Errors: Forbidden."""
    held = request.session["seat"]
    queries.actor_for(held["person"], org)
    request.session.cycle_key()
    request.session["seat"] = {**held, "org": org}


def refresh_stamp(request: HttpRequest, person: Person) -> None:
    """Keep this session after its own person set a new password; the others end."""
    request.session.cycle_key()
    request.session["seat"] = {**request.session["seat"], "stamp": person.stamp}


def _seat(request: HttpRequest, actor: Actor) -> None:
    request.actor, request.seat = actor, face(actor)  # type: ignore[attr-defined]


def face(actor: Actor) -> SeatFace:
    """What the shell shows and which navigation it chooses."""
    name = actor.name
    if language.current() == "en" and actor.person is not None:
        name = queries.person_names([actor.person], "en").get(actor.person, name)
    if actor.org is None:
        titles = [SEATS[s] for s in SEATS if s in actor.seats]
        title = Text("、".join(t.zh for t in titles), ", ".join(t.en for t in titles)) if titles else Text("个人", "Person")
        kind = "merchant"
        if actor.seats:
            kind = "regulator" if actor.seats <= WATCHERS else "registrar" if actor.seats <= _REGISTRARS else "operator"
        return SeatFace(kind, title, name)
    org = queries.organisation(actor.org)
    named = str(Text(org.name, org.name_en))
    heads = {kind.partition(":")[0] for kind in org.accredited}
    for kind, held, title in (
        ("merchant", {"provider", "merchant"}, Text("数商", "Merchant")),
        ("buyer", {"buyer"}, Text("需求方", "Buyer")),
        ("body", {"service_body"}, Text("第三方机构", "Third-party body")),
    ):
        if heads & held:
            return SeatFace(kind, title, name, named)
    return SeatFace("merchant", Text("待入驻单位", "Not yet accredited"), name, named)
