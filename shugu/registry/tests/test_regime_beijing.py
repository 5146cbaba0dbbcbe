"""北京市企业数据知识产权工作指引（试行） and 实施意见 二（四）、三（六）: data IP, the veto, the asset formed from data IP."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shugu.kernel.errors import (
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    NotYourStep,
    SeparationOfDuties,
    TooEarly,
    TooLate,
)
from shugu.kernel.regimes import load_regime
from shugu.kernel.rule_files import Force, Status
from shugu.registry import queries
from shugu.registry.models import Filing
from shugu.registry.services import Parent
from shugu.registry.tests.beijing import GOLDEN_WEEK, LAW, noticed, registered, submitted, through
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "beijing")


# --- the texts ----------------------------------------------------------------------------------------------------


def test_the_guide_binds_nobody_and_ends_after_three_years() -> None:
    """第三十八条、第四十一条: advisory; three years from 1 December 2023, then the venue's own choice.

    carries: P2-162 P2-163
    """
    guide = [v for v in LAW.values.values() if v.document.startswith("beijing/data-ip-guide")]
    assert guide and all(v.force is Force.MAY and v.status is Status.ADVISORY and v.article for v in guide)
    assert {v.effective for v in guide} == {(date(2023, 12, 1), date(2026, 11, 30))}
    after = load_regime("beijing", date(2026, 12, 1)).values["registry.event_filing_period"]
    assert after.status is Status.LAPSED and after.force is Force.VENUE and after.number == 10


def test_three_rights_are_registered_apart(r: Regime) -> None:
    """实施意见 二（四）.

    carries: P2-079 P3-204
    """
    assert LAW.values["registry.rights"].codes == ("holding", "processing_use", "operation")
    number = registered(r, rights=("processing_use", "operation"))
    assert set(queries.entry_by_number(number, r.now.date()).rights) == {"processing_use", "operation"}
    with pytest.raises(InputInvalid) as refusal:
        r.file("first", rights=("possession",))
    assert "rights" in refusal.value.field_errors


# --- data IP ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["obtained", "processing", "use_value", "intellectual"])
def test_the_application_speaks_to_each_of_the_four_tests(r: Regime, question: str) -> None:
    """第二条.

    carries: P2-125
    """
    with pytest.raises(InputInvalid) as refusal:
        r.file("first", object_kind="data_ip", answers={question: ""})
    assert set(refusal.value.field_errors) == {f"form.{question}"}


def test_the_examiner_records_the_four_tests_before_notice(r: Regime) -> None:
    """第二条.

    carries: P2-125
    """
    row = submitted(r)
    r.act(row, "accept", r.world.rita)
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "pass", r.world.rong)
    assert missing.value.article == "第二条"


def test_data_ip_is_registered_with_its_source_and_evidence(r: Regime) -> None:
    """第八条、第十二条: the source is proved, the evidence record filed.

    carries: P2-130 P2-132 P2-133 P5-267
    """
    row = r.file("first", object_kind="data_ip")
    for paper in ("source_proof", "obtained_proof", "processing_description", "evidence_record", "identity"):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    r.act(row, "submit")
    assert r.state(row) == "submitted"


@pytest.mark.parametrize("ground", LAW.values["registry.refusal_grounds"].codes)
def test_each_ground_of_refusal_refuses(r: Regime, ground: str) -> None:
    """第二条、第三十四条、实施意见 三（六）.

    carries: P2-160
    """
    row = submitted(r)
    r.act(row, "accept", r.world.rita)
    with pytest.raises(InputInvalid):
        r.act(row, "refuse", r.world.rong, refusal_ground="core_data", reason="x")
    r.act(row, "refuse", r.world.rong, refusal_ground=ground, reason="不具备条件")
    assert r.state(row) == "refused"


def test_an_application_may_be_declined_or_corrected_once(r: Regime) -> None:
    """第十三条: acceptance and correction are the venue's own."""
    row = submitted(r)
    r.act(row, "decline", r.world.rita, refusal_ground="not_lawful", reason="未附来源")
    assert r.state(row) == "declined"
    other = submitted(r, title="另一数据集")
    r.act(other, "ask_correction", r.world.rita, defects="缺少存证编号")
    r.act(other, "correct")
    with pytest.raises(GuardRefused):
        r.act(other, "ask_correction", r.world.rita, defects="再缺一项")


