"""广东省数据资产合规登记规则（试行）（征求意见稿）: shares, certificate, account, alteration, cancellation, revocation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shugu.kernel.errors import (
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    SeparationOfDuties,
    TooEarly,
)
from shugu.kernel.models import Clock
from shugu.kernel.rule_files import Force
from shugu.party import services as party
from shugu.registry import queries, reporting
from shugu.registry.models import Account, Filing, RegisterReport
from shugu.registry.tests.guangdong import GOLDEN_WEEK, LAW, drafted, registered
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guangdong")


# --- shares, certificate, account ---------------------------------------------------------------------------------


def test_interest_shares_of_co_holders_sum_to_the_whole(r: Regime) -> None:
    """第十七条（四）: written in ten-thousandths (ours).

    carries: P3-029
    """
    alice, bob = r.world.alice.org, r.world.bob.org
    assert alice is not None and bob is not None
    with pytest.raises(InputInvalid) as refusal:
        drafted(r, holders=((alice, 6000), (bob, 3999)))
    assert "holders" in refusal.value.field_errors
    row = registered(r, holders=((alice, 6000), (bob, 4000)))
    held = queries.certificate(r.certificates(row)[0].number).credential["credentialSubject"]["holders"]
    assert [h["parts"] for h in held] == [6000, 4000]


def test_the_certificate_states_number_type_use_and_interests(r: Regime) -> None:
    """第二十五条: supervised by the province, issued by the registrar.

    carries: P3-041 P3-042
    """
    row = registered(r, object_kind="indicator")
    (shown,) = r.certificates(row)
    assert shown.kind == "data_asset_certificate"
    said = shown.credential["credentialSubject"]
    assert said["entry"]["number"] == r.entry(row).number and said["object_kind"]["zh"] == "数据指标"
    assert said["particulars"]["purpose"] and said["rights"] and said["holders"]
    assert said["supervisor"]["zh"] == "广东省政务服务数据管理局监制" and said["issuer"]["zh"]


def test_the_registrant_has_an_account_from_its_first_entry(r: Regime) -> None:
    """第二十七条.

    carries: P3-045
    """
    registered(r)
    account = Account.objects.get(register="guangdong")
    assert account.org_id == r.world.alice.org and account.closed_on is None


def test_an_entrusted_institution_applies_with_its_power_and_its_document(r: Regime) -> None:
    """第三条（二）: the registrant or an institution it entrusts.

    carries: P3-004
    """
    alice, bob = r.world.alice, r.world.bob
    with pytest.raises(InputInvalid):
        drafted(r, agent=bob.org, by=bob)
    power = party.GrantPower(alice.org or 0, bob.org or 0, ("registration",), date(2026, 12, 31))
    party.grant_power(power, actor=alice, now=r.now)
    row = drafted(r, agent=bob.org, by=bob)
    r.upload_all(row, "submit", bob, but=("entrustment",))
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "submit", bob)
    assert missing.value.article == "第三条（二）"
    r.upload(row, "entrustment", bob)
    r.act(row, "submit", bob)
    assert r.state(row) == "submitted"


@pytest.mark.parametrize(
    "name",
    [
        "initial_review_period", "committee_period", "committee_quorum", "decision_period", "correction_period",
        "objection_forward_period", "other_filing_period", "shares_total", "certificate_term",
    ],
)  # fmt: skip
def test_what_the_draft_leaves_open_is_shown_as_the_venues_own(r: Regime, name: str) -> None:
    """Lengths of review and correction, start of an objection's time, shares, validity: the draft gives none."""
    value = LAW.values[f"registry.{name}"]
    assert value.force is Force.VENUE and value.document.startswith("regimes/") and not value.article


# --- alteration ---------------------------------------------------------------------------------------------------

