"""Another venue's shared catalogue in the same process: what it would tell, and what it would answer when asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.edges.federation import messages, services
from shugu.edges.federation.domain_sharing import CATALOGUE, items_bytes
from shugu.edges.federation.errors import PeerUnreachable
from shugu.edges.federation.models import Agreement, Peer
from shugu.edges.federation.tests.kit import ORIGIN, Other, terms
from shugu.formats.canonical import canonical, digest_hex, parse_object
from shugu.formats.message import read_receipt, sign_beside
from shugu.formats.suites import keyring_of
from shugu.kernel import signer
from tests.world import World


def sharing_terms(other: str, **changes: Any) -> dict[str, Any]:
    """An agreement under which each venue shows what the other lists, for ten minutes without being confirmed."""
    us = signer.origin()
    both = [
        {"from": us, "to": other, "industries": [], "freshness": 600},
        {"from": other, "to": us, "industries": ["transport", "finance"], "freshness": 600},
    ]
    found = terms(**{"sharing": both, **changes})
    return parse_object(canonical(found).replace(ORIGIN.encode(), other.encode()))


def venue_of(other: Other) -> str:
    """The code under which the venue is known here: the first label of its origin."""
    return other.origin.partition(".")[0]


def known(other: Other, world: World) -> Peer:
    """This venue knows it, under that code, with an agreement on sharing."""
    pinned = keyring_of(other.keys).text()
    cmd = services.AddPeer(venue_of(other), "远方数据交易所", "Faraway Exchange", "http://127.0.0.1:9", pinned)
    peer = services.add_peer(cmd, actor=world.otto, now=world.now)
    agreed(other, peer, world)
    return peer


def agreed(other: Other, peer: Peer, world: World, **changes: Any) -> Agreement:
    """Offered by us and countersigned by the other venue."""
    cmd = services.OfferAgreement(peer.origin, sharing_terms(other.origin, **changes))
    row = services.offer_agreement(cmd, actor=world.otto, now=world.now)
    messages.deliver(world.now, other.post(world.now))
    _, body = other.last()
    both = sign_beside(body["credential"], other.keys, world.now)
    code = tell(other, "agreement.countersigned", {"reference": row.reference, "credential": both}, world.now)
    assert code == ""
    row.refresh_from_db()
    return row


def tell(other: Other, kind: str, body: dict[str, Any], now: datetime) -> str:
    """The code of our refusal, or ""."""
    receipt = services.receive(other.message(kind, body, now), now)
    return read_receipt(receipt, signer.keyring(), other.origin, now).code


def listing(other: Other, product: str = "P-1", **changes: Any) -> dict[str, Any]:
    """A listing as the other venue would share it; data and certificate follow from venue and product."""
    mark = f"{other.origin}/{product}"
    return {
        "origin": other.origin, "venue": venue_of(other), "product": product, "version": f"{product}-v1",
        "title": f"港口吞吐量 {product}", "title_en": f"Port throughput {product}", "summary": "各港口每日吞吐量。",
        "keywords": ["港口"],
        "industry": "transport",
        "form": "data_set", "data_class": "general", "delivery_forms": ["data_set"],
        "provider": {"name": "远方数据公司", "name_en": "Faraway Data", "uscc": "91330100MA2AAAAA11"},
        "registration": {"number": f"R-{product}", "certificate": f"C-{product}", "digest": digest_hex({"certificate": mark})},
        "quality": {"report": "Q-1", "score": 9_120, "digest": "1" * 64}, "price_fen": 50_000, "price_unit": "per_contract",
        "price_includes": "", "licence": [{"label": ["期限", "Term"], "text": ["365 天", "365 days"]}], "term_days": 365,
        "policy": "2" * 64, "dictionary": "3" * 64, "sample": "4" * 64, "data": digest_hex({"data": mark}), "content": "5" * 64,
        "listed_on": "2026-03-02", **changes,
    }  # fmt: skip


@dataclass
class Catalogue:
    """What the other venue lists. `down`: it does not answer; `says`: a head it gives instead of a true one."""

    other: Other
    now: datetime
    serial: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    certificates: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    says: bytes = b""
    asked: list[str] = field(default_factory=list)

    def lists(self, product: str = "P-1", **changes: Any) -> dict[str, Any]:
        """List (or change) a product without telling anybody; its document."""
        self.serial += 1
        self.rows[product] = listing(self.other, product, **changes)
        return self.rows[product]

    def tells(self, product: str = "P-1", **changes: Any) -> str:
        """List a product and tell it; the code of our refusal or ""."""
        kind = "listing.changed" if product in self.rows else "listing.listed"
        document = self.lists(product, **changes)
        return tell(self.other, kind, {"serial": self.serial, "listing": document}, self.now)

    def withdraws(self, product: str = "P-1", *, silent: bool = False) -> str:
        self.serial += 1
        del self.rows[product]
        if silent:
            return ""
        return tell(self.other, "listing.withdrawn", {"serial": self.serial, "product": product}, self.now)

    def items(self) -> bytes:
        return items_bytes((product, digest_hex(row)) for product, row in self.rows.items())

    def head(self, now: datetime | None = None, **changes: Any) -> bytes:
        subject = {
            "to": signer.origin(), "serial": self.serial, "root": hashlib.sha256(self.items()).hexdigest(),
            "count": len(self.rows), **changes,
        }  # fmt: skip
        return canonical(self.other.signed(CATALOGUE, f"catalogue:{self.serial}", subject, now or self.now))

    def fetch(self, peer: Peer, path: str) -> bytes:
        """The wire to it, as `zone.ask` takes it."""
        name = path.rpartition("/")[2]
        self.asked.append(name)
        found = {digest_hex(row): canonical(row) for row in self.rows.values()} | self.certificates
        found |= {hashlib.sha256(self.items()).hexdigest(): self.items(), "head": self.says or self.head()}
        if self.down or peer.origin != self.other.origin or name not in found:
            raise PeerUnreachable(origin=peer.origin, why="HTTP 404")
        return found[name]
