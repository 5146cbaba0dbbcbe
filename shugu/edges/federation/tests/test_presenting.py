"""A certificate of another venue: every check, what it waives and no more, and how it ends again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from shugu.edges.federation import presenting, services, standing
from shugu.edges.federation.domain import Evidence
from shugu.edges.federation.errors import PeerUnreachable
from shugu.edges.federation.kinds import STATEMENT
from shugu.edges.federation.models import Peer, Presentation
from shugu.edges.federation.statements import read_statement, state
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.test_agreements import Pair, signed
from shugu.formats.canonical import canonical, sha256
from shugu.formats.credential import Document
from shugu.formats.errors import VerificationError
from shugu.kernel import engine, signer
from shugu.kernel import queries as cases
from shugu.kernel.decide import needed_materials
from shugu.kernel.errors import Forbidden, InputInvalid, MaterialsMissing, NotFound
from shugu.party import queries as parties
from shugu.registry import queries as book
from shugu.registry import services as registry
from shugu.registry.errors import RecognitionEnded
from tests.world import FORM, World

REGIME = "shenzhen"


def sealed_by(other: Other, credential: Document) -> bytes:
    """The credential sealed in the log of its venue."""
    return other.log.sealed(credential)


@dataclass
class Issuer:
    """The venue far away: what it issued, and what it says of it when asked."""

    other: Other
    world: World
    facets: tuple[str, ...] = ("valid",)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def certificate(self, holder: int, **changes: Any) -> Document:
        subject = {
            "kind": "data_property_certificate", "title": "深圳港口数据", "last_day": "2028-12-31",
            "entry": {"number": "ENT-FARAWAY-1", "version": 1, "register": "data-property", "regime": REGIME},
            "object_kind": {"code": "data_product", "zh": "数据产品", "en": "data product"},
            "rights": [{"code": "holding", "zh": "持有", "en": "holding"}],
            "holders": [{"uscc": parties.organisation(holder).uscc, "name": "x", "parts": 1}],
            "particulars": {"summary": "港口吞吐量", "industry": "transport", "region": "深圳", "source": "自采"}, **changes,
        }  # fmt: skip
        return self.other.signed("DataPropertyCertificate", "CER-FARAWAY-1", subject, self.world.now)

    def fetch(self, peer: Peer, path: str) -> bytes:
        self.asked.append(path)
        if self.down:
            raise PeerUnreachable(origin=peer.origin, why="ConnectError")
        if not path.startswith("/federation/status/"):
            return self.other.log.answer(peer, path, self.world.now)
        _, _, _, digest, nonce = path.split("/")
        subject = {"digest": digest, "document": "CER-FARAWAY-1", "facets": list(self.facets), "nonce": nonce}
        return canonical(self.other.signed(STATEMENT, "status", subject, self.world.now))


def agreed(world: World, **changes: Any) -> Issuer:
    """A venue known here, with an agreement in force."""
    other = Other.make("sm")
    pair: Pair = (other, other.added(world))
    signed(pair, world, **changes)
    return Issuer(other, world)


@pytest.fixture()
def issuer(world: World) -> Issuer:
    return agreed(world)


def presented(issuer: Issuer, content: bytes, by: Any = None) -> Presentation:
    world = issuer.world
    row = services.present(services.Present(content), actor=by or world.alice, now=world.now)
    return services.check(row, world.now, issuer.fetch)


def failed(row: Presentation) -> str:
    return next((c["id"] for c in row.checks if c["outcome"] == "failed"), "")


def good(issuer: Issuer) -> bytes:
    assert issuer.world.alice.org is not None
    return sealed_by(issuer.other, issuer.certificate(issuer.world.alice.org))


def test_a_good_certificate_passes_every_numbered_check(issuer: Issuer) -> None:
    """A certificate of another venue is relied on by its signatures, its log and its standing.
    carries: P6-198
    """
    row = presented(issuer, good(issuer))
    assert row.state == "recognised", row.checks
    assert [c["n"] for c in row.checks] == list(range(1, len(row.checks) + 1))
    assert {c["outcome"] for c in row.checks} == {"ok", "skipped"}
    found = registry.recognitions_of(row.org)[0]
    assert (found.state, found.venue, found.agreement != "", found.trade) == ("live", "faraway", True, False)


def _detail(row: Presentation, id_: str) -> str:
    return next(str(c["detail"]) for c in row.checks if c["id"] == id_)


def test_a_document_without_a_status_list_is_judged_by_the_answer_alone_only_where_agreed(world: World) -> None:
    loose = agreed(world)
    row = presented(loose, good(loose))
    assert row.state == "recognised" and "no list can prove" in _detail(row, "list")
    assert "仅凭答复" in _detail(row, "status") and "answer alone" in _detail(row, "status")


def test_without_that_clause_it_is_refused_by_name(world: World) -> None:
    strict = agreed(world, evidence={"status_max_age": 3600, "witnesses": 0, "anchors": {}})
    row = presented(strict, good(strict))
    assert (row.state, failed(row)) == ("refused", "list") and "unlisted" in _detail(row, "list")
    demanded = Evidence(3600, 0, {})
    why, enough = standing.without_list({"type": ["VerifiableCredential", STATEMENT]}, demanded)
    assert enough and "no status list" in why[1], "of a kind that says why nothing can happen to it none is wanted"
    for named in (["VerifiableCredential", "Unheard"], ["VerifiableCredential"], None):
        assert not standing.without_list({"type": named}, demanded)[1]


def _changed(issuer: Issuer) -> bytes:
    return good(issuer).replace("港口".encode(), "港囗".encode(), 1)


def _unsealed(issuer: Issuer) -> bytes:
    assert issuer.world.alice.org is not None
    return canonical(issuer.certificate(issuer.world.alice.org))


def _forged(issuer: Issuer) -> bytes:
    assert issuer.world.alice.org is not None
    false = Issuer(Other.make("sm"), issuer.world)
    return sealed_by(false.other, false.certificate(issuer.world.alice.org))


def _stranger(issuer: Issuer) -> bytes:
    assert issuer.world.alice.org is not None
    false = Issuer(Other.make(origin="nowhere.example"), issuer.world)
    return sealed_by(false.other, false.certificate(issuer.world.alice.org))


def _not_mine(issuer: Issuer) -> bytes:
    assert issuer.world.bob.org is not None
    return sealed_by(issuer.other, issuer.certificate(issuer.world.bob.org))


def _other_kind(issuer: Issuer) -> bytes:
    assert issuer.world.alice.org is not None
    return sealed_by(issuer.other, issuer.certificate(issuer.world.alice.org, kind="pledge_certificate"))


@pytest.mark.parametrize(
    ("make", "check"),
    [
        (_changed, "proof-ed25519"), (_unsealed, "sealed"), (_forged, "issuer-pinned"), (_stranger, "known-venue"),
        (_not_mine, "holder"), (_other_kind, "agreement"), (lambda i: b"{}", "known-venue"), (lambda i: b"no json", "file-form"),
    ],
)  # fmt: skip
def test_a_bad_one_is_refused_at_the_check_that_fails(issuer: Issuer, make: Callable[[Issuer], bytes], check: str) -> None:
    row = presented(issuer, make(issuer))
    assert (row.state, failed(row)) == ("refused", check)
    kept = registry.recognitions_of(row.org)[0]
    assert (kept.state, kept.failed, kept.waives) == ("refused", check, [])


@pytest.mark.parametrize("facets", [("revoked",), ("moved",), ("valid", "objected"), ("suspended",), ()])
def test_one_that_its_venue_no_longer_stands_by_is_refused(issuer: Issuer, facets: tuple[str, ...]) -> None:
    issuer.facets = facets
    assert failed(presented(issuer, good(issuer))) == "status"


def test_a_venue_that_cannot_be_asked_is_no_verdict(issuer: Issuer) -> None:
    issuer.down = True
    row = presented(issuer, good(issuer))
    assert row.state == "waiting" and not registry.recognitions_of(row.org)
    issuer.down = False
    later = issuer.world.now + timedelta(minutes=1)
    assert presenting.check_waiting(later, issuer.fetch) == 1
    row.refresh_from_db()
    assert row.state == "recognised"


def test_an_answer_to_another_question_is_none(issuer: Issuer) -> None:
    """A relayer replays an older answer, or one about another certificate."""
    world = issuer.world
    peer = Peer.objects.get()
    kept = issuer.fetch(peer, "/federation/status/" + "a" * 64 + "/" + "b" * 32)
    keys = signer.keyring().__class__(tuple(k.verify_key for k in issuer.other.keys))
    for digest, nonce in (("c" * 64, "b" * 32), ("a" * 64, "d" * 32)):
        with pytest.raises(VerificationError):
            read_statement(kept, keys, digest, nonce, world.now)


def test_our_own_answer_is_signed_and_says_how_the_certificate_stands(world: World, client: Client) -> None:
    line = world.registered_entry()
    digest = book.certificate(line.certificate_number).digest
    nonce = "0" * 32
    said = read_statement(state(digest, nonce, world.now), signer.keyring(), digest, nonce, world.now)
    assert said.facets == {"valid"} and said.stopped_by == ()
    place = registry.PlaceHold(line.id, "revoked", "测试")
    registry.place_hold(place, actor=world.rita, now=world.now)
    said = read_statement(state(digest, nonce, world.now), signer.keyring(), digest, nonce, world.now)
    assert said.stopped_by == ("revoked",)
    assert client.get(f"/federation/status/{'0' * 64}/{nonce}").status_code == 404
    with pytest.raises(NotFound):
        state(digest, "short", world.now)


def application(issuer: Issuer, recognition: str, **changes: Any) -> Any:
    world = issuer.world
    cmd = registry.SubmitFiling(
        "data-property", world.alice.org or 0, "深圳港口数据", "data_product", ("holding",), dict(FORM), recognition=recognition,
        **changes,
    )  # fmt: skip
    return registry.submit_filing(cmd, actor=world.alice, now=world.now)


def asked(case: int, issuer: Issuer) -> set[str]:
    tab, view = cases.view_of(case, issuer.world.now)
    step = tab.step("draft", "submit")
    assert step is not None
    return {m.id for m in needed_materials(view, step)}


def test_it_waives_exactly_what_the_agreement_says(issuer: Issuer) -> None:
    row = presented(issuer, good(issuer))
    with_it, without = application(issuer, row.recognition), application(issuer, "")
    assert asked(without.pk, issuer) - asked(with_it.pk, issuer) == {"source_proof"}
    for material in ("identity", "declaration"):
        issuer.world.file(with_it.pk, material, issuer.world.alice)
        issuer.world.file(without.pk, material, issuer.world.alice)
    world = issuer.world
    registry.act_on_filing(registry.ActOnFiling(with_it.pk, "submit"), actor=world.alice, now=world.now)
    with pytest.raises(MaterialsMissing):
        registry.act_on_filing(registry.ActOnFiling(without.pk, "submit"), actor=world.alice, now=world.now)


def test_nobody_cites_anothers_recognition_or_one_gone_stale(issuer: Issuer) -> None:
    row = presented(issuer, good(issuer))
    world = issuer.world
    cmd = registry.SubmitFiling("data-property", world.bob.org or 0, "x", "data_product", ("holding",), dict(FORM),
                                recognition=row.recognition)  # fmt: skip
    with pytest.raises(InputInvalid) as refused:
        registry.submit_filing(cmd, actor=world.bob, now=world.now)
    assert "recognition" in refused.value.field_errors
    world.now += timedelta(hours=2)
    with pytest.raises(InputInvalid):
        application(issuer, row.recognition)
    presenting.recheck(world.now, issuer.fetch)
    application(issuer, row.recognition)


def enter(case: int, issuer: Issuer) -> None:
    world = issuer.world
    for material in ("identity", "declaration"):
        world.file(case, material, world.alice)
    for do, by in (("submit", world.alice), ("accept", world.rita), ("pass", world.rong)):
        registry.act_on_filing(registry.ActOnFiling(case, do), actor=by, now=world.now)
    world.now += timedelta(days=14)
    engine.sweep(world.now)
    presenting.recheck(world.now, issuer.fetch)
    registry.act_on_filing(registry.ActOnFiling(case, "issue"), actor=world.rita, now=world.now)


def test_the_new_entry_and_its_certificate_name_the_foreign_one(issuer: Issuer, client: Client) -> None:
    row = presented(issuer, good(issuer))
    enter(application(issuer, row.recognition).pk, issuer)
    line = book.entries_of(issuer.world.alice.org or 0)[0]
    said = book.certificate(line.certificate_number).credential["credentialSubject"]["recognised"]
    assert (said["venue"], said["certificate"], said["entry"]) == ("faraway", "CER-FARAWAY-1", "ENT-FARAWAY-1")
    page = client.get(f"/register/{line.number}/").content.decode()
    assert "CER-FARAWAY-1" in page and "faraway" in page
    assert "CER-FARAWAY-1" in client.get(f"/verify/?number={line.certificate_number}").content.decode()
    pdf = book.certificate_pdf(line.certificate_number, "zh", now=issuer.world.now)
    assert pdf.startswith(b"%PDF")


def test_what_ends_while_the_application_runs_cannot_be_entered(issuer: Issuer) -> None:
    row = presented(issuer, good(issuer))
    filing = application(issuer, row.recognition)
    issuer.facets = ("revoked",)
    with pytest.raises(RecognitionEnded):
        enter(filing.pk, issuer)
    ended = registry.recognitions_of(row.org)[0]
    assert (ended.state, ended.failed) == ("ended", "revoked")


def test_a_sealed_voucher_that_is_filed_counts_only_once_it_was_checked(issuer: Issuer) -> None:
    """Guard and predicate of the tables that take a voucher of another venue."""
    from shugu.kernel import documents
    from shugu.kernel.cases import MaterialView
    from shugu.registry.recognitions import unproven_vouchers

    content = good(issuer)
    digest = documents.put(content)
    filed = [MaterialView("venue_voucher", digest), MaterialView("venue_voucher", documents.put(b"%PDF-1.4 paper"))]
    assert unproven_vouchers(filed, issuer.world.now) == (digest,)
    assert sha256(content).hex() == digest
    presented(issuer, content)
    assert unproven_vouchers(filed, issuer.world.now) == ()


def test_only_accredited_organisations_present(issuer: Issuer) -> None:
    with pytest.raises(Forbidden):
        presented(issuer, good(issuer), by=issuer.world.mallory)
    with pytest.raises(InputInvalid):
        presented(issuer, b"")


def test_a_suspended_agreement_recognises_nothing_new(issuer: Issuer) -> None:
    from shugu.edges.federation.models import Agreement

    row = Agreement.objects.get()
    cmd = services.ActOnAgreement(row.pk, "suspend", {"reason": "x"})
    services.act_on_agreement(cmd, actor=issuer.world.otto, now=issuer.world.now)
    assert failed(presented(issuer, good(issuer))) == "agreement"
