"""Other venues and their keys: what the operator pins is believed, and by it what their key histories say of successors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from shugu.edges.federation.errors import UnknownPeer
from shugu.edges.federation.histories import held, key_of, pinned
from shugu.edges.federation.models import Peer, PeerKey
from shugu.formats.errors import Pair, ShuguError
from shugu.formats.pins import Pins
from shugu.formats.suites import Keyring, VerifyKey, keyring
from shugu.kernel import journal, runtime, signer
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact

WITNESS: Final = "witness"
RECOVERY: Final = "/recovery"

name_fact("peer.added", "登记其他场所", "another venue added")
name_fact("peer.changed", "变更其他场所", "another venue changed")
name_fact("peer.key_pinned", "核准其他场所公钥", "key of another venue pinned")
name_fact("peer.key_retired", "停用其他场所公钥", "key of another venue retired")


@dataclass(frozen=True)
class AddPeer:
    """`vkeys`: the text of the other venue's `venue.vkey`, compared with it by another way than the network."""

    venue: str
    title_zh: str
    title_en: str
    base_url: str
    vkeys: str


@dataclass(frozen=True)
class ChangePeer:
    """A new address, or dealings paused and taken up again."""

    origin: str
    base_url: str = ""
    paused: bool | None = None


@dataclass(frozen=True)
class PinKey:
    origin: str
    vkey: str


@dataclass(frozen=True)
class RetireKey:
    """Documents signed under the key go on verifying, messages under it are refused from now on."""

    origin: str
    vkey: str


def need_operator(actor: Actor) -> None:
    """Errors: Forbidden."""
    if actor.kind is not ActorKind.MANDATE and "operator" not in actor.seats:
        raise Forbidden()


def peer_of(origin: str, *, lock: bool = False) -> Peer:
    """Errors: UnknownPeer."""
    rows = Peer.objects.select_for_update() if lock else Peer.objects
    found = rows.filter(origin=origin).first()
    if found is None:
        raise UnknownPeer(origin=origin)
    return found


def peer_named(venue: str) -> Peer:
    """By the code of the venue. Errors: UnknownPeer."""
    found = Peer.objects.filter(venue=venue).first()
    if found is None:
        raise UnknownPeer(origin=venue)
    return found


def live_keys(peer: Peer) -> Keyring:
    """The keys with which its messages and answers are verified: those pinned, and where its key history was followed those
    in force by it; none that the operator retired."""
    own = [key for key in pinned(peer, retired=False).keys if key.name == peer.origin]
    known = held(peer)
    if known is None:
        return Keyring(tuple(own))
    gone = {key.vkey() for key in pinned(peer, retired=True).keys} - {key.vkey() for key in own}
    return Keyring(tuple(key for key in known.periods.in_force() if key.vkey() not in gone))


def document_keys(peer: Peer) -> Keyring:
    """Every key it ever had as far as is known here, witnesses' too: for what does not say where in its log it stands."""
    every, known = pinned(peer, retired=True).keys, held(peer)
    return known.periods.every() if known is not None else Keyring(every)


def pins(peer: Peer, witnesses: Iterable[VerifyKey] = ()) -> Pins:
    """What its sealed documents are verified with: each of its keys for its part of the log where the history was followed,
    and the witnesses', those named by agreements among them."""
    own, known = pinned(peer, retired=True), held(peer)
    more = tuple(key for key in witnesses if key not in own.keys)
    return Pins(Keyring((*own.keys, *more)), [known.content] if known is not None else [])


def witness_keys(peer: Peer) -> tuple[VerifyKey, ...]:
    """Of the witnesses whose cosignatures on its checkpoints count here."""
    return tuple(key for key in pinned(peer, retired=False).keys if key.suite.name == WITNESS)


def _keys_of(text: str) -> tuple[Keyring | None, Pair | None]:
    try:
        found = keyring(text)
    except ShuguError as error:
        return None, (error.message("zh"), error.message("en"))
    # Beside the venue's own stand the keys of its witnesses and its recovery key, as in the file it gives away.
    names = {k.name for k in found.keys if k.suite.name != WITNESS}
    own = {name for name in names if f"{name}{RECOVERY}" in names or not name.endswith(RECOVERY)}
    if len(own) != 1 or not names <= own | {f"{name}{RECOVERY}" for name in own}:
        return None, ("公钥须同属一个场所", "the keys are of one venue")
    if found.suites_of(min(own))[:1] != ("intl",):
        return None, ("缺少 Ed25519 公钥", "there is no Ed25519 key")
    if signer.origin() in own:
        return None, ("这是本场所自己的公钥", "these are this venue's own keys")
    return found, None


def _origin(keys: Keyring) -> str:
    """The venue's among the names of keys that belong together."""
    return min((k.name for k in keys.keys if k.suite.name != WITNESS), key=len)


def _address_problem(text: str) -> Pair | None:
    parts = urlsplit(text)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        return ("应为 https:// 开头的网址", "an address beginning with https://")
    if parts.scheme == "http" and not (local or runtime.demo()):
        return ("真实场所之间须用 https", "real venues talk over https")
    return None


