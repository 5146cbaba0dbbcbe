"""Other venues and their pinned keys. What the operator pins is believed, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from shugu.edges.federation.errors import UnknownPeer
from shugu.edges.federation.models import Peer, PeerKey
from shugu.formats.errors import Pair, ShuguError
from shugu.formats.suites import Keyring, VerifyKey, keyring, parse_vkey
from shugu.kernel import journal, runtime, signer
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact

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
    """The keys with which its messages are verified, in the order of pinning."""
    own = _pinned(peer, retired=False)
    return Keyring(tuple(key for key in own.keys if key.name == peer.origin))


def document_keys(peer: Peer) -> Keyring:
    """Every key ever pinned, witnesses' too: what it issued under a retired one still verifies."""
    return _pinned(peer, retired=True)


def witness_keys(peer: Peer) -> tuple[VerifyKey, ...]:
    """Of the witnesses whose cosignatures on its checkpoints count here."""
    return tuple(key for key in _pinned(peer, retired=False).keys if key.name != peer.origin)


def _pinned(peer: Peer, *, retired: bool) -> Keyring:
    rows = peer.keys.order_by("pk") if retired else peer.keys.filter(retired_at__isnull=True).order_by("pk")
    return keyring("\n".join(rows.values_list("vkey", flat=True)))


def _keys_of(text: str) -> tuple[Keyring | None, Pair | None]:
    try:
        found = keyring(text)
    except ShuguError as error:
        return None, (error.message("zh"), error.message("en"))
    if len({k.name for k in found.keys}) != 1:
        return None, ("公钥须同属一个场所", "the keys are of one venue")
    if found.suites_of(found.keys[0].name)[:1] != ("intl",):
        return None, ("缺少 Ed25519 公钥", "there is no Ed25519 key")
    if found.keys[0].name == signer.origin():
        return None, ("这是本场所自己的公钥", "these are this venue's own keys")
    return found, None


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
    if found is not None and Peer.objects.filter(origin=found.keys[0].name).exists():
        errors["vkeys"] = ("该场所已登记", "this venue has been added before")
    if Peer.objects.filter(venue=cmd.venue.strip()).exists() or cmd.venue.strip() == runtime.venue_id():
        errors["venue"] = ("该代码已使用", "this code is in use")
    if errors or found is None:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    origin = found.keys[0].name
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
    key = parse_vkey(cmd.vkey.strip())
    # A key of another name counts as a witness of the venue's log, if it is of that kind.
    if (key.name != row.origin and key.suite.name != "witness") or row.keys.filter(vkey=key.vkey()).exists():
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
    suite = parse_vkey(found.vkey).suite.name
    left = [k for k in live_keys(row).keys if k.suite.name == suite and k.vkey() != found.vkey]
    if not left:
        problem = ("先核准新的公钥", "pin a new key first")
        raise InputInvalid(fields="vkey", field_errors={"vkey": problem})
    found.retired_at = now
    found.save(update_fields=["retired_at"])
    journal.record(
        "peer.key_retired", subject=f"federation.peer:{row.origin}", actor=actor, now=now,
        data={"origin": row.origin, "key": parse_vkey(found.vkey).method},
    )  # fmt: skip
    return found
