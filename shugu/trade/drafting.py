"""How the terms of a contract are put together from what was agreed, the register, the reports and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shugu.appraisal import queries as appraisal
from shugu.formats.canonical import digest_hex
from shugu.kernel import runtime
from shugu.kernel.rules import RuleValue
from shugu.market import queries as market
from shugu.market.queries import AcceptedTerms
from shugu.party import queries as parties
from shugu.party.queries import OrgView
from shugu.registry import queries as registry
from shugu.trade.clauses import code_text
from shugu.trade.domain import (
    SELLING_VENUE,
    TERMS_TYPE,
    FeeLine,
    FeeRule,
    ShareLine,
    fee_lines,
    gates,
    share_lines,
    shared_fee,
)
from shugu.trade.through import Through, through_of


@dataclass(frozen=True)
class Draft:
    """`terms` is the canonical document both sides sign; `digest` its SHA-256 in hex."""

    terms: dict[str, Any]
    digest: str
    affiliated: bool


def party_of(org: OrgView) -> dict[str, Any]:
    return {"number": org.number, "uscc": org.uscc, "name": org.name}


def fee_rule(value: RuleValue) -> FeeRule:
    return FeeRule(value.name, value.number, value.document, value.article, str(value.force))


def service_bodies(entry_id: int, on: date) -> tuple[int, ...]:
    """Third-party bodies whose report on the product is in force: each has its fee line."""
    report = appraisal.compliance_of(entry_id, on)
    return (report.body,) if report is not None else ()


def affiliated(provider: int, buyer: int) -> bool:
    """Whether people with any right in the one also have one in the other."""
    rights = ("admin", "sign", "act")
    people = [{p for right in rights for p in parties.members_with_right(org, right)} for org in (provider, buyer)]
    return bool(people[0] & people[1])


def money_lines(
    price_fen: int, entry_id: int, on: date, brought: Through | None = None
) -> tuple[tuple[FeeLine, ...], tuple[ShareLine, ...]]:
    rules = runtime.rules()
    numbers = [parties.organisation(org, on).number for org in service_bodies(entry_id, on)]
    fees = fee_lines(
        price_fen, venue=runtime.venue_id(), venue_rule=fee_rule(rules.value("settlement.venue_fee_bps")), bodies=numbers,
        body_rule=fee_rule(rules.value("settlement.service_body_fee_bps")),
        payer=str(rules.value("settlement.fee_payer").value), rounding=str(rules.value("settlement.fee_rounding").value),
    )  # fmt: skip
    if brought is not None:
        fees = shared_fee(fees, brought.payee, brought.parts)
    holders = [(parties.organisation(h.org, on).number, h.parts) for h in registry.entry(entry_id, on).holders]
    return fees, share_lines(price_fen, fees, holders)


def draft(number: str, agreed: AcceptedTerms, *, revision: int, drafted_on: date) -> Draft:
    """The terms of one revision. Errors: NotFound."""
    on = drafted_on
    version = market.version(agreed.product_version_id)
    entry = registry.entry(version.entry_id, on)
    provider, buyer = parties.organisation(agreed.provider_org, on), parties.organisation(agreed.buyer_org, on)
    brought = through_of(agreed.buyer_org, version.product, number)
    fees, shares = money_lines(agreed.price_fen, version.entry_id, on, brought)
    related = affiliated(agreed.provider_org, agreed.buyer_org)
    terms: dict[str, Any] = {
        "type": TERMS_TYPE,
        "contract": number,
        "revision": revision,
        "venue": runtime.venue_id(),
        "rule_set": runtime.rules().id,
        "negotiation": agreed.number,
        "offer": agreed.offer_number,
        "provider": party_of(provider),
        "buyer": party_of(buyer),
        "product": {
            "number": version.product, "version": version.number, "title": version.title, "digest": version.digest,
            "data_digest": version.data_digest,
        },
        "registration": {"number": entry.number, "certificate": entry.certificate_number, "title": entry.title},
        "policy": dict(agreed.policy),
        "purpose": agreed.purpose,
        "term_days": agreed.term_days,
        "delivery_form": agreed.delivery_form,
        "quantity": agreed.quantity,
        "price_fen": agreed.price_fen,
        "price_unit": agreed.price_unit,
        "currency": "CNY",
        "fees": [f.as_dict() for f in fees],
        "revenue": [s.as_dict() for s in shares],
        "affiliated": related,
        "drafted_on": drafted_on.isoformat(),
    }  # fmt: skip
    if brought is not None:
        own, theirs = (sum(f.amount_fen for f in fees if f.kind == kind) for kind in ("venue", SELLING_VENUE))
        terms["through"] = brought.as_dict(own, theirs)
    if agreed.rate is not None:
        terms["rate"] = agreed.rate
    return Draft(terms, digest_hex(terms), related)


def gate_facts(terms: Mapping[str, Any], version_id: int, entry_id: int, on: date) -> list[dict[str, Any]]:
    """The gates of catalogue.circulation_gates for these terms, each with its basis."""
    version = market.version(version_id)
    entry = registry.entry(entry_id, on)
    known = {
        "source": entry.source, "registration": entry.number, "blocked": bool(registry.tradable(entry_id, on)),
        "purpose": code_text("catalogue.purposes", terms["purpose"]) if terms["purpose"] else (),
        "permissions": len(terms["policy"].get("permission", ())),
        "connector": version.connector_id, "data_digest": version.data_digest,
        "listed": market.still_listed(version_id),
    }  # fmt: skip
    rows = runtime.rules().value("catalogue.circulation_gates").rows
    return [
        {"code": g.code, "zh": g.title.zh, "en": g.title.en, "passed": g.passed, "basis_zh": g.basis.zh, "basis_en": g.basis.en}
        for g in gates(rows, known)
    ]