@command("federation.add_peer", ("登记其他场所", "add another venue"))
def add_peer(cmd: AddPeer, *, actor: Actor, now: datetime) -> Peer:
    """Errors: Forbidden, InputInvalid."""
    need_operator(actor)
    found, problem = _keys_of(cmd.vkeys)
    errors: dict[str, Pair] = {} if problem is None else {"vkeys": problem}
    trouble = _address_problem(cmd.base_url)
    if trouble is not None:
        errors["base_url"] = trouble
    for name in ("venue", "title_zh", "title_en"):
        if not 1 <= len(getattr(cmd, name).strip()) <= 40:
            errors[name] = ("应为 1–40 个字", "it has 1–40 characters")
    if found is not None and Peer.objects.filter(origin=_origin(found)).exists():
        errors["vkeys"] = ("该场所已登记", "this venue has been added before")
    if Peer.objects.filter(venue=cmd.venue.strip()).exists() or cmd.venue.strip() == runtime.venue_id():
        errors["venue"] = ("该代码已使用", "this code is in use")
    if errors or found is None:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    origin = _origin(found)
    fact = journal.record(
        "peer.added", subject=f"federation.peer:{origin}", actor=actor, now=now,
        data={"origin": origin, "venue": cmd.venue.strip(), "base_url": cmd.base_url, "keys": [k.method for k in found.keys]},
    )  # fmt: skip
    row = Peer.objects.create(
        venue=cmd.venue.strip(), title_zh=cmd.title_zh.strip(), title_en=cmd.title_en.strip(), origin=origin,
        base_url=cmd.base_url, added_at=now, fact=fact,
    )  # fmt: skip
    PeerKey.objects.bulk_create(PeerKey(peer=row, vkey=k.vkey(), pinned_at=now) for k in found.keys)
    return row


@command("federation.change_peer", ("变更其他场所", "change another venue"))
def change_peer(cmd: ChangePeer, *, actor: Actor, now: datetime) -> Peer:
    """Errors: Forbidden, UnknownPeer, InputInvalid."""
    need_operator(actor)
    row = peer_of(cmd.origin, lock=True)
    trouble = _address_problem(cmd.base_url) if cmd.base_url else None
    if trouble is not None:
        raise InputInvalid(fields="base_url", field_errors={"base_url": trouble})
    row.base_url = cmd.base_url or row.base_url
    row.paused = row.paused if cmd.paused is None else cmd.paused
    row.save(update_fields=["base_url", "paused"])
    journal.record(
        "peer.changed", subject=f"federation.peer:{row.origin}", actor=actor, now=now,
        data={"origin": row.origin, "base_url": row.base_url, "paused": row.paused},
    )  # fmt: skip
    return row


@command("federation.pin_key", ("核准其他场所公钥", "pin another venue's key"))
def pin_key(cmd: PinKey, *, actor: Actor, now: datetime) -> PeerKey:
    """After the operator has compared it. Errors: Forbidden, UnknownPeer, BadKey, InputInvalid."""
    need_operator(actor)
    row = peer_of(cmd.origin, lock=True)
    key = key_of(cmd.vkey.strip())
    # A key of another name counts as a witness of the venue's log, if it is of that kind; or it is its recovery key.
    foreign = key.name not in (row.origin, f"{row.origin}{RECOVERY}") and key.suite.name != WITNESS
    if foreign or row.keys.filter(vkey=key.vkey()).exists():
        problem = ("公钥不属于该场所，或已核准过", "the key is not that venue's, or was pinned before")
        raise InputInvalid(fields="vkey", field_errors={"vkey": problem})
    journal.record(
        "peer.key_pinned", subject=f"federation.peer:{row.origin}", actor=actor, now=now,
        data={"origin": row.origin, "key": key.method},
    )  # fmt: skip
    return PeerKey.objects.create(peer=row, vkey=key.vkey(), pinned_at=now)


@command("federation.retire_key", ("停用其他场所公钥", "retire another venue's key"))
def retire_key(cmd: RetireKey, *, actor: Actor, now: datetime) -> PeerKey:
    """Errors: Forbidden, UnknownPeer, NotFound, InputInvalid for the last key of a suite in which it must sign."""
    need_operator(actor)
    row = peer_of(cmd.origin, lock=True)
    found = row.keys.filter(vkey=cmd.vkey.strip(), retired_at__isnull=True).first()
    if found is None:
        raise NotFound(what=("公钥", "key"))
    key = key_of(found.vkey)
    left = [k for k in live_keys(row).keys if k.suite.name == key.suite.name and k != key]
    if not left and key.name == row.origin:
        problem = ("先核准新的公钥", "pin a new key first")
        raise InputInvalid(fields="vkey", field_errors={"vkey": problem})
    found.retired_at = now
    found.save(update_fields=["retired_at"])
    journal.record(
        "peer.key_retired", subject=f"federation.peer:{row.origin}", actor=actor, now=now,
        data={"origin": row.origin, "key": key.method},
    )  # fmt: skip
    return found
