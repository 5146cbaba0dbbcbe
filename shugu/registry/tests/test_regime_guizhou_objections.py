"""贵州省数据要素登记服务管理办法（试行） 第十九条、第二十条: objections to a notice."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import GuardRefused, MaterialsMissing, TooEarly, TooLate
from shugu.registry.models import Filing, Objection
from shugu.registry.tests.guizhou import CLEARED, NOTICE_OVER, drafted, issued, noticed, submitted
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guizhou")


def test_nobody_objects_after_the_notice(r: Regime) -> None:
    """第十九条: on the last day one may, a day later not.

    carries: P6-298
    """
    row = noticed(r, submitted(r, drafted(r)))
    r.at(NOTICE_OVER, 23)
    assert r.state(r.objection(row, "other")) == "filed"
    r.at(date(2026, 3, 2))
    other = noticed(r, submitted(r, drafted(r, title="另一项数据资源")))
    r.at(CLEARED, 1)
    with pytest.raises(TooLate):
        r.objection(other, "other")


def objected(r: Regime, ground: str = "wrong_content") -> tuple[Filing, Objection]:
    """An objection that is accepted."""
    row = noticed(r, submitted(r, drafted(r)))
    objection = r.objection(row, ground)
    r.upload_all(objection, "accept", by=r.world.mallory)
    r.answer(objection, "accept", by=r.world.rong)
    return row, objection


def determined(r: Regime, finding: str) -> tuple[Filing, Objection]:
    row, objection = objected(r)
    r.answer(objection, "notify", by=r.world.rita)
    r.answer(objection, "answer", by=r.world.alice, answer="内容无误")
    r.upload_all(objection, "determine", by=r.world.rong)
    r.answer(objection, "determine", by=r.world.rong, finding=finding, reason="见判定意见")
    return row, objection


def test_an_objection_needs_evidence_and_that_the_registrant_refuses(r: Regime) -> None:
    """第十九条、第二十条: an interested party also shows the refusal to change or deregister.

    carries: P6-298 P6-299
    """
    row = noticed(r, submitted(r, drafted(r)))
    objection = r.objection(row, "wrong_subject")
    r.upload(objection, "evidence", by=r.world.mallory)
    with pytest.raises(MaterialsMissing):
        r.answer(objection, "accept", by=r.world.rong)
    r.upload(objection, "refusal_proof", by=r.world.mallory)
    r.answer(objection, "accept", by=r.world.rong)
    assert r.state(objection) == "accepted"


def test_the_registrant_is_told_within_three_working_days_and_answers_within_seven(r: Regime) -> None:
    """第二十条: told on the fourth day it is late; explained on the eighth it is late too, but still heard.

    carries: P6-299
    """
    _, objection = objected(r)
    assert r.clock(objection, "notification_period").due_on == date(2026, 3, 5)
    r.at(date(2026, 3, 6))
    r.sweep()
    assert r.clock(objection, "notification_period").status == "overdue"
    r.answer(objection, "notify", by=r.world.rita)
    assert r.clock(objection, "answer_period").due_on == date(2026, 3, 17)
    r.at(date(2026, 3, 17))
    with pytest.raises(TooEarly):
        r.answer(objection, "refer", by=r.world.rita)
    r.at(date(2026, 3, 18))
    r.sweep()
    assert r.clock(objection, "answer_period").status == "overdue"
    r.answer(objection, "answer", by=r.world.alice, answer="内容无误")
    assert r.state(objection) == "determination"


def test_without_an_explanation_the_third_party_determines_all_the_same(r: Regime) -> None:
    """第二十条（一）: once the seven days are over.

    carries: P6-300
    """
    _, objection = objected(r)
    r.answer(objection, "notify", by=r.world.rita)
    r.at(date(2026, 3, 12))
    r.answer(objection, "refer", by=r.world.rita)
    assert r.state(objection) == "determination"


def test_a_determination_both_sides_take_keeps_the_registration(r: Regime) -> None:
    """第二十条（一）: one voice is not enough; with both the notice goes on.

    carries: P6-300
    """
    row, objection = determined(r, "keep")
    r.answer(objection, "agree", by=r.world.mallory)
    assert r.state(objection) == "determined"
    r.answer(objection, "agree", by=r.world.alice)
    assert (r.state(objection), r.state(row)) == ("dismissed", "notice")
    assert r.state(issued(r, row)) == "registered"


def test_a_determination_both_sides_take_ends_the_registration(r: Regime) -> None:
    """第二十条（一）: revoked.

    carries: P6-300
    """
    row, objection = determined(r, "revoke")
    r.answer(objection, "agree", by=r.world.alice)
    r.answer(objection, "agree", by=r.world.mallory)
    assert (r.state(objection), r.state(row)) == ("upheld", "refused")


def test_a_determination_both_sides_take_gives_notice_again(r: Regime) -> None:
    """第二十条（一）: another thirty working days.

    carries: P6-300
    """
    row, objection = determined(r, "republish")
    r.at(date(2026, 3, 16))
    r.answer(objection, "agree", by=r.world.alice)
    r.answer(objection, "agree", by=r.world.mallory)
    assert (r.state(objection), r.state(row)) == ("republished", "notice")
    assert r.clock(row, "notice_period").due_on == date(2026, 4, 28)
    r.at(CLEARED)
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)


@pytest.mark.parametrize(("do", "ends", "filing"), [("uphold", "upheld", "refused"), ("dismiss", "dismissed", "cleared")])
def test_an_unresolved_dispute_goes_to_court_and_the_registry_follows(r: Regime, do: str, ends: str, filing: str) -> None:
    """第二十条（二）: until the ruling no certificate is issued; the ruling is filed.

    carries: P6-300
    """
    row, objection = determined(r, "keep")
    r.answer(objection, "dispute", by=r.world.mallory, reason="不接受")
    r.upload_all(objection, "sue", by=r.world.mallory)
    r.answer(objection, "sue", by=r.world.mallory)
    r.at(CLEARED)
    r.sweep()
    assert r.state(row) == "objected"
    with pytest.raises(GuardRefused):
        r.act(row, "issue", by=r.world.rita)
    with pytest.raises(MaterialsMissing):
        r.answer(objection, do, by=r.world.rong, reason="依判决")
    r.upload_all(objection, do, by=r.world.rong)
    r.answer(objection, do, by=r.world.rong, reason="依判决")
    assert (r.state(objection), r.state(row)) == (ends, filing)


def test_a_dispute_nobody_takes_to_court_lapses(r: Regime) -> None:
    """第二十条（二）: the objector goes to court; how long the objector has is the venue's own period.

    carries: P6-300
    """
    row, objection = determined(r, "keep")
    r.answer(objection, "dispute", by=r.world.mallory, reason="不接受")
    due = r.clock(objection, "litigation_lapse")
    assert due.due_on == date(2026, 3, 23)
    r.now = due.due_at
    r.sweep()
    assert (r.state(objection), r.state(row)) == ("dismissed", "notice")