# (operation, cause) -> the documents of article 19, the last day for an event on 28 September 2026
ALTERATIONS: dict[tuple[str, str], tuple[set[str], date]] = {
    ("change", "renamed"): ({"department_approval", "written_decision", "security_description"}, date(2026, 10, 16)),
    ("succession", "divided"): ({"department_approval", "written_decision", "security_description"}, date(2026, 10, 16)),
    ("succession", "merged"): ({"department_approval", "written_decision", "security_description"}, date(2026, 10, 16)),
    ("change", "product"): ({"product_description"}, date(2026, 10, 10)),
    ("shares", ""): ({"shares_proof"}, date(2026, 10, 10)),
    ("change", "other"): (set(), date(2026, 10, 16)),
}


def changing(r: Regime, kind: tuple[str, str], event_on: date, number: str, **more: Any) -> Filing:
    told = {"event_on": event_on.isoformat(), **({"cause": kind[1]} if kind[1] else {})}
    return r.file(kind[0], entry=number, answers=told, **more)


def through(r: Regime, row: Filing) -> Filing:
    """Submitted, found complete, passed and entered."""
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    r.upload_all(row, "pass", r.world.rong)
    r.act(row, "pass", r.world.rong)
    return r.act(row, "issue", r.world.rita)


@pytest.mark.parametrize("kind", ALTERATIONS)
def test_each_alteration_asks_for_its_own_documents(r: Regime, kind: tuple[str, str]) -> None:
    """第十九条.

    carries: P3-030 P3-032 P3-262
    """
    row = changing(r, kind, date(2026, 3, 4), r.entry(registered(r)).number)
    r.upload(row, "declaration")
    for paper in sorted(ALTERATIONS[kind][0]):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    r.act(row, "submit")
    assert r.state(row) == "submitted"


@pytest.mark.parametrize("kind", ALTERATIONS)
def test_an_alteration_is_in_time_on_the_last_day_and_late_the_day_after(r: Regime, kind: tuple[str, str]) -> None:
    """第十八条: ten working days from the approval, five from the event, across National Day; (五) has our ten.

    carries: P3-031 P3-263
    """
    last = ALTERATIONS[kind][1]
    number = r.entry(registered(r)).number
    r.at(GOLDEN_WEEK)
    rows = [changing(r, kind, GOLDEN_WEEK, number) for _ in range(2)]
    for row, day, status in ((rows[0], last, "met"), (rows[1], date.fromordinal(last.toordinal() + 1), "late")):
        assert r.clock(row, "filing_period").due_on == last
        r.at(day, 23, 59)
        r.upload_all(row, "submit")
        r.act(row, "submit")
        assert r.clock(row, "filing_period").status == status


def test_an_alteration_of_shares_makes_a_new_version_and_certificate(r: Regime) -> None:
    """第十八条（四）、第二十五条.

    carries: P3-029 P3-030
    """
    alice, bob = r.world.alice.org, r.world.bob.org
    assert alice is not None and bob is not None
    first = registered(r)
    number = r.entry(first).number
    row = changing(r, ("shares", ""), date(2026, 3, 4), number, holders=((alice, 7000), (bob, 3000)))
    through(r, row)
    (old,), (new,) = r.certificates(first), r.certificates(row)
    assert "superseded" in {line.facet.value for line in old.lines}
    assert "valid" in {line.facet.value for line in new.lines}
    assert [h["parts"] for h in new.credential["credentialSubject"]["holders"]] == [7000, 3000]


def test_a_merged_registrants_entry_goes_to_its_successor(r: Regime) -> None:
    """第十八条（二）.

    carries: P3-030
    """
    bob = r.world.bob.org
    assert bob is not None
    number = r.entry(registered(r)).number
    through(r, changing(r, ("succession", "merged"), date(2026, 3, 4), number, holders=((bob, 10000),)))
    assert r.entry(Filing.objects.filter(entry__number=number).latest("pk")).holder_org == bob


