"""Every address of the project with every kind of object: a visitor and a stranger organisation read nothing private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from shugu.web import rates
from tests.hostile import objects
from tests.hostile.conftest import Venue

pytestmark = pytest.mark.django_db

# What anybody may read, each with its reason. Everything else answers a visitor with a way to sign in or a refusal.
PUBLIC = {
    "": "the market: what is listed is offered to all",
    "products/<str:number>/": "a listed product; others are not found",
    "products/<str:product>/trade/": "how to trade a listed product",
    "register/": "the register is public (account book)",
    "register/<str:number>/": "an entry of the public register",
    "regimes/": "the regimes of registration, as their files say",
    "regimes/compare/": "two regimes side by side",
    "regimes/<slug:regime>/": "one regime",
    "regimes/<slug:regime>/simulate/": "a case tried out on paper",
    "register/apply/": "which register takes what; applying needs an account",
    "notices/": "public notice, so that anybody may object",
    "notices/<str:number>/": "public notice of one filing",
    "verify/": "anybody may verify a document",
    "certificates/<str:number>.pdf": "a certificate is shown to third parties",
    "certificates/<str:number>.json": "a certificate, for programs",
    "quality/<str:number>/": "a quality report is part of the offer",
    "quality/<str:number>.json": "a quality report, for programs",
    "quality/<str:number>.pdf": "a quality report, to print",
    "valuations/reports/<str:number>/": "that a valuation stands; its value is its holder's",
    "vouchers/<str:number>/": "that a voucher is genuine; its content is for its sides",
    "organisations/<str:number>/": "an accredited organisation is known to the market",
    "sign-in/": "signing in",
    "join/": "joining",
    "invitations/": "giving the code of an invitation",
    "lang/": "the choice of language",
    "log/checkpoint": "the transparency log is public",
    "log/keys": "the venue's verifier keys are public",
    ".well-known/venue.vkey": "the venue's verifier keys, where connectors look",
    ".well-known/venue-keys.json": "the signed history of those keys",
    ".well-known/venue-paper-revocations.json": "which of those certificates the venue has revoked",
    ".well-known/venue-paper-ca.pem": "the certificates behind the signatures of printed documents",
    "v/<str:number>": "the way from a printed number to its public page; nothing is looked up",
    "status/<slug:name>.json": "a status list says nothing of persons",
    "status/<slug:name>.sealed.json": "a status list with its seal",
    "status/<slug:name>/<int:number>.json": "one version of a status list",
    "status/<slug:name>/<int:number>.sealed.json": "one version with its seal",
    "evidence/": "what the log proves, and how to verify it",
    "evidence/facts/<int:fact_id>/": "the proof of a fact; what opens it is for those who may see it",
    "evidence/facts/<int:fact_id>/badge/": "the state of a proof",
    "evidence/facts/<int:fact_id>/proof/": "a proof holds hashes only",
    "evidence/facts/<int:fact_id>/anchors/": "which anchors in public chains cover a fact",
    "evidence/check/": "whoever has the document and the number checks a deposit",
    "evidence/cases/<int:case>/slot/": "empty for whoever may not extract",
    "witness/witness.vkey": "the key with which this venue cosigns the logs of others",
    "federation/entry/<int:entry>/": "what is public of an entry that came from or went to another venue",
    "federation/market/<slug:key>/": "what another venue lists and shares, with its checks",
    "zone/": "the local zones: listings of other venues, kept apart from our own",
    "verify/offline/": "the verifier itself, to take away",
    "evidence/subjects/<str:subject>/badge/": "the state of a proof",
    "style/": "the look, with samples only",
    "style/panel/": "the look, with samples only",
    "style/side/<str:object_id>/": "the look, with samples only",
    "rules/": "the rules in force with their sources",
    "procedures/": "the procedures in force",
    "procedures/<str:procedure>/": "one procedure: states, acts, time limits and sources",
    "accreditations/": "who may offer, buy and appraise here",
    "disclosure/": "published statistics",
    "api/openapi.json": "the description of the API",
    "api/docs": "the description of the API",
}
# The API has its own walk (test_openapi.py); a language switch redirects.
SKIPPED = ("api/",)
LATER = re.compile(r"<(?:\w+:)?(\w+)>")


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        whole = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield whole
        elif isinstance(entry, URLResolver):
            yield from addresses(entry, whole)


def every_address() -> list[str]:
    return sorted({a for a in addresses(get_resolver()) if not a.startswith(SKIPPED)})


def filled(address: str) -> list[str]:
    """The address with every real value of its first parameter, and plausible ones for the rest."""
    names = LATER.findall(address)
    if not names:
        return [f"/{address}"]
    values = objects.values_of(names[0]) or ["1", "none"]
    plain = {"do": "accept", "material": "1", "step": "offer", "period": "2026-03", "person": "1", "subject": "kernel.case:1"}
    out = []
    for value in values:
        path = address
        for name in names:
            fill = value if name == names[0] else plain.get(name, "1")
            path = re.sub(rf"<(?:\w+:)?{name}>", fill.replace("\\", ""), path, count=1)
        out.append(f"/{path}")
    return out


@dataclass
class Finding:
    path: str
    what: str


def walk(venue: Venue, who: str, under: tuple[str, ...] = ("",)) -> tuple[list[Finding], set[str]]:
    """What was found, and which addresses opened; `under`: how the addresses asked begin."""
    browser, known, findings, opened = venue.browser(who), objects.secrets(), [], set()
    browser.raise_request_exception = False
    for address in (a for a in every_address() if a.startswith(under)):
        for path in filled(address):
            rates.BUCKETS.forget()
            answer = browser.get(path)
            if answer.status_code >= 500:
                findings.append(Finding(path, f"{answer.status_code}"))
            if answer.status_code == 200:
                opened.add(address)
                content = b"".join(answer) if answer.streaming else answer.content
                text = content.decode("utf-8", "replace")
                findings += [Finding(path, f"tells {s}") for s in objects.told(text, known, path)]
    return findings, opened


def test_a_visitor_opens_public_pages_only_and_reads_nothing_private(venue: Venue) -> None:
    findings, opened = walk(venue, "")
    assert findings == []
    assert opened - set(PUBLIC) == set()
    assert len(opened) > 15


def test_a_stranger_organisation_reads_nothing_private(venue: Venue) -> None:
    """Pages of its own (its desk, its money) open and are empty of what belongs to others."""
    findings, opened = walk(venue, "mallory")
    assert findings == []
    assert not {a for a in opened if a.startswith(("operations/", "supervision/", "cases/", "filings/", "contracts/<"))}


def test_the_walk_would_see_a_leak(venue: Venue) -> None:
    """The same walk as a side of the trade finds the very secrets: what it looks for is there to be found."""
    findings, opened = walk(venue, "alice", ("contracts/", "cases/", "money/", "negotiations/", "deliveries/", "assignments/"))
    assert [f for f in findings if not f.what.startswith("tells")] == []
    assert len({f.what for f in findings}) > 5
    assert "contracts/<str:number>/" in opened and "cases/<str:number>/" in opened


def test_every_public_address_exists_or_belongs_to_the_log() -> None:
    known = set(every_address()) | set(addresses(get_resolver()))
    assert [a for a in PUBLIC if a not in known] == []
