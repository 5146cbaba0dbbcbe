"""大理州数据资产登记管理办法: accounts, certificates, changes of the book, suspension and revocation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.errors import (
    Forbidden,
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    TooEarly,
)
from shugu.kernel.regimes import load_regime
from shugu.registry import contacts, queries, queries_book
from shugu.registry.contacts import UpdateContact
from shugu.registry.errors import AccountMissing, AccountOpen
from shugu.registry.models import Account, Filing
from shugu.registry.tests.dali import account, after_notice, carried, drafted, measured, needed, opened, registered
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

MEASURES = ("right_disputed", "concealment", "effective_decision", "other_law")
CLOSINGS = ("subject_lost", "death", "right_extinct", "other_law")


@pytest.fixture()
def r(atlas: World) -> Regime:
    """Alice has an account; nothing else is registered."""
    found = Regime(atlas, "dali")
    account(found, "open_account", own_name="yes")
    return found


def test_an_account_is_opened_with_a_number_of_its_own(r: Regime) -> None:
    """第八条

    carries: P6-079
    """
    account(r, "open_account", r.world.bob, own_name="yes")
    numbers = list(Account.objects.filter(register="dali").values_list("number", flat=True))
    assert len(numbers) == len(set(numbers)) == 2


@pytest.mark.parametrize("paper", ["identity", "reputation_proof", "no_offence_proof"])
def test_an_account_needs_identity_reputation_and_a_clean_record(r: Regime, paper: str) -> None:
    """第九条

    carries: P6-081
    """
    row = r.file("open_account", applicant=r.world.bob, answers={"truthful": "yes", "own_name": "yes"})
    r.upload_all(row, do="submit", by=r.world.bob, but=(paper,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=r.world.bob)


def test_who_does_not_answer_for_the_truth_of_the_papers_is_not_heard(r: Regime) -> None:
    """第九条、第十八条

    carries: P6-081 P6-095
    """
    row = r.file("open_account", applicant=r.world.bob, answers={"truthful": "no"})
    r.upload_all(row, do="submit", by=r.world.bob)
    with pytest.raises(GuardRefused):
        r.act(row, "submit", by=r.world.bob)


def test_the_account_is_due_five_working_days_after_the_formal_examination(r: Regime) -> None:
    """第十条: over National Day, whose make-up day counts; one day late is told as overdue.

    carries: P6-082
    """
    row = opened(r.at(date(2026, 9, 28)), "open_account", r.world.bob, own_name="yes")
    r.at(date(2026, 9, 29))
    r.act(row, "pass", by=r.world.rong)
    assert r.clock(row, "account_period").due_on == date(2026, 10, 12)
    r.at(date(2026, 10, 12), hour=23).sweep()
    assert "clock.overdue" not in r.facts(row)
    r.at(date(2026, 10, 13), hour=1).sweep()
    assert "clock.overdue" in r.facts(row)
    r.act(row, "issue", by=r.world.rita)
    assert r.state(row) == "registered"


def test_a_second_account_is_refused(r: Regime) -> None:
    """第八条"""
    with pytest.raises(AccountOpen):
        account(r, "open_account", own_name="yes")


def test_nobody_opens_an_account_in_anothers_name(r: Regime) -> None:
    """第八条

    carries: P6-080
    """
    with pytest.raises(Forbidden):
        r.file("open_account", applicant=r.world.bob, by=r.world.mallory)


def test_nothing_is_registered_without_an_account(r: Regime) -> None:
    """第八条

    carries: P6-079
    """
    row = drafted(r, who=r.world.bob)
    r.upload_all(row, do="submit", by=r.world.bob)
    with pytest.raises(GuardRefused):
        r.act(row, "submit", by=r.world.bob)


def test_a_change_of_account_states_reason_time_and_impact(r: Regime) -> None:
    """第十一条

    carries: P6-083 P6-084
    """
    row = r.file("change_account", answers={"truthful": "yes", "changed_what": "单位名称"})
    assert needed(r, row) == {"application_form", "identity", "change_statement"}
    assert {"change_reason", "change_on", "change_impact"} <= set(row.form)
    r.upload_all(row, do="submit")
    r.act(row, "submit")
    r.act(row, "pass", by=r.world.rong)
    assert r.clock(row, "account_period").due_on == date(2026, 3, 9)
    r.act(row, "issue", by=r.world.rita)
    held = Account.objects.get(register="dali", org=r.world.alice.org)
    assert held.changed_on == date(2026, 3, 2) and held.info["changed_what"] == "单位名称"


def test_contact_details_are_the_registrants_own_to_change(r: Regime) -> None:
    """第十一条末款: without a case, and no certificate loses its force by it.

    carries: P6-085
    """
    (paper,) = r.certificates(registered(r))
    r.at(date(2026, 4, 1))
    held = contacts.update_contact(UpdateContact("dali", {"phone": "0872-0000000"}), actor=r.world.alice, now=r.now)
    assert held.info["phone"] == "0872-0000000"
    assert "valid" in queries.certificate(paper.number, r.now.date()).facets
    with pytest.raises(InputInvalid):
        contacts.update_contact(UpdateContact("dali", {"changed_what": "单位名称"}), actor=r.world.alice, now=r.now)
    with pytest.raises(AccountMissing):
        contacts.update_contact(UpdateContact("dali", {"phone": "1"}), actor=r.world.bob, now=r.now)


def test_an_account_number_leads_to_what_its_holder_has_registered(r: Regime) -> None:
    """第二十七条

    carries: P6-108
    """
    number = r.entry(registered(r)).number
    found = queries_book.account_by_number(Account.objects.get(register="dali").number)
    assert found is not None and found.org == r.world.alice.org and found.register == "dali"
    (line,) = queries.entries_of(found.org, r.now.date())
    assert line.number == number and line.facets == {"valid"}
    assert "valid" in queries.certificate(line.certificate_number, r.now.date()).facets
    assert queries_book.account_by_number("ACC-0") is None


@pytest.mark.parametrize("ground", CLOSINGS)
def test_an_account_closes_on_each_of_four_grounds(r: Regime, ground: str) -> None:
    """第十二条

    carries: P6-086
    """
    account(r, "close_account", close_account_ground=ground, business_settled="yes")
    assert Account.objects.get(register="dali", org=r.world.alice.org).closed_on == date(2026, 3, 2)
    row = drafted(r)
    r.upload_all(row, do="submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


def test_closing_an_account_needs_proof_that_business_is_settled_and_of_succession(r: Regime) -> None:
    """第十二条

    carries: P6-086 P6-087
    """
    row = r.file("close_account", answers={"truthful": "yes", "successor": "yes"})
    assert {"closing_proof", "settlement_proof", "succession_proof"} <= needed(r, row)
    r.upload_all(row, do="submit", but=("settlement_proof",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


def test_while_its_closing_is_applied_for_the_account_cannot_be_used(r: Regime) -> None:
    """第十二条

    carries: P6-087
    """
    row = drafted(r)
    r.upload_all(row, do="submit")
    closing = opened(r, "close_account", business_settled="yes")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")
    r.act(closing, "withdraw")
    r.act(row, "submit")
    assert r.state(row) == "review"


def test_an_account_that_holds_live_entries_does_not_close(r: Regime) -> None:
    """第十二条

    carries: P6-087
    """
    registered(r)
    row = opened(r, "close_account", business_settled="yes")
    r.act(row, "pass", by=r.world.rong)
    with pytest.raises(AccountOpen):
        r.act(row, "issue", by=r.world.rita)


def needed_of(row: Filing) -> set[str]:
    """What was filed with an application that has ended."""
    return {m.id for m in cases.view_of(row.pk)[1].materials}


def test_the_certificate_shows_what_article_26_lists_and_runs_one_year(r: Regime) -> None:
    """第二十六条、第三十条、第三十五条

    carries: P6-078 P6-106 P6-107 P6-111 P3-191
    """
    row = registered(r)
    (paper,) = r.certificates(row)
    said = paper.credential["credentialSubject"]
    assert paper.valid_until == date(2027, 3, 10)
    assert said["particulars"]["acquisition"] == "succession"
    assert said["particulars"]["use_scope"] and said["particulars"]["data_type"]
    assert said["supervisor"]["zh"].startswith("州数据管理行政主管部门")
    once, twice = (queries.certificate_pdf(paper.number, "zh", now=clock.now()) for _ in range(2))
    assert once.startswith(b"%PDF") and once == twice


@pytest.mark.parametrize("question", ["acquisition", "use_scope"])
def test_how_the_right_was_acquired_and_how_far_it_reaches_must_be_told(r: Regime, question: str) -> None:
    """第十三条（四）、第二十六条: beside the right itself.

    carries: P3-191 P3-243
    """
    with pytest.raises(InputInvalid) as told:
        drafted(r, answers={question: ""})
    assert set(told.value.field_errors) == {f"form.{question}"}


def test_a_change_of_the_account_voids_the_certificate_and_the_book_prevails(r: Regime) -> None:
    """第二十九条、第三十条: the entry stays valid, the paper does not, and a new one may be had.

    carries: P6-110 P6-112
    """
    row = registered(r)
    number = r.entry(row).number
    r.at(date(2026, 4, 1))
    account(r, "change_account", changed_what="单位名称")
    (old,) = r.certificates(row)
    assert "valid" not in old.facets and "valid" in r.facets(number)
    assert any("第二十九条" in line.article for line in old.lines)
    again = carried(r, "reissue", number, reissue_ground="account_changed")
    (new,) = r.certificates(again)
    assert "valid" in new.facets and new.entry_number == number


@pytest.mark.parametrize("ground", ["lost", "damaged"])
def test_a_lost_or_damaged_certificate_is_issued_again(r: Regime, ground: str) -> None:
    """第二十八条

    carries: P6-109
    """
    row = registered(r)
    again = carried(r, "reissue", r.entry(row).number, reissue_ground=ground)
    assert ("loss_statement" in needed_of(again)) == (ground == "lost")
    (old,), (new,) = r.certificates(row), r.certificates(again)
    assert "valid" in new.facets and "superseded" in old.facets
    assert new.valid_until == old.valid_until


def test_annual_review_gives_another_year_and_only_at_the_end_of_the_first(r: Regime) -> None:
    """第三十条

    carries: P6-111 P6-112
    """
    row = registered(r)
    number = r.entry(row).number
    answers = {"truthful": "yes", "matches_account": "yes"}
    early = r.at(date(2027, 3, 8)).file("annual_review", entry=number, answers=answers)
    with pytest.raises(GuardRefused):
        r.act(early, "submit")
    r.at(date(2027, 3, 11))
    assert "expired" in r.facets(number)
    review = r.file("annual_review", entry=number, answers=answers)
    r.act(review, "submit")
    assert r.clock(review, "review_period").due_on == date(2027, 3, 18)
    r.act(review, "issue", by=r.world.rita)
    (paper,) = r.certificates(review)
    assert r.facets(number) == {"valid"} and paper.valid_until == date(2028, 3, 11)


def test_a_change_needs_the_statement_of_reason_time_rights_and_impact(r: Regime) -> None:
    """第十三条、第十四条

    carries: P6-091
    """
    number = r.entry(registered(r)).number
    row = drafted(r, "change", entry=number, answers={"rights_changed": "no"})
    assert "change_statement" in needed(r, row)
    assert {"change_reason", "change_on", "rights_changed", "change_impact"} <= set(row.form)
    r.upload_all(row, do="submit", but=("change_statement",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


def test_establishment_change_transfer_and_extinction_are_published_and_recorded(r: Regime) -> None:
    """第三条

    carries: P6-073
    """
    number = r.entry(registered(r)).number
    changed = registered(r, "change", entry=number)
    assert r.entry(changed).version == 2
    account(r, "open_account", r.world.bob, own_name="yes")
    moved = registered(r, "transfer", r.world.bob, entry=number)
    assert r.entry(moved).holder_org == r.world.bob.org
    row = opened(r, "extinction", r.world.bob, entry=number)
    r.act(row, "pass", by=r.world.rong)
    assert r.state(row) == "examined"
    r.act(row, "publish", by=r.world.rita)
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)
    after_notice(r, row)
    assert "cancelled" in r.facets(number) and "valid" not in r.facets(number)
    assert all("filing.noticed" in r.facts(f) for f in (changed, moved, row))


def test_only_the_holder_changes_an_entry(r: Regime) -> None:
    """第十一条"""
    number = r.entry(registered(r)).number
    account(r, "open_account", r.world.bob, own_name="yes")
    with pytest.raises(InputInvalid):
        drafted(r, "change", r.world.bob, entry=number)


@pytest.mark.parametrize("ground", MEASURES)
@pytest.mark.parametrize(("operation", "facet"), [("suspension", "suspended"), ("revocation", "revoked")])
def test_registration_is_suspended_or_revoked_on_each_of_four_grounds(
    r: Regime, operation: str, facet: str, ground: str
) -> None:
    """第二十二条

    carries: P6-101
    """
    number = r.entry(registered(r)).number
    row = measured(r, operation, number, measure_ground=ground)
    r.act(row, "answer", answer="我方认为不成立")
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rong)
    r.at(r.clock(row, "hearing_period").due_on + timedelta(days=1))
    r.act(row, "issue", by=r.world.rong)
    assert facet in r.facets(number) and "valid" not in r.facets(number)


def test_a_suspension_ends_by_resumption(r: Regime) -> None:
    """第二十二条"""
    number = r.entry(registered(r)).number
    for operation, valid in (("suspension", False), ("resumption", True)):
        row = measured(r, operation, number)
        r.at(r.clock(row, "hearing_period").due_on + timedelta(days=1))
        r.act(row, "issue", by=r.world.rong)
        assert ("valid" in r.facets(number)) is valid


def test_account_information_is_kept_fifteen_years_from_the_end() -> None:
    """第三十三条

    carries: P6-115
    """
    values = load_regime("dali", on=date(2026, 3, 2)).values
    assert (values["registry.retention"].value, values["registry.retention"].unit) == (15, "year")
    assert values["registry.retention_from"].value == "end"