def test_an_altered_product_keeps_its_number_under_its_new_name(r: Regime) -> None:
    """第十八条（三）.

    carries: P3-030
    """
    number = r.entry(registered(r)).number
    row = changing(r, ("change", "product"), date(2026, 3, 4), number, title="城市客流统计数据（小时级）")
    through(r, row)
    assert queries.entry_by_number(number, r.now.date()).title == "城市客流统计数据（小时级）"


def test_a_failed_alteration_is_told_and_leaves_the_entry_as_it_was(r: Regime) -> None:
    """第十五条、第十八条."""
    number = r.entry(registered(r)).number
    row = changing(r, ("change", "product"), date(2026, 3, 4), number)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    r.act(row, "fail", r.world.rong, reason="说明书不符")
    r.act(row, "notify", r.world.rita, reason="说明书不符")
    assert r.state(row) == "refused" and r.facets(number) == {"valid"}


def test_only_a_holder_may_ask_for_an_alteration(r: Regime) -> None:
    """第十八条: the registrant applies."""
    number = r.entry(registered(r)).number
    with pytest.raises(InputInvalid):
        r.file("change", entry=number, applicant=r.world.bob, answers={"cause": "other", "event_on": "2026-03-04"})


def test_an_alteration_may_be_corrected_once_and_lapses_after_that_time(r: Regime) -> None:
    """第十九条、第二十三条（三）: over National Day to 16 October.

    carries: P3-038
    """
    number = r.entry(registered(r)).number
    r.at(GOLDEN_WEEK)
    rows = [changing(r, ("change", "product"), GOLDEN_WEEK, number) for _ in range(2)]
    for row in rows:
        r.upload_all(row, "submit")
        r.act(row, "submit")
        r.act(row, "accept", r.world.rita)
        r.act(row, "ask_correction", r.world.rong, defects="说明书缺应用范围")
    r.at(date(2026, 10, 16), 23, 59)
    r.act(rows[0], "correct")
    with pytest.raises(GuardRefused):
        r.act(rows[0], "ask_correction", r.world.rita, defects="再缺一项")
    r.act(rows[0], "refuse_uncorrected", r.world.rita, reason="仍缺应用范围")
    r.at(date(2026, 10, 17), 0, 0).sweep()
    assert [r.state(row) for row in rows] == ["refused", "lapsed"]


def test_a_third_partys_report_may_be_demanded_for_an_alteration(r: Regime) -> None:
    """第十九条第二款.

    carries: P3-028
    """
    row = changing(r, ("shares", ""), date(2026, 3, 4), r.entry(registered(r)).number)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "demand_report", r.world.rita, required_by_registrar="份额变化较大")
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "correct")
    assert missing.value.article == "第十九条"


# --- cancellation and revocation ----------------------------------------------------------------------------------


def test_a_product_that_cannot_be_operated_is_cancelled_within_five_working_days(r: Regime) -> None:
    """第二十条（二）、第二十一条（二）.

    carries: P3-033 P3-034 P3-035
    """
    number = r.entry(registered(r)).number
    row = r.file("cancellation", entry=number, answers={"cause": "inoperable", "event_on": "2026-03-05"})
    assert r.clock(row, "filing_period").due_on == date(2026, 3, 12)
    r.upload_all(row, "submit", but=("explanation",))
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "submit")
    assert missing.value.article == "第二十一条（二）"
    through(r, row)
    assert "cancelled" in r.facets(number) and r.clock(row, "filing_period").status == "met"


@pytest.mark.parametrize(("filed", "status"), [(date(2026, 9, 28), "met"), (date(2026, 9, 29), "late")])
def test_a_dissolving_registrant_files_ten_working_days_before_it_deregisters(r: Regime, filed: date, status: str) -> None:
    """第二十条（一）: backwards over National Day from 16 October 2026.

    carries: P3-034
    """
    number = r.entry(registered(r)).number
    r.at(date(2026, 9, 21))
    row = r.file("dissolution", entry=number, answers={"cause": "dissolved", "planned_on": "2026-10-16"})
    clock = r.clock(row, "advance_period")
    assert clock.due_on == date(2026, 9, 28)
    r.at(filed)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    clock.refresh_from_db()
    assert clock.status == status


