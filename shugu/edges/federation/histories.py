"""Key histories of other venues: from the keys the operator pinned to those in force today (docs/formats.md section 2).

A history is taken only if it is that of the pinned keys and begins with every line of the one held. What the operator pins
or retires prevails: a held history that lacks a pinned key does not count, a key retired here signs no message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from shugu.edges.federation import client
from shugu.edges.federation.errors import PeerUnreachable
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_seen import PeerHistory, Seen
from shugu.evidence import services as evidence
from shugu.formats.errors import BadKey, ShuguError, VerificationError
from shugu.formats.keyhistory import HistoryNotTrusted, KeyPeriods, extends, trusted
from shugu.formats.suites import Keyring, VerifyKey, keyring
from shugu.kernel import documents, journal
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.queries import name_fact

PLACE: Final = "/.well-known/venue-keys.json"
EVERY: Final = timedelta(minutes=5)
# Between two questions that messages under unknown keys ask for, so that nobody drives them.
_PAUSE: Final = timedelta(seconds=10)
Fetch = Callable[[Peer, str], bytes]

name_fact("peer.keys_followed", "采信其他场所密钥沿革", "key history of another venue accepted")


@dataclass(frozen=True)
class Held:
    """A history that was accepted here and what it says of the keys pinned."""

    content: bytes
    periods: KeyPeriods
    taken_at: datetime


@dataclass(frozen=True)
class TakeHistory:
    """A newer version of a peer's key history, as its bytes."""

    origin: str
    content: bytes


def key_of(line: str) -> VerifyKey:
    """One pinned key: a venue's own, its recovery key, or a witness's. Errors: BadKey."""
    keys = keyring(line).keys
    if len(keys) != 1:
        raise BadKey(reason=("应为一行公钥", "one key line is wanted"))
    return keys[0]


def pinned(peer: Peer, *, retired: bool) -> Keyring:
    """What the operator has pinned, the venue's own keys before its witnesses', with or without those he retired."""
    rows = peer.keys.order_by("pk") if retired else peer.keys.filter(retired_at__isnull=True).order_by("pk")
    text = "\n".join(rows.values_list("vkey", flat=True))
    return Keyring(tuple(sorted(keyring(text).keys, key=lambda key: key.name != peer.origin))) if text else Keyring(())


@lru_cache(maxsize=64)
def _periods(pins: str, digest: str) -> KeyPeriods | None:
    """None for a history that is not that of these pins."""
    try:
        return trusted(keyring(pins), documents.get(digest))
    except VerificationError:
        return None


def held(peer: Peer) -> Held | None:
    """The newest history accepted that has every key pinned."""
    pins = pinned(peer, retired=True).text()
    for row in peer.histories.order_by("-pk"):
        found = _periods(pins, row.digest)
        if found is not None:
            return Held(documents.get(row.digest), found, row.taken_at)
    return None


def follow(peer: Peer, now: datetime, fetch: Fetch = client.get) -> bool:
    """Ask for the history and take it; whether it says anything new. Errors: PeerUnreachable, FormatError, and what
    `take_history` refuses."""
    content = fetch(peer, PLACE)
    evidence.hear(peer.origin, content, now)  # whoever witnesses its log follows its keys too
    known = held(peer)
    if known is not None and known.content == content:
        return False
    take_history(TakeHistory(peer.origin, content), actor=mandate("federation", f"keys:{peer.venue}"), now=now)
    return True


@command("federation.take_history", ("采信其他场所密钥沿革", "accept another venue's key history"))
def take_history(cmd: TakeHistory, *, actor: Actor, now: datetime) -> PeerHistory:
    """Errors: HistoryNotTrusted (not of the pinned keys, or not going on from the one held), BadSignature, FormatError."""
    peer = Peer.objects.select_for_update().get(origin=cmd.origin)
    found = trusted(pinned(peer, retired=True), cmd.content)
    if found.name != peer.origin:
        raise HistoryNotTrusted(reason=("它属于其他场所", "it is of another venue"))
    known = held(peer)
    if known is not None and not extends(known.content, cmd.content):
        why = ("它不是已采信的密钥沿革的续写", "it does not go on from the history accepted before")
        raise HistoryNotTrusted(reason=why)
    digest = documents.put(cmd.content)
    twice = peer.histories.filter(digest=digest).first()
    if twice is not None:
        return twice
    fact = journal.record(
        "peer.keys_followed", subject=f"federation.peer:{peer.origin}", actor=actor, now=now, digests={"history": digest},
        data={"origin": peer.origin, "lines": found.count, "keys": [key.method for key in found.in_force()]},
    )  # fmt: skip
    return PeerHistory.objects.create(peer=peer, digest=digest, lines=found.count, taken_at=now, fact=fact)


def follow_due(now: datetime, fetch: Fetch = client.get) -> int:
    """Ask each peer that was not asked for a while; how many said something new. Why one said nothing is kept with it."""
    done = 0
    for peer in Peer.objects.filter(paused=False).select_related("seen"):
        asked = peer.seen.asked_at if hasattr(peer, "seen") else None
        if asked is not None and timedelta(0) <= now - asked < EVERY:
            continue
        Seen.objects.update_or_create(peer=peer, defaults={"asked_at": now})
        try:
            done += follow(peer, now, fetch)
        except PeerUnreachable:
            continue  # it is asked again; pages say so of its messages
        except ShuguError as refusal:
            note_trouble(peer, refusal)
        else:
            Seen.objects.filter(peer=peer).update(trouble="")
    return done


def note_trouble(peer: Peer, refusal: ShuguError) -> None:
    """Why nothing new is taken from a venue that answers, for the page of the venue."""
    Seen.objects.update_or_create(
        peer=peer, defaults={"trouble": f"{refusal.message('zh')} / {refusal.message('en')}"[:1000]}
    )


def ask_soon(peer: Peer, now: datetime) -> None:
    """Something came under a key that is not known here: the worker asks for the history at once."""
    Seen.objects.filter(peer=peer, asked_at__lt=now - _PAUSE).update(asked_at=None)
