"""The local zone (地方专区): what other venues list, beside our own market and never in it.

A listing counts as long as its venue confirms it: each message is signed and numbered, and between messages the venue is
asked for a signed head. A head older than the last one, or from before the listing was told, confirms nothing; a listing
that was not confirmed for the agreed time is stale and cannot be ordered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from shugu.catalogue import queries as catalogue
from shugu.catalogue.services import listed_elsewhere
from shugu.edges.federation import client, messages, peers, sharing
from shugu.edges.federation.bodies import body_of
from shugu.edges.federation.domain_sharing import (
    MOST_ITEMS,
    REFUSED,
    SAME,
    SHOWN,
    WITHDRAWN,
    Candidate,
    Head,
    Shown,
    items_bytes,
    limit,
    read_head,
    read_items,
    read_listing,
    same_objects,
    stale,
)
from shugu.edges.federation.errors import CatalogueBehind, ListingStale, PeerUnreachable
from shugu.edges.federation.messages import on_message
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_sharing import Feed, ZoneListing
from shugu.formats.canonical import parse_object
from shugu.formats.credential import credential_digest
from shugu.formats.errors import BadMessage, ShuguError
from shugu.formats.message import Message
from shugu.formats.sealed import read_sealed
from shugu.formats.times import read_time
from shugu.kernel import documents, journal, runtime, signer
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.errors import NotFound
from shugu.kernel.queries import name_fact

name_fact("zone.listed", "地方专区展示其他场所的挂牌", "listing of another venue shown")
name_fact("zone.changed", "其他场所的挂牌变更", "listing of another venue changed")
name_fact("zone.withdrawn", "其他场所撤回挂牌", "listing of another venue withdrawn")
name_fact("zone.same_object", "其他场所的挂牌与已有产品为同一标的", "listing of another venue is of an object listed already")
name_fact("zone.resynchronised", "重新核对其他场所的全部挂牌", "every listing of another venue compared anew")

Fetch = Callable[[Peer, str], bytes]
LIVE = (SHOWN, SAME)
KEPT = (*LIVE, REFUSED)
_CERTIFICATES_AT_ONCE = 20
_MOST_CERTIFICATE = 262_144


def fetch(peer: Peer, path: str) -> bytes:
    return client.get(peer, path, MOST_ITEMS * 200)


def _feed(peer: Peer) -> Feed:
    Feed.objects.get_or_create(peer=peer)
    return Feed.objects.select_for_update().get(peer=peer)


def _next(feed: Feed, serial: int, message: Message) -> bool:
    """Whether the message tells something new; a missing one before it is noticed, and everything is asked for."""
    if serial <= feed.heard:
        return False
    if serial != feed.heard + 1:
        feed.gap, feed.ask_at = True, None
    feed.heard, feed.heard_at = serial, read_time(message.sent_at)
    feed.save(update_fields=["heard", "heard_at", "gap", "ask_at"])
    return True


def _serial(value: int) -> int:
    if not 1 <= value < 2**53:
        raise BadMessage(reason=("序号应为正整数", "the serial is a positive integer"))
    return value


def take_listing(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage."""
    body = body_of(message)
    shown, serial, feed = read_listing(body["listing"]), _serial(body["serial"]), _feed(peer)
    if _next(feed, serial, message):
        actor = messages.actor_for(peer, message)
        _keep(peer, shown, min(now, read_time(message.sent_at)), actor, now)
        settle_same_objects(actor, now)


on_message("listing.listed")(take_listing)
on_message("listing.changed")(take_listing)


@on_message("listing.withdrawn")
def take_withdrawal(peer: Peer, message: Message, now: datetime) -> None:
    """Errors: BadMessage."""
    body = body_of(message)
    serial, feed = _serial(body["serial"]), _feed(peer)
    if _next(feed, serial, message):
        actor = messages.actor_for(peer, message)
        _end(ZoneListing.objects.filter(peer=peer, product=body["product"], state__in=KEPT), actor, now)
        settle_same_objects(actor, now)


def _end(rows: Iterable[ZoneListing], actor: Actor, now: datetime) -> int:
    done = 0
    for row in rows:
        row.state, row.same_as, row.ended_at = WITHDRAWN, "", now
        row.save(update_fields=["state", "same_as", "ended_at"])
        _record("zone.withdrawn", row, actor, now)
        done += 1
    return done


def _record(name: str, row: ZoneListing, actor: Actor, now: datetime) -> None:
    data = {"product": row.product, "from": row.peer.origin, "state": row.state}
    data |= {"same_as": row.same_as} if row.same_as else {}
    data |= {"code": row.code} if row.code else {}
    journal.record(
        name, subject=f"federation.listing:{row.peer.venue}:{row.product}", actor=actor, now=now, data=data,
        digests={"listing": row.digest},
    )  # fmt: skip


