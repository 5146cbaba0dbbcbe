"""The gate before every delivery. Nothing leaves unless each numbered check holds.

1 a token is shown, signed by a key of the exchange in force, for this connector, in its time
2 the token is of this grant
3 the grant is held and active
4 token and grant agree on contract, buyer and product version
5 the grant is within its term
6 the contract's policy allows action, purpose, place and recipient, with its own counters
7 the grant's limits on count, volume and rate hold
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from shugu.formats import token as tokens
from shugu.formats.delivery import Grant, GrantedFile, Limits
from shugu.formats.errors import FormatError, TokenRefused, VerificationError
from shugu.formats.policy import Action, Counters, Denied, Reason, Request, evaluate

from .errors import GrantNotLive, NoToken, PolicyDenied, TokenMismatch, UnknownFile, within
from .grants import Held, held_grant
from .home import Home
from .meter import Delivery, latest, open_delivery
from .ranges import new_bytes

MINUTE_MS = 60_000


@dataclass(frozen=True)
class Ask:
    """What a request declares about itself."""

    authorization: str | None
    grant: str
    action: Action
    purpose: str | None
    spatial: str | None = None


@dataclass(frozen=True)
class Pass:
    """A request that may go on: checks 1 to 5 hold."""

    held: Held
    token: tokens.Token
    ask: Ask

    @property
    def grant(self) -> Grant:
        return self.held.grant

    def file(self, name: str) -> GrantedFile:
        for file in self.grant.files:
            if file.name == name:
                return file
        raise UnknownFile(file=name)

    def still_live(self, state: str, now: datetime) -> bool:
        """Checks 3 and 5 and the token's time again, before each block."""
        in_time = now.timestamp() < self.token.not_after and now < self.grant.valid_until
        return state == "active" and in_time


