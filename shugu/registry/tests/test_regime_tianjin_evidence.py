"""T/TJIFA003—2022 数据资产登记、存证、确权业务标准: deposit of evidence, account book, queries, annexes and duties as data."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.kernel.cases import Actor
from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotFound, NotYourStep, SeparationOfDuties
from shugu.kernel.models import Fact
from shugu.kernel.rule_files import Force, Status
from shugu.kernel.tables import table
from shugu.party import services as party
from shugu.party.models import Person
from shugu.registry import queries, queries_notices, services
from shugu.registry.applications import code_table, rules_of
from shugu.registry.errors import AccountOpen
from shugu.registry.judicial import DocumentNeeded, document_fields
from shugu.registry.models import Account, Filing
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.test_pages import signed_in
from shugu.registry.tests.tianjin_stages import ANSWERS, POWERS, drafted, filed, issued, needed, noticed, values
from shugu.web import case_acts
from tests.world import PAPER, World

pytestmark = pytest.mark.django_db

FIXED = {"evidence_number": "CZ-2026-1", "evidence_digest": "sha256:cd", "provider_filing_number": "京网信备12010000000001号"}
OF_ACQUISITION = {
    "original": "business_permit",
    "collected": "collection_statement",
    "traded": "trade_proof",
    "other": "acquisition_explanation",
}


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "tianjin")


def deposit(r: Regime, **answers: str) -> Filing:
    given = {"promise": "yes", "acquisition": "original", **answers}
    return r.file("evidence", object_kind="data_set", rights=(), answers=given, reviewer=r.world.quinn.org)


def handed_in(r: Regime) -> Filing:
    row = deposit(r)
    r.upload_all(row, do="submit", by=r.world.alice)
    return r.act(row, "submit", by=r.world.alice)


def ids(name: str) -> list[str]:
    return [str(row["id"]) for row in rules_of("tianjin").value(f"registry.{name}").rows]


# Deposit of evidence (7).


def test_the_papers_follow_the_way_of_acquisition(r: Regime) -> None:
    """Annex 3: permit, statement on collecting, or proof of the trade; the declaration of annex 2 for all.
    carries: P2-252 P2-253
    """
    for acquisition, paper in OF_ACQUISITION.items():
        papers = needed(deposit(r, acquisition=acquisition), "submit")
        assert papers & set(OF_ACQUISITION.values()) == {paper} and "ownership_declaration" in papers
    rows = {str(row["acquisition"]): str(row["id"]) for row in rules_of("tianjin").value("registry.annex_3").rows}
    assert {k: v for k, v in rows.items() if k} == {k: v for k, v in OF_ACQUISITION.items() if k != "other"}


def test_the_four_statements_and_the_promise_are_made(r: Regime) -> None:
    """3.11, 7.2.1: source, ownership, security and compliance; promised to be true, complete and lawful.
    carries: P2-177 P2-224
    """
    with pytest.raises(InputInvalid) as refused:
        deposit(r, source_statement="", ownership_statement="", security_statement="", compliance_statement="")
    assert len(refused.value.field_errors) == 4
    row = deposit(r, promise="no")
    r.upload_all(row, do="submit", by=r.world.alice)
    with pytest.raises(GuardRefused):
        r.act(row, "submit", by=r.world.alice)


def test_the_provider_fixes_the_evidence_and_gives_report_and_certificate(r: Regime) -> None:
    """7.1.3, 7.2.2, 7.2.3, annex 5: filing number, evidence number and hash; both documents are kept.
    carries: P2-222 P2-225 P2-226 P2-258 P2-259
    """
    row = handed_in(r)
    for stranger in (r.world.alice, r.world.rita, r.world.rong):
        with pytest.raises(NotYourStep):
            r.act(row, "fix", by=stranger, **FIXED)
    with pytest.raises(InputInvalid):
        r.act(row, "fix", by=r.world.quinn, evidence_number="CZ-2026-1")
    r.act(row, "fix", by=r.world.quinn, **FIXED)
    r.upload(row, "evidence_certificate", by=r.world.quinn)
    with pytest.raises(MaterialsMissing):
        r.act(row, "issue", by=r.world.quinn)
    r.upload(row, "evidence_report", by=r.world.quinn)
    r.act(row, "issue", by=r.world.quinn)
    assert r.state(row) == "registered" and {"evidence_report", "evidence_certificate"} <= filed(row)
    said = Fact.objects.get(case_id=row.pk, name="filing.fixed")
    assert said.org == r.world.quinn.org


def test_a_provider_is_one_the_platform_recognises_and_never_the_depositor(r: Regime) -> None:
    """3.8, 7.1.1, 7.1.2: recognised, and apart from who deposits.
    carries: P2-175 P2-220 P2-221
    """
    for org in (None, r.world.mallory.org):
        with pytest.raises(InputInvalid):
            r.file("evidence", object_kind="data_set", rights=(), reviewer=org)
    row = r.file("evidence", object_kind="data_set", rights=(), answers={"promise": "yes", "acquisition": "original"},
                 applicant=r.world.quinn, reviewer=r.world.quinn.org)  # fmt: skip
    r.upload_all(row, do="submit", by=r.world.quinn)
    r.act(row, "submit", by=r.world.quinn)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "fix", by=r.world.quinn, **FIXED)


def test_the_provider_may_hand_incomplete_papers_back_and_the_holder_take_them_back(r: Regime) -> None:
    """7.2.1."""
    row = handed_in(r)
    r.act(row, "hand_back", by=r.world.quinn, reason="权属声明不完整")
    assert r.state(row) == "draft"
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "withdraw", by=r.world.alice)
    assert r.state(row) == "withdrawn"


def test_a_provider_that_is_late_is_told_overdue(r: Regime) -> None:
    """7.2: the venue's three working days, to the end of the last."""
    row = handed_in(r)
    assert r.clock(row, "evidence_period").due_on == date(2026, 3, 5)
    r.at(date(2026, 3, 5), hour=23).sweep()
    assert "clock.overdue" not in r.facts(row)
    r.at(date(2026, 3, 6), hour=0).sweep()
    assert "clock.overdue" in r.facts(row)