def _problem(peer: Peer, shown: Shown, now: datetime) -> str:
    """Why a listing is kept and not shown: its code, or ""."""
    if (shown.document["origin"], shown.document["venue"]) != (peer.origin, peer.venue):
        return "not_its_own"  # nobody passes on what another venue lists
    found = sharing.agreed(peer, peer.origin, signer.origin(), now)
    if found is None or not found[2].covers(str(shown.document["industry"])):
        return "not_covered"
    return ""


def _keep(peer: Peer, shown: Shown, told_at: datetime, actor: Actor, now: datetime) -> None:
    row = ZoneListing.objects.filter(peer=peer, product=shown.product).first()
    fresh = row is None or row.state == WITHDRAWN
    if row is not None and not fresh and row.digest == shown.digest:
        return
    problem = _problem(peer, shown, now)
    document = shown.document
    documents.put(signer.document_bytes(document))
    values: dict[str, Any] = {
        "digest": shown.digest, "listing": dict(document), "state": REFUSED if problem else SHOWN, "code": problem,
        "same_as": "", "industry": document["industry"], "price_fen": document["price_fen"], "data_digest": shown.data,
        "registration": shown.certificate, "told_at": told_at, "ended_at": None, **({"since": now} if fresh else {}),
        **({} if row is not None and row.registration == shown.certificate else {"certificate": ""}),
    }  # fmt: skip
    row, _ = ZoneListing.objects.update_or_create(peer=peer, product=shown.product, defaults=values)
    _index(row)
    _record("zone.listed" if fresh else "zone.changed", row, actor, now)
    if problem:
        _answer(row, actor, now)


def _index(row: ZoneListing) -> None:
    d = row.listing
    weighted = [
        (f"{d['title']} {d['title_en']}", "A"), (" ".join(d["keywords"]), "B"), (row.product, "B"),
        (f"{d['provider']['name']} {d['provider']['name_en']} {row.peer.title_zh} {row.peer.title_en}", "C"), (d["summary"], "D"),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE federation_zonelisting SET terms = %s::tsvector WHERE id = %s", [catalogue.ts_vector(weighted), row.pk]
        )


def _answer(row: ZoneListing, actor: Actor, now: datetime) -> None:
    body = {"product": row.product, "digest": row.digest, "state": row.state, "code": row.same_as or row.code}
    reference = f"answered:{row.product}:{Feed.objects.get(peer=row.peer).heard}:{row.state}:{row.peer.outgoing.count()}"
    messages.queue(row.peer, "listing.answered", body, reference=reference, actor=actor, now=now)


def settle_same_objects(actor: Actor, now: datetime) -> int:
    """Find out anew which listings are of an object that is listed already, here or by another venue; how many changed."""
    rows = list(ZoneListing.objects.select_related("peer").filter(state__in=LIVE).order_by("since", "pk"))
    own = catalogue.listed_with_data({r.data_digest for r in rows})
    named = {digest: f"{signer.origin()}:{number}" for digest, number in own.items()}
    found = same_objects(
        (Candidate(r.pk, r.peer.origin, f"{r.peer.origin}:{r.product}", r.data_digest, r.registration) for r in rows), named
    )
    changed = [r for r in rows if found[r.pk] != r.same_as]
    for row in changed:
        row.same_as = found[row.pk]
        row.state = SAME if row.same_as else SHOWN
        row.save(update_fields=["same_as", "state"])
        _record("zone.same_object" if row.same_as else "zone.listed", row, actor, now)
        _answer(row, actor, now)
    return len(changed)


def ask(now: datetime, fetch: Fetch = fetch) -> int:
    """Ask every venue whose listings we show for its head, when it is time; how many rows that changed."""
    done = 0
    for peer in Peer.objects.filter(paused=False).order_by("pk"):
        feed = Feed.objects.filter(peer=peer).first()
        if feed is not None and feed.ask_at is not None and feed.ask_at > now:
            continue
        if sharing.agreed(peer, peer.origin, signer.origin(), now) is None:
            continue
        try:
            done += confirm(peer, now, fetch)
        except ShuguError as error:
            Feed.objects.update_or_create(
                peer=peer, defaults={"ask_at": now + sharing.EVERY, "trouble": f"{error.code}: {error.message('en')}"[:1000]}
            )
    return done


def confirm(peer: Peer, now: datetime, fetch: Fetch = fetch) -> int:
    """Compare our copy of a venue's catalogue with the head it signs now, and take over what differs; how many rows
    changed. Errors: PeerUnreachable, FormatError, VerificationError, CatalogueBehind."""
    base = f"/federation/catalogue/{signer.origin()}"
    keys, until = peers.live_keys(peer), now + messages.skew()
    head = read_head(fetch(peer, f"{base}/head"), keys, peer.origin, signer.origin(), runtime.demo(), until)
    mine = dict(ZoneListing.objects.filter(peer=peer, state__in=KEPT).values_list("product", "digest"))
    same = hashlib.sha256(items_bytes(mine.items())).hexdigest() == head.root
    theirs = dict(mine) if same else read_items(_by_digest(peer, base, head.root, fetch))
    wanted = [digest for product, digest in theirs.items() if mine.get(product) != digest]
    listings = [read_listing(parse_object(_by_digest(peer, base, digest, fetch))) for digest in wanted]
    if any(theirs.get(one.product) != one.digest for one in listings):
        raise BadMessage(reason=("目录与挂牌不符", "the index and a listing differ"))
    changed = _take_over(peer, head, theirs, listings, now)
    _fetch_certificates(peer, base, fetch)
    return changed


