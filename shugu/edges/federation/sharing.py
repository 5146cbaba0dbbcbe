"""Our listings at other venues: what is on our market and covered by an agreement is told to the peer, and so is its end.

What has been told is compared with what is listed, whenever a listing or an agreement moved and from time to time besides;
so nothing depends on one notice having come. A peer asks for a signed head and, when its own copy differs, for the index and
the listings behind it, by digest. Nothing but our own products is ever told.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from shugu.appraisal import queries as appraisal
from shugu.catalogue import queries as catalogue
from shugu.edges.federation import agreements, messages
from shugu.edges.federation.bodies import body_of
from shugu.edges.federation.domain import Shares, Terms
from shugu.edges.federation.domain_sharing import CATALOGUE, REFUSED, SAME, SHOWN, items_bytes
from shugu.edges.federation.messages import on_message
from shugu.edges.federation.models import Agreement, Peer
from shugu.edges.federation.models_sharing import Feed, Shared
from shugu.evidence import queries as evidence
from shugu.formats.canonical import canonical, digest_hex, parse_object
from shugu.formats.errors import BadMessage
from shugu.formats.message import Message
from shugu.kernel import documents, journal, runtime, signer
from shugu.kernel.cases import mandate
from shugu.kernel.errors import NotFound
from shugu.kernel.journal import FactView
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry

name_fact("sharing.told", "挂牌共享至其他场所", "listing shared with another venue")
name_fact("sharing.withdrawn", "撤回在其他场所的共享", "shared listing withdrawn from another venue")
name_fact("sharing.answered", "其他场所对共享挂牌的处理", "what another venue made of a shared listing")

EVERY = timedelta(seconds=20)
AT_ONCE = 200
# The facts after which the comparison is made at once.
WAKES = (
    "listing.approved", "listing.suspended", "listing.resumed", "listing.delisted", "listing.expired", "listing.replaced",
    "agreement.countersigned", "agreement.confirmed", "agreement.suspended", "agreement.resumed", "agreement.ended",
    "agreement.expired",
)  # fmt: skip


def wake(fact: FactView, now: datetime) -> None:
    Feed.objects.update(share_at=now)


def agreed(peer: Peer, source: str, target: str, now: datetime) -> tuple[Agreement, Terms, Shares] | None:
    """The newest agreement in force under which `target` shows listings of `source`."""
    for row, terms in agreements.in_force(peer, now):
        found = terms.shares(source, target)
        if found is not None:
            return row, terms, found
    return None


def share(now: datetime) -> int:
    """Tell every peer what it has not been told yet; how many messages that made."""
    return sum(_share_with(peer, now) for peer in Peer.objects.filter(paused=False).order_by("pk"))


def _share_with(peer: Peer, now: datetime) -> int:
    Feed.objects.get_or_create(peer=peer)
    with transaction.atomic():
        feed = Feed.objects.select_for_update(skip_locked=True).filter(peer=peer).first()
        if feed is None or (feed.share_at is not None and feed.share_at > now):
            return 0
        found = agreed(peer, signer.origin(), peer.origin, now)
        told = {r.product: r for r in Shared.objects.filter(peer=peer, withdrawn_at__isnull=True)}
        if found is None and not told:
            wanted = {}
        else:
            covers = found[2].covers if found is not None else lambda industry: False
            wanted = {one.product: one.version for one in catalogue.on_market() if covers(one.industry)}
        gone = [row for product, row in told.items() if product not in wanted]
        new = [p for p, version in wanted.items() if p not in told or told[p].version != version]
        done = sum(_withdraw(feed, row, now) for row in gone) + sum(_tell(feed, p, now) for p in new[:AT_ONCE])
        feed.share_at = now + (EVERY if len(new) <= AT_ONCE else timedelta(0))
        feed.save(update_fields=["sent", "share_at"])
        return done


def _tell(feed: Feed, product: str, now: datetime) -> int:
    document = listing_document(product, local_day(now))
    if document is None:
        return 0
    known = Shared.objects.filter(peer_id=feed.peer_id, product=product).first()
    content = canonical(document)
    digest = documents.put(content)
    if known is not None and known.withdrawn_at is None and known.digest == digest:
        return 0
    feed.sent += 1
    _say(feed, "listing.changed" if known is not None and known.withdrawn_at is None else "listing.listed", product, now,
         {"serial": feed.sent, "listing": document}, {"listing": digest})  # fmt: skip
    Shared.objects.update_or_create(
        peer_id=feed.peer_id, product=product,
        defaults={
            "version": document["version"], "digest": digest, "serial": feed.sent, "told_at": now, "withdrawn_at": None,
            "answer": "", "answer_code": "",
        },
    )  # fmt: skip
    return 1


def _withdraw(feed: Feed, row: Shared, now: datetime) -> int:
    feed.sent += 1
    _say(feed, "listing.withdrawn", row.product, now, {"serial": feed.sent, "product": row.product}, {"listing": row.digest})
    row.withdrawn_at, row.serial = now, feed.sent
    row.save(update_fields=["withdrawn_at", "serial"])
    return 1


def _say(feed: Feed, kind: str, product: str, now: datetime, body: dict[str, Any], digests: dict[str, str]) -> None:
    actor = mandate("federation", f"{kind}:{feed.peer.venue}:{feed.sent}")
    messages.queue(feed.peer, kind, body, reference=f"listing:{feed.sent}", actor=actor, now=now)
    journal.record(
        "sharing.withdrawn" if kind == "listing.withdrawn" else "sharing.told",
        subject=f"catalogue.product:{catalogue.product_id(product)}", actor=actor, now=now,
        data={"product": product, "to": feed.peer.origin, "serial": feed.sent}, digests=digests,
    )  # fmt: skip


def listing_document(product: str, on: date) -> dict[str, Any] | None:
    """What is told of a product that is listed now (docs/formats.md "Between venues"); None for one that no certificate
    stands behind."""
    version = catalogue.listed(product)
    if version is None:
        return None
    owned = catalogue.version(version.id)
    entry = registry.entry(owned.entry_id, on)
    if not entry.certificate_number:
        return None
    certificate, provider = registry.certificate(entry.certificate_number, on), parties.organisation(owned.provider_org, on)
    quality = appraisal.quality_of(owned.entry_id, on, data_digest=version.data_digest)
    view = catalogue.product(product)
    listed_at = view.listing.listed_at if view.listing is not None else None
    return {
        "origin": signer.origin(), "venue": runtime.venue_id(), "product": product,
        "version": version.number, "title": version.title, "title_en": version.title_en, "summary": version.summary[:4_000],
        "keywords": list(version.keywords), "industry": version.industry, "form": version.form,
        "data_class": version.data_class, "delivery_forms": list(version.delivery_forms),
        "provider": {"name": provider.name, "name_en": provider.name_en, "uscc": provider.uscc},
        "registration": {"number": entry.number, "certificate": certificate.number, "digest": certificate.digest},
        "quality": (
            {"report": quality.number, "score": quality.score, "digest": quality.report_digest}
            if quality is not None and quality.score is not None else None
        ),
        "price_fen": version.price_fen, "price_unit": version.price_unit, "price_includes": version.price_includes,
        "licence": [{"label": list(label), "text": list(text)} for label, text in catalogue.licence_lines(version)],
        "term_days": version.term_days, "policy": digest_hex(dict(version.policy)),
        "dictionary": digest_hex({"columns": [dict(c) for c in version.dictionary]}),
        "sample": digest_hex({"rows": [list(r) for r in version.sample]}), "data": version.data_digest,
        "content": version.digest, "listed_on": local_day(listed_at or version.created_at).isoformat(),
    }  # fmt: skip


@on_message("listing.answered")
def take_answer(peer: Peer, message: Message, now: datetime) -> None:
    """What the peer made of a listing of ours. Errors: BadMessage, NotFound."""
    body = body_of(message)
    if body["state"] not in (SHOWN, SAME, REFUSED) or len(body["code"]) > 120:
        raise BadMessage(reason=("状态未知", "an unknown state"))
    row = Shared.objects.select_for_update().filter(peer=peer, product=body["product"]).first()
    if row is None:
        raise NotFound(what=("共享挂牌", "shared listing"))
    if row.digest != body["digest"]:
        return  # about an older one: the answer to the newest is on its way
    row.answer, row.answer_code = body["state"], body["code"]
    row.save(update_fields=["answer", "answer_code"])
    journal.record(
        "sharing.answered", subject=f"catalogue.product:{catalogue.product_id(row.product)}",
        actor=messages.actor_for(peer, message), now=now,
        data={"product": row.product, "by": peer.origin, "state": row.answer, "code": row.answer_code},
        digests={"listing": row.digest},
    )  # fmt: skip


def _asker(origin: str) -> Peer:
    found = Peer.objects.filter(origin=origin, paused=False).first()
    if found is None:
        raise NotFound(what=("共享目录", "shared catalogue"))
    return found


def _items(peer: Peer) -> bytes:
    return items_bytes(Shared.objects.filter(peer=peer, withdrawn_at__isnull=True).values_list("product", "digest"))


def head(origin: str, now: datetime) -> bytes:
    """The signed head of what the peer with this origin may show of us. Errors: NotFound."""
    peer = _asker(origin)
    items = _items(peer)
    serial = Feed.objects.filter(peer=peer).values_list("sent", flat=True).first() or 0
    credential = signer.sign_document(
        CATALOGUE, number=f"catalogue:{peer.venue}:{serial}", now=now,
        subject={
            "to": peer.origin, "serial": serial, "root": hashlib.sha256(items).hexdigest(),
            "count": Shared.objects.filter(peer=peer, withdrawn_at__isnull=True).count(),
        },
    )  # fmt: skip
    return signer.document_bytes(credential)


def part(origin: str, digest: str) -> bytes:
    """The index whose root this is, or the listing with this digest, of what the peer may show. Errors: NotFound, also
    for an index that has moved on meanwhile."""
    peer = _asker(origin)
    items = _items(peer)
    if hashlib.sha256(items).hexdigest() == digest:
        return items
    if not Shared.objects.filter(peer=peer, digest=digest, withdrawn_at__isnull=True).exists():
        raise NotFound(what=("共享目录", "shared catalogue"))
    return documents.get(digest)


def certificate(origin: str, product: str) -> bytes:
    """The sealed certificate behind a shared listing. Errors: NotFound, NotSealedYet."""
    row = Shared.objects.filter(peer=_asker(origin), product=product, withdrawn_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("共享挂牌", "shared listing"))
    told: Any = parse_object(documents.get(row.digest))
    return evidence.sealed(told["registration"]["digest"])
