"""The life of a contract on the real engine: two signatures, review, money, delivery, voucher, and every way it may fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shugu.formats.canonical import digest_hex
from shugu.formats.credential import require_credential
from shugu.kernel import engine, signer
from shugu.kernel.errors import (
    AlreadyGiven,
    ConflictOfInterest,
    Forbidden,
    GuardRefused,
    HeldBack,
    InputInvalid,
    NotFound,
    NotInProcedure,
    NotYourStep,
)
from shugu.kernel.models import Case, Fact
from shugu.kernel.tables import all_defects
from shugu.market.tests import stages as market
from shugu.market.tests.staged import Stage
from shugu.party import queries as parties
from shugu.registry.models import TradeRecord
from shugu.registry.services import PlaceHold, place_hold
from shugu.trade import papers, queries, services
from shugu.trade.errors import ReferenceUsed, TermsChanged
from shugu.trade.services import (
    CancelContract,
    ConfirmFunding,
    ConfirmSettlement,
    DraftContract,
    FailDelivery,
    ReviewContract,
    ReviseContract,
    SignContract,
    TerminateContract,
)
from shugu.trade.tests import stages


def test_the_table_of_contracts_has_no_defect(db: None) -> None:
    assert [d for d in all_defects() if d.startswith("trade.")] == []


def test_drafting_twice_gives_the_one_contract_with_fees_and_shares_that_sum_to_its_price(stage: Stage) -> None:
    row = stages.drafted(stage)
    again = services.draft_contract(DraftContract(row.negotiation_id), actor=stage.world.alice, now=stage.world.now)
    found = stages.seen(row)
    assert again.pk == row.pk and found.digest == digest_hex(dict(found.terms))
    borne = sum(f.amount_fen for f in found.fees if f.payer == "provider")
    assert sum(s.amount_fen for s in found.shares) + borne == found.price_fen == market.PRICE
    assert {f.rule.force for f in found.fees} == {"venue"} and len(found.fees) == 2


def test_both_sides_sign_the_same_digest_and_the_first_signature_moves_nothing(stage: Stage) -> None:
    row = stages.drafted(stage)
    stages.sign(stage, row, "bob")
    assert stages.seen(row).state == "drafted" and Fact.objects.filter(name="contract.consented").count() == 1
    with pytest.raises(AlreadyGiven):
        stages.sign(stage, row, "bob")
    stages.sign(stage, row, "alice")
    found = stages.seen(row)
    assert found.state == "signed"
    assert all(parties.signature_holds(s.signed, found.digest) for s in found.signatures) and len(found.signatures) == 2


def test_a_text_that_is_not_the_present_one_is_not_signed(stage: Stage) -> None:
    row = stages.drafted(stage)
    with pytest.raises(TermsChanged):
        services.sign_contract(SignContract(row.number, "0" * 64), actor=stage.world.bob, now=stage.world.now)


def test_the_approved_document_is_a_credential_that_verifies_and_holds_the_terms_both_signed(stage: Stage) -> None:
    found = stages.seen(stages.approved(stage))
    credential = queries.document(found)
    body = require_credential(credential, signer.keyring())
    subject = body["credentialSubject"]
    assert isinstance(subject, dict) and body["type"] == ["VerifiableCredential", "DataContract"]
    assert digest_hex(subject["terms"]) == subject["terms_digest"] == found.digest
    assert all(parties.signature_holds(s, found.digest) for s in subject["signatures"])


def test_a_completed_contract_issues_a_voucher_that_verifies_and_is_recorded_in_the_register(stage: Stage) -> None:
    voucher = stages.completed(stage)
    found = queries.voucher(voucher.number)
    body = require_credential(dict(found.credential), signer.keyring())
    subject = body["credentialSubject"]
    assert isinstance(subject, dict)
    assert subject["delivery"]["digests"] == stages.RECEIPT and subject["amount"]["fen"] == market.PRICE
    assert subject["contract"]["digest"] == stages.seen(voucher.contract).document_digest != ""
    assert TradeRecord.objects.filter(reference=f"voucher:{voucher.number}").count() == 1
    fact = Fact.objects.get(pk=voucher.fact)
    assert fact.name == "contract.completed" and voucher.digest in (fact.payload or "")


def test_a_voucher_shows_strangers_the_class_but_neither_amount_nor_sides(stage: Stage) -> None:
    found = queries.voucher(stages.completed(stage).number)
    assert not queries.may_read_voucher(found, stage.world.mallory) and not queries.may_read_voucher(found, None)
    assert queries.may_read_voucher(found, stage.world.bob) and queries.may_read_voucher(found, stage.world.sven)
    shown = str(found.public)
    assert found.public["amount_class"] == "A" and str(market.PRICE) not in shown and "数源" not in shown


def test_confirmations_come_from_the_venue_only_and_twice_is_once(stage: Stage) -> None:
    row = stages.approved(stage)
    order = ConfirmFunding(row.pk, "ESC-1")
    with pytest.raises(Forbidden):
        services.confirm_funding(order, actor=stage.world.bob, now=stage.world.now)
    for _ in range(2):
        services.confirm_funding(order, actor=stages.MONEY, now=stage.world.now)
    assert Fact.objects.filter(name="contract.funded").count() == 1 and queries.is_funded(row.pk)
    with pytest.raises(ReferenceUsed):
        services.confirm_funding(ConfirmFunding(row.pk, "ESC-2"), actor=stages.MONEY, now=stage.world.now)
    with pytest.raises(NotInProcedure):
        services.confirm_settlement(ConfirmSettlement(row.pk, "RUN-1"), actor=stages.MONEY, now=stage.world.now)


def test_a_contract_nobody_signs_lapses_by_its_clock(stage: Stage) -> None:
    row = stages.drafted(stage)
    engine.sweep(stage.world.now + timedelta(days=12))
    assert stages.seen(row).state == "lapsed"


def test_a_contract_returned_for_change_is_changed_signed_anew_and_returned_no_second_time(stage: Stage) -> None:
    row, world = stages.signed(stage), stage.world
    back = ReviewContract(row.number, "return_for_change", defects="用途应为产品开发")
    services.review_contract(back, actor=world.tara, now=world.now)
    before = stages.seen(row).digest
    services.revise_contract(ReviseContract(row.number, purpose="product_development"), actor=world.alice, now=world.now)
    found = stages.seen(row)
    assert found.digest != before and found.revision == 2 and not found.signatures and found.price_fen == market.PRICE
    assert "product_development" in str(found.policy)
    for who in ("bob", "alice"):
        stages.sign(stage, row, who)
    with pytest.raises(GuardRefused):
        services.review_contract(back, actor=world.tara, now=world.now)
    services.review_contract(ReviewContract(row.number, "approve"), actor=world.tara, now=world.now)
    assert stages.seen(row).state == "approved"


def test_a_refusal_needs_a_coded_ground_and_the_right_seat(stage: Stage) -> None:
    row, world = stages.signed(stage), stage.world
    with pytest.raises(InputInvalid):
        services.review_contract(ReviewContract(row.number, "refuse", ground="mood"), actor=world.tara, now=world.now)
    for other in (world.otto, world.bob):
        with pytest.raises(NotYourStep):
            services.review_contract(ReviewContract(row.number, "approve"), actor=other, now=world.now)
    services.review_contract(ReviewContract(row.number, "refuse", ground="purpose"), actor=world.tara, now=world.now)
    assert stages.seen(row).state == "refused"


def test_a_reviewer_acting_for_a_side_stands_aside(stage: Stage) -> None:
    row, world = stages.signed(stage), stage.world
    related = replace(world.tara, org=world.alice.org)
    with pytest.raises(ConflictOfInterest):
        services.review_contract(ReviewContract(row.number, "approve"), actor=related, now=world.now)
    assert Case.objects.get(pk=row.case_id).state == "signed"


def test_a_hold_on_the_registered_right_stops_the_signature(stage: Stage) -> None:
    row, world = stages.drafted(stage), stage.world
    place_hold(PlaceHold(row.entry_id, "suspended", "法院查封"), actor=world.rita, now=world.now)
    with pytest.raises((HeldBack, GuardRefused)):
        stages.sign(stage, row, "alice")


def test_a_failed_delivery_ends_the_contract_with_a_ground_for_the_refund(stage: Stage) -> None:
    row = stages.funded(stage)
    services.fail_delivery(FailDelivery(row.pk, "DLV-1", "rejected"), actor=stages.DELIVERY, now=stage.world.now)
    fact = Fact.objects.get(name="contract.terminated")
    assert stages.seen(row).state == "terminated" and '"rejected"' in (fact.payload or "")


def test_the_sides_end_a_contract_only_together_and_the_officer_on_a_ground(stage: Stage) -> None:
    row, world = stages.funded(stage), stage.world
    mutual = TerminateContract(row.number, "mutual")
    services.terminate_contract(mutual, actor=world.alice, now=world.now)
    assert stages.seen(row).state == "effective"
    with pytest.raises(InputInvalid):
        services.terminate_contract(TerminateContract(row.number, "breach"), actor=world.bob, now=world.now)
    services.terminate_contract(mutual, actor=world.bob, now=world.now)
    assert stages.seen(row).state == "terminated"


def test_either_side_may_cancel_before_both_have_signed_and_not_after(stage: Stage) -> None:
    row = stages.drafted(stage)
    services.cancel_contract(CancelContract(row.number, "计划变更"), actor=stage.world.bob, now=stage.world.now)
    assert stages.seen(row).state == "cancelled"


def test_a_stranger_learns_of_no_contract(stage: Stage) -> None:
    row, mallory = stages.signed(stage), stage.world.mallory
    with pytest.raises(NotFound):
        queries.contract(row.number, mallory)
    with pytest.raises(NotFound):
        services.sign_contract(SignContract(row.number, row.terms_digest), actor=mallory, now=stage.world.now)
    assert queries.contracts(mallory) == []


def test_contract_and_voucher_print_the_same_bytes_each_time(stage: Stage) -> None:
    voucher = stages.completed(stage)
    found = queries.contract(voucher.contract_id, stage.world.bob)
    source = queries.document(found)
    for lang in ("zh", "en"):
        once, twice = (papers.contract_pdf(source, found.document_digest, lang, now=stage.world.now) for _ in range(2))
        assert once == twice
    paper = papers.voucher_pdf(queries.voucher(voucher.number).credential, voucher.digest, "zh", now=stage.world.now)
    assert paper.startswith(b"%PDF")
