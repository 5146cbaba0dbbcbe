"""广东省数据资产合规登记规则（试行）（征求意见稿）: public notice and objections, each clock at its edge."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import (
    GuardRefused,
    MaterialsMissing,
    NotInProcedure,
    TooEarly,
    TooLate,
)
from shugu.registry import services
from shugu.registry.services import ReviseFiling
from shugu.registry.tests.guangdong import (
    GOLDEN_WEEK,
    accepted,
    noticed,
    objected,
    published,
)
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guangdong")


# --- notice and publication ---------------------------------------------------------------------------------------


def test_public_notice_lasts_three_working_days_across_national_day(r: Regime) -> None:
    """第十一条: from 28 September 2026 to 8 October, the holiday left out.

    carries: P3-020
    """
    row = noticed(r.at(GOLDEN_WEEK))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 8)
    r.at(date(2026, 10, 8), 23, 59).sweep()
    with pytest.raises(TooEarly) as refusal:
        r.act(row, "issue", r.world.rita)
    assert r.state(row) == "notice" and "2026-10-08" in str(refusal.value)
    r.at(date(2026, 10, 9), 0, 0)
    r.act(row, "issue", r.world.rita)
    assert r.state(row) == "registered"


def test_publication_lasts_one_working_day_and_a_made_up_saturday_is_one(r: Regime) -> None:
    """第十六条: 9 October is a Friday, 10 October a made-up working Saturday.

    carries: P3-026
    """
    row = published(r.at(date(2026, 10, 9)))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 10)
    with pytest.raises(TooEarly):
        r.act(row, "issue", r.world.rita)
    r.at(date(2026, 10, 10), 23, 59).sweep()
    assert r.state(row) == "publication"
    r.at(date(2026, 10, 11), 0, 0).sweep()
    assert r.state(row) == "cleared"
    r.act(row, "issue", r.world.rita)
    assert r.state(row) == "registered"


def test_an_objection_is_taken_on_the_last_day_and_not_later(r: Regime) -> None:
    """第十一条: anybody, within the notice.

    carries: P3-021
    """
    row = noticed(r)
    assert r.clock(row, "objection_window").due_on == date(2026, 3, 5)
    r.at(date(2026, 3, 5), 23, 59)
    r.objection(row)
    r.at(date(2026, 3, 6), 0, 0)
    with pytest.raises(TooLate):
        r.objection(row, by=r.world.bob)


def test_an_objection_without_material_is_not_taken_up(r: Regime) -> None:
    """第十一条、第十六条: true and necessary material.

    carries: P3-021
    """
    row = published(r)
    found = r.objection(row)
    with pytest.raises(MaterialsMissing):
        r.answer(found, "forward")
    r.answer(found, "decline", reason="未提供任何材料")
    assert r.state(found) == "declined"
    r.at(date(2026, 3, 4)).sweep()
    assert r.state(row) == "cleared"


def test_the_certificate_waits_until_the_registrant_has_settled_the_objection(r: Regime) -> None:
    """第十六条: ten working days.

    carries: P3-022
    """
    row = published(r)
    found = objected(r, row)
    assert r.clock(found, "objection_handling_period").due_on == date(2026, 3, 16)
    r.at(date(2026, 3, 4)).sweep()
    assert r.state(row) == "objected"
    with pytest.raises(GuardRefused):
        r.act(row, "issue", r.world.rita)
    r.at(date(2026, 3, 16), 23, 59)
    r.upload_all(found, "settle")
    r.answer(found, "settle", r.world.alice, answer="已与异议人书面确认权属")
    r.at(date(2026, 3, 18)).sweep()
    assert r.state(found) == "handled"
    r.answer(found, "confirm")
    assert r.state(row) == "cleared"
    r.act(row, "issue", r.world.rita)


def test_the_registrants_time_stands_still_while_the_registrar_checks(r: Regime) -> None:
    """第十一条: settled on 10 March, sent back on the 12th: two working days are added."""
    found = objected(r, published(r))
    r.at(date(2026, 3, 10))
    r.upload_all(found, "settle")
    r.answer(found, "settle", r.world.alice, answer="已说明")
    r.at(date(2026, 3, 12))
    r.answer(found, "send_back", reason="未回应权属部分")
    assert r.state(found) == "handling" and r.clock(found, "objection_handling_period").due_on == date(2026, 3, 18)


@pytest.mark.parametrize(("do", "after"), [("refuse_unsettled", "refused"), ("go_on", "cleared")])
def test_an_objection_not_settled_in_time_lets_the_registrar_refuse(r: Regime, do: str, after: str) -> None:
    """第二十三条第二款: the registrar may refuse; it need not.

    carries: P3-037
    """
    row = published(r)
    found = objected(r, row)
    r.at(date(2026, 3, 16), 23, 59).sweep()
    assert r.state(found) == "handling"
    with pytest.raises(NotInProcedure):
        r.act(row, "refuse_unsettled", r.world.rita, reason="异议未处理")
    r.at(date(2026, 3, 17), 0, 0)
    with pytest.raises(TooLate):
        r.upload_all(found, "settle")
    with pytest.raises(TooLate):
        r.answer(found, "settle", r.world.alice, answer="迟到的说明")
    r.sweep()
    assert (r.state(found), r.state(row)) == ("unsettled", "unresolved")
    r.act(row, do, r.world.rita, reason="异议逾期未处理完毕")
    assert r.state(row) == after


def test_an_objection_withdrawn_holds_nothing_up(r: Regime) -> None:
    """第十一条."""
    row = noticed(r)
    found = objected(r, row)
    r.at(date(2026, 3, 6)).sweep()
    r.answer(found, "withdraw", r.world.mallory)
    assert r.state(row) == "cleared"


def test_a_simple_case_may_be_sent_to_the_ordinary_procedure_through_correction(r: Regime) -> None:
    """第七条、第十三条: the draft does not say how; the registrant corrects its answer and the case is routed anew.

    carries: P3-024
    """
    row = accepted(r)
    r.act(row, "ask_correction", r.world.rong, defects="第七条（三）一项答复有误")
    form = {**row.form, "route_security": "yes"}
    revised = ReviseFiling(row.pk, row.title, tuple(row.rights), form)
    services.revise_filing(revised, actor=r.world.alice, now=r.now)
    r.act(row, "correct")
    r.act(row, "accept", r.world.rita)
    assert r.state(row) == "initial_review"
