"""What views ask before they act: who is behind the request, and does that seat suffice."""

from __future__ import annotations

from django.http import HttpRequest

from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, SignInNeeded
from shugu.party.errors import TotpRequired


def require(request: HttpRequest, seat: str | tuple[str, ...] | None = None) -> Actor:
    """The actor of the request, holding `seat` (or one of several). Errors: SignInNeeded, TotpRequired, Forbidden."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        if getattr(request, "must_enrol", False):
            raise TotpRequired()
        raise SignInNeeded()
    wanted = (seat,) if isinstance(seat, str) else seat
    if wanted is not None and not set(wanted) & actor.seats:
        raise Forbidden()
    return actor


def require_org(request: HttpRequest) -> Actor:
    """The actor acting for an organisation. Errors: SignInNeeded, TotpRequired, Forbidden for a seat or nobody's."""
    actor = require(request)
    if actor.org is None:
        raise Forbidden()
    return actor