def _by_digest(peer: Peer, base: str, digest: str, fetch: Fetch) -> bytes:
    content = fetch(peer, f"{base}/{digest}")
    if hashlib.sha256(content).hexdigest() != digest:
        raise PeerUnreachable(origin=peer.origin, why=("内容与摘要不符", "the content has another digest"))
    return content


def _take_over(peer: Peer, head: Head, theirs: dict[str, str], listings: list[Shown], now: datetime) -> int:
    with transaction.atomic():
        feed = _feed(peer)
        if feed.head_at is not None and head.at < feed.head_at:
            raise CatalogueBehind(origin=peer.origin)  # an old answer, played again
        if head.serial < feed.heard and (feed.heard_at is None or head.at <= feed.heard_at):
            raise CatalogueBehind(origin=peer.origin)  # a message overtook it
        actor = mandate("federation", f"catalogue:{peer.venue}:{head.serial}:{head.at.isoformat()}")
        rows = ZoneListing.objects.select_related("peer").filter(peer=peer, state__in=KEPT)
        gone = _end([r for r in rows if r.product not in theirs], actor, now)
        for one in listings:
            _keep(peer, one, min(now, head.at), actor, now)
        if gone or listings:
            journal.record(
                "zone.resynchronised", subject=f"federation.peer:{peer.origin}", actor=actor, now=now,
                data={"from": peer.origin, "serial": head.serial, "taken": len(listings), "ended": gone},
                digests={"root": head.root},
            )  # fmt: skip
        settled = settle_same_objects(actor, now)
        feed.heard, feed.head_at, feed.confirmed_at, feed.gap = head.serial, head.at, min(now, head.at), False
        feed.ask_at, feed.trouble = now + sharing.EVERY, ""
        feed.save(update_fields=["heard", "head_at", "confirmed_at", "gap", "ask_at", "trouble"])
        return gone + len(listings) + settled


def _fetch_certificates(peer: Peer, base: str, fetch: Fetch) -> None:
    """The sealed certificates that are missing; one that is not to be had yet is asked for again the next time."""
    for row in ZoneListing.objects.filter(peer=peer, state=SHOWN, certificate="")[:_CERTIFICATES_AT_ONCE]:
        try:
            content = fetch(peer, f"{base}/certificate/{row.product}")
            if len(content) > _MOST_CERTIFICATE or credential_digest(read_sealed(content).credential) != row.registration:
                raise PeerUnreachable(origin=peer.origin, why=("不是挂牌所指的证书", "it is not the certificate named"))
        except ShuguError as error:
            Feed.objects.filter(peer=peer).update(trouble=f"{row.product} {error.code}: {error.message('en')}"[:1000])
            continue
        ZoneListing.objects.filter(pk=row.pk, registration=row.registration).update(certificate=documents.put(content))


def elsewhere(data_digest: str, now: datetime) -> str:
    """`<origin>:<product>` of a listing of exactly this data that the zone shows under an agreement in force, or ""."""
    rows = ZoneListing.objects.select_related("peer").filter(data_digest=data_digest, state=SHOWN, peer__paused=False)
    for row in rows.order_by("since", "pk"):
        if sharing.agreed(row.peer, row.peer.origin, signer.origin(), now) is not None:
            return f"{row.peer.origin}:{row.product}"
    return ""


listed_elsewhere(elsewhere)


def confirmed_at(row: ZoneListing, feed: Feed | None) -> datetime:
    """When its venue last said, signed, that it lists this."""
    last = feed.confirmed_at if feed is not None else None
    return max(row.told_at, last) if last is not None else row.told_at


def orderable(peer: Peer, product: str, now: datetime) -> ZoneListing:
    """A listing that may be ordered now. Errors: NotFound, ListingStale, AgreementMissing."""
    row = ZoneListing.objects.select_related("peer").filter(peer=peer, product=product, state=SHOWN).first()
    found = sharing.agreed(peer, peer.origin, signer.origin(), now)
    if row is None or found is None or not found[2].covers(row.industry):
        raise NotFound(what=(f"挂牌 {product}", f"listing {product}"))
    feed = Feed.objects.filter(peer=peer).first()
    since = confirmed_at(row, feed)
    if stale(since, now, freshness(found[2].freshness)):
        raise ListingStale(product=product)
    return row


def freshness(seconds: int) -> timedelta:
    """How long a listing counts here without being confirmed, when `seconds` were agreed."""
    return limit(seconds, runtime.rules().value("federation.listing_freshness").number)
