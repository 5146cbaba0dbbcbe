"""Recognition agreements: two cases, one credential with both signatures, and each side told what the other does."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from shugu.edges.federation import agreements, messages, services
from shugu.edges.federation.domain import read_terms
from shugu.edges.federation.errors import AgreementMissing, TermsInvalid
from shugu.edges.federation.models import Agreement, Peer
from shugu.edges.federation.tests.kit import Other, terms
from shugu.evidence import rotation
from shugu.formats.canonical import parse_object
from shugu.formats.credential import credential_digest
from shugu.formats.errors import VerificationError
from shugu.formats.message import read_receipt, require_both, sign_beside
from shugu.kernel import engine, keystore, signer
from shugu.kernel.errors import Forbidden, GuardRefused, NotFound, NotYourStep
from shugu.kernel.models import Fact
from tests.world import World

Pair = tuple[Other, Peer]


@pytest.fixture()
def other(world: World) -> Pair:
    found = Other.make("sm")
    return found, found.added(world)


def state(row: Agreement) -> str:
    row.refresh_from_db()
    row.case.refresh_from_db()
    return row.case.state


def act(row: Agreement, do: str, world: World, **given: str) -> None:
    services.act_on_agreement(services.ActOnAgreement(row.pk, do, given), actor=world.otto, now=world.now)


def tell(other: Other, kind: str, body: dict[str, Any], now: datetime) -> str:
    """The code of our refusal, or ""."""
    receipt = services.receive(other.message(kind, body, now), now)
    return read_receipt(receipt, signer.keyring(), other.origin, now).code


def offered(pair: Pair, world: World, **changes: Any) -> Agreement:
    row = services.offer_agreement(services.OfferAgreement(pair[1].origin, terms(**changes)), actor=world.otto, now=world.now)
    messages.deliver(world.now, pair[0].post(world.now))
    return row


def signed(pair: Pair, world: World, **changes: Any) -> Agreement:
    row = offered(pair, world, **changes)
    kind, body = pair[0].last()
    assert kind == "agreement.offered"
    both = sign_beside(body["credential"], pair[0].keys, world.now)
    assert tell(pair[0], "agreement.countersigned", {"reference": row.reference, "credential": both}, world.now) == ""
    row.refresh_from_db()
    return row


def received(pair: Pair, world: World) -> Agreement:
    """An offer of the other venue, as we have it."""
    there = terms()
    parties = [{"venue": "faraway", "origin": pair[0].origin}, {"venue": "hangzhou", "origin": signer.origin()}]
    subject = {"to": signer.origin(), "terms": {**there, "parties": parties}}
    credential = pair[0].signed("RecognitionAgreement", "AGR-FARAWAY-1", subject, world.now)
    assert tell(pair[0], "agreement.offered", {"reference": "AGR-FARAWAY-1", "credential": credential}, world.now) == ""
    return Agreement.objects.get(reference="AGR-FARAWAY-1")


def test_our_offer_comes_into_force_with_both_signatures(world: World, other: Pair) -> None:
    row = signed(other, world)
    assert state(row) == "in_force"
    from shugu.kernel import documents

    credential = parse_object(documents.get(row.signed))
    require_both(credential, agreements.keys_of(row), (signer.origin(), other[0].origin))
    fact = Fact.objects.get(name="agreement.countersigned")
    assert fact.payload is not None and credential_digest(credential) in fact.payload
    assert agreements.need_agreement(other[1], "data_property_certificate", "shenzhen", world.now)[0].pk == row.pk
    with pytest.raises(AgreementMissing):
        agreements.need_agreement(other[1], "data_property_certificate", "dali", world.now)


def test_an_offer_signed_before_our_key_changed_is_countersigned_after(
    world: World, other: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setattr(keystore, "folder", lambda: folder)
    signer.forget()
    row = offered(other, world)
    both = sign_beside(other[0].last()[1]["credential"], other[0].keys, world.now)
    rotation.lose_key(signer.keyring().keys[0].key_id, actor=world.otto, now=world.now)
    assert tell(other[0], "agreement.countersigned", {"reference": row.reference, "credential": both}, world.now) == ""
    assert state(row) == "in_force"
    signer.forget()


def test_their_offer_comes_into_force_once_they_have_our_signature(world: World, other: Pair) -> None:
    row = received(other, world)
    act(row, "countersign", world)
    assert state(row) == "signed"
    messages.deliver(world.now, other[0].post(world.now))
    assert state(row) == "in_force"
    kind, body = other[0].last()
    assert kind == "agreement.countersigned" and len(body["credential"]["proof"]) == 3


def test_a_withdrawal_that_crosses_our_signature_wins(world: World, other: Pair) -> None:
    row = received(other, world)
    act(row, "countersign", world)
    refuse = lambda peer, content: other[0].receipt(content, world.now, code="not-in-procedure")  # noqa: E731
    messages.deliver(world.now, refuse)
    assert state(row) == "signed"
    assert tell(other[0], "agreement.withdrawn", {"reference": row.reference, "reason": ""}, world.now) == ""
    assert state(row) == "withdrawn"


@pytest.mark.parametrize("defect", ["content", "unsigned", "single"])
def test_a_countersignature_over_something_else_is_refused(world: World, other: Pair, defect: str) -> None:
    row = offered(other, world)
    credential = other[0].last()[1]["credential"]
    if defect == "content":
        changed = {**credential, "credentialSubject": {**credential["credentialSubject"], "extra": 1}}
        both = sign_beside(changed, other[0].keys, world.now)
    else:
        both = credential if defect == "unsigned" else sign_beside(credential, other[0].keys[:1], world.now)
    code = tell(other[0], "agreement.countersigned", {"reference": row.reference, "credential": both}, world.now)
    assert code in ("not-verified", "missing-signature") and state(row) == "offered"


def test_only_who_suspended_resumes(world: World, other: Pair) -> None:
    row = signed(other, world)
    act(row, "suspend", world, reason="查核")
    assert state(row) == "suspended" and agreements.in_force(other[1], world.now) == []
    assert tell(other[0], "agreement.resumed", {"reference": row.reference, "reason": ""}, world.now) == "guard-refused"
    act(row, "resume", world)
    assert state(row) == "in_force"
    assert tell(other[0], "agreement.suspended", {"reference": row.reference, "reason": "x"}, world.now) == ""
    with pytest.raises(GuardRefused):
        act(row, "resume", world)
    assert tell(other[0], "agreement.resumed", {"reference": row.reference, "reason": ""}, world.now) == ""
    assert state(row) == "in_force"


def test_notice_runs_its_time_and_then_ends_the_agreement(world: World, other: Pair) -> None:
    row = signed(other, world)
    act(row, "give_notice", world, reason="不再需要")
    assert state(row) == "noticed" and agreements.in_force(other[1], world.now)
    messages.deliver(world.now, other[0].post(world.now))
    assert other[0].last()[1]["notice_ends"] == "2026-04-01"
    assert agreements.in_force(other[1], world.now + timedelta(days=30))
    assert not agreements.in_force(other[1], world.now + timedelta(days=31))
    engine.sweep(world.now + timedelta(days=32))
    assert state(row) == "ended"


def test_a_notice_shorter_than_agreed_is_refused(world: World, other: Pair) -> None:
    row = signed(other, world)
    body = {"reference": row.reference, "reason": "", "notice_ends": "2026-03-05"}
    assert tell(other[0], "agreement.noticed", body, world.now) == "bad-message"
    assert tell(other[0], "agreement.noticed", {**body, "notice_ends": "2026-04-01"}, world.now) == ""
    assert state(row) == "noticed"


def test_an_offer_lapses_and_a_term_ends(world: World, other: Pair) -> None:
    unanswered, held = offered(other, world), signed(other, world)
    engine.sweep(world.now + timedelta(days=31))
    assert (state(unanswered), state(held)) == ("withdrawn", "in_force")
    engine.sweep(world.now + timedelta(days=366))
    assert state(held) == "ended"


@pytest.mark.parametrize(
    "changes",
    [
        {"fees": {"listing": 7000, "selling": 2000}}, {"notice_days": 0}, {"valid_until": "2026-02-01"}, {"extra": 1},
        {"recognises": [{"by": "a", "of": "b", "kinds": [], "regimes": [], "waives": []}]}, {"moves": [{}]},
        {"evidence": {"status_max_age": 1, "witnesses": 0, "anchors": {}}}, {"valid_from": "2026-3-1"},
    ],
)  # fmt: skip
def test_terms_of_another_form_are_refused(world: World, other: Pair, changes: dict[str, Any]) -> None:
    with pytest.raises(TermsInvalid):
        offered(other, world, **changes)


def test_terms_are_read_as_they_are_written(world: World, other: Pair) -> None:
    given = {**terms(), "parties": [{"venue": "a", "origin": signer.origin()}, {"venue": "b", "origin": other[0].origin}]}
    assert read_terms(given).as_dict() == given


def test_an_offer_signed_by_somebody_else_or_for_others_is_refused(world: World, other: Pair) -> None:
    forger = Other.make(origin=other[0].origin)
    parties = [{"venue": "faraway", "origin": other[0].origin}, {"venue": "hangzhou", "origin": signer.origin()}]
    subject = {"to": signer.origin(), "terms": {**terms(), "parties": parties}}
    forged = forger.signed("RecognitionAgreement", "AGR-X", subject, world.now)
    assert tell(other[0], "agreement.offered", {"reference": "AGR-X", "credential": forged}, world.now) == "not-verified"
    wrong = {"to": signer.origin(), "terms": {**terms(), "parties": parties[::-1]}}
    turned = other[0].signed("RecognitionAgreement", "AGR-X", wrong, world.now)
    code = tell(other[0], "agreement.offered", {"reference": "AGR-X", "credential": turned}, world.now)
    assert code == TermsInvalid.code and not Agreement.objects.exists()


def test_only_the_operator_offers_and_signs(world: World, other: Pair) -> None:
    with pytest.raises(Forbidden):
        services.offer_agreement(services.OfferAgreement(other[1].origin, terms()), actor=world.alice, now=world.now)
    row = received(other, world)
    cmd = services.ActOnAgreement(row.pk, "countersign")
    for actor, refusal in ((world.alice, NotFound), (world.rita, NotYourStep)):
        with pytest.raises(refusal):
            services.act_on_agreement(cmd, actor=actor, now=world.now)


def test_the_credential_fails_for_other_keys(world: World, other: Pair) -> None:
    row = signed(other, world)
    from shugu.kernel import documents

    credential = parse_object(documents.get(row.signed))
    with pytest.raises(VerificationError):
        require_both(credential, signer.keyring(), (signer.origin(),))


def test_a_stranger_sees_no_agreement(world: World, other: Pair, client: Client) -> None:
    row = received(other, world)
    for path in ("/federation/", f"/federation/agreements/{row.reference}/", "/federation/peers/faraway/"):
        assert client.get(path).status_code in (302, 401, 403)
    assert client.get("/api/federation/agreements").status_code == 401
