"""A browser in which one of the cast is signed in, staff with a one-time password enrolled."""

from __future__ import annotations

from django.test import Client

from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.party.models import Person


def signed_in(actor: Actor) -> Client:
    """Pages read the clock: the story is set at or before now."""
    assert actor.person is not None
    client, stamp = Client(), clock.now()
    if actor.seats:
        Person.objects.filter(pk=actor.person, totp_confirmed_at__isnull=True).update(totp_confirmed_at=stamp)
    person, session, told = Person.objects.get(pk=actor.person), client.session, stamp.isoformat()
    session["seat"] = {"person": person.pk, "org": actor.org, "stamp": person.stamp, "since": told, "seen_at": told}
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    return client