def test_a_certificate_is_itself_deposited_on_application(r: Regime) -> None:
    """8.2.3.
    carries: P2-237
    """
    number = r.entry(issued(r)).number
    row = r.file("certificate_evidence", entry=number, reviewer=r.world.quinn.org, answers={"promise": "yes"})
    assert needed(row, "submit") == {"application_form", "original_certificate"}
    r.upload_all(row, do="submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "fix", by=r.world.quinn, **FIXED)
    r.upload_all(row, do="issue", by=r.world.quinn)
    r.act(row, "issue", by=r.world.quinn)
    assert "entry.noted" in r.facts(row) and "valid" in r.facets(number)


# Account book and queries (6.2, 6.3).


def opened(r: Regime, **answers: str) -> Filing:
    row = r.file("open_account", object_kind="data_set", rights=(), title="数源数据资产账簿", answers=answers)
    r.upload_all(row, do="submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.alice)
    r.act(row, "pass", by=r.world.rong)
    return r.act(row, "issue", by=r.world.rita)


def test_a_holder_has_one_book_with_accounts_by_type_or_one(r: Regime) -> None:
    """6.2.1–6.2.4, 6.3.1: real name, one book, several types of account.
    carries: P2-192 P2-193 P2-194 P2-195 P2-196
    """
    opened(r, account_mode="by_type", account_types="data_set,data_report", password_statement="yes")
    (book,) = Account.objects.filter(register="tianjin", org_id=r.world.alice.org)
    assert book.info["account_types"] == "data_set,data_report" and book.info["real_name"]
    with pytest.raises(AccountOpen):
        opened(r, account_mode="single", account_types="data_set", password_statement="yes")
    with pytest.raises(InputInvalid):
        r.file("open_account", object_kind="data_set", rights=(), answers={"account_types": "data_set,gold"})


def test_the_first_entry_goes_into_the_book_that_is_open(r: Regime) -> None:
    """6.1.4, 6.2.3.
    carries: P2-188
    """
    opened(r, account_mode="single", account_types="data_set", password_statement="yes")
    issued(r)
    assert Account.objects.filter(register="tianjin", org_id=r.world.alice.org).count() == 1


def test_strangers_see_no_papers_and_a_judicial_look_is_recorded(r: Regime) -> None:
    """6.3.4, 6.3.5: the holder, and whoever holds a judicial document.
    carries: P2-199 P2-200
    """
    row = issued(r)
    with pytest.raises(NotFound):
        services.look_at_filing(services.LookAtFiling(row.number), actor=r.world.mallory, now=r.now)
    with pytest.raises(DocumentNeeded):
        services.look_at_filing(services.LookAtFiling(row.number), actor=r.world.sven, now=r.now)
    hand_in(r, row, r.world.sven)
    services.look_at_filing(services.LookAtFiling(row.number), actor=r.world.sven, now=r.now)
    with pytest.raises(DocumentNeeded):
        services.look_at_filing(services.LookAtFiling(row.number), actor=r.world.sven, now=r.now + timedelta(days=1))
    assert Fact.objects.filter(name="filing.looked_at", subject=f"registry.filing:{row.pk}").count() == 1
    waiting = drafted(r)
    asking = (r.world.alice, r.world.sven, r.world.rita, r.world.mallory)
    grounds = [queries.ground_to_look(waiting, actor) for actor in asking]
    assert grounds == ["own", "judicial", "duty", None]


DOCUMENT = {"document_number": "（2026）津 01 民初 1 号", "issuing_organ": "天津市第一中级人民法院", "scope": "登记材料全部"}


def hand_in(r: Regime, row: Filing, by: Actor, answers: dict[str, str] | None = None, copy: bool = True) -> None:
    copies = (services.Upload("document_copy", "order.pdf", "application/pdf", PAPER),) if copy else ()
    cmd = services.HandInDocument(row.number, DOCUMENT if answers is None else answers, copies)
    services.hand_in_document(cmd, actor=by, now=r.now)


def test_a_query_on_a_document_records_number_organ_scope_and_copy(r: Regime) -> None:
    """6.3.5: every field is asked for, and only of whoever may look on a document at all.
    carries: P2-200
    """
    row = issued(r)
    with pytest.raises(InputInvalid) as refusal:
        hand_in(r, row, r.world.sven, {"document_number": " ", "colour": "red"}, copy=False)
    assert set(refusal.value.field_errors) == {"document_number", "issuing_organ", "scope", "document_copy", "colour"}
    for stranger in (r.world.mallory, r.world.alice, r.world.rita):
        with pytest.raises(NotFound):
            hand_in(r, row, stranger)
    hand_in(r, row, r.world.sven)
    told = json.loads(Fact.objects.get(name="filing.query_document").payload or "")
    assert told["data"]["document"] == DOCUMENT and set(told["digests"]) == {"document_copy"}
    assert not document_fields("hangzhou")


def test_a_look_in_the_browser_asks_for_the_document_first(r: Regime) -> None:
    """6.3.5"""
    row = issued(r)
    Person.objects.filter(pk=r.world.sven.person or 0).update(totp_confirmed_at=r.now)
    sven, address = signed_in(r.world.sven), f"/filings/{row.number}/"
    assert sven.get(address)["Location"] == f"{address}query/"
    assert "查询范围" in sven.get(f"{address}query/").content.decode()
    given = {**DOCUMENT, "key": "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f12"}
    refused = sven.post(f"{address}query/", given)
    assert refused.status_code == 422
    copy = SimpleUploadedFile("order.pdf", PAPER, "application/pdf")
    assert sven.post(f"{address}query/", {**given, "document_copy": copy})["Location"] == address
    assert row.number in sven.get(address).content.decode()
    assert Client().get(f"{address}query/").status_code in (302, 401)


def test_the_public_notice_keeps_bank_and_telephone_to_itself(r: Regime) -> None:
    """8.1.1, 6.3.5: what may be published is published, the rest is not.
    carries: P2-230
    """
    shown = queries_notices.notice(noticed(r).number, r.now)
    assert not {"bank", "bank_account", "phone", "legal_representative"} & set(shown.form)
    assert "introduction" in shown.form


def test_an_agent_acts_under_a_power_of_attorney_only(r: Regime) -> None:
    """The standard is silent; the venue lets an agent file where the holder gave a power."""
    alice, bob = r.world.alice, r.world.bob
    about: dict[str, Any] = {"object_kind": "data_set", "rights": POWERS, "answers": ANSWERS, "agent": bob.org, "by": bob}
    with pytest.raises(InputInvalid):
        r.file("first", **about)
    party.grant_power(
        party.GrantPower(alice.org or 0, bob.org or 0, ("registration",), date(2026, 12, 31)), actor=alice, now=r.now
    )
    row = r.file("first", **about)
    r.upload_all(row, do="submit", by=bob)
    r.act(row, "submit", by=bob)
    assert r.state(row) == "review" and row.applicant_id == alice.org


def test_co_holders_agree(r: Regime) -> None:
    """The standard is silent on co-holding; the venue asks for the agreement of all."""
    alice, bob = r.world.alice.org, r.world.bob.org
    assert alice is not None and bob is not None
    row = r.file("first", object_kind="data_set", rights=POWERS, answers=ANSWERS, holders=((alice, 6), (bob, 4)))
    assert "holders_agreement" in needed(row, "submit") and "holders_agreement" not in needed(drafted(r), "submit")


# The standard as data.


def test_a_group_standard_binds_nobody(r: Regime) -> None:
    """1: it is adopted, not law: every value of it is `may`, every choice of ours `venue`.
    carries: P2-165
    """
    found = [v for v in rules_of("tianjin").rule_set.iter_values() if v.document.startswith("tianjin/tjifa003")]
    assert len(found) > 70
    assert {v.force for v in found} == {Force.MAY} and {v.status for v in found} == {Status.GROUP_STANDARD}
    assert all(v.article for v in found)


def test_all_eight_annexes_are_lists_of_fields(r: Regime) -> None:
    """Annexes 1–8.
    carries: P2-248 P2-251 P2-252 P2-254 P2-258 P2-260 P2-261 P2-263
    """
    rows = rules_of("tianjin").value("registry.annex_forms").rows
    assert [row["id"] for row in rows] == [f"annex_{n}" for n in range(1, 9)]
    for row in rows:
        assert rules_of("tianjin").value(str(row["at"])).rows
    assert {"voucher_number", "evidence_number", "evidence_date", "evidence_body", "holder", "unit_code"} <= set(ids("annex_5"))
    assert {"voucher_kind", "treatment_number", "issued_on", "issuing_body"} <= set(ids("annex_6"))
    assert {"defects", "returned", "correction_period", "reviewer"} <= set(ids("annex_7"))
    assert {"registration_number", "confirmation_number", "acquisition", "update_cycle", "usage_scope"} <= set(ids("annex_8"))


def test_every_code_table_of_a_field_exists(r: Regime) -> None:
    """8.2.1 against annex 1: the form's tables are kept, the certificate's three ways of acquisition are printed from four.
    carries: P2-234
    """
    names = [v.name for v in rules_of("tianjin").rule_set.iter_values() if v.document.startswith("tianjin/")]
    for name in names:
        if ".fields_" in name:
            for row in rules_of("tianjin").value(name).rows:
                assert not row.get("table") or code_table(rules_of("tianjin"), str(row["table"]))
    printed: Any = rules_of("tianjin").value("registry.acquisition_printing").rows
    assert {p["code"] for p in printed} == set(values("acquisitions"))
    assert {p["prints"] for p in printed} == set(values("certificate_acquisitions"))


def test_the_evidence_chain_has_its_duties_and_seven_nodes_of_authority(r: Regime) -> None:
    """Annex 4, 7.1.4.
    carries: P2-223 P2-254 P2-255 P2-256 P2-257
    """
    parts = [str(row["part"]) for row in rules_of("tianjin").value("registry.annex_4").rows]
    assert (parts.count("function"), parts.count("publication"), parts.count("extraction")) == (5, 2, 3)
    assert parts.count("verification") == 3 and len(values("authority_nodes")) == 7
    assert rules_of("tianjin").value("registry.evidence_key_bits").number == 256


def test_every_operation_of_the_standard_has_its_procedure(r: Regime) -> None:
    """3.10: four types of registration, and what belongs to them.
    carries: P2-176
    """
    listed = set(values("operations"))
    register = rules_of("tianjin").rule_set.profile.register("tianjin")
    assert listed == set(register.procedures)
    assert {"first", "supplement_failed", "supplement_scenario", "transfer", "cancellation"} <= listed


def test_the_acts_of_the_reviewer_are_asked_as_choices_of_the_rules(r: Regime) -> None:
    """6.1.2: findings are codes, not free text; the standards applied are published (6.1.3).
    carries: P2-187
    """
    row = drafted(r)
    asked = case_acts.input_field("three_isation_check")
    assert asked.kind == "choice" and asked.options is not None
    assert [code for code, _ in asked.options(row.pk)] == ["passed", "failed"]
    assert set(values("treatment_standards")) == set(values("voucher_kinds"))


def test_the_act_of_each_of_the_ten_steps_is_in_the_table(r: Regime) -> None:
    """5.1: every step of the list names an act that the procedure has."""
    rows = rules_of("tianjin").value("registry.process_steps").rows
    assert [row["id"] for row in rows] == list("abcdefghij")
    assert {row["do"] for row in rows} <= set(table("tianjin.first").commands)
