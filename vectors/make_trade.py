"""The vectors of shared listings, orders over two venues and settlements between venues (docs/formats.md 14), made with the
keys of `make.py`: the listing venue is the one of the other vectors, the selling venue its counterpart of `message.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shugu.formats.canonical import canonical, digest_hex
from shugu.formats.credential import CONTEXT, Document, credential_digest, sign_credential
from shugu.formats.message import MESSAGE
from shugu.formats.suites import SigningKey, keyring_of

AT = "2026-11-22T02:05:04Z"
NOW = datetime(2026, 11, 22, 2, 5, 4, tzinfo=UTC)
PRODUCT, ORDER, CONTRACT, SETTLEMENT = "PRD-1", "XOR-1", "CTR-1", "XST-1"
AGREEMENT = "AGR-VECTORS-2026-00000001X"
USCC = "91330100MA2AAAAA1Q"
# The fee is odd on purpose: 3000 of ten thousand of 1001 fen is 300, and the fen left over stays where the product is listed.
LISTING_FEN, SELLING_FEN, PARTS = 701, 300, 3000


@dataclass(frozen=True)
class Venue:
    code: str
    keys: Sequence[SigningKey]

    @property
    def origin(self) -> str:
        return self.keys[0].name

    def sign(self, kind: str, number: str, subject: Document) -> Document:
        whole: Document = {
            "@context": [CONTEXT], "id": f"urn:shugu:{self.code}:{number}", "type": ["VerifiableCredential", kind],
            "issuer": f"https://{self.origin}", "validFrom": AT,
            "credentialSubject": {"number": number, "venue": self.code, **subject},
        }  # fmt: skip
        return sign_credential(whole, list(self.keys), NOW)


def listing(venue: Venue) -> Document:
    return {
        "origin": venue.origin, "venue": venue.code, "product": PRODUCT, "version": f"{PRODUCT}-v1", "title": "港口吞吐量",
        "title_en": "Port throughput", "summary": "各港口每日吞吐量。", "keywords": ["港口"], "industry": "transport",
        "form": "data_set", "data_class": "general", "delivery_forms": ["data_set"],
        "provider": {"name": "远方数据公司", "name_en": "Faraway Data", "uscc": USCC},
        "registration": {"number": "REG-1", "certificate": "CER-1", "digest": sha256(b"certificate").hexdigest()},
        "quality": {"report": "RPT-1", "score": 9_120, "digest": sha256(b"report").hexdigest()}, "price_fen": 100_100,
        "price_unit": "per_contract", "price_includes": "", "term_days": 365, "listed_on": "2026-11-20",
        "licence": [{"label": ["期限", "Term"], "text": ["365 天", "365 days"]}],
        **{name: sha256(name.encode()).hexdigest() for name in ("policy", "dictionary", "sample", "data", "content")},
    }  # fmt: skip


def bodies(there: Venue, here: Venue) -> tuple[list[tuple[str, Document]], list[tuple[str, Document]]]:
    """What the listing venue (`there`) says, and what the selling venue (`here`) says, kind and body, in the order in which
    each does."""
    shown = listing(there)
    digest = digest_hex(shown)
    through: Document = {
        "venue": here.code, "origin": here.origin, "order": ORDER, "agreement": AGREEMENT, "payee": "ORG-2", "parts": PARTS,
        "listing_fen": LISTING_FEN, "selling_fen": SELLING_FEN,
    }  # fmt: skip
    voucher = there.sign(
        "DataTransactionVoucher", "VCH-1", {"contract": {"number": CONTRACT}, "buyer": {"uscc": USCC}, "through": through}
    )
    named = credential_digest(voucher)
    acknowledged = here.sign(
        "VoucherAcknowledgement", f"acknowledgement:{ORDER}",
        {"to": there.origin, "order": ORDER, "voucher": named, "selling_fen": SELLING_FEN},
    )  # fmt: skip
    accredited = here.sign("AccreditationCertificate", "MER-1", {"uscc": USCC, "accreditedAs": "buyer"})
    account: Document = {"holder": "他处数据交易所有限公司", "bank": "示范银行", "number": "6228480000000000018"}
    said_there: list[tuple[str, Document]] = [
        ("listing.listed", {"serial": 1, "listing": shown}),
        ("listing.changed", {"serial": 2, "listing": {**shown, "price_fen": 100_200}}),
        ("listing.withdrawn", {"serial": 3, "product": PRODUCT}),
        (
            "order.contracted",
            {"order": ORDER, "contract": CONTRACT, "terms_digest": sha256(b"terms").hexdigest(), "price_fen": 100_100},
        ),
        ("order.progressed", {"order": ORDER, "stage": "approved"}),
        ("order.completed", {"order": ORDER, "voucher": voucher}),
        ("order.ended", {"order": "XOR-2", "reason": "contract.lapsed"}),
        ("settlement.agreed", {"settlement": SETTLEMENT}),
        ("settlement.declined", {"settlement": "XST-2", "reason": "账户不符"}),
        ("settlement.paid", {"settlement": SETTLEMENT, "instruction": "PAY-1", "paid_on": "2026-11-22"}),
    ]  # fmt: skip
    said_here: list[tuple[str, Document]] = [
        ("listing.answered", {"product": PRODUCT, "digest": digest, "state": "shown", "code": ""}),
        (
            "order.placed",
            {
                "order": ORDER, "product": PRODUCT, "listing": digest, "code": sha256(b"a code of the buyer").hexdigest(),
                "agreement": AGREEMENT, "buyer": {"name": "远方客户公司", "name_en": "", "uscc": USCC},
                "accreditation": accredited,
            },
        ),
        ("order.withdrawn", {"order": "XOR-2"}),
        ("order.acknowledged", {"order": ORDER, "acknowledgement": acknowledged}),
        (
            "settlement.claimed",
            {
                "settlement": SETTLEMENT, "orders": [{"order": ORDER, "voucher": named, "selling_fen": SELLING_FEN}],
                "amount_fen": SELLING_FEN, "account": account,
            },
        ),
        ("settlement.received", {"settlement": SETTLEMENT, "amount_fen": SELLING_FEN, "received_on": "2026-11-22"}),
        (
            "settlement.netted",
            {
                "settlement": "XST-4", "period": "2026-10", "currency": "CNY",
                "rows": [{"settlement": "XST-3", "claimant": here.origin, "amount_fen": SELLING_FEN},
                         {"settlement": "XST-1", "claimant": there.origin, "amount_fen": 100}],
                "amount_fen": SELLING_FEN - 100, "account": account,
            },
        ),
    ]  # fmt: skip
    return said_there, said_here


def _messages(sender: Venue, to: Venue, said: list[tuple[str, Document]]) -> list[dict[str, str]]:
    out = []
    for sequence, (kind, body) in enumerate(said, 1):
        subject: Document = {"to": to.origin, "kind": kind, "sequence": sequence, "body": body}
        out.append({"kind": kind, "message": canonical(sender.sign(MESSAGE, f"message:{to.code}:{sequence}", subject)).decode()})
    return out


def _items(rows: list[list[object]]) -> bytes:
    return canonical({"items": rows})


def _head(venue: Venue, asker: Venue, **changes: Any) -> bytes:
    items = _items([[PRODUCT, digest_hex(listing(venue))]])
    subject: Document = {"to": asker.origin, "serial": 1, "root": sha256(items).hexdigest(), "count": 1, **changes}
    return canonical(venue.sign("FederationCatalogue", f"catalogue:{asker.code}:1", subject))


def _refused_listings(good: dict[str, Any]) -> dict[str, object]:
    return {
        "member-missing": {k: v for k, v in good.items() if k != "quality"},
        "member-too-many": {**good, "extra": 1},
        "digest-short": {**good, "data": "0" * 63},
        "price-negative": {**good, "price_fen": -1},
        "price-as-text": {**good, "price_fen": "100100"},
        "no-certificate": {**good, "registration": {"number": "REG-1", "certificate": "", "digest": "0" * 64}},
        "score-too-high": {**good, "quality": {"report": "RPT-1", "score": 10_001, "digest": "0" * 64}},
        "day-misspelt": {**good, "listed_on": "2026-11-31"},
        "licence-in-one-language": {**good, "licence": [{"label": ["期限"], "text": ["365 天"]}]},
    }


def _refused_claims(good: dict[str, Any]) -> dict[str, object]:
    """By their form; whether orders, parts and sum are those of the venue that owes, its books say."""
    return {
        "member-missing": {k: v for k, v in good.items() if k != "account"},
        "sum-as-text": {**good, "amount_fen": "300"},
        "order-without-voucher": {**good, "orders": [{"order": ORDER, "selling_fen": SELLING_FEN}]},
        "account-without-bank": {**good, "account": {"holder": "x", "number": "1"}},
    }


def trade_vectors(listing_keys: Sequence[SigningKey], selling_keys: Sequence[SigningKey]) -> object:
    """Every message of a trade over two venues and its settlement, the catalogue, and what has to be refused."""
    there, here = Venue("vectors", listing_keys), Venue("other", selling_keys)
    said_there, said_here = bodies(there, here)
    shown: Any = listing(there)
    claim: Any = dict(said_here)["settlement.claimed"]
    items = _items([[PRODUCT, digest_hex(shown)]])
    two: list[list[object]] = [["PRD-2", "0" * 64], [PRODUCT, "0" * 64]]
    return {
        "at": AT, "vkeys": keyring_of(list(listing_keys)).text(), "vkeys_of_selling": keyring_of(list(selling_keys)).text(),
        "listing": canonical(shown).decode(), "listing_sha256": digest_hex(shown),
        "index": items.decode(), "root": sha256(items).hexdigest(), "head": _head(there, here).decode(),
        "fee": {"fee_fen": LISTING_FEN + SELLING_FEN, "parts": PARTS, "listing_fen": LISTING_FEN, "selling_fen": SELLING_FEN},
        "from_listing": _messages(there, here, said_there), "from_selling": _messages(here, there, said_here),
        "refused": {
            "listings": {name: canonical(value).decode() for name, value in _refused_listings(shown).items()},
            "indexes": {
                "out-of-order": _items(two).decode(), "twice": _items([two[0], two[0]]).decode(),
                "digest-upper-case": _items([[PRODUCT, "A" * 64]]).decode(),
            },
            "heads": {
                "to-another": _head(there, here, to="third.shugu.dev/log").decode(),
                "serial-negative": _head(there, here, serial=-1).decode(),
                "member-too-many": _head(there, here, extra=1).decode(),
                "by-another": _head(Venue("vectors", selling_keys), here).decode(),
            },
            "claims": {name: canonical(value).decode() for name, value in _refused_claims(claim).items()},
        },
    }  # fmt: skip