def test_correction_and_notice_count_over_national_day(r: Regime) -> None:
    """Venue periods: ten and five working days after 28 September end on 16 and 10 October."""
    r.at(GOLDEN_WEEK)
    row, seen = submitted(r), noticed(r, title="另一数据集")
    r.act(row, "ask_correction", r.world.rita, defects="缺少存证编号")
    r.at(date(2026, 10, 10), 23, 59)
    with pytest.raises(TooEarly):
        r.act(seen, "issue", r.world.rita)
    r.at(date(2026, 10, 11))
    r.act(seen, "issue", r.world.rita)
    r.at(date(2026, 10, 17))
    with pytest.raises(TooLate):
        r.act(row, "correct")
    r.sweep()
    assert r.state(row) == "lapsed"


def test_an_objection_holds_up_the_certificate_until_it_is_decided(r: Regime) -> None:
    """第三十条: disputes of right.

    carries: P5-267
    """
    row = noticed(r)
    found = r.objection(row)
    r.now += timedelta(days=14)
    r.sweep()
    with pytest.raises(GuardRefused):
        r.act(row, "issue", r.world.rita)
    r.answer(found, "dismiss", r.world.rong, reason="证据不足")
    r.act(row, "issue", r.world.rita)
    assert r.state(row) == "registered"


# --- the veto -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["submitted", "review", "notice"])
def test_the_compliance_officers_veto_ends_the_case_for_everybody(r: Regime, stage: str) -> None:
    """第二十六条: one vote against a major compliance risk; nobody overrides it.

    carries: P2-148
    """
    row = noticed(r) if stage == "notice" else submitted(r)
    if stage == "review":
        r.act(row, "accept", r.world.rita)
    assert r.state(row) == stage
    with pytest.raises(NotYourStep):
        r.act(row, "veto", r.world.rong, reason="重大合规风险")
    r.act(row, "veto", r.world.cora, reason="涉及未脱敏个人信息，重大合规风险")
    assert r.state(row) == "vetoed"
    for do, by in (("accept", r.world.rita), ("pass", r.world.rong), ("issue", r.world.rita)):
        with pytest.raises(NotInProcedure):
            r.act(row, do, by)


def test_who_accepts_or_examines_cannot_also_hold_the_veto(r: Regime) -> None:
    """第二十六条."""
    both = replace(r.world.rita, seats=frozenset({"registrar", "compliance_officer"}))
    row = submitted(r)
    r.act(row, "accept", both)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "veto", both, reason="重大合规风险")


# --- the data asset -----------------------------------------------------------------------------------------------


def asset_of(r: Regime, number: str, **more: Any) -> Filing:
    held = queries.entry_by_number(number, r.now.date())
    told = {"ip_certificate": held.certificate_number, **more.pop("answers", {})}
    return r.file(
        "first", object_kind="data_asset", title="由其形成的数据资产", answers=told, lineage=(Parent(entry=number),), **more
    )  # fmt: skip


def test_an_asset_is_registered_from_data_ip_and_the_two_are_linked(r: Regime) -> None:
    """第十四条、实施意见 三（六）: its certificate states rights and the state of the data.

    carries: P2-087 P2-088 P2-134 P3-201
    """
    ip = registered(r)
    row = asset_of(r, ip)
    for paper in ("source_proof", "content_compliance", "authorisation", "identity"):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, paper)
    r.act(row, "submit")
    r.act(row, "accept", r.world.rita)
    r.upload_all(row, "pass", r.world.rong)
    r.act(row, "pass", r.world.rong)
    r.now += timedelta(days=14)
    r.sweep()
    r.act(row, "issue", r.world.rita)
    (shown,) = r.certificates(row)
    said = shown.credential["credentialSubject"]
    assert shown.kind == "data_asset_certificate" and said["rights"] and said["particulars"]["data_state"]
    assert said["particulars"]["ip_certificate"] == queries.entry_by_number(ip, r.now.date()).certificate_number
    assert r.entry(row).number != ip


def test_an_asset_whose_data_ip_was_cancelled_meanwhile_is_not_registered(r: Regime) -> None:
    """第十四条: the asset is formed from data IP; a stale side is found.

    carries: P2-134
    """
    ip = registered(r)
    row = asset_of(r, ip)
    r.upload_all(row, "submit")
    through(r, r.file("cancellation", entry=ip))
    assert "cancelled" in r.facets(ip)
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


def test_personal_information_or_public_interest_needs_a_graded_authorisation(r: Regime) -> None:
    """实施意见 二（四）: only other data is covered by the three rights as such.

    carries: P2-081 P1-019 P3-204
    """
    row = asset_of(r, registered(r), answers={"personal_or_public": "yes"})
    r.upload_all(row, "submit", but=("graded_authorisation",))
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "submit")
    assert missing.value.article == "二（四）"