def shown_token(ask: Ask) -> str:
    """The token as shown, unverified. Raises NoToken."""
    scheme, _, shown = (ask.authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not shown:
        raise NoToken()
    return shown


def identify(home: Home, ask: Ask, now: datetime) -> Pass:
    """Checks 1 to 5. Raises NoToken, TokenRefused, TokenMismatch, UnknownGrant, GrantNotLive, PolicyDenied."""
    shown = shown_token(ask)
    try:
        token = tokens.verify(shown, home.exchange_keys, now, home.id)
    except TokenRefused:
        raise
    except (FormatError, VerificationError) as error:
        raise TokenRefused(reason=within(error)) from error
    if token.grant != ask.grant:
        raise TokenMismatch(field="grant")
    held = held_grant(home, ask.grant)
    if held.state != "active":
        raise GrantNotLive(grant=ask.grant, state=held.state)
    grant = held.grant
    for field, shown_value, granted in (
        ("contract", token.contract, grant.contract),
        ("buyer", token.buyer, grant.buyer),
        ("product", token.product, grant.product_version),
    ):
        if shown_value != granted:
            raise TokenMismatch(field=field)
    if now < grant.valid_from:
        raise PolicyDenied(Reason.TOO_EARLY)
    if now >= grant.valid_until:
        raise PolicyDenied(Reason.TOO_LATE)
    return Pass(held, token, ask)


def continued(home: Home, grant: str, file: GrantedFile, start: int, end: int) -> Delivery | None:
    """The delivery that a request for [start, end) goes on with, None when it begins a new one.

    A delivery goes on until the buyer has acknowledged it, or has had every byte and asks for more than the whole
    file over again.
    """
    last = latest(home.store, grant, file.name, file.sha256)
    if last is None or last.acknowledged_at is not None:
        return None
    if last.complete and last.resent + end - start > last.size:
        return None
    return last


def admit(
    home: Home, admitted: Pass, file: GrantedFile, start: int, end: int, now: datetime, *, fresh: bool = False
) -> Delivery:
    """Checks 6 and 7, then counts the request and opens (or goes on with) a delivery. Raises PolicyDenied."""
    grant = admitted.grant
    with home.store.transaction() as database:
        going = None if fresh else continued(home, grant.grant, file, start, end)
        adding = new_bytes(going.reserved, start, end) if going else end - start
        counters = _counters(database, grant.grant, going is not None, now)
        request = Request(admitted.ask.action, now, admitted.ask.purpose, grant.buyer, admitted.ask.spatial, adding)
        verdict = evaluate(grant.policy, request, counters)
        if isinstance(verdict, Denied):
            raise PolicyDenied(verdict.reason)
        _limits(grant.limits, counters, adding)
        _take_from_bucket(database, grant, now)
        database.execute("INSERT INTO request VALUES (?, ?)", (grant.grant, _ms(now)))
        return going or open_delivery(database, grant.grant, file.name, file.sha256, end if fresh else file.size, now)


def block_allowed(
    database: sqlite3.Connection, admitted: Pass, going: Delivery, start: int, end: int, now: datetime
) -> bool:
    """Checks 3 and 5 to 7 again for one block, rate aside: a request once begun is one request."""
    grant = admitted.grant
    row = database.execute("SELECT state FROM grants WHERE grant_id = ?", (grant.grant,)).fetchone()
    if not admitted.still_live(row["state"], now):
        return False
    used = _counters(database, grant.grant, True, now)
    adding = new_bytes(going.reserved, start, end)
    counters = Counters(count=used.count, bytes=used.bytes, last_minute=0)
    request = Request(admitted.ask.action, now, admitted.ask.purpose, grant.buyer, admitted.ask.spatial, adding)
    within = grant.limits.bytes is None or used.bytes + adding <= grant.limits.bytes
    return within and not isinstance(evaluate(grant.policy, request, counters), Denied)


def check(home: Home, admitted: Pass, now: datetime, *, counted: bool = False) -> None:
    """Check 6 for a request that takes no bytes (HEAD), or before the work for one that will. Raises PolicyDenied.

    `counted`: the request will be counted by `admit` later, so it pays no rate here.
    """
    grant = admitted.grant
    with home.store.transaction() as database:
        counters = _counters(database, grant.grant, not counted, now)
        request = Request(admitted.ask.action, now, admitted.ask.purpose, grant.buyer, admitted.ask.spatial)
        verdict = evaluate(grant.policy, request, counters)
        if isinstance(verdict, Denied):
            raise PolicyDenied(verdict.reason)
        if not counted:
            _take_from_bucket(database, grant, now)


def _counters(database: sqlite3.Connection, grant: str, going: bool, now: datetime) -> Counters:
    """Deliveries without the one going on, billable bytes, and requests in the last 60 seconds."""
    row = database.execute(
        "SELECT count(*) AS n, coalesce(sum(billable), 0) AS b FROM delivery WHERE grant_id = ?", (grant,)
    ).fetchone()
    since = _ms(now - timedelta(minutes=1))
    database.execute("DELETE FROM request WHERE grant_id = ? AND at_ms <= ?", (grant, since))
    recent = database.execute("SELECT count(*) AS n FROM request WHERE grant_id = ?", (grant,)).fetchone()
    count = max(0, row["n"] - 1) if going else row["n"]
    return Counters(count=count, bytes=row["b"], last_minute=recent["n"])


def _limits(limits: Limits, counters: Counters, adding: int) -> None:
    if limits.count is not None and counters.count + 1 > limits.count:
        raise PolicyDenied(Reason.COUNT)
    if limits.bytes is not None and counters.bytes + adding > limits.bytes:
        raise PolicyDenied(Reason.BYTES)


def _take_from_bucket(database: sqlite3.Connection, grant: Grant, now: datetime) -> None:
    """A token bucket kept in whole numbers: one request costs a minute's milliseconds, each millisecond pays the rate."""
    rate = grant.limits.requests_per_minute
    if rate is None:
        return
    if rate == 0:
        raise PolicyDenied(Reason.RATE)
    row = database.execute("SELECT bucket, bucket_ms FROM grants WHERE grant_id = ?", (grant.grant,)).fetchone()
    full = rate * MINUTE_MS
    level = full
    if row["bucket"] is not None:
        level = min(full, row["bucket"] + max(0, _ms(now) - row["bucket_ms"]) * rate)
    if level < MINUTE_MS:
        raise PolicyDenied(Reason.RATE, retry_after=-(-(MINUTE_MS - level) // (rate * 1000)))
    database.execute(
        "UPDATE grants SET bucket = ?, bucket_ms = ? WHERE grant_id = ?",
        (level - MINUTE_MS, _ms(now), grant.grant),
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
