"""Reports to authorities: Guangdong article 30 (a year), Anhui article 28(3) (a quarter), prepared and sent in time."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from shugu.formats.pdf import verify_pdf
from shugu.formats.verdicts import Verdict
from shugu.kernel import clock, documents, engine, own_documents
from shugu.kernel.errors import NotFound, NotYourStep
from shugu.kernel.models import Case, Clock, Fact
from shugu.registry import figures, report_paper, reporting
from shugu.registry.figures import Span
from shugu.registry.models import RegisterReport
from shugu.registry.reporting import SendReport, last_period, prepare_due, send_report
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.stages import at
from shugu.registry.tests.test_pages import page, signed_in
from shugu.registry.tests.test_pages_operations import staff
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("every", "today", "period"),
    [
        ("year", date(2027, 1, 1), (date(2026, 1, 1), date(2026, 12, 31))),
        ("year", date(2026, 12, 31), (date(2025, 1, 1), date(2025, 12, 31))),
        ("quarter", date(2026, 4, 1), (date(2026, 1, 1), date(2026, 3, 31))),
        ("quarter", date(2026, 3, 31), (date(2025, 10, 1), date(2025, 12, 31))),
        ("quarter", date(2026, 2, 1), (date(2025, 10, 1), date(2025, 12, 31))),
    ],
)
def test_the_period_is_the_one_that_ended_last(every: str, today: date, period: tuple[date, date]) -> None:
    assert last_period(every, today) == period


def prepared(register: str, day: date) -> RegisterReport:
    prepare_due(at(day))
    return RegisterReport.objects.get(register=register)


def test_a_quarter_is_reported_once_signed_and_sent_in_time(atlas: World) -> None:
    """Anhui article 28(3)."""
    row = prepared("anhui", date(2026, 4, 1))
    assert prepare_due(at(date(2026, 4, 2))) == 0
    assert (row.first_day, row.last_day) == (date(2026, 1, 1), date(2026, 3, 31))
    assert Clock.objects.get(case_id=row.pk, clock="report_period").due_on == date(2026, 4, 15)
    credential = json.loads(documents.get(row.digest))
    assert credential["credentialSubject"]["figures"] == row.figures
    with pytest.raises(NotYourStep):
        send_report(SendReport(row.number, "x"), actor=atlas.sven, now=at(date(2026, 4, 3)))
    send_report(SendReport(row.number, "公文系统，回执 1 号"), actor=atlas.rita, now=at(date(2026, 4, 3)))
    assert Case.objects.get(pk=row.pk).state == "sent"


def test_a_late_report_is_overdue(atlas: World) -> None:
    """Guangdong article 30: twenty working days after the year."""
    row = prepared("guangdong", date(2026, 1, 2))
    due = Clock.objects.get(case_id=row.pk, clock="report_period").due_on
    assert due == date(2026, 1, 29)
    engine.sweep(at(due, 23))
    assert not Fact.objects.filter(case_id=row.pk, name="clock.overdue").exists()
    engine.sweep(at(due + timedelta(days=1)))
    assert Fact.objects.filter(case_id=row.pk, name="clock.overdue").count() == 1


def test_every_figure_is_the_records_it_counts(atlas: World) -> None:
    r = Regime(atlas, "hangzhou")
    for title in ("甲", "乙"):
        r.at(date(2026, 3, 2))
        row = r.file("first", title=title)
        r.upload_all(row, "submit")
        r.act(row, "submit")
        r.act(row, "accept", atlas.rita)
        r.act(row, "pass", atlas.rong)
        r.at(date(2026, 3, 10)).sweep()
        r.act(row, "issue", atlas.rita)
    span = Span("hangzhou", date(2026, 1, 1), date(2026, 3, 31))
    told = {f["code"]: f["value"] for f in figures.computed(span)}
    assert (told["filed"], told["registered"], told["entered"], told["in_force"], told["certificates"]) == (2, 2, 2, 2, 2)
    for code in figures.FIGURES:
        assert figures.records(code, span).count() == told[code]
    before = Span("hangzhou", date(2025, 1, 1), date(2025, 12, 31))
    assert all(f["value"] == 0 for f in figures.computed(before))


def test_strangers_see_no_report_and_staff_drill_down(atlas: World) -> None:
    row = prepared("anhui", date(2026, 4, 1))
    with pytest.raises(NotFound):
        reporting.report(row.number, atlas.mallory)
    page(signed_in(atlas.mallory), f"/register/reports/{row.number}/", 404)
    page(signed_in(atlas.mallory), "/register/reports/", 403)
    rita = staff(atlas.rita)
    assert row.number in page(rita, "/register/reports/")
    assert "期末有效的登记条目" in page(rita, f"/register/reports/{row.number}/")
    answer = rita.get(f"/register/reports/{row.number}.pdf")
    found = verify_pdf(answer.content, own_documents.verifier(clock.now()))
    assert found.verdict in (Verdict.SIGNED, Verdict.SEALED), found.text("en")
    assert rita.get(f"/register/reports/{row.number}.json").content == documents.get(row.digest)
    for form in ("pdf", "json"):
        page(signed_in(atlas.mallory), f"/register/reports/{row.number}.{form}", 404)
    shown = report_paper.document(json.loads(documents.get(row.digest)), row.digest)
    table = shown.sections[1].table
    assert table is not None and len(table.rows) == len(row.figures) > 0
    assert "没有记录" in page(rita, f"/register/reports/{row.number}/entered/")
    page(rita, f"/register/reports/{row.number}/no_such_figure/", 404)