@pytest.mark.parametrize("cause", LAW.values["registry.dissolution_grounds"].codes)
def test_a_registrant_that_ends_brings_approval_decision_and_transfer_report(r: Regime, cause: str) -> None:
    """第二十一条（一）.

    carries: P3-033 P3-035
    """
    number = r.entry(registered(r)).number
    row = r.file("dissolution", entry=number, answers={"cause": cause, "planned_on": "2026-06-01"})
    r.upload(row, "declaration")
    for paper in ("department_approval", "written_decision", "interest_transfer_report"):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    through(r, row)
    assert "cancelled" in r.facets(number)


@pytest.mark.parametrize("ground", LAW.values["registry.revocation_grounds"].codes)
@pytest.mark.parametrize(("extent", "facet"), [("whole", "revoked"), ("part", "revoked_in_part")])
def test_the_registrar_may_revoke_all_or_part(r: Regime, ground: str, extent: str, facet: str) -> None:
    """第二十二条: on each ground; the registrant is heard first, a second person decides (ours).

    carries: P3-036
    """
    number = r.entry(registered(r)).number
    told = {"cause": ground, "extent": extent, **({"revoked_part": "2024 年以前的数据"} if extent == "part" else {})}
    row = r.file("revocation", entry=number, by=r.world.rita, answers=told)
    with pytest.raises(MaterialsMissing):
        r.act(row, "propose", r.world.rita)
    r.upload_all(row, "propose", r.world.rita)
    r.act(row, "propose", r.world.rita)
    r.act(row, "state_case", r.world.alice, registrant_statement="材料属实")
    last = r.clock(row, "hearing_period").due_on
    with pytest.raises(TooEarly):
        r.act(row, "issue", r.world.rong, reason="查证属实")
    r.at(date.fromordinal(last.toordinal() + 1))
    both = replace(r.world.rita, seats=frozenset({"registrar", "reviewer"}))
    with pytest.raises(SeparationOfDuties):
        r.act(row, "issue", both, reason="查证属实")
    r.act(row, "issue", r.world.rong, reason="查证属实")
    assert facet in r.facets(number)
    assert ("valid" in r.facets(number)) is (extent == "part")


def test_a_revocation_not_borne_out_is_dropped(r: Regime) -> None:
    """第二十二条 says may."""
    number = r.entry(registered(r)).number
    row = r.file("revocation", entry=number, by=r.world.rita, answers={"cause": "deceit", "extent": "whole"})
    r.upload_all(row, "propose", r.world.rita)
    r.act(row, "propose", r.world.rita)
    r.act(row, "drop", r.world.rong, reason="查无实据")
    assert r.state(row) == "dropped" and r.facets(number) == {"valid"}


# --- the authority ------------------------------------------------------------------------------------------------


def test_the_annual_report_is_sent_by_the_twentieth_working_day_after_the_year(r: Regime) -> None:
    """第三十条: from the end of 2025 to 29 January 2026.

    carries: P3-047
    """
    r.at(date(2026, 1, 2))
    reporting.prepare_due(r.now)
    report = RegisterReport.objects.get(register="guangdong")
    assert (report.first_day, report.last_day) == (date(2025, 1, 1), date(2025, 12, 31))
    r.at(date(2026, 1, 29), 23, 59).sweep()
    sent = reporting.SendReport(report.number, "公文系统报送省政务服务数据管理局")
    reporting.send_report(sent, actor=r.world.rita, now=r.now)
    clock = Clock.objects.get(case_id=report.pk, clock="report_period")
    assert (clock.due_on, clock.status) == (date(2026, 1, 29), "stopped")
