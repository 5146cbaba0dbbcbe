"""What every act of the story's venues stands on: the clock, the cast, and one turn of the parts that only write here."""

from __future__ import annotations

from typing import Any

# Whether the status lists are published: the story leaves them off once.
PUBLISHES = True


def moment() -> Any:
    from shugu.kernel import clock

    return clock.now()


def actor(login: str) -> Any:
    """A member of the cast, by sign-in name."""
    from shugu.demo.cast import FIRMS
    from shugu.formats.identifiers import make_uscc
    from shugu.party import queries as parties

    if login in FIRMS:
        org = parties.organisation_by_uscc(make_uscc(FIRMS[login].uscc_prefix)).id
        return parties.actor_for(parties.people_of(org)[0][0], org)
    return parties.actor_for(next(one.person for one in parties.staff() if one.login == login))


def tidy() -> int:
    """Facts into the log, to subscribers, clocks fired, status lists published; how much was done."""
    from shugu.evidence import services as evidence
    from shugu.kernel import status_lists, subscriptions, sweeping
    from shugu.registry import services as registry

    now, before = moment(), -1
    total = 0
    while before != total:
        before = total
        grown = evidence.sequence_once(now)
        total += grown.size - grown.first + subscriptions.deliver(now) + sweeping.sweep(now)
        if PUBLISHES:
            total += registry.follow_calendar(now) + status_lists.publish_due(now)
    return total
